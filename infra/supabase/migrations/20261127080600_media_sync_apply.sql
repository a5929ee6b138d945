-- Workers read rows here, and write a planned change in one transaction.
--
-- The plan is made outside, from rows that were read. Here it is only checked that they have not changed since. PT412
-- says that they have: read again, plan again. (Not SQLSTATE 40001: PostgREST takes that for a serialisation failure
-- and would repeat the same stale plan for ever.)
do $once$ begin if media_sync.begin_migration('20261127080600', 'media_sync_apply') then execute $migration$
set local search_path = pg_catalog, pg_temp;

-- Refuses rows that are too large for one answer: fewer are to be asked for. A few always fit: one asset, the holder of
-- its name, and those that were given in two ways.
create function media_sync.fits(p_bytes bigint, p_rows bigint) returns boolean
language plpgsql immutable set search_path = pg_catalog, pg_temp as $$
begin
    if p_rows > 4 and p_bytes > media_sync.most_worker_bytes() then
        raise exception 'these rows are too large for one answer: ask for fewer' using errcode = 'PT413';
    end if;
    return true;
end
$$;

-- Answers {"rows", "uploads"}: rows by their ids, by their assets, as the live holders of these names, or as what these
-- public ids may mean; and the uploads that the assets of these names, or of the rows, may come of.
create function public.media_sync_rows(
    p_ids uuid[] default '{}',
    p_asset_ids text[] default '{}',
    p_names jsonb default '[]',
    p_public_ids text[] default '{}'
) returns json
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    with asked as (
        select n.resource_type, n.delivery_type, n.public_id
        from jsonb_to_recordset(p_names) as n (resource_type text, delivery_type text, public_id text)
    ), known as (
        select a.id, a.delivery_type, a.cloudinary_public_id, a.observed ->> 'cloudinary_public_id' as observed_public_id
        from public.media_assets a
        -- Rows that wait for their asset are told by their uploads.
        where a.cloudinary_asset_id is not null and a.id in (
            select unnest(p_ids)
            union
            select a.id from public.media_assets a where a.cloudinary_asset_id = any (p_asset_ids)
            union
            -- The holders of these names: at most one live asset each.
            select a.id
            from asked n
            join public.media_assets a
                on a.resource_type = n.resource_type
                and a.delivery_type = n.delivery_type
                and a.cloudinary_public_id = n.public_id
                and a.deleted_at is null
            union
            -- Of each kind of asset the live one, else the one that was deleted last: it may be back.
            select meant.id
            from (
                select distinct on (a.resource_type, a.delivery_type, a.cloudinary_public_id) a.id
                from public.media_assets a
                where a.cloudinary_public_id = any (p_public_ids) and a.cloudinary_asset_id is not null
                order by a.resource_type, a.delivery_type, a.cloudinary_public_id, a.deleted_at desc nulls first
            ) meant
        )
    ), names as (
        select public_id from asked where delivery_type = 'upload'
        union
        select public_id
        from known k, unnest(array[k.cloudinary_public_id, k.observed_public_id]) as public_id
        where k.delivery_type = 'upload' and public_id is not null
    )
    select json_build_object(
        'rows', (
            select case when media_sync.fits(sum(octet_length(found.whole::text)), count(*))
                then coalesce(json_agg(found.whole), '[]') end
            from (
                select w.whole from known k join media_sync.whole_assets w on w.id = k.id offset 0
            ) found
        ),
        'uploads', (
            select coalesce(jsonb_agg(jsonb_build_object(
                'id', u.id, 'kind', u.kind, 'uploader', u.uploader, 'public_id', u.public_id, 'proof', u.proof,
                'overwrite', u.overwrite, 'since_version', u.since_version, 'until_version', u.until_version,
                'begun_at', u.begun_at,
                'waiting', case when m.id is not null then
                    jsonb_build_object('resource_type', m.resource_type, 'revision', m.revision) end
            )), '[]')
            from names n
            join public.media_uploads u on u.public_id = n.public_id and (u.outcome is null or u.outcome = 'lost')
            left join public.media_assets m on m.id = u.id and m.cloudinary_asset_id is null
        )
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
            uploaded_by, sync_status, sync_next_attempt_at, last_synced_at, deleted_at, intent, observed, clocks
        )
        select
            id, cloudinary_asset_id, cloudinary_version_id, %1$s,
            uploaded_by, sync_status, sync_next_attempt_at, now(), deleted_at, intent, observed, clocks
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

-- Writes planned rows that are known, if they still have the revision that was read. A row that waited for its asset gets
-- it here.
create function media_sync.update_assets(p_rows jsonb) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
    v_written bigint;
    v_constraint text;
begin
    if jsonb_array_length(coalesce(p_rows, '[]')) = 0 then
        return;
    end if;
    execute format(
        'update public.media_assets m
        set (%1$s) = row (%2$s),
            cloudinary_asset_id = w.cloudinary_asset_id,
            uploaded_by = w.uploaded_by,
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
exception when unique_violation then
    get stacked diagnostics v_constraint = constraint_name;
    if v_constraint = 'media_assets_cloudinary_asset_id_key' then
        raise exception 'an asset has appeared meanwhile' using errcode = 'PT412';
    end if;
    -- A constraint of the project's: the row is refused as it is.
    raise;
end
$$;

-- Ends the claims that a plan leaves out.
create function media_sync.end_claims(p_rows jsonb) returns void
language sql set search_path = pg_catalog, pg_temp as $$
    update media_sync.intent_claims c
    set claim = null, claim_until = '-infinity'
    from jsonb_array_elements(p_rows) w
    where c.asset_id = (w ->> 'id')::uuid and w ->> 'intent_claim' is null and c.claim is not null
$$;

-- Refuses a plan that does not know every open upload of its names: one of its assets may be an upload's that began after
-- the rows were read. An asset that is there with an owner, and keeps its content, comes of no upload. So signatures for
-- assets that are there do not make pages plan again.
create function media_sync.refuse_unknown_uploads(p_rows jsonb, p_known jsonb) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
    if exists (
        select from jsonb_array_elements(p_rows) w
        join public.media_uploads u
            on u.public_id = coalesce(w #>> '{observed,cloudinary_public_id}', w ->> 'cloudinary_public_id')
        where w ->> 'delivery_type' = 'upload' and w -> 'deleted_at' = 'null' and u.outcome is null
            and not coalesce(p_known, '[]') ? u.id::text
            and not exists (
                select from public.media_assets m
                where m.id = (w ->> 'id')::uuid and m.deleted_at is null and m.uploaded_by is not null
                    and m.cloudinary_version is not distinct from (w ->> 'cloudinary_version')::bigint
                    and m.cloudinary_etag is not distinct from w ->> 'cloudinary_etag'
            )
    ) then
        raise exception 'an upload has begun meanwhile' using errcode = 'PT412';
    end if;
end
$$;

-- Ends the uploads that a plan has found the end of: {"id", "outcome": "stored", "asset_row_id"}, or {"id",
-- "outcome": "refused"} where another asset has the name. A row that still waits for such an upload goes.
create function media_sync.end_uploads(p_endings jsonb) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
    v_ending record;
    v_upload public.media_uploads;
begin
    -- Rows first, in the order in which everybody locks them.
    delete from public.media_assets m using jsonb_array_elements(p_endings) e
    where m.id = (e ->> 'id')::uuid and m.cloudinary_asset_id is null;
    for v_ending in
        select * from jsonb_to_recordset(p_endings) as e (id uuid, outcome text, asset_row_id uuid) order by id
    loop
        update public.media_uploads
        set outcome = v_ending.outcome, ended_at = now(),
            asset_row_id = coalesce(v_ending.asset_row_id, asset_row_id),
            error_code = case v_ending.outcome when 'refused' then 'public_id_taken' end,
            error_message = case v_ending.outcome when 'refused' then 'Another asset has this public id.' end
        where id = v_ending.id and (outcome is null or outcome = 'lost')
        returning * into v_upload;
        if not found then
            raise exception 'an upload has ended meanwhile' using errcode = 'PT412';
        end if;
        if v_ending.outcome = 'refused' then
            perform media_sync.log_upload('upload_failed', 'failed', 'api', v_upload);
        end if;
    end loop;
end
$$;

-- p_change: {
--   "checkpoint": {run_id, lease, lease_seconds, step, state, counters, started_clock?, floor_clock?,
--     drift?, ends_in_seconds?, quota?, asset_ids?}?,
--   "finished_run": {id, mode, ...}?, a run that had no steps,
--   "inserts": [rows], "updates": [rows with id and the revision that was read],
--   "known_uploads": [ids of the uploads that were read], "uploads": [endings],
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

    perform media_sync.refuse_unknown_uploads(
        coalesce(p_change -> 'inserts', '[]') || coalesce(p_change -> 'updates', '[]'), p_change -> 'known_uploads');
    perform media_sync.insert_assets(p_change -> 'inserts');
    perform media_sync.update_assets(p_change -> 'updates');
    perform media_sync.end_claims(coalesce(p_change -> 'updates', '[]'));
    perform media_sync.end_uploads(coalesce(p_change -> 'uploads', '[]'));

    begin
        set constraints public.media_assets_live_name immediate;
    exception when exclusion_violation then
        raise exception 'a delivery name was taken meanwhile' using errcode = 'PT412';
    end;
    perform media_sync.remove_refused(coalesce(p_change -> 'inserts', '[]') || coalesce(p_change -> 'updates', '[]'));

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
    from jsonb_populate_recordset(null::public.media_sync_log, p_change -> 'audit') entry
    where not media_sync.fold_repeat(entry);
    perform media_sync.mark('observing', v_former);
end
$$;

revoke execute on function media_sync.fits, media_sync.insert_assets, media_sync.update_assets, media_sync.end_claims,
    media_sync.refuse_unknown_uploads, media_sync.end_uploads from public;
revoke execute on function public.media_sync_rows, public.media_sync_folder_ids, public.media_sync_apply from public,
    anon, authenticated, service_role;
grant execute on function public.media_sync_rows, public.media_sync_folder_ids, public.media_sync_apply to service_role;

$migration$; end if; end $once$;

notify pgrst, 'reload schema';
