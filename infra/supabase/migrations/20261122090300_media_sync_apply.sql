-- What the workers call: read rows, and write a planned change in one transaction.
--
-- The plan is made outside, from the rows as they were read; here it is only checked that they
-- have not changed since. PT412 says that they have: read again, plan again. (Not SQLSTATE 40001:
-- PostgREST takes that for a serialisation failure and would repeat the same stale plan for ever.)
do $once$ begin if media_sync.begin_migration('20261122090300', 'media_sync_apply') then execute $migration$

create function public.media_sync_rows(
    p_ids uuid[] default '{}',
    p_asset_ids text[] default '{}',
    p_names jsonb default '[]'
) returns jsonb
language sql stable security definer set search_path = '' as $$
    select coalesce(jsonb_agg(to_jsonb(m)), '[]')
    from public.media_assets m
    -- Rows that wait for their asset concern nobody before it is there.
    where m.cloudinary_asset_id is not null and m.id in (
        select unnest(p_ids)
        union
        select a.id from public.media_assets a where a.cloudinary_asset_id = any (p_asset_ids)
        union
        -- Who holds these names now: at most one live asset each.
        select a.id
        from jsonb_to_recordset(p_names) as n (resource_type text, delivery_type text, public_id text)
        join public.media_assets a
            on a.resource_type = n.resource_type
            and a.delivery_type = n.delivery_type
            and a.cloudinary_public_id = n.public_id
            and a.deleted_at is null
    )
$$;

-- Live assets that were last seen in a folder or below it. Those that are only wished to be there are not: what
-- happens to the folder does not happen to them.
create function public.media_sync_folder_ids(p_folder text, p_limit integer) returns jsonb
language sql stable security definer set search_path = '' as $$
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

-- p_change: {
--   "checkpoint": {run_id, lease, lease_seconds, step, state, counters, started_clock?, floor_clock?,
--     drift?, ends_in_seconds?, quota?, asset_ids?}?,
--   "finished_run": {id, mode, ...}?, a run that had no steps,
--   "inserts": [rows], "updates": [rows with id and the revision that was read],
--   "notifications": [...], "audit": [...]
-- }
create function public.media_sync_apply(p_change jsonb) returns void
language plpgsql security definer set search_path = '' as $$
declare
    v_former text := media_sync.mark('observing', 'on');
    v_point jsonb := p_change -> 'checkpoint';
    v_count bigint;
begin
    -- First, since who has lost the lease must not write at all.
    if v_point is not null then
        update public.sync_runs
        set checkpoint = v_point -> 'state',
            counters = v_point -> 'counters',
            started_clock = coalesce(started_clock, (v_point ->> 'started_clock')::bigint),
            floor_clock = coalesce(floor_clock, (v_point ->> 'floor_clock')::bigint),
            drift = coalesce(v_point -> 'drift', drift),
            quota_remaining = coalesce((v_point #>> '{quota,remaining}')::integer, quota_remaining),
            predicted_end = now() + make_interval(secs => (v_point ->> 'ends_in_seconds')::double precision),
            resume_at = null,
            step = step + 1,
            error_code = null,
            error_message = null,
            heartbeat_at = now(),
            lease_until = now() + make_interval(secs => (v_point ->> 'lease_seconds')::double precision)
        where id = (v_point ->> 'run_id')::uuid
            and lease = (v_point ->> 'lease')::uuid
            and step = (v_point ->> 'step')::bigint
            and status = 'running';
        if not found then
            raise exception 'the run is led by somebody else' using errcode = 'PT409';
        end if;
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

    insert into public.media_assets (
        id, cloudinary_asset_id, cloudinary_public_id, resource_type, delivery_type,
        cloudinary_version, cloudinary_version_id, cloudinary_etag,
        original_filename, file_size, mime_type, format, width, height, duration, secure_url, url,
        cloudinary_created_at, display_name, folder, tags, context, metadata, access_mode,
        uploaded_by, sync_status, last_synced_at, deleted_at, clocks
    )
    select
        id, cloudinary_asset_id, cloudinary_public_id, resource_type, delivery_type,
        cloudinary_version, cloudinary_version_id, cloudinary_etag,
        original_filename, file_size, mime_type, format, width, height, duration, secure_url, url,
        cloudinary_created_at, display_name, folder, tags, context, metadata, access_mode,
        uploaded_by, sync_status, now(), deleted_at, clocks
    from jsonb_populate_recordset(null::public.media_assets, p_change -> 'inserts')
    on conflict (cloudinary_asset_id) do nothing;
    get diagnostics v_count = row_count;
    if v_count <> jsonb_array_length(coalesce(p_change -> 'inserts', '[]')) then
        raise exception 'an asset has appeared meanwhile' using errcode = 'PT412';
    end if;

    update public.media_assets m
    set cloudinary_public_id = w.cloudinary_public_id,
        resource_type = w.resource_type,
        delivery_type = w.delivery_type,
        cloudinary_version = w.cloudinary_version,
        cloudinary_version_id = w.cloudinary_version_id,
        cloudinary_etag = w.cloudinary_etag,
        original_filename = w.original_filename,
        file_size = w.file_size,
        mime_type = w.mime_type,
        format = w.format,
        width = w.width,
        height = w.height,
        duration = w.duration,
        secure_url = w.secure_url,
        url = w.url,
        cloudinary_created_at = w.cloudinary_created_at,
        display_name = w.display_name,
        folder = w.folder,
        tags = w.tags,
        context = w.context,
        metadata = w.metadata,
        access_mode = w.access_mode,
        sync_status = w.sync_status,
        sync_error_code = w.sync_error_code,
        sync_error_message = w.sync_error_message,
        sync_retry_count = w.sync_retry_count,
        sync_next_attempt_at = w.sync_next_attempt_at,
        last_synced_at = case when w.sync_status = 'synced' then now() else m.last_synced_at end,
        deleted_at = w.deleted_at,
        deleted_by = w.deleted_by,
        intent = w.intent,
        intent_claim = w.intent_claim,
        intent_claim_until = case when w.intent_claim is not null then m.intent_claim_until end,
        observed = w.observed,
        clocks = w.clocks
    from jsonb_populate_recordset(null::public.media_assets, p_change -> 'updates') as w
    where m.id = w.id and m.revision = w.revision;
    get diagnostics v_count = row_count;
    if v_count <> jsonb_array_length(coalesce(p_change -> 'updates', '[]')) then
        raise exception 'a row has changed meanwhile' using errcode = 'PT412';
    end if;

    begin
        set constraints public.media_assets_live_name immediate;
    exception when exclusion_violation then
        raise exception 'a delivery name was taken meanwhile' using errcode = 'PT412';
    end;

    -- What was applied once stays `applied`, though it tells nothing new the second time. What was
    -- parked may be understood by now. A batch may hold the same notification twice.
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

revoke execute on function public.media_sync_rows, public.media_sync_folder_ids, public.media_sync_apply
    from public, anon, authenticated;
grant execute on function public.media_sync_rows, public.media_sync_folder_ids, public.media_sync_apply
    to service_role;

$migration$; end if; end $once$;

notify pgrst, 'reload schema';
