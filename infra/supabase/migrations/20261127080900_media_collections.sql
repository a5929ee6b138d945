-- Uses of assets, and people's collections.
--
-- The functions handle many assets at once, each with its outcome, in an order that two people may change at the same
-- time. They run as their caller, under row level security. Assets are named by media_assets.id or by Cloudinary's asset
-- id. They answer, with media_assets.id,
-- {"done": [{"asset_id", ...}], "failed": [{"asset_id", "error"}]}.
do $once$ begin if media_sync.begin_migration('20261127080900', 'media_collections') then execute $migration$
set local search_path = pg_catalog, pg_temp;

-- Lets one transaction of a user at a time change collections and uses, which cost no budget. First of all, since whoever
-- takes the turn after a row waits in a circle.
create function media_sync.take_turn_at_shelf() returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    if auth.uid() is not null and not media_sync.edits_all() then
        perform media_sync.take_turn('public.media_collections', auth.uid());
    end if;
end
$$;

create function media_sync.take_turns_at_shelf() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    perform media_sync.take_turn_at_shelf();
    return null;
end
$$;

create table public.media_usage (
    id           uuid primary key default gen_random_uuid(),
    asset_id     uuid not null references public.media_assets on delete cascade,
    usage_type   text not null check (octet_length(usage_type) between 1 and 255),
    table_name   text not null check (octet_length(table_name) between 1 and 255),
    record_id    text not null check (octet_length(record_id) between 1 and 255),
    created_by   uuid default auth.uid(),
    created_at   timestamptz not null default now(),
    unique (asset_id, usage_type, table_name, record_id)
);

create index media_usage_record on public.media_usage (table_name, record_id);
create index media_usage_oldest on public.media_usage (asset_id, created_at, id);
create index media_usage_recorder on public.media_usage (created_by) where created_by is not null;

create trigger take_turns before insert or update or delete on public.media_usage
    for each statement execute function media_sync.take_turns_at_shelf();

alter table public.media_usage enable row level security;
revoke all on public.media_usage from anon, authenticated, service_role;
grant select, insert, delete on public.media_usage to service_role;
-- Users do not tell the time of a use.
grant select, delete, insert (id, asset_id, usage_type, table_name, record_id, created_by) on public.media_usage
    to authenticated;

-- A use holds an asset, so it is for those who may delete the asset; servers record all others. It names a record of
-- somebody's, so nobody else reads it.
create policy media_usage_read on public.media_usage for select to authenticated
    using (
        created_by = (select auth.uid()) or (select media_sync.is_admin())
        or exists (select from public.media_assets a where a.id = asset_id and a.uploaded_by = (select auth.uid()))
    );
create policy media_usage_callers on public.media_usage as restrictive to authenticated
    using ((select media_sync.may_read()));
create policy media_usage_add on public.media_usage for insert to authenticated
    with check (
        created_by = (select auth.uid()) and (select media_sync.may_write())
        and ((select media_sync.edits_all())
            or exists (select from public.media_assets a where a.id = asset_id and a.uploaded_by = (select auth.uid())))
    );
create policy media_usage_remove on public.media_usage for delete to authenticated
    using (
        (select media_sync.may_write()) and (
            created_by = (select auth.uid()) or (select media_sync.is_admin())
            or exists (select from public.media_assets a where a.id = asset_id and a.uploaded_by = (select auth.uid()))
        )
    );

-- Refuses uses beyond the bounds of an asset and of a user. One transaction of a user counts at a time.
create function media_sync.bound_uses() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    c_of_asset constant integer := 10000;
    c_of_user constant integer := 20000;
    v_user uuid;
begin
    for v_user in select distinct created_by from added where created_by is not null order by 1 loop
        perform media_sync.take_turn('public.media_usage', v_user);
        if (select count(*) from (
            select from public.media_usage where created_by = v_user limit c_of_user + 1) counted) > c_of_user
        then
            raise exception 'a user records % uses at most: drop some first', c_of_user using errcode = 'PT422';
        end if;
    end loop;
    if exists (
        select from (select distinct asset_id from added) used
        where (select count(*) from (
            select from public.media_usage u where u.asset_id = used.asset_id limit c_of_asset + 1) counted) > c_of_asset
    ) then
        raise exception 'an asset has % uses at most: drop some first', c_of_asset using errcode = 'PT422';
    end if;
    return null;
end
$$;

create trigger bound_uses after insert on public.media_usage
    referencing new table as added
    for each statement execute function media_sync.bound_uses();

-- Refuses to delete an asset that is in use, unless the transaction has the mark `force`. The detail tells the number of
-- uses, counted up to a thousand, and the oldest ten that the caller may read.
create function media_sync.refuse_if_used(p_asset public.media_assets) returns void
language plpgsql stable set search_path = pg_catalog, pg_temp as $$
declare
    c_counted constant integer := 1000;
    c_shown constant integer := 10;
    v_sees_all constant boolean :=
        auth.uid() is null or media_sync.is_admin() or coalesce(p_asset.uploaded_by = auth.uid(), false);
begin
    if current_setting('media_sync.force', true) = 'on'
        or not exists (select from public.media_usage where asset_id = p_asset.id)
    then
        return;
    end if;
    raise exception 'in use: add force to delete it all the same' using errcode = 'PT409', detail = jsonb_build_object(
        'code', 'in_use',
        'reference_count', (
            select count(*) from (select from public.media_usage where asset_id = p_asset.id limit c_counted) counted
        ),
        'references', (
            select coalesce(jsonb_agg(
                jsonb_build_object('table', table_name, 'row', record_id, 'kind', usage_type) order by created_at, id
            ), '[]')
            from (
                select * from public.media_usage
                where asset_id = p_asset.id and (v_sees_all or created_by = auth.uid())
                order by created_at, id limit c_shown
            ) oldest
        )
    );
end
$$;

create table public.media_collections (
    id          uuid primary key default gen_random_uuid(),
    name        text not null check (length(name) between 1 and 255),
    description text check (octet_length(description) <= 12000),
    is_public   boolean not null default false,
    owner       uuid not null default auth.uid(),
    created_at  timestamptz not null default now(),
    updated_at  timestamptz not null default now()
);

create index media_collections_owner on public.media_collections (owner);

create function media_sync.touch() returns trigger
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
    new.updated_at := now();
    return new;
end
$$;

create trigger touch before update on public.media_collections
    for each row execute function media_sync.touch();

-- Refuses collections beyond the bound of their owner. Of two transactions of one owner the second counts the first's.
create function media_sync.bound_collections() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    c_most constant integer := 1000;
begin
    perform media_sync.take_turn('public.media_collections', owner)
    from (select distinct owner from added order by owner) owners;
    if exists (
        select from (select distinct owner from added) owners
        where (select count(*) from (
            select from public.media_collections c where c.owner = owners.owner limit c_most + 1
        ) counted) > c_most
    ) then
        raise exception 'a user has % collections at most', c_most using errcode = 'PT422';
    end if;
    return null;
end
$$;

create trigger bound_collections after insert on public.media_collections
    referencing new table as added
    for each statement execute function media_sync.bound_collections();

create trigger take_turns before insert or update or delete on public.media_collections
    for each statement execute function media_sync.take_turns_at_shelf();

alter table public.media_collections enable row level security;
revoke all on public.media_collections from anon, authenticated, service_role;
-- Users do not tell when a collection was made, or an asset added.
grant select, delete, insert (id, name, description, is_public, owner) on public.media_collections to authenticated;
grant update (name, description, is_public, owner) on public.media_collections to authenticated;
grant select on public.media_collections to service_role;
create policy media_collections_callers on public.media_collections as restrictive to authenticated
    using ((select media_sync.may_read()));
create policy media_collections_read on public.media_collections for select to authenticated
    using (is_public or owner = (select auth.uid()) or (select media_sync.is_admin()));
create policy media_collections_add on public.media_collections for insert to authenticated
    with check (owner = (select auth.uid()) and (select media_sync.may_write()));
create policy media_collections_change on public.media_collections for update to authenticated
    using ((select media_sync.may_write()) and (owner = (select auth.uid()) or (select media_sync.is_admin())))
    with check ((select media_sync.may_write()) and (owner = (select auth.uid()) or (select media_sync.is_admin())));
create policy media_collections_remove on public.media_collections for delete to authenticated
    using ((select media_sync.may_write()) and (owner = (select auth.uid()) or (select media_sync.is_admin())));

create table public.media_collection_items (
    collection_id uuid not null references public.media_collections on delete cascade,
    asset_id      uuid not null references public.media_assets on delete cascade,
    position      double precision not null default 0,
    added_at      timestamptz not null default now(),
    primary key (collection_id, asset_id)
);

create index media_collection_items_asset on public.media_collection_items (asset_id);
create index media_collection_items_order on public.media_collection_items (collection_id, position);

-- Refuses items beyond the bounds of a collection and of its owner. The collection's row is locked, so that one
-- transaction counts at a time.
create function media_sync.bound_items() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    c_most constant integer := 10000;
    c_of_owner constant integer := 100000;
begin
    perform from public.media_collections
    where id in (select collection_id from added) order by id for no key update;
    if exists (
        select from (select distinct collection_id from added) filled
        where (select count(*) from (
            select from public.media_collection_items i where i.collection_id = filled.collection_id limit c_most + 1
        ) counted) > c_most
    ) then
        raise exception 'a collection has % items at most', c_most using errcode = 'PT422';
    end if;
    if exists (
        select from (
            select distinct c.owner from added join public.media_collections c on c.id = added.collection_id
        ) owners
        where (select count(*) from (
            select from public.media_collections c join public.media_collection_items i on i.collection_id = c.id
            where c.owner = owners.owner limit c_of_owner + 1
        ) counted) > c_of_owner
    ) then
        raise exception 'the collections of a user have % items at most', c_of_owner using errcode = 'PT422';
    end if;
    return null;
end
$$;

create trigger bound_items after insert on public.media_collection_items
    referencing new table as added
    for each statement execute function media_sync.bound_items();

create trigger take_turns before insert or update or delete on public.media_collection_items
    for each statement execute function media_sync.take_turns_at_shelf();

alter table public.media_collection_items enable row level security;
revoke all on public.media_collection_items from anon, authenticated, service_role;
grant select, delete, insert (collection_id, asset_id, position) on public.media_collection_items to authenticated;
grant update (position) on public.media_collection_items to authenticated;
grant select on public.media_collection_items to service_role;
create policy media_collection_items_callers on public.media_collection_items as restrictive to authenticated
    using ((select media_sync.may_read()));

-- An item follows its collection: the subquery sees only the collections that the caller sees.
create policy media_collection_items_read on public.media_collection_items for select to authenticated
    using (exists (select from public.media_collections c where c.id = collection_id));
create policy media_collection_items_write on public.media_collection_items for all to authenticated
    using (exists (
        select from public.media_collections c where c.id = collection_id
        and (select media_sync.may_write()) and (c.owner = (select auth.uid()) or (select media_sync.is_admin()))
    ))
    with check (exists (
        select from public.media_collections c where c.id = collection_id
        and (select media_sync.may_write()) and (c.owner = (select auth.uid()) or (select media_sync.is_admin()))
    ));

create function media_sync.write_nothing() returns trigger
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
    raise exception '% is only read', tg_table_name using errcode = '42501';
end
$$;

-- A collection's assets, with the list's columns. Deleted ones are left out; they keep their places, should they
-- return.
do $$ begin
    execute format(
        'create view public.media_collection_assets with (security_invoker = true) as
        select i.collection_id, i.position, i.added_at, a.id as asset_id, %s
        from public.media_collection_items i
        join public.media_assets a on a.id = i.asset_id
        where a.deleted_at is null',
        media_sync.column_list(array_remove(array_remove(media_sync.shown_columns(), 'id'), 'deleted_at'), 'a')
    );
end $$;

-- Without it PostgreSQL says, before it asks for rights, that such a view cannot be written, and PostgREST makes a 500 of it.
create trigger write_nothing instead of insert or update or delete on public.media_collection_assets
    for each row execute function media_sync.write_nothing();

revoke all on public.media_collection_assets from anon, authenticated, service_role;
grant select on public.media_collection_assets to authenticated, service_role;

-- Locks a collection. Every change of an order holds it, so that positions are given by one caller at a time.
create function media_sync.hold_collection(p_collection uuid) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
    perform media_sync.admit();
    perform media_sync.take_turn_at_shelf();
    if not exists (select from public.media_collections where id = p_collection) then
        raise exception 'there is no such collection' using errcode = 'PT404';
    end if;
    perform from public.media_collections where id = p_collection for update;
    if not found then
        raise exception 'not yours to change' using errcode = '42501';
    end if;
end
$$;

-- The rows of assets that are named by their rows' ids or by Cloudinary's asset ids, whose 32 hex digits are a UUID too. An
-- asset that the caller does not see keeps the name that was given.
create function media_sync.rows_named(p_assets uuid[]) returns table (asset_id uuid, place bigint)
language sql stable set search_path = pg_catalog, pg_temp as $$
    select coalesce(by_id.id, by_asset_id.id, named), place
    from unnest(p_assets) with ordinality as given (named, place)
    left join public.media_assets by_id on by_id.id = named
    left join public.media_assets by_asset_id
        on by_id.id is null and by_asset_id.cloudinary_asset_id = replace(named::text, '-', '')
    where named is not null
$$;

-- The named assets, each once, in the order in which they were named.
create function media_sync.named_once(p_assets uuid[]) returns table (asset_id uuid, place bigint)
language plpgsql stable set search_path = pg_catalog, pg_temp as $$
begin
    if coalesce(cardinality(p_assets), 0) > 1000 then
        raise exception 'one call takes 1,000 assets at most' using errcode = '22023';
    end if;
    return query
    select named.asset_id, min(named.place) from media_sync.rows_named(p_assets) named group by named.asset_id;
end
$$;

-- The outcome of each named asset. Those in p_refused have an error of their own.
create function media_sync.outcome(
    p_assets uuid[], p_done uuid[], p_error text, p_refused uuid[] default '{}', p_refusal text default null
) returns jsonb
language sql stable set search_path = pg_catalog, pg_temp as $$
    select jsonb_build_object(
        'done', coalesce(jsonb_agg(jsonb_build_object('asset_id', asset_id) order by place)
            filter (where asset_id = any (p_done)), '[]'),
        'failed', coalesce(jsonb_agg(jsonb_build_object(
            'asset_id', asset_id, 'error', case when asset_id = any (p_refused) then p_refusal else p_error end
        ) order by place) filter (where asset_id <> all (p_done)), '[]')
    )
    from media_sync.named_once(p_assets)
$$;

-- Counts the positions of a collection anew, from 1 and without gaps.
create function media_sync.count_positions(p_collection uuid) returns void
language sql set search_path = pg_catalog, pg_temp as $$
    update public.media_collection_items i set position = s.place
    from (
        select asset_id, row_number() over (order by position, added_at, asset_id) as place
        from public.media_collection_items where collection_id = p_collection
    ) s
    where i.collection_id = p_collection and i.asset_id = s.asset_id and i.position <> s.place
$$;

-- Puts items at a place of the list that people see, in this order. Places begin at 1; without one the items go to the
-- end. Their positions lie between those of their neighbours, so that no other row is written. Where no room is left,
-- all positions are counted anew before.
create function media_sync.put_items(p_collection uuid, p_assets uuid[], p_place integer) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
    v_count constant integer := cardinality(p_assets);
    v_before double precision;
    v_after double precision;
    v_step double precision := 1;
begin
    with others as (
        select i.position, lag(i.position) over sorted as before,
            a.id is not null as is_shown, row_number() over sorted as place, count(a.id) over sorted as shown_place
        from public.media_collection_items i
        left join public.media_assets a on a.id = i.asset_id and a.deleted_at is null
        where i.collection_id = p_collection and i.asset_id <> all (p_assets)
        window sorted as (order by i.position, i.added_at, i.asset_id rows unbounded preceding)
    )
    select before, position into v_before, v_after
    from others where is_shown and shown_place >= p_place order by place limit 1;
    if not found then
        select max(position) into v_before from public.media_collection_items
        where collection_id = p_collection and asset_id <> all (p_assets);
    end if;
    if v_before is not null and v_after is not null then
        v_step := (v_after - v_before) / (v_count + 1);
    end if;
    v_before := coalesce(v_before, v_after - v_count - 1, 0);
    -- People may write any position, also one that nothing can be added to.
    if v_step < 1e-6 or v_step > 1e12 or abs(v_before) > 1e12 then
        perform media_sync.count_positions(p_collection);
        perform media_sync.put_items(p_collection, p_assets, p_place);
        return;
    end if;
    update public.media_collection_items i set position = v_before + v_step * named.place
    from unnest(p_assets) with ordinality as named (asset_id, place)
    where i.collection_id = p_collection and i.asset_id = named.asset_id;
end
$$;

create function media_sync.check_place(p_place integer) returns void
language plpgsql immutable set search_path = pg_catalog, pg_temp as $$
begin
    if p_place < 1 then
        raise exception 'positions count from 1' using errcode = '22023';
    end if;
end
$$;

-- Adds assets, at the end or at a position. Items that are there already stay where they are.
create function public.media_collection_add(p_collection uuid, p_assets uuid[], p_position integer default null)
returns jsonb
language plpgsql set search_path = pg_catalog, pg_temp set statement_timeout = '6s' as $$
declare
    v_live uuid[];
    v_new uuid[];
begin
    perform media_sync.bound_argument(pg_column_size(p_assets));
    perform media_sync.check_place(p_position);
    perform media_sync.hold_collection(p_collection);
    v_live := array(
        select n.asset_id from media_sync.named_once(p_assets) n
        join public.media_assets a on a.id = n.asset_id and a.deleted_at is null
    );
    with added as (
        insert into public.media_collection_items (collection_id, asset_id)
        select p_collection, unnest(v_live)
        on conflict do nothing
        returning asset_id
    )
    select array_agg(n.asset_id order by n.place) into v_new
    from media_sync.named_once(p_assets) n join added using (asset_id);
    perform media_sync.put_items(p_collection, coalesce(v_new, '{}'), p_position);
    return media_sync.outcome(p_assets, v_live, 'not found');
end
$$;

-- Moves items to a position, in the order in which they are named; all others keep theirs.
create function public.media_collection_reorder(p_collection uuid, p_assets uuid[], p_position integer default 1)
returns jsonb
language plpgsql set search_path = pg_catalog, pg_temp set statement_timeout = '6s' as $$
declare
    v_items uuid[];
begin
    perform media_sync.bound_argument(pg_column_size(p_assets));
    perform media_sync.check_place(p_position);
    perform media_sync.hold_collection(p_collection);
    v_items := array(
        select n.asset_id from media_sync.named_once(p_assets) n
        join public.media_collection_items i on i.collection_id = p_collection and i.asset_id = n.asset_id
        order by n.place
    );
    perform media_sync.put_items(p_collection, v_items, p_position);
    return media_sync.outcome(p_assets, v_items, 'not in the collection');
end
$$;

create function public.media_collection_remove(p_collection uuid, p_assets uuid[]) returns jsonb
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
    v_removed uuid[];
begin
    perform media_sync.bound_argument(pg_column_size(p_assets));
    perform media_sync.hold_collection(p_collection);
    with removed as (
        delete from public.media_collection_items
        where collection_id = p_collection
            and asset_id in (select n.asset_id from media_sync.named_once(p_assets) n)
        returning asset_id
    )
    select array_agg(asset_id) into v_removed from removed;
    return media_sync.outcome(p_assets, coalesce(v_removed, '{}'), 'not in the collection');
end
$$;

-- The uses of an asset and its collections, p_most of each, that the caller may see.
-- {"usage": [{usage_type, table_name, record_id, created_by, created_at}],
--  "usage_count": number, counted up to the bound of an asset,
--  "collections": [{collection_id, name, is_public, owner, position}]}
create function media_sync.uses_of(p_row_id uuid, p_most integer) returns jsonb
language plpgsql stable set search_path = pg_catalog, pg_temp as $$
begin
    return jsonb_build_object(
        'usage', (
            select coalesce(jsonb_agg(
                jsonb_build_object(
                    'usage_type', u.usage_type, 'table_name', u.table_name, 'record_id', u.record_id,
                    'created_by', u.created_by, 'created_at', u.created_at
                ) order by u.table_name, u.record_id, u.usage_type
            ), '[]')
            from (
                select * from public.media_usage where asset_id = p_row_id
                order by table_name, record_id, usage_type limit p_most
            ) u
        ),
        'usage_count', (
            select count(*) from (select from public.media_usage where asset_id = p_row_id limit 10000) counted
        ),
        'collections', (
            select coalesce(jsonb_agg(
                jsonb_build_object(
                    'collection_id', c.id, 'name', c.name, 'is_public', c.is_public, 'owner', c.owner,
                    'position', c.position
                ) order by c.name, c.id
            ), '[]')
            from (
                select c.id, c.name, c.is_public, c.owner, i.position
                from public.media_collection_items i join public.media_collections c on c.id = i.collection_id
                where i.asset_id = p_row_id
                -- The caller's own are among them.
                order by c.owner = auth.uid() desc, c.name, c.id limit p_most
            ) c
        )
    );
end
$$;

-- The uses of an asset, by its row's id or Cloudinary's asset id, and its collections, a thousand of each at most. Asked
-- before it is deleted. An asset that the caller does not see is not there: it would seem to be in no use.
create function public.media_where_used(p_asset uuid) returns jsonb
language plpgsql stable set search_path = pg_catalog, pg_temp set statement_timeout = '4s' as $$
declare
    v_row_id constant uuid := (select asset_id from media_sync.rows_named(array[p_asset]));
begin
    perform media_sync.admit();
    if not exists (select from public.media_assets where id = v_row_id) then
        raise exception 'there is no such asset' using errcode = 'PT404';
    end if;
    return media_sync.uses_of(v_row_id, 1000);
end
$$;

-- Records that a row of another table uses assets. To record it twice is to record it once.
create function public.media_usage_record(p_assets uuid[], p_usage_type text, p_table_name text, p_record_id text)
returns jsonb
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
    v_any boolean := current_user = 'service_role' or media_sync.edits_all();
    v_own uuid[];
    v_others uuid[];
begin
    perform media_sync.bound_argument(pg_column_size(p_assets));
    perform media_sync.admit();
    if coalesce(octet_length(p_usage_type), 0) not between 1 and 255
        or coalesce(octet_length(p_table_name), 0) not between 1 and 255
        or coalesce(octet_length(p_record_id), 0) not between 1 and 255
    then
        raise exception 'p_usage_type, p_table_name and p_record_id must have 1 to 255 bytes' using errcode = '22023';
    end if;
    select array_agg(a.id) filter (where is_own), array_agg(a.id) filter (where not is_own) into v_own, v_others
    from media_sync.named_once(p_assets) n
    join public.media_assets a on a.id = n.asset_id and a.deleted_at is null
    cross join lateral (select v_any or coalesce(a.uploaded_by = auth.uid(), false)) owned (is_own);
    insert into public.media_usage (asset_id, usage_type, table_name, record_id)
    select unnest(v_own), p_usage_type, p_table_name, p_record_id
    on conflict do nothing;
    return media_sync.outcome(p_assets, coalesce(v_own, '{}'), 'not found', v_others, 'not yours to use');
end
$$;

-- Drops the uses by a row of another table: all of them, one kind, or those of some assets. To drop nothing is no
-- failure. The caller reads no uses that are for others to drop, so they count as nothing.
create function public.media_usage_drop(
    p_table_name text, p_record_id text, p_usage_type text default null, p_assets uuid[] default null
) returns jsonb
language sql set search_path = pg_catalog, pg_temp as $$
    select media_sync.bound_argument(pg_column_size(p_assets));
    select media_sync.admit();
    with found as (
        select id, asset_id, usage_type from public.media_usage
        where table_name = p_table_name and record_id = p_record_id
            and (p_usage_type is null or usage_type = p_usage_type)
            and (p_assets is null or asset_id in (select named.asset_id from media_sync.rows_named(p_assets) named))
    ), dropped as (
        delete from public.media_usage u using found f where u.id = f.id returning u.id
    ), told as (
        select f.asset_id, f.usage_type, d.id is not null as is_done from found f left join dropped d on d.id = f.id
    )
    select jsonb_build_object(
        'done', coalesce(jsonb_agg(jsonb_build_object('asset_id', asset_id, 'usage_type', usage_type)
            order by asset_id, usage_type) filter (where is_done), '[]'),
        'failed', coalesce(jsonb_agg(jsonb_build_object(
            'asset_id', asset_id, 'usage_type', usage_type, 'error', 'not yours to change'
        ) order by asset_id, usage_type) filter (where not is_done), '[]')
    )
    from told
$$;

revoke execute on function media_sync.take_turn_at_shelf, media_sync.take_turns_at_shelf, media_sync.write_nothing,
    media_sync.bound_uses, media_sync.bound_collections, media_sync.bound_items, media_sync.refuse_if_used, media_sync.touch,
    media_sync.hold_collection, media_sync.rows_named, media_sync.named_once, media_sync.outcome, media_sync.count_positions,
    media_sync.put_items, media_sync.check_place, media_sync.uses_of from public;
revoke execute on function public.media_collection_add, public.media_collection_reorder, public.media_collection_remove,
    public.media_where_used, public.media_usage_record, public.media_usage_drop from public, anon, authenticated,
    service_role;
grant execute on function media_sync.take_turn_at_shelf, media_sync.hold_collection, media_sync.rows_named, media_sync.named_once, media_sync.outcome,
    media_sync.count_positions, media_sync.put_items, media_sync.check_place, media_sync.uses_of,
    public.media_where_used, public.media_usage_record, public.media_usage_drop to authenticated, service_role;
grant execute on function public.media_collection_add, public.media_collection_reorder, public.media_collection_remove
    to authenticated;

$migration$; end if; end $once$;

notify pgrst, 'reload schema';
