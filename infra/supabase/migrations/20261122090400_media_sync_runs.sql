-- The life of a reconciliation: start or take over, continue, suspect, finish.

-- Starts a run, or takes over one whose lease has ended (its leader died, or has handed it on).
-- With p_run_id only that run is taken over. {"outcome": started|resumed|busy|over, "run": row?}
create function public.media_sync_lead_run(
    p_run_id uuid default null,
    p_mode text default 'full',
    p_trigger text default 'schedule',
    p_requested_by uuid default null,
    p_options jsonb default '{}',
    p_lease_seconds integer default 120
) returns jsonb
language plpgsql security definer set search_path = '' as $$
declare
    v_run public.sync_runs;
    v_outcome text := 'resumed';
begin
    select * into v_run from public.sync_runs where status = 'running' for update;
    if v_run.id is null and p_run_id is null then
        -- A mirror that was never proven whole cannot be kept by looking at changes alone.
        if not exists (select from public.sync_runs where mode = 'full' and status = 'succeeded') then
            p_mode := 'full';
        end if;
        insert into public.sync_runs (mode, trigger, requested_by, options, since_clock)
        select p_mode, p_trigger, p_requested_by, p_options, max(started_clock)
        from public.sync_runs where status = 'succeeded'
        on conflict do nothing
        returning * into v_run;
        v_outcome := 'started';
    end if;
    if v_run.id is null or v_run.id <> coalesce(p_run_id, v_run.id) then
        return jsonb_build_object('outcome', case when p_run_id is null then 'busy' else 'over' end);
    end if;
    if v_run.lease_until > now() then
        return jsonb_build_object('outcome', 'busy', 'run', to_jsonb(v_run));
    end if;
    update public.sync_runs
    set lease = gen_random_uuid(), heartbeat_at = now(),
        lease_until = now() + make_interval(secs => p_lease_seconds)
    where id = v_run.id
    returning * into v_run;
    return jsonb_build_object('outcome', v_outcome, 'run', to_jsonb(v_run));
end
$$;

-- Gives the lease back without ending the run: the next slice may be led by anybody.
-- Where an error made it rest, the run says so until it has come further.
create function public.media_sync_release_run(
    p_run_id uuid,
    p_lease uuid,
    p_error_code text default null,
    p_error_message text default null
) returns void
language sql security definer set search_path = '' as $$
    update public.sync_runs
    set lease_until = now(), error_code = p_error_code, error_message = p_error_message
    where id = p_run_id and lease = p_lease and status = 'running'
$$;

-- Live rows that a complete listing has not shown, and that nobody has seen alive since the run began.
create function media_sync.suspects(p_run_id uuid) returns setof public.media_assets
language sql stable set search_path = '' as $$
    select m.*
    from public.media_assets m, public.sync_runs r
    where r.id = p_run_id
        and m.deleted_at is null
        and m.cloudinary_asset_id is not null
        and coalesce((m.clocks ->> 'alive')::bigint, 0) < r.started_clock
        and not exists (
            select from (select unnest(p.asset_ids) as asset_id from public.sync_run_pages p where p.run_id = p_run_id) seen
            where seen.asset_id = m.cloudinary_asset_id::uuid
        )
$$;

create function public.media_sync_count_suspects(p_run_id uuid) returns jsonb
language sql stable security definer set search_path = '' as $$
    select jsonb_build_object(
        'suspects', (select count(*) from media_sync.suspects(p_run_id)),
        'live', (select coalesce(sum(assets), 0) from public.media_stats where live)
    )
$$;

create function public.media_sync_suspects(p_run_id uuid, p_after text, p_limit integer) returns jsonb
language sql stable security definer set search_path = '' as $$
    select coalesce(jsonb_agg(s.cloudinary_asset_id order by s.cloudinary_asset_id), '[]')
    from (
        select cloudinary_asset_id from media_sync.suspects(p_run_id)
        where cloudinary_asset_id > p_after
        order by cloudinary_asset_id limit p_limit
    ) s
$$;

-- Ends a run. `succeeded` is granted only when nothing that the listing did not show is still
-- taken for live; otherwise the run is recorded as failed, whatever its leader believed.
create function public.media_sync_finish_run(
    p_run_id uuid,
    p_lease uuid,
    p_status text,
    p_error_code text default null,
    p_error_message text default null,
    p_counters jsonb default null
) returns jsonb
language plpgsql security definer set search_path = '' as $$
declare
    v_run public.sync_runs;
    v_suspects bigint;
begin
    select * into v_run from public.sync_runs
    where id = p_run_id and lease = p_lease and status = 'running' for update;
    if v_run.id is null then
        raise exception 'the run is led by somebody else' using errcode = 'PT409';
    end if;
    if p_status = 'succeeded' and v_run.mode = 'full' then
        select count(*) into v_suspects from media_sync.suspects(p_run_id);
        if v_suspects > 0 then
            p_status := 'failed';
            p_error_code := 'unverified';
            p_error_message := format('%s rows are live here and were not seen in Cloudinary', v_suspects);
        end if;
    end if;
    update public.sync_runs
    set status = p_status, error_code = p_error_code, error_message = p_error_message,
        counters = coalesce(p_counters, counters), finished_at = now(), heartbeat_at = now(),
        lease_until = null
    where id = p_run_id
    returning * into v_run;
    delete from public.sync_run_pages where run_id = p_run_id;
    insert into public.media_sync_log (
        operation, status, source, actor, run_id, error_code, error_message, processing_time_ms, details
    ) values (
        'reconcile', case p_status when 'succeeded' then 'success' else 'failed' end, 'reconcile',
        v_run.requested_by, v_run.id, v_run.error_code, v_run.error_message,
        least(extract(epoch from v_run.finished_at - v_run.started_at) * 1000, 2147483647)::integer,
        v_run.counters
    );
    return to_jsonb(v_run);
end
$$;

revoke execute on all functions in schema media_sync from public;
grant execute on function media_sync.is_admin() to authenticated, service_role;

do $$
declare
    v_function regprocedure;
begin
    for v_function in
        select oid::regprocedure from pg_proc
        where pronamespace = 'public'::regnamespace
            and proname in (
                'media_sync_lead_run', 'media_sync_release_run', 'media_sync_count_suspects',
                'media_sync_suspects', 'media_sync_finish_run'
            )
    loop
        execute format('revoke execute on function %s from public, anon, authenticated', v_function);
        execute format('grant execute on function %s to service_role', v_function);
    end loop;
end
$$;
