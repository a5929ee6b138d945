-- The life of a run: start or take over, continue, suspect, finish. And the quota that it shares with people.
do $once$ begin if media_sync.begin_migration('20261127080500', 'media_sync_runs') then execute $migration$
set local search_path = pg_catalog, pg_temp;

create table public.sync_runs (
    id              uuid primary key default gen_random_uuid(),
    mode            text not null check (mode in ('full', 'incremental', 'named')),
    trigger         text not null check (trigger in ('schedule', 'api', 'invocation')),
    requested_by    uuid,
    options         jsonb not null default '{}',
    -- A dry run compares and changes nothing. Its findings are its `drift`.
    dry_run         boolean not null default false,
    drift           jsonb,
    -- The deletes that a stopped or a dry run has found: {hash, deletes, live, examples, made_at, expires_at}.
    plan            jsonb,
    -- Only the step that has compared the counts writes `succeeded`.
    status          text not null default 'running'
                    check (status in ('running', 'succeeded', 'failed', 'stopped')),
    error_code      text,
    error_message   text,
    counters        jsonb not null default '{}',
    -- Until then the run rests: Cloudinary's hourly quota is kept for people.
    resume_at       timestamptz,
    -- The predicted end of a full run, by its pace so far.
    predicted_end   timestamptz,
    -- The rest of the quota after the newest step. People's calls count too.
    quota_remaining integer,
    -- The counts of the step that granted success.
    verification    jsonb,
    started_at      timestamptz not null default now(),
    heartbeat_at    timestamptz not null default now(),
    finished_at     timestamptz,
    -- True if the run says something of the whole mirror.
    is_good         boolean not null generated always as
                    (status = 'succeeded' and not dry_run and mode <> 'named') stored,
    constraint sync_runs_end check ((status = 'running') = (finished_at is null))
);

-- One run at a time. Runs over named assets are recorded after their end.
create unique index sync_runs_single_flight on public.sync_runs ((true)) where status = 'running';
create index sync_runs_recent on public.sync_runs (started_at desc);
create index sync_runs_last_good on public.sync_runs (mode, finished_at desc) where is_good;

alter table public.sync_runs enable row level security;
revoke all on public.sync_runs from anon, authenticated, service_role;
grant select on public.sync_runs to authenticated, service_role;
-- Findings, plans and options name assets, also deleted ones, which not everybody may see.
create policy sync_runs_read on public.sync_runs for select to authenticated
    using ((select media_sync.is_admin()) or drift is null and plan is null and not options ? 'public_ids');
create policy sync_runs_callers on public.sync_runs as restrictive to authenticated
    using ((select media_sync.may_read()));

-- The progress and the leader of a run. Runs over named assets have no steps, and no row here.
create table media_sync.run_progress (
    run_id        uuid primary key references public.sync_runs on delete cascade,
    -- The place where the next slice goes on. `step` guards it against a second writer.
    checkpoint    jsonb not null default '{}',
    step          bigint not null default 0,
    lease         uuid,
    lease_until   timestamptz,
    -- The start on Cloudinary's clock, from both sides. `started_clock` is certainly not before it: an asset that was
    -- seen alive after that cannot be missing. `floor_clock` is certainly not after it.
    started_clock bigint,
    floor_clock   bigint,
    -- The start of the last good run before this one: an incremental run reads what is newer.
    since_clock   bigint,
    -- The number of tries that ended for the same reason, without coming further.
    failures      integer not null default 0
);

alter table media_sync.run_progress enable row level security;
revoke all on media_sync.run_progress from public, anon, authenticated, service_role;

-- The tries of a run that ended for the same reason. Nobody but a leader reads the rest of its progress.
create function media_sync.run_failures(p_run_id uuid) returns integer
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    select failures from media_sync.run_progress where run_id = p_run_id
$$;

revoke execute on function media_sync.run_failures from public, anon, authenticated, service_role;
grant execute on function media_sync.run_failures to authenticated, service_role;

-- A run as its leader reads it: the public part and the progress.
create function media_sync.whole_run(p_run public.sync_runs) returns jsonb
language sql stable set search_path = pg_catalog, pg_temp as $$
    select to_jsonb(p_run)
        || coalesce((select to_jsonb(p) - 'run_id' from media_sync.run_progress p where p.run_id = p_run.id), '{}')
$$;

-- Locks a run for its leader until the transaction ends. Refuses other leases, and other steps.
create function media_sync.hold_run(p_run_id uuid, p_lease uuid, p_step bigint default null) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
    v_running boolean;
begin
    perform from public.sync_runs where id = p_run_id and status = 'running' for update;
    v_running := found;
    -- A statement of its own: it sees the lease that the former holder of the lock has written.
    if not v_running or not exists (
        select from media_sync.run_progress
        where run_id = p_run_id and lease = p_lease and step = coalesce(p_step, step)
    ) then
        raise exception 'another worker leads this run' using errcode = 'PT410';
    end if;
end
$$;

-- The assets that a run's listing has shown, one row a page. A live row that is in none of them is a suspect. Asset ids
-- are 128 bits, so a page of 500 takes 8 kB.
create table public.sync_run_pages (
    run_id    uuid not null references public.sync_runs on delete cascade,
    step      bigint not null,
    asset_ids uuid[] not null,
    primary key (run_id, step)
);

alter table public.sync_run_pages enable row level security;
revoke all on public.sync_run_pages from anon, authenticated, service_role;

-- Cloudinary's hourly quota, by its last answer. One row, since it is one account's.
create table public.cloudinary_quota (
    singleton   boolean primary key default true check (singleton),
    quota_limit integer not null,
    remaining   integer not null,
    -- The moment when `remaining` is `quota_limit` again, on Cloudinary's clock. In the past: it is.
    reset_at    timestamptz not null,
    seen_at     timestamptz not null
);

alter table public.cloudinary_quota enable row level security;
revoke all on public.cloudinary_quota from anon, authenticated, service_role;
grant select on public.cloudinary_quota to authenticated, service_role;
create policy cloudinary_quota_read on public.cloudinary_quota for select to authenticated using (true);
create policy cloudinary_quota_callers on public.cloudinary_quota as restrictive to authenticated
    using ((select media_sync.may_read()));

-- Notes the quota of Cloudinary's newest answer: {limit, remaining, reset, seen_at}.
create function public.media_sync_note_quota(p_quota jsonb) returns void
language sql security definer set search_path = pg_catalog, pg_temp as $$
    insert into public.cloudinary_quota as q (quota_limit, remaining, reset_at, seen_at)
    select
        (p_quota ->> 'limit')::integer, (p_quota ->> 'remaining')::integer,
        (p_quota ->> 'reset')::timestamptz, (p_quota ->> 'seen_at')::timestamptz
    where p_quota ->> 'seen_at' is not null
    on conflict (singleton) do update
    set quota_limit = excluded.quota_limit, remaining = excluded.remaining,
        reset_at = excluded.reset_at, seen_at = excluded.seen_at
    -- Of two answers of one moment, the smaller rest is the newer one.
    where (excluded.seen_at, -excluded.remaining) > (q.seen_at, -q.remaining)
$$;

-- A leader's answer: its run, the number of live rows, and the quota.
create function media_sync.lead(p_outcome text, p_run public.sync_runs) returns jsonb
language sql stable set search_path = pg_catalog, pg_temp as $$
    select jsonb_build_object(
        'outcome', p_outcome,
        'run', media_sync.whole_run(p_run),
        'live', (select coalesce(sum(assets), 0) from public.media_stats where live),
        'quota', (
            select jsonb_build_object('limit', quota_limit, 'remaining', remaining, 'reset', reset_at, 'seen_at', seen_at)
            from public.cloudinary_quota
        )
    )
$$;

-- Starts a run, or takes over one whose lease has ended (its leader died, or has handed it on). With p_run_id only that
-- run is taken over.
-- {"outcome": started|resumed|resting|busy|over, "run": row?, "live", "quota"?}
create function public.media_sync_lead_run(
    p_run_id uuid default null,
    p_mode text default 'full',
    p_trigger text default 'schedule',
    p_requested_by uuid default null,
    p_options jsonb default '{}',
    p_lease_seconds integer default 120,
    p_force boolean default false
) returns jsonb
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    v_run public.sync_runs;
    v_lease_until timestamptz;
    v_outcome text := 'resumed';
    v_dry_run boolean := coalesce((p_options ->> 'dry_run')::boolean, false);
begin
    select * into v_run from public.sync_runs where status = 'running' for update;
    if p_force and p_run_id is null and not v_dry_run and media_sync.give_up_run(v_run) then
        v_run := null;
    end if;
    if v_run.id is null and p_run_id is null then
        -- A mirror that was never proven whole cannot be kept by looking at changes alone.
        if not exists (select from public.sync_runs where mode = 'full' and is_good) then
            p_mode := 'full';
        end if;
        insert into public.sync_runs (mode, trigger, requested_by, options, dry_run)
        values (p_mode, p_trigger, p_requested_by, p_options, v_dry_run)
        on conflict do nothing
        returning * into v_run;
        insert into media_sync.run_progress (run_id, since_clock)
        select v_run.id, max(coalesce(p.floor_clock, p.started_clock))
        from public.sync_runs r join media_sync.run_progress p on p.run_id = r.id
        where r.is_good having v_run.id is not null;
        v_outcome := 'started';
    end if;
    if v_run.id is null or v_run.id <> coalesce(p_run_id, v_run.id) then
        return jsonb_build_object('outcome', case when p_run_id is null then 'busy' else 'over' end);
    end if;
    select lease_until into v_lease_until from media_sync.run_progress where run_id = v_run.id;
    -- A question about what would be done must not bring it about.
    if v_lease_until > now() or (p_run_id is null and v_dry_run and not v_run.dry_run) then
        return media_sync.lead('busy', v_run);
    end if;
    if v_run.resume_at > now() then
        return media_sync.lead('resting', v_run);
    end if;
    update media_sync.run_progress
    set lease = gen_random_uuid(), lease_until = now() + make_interval(secs => p_lease_seconds)
    where run_id = v_run.id;
    update public.sync_runs set heartbeat_at = now(), resume_at = null
    where id = v_run.id
    returning * into v_run;
    if v_outcome = 'started' then
        perform media_sync.audit_options(v_run);
    end if;
    return media_sync.lead(v_outcome, v_run);
end
$$;

-- Ends a run that rests after a failure, for the sake of another. One that somebody leads, or that waits for the quota,
-- goes on.
create function media_sync.give_up_run(p_run public.sync_runs) returns boolean
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
    v_run public.sync_runs;
begin
    update public.sync_runs r
    set status = 'failed', finished_at = now(), heartbeat_at = now(), resume_at = null, predicted_end = null
    from media_sync.run_progress p
    where r.id = p_run.id and p.run_id = r.id and r.error_code is not null
        and coalesce(r.resume_at, now()) <= now() and coalesce(p.lease_until, now()) <= now()
    returning r.* into v_run;
    if not found then
        return false;
    end if;
    update media_sync.run_progress set lease_until = null where run_id = v_run.id;
    delete from public.sync_run_pages where run_id = v_run.id;
    perform media_sync.audit_end(v_run);
    return true;
end
$$;

revoke execute on function media_sync.give_up_run from public, anon, authenticated, service_role;

-- Permission for a mass delete is an act of its own.
create function media_sync.audit_options(p_run public.sync_runs) returns void
language sql set search_path = pg_catalog, pg_temp as $$
    insert into public.media_sync_log (operation, source, actor, run_id, details)
    select 'mass_delete_allowed', case p_run.trigger when 'api' then 'api' else 'reconcile' end,
        p_run.requested_by, p_run.id, jsonb_strip_nulls(jsonb_build_object(
            'mode', p_run.mode, 'dry_run', p_run.dry_run, 'plan', p_run.options -> 'apply'
        ))
    where (p_run.options ->> 'allow_mass_delete')::boolean or p_run.options ? 'apply'
$$;

-- Gives the lease back without ending the run. Another leader may continue it after p_rest_seconds. A run that rests
-- after an error says so until it has come further.
create function public.media_sync_release_run(
    p_run_id uuid,
    p_lease uuid,
    p_error_code text default null,
    p_error_message text default null,
    p_rest_seconds double precision default null,
    p_quota jsonb default null
) returns jsonb
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    v_run public.sync_runs;
begin
    perform public.media_sync_note_quota(p_quota);
    perform media_sync.hold_run(p_run_id, p_lease);
    update media_sync.run_progress p
    set lease_until = now(),
        -- A rest for the quota's sake is no failure.
        failures = case
            when p_error_code is null or p_rest_seconds is not null then 0
            when p_error_code = r.error_code then p.failures + 1
            else 1
        end
    from public.sync_runs r
    where r.id = p.run_id and p.run_id = p_run_id;
    update public.sync_runs
    set error_code = p_error_code, error_message = p_error_message,
        resume_at = now() + make_interval(secs => p_rest_seconds),
        quota_remaining = coalesce((p_quota ->> 'remaining')::integer, quota_remaining),
        -- greatest() ignores nulls: an end that is not predicted stays so.
        predicted_end = case when predicted_end is not null
            then greatest(predicted_end, now() + make_interval(secs => p_rest_seconds)) end
    where id = p_run_id
    returning * into v_run;
    return media_sync.whole_run(v_run);
end
$$;

-- Live rows that a complete listing has not shown and nobody has seen alive since the run began. A row that is to be
-- restored is live here before Cloudinary has its asset again.
create function media_sync.suspects(p_run_id uuid) returns setof public.media_assets
language sql stable set search_path = pg_catalog, pg_temp as $$
    select m.*
    from public.media_assets m, media_sync.run_progress r
    where r.run_id = p_run_id
        and m.deleted_at is null
        and m.cloudinary_asset_id is not null
        and m.intent #>> '{existence,op}' is distinct from 'restore'
        and coalesce((m.clocks ->> 'alive')::bigint, 0) < r.started_clock
        and not exists (
            select from (select unnest(p.asset_ids) as asset_id from public.sync_run_pages p where p.run_id = p_run_id) seen
            where seen.asset_id = m.cloudinary_asset_id::uuid
        )
$$;

-- A million rows take up to nine seconds here and below. Supabase grants eight by default. PostgREST sets a function's
-- own limit before it calls it; our client gives up after 15.
-- Counts the suspects, and keeps the plan of their deletion in the run: {suspects, live, plan}.
create function public.media_sync_count_suspects(p_run_id uuid) returns jsonb
language plpgsql security definer set search_path = pg_catalog, pg_temp set statement_timeout = '14s' as $$
declare
    v_live bigint := (select coalesce(sum(assets), 0) from public.media_stats where live);
    v_plan jsonb;
begin
    with found as materialized (
        select id, cloudinary_asset_id, cloudinary_public_id, resource_type from media_sync.suspects(p_run_id)
    )
    select jsonb_build_object(
        'hash', media_sync.plan_hash(string_agg(cloudinary_asset_id, ',' order by cloudinary_asset_id)),
        'deletes', count(*), 'live', v_live,
        'examples', (
            select coalesce(jsonb_agg(media_sync.plan_example(f.id, f.cloudinary_asset_id, f.cloudinary_public_id, f.resource_type)), '[]')
            from (select * from found order by cloudinary_asset_id limit 20) f
        )
    ) into v_plan from found;
    if (v_plan ->> 'deletes')::bigint > 0 then
        update public.sync_runs
        set plan = v_plan || jsonb_build_object('made_at', now(), 'expires_at', now() + interval '1 day')
        where id = p_run_id;
    end if;
    return jsonb_build_object('suspects', v_plan -> 'deletes', 'live', v_live, 'plan', v_plan -> 'hash');
end
$$;

-- The run over the whole library whose plan of deletes has this hash and still holds: it is the newest one, and a day old
-- at most. Null if there is none.
create function public.media_sync_find_plan(p_hash uuid) returns uuid
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    select id from (
        select id, plan from public.sync_runs
        where mode = 'full' and status in ('succeeded', 'stopped') order by started_at desc limit 1
    ) newest
    where (plan ->> 'hash')::uuid = p_hash and (plan ->> 'expires_at')::timestamptz > now()
$$;

create function public.media_sync_suspects(p_run_id uuid, p_after text, p_limit integer) returns jsonb
language sql stable security definer set search_path = pg_catalog, pg_temp set statement_timeout = '14s' as $$
    select coalesce(
        jsonb_agg(
            jsonb_build_object('asset_id', s.cloudinary_asset_id, 'clocks', s.clocks)
            order by s.cloudinary_asset_id
        ),
        '[]'
    )
    from (
        select cloudinary_asset_id, clocks from media_sync.suspects(p_run_id)
        where cloudinary_asset_id > p_after
        order by cloudinary_asset_id limit p_limit
    ) s
$$;

-- Compares the assets of both sides, as far as this run can tell:
--   listed      distinct assets that the run has seen alive in Cloudinary
--   live        live rows with an asset id
--   suspects    live rows that the run has not seen, nor anybody else since it began
--   new         live rows that it has not seen, and somebody else has since: uploaded meanwhile
--   returning   live rows that nobody has seen since, and that are to be restored in Cloudinary
--   gone        listed assets whose rows are deleted: in Cloudinary since the run began, or here and
--               not yet there
--   unaccounted listed assets without such a row
-- Where suspects and unaccounted are 0, listed = live - new - returning + gone.
create function media_sync.verify(p_run_id uuid) returns jsonb
language sql stable set search_path = pg_catalog, pg_temp as $$
    with run as (
        select started_clock, coalesce(floor_clock, started_clock) as floor_clock
        from media_sync.run_progress where run_id = p_run_id
    ), listed as (
        select distinct unnest(asset_ids) as asset_id from public.sync_run_pages where run_id = p_run_id
    ), paired as (
        select
            l.asset_id is not null as listed,
            m.asset_id is not null and m.deleted_at is null as live,
            (m.clocks ->> 'alive')::bigint >= run.started_clock as seen_since,
            m.wish is not distinct from 'restore' as is_returning,
            m.deleted_at is not null
                and (m.wish = 'delete' or (m.clocks ->> 'gone')::bigint >= run.floor_clock) as gone_since
        from listed l
        full join (
            select cloudinary_asset_id::uuid as asset_id, deleted_at, clocks,
                intent #>> '{existence,op}' as wish
            from public.media_assets where cloudinary_asset_id is not null
        ) m using (asset_id)
        cross join run
    )
    select jsonb_build_object(
        'listed', count(*) filter (where listed),
        'live', count(*) filter (where live),
        'suspects', count(*) filter (where live and not listed and seen_since is not true and not is_returning),
        'new', count(*) filter (where live and not listed and seen_since),
        'returning', count(*) filter (where live and not listed and seen_since is not true and is_returning),
        'gone', count(*) filter (where listed and not live and gone_since),
        'unaccounted', count(*) filter (where listed and not live and gone_since is not true)
    )
    from paired
$$;

-- Ends a run. A full run is granted `succeeded` only if every live row was seen and every asset that was seen has a
-- row. Otherwise it is recorded as failed, whatever its leader believed.
create function public.media_sync_finish_run(
    p_run_id uuid,
    p_lease uuid,
    p_status text,
    p_error_code text default null,
    p_error_message text default null,
    p_counters jsonb default null
) returns jsonb
language plpgsql security definer set search_path = pg_catalog, pg_temp set statement_timeout = '14s' as $$
declare
    v_run public.sync_runs;
    v_counts jsonb;
begin
    perform media_sync.hold_run(p_run_id, p_lease);
    select * into strict v_run from public.sync_runs where id = p_run_id;
    if p_status = 'succeeded' and v_run.mode = 'full' and not v_run.dry_run then
        v_counts := media_sync.verify(p_run_id);
        if (v_counts ->> 'suspects')::bigint > 0 or (v_counts ->> 'unaccounted')::bigint > 0 then
            p_status := 'failed';
            p_error_code := 'unverified';
            p_error_message := format(
                '%s rows are live here and were not seen in Cloudinary, %s assets were seen there and have no row',
                v_counts ->> 'suspects', v_counts ->> 'unaccounted'
            );
        end if;
    end if;
    update public.sync_runs
    set status = p_status, error_code = p_error_code, error_message = p_error_message,
        plan = case when p_status = 'stopped' or dry_run then plan end,
        counters = coalesce(p_counters, counters), verification = v_counts,
        finished_at = now(), heartbeat_at = now(), resume_at = null, predicted_end = null
    where id = p_run_id
    returning * into v_run;
    update media_sync.run_progress set lease_until = null where run_id = p_run_id;
    delete from public.sync_run_pages where run_id = p_run_id;
    perform media_sync.audit_end(v_run);
    return media_sync.whole_run(v_run);
end
$$;

create function media_sync.audit_end(p_run public.sync_runs) returns void
language sql set search_path = pg_catalog, pg_temp as $$
    insert into public.media_sync_log (
        operation, status, source, actor, run_id, error_code, error_message, processing_time_ms, details
    ) values (
        case when p_run.dry_run then 'dry_run' else 'reconcile' end,
        case p_run.status when 'succeeded' then 'success' else 'failed' end, 'reconcile',
        p_run.requested_by, p_run.id, p_run.error_code, p_run.error_message,
        least(extract(epoch from p_run.finished_at - p_run.started_at) * 1000, 2147483647)::integer,
        p_run.counters
    )
$$;

-- Records a run over named assets, which has no steps, in the transaction of its writes.
create function media_sync.record_run(p_run jsonb) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
    v_run public.sync_runs;
begin
    insert into public.sync_runs (
        id, mode, trigger, requested_by, options, dry_run, drift, status, error_code, error_message, counters,
        quota_remaining, started_at, finished_at
    )
    select
        id, mode, trigger, requested_by, options, dry_run, drift, status, error_code, error_message, counters,
        (p_run #>> '{quota,remaining}')::integer, started_at, greatest(now(), started_at)
    from jsonb_populate_record(null::public.sync_runs, p_run)
    returning * into v_run;
    perform public.media_sync_note_quota(p_run -> 'quota');
    perform media_sync.audit_options(v_run);
    perform media_sync.audit_end(v_run);
end
$$;

-- A run as people see it: without the names of assets.
create function media_sync.describe_run(p_run public.sync_runs) returns jsonb
language sql stable set search_path = pg_catalog, pg_temp as $$
    select jsonb_build_object(
        'run_id', p_run.id, 'mode', p_run.mode, 'trigger', p_run.trigger, 'requested_by', p_run.requested_by,
        'options', p_run.options - 'public_ids', 'dry_run', p_run.dry_run, 'status', p_run.status,
        'error_code', p_run.error_code, 'error_message', p_run.error_message,
        'counters', p_run.counters, 'cloudinary_calls', coalesce((p_run.counters ->> 'cloudinary_calls')::bigint, 0),
        'quota_remaining', p_run.quota_remaining, 'verification', p_run.verification, 'plan', p_run.plan - 'examples',
        'started_at', p_run.started_at, 'heartbeat_at', p_run.heartbeat_at, 'finished_at', p_run.finished_at,
        'resume_at', p_run.resume_at, 'predicted_end', p_run.predicted_end,
        'duration_ms', (extract(epoch from coalesce(p_run.finished_at, now()) - p_run.started_at) * 1000)::bigint
    )
$$;

revoke execute on function media_sync.whole_run, media_sync.hold_run, media_sync.lead, media_sync.audit_options,
    media_sync.suspects, media_sync.verify, media_sync.audit_end, media_sync.record_run,
    media_sync.describe_run from public;
revoke execute on function public.media_sync_note_quota, public.media_sync_lead_run, public.media_sync_release_run,
    public.media_sync_count_suspects, public.media_sync_find_plan, public.media_sync_suspects,
    public.media_sync_finish_run from public, anon, authenticated, service_role;
grant execute on function public.media_sync_note_quota, public.media_sync_lead_run, public.media_sync_release_run,
    public.media_sync_count_suspects, public.media_sync_find_plan, public.media_sync_suspects,
    public.media_sync_finish_run to service_role;
grant execute on function media_sync.describe_run to authenticated, service_role;

$migration$; end if; end $once$;

notify pgrst, 'reload schema';
