-- The mirror: one row per Cloudinary asset, live or gone.
do $once$ begin if media_sync.begin_migration('20261122090000', 'media_assets') then execute $migration$

create extension if not exists pg_trgm with schema extensions;

create table public.media_assets (
    id                    uuid primary key default gen_random_uuid(),

    -- Identity. The asset id survives rename and move; a row made here before Cloudinary has
    -- answered has none yet.
    cloudinary_asset_id   text unique check (cloudinary_asset_id ~ '^[0-9a-f]{32}$'),
    cloudinary_public_id  text not null,
    resource_type         text not null check (resource_type in ('image', 'video', 'raw')),
    delivery_type         text not null default 'upload',

    -- Content. `version` counts Unix seconds: beyond 2038 it needs 64 bits.
    cloudinary_version    bigint,
    cloudinary_version_id text,
    cloudinary_signature  text,
    cloudinary_etag       text,
    original_filename     text,
    file_size             bigint check (file_size >= 0),
    mime_type             text,
    format                text,
    width                 integer,
    height                integer,
    duration              double precision,
    secure_url            text,
    url                   text,
    cloudinary_created_at timestamptz,

    -- What people edit, on either side.
    display_name          text,
    folder                text not null default '',
    tags                  text[] not null default '{}',
    context               jsonb not null default '{}',
    metadata              jsonb not null default '{}',
    access_mode           text,

    -- What only this side knows.
    description           text check (length(description) <= 10000),
    alt_text              text check (length(alt_text) <= 10000),
    uploaded_by           uuid,

    -- Where the two sides stand. `synced`: the last known Cloudinary state and this row agree.
    sync_status           text not null default 'synced'
                          check (sync_status in ('synced', 'pending', 'error')),
    sync_error_message    text,
    sync_error_code       text,
    sync_retry_count      integer not null default 0,
    sync_next_attempt_at  timestamptz,
    last_synced_at        timestamptz,
    created_at            timestamptz not null default now(),
    updated_at            timestamptz not null default now(),
    deleted_at            timestamptz,
    deleted_by            uuid,

    -- When each group of fields was last observed, in microseconds on Cloudinary's clock.
    clocks                jsonb not null default '{}',
    -- What was decided here and has not been confirmed by Cloudinary; null when nothing is. While
    -- values wait to be changed there, the columns show the wanted ones, and `observed` keeps the
    -- last observed ones: the base of the three-way merge.
    intent                jsonb,
    intent_revision       bigint not null default 0,
    observed              jsonb,
    -- Who is carrying the intent out, and until when nobody else may.
    intent_claim          uuid,
    intent_claim_until    timestamptz,
    -- Counts every change of the row: a writer that read an older one has to read again.
    revision              bigint not null default 0,

    constraint media_assets_intent_is_told
        check (intent is null or sync_status in ('pending', 'error')),
    constraint media_assets_observed_with_intent
        check (observed is null or intent is not null),
    constraint media_assets_error_has_reason
        check (sync_status <> 'error' or sync_error_message is not null),

    -- A delivery name belongs to one live asset at a time. Checked at the end of a transaction,
    -- since two assets may swap their names within one page.
    constraint media_assets_live_name exclude using btree (
        resource_type with =, delivery_type with =, cloudinary_public_id with =
    ) where (deleted_at is null) deferrable initially deferred
);

comment on table public.media_assets is
    'One row per Cloudinary asset. Rows of deleted assets stay as tombstones, so that a late event cannot bring them back.';

create index media_assets_newest on public.media_assets (created_at desc, id desc)
    where deleted_at is null;
create index media_assets_folder on public.media_assets (folder, created_at desc, id desc)
    where deleted_at is null;
create index media_assets_type on public.media_assets (resource_type, created_at desc, id desc)
    where deleted_at is null;
create index media_assets_tags on public.media_assets using gin (tags)
    where deleted_at is null;
create index media_assets_waiting on public.media_assets (sync_next_attempt_at, id)
    where intent is not null;
create index media_assets_unsettled on public.media_assets (sync_status, created_at desc, id desc)
    where sync_status <> 'synced' and deleted_at is null;
create index media_assets_uploader on public.media_assets (uploaded_by, created_at desc, id desc)
    where deleted_at is null and uploaded_by is not null;

create function media_sync.count_revision() returns trigger
language plpgsql set search_path = '' as $$
begin
    new.revision := old.revision + 1;
    new.updated_at := now();
    return new;
end
$$;

create trigger count_revision before update on public.media_assets
    for each row execute function media_sync.count_revision();

-- Whether the caller is an administrator. `app_metadata` can be written by the server only.
create function media_sync.is_admin() returns boolean
language sql stable set search_path = '' as $$
    select coalesce((select auth.jwt()) -> 'app_metadata' ->> 'role' = 'admin', false)
$$;

-- Statistics are kept, not counted: they cost the same at a thousand rows and at a million. Each class is
-- the sum of its shards, and a transaction writes to a shard that is its own until it ends, so that
-- sixteen may write without waiting for one another. A single shard may be negative.
create table public.media_stats (
    shard         smallint not null,
    resource_type text not null,
    sync_status   text not null,
    live          boolean not null,
    assets        bigint not null,
    bytes         bigint not null,
    primary key (shard, resource_type, sync_status, live)
) with (fillfactor = 50);

-- A shard that no other transaction holds. Only who holds none ever waits, so nobody waits in a circle.
create function media_sync.take_stats_shard() returns smallint
language plpgsql set search_path = '' as $$
declare
    c_shards constant integer := 16;
    c_lock constant integer := hashtext('public.media_stats');
    v_first integer := pg_backend_pid() % c_shards;
    v_shard integer;
begin
    for step in 0 .. c_shards - 1 loop
        v_shard := (v_first + step) % c_shards;
        if pg_try_advisory_xact_lock(c_lock, v_shard) then
            return v_shard;
        end if;
    end loop;
    perform pg_advisory_xact_lock(c_lock, v_first);
    return v_first;
end
$$;

create function media_sync.keep_stats() returns trigger
language plpgsql security definer set search_path = '' as $$
declare
    v_moved public.media_stats[];
    v_shard smallint;
begin
    if tg_op = 'INSERT' then
        v_moved := array(
            select (0, resource_type, sync_status, deleted_at is null, count(*), coalesce(sum(file_size), 0))::public.media_stats
            from after_rows group by resource_type, sync_status, deleted_at is null
        );
    elsif tg_op = 'DELETE' then
        v_moved := array(
            select (0, resource_type, sync_status, deleted_at is null, -count(*), -coalesce(sum(file_size), 0))::public.media_stats
            from before_rows group by resource_type, sync_status, deleted_at is null
        );
    else
        v_moved := array(
            select (0, resource_type, sync_status, live, sum(n), sum(b))::public.media_stats
            from (
                select resource_type, sync_status, deleted_at is null as live, 1 as n, coalesce(file_size, 0) as b
                from after_rows
                union all
                select resource_type, sync_status, deleted_at is null, -1, -coalesce(file_size, 0)
                from before_rows
            ) as moved
            group by resource_type, sync_status, live having sum(n) <> 0 or sum(b) <> 0
        );
    end if;
    if cardinality(v_moved) > 0 then
        v_shard := media_sync.take_stats_shard();
        insert into public.media_stats as s
        select v_shard, m.resource_type, m.sync_status, m.live, m.assets, m.bytes from unnest(v_moved) m
        on conflict (shard, resource_type, sync_status, live) do update
        set assets = s.assets + excluded.assets, bytes = s.bytes + excluded.bytes;
    end if;
    return null;
end
$$;

create trigger keep_stats_insert after insert on public.media_assets
    referencing new table as after_rows
    for each statement execute function media_sync.keep_stats();
create trigger keep_stats_update after update on public.media_assets
    referencing old table as before_rows new table as after_rows
    for each statement execute function media_sync.keep_stats();
create trigger keep_stats_delete after delete on public.media_assets
    referencing old table as before_rows
    for each statement execute function media_sync.keep_stats();

alter table public.media_assets enable row level security;
alter table public.media_stats enable row level security;

-- In projects made before 2026-10-30 whatever is new in `public` is everybody's by default.
revoke all on public.media_assets, public.media_stats from anon, authenticated, service_role;
grant select on public.media_assets, public.media_stats to authenticated;
grant select on public.media_assets, public.media_stats to service_role;

-- Everybody who has signed in sees what is live; the deleted are for those who may restore them.
create policy media_assets_read on public.media_assets for select to authenticated
    using (
        deleted_at is null
        or uploaded_by = (select auth.uid())
        or (select media_sync.is_admin())
    );
create policy media_stats_read on public.media_stats for select to authenticated using (true);

revoke execute on all functions in schema media_sync from public;
grant execute on function media_sync.is_admin() to authenticated, service_role;

$migration$; end if; end $once$;

notify pgrst, 'reload schema';
