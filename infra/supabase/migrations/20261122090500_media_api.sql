-- What the HTTP API calls in the name of a user.
do $once$ begin if media_sync.begin_migration('20261122090500', 'media_api') then execute $migration$

-- The two that every page shows are written in PL/pgSQL, which keeps its plans between calls.

-- {last_sync, is_synced, pending_operations, sync_in_progress, last_error}
create function public.media_sync_status() returns jsonb
language plpgsql stable set search_path = '' as $$
begin
    return (
        with waiting as (
            select
                coalesce(sum(assets) filter (where sync_status = 'pending'), 0) as pending,
                coalesce(sum(assets) filter (where sync_status = 'error'), 0) as failed
            from public.media_stats
        ), last_run as (
            select status, error_message from public.sync_runs
            where finished_at is not null and not dry_run and mode <> 'named' order by finished_at desc limit 1
        ), last_good as (
            select finished_at from public.sync_runs
            where is_good order by finished_at desc limit 1
        )
        select jsonb_build_object(
            'last_sync', (select finished_at from last_good),
            'is_synced', pending = 0 and failed = 0
                and coalesce((select status = 'succeeded' from last_run), false),
            'pending_operations', pending,
            'sync_in_progress', exists (select from public.sync_runs where status = 'running'),
            'last_error', coalesce(
                (select error_message from public.sync_runs where status = 'running'),
                (select error_message from last_run where status <> 'succeeded')
            )
        )
        from waiting
    );
end
$$;

create function public.media_statistics() returns jsonb
language plpgsql stable set search_path = '' as $$
begin
    return (
        select jsonb_build_object(
            'total_assets', coalesce(sum(assets), 0),
            'total_images', coalesce(sum(assets) filter (where resource_type = 'image'), 0),
            'total_videos', coalesce(sum(assets) filter (where resource_type = 'video'), 0),
            'total_raw', coalesce(sum(assets) filter (where resource_type = 'raw'), 0),
            'total_size', coalesce(sum(bytes), 0),
            'synced_assets', coalesce(sum(assets) filter (where sync_status = 'synced'), 0),
            'pending_assets', coalesce(sum(assets) filter (where sync_status = 'pending'), 0),
            'error_assets', coalesce(sum(assets) filter (where sync_status = 'error'), 0)
        )
        from public.media_stats where live
    );
end
$$;

-- Everything that a status screen shows, in one round trip; with p_run_id also that run and its drift.
create function public.media_sync_overview(p_run_id uuid default null) returns jsonb
language sql stable set search_path = '' as $$
    with runs as (
        select r.status, r.started_at, media_sync.describe_run(r) as shown
        from public.sync_runs r order by r.started_at desc limit 10
    )
    select public.media_sync_status() || jsonb_build_object(
        'stats', public.media_statistics(),
        'current_run', (
            select media_sync.describe_run(r) from public.sync_runs r where r.status = 'running'
        ),
        'recent_runs', (select coalesce(jsonb_agg(shown order by started_at desc), '[]') from runs),
        'quota', (
            select jsonb_build_object('limit', quota_limit, 'remaining', remaining, 'reset_at', reset_at, 'seen_at', seen_at)
            from public.cloudinary_quota
        )
    ) || case when p_run_id is null then '{}' else jsonb_build_object('run', (
        select media_sync.describe_run(r) || jsonb_build_object('drift', r.drift)
        from public.sync_runs r where r.id = p_run_id
    )) end
$$;

revoke execute on function public.media_sync_status, public.media_statistics, public.media_sync_overview
    from public, anon, authenticated, service_role;
grant execute on function public.media_sync_status, public.media_statistics, public.media_sync_overview
    to authenticated, service_role;

$migration$; end if; end $once$;

notify pgrst, 'reload schema';
