-- Where assets are used, and the collections people make of them.
do $once$ begin if media_sync.begin_migration('20261122090200', 'media_collections') then execute $migration$

create table public.media_usage (
    id           uuid primary key default gen_random_uuid(),
    asset_id     uuid not null references public.media_assets on delete cascade,
    usage_type   text not null check (length(usage_type) <= 255),
    table_name   text not null check (length(table_name) <= 255),
    record_id    text not null check (length(record_id) <= 255),
    created_by   uuid default auth.uid(),
    created_at   timestamptz not null default now(),
    unique (asset_id, usage_type, table_name, record_id)
);

create table public.media_collections (
    id          uuid primary key default gen_random_uuid(),
    name        text not null check (length(name) between 1 and 255),
    description text check (length(description) <= 10000),
    is_public   boolean not null default false,
    owner       uuid not null default auth.uid(),
    created_at  timestamptz not null default now(),
    updated_at  timestamptz not null default now()
);

create table public.media_collection_items (
    collection_id uuid not null references public.media_collections on delete cascade,
    asset_id      uuid not null references public.media_assets on delete cascade,
    position      double precision not null default 0,
    added_at      timestamptz not null default now(),
    primary key (collection_id, asset_id)
);

create index media_collections_owner on public.media_collections (owner);
create index media_collection_items_asset on public.media_collection_items (asset_id);
create index media_collection_items_order on public.media_collection_items (collection_id, position);

alter table public.media_usage enable row level security;
alter table public.media_collections enable row level security;
alter table public.media_collection_items enable row level security;

revoke all on public.media_usage, public.media_collections, public.media_collection_items
    from anon, authenticated, service_role;
grant select, insert, delete on public.media_usage to authenticated;
grant select, insert, delete on public.media_collections, public.media_collection_items to authenticated;
grant update (name, description, is_public, owner) on public.media_collections to authenticated;
grant update (position) on public.media_collection_items to authenticated;
grant select, insert, delete on public.media_usage to service_role;
grant select on public.media_collections, public.media_collection_items to service_role;

create policy media_usage_read on public.media_usage for select to authenticated using (true);
create policy media_usage_add on public.media_usage for insert to authenticated
    with check (created_by = (select auth.uid()));
create policy media_usage_remove on public.media_usage for delete to authenticated
    using (created_by = (select auth.uid()) or (select media_sync.is_admin()));

create policy media_collections_read on public.media_collections for select to authenticated
    using (is_public or owner = (select auth.uid()) or (select media_sync.is_admin()));
create policy media_collections_add on public.media_collections for insert to authenticated
    with check (owner = (select auth.uid()));
create policy media_collections_change on public.media_collections for update to authenticated
    using (owner = (select auth.uid()) or (select media_sync.is_admin()))
    with check (owner = (select auth.uid()) or (select media_sync.is_admin()));
create policy media_collections_remove on public.media_collections for delete to authenticated
    using (owner = (select auth.uid()) or (select media_sync.is_admin()));

-- An item follows its collection: the subquery sees only the collections that the caller sees.
create policy media_collection_items_read on public.media_collection_items for select to authenticated
    using (exists (select from public.media_collections c where c.id = collection_id));
create policy media_collection_items_write on public.media_collection_items for all to authenticated
    using (exists (
        select from public.media_collections c where c.id = collection_id
        and (c.owner = (select auth.uid()) or (select media_sync.is_admin()))
    ))
    with check (exists (
        select from public.media_collections c where c.id = collection_id
        and (c.owner = (select auth.uid()) or (select media_sync.is_admin()))
    ));

$migration$; end if; end $once$;

notify pgrst, 'reload schema';
