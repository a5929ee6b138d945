-- Workers take decisions here, to carry them out in Cloudinary: claims, the brake on mass deletes, and what waits.
do $once$ begin if media_sync.begin_migration('20261127080350', 'media_claims') then execute $migration$
set local search_path = pg_catalog, pg_temp;

-- Mass deletes. Deletes that were decided until `allowed_until` are carried out, however many they are.
create table media_sync.delete_permission (
    singleton     boolean primary key default true check (singleton),
    allowed_until timestamptz not null
);

insert into media_sync.delete_permission (allowed_until) values ('-infinity');

alter table media_sync.delete_permission enable row level security;
revoke all on media_sync.delete_permission from public, anon, authenticated, service_role;

-- The id that stands in `deleted_by` where the mirror has removed a file that its uploader may not bring. No brake holds
-- such deletes, and they hold up nobody else's.
create function media_sync.mirror_itself() returns uuid
language sql immutable
return '00000000-0000-0000-0000-000000000000'::uuid;

-- The deletes of an hour that nobody has allowed, by account: each owner who deletes own assets has one, and all others
-- share the account without an owner. `going` leaves out those that are held. `p_since` is the last permission's moment.
create function media_sync.delete_accounts(p_since timestamptz)
returns table (owner uuid, deleted bigint, going bigint)
language sql stable set search_path = pg_catalog, pg_temp as $$
    select
        case when m.deleted_by = m.uploaded_by then m.deleted_by end,
        count(distinct m.id),
        count(distinct m.id) filter (where m.sync_error_code is distinct from 'held')
    from public.media_sync_log l join public.media_assets m on m.id = l.asset_row_id
    where l.operation = 'delete_requested' and l.occurred_at > greatest(now() - interval '1 hour', p_since)
        and m.deleted_at is not null and m.deleted_by is distinct from media_sync.mirror_itself()
    group by 1
$$;

-- The accounts whose deletes are a mass delete: {everybody, others, owners}.
-- * an owner's own: more than twenty, and more than a twentieth of the assets that were there
-- * others', such as editors', administrators' and servers', together: more than twenty, and more than a tenth
-- * all together: more than forty, and more than a tenth. An owner counts up to their own bound, so that no owner alone
--   holds the deletes of others, and a tenth is never exceeded.
create function media_sync.mass_deletes(p_since timestamptz, out everybody boolean, out others boolean, out owners uuid[])
language sql stable set search_path = pg_catalog, pg_temp as $$
    with accounts as (
        select *, sum(deleted) over () + (
            select coalesce(sum(assets), 0) from public.media_stats where live
        ) as there
        from media_sync.delete_accounts(p_since)
    ), counted as (
        select *, case when owner is null then going else least(going, greatest(20, there / 20)) end as counts from accounts
    )
    select
        coalesce(sum(counts) > 40 and sum(counts) * 10 > max(there), false),
        coalesce(bool_or(owner is null and deleted > 20 and deleted * 10 > there), false),
        coalesce(array_agg(owner) filter (where owner is not null and deleted > 20 and deleted * 20 > there), '{}')
    from counted
$$;

-- Holds the deletes among these rows that are a part of a mass delete. Answers the held rows. They stay deleted here, and
-- pending.
create function media_sync.hold_deletes(p_ids uuid[]) returns uuid[]
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
    v_since constant timestamptz := (select allowed_until from media_sync.delete_permission);
    v_mass record;
begin
    if not exists (
        select from public.media_assets
        where id = any (p_ids) and intent -> 'existence' ->> 'op' = 'delete' and deleted_at > v_since
            and deleted_by is distinct from media_sync.mirror_itself()
    ) then
        return '{}';
    end if;
    select * into v_mass from media_sync.mass_deletes(v_since);
    return media_sync.note(
        array(
            select id from public.media_assets
            where id = any (p_ids) and intent -> 'existence' ->> 'op' = 'delete' and deleted_at > v_since
                and deleted_by is distinct from media_sync.mirror_itself()
                and (v_mass.everybody or case when deleted_by = uploaded_by
                    then deleted_by = any (v_mass.owners) else v_mass.others end)
        ),
        $change$ set sync_error_code = 'held', sync_next_attempt_at = null,
            sync_error_message = 'too many assets were deleted within an hour: an administrator has to allow it'
        where m.deleted_at is not null $change$
    );
end
$$;

-- Stands for exactly these ids, which come in their order.
create function media_sync.plan_hash(p_ids text) returns uuid
language sql immutable
return substr(encode(sha256(convert_to(p_ids, 'UTF8')), 'hex'), 1, 32)::uuid;

create function media_sync.plan_example(p_row_id uuid, p_asset_id text, p_public_id text, p_resource_type text) returns jsonb
language sql immutable
return jsonb_build_object(
    'row_id', p_row_id, 'asset_id', p_asset_id, 'public_id', p_public_id, 'resource_type', p_resource_type
);

-- The plan of the held deletes: {hash, deletes, examples}; null if none is held.
create function media_sync.held_plan() returns jsonb
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    select jsonb_build_object(
        'hash', media_sync.plan_hash(string_agg(id::text, ',' order by id)), 'deletes', count(*),
        'examples', jsonb_agg(
            media_sync.plan_example(id, cloudinary_asset_id, cloudinary_public_id, resource_type) order by id
        ) filter (where place <= 20)
    )
    from (
        select *, row_number() over (order by id) as place from public.media_assets
        where sync_error_code = 'held' and intent is not null
    ) held
    having count(*) > 0
$$;

-- The same, for administrators.
create function media_sync.shown_held_plan() returns jsonb
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    select case when media_sync.is_admin() then media_sync.held_plan() end
$$;

-- Lets the deletes go that were held until now. With p_plan only if these are exactly the plan's. Answers their number;
-- null if they are not the plan's.
create function public.media_sync_allow_deletes(p_by uuid, p_plan uuid default null) returns bigint
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    v_former text;
    v_released bigint;
begin
    if p_plan is not null then
        perform from public.media_assets where sync_error_code = 'held' order by id for update;
        if p_plan is distinct from (media_sync.held_plan() ->> 'hash')::uuid then
            return null;
        end if;
    end if;
    v_former := media_sync.mark('observing', 'on');
    update media_sync.delete_permission set allowed_until = now() where singleton;
    v_released := cardinality(media_sync.note(
        array(
            select id from public.media_assets
            where sync_error_code = 'held' and intent is not null and deleted_at <= now() order by id
        ),
        $change$ set sync_error_code = null, sync_error_message = null, sync_next_attempt_at = now()
        where m.sync_error_code = 'held' $change$
    ));
    perform media_sync.mark('observing', v_former);
    if v_released > 0 then
        insert into public.media_sync_log (operation, source, actor, details)
        values ('deletes_allowed', 'api', p_by, jsonb_build_object('released', v_released));
    end if;
    return v_released;
end
$$;

-- Claims: the worker that carries a row's intent out, and the time until which no other may. An ended claim stays for a
-- while, without its worker: it counts the rounds.
create table media_sync.intent_claims (
    asset_id    uuid primary key references public.media_assets on delete cascade,
    claim       uuid,
    claim_until timestamptz not null,
    -- The newest round, and how many there were then; one is forgotten with each time between rounds.
    began_at    timestamptz not null default clock_timestamp(),
    rounds      double precision not null default 1
);

create index intent_claims_ended on media_sync.intent_claims (began_at) where claim is null;

-- The rounds of a claim that are not forgotten yet.
create function media_sync.rounds_of(p_claim media_sync.intent_claims) returns double precision
language sql stable set search_path = pg_catalog, pg_temp as $$
    select greatest(p_claim.rounds - coalesce(
        extract(epoch from clock_timestamp() - p_claim.began_at)
            / nullif(extract(epoch from media_sync.time_between_rounds()), 0),
        p_claim.rounds
    ), 0)
$$;

alter table media_sync.intent_claims enable row level security;
revoke all on media_sync.intent_claims from public, anon, authenticated, service_role;

-- Rows as workers read them: all columns, and the claim. In JSON, which is quicker than jsonb where texts are long.
create view media_sync.whole_assets as
select m.id, m.cloudinary_asset_id,
    (left(row_to_json(m)::text, -1) || ',"intent_claim":' || coalesce(to_json(c.claim)::text, 'null') || '}')::json as whole
from public.media_assets m left join media_sync.intent_claims c on c.asset_id = m.id;

-- The bytes of rows that one answer to a worker holds; a single row may have more.
create function media_sync.most_worker_bytes() returns integer
language sql immutable set search_path = pg_catalog, pg_temp as $$ select 8388608 $$;

revoke all on media_sync.whole_assets from public, anon, authenticated, service_role;

-- Claims rows whose intents are to be carried out. The holder is alone until the claim ends; after that another may
-- take over. Rows that were refused for good are left out: only a new decision or an administrator makes them pending
-- again. A row has ten rounds at once; then it waits for the next drain when its time has come, and wishes add up: it shows
-- the code `rounds_spent`, unless it shows a failure.
-- Nothing is claimed behind another's fence, or as long as nobody has looked for one from this place.
-- {"rows", "busy": [ids that others hold], "left": [ids for which this answer has no room], "fence": the standing}
create function public.media_sync_claim_intents(
    p_ids uuid[], p_claim uuid, p_seconds integer, p_place jsonb default null
) returns json
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    c_rounds constant integer := 10;
    v_fence constant jsonb := media_sync.fence(p_place);
    v_standing constant text := v_fence ->> 'standing';
    v_former text := media_sync.mark('observing', 'on');
    v_wanted uuid[];
    v_held uuid[];
    v_early uuid[];
    v_left uuid[];
    v_free uuid[];
    v_claimed uuid[];
begin
    if v_standing in ('strangers', 'unknown') then
        if v_standing = 'strangers' then
            perform media_sync.rest_behind_fence(p_ids, v_fence);
        end if;
        perform media_sync.mark('observing', v_former);
        return json_build_object('rows', '{}'::text[], 'busy', '{}'::text[], 'left', '{}'::text[], 'fence', v_standing);
    end if;
    v_wanted := array(
        select id from public.media_assets
        where id = any (p_ids) and intent is not null
            and not (sync_status = 'error' and sync_next_attempt_at is null)
            and sync_error_code is distinct from 'held'
        order by id for update
    );
    v_held := media_sync.hold_deletes(v_wanted);
    v_wanted := array(select id from unnest(v_wanted) id where id <> all (v_held));
    v_early := array(
        select c.asset_id from media_sync.intent_claims c
        where c.asset_id = any (v_wanted) and c.claim is null and media_sync.rounds_of(c) + 1 > c_rounds
    );
    perform media_sync.note(v_early, format(
        $change$ set sync_next_attempt_at =
                clock_timestamp() + (media_sync.rounds_of(c) + 1 - %1$s) * media_sync.time_between_rounds(),
            sync_error_code = coalesce(nullif(m.sync_error_code, 'fenced'), 'rounds_spent'),
            sync_error_message = case when m.sync_error_code <> 'fenced' then m.sync_error_message
                else 'Cloudinary was called %1$s times for this asset in a short time: the next calls wait' end
        from media_sync.intent_claims c where c.asset_id = m.id $change$, c_rounds));
    v_wanted := array(select id from unnest(v_wanted) id where id <> all (v_early));
    v_left := array(
        select id from (
            select id, row_number() over sorted as place, sum(octet_length(whole::text)) over sorted as bytes
            from media_sync.whole_assets where id = any (v_wanted)
            window sorted as (order by id)
        ) measured
        where bytes > media_sync.most_worker_bytes() and place > 1
    );
    -- A statement of its own: it sees the claims that the former holders of these locks have written.
    v_free := array(
        select id from unnest(v_wanted) id
        where id <> all (v_left) and not exists (
            select from media_sync.intent_claims
            where asset_id = id and claim is not null and claim_until >= clock_timestamp()
        )
    );
    -- The revision counts a claim too: a plan of the former holder is refused. What cannot be written is not claimed.
    v_claimed := media_sync.note(
        v_free,
        $change$ set revision = revision, sync_error_code = nullif(sync_error_code, 'rounds_spent'),
            sync_error_message = case when sync_error_code is distinct from 'rounds_spent' then sync_error_message end
        where m.intent is not null $change$
    );
    insert into media_sync.intent_claims as c (asset_id, claim, claim_until)
    select id, p_claim, clock_timestamp() + make_interval(secs => p_seconds) from unnest(v_claimed) id
    on conflict (asset_id) do update
    set claim = excluded.claim, claim_until = excluded.claim_until,
        began_at = excluded.began_at, rounds = media_sync.rounds_of(c) + 1;
    perform media_sync.mark('observing', v_former);
    return json_build_object(
        'rows', (select coalesce(json_agg(whole), '[]') from media_sync.whole_assets where id = any (v_claimed)),
        'busy', (select coalesce(json_agg(id), '[]') from unnest(v_wanted) id where id <> all (v_free || v_left)),
        'left', to_json(v_left),
        'fence', v_standing
    );
end
$$;

-- Decisions that wait to be sent: a function died before it sent them, they were written past the API, or another
-- attempt is due. They are set aside for a while, so that two drains do not send the same.
create function public.media_sync_waiting_intents(p_idle_seconds integer, p_limit integer) returns jsonb
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    v_former text := media_sync.mark('observing', 'on');
    v_due uuid[];
begin
    v_due := array(
        select id from public.media_assets
        where intent is not null and sync_next_attempt_at <= now()
        order by sync_next_attempt_at, id
        limit p_limit
        for update skip locked
    );
    v_due := media_sync.note(v_due, format(
        'set sync_next_attempt_at = now() + make_interval(secs => %s) where m.intent is not null', p_idle_seconds));
    perform media_sync.mark('observing', v_former);
    return (select coalesce(jsonb_agg(jsonb_build_object('asset_row_id', id)), '[]') from unnest(v_due) id);
end
$$;

revoke execute on function media_sync.mirror_itself, media_sync.plan_hash, media_sync.plan_example, media_sync.held_plan,
    media_sync.shown_held_plan, media_sync.delete_accounts, media_sync.mass_deletes, media_sync.hold_deletes, media_sync.rounds_of,
    media_sync.most_worker_bytes from public;
revoke execute on function public.media_sync_claim_intents, public.media_sync_waiting_intents,
    public.media_sync_allow_deletes from public, anon, authenticated, service_role;
grant execute on function media_sync.shown_held_plan to authenticated, service_role;
grant execute on function public.media_sync_claim_intents, public.media_sync_waiting_intents,
    public.media_sync_allow_deletes to service_role;

$migration$; end if; end $once$;

notify pgrst, 'reload schema';
