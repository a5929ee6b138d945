-- How the mirror stands.
do $once$ begin if media_sync.begin_migration('20261124120002', 'media_health') then execute $migration$

create index media_assets_oldest_decision on public.media_assets (((intent ->> 'at')::bigint))
    where intent is not null and sync_status = 'pending';

-- The newest migration that is applied, or null.
create function media_sync.schema_version() returns text
language sql stable security definer set search_path = '' as $$
    select max(version) from media_sync.schema_versions
$$;
revoke execute on function media_sync.schema_version from public;
grant execute on function media_sync.schema_version to authenticated, service_role;

-- How the mirror stands, for administrators and for the drain that watches over it.
create function public.media_sync_health() returns jsonb
language plpgsql stable set search_path = '' as $$
begin
    if current_user <> 'service_role' and not media_sync.is_admin() then
        raise exception 'administrators only' using errcode = '42501';
    end if;
    return jsonb_build_object(
        'last_full', (select max(finished_at) from public.sync_runs where is_good and mode = 'full'),
        'last_good', (select max(finished_at) from public.sync_runs where is_good),
        -- A failure stands until a good run has made up for it: for a full one only a full one can.
        'last_run', (
            select jsonb_build_object(
                'run_id', r.id, 'mode', r.mode, 'status', r.status, 'error_code', r.error_code,
                'finished_at', r.finished_at)
            from public.sync_runs r
            where r.finished_at is not null and not r.dry_run and r.mode <> 'named'
            order by r.status <> 'succeeded' and not exists (
                select from public.sync_runs later
                where later.is_good and later.mode in ('full', r.mode) and later.finished_at > r.finished_at
            ) desc, r.finished_at desc
            limit 1
        ),
        'current_run', (
            select jsonb_build_object(
                'run_id', id, 'started_at', started_at, 'heartbeat_at', heartbeat_at, 'resume_at', resume_at,
                'error_code', error_code)
            from public.sync_runs where status = 'running'
        ),
        'pending', (select coalesce(sum(assets), 0) from public.media_stats where sync_status = 'pending'),
        'errors', (select coalesce(sum(assets), 0) from public.media_stats where sync_status = 'error'),
        'oldest_pending', (
            select to_timestamp(min((intent ->> 'at')::bigint) / 1e6)
            from public.media_assets where intent is not null and sync_status = 'pending'
        ),
        'quota', (
            select jsonb_build_object('limit', quota_limit, 'remaining', remaining, 'reset_at', reset_at, 'seen_at', seen_at)
            from public.cloudinary_quota
        ),
        'last_notification', (select max(received_at) from public.media_notifications),
        -- What a run has found and changed here, notifications should have told; but for the first import.
        'last_found', (
            select max(r.finished_at)
            from public.sync_runs r
            where r.is_good
                and (r.counters ->> 'created')::bigint + (r.counters ->> 'updated')::bigint
                    + (r.counters ->> 'deleted')::bigint > 0
                and exists (
                    select from public.sync_runs earlier
                    where earlier.is_good and earlier.mode = 'full' and earlier.finished_at < r.started_at)
        ),
        'refusals', (
            select coalesce(
                jsonb_agg(
                    jsonb_build_object(
                        'reason', reason, 'signature_key', nullif(signature_key, ''), 'algorithm', algorithm,
                        'count', times, 'first_at', first_at, 'at', last_at)
                    order by last_at desc, reason, signature_key),
                '[]')
            from media_sync.refused_notifications
        ),
        'schema_version', media_sync.schema_version()
    );
end
$$;

revoke execute on function public.media_sync_health from public, anon, authenticated, service_role;
grant execute on function public.media_sync_health to authenticated, service_role;

$migration$; end if; end $once$;

notify pgrst, 'reload schema';
