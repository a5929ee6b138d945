-- Workers read rows here, and write a planned change in one transaction.
--
-- The plan is made outside, from rows that were read. Here it is only checked that they have not changed since. PT412
-- says that they have: read again, plan again. (Not SQLSTATE 40001: PostgREST takes that for a serialisation failure
-- and would repeat the same stale plan for ever.)
do $once$ begin if media_sync.begin_migration('20261127080600', 'media_sync_apply') then execute $migration$
set local search_path = pg_catalog, pg_temp;

create function public.media_sync_rows(
    p_ids uuid[] default '{}',
    p_asset_ids text[] default '{}',
    p_names jsonb default '[]'
) returns jsonb
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    select coalesce(jsonb_agg(w.whole), '[]')
    from media_sync.whole_assets w
    -- Rows that wait for their asset are left out until it is there.
    where w.cloudinary_asset_id is not null and w.id in (
        select unnest(p_ids)
        union
        select a.id from public.media_assets a where a.cloudinary_asset_id = any (p_asset_ids)
        union
        -- The holders of these names: at most one live asset each.
        select a.id
        from jsonb_to_recordset(p_names) as n (resource_type text, delivery_type text, public_id text)
        join public.media_assets a
            on a.resource_type = n.resource_type
            and a.delivery_type = n.delivery_type
            and a.cloudinary_public_id = n.public_id
            and a.deleted_at is null
    )
$$;

-- Live assets that were last seen in a folder or below it. Assets with a mere wish to be there do not move with the
-- folder.
create function public.media_sync_folder_ids(p_folder text, p_limit integer) returns jsonb
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    select coalesce(jsonb_agg(cloudinary_asset_id), '[]')
    from (
        select cloudinary_asset_id from public.media_assets
        where deleted_at is null and cloudinary_asset_id is not null
            and observed is null and (folder = p_folder or starts_with(folder, p_folder || '/'))
        union all
        select cloudinary_asset_id from public.media_assets
        where deleted_at is null and cloudinary_asset_id is not null and intent is not null
            and (observed ->> 'folder' = p_folder or starts_with(observed ->> 'folder', p_folder || '/'))
        limit p_limit
    ) inside
$$;

-- Writes planned rows that are new. Without rows, no statement is planned and no trigger runs.
create function media_sync.insert_assets(p_rows jsonb) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
    v_written bigint;
begin
    if jsonb_array_length(coalesce(p_rows, '[]')) = 0 then
        return;
    end if;
    execute format(
        'insert into public.media_assets (
            id, cloudinary_asset_id, cloudinary_version_id, %1$s,
            uploaded_by, sync_status, last_synced_at, deleted_at, clocks
        )
        select
            id, cloudinary_asset_id, cloudinary_version_id, %1$s,
            uploaded_by, sync_status, now(), deleted_at, clocks
        from jsonb_populate_recordset(null::public.media_assets, $1)
        on conflict (cloudinary_asset_id) do nothing',
        media_sync.column_list(media_sync.mirrored_columns())
    ) using p_rows;
    get diagnostics v_written = row_count;
    if v_written <> jsonb_array_length(p_rows) then
        raise exception 'an asset has appeared meanwhile' using errcode = 'PT412';
    end if;
end
$$;

-- Writes planned rows that are known, if they still have the revision that was read.
create function media_sync.update_assets(p_rows jsonb) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
    v_written bigint;
begin
    if jsonb_array_length(coalesce(p_rows, '[]')) = 0 then
        return;
    end if;
    execute format(
        'update public.media_assets m
        set (%1$s) = row (%2$s),
            cloudinary_version_id = w.cloudinary_version_id,
            sync_status = w.sync_status,
            sync_error_code = w.sync_error_code,
            sync_error_message = w.sync_error_message,
            sync_retry_count = w.sync_retry_count,
            sync_next_attempt_at = w.sync_next_attempt_at,
            last_synced_at = case when w.sync_status = ''synced'' then now() else m.last_synced_at end,
            deleted_at = w.deleted_at,
            deleted_by = w.deleted_by,
            intent = w.intent,
            observed = w.observed,
            clocks = w.clocks
        from jsonb_populate_recordset(null::public.media_assets, $1) as w
        where m.id = w.id and m.revision = w.revision',
        media_sync.column_list(media_sync.mirrored_columns()),
        media_sync.column_list(media_sync.mirrored_columns(), 'w')
    ) using p_rows;
    get diagnostics v_written = row_count;
    if v_written <> jsonb_array_length(p_rows) then
        raise exception 'a row has changed meanwhile' using errcode = 'PT412';
    end if;
    -- A plan that leaves the claim out ends it.
    delete from media_sync.intent_claims c
    using jsonb_array_elements(p_rows) w
    where c.asset_id = (w ->> 'id')::uuid and w ->> 'intent_claim' is null;
end
$$;

-- p_change: {
--   "checkpoint": {run_id, lease, lease_seconds, step, state, counters, started_clock?, floor_clock?,
--     drift?, ends_in_seconds?, quota?, asset_ids?}?,
--   "finished_run": {id, mode, ...}?, a run that had no steps,
--   "inserts": [rows], "updates": [rows with id and the revision that was read],
--   "notifications": [...], "audit": [...]
-- }
create function public.media_sync_apply(p_change jsonb) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    v_former text := media_sync.mark('observing', 'on');
    v_point jsonb := p_change -> 'checkpoint';
begin
    -- First, since a former leader must not write at all.
    if v_point is not null then
        perform media_sync.hold_run(
            (v_point ->> 'run_id')::uuid, (v_point ->> 'lease')::uuid, (v_point ->> 'step')::bigint);
        update media_sync.run_progress
        set checkpoint = v_point -> 'state',
            started_clock = coalesce(started_clock, (v_point ->> 'started_clock')::bigint),
            floor_clock = coalesce(floor_clock, (v_point ->> 'floor_clock')::bigint),
            step = step + 1,
            lease_until = now() + make_interval(secs => (v_point ->> 'lease_seconds')::double precision)
        where run_id = (v_point ->> 'run_id')::uuid;
        update public.sync_runs
        set counters = v_point -> 'counters',
            drift = coalesce(v_point -> 'drift', drift),
            quota_remaining = coalesce((v_point #>> '{quota,remaining}')::integer, quota_remaining),
            predicted_end = now() + make_interval(secs => (v_point ->> 'ends_in_seconds')::double precision),
            resume_at = null,
            error_code = null,
            error_message = null,
            heartbeat_at = now()
        where id = (v_point ->> 'run_id')::uuid;
        insert into public.sync_run_pages (run_id, step, asset_ids)
        select (v_point ->> 'run_id')::uuid, (v_point ->> 'step')::bigint, array_agg(listed::uuid)
        from jsonb_array_elements_text(v_point -> 'asset_ids') as listed
        having count(*) > 0;
        perform public.media_sync_note_quota(v_point -> 'quota');
    end if;

    if p_change -> 'finished_run' is not null then
        perform media_sync.record_run(p_change -> 'finished_run');
    end if;

    p_change := media_sync.join_uploads(p_change);

    perform media_sync.insert_assets(p_change -> 'inserts');
    perform media_sync.update_assets(p_change -> 'updates');

    begin
        set constraints public.media_assets_live_name immediate;
    exception when exclusion_violation then
        raise exception 'a delivery name was taken meanwhile' using errcode = 'PT412';
    end;

    -- An applied notification stays `applied`, though it tells nothing new the second time. A parked one may be
    -- understood by now. A batch may hold the same notification twice.
    insert into public.media_notifications as n (
        digest, signature_timestamp, signature_algorithm, notification_type, triggered_at, received_at, asset_ids,
        verdict, reason, body, body_is_base64
    )
    select distinct on (digest)
        digest, signature_timestamp, signature_algorithm, notification_type, triggered_at, received_at, asset_ids,
        verdict, reason, body, body_is_base64
    from jsonb_populate_recordset(null::public.media_notifications, p_change -> 'notifications')
    order by digest, received_at
    on conflict (digest) do update
    set replays = n.replays + 1,
        (notification_type, triggered_at, asset_ids, verdict, reason, processed_at) = (
            select
                case when parked then excluded.notification_type else n.notification_type end,
                case when parked then excluded.triggered_at else n.triggered_at end,
                case when parked then excluded.asset_ids else n.asset_ids end,
                case when parked then excluded.verdict else n.verdict end,
                case when parked then excluded.reason else n.reason end,
                case when parked then now() else n.processed_at end
            from (select n.verdict = 'parked') as old (parked)
        );

    insert into public.media_sync_log (
        operation, status, source, asset_row_id, cloudinary_asset_id, cloudinary_public_id,
        resource_type, actor, run_id, error_code, error_message, processing_time_ms, details
    )
    select
        operation, coalesce(status, 'success'), source, asset_row_id, cloudinary_asset_id, cloudinary_public_id,
        resource_type, actor, run_id, error_code, error_message, processing_time_ms, details
    from jsonb_populate_recordset(null::public.media_sync_log, p_change -> 'audit');
    perform media_sync.mark('observing', v_former);
end
$$;

-- Joins a change with the uploads that began here. A new asset gets the row that waits for it. Every other new or
-- returning asset gets its owner. A waiting row goes if its name turns out to belong to another asset.
create function media_sync.join_uploads(p_change jsonb) returns jsonb
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
    v_found record;
    v_upload public.media_uploads;
    v_row jsonb;
    v_revision bigint;
    v_waiting boolean;
    v_inserts jsonb := coalesce(p_change -> 'inserts', '[]');
    v_updates jsonb := coalesce(p_change -> 'updates', '[]');
    v_audit jsonb := coalesce(p_change -> 'audit', '[]');
begin
    for v_found in
        with shown as (
            select true as is_new, w.value as planned, null::public.media_assets as known
            from jsonb_array_elements(v_inserts) w
            where w.value -> 'deleted_at' = 'null'
            union all
            select false, w.value, k
            from jsonb_array_elements(v_updates) w
            join public.media_assets k on k.id = (w.value ->> 'id')::uuid
            where w.value -> 'deleted_at' = 'null'
        )
        select s.is_new, s.planned, (s.known).deleted_at is not null as returns,
            (s.known).cloudinary_etag as old_etag, m.id as waiting, u.id as upload
        from shown s
        left join public.media_assets m
            on m.cloudinary_asset_id is null and m.deleted_at is null
            and m.resource_type = s.planned ->> 'resource_type'
            and m.delivery_type = s.planned ->> 'delivery_type'
            and m.cloudinary_public_id = s.planned ->> 'cloudinary_public_id'
        left join lateral (
            select c.id from public.media_uploads c
            where c.public_id = s.planned ->> 'cloudinary_public_id'
                and s.planned ->> 'delivery_type' = 'upload'
                and (s.planned ->> 'cloudinary_version')::bigint between c.since_version and c.until_version
                and (c.outcome is null or c.outcome = 'lost')
            order by c.id = m.id desc, c.begun_at desc
            limit 1
        ) u on true
        where m.id is not null or u.id is not null and (s.is_new or (s.known).deleted_at is not null)
    loop
        v_row := v_found.planned;
        v_waiting := false;
        if v_found.waiting is not null then
            perform from public.media_assets
            where id = v_found.waiting and cloudinary_asset_id is null for update;
            v_waiting := found;
        end if;
        -- An asset that came by its name in another way is no upload's.
        if v_found.upload is null or not (v_found.is_new or v_found.returns) then
            if v_waiting then
                perform media_sync.lose_name(v_found.waiting);
            end if;
            continue;
        end if;
        select * into v_upload from public.media_uploads
        where id = v_found.upload and (outcome is null or outcome = 'lost') for update;
        continue when not found;

        if v_waiting and v_upload.id = v_found.waiting and v_found.is_new then
            begin
                update public.media_assets set cloudinary_asset_id = v_row ->> 'cloudinary_asset_id'
                where id = v_upload.id returning revision into v_revision;
            exception when unique_violation then
                raise exception 'an asset has appeared meanwhile' using errcode = 'PT412';
            end;
            select coalesce(jsonb_agg(value order by ordinality), '[]') into v_inserts
            from jsonb_array_elements(v_inserts) with ordinality where value <> v_row;
            v_updates := v_updates || (v_row || jsonb_build_object('id', v_upload.id, 'revision', v_revision));
            v_upload.asset_row_id := v_upload.id;
        else
            if v_waiting and v_upload.id = v_found.waiting then
                delete from public.media_assets where id = v_upload.id;
            elsif v_waiting then
                perform media_sync.lose_name(v_found.waiting);
            end if;
            v_upload.asset_row_id := (v_row ->> 'id')::uuid;
            if v_found.is_new then
                select jsonb_agg(case when value = v_row
                    then value || jsonb_build_object('uploaded_by', v_upload.uploader) else value end order by ordinality)
                into v_inserts from jsonb_array_elements(v_inserts) with ordinality;
            elsif v_upload.kind = 'signed' and v_found.old_etag = v_row ->> 'cloudinary_etag' then
                -- The old content is back, in whatever way: it keeps its owner.
                continue;
            else
                update public.media_assets set uploaded_by = v_upload.uploader
                where id = v_upload.asset_row_id and revision = (v_row ->> 'revision')::bigint
                returning revision into v_revision;
                -- If the row has changed meanwhile, the caller plans again.
                continue when not found;
                select jsonb_agg(case when value = v_row
                    then value || jsonb_build_object('revision', v_revision) else value end order by ordinality)
                into v_updates from jsonb_array_elements(v_updates) with ordinality;
            end if;
        end if;
        v_audit := media_sync.attribute(v_audit, v_row ->> 'id', v_upload.asset_row_id, v_upload.uploader);
        update public.media_uploads
        set outcome = 'stored', ended_at = now(), asset_row_id = v_upload.asset_row_id,
            error_code = null, error_message = null
        where id = v_upload.id;
    end loop;
    -- A signed upload that has replaced the content of its owner's asset.
    update public.media_uploads u
    set outcome = 'stored', ended_at = now(), asset_row_id = k.id
    from jsonb_array_elements(p_change -> 'updates') w
    join public.media_assets k on k.id = (w.value ->> 'id')::uuid
    where u.kind = 'signed' and u.overwrite and (u.outcome is null or u.outcome = 'lost')
        and u.public_id = w.value ->> 'cloudinary_public_id' and w.value ->> 'delivery_type' = 'upload'
        and k.deleted_at is null and w.value -> 'deleted_at' = 'null'
        and (w.value ->> 'cloudinary_version')::bigint between u.since_version and u.until_version
        -- Versions are seconds: within one second only the content tells the two apart, where both are known.
        and ((w.value ->> 'cloudinary_version')::bigint > k.cloudinary_version
            or (w.value ->> 'cloudinary_version')::bigint = k.cloudinary_version
                and w.value ->> 'cloudinary_etag' <> k.cloudinary_etag);
    return p_change || jsonb_build_object('inserts', v_inserts, 'updates', v_updates, 'audit', v_audit);
end
$$;

-- The audit entries about a row, under another id and with the uploader as actor.
create function media_sync.attribute(p_audit jsonb, p_from text, p_to uuid, p_actor uuid) returns jsonb
language sql immutable set search_path = pg_catalog, pg_temp as $$
    select coalesce(jsonb_agg(
        case when entry ->> 'asset_row_id' = p_from
            then entry || jsonb_build_object(
                'asset_row_id', p_to, 'actor', coalesce(entry ->> 'actor', p_actor::text))
            else entry
        end order by place
    ), '[]')
    from jsonb_array_elements(p_audit) with ordinality as a (entry, place)
$$;

-- Removes a waiting row whose name belongs to an asset that is not its upload's.
create function media_sync.lose_name(p_id uuid) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
    v_upload public.media_uploads;
begin
    delete from public.media_assets where id = p_id and cloudinary_asset_id is null;
    update public.media_uploads
    set outcome = 'refused', ended_at = now(), error_code = 'public_id_taken',
        error_message = 'Another asset has this public id.'
    where id = p_id and outcome is null
    returning * into v_upload;
    if found then
        perform media_sync.log_upload('upload_failed', 'failed', 'api', v_upload);
    end if;
end
$$;

revoke execute on function media_sync.insert_assets, media_sync.update_assets, media_sync.join_uploads,
    media_sync.attribute, media_sync.lose_name from public;
revoke execute on function public.media_sync_rows, public.media_sync_folder_ids, public.media_sync_apply from public,
    anon, authenticated, service_role;
grant execute on function public.media_sync_rows, public.media_sync_folder_ids, public.media_sync_apply to service_role;

$migration$; end if; end $once$;

notify pgrst, 'reload schema';
