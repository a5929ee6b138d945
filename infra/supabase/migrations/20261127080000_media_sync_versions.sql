-- The ledger of migrations, and the check that every one of them begins with.
--
-- A migration may come by `supabase db push`, by `mediasync migrate`, or as a copy in a team's own folder under another
-- timestamp. The second one to come finds its version recorded here and does nothing. This file, the first, may run any
-- number of times.

do $$ begin
    if pg_catalog.to_regclass('media_sync.schema_versions') is null
        and pg_catalog.to_regclass('public.media_assets') is not null then
        raise exception 'public.media_assets exists already, but media-sync has no ledger here: the table is not its own'
            using hint = 'A development version before 0.2.0 has left it: begin with a database of its own, or without '
                'the schema media_sync and the tables media_* and sync_*. A table of your own must get another name.';
    end if;
end $$;

-- Code and tables that the Data API must not reach by name.
create schema if not exists media_sync;
revoke all on schema media_sync from public;
grant usage on schema media_sync to authenticated, service_role;

create table if not exists media_sync.schema_versions (
    -- The timestamp in the name of the project's own file.
    version    text primary key check (version operator(pg_catalog.~) '^[0-9]{14}$'),
    name       text not null,
    applied_at timestamptz not null default pg_catalog.now()
);
alter table media_sync.schema_versions enable row level security;

-- Records a version. Answers true if it was new, so that its statements run.
create or replace function media_sync.begin_migration(p_version text, p_name text) returns boolean
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
    insert into media_sync.schema_versions (version, name) values (p_version, p_name) on conflict do nothing;
    return found;
end
$$;

-- The newest migration that is applied, or null.
create or replace function media_sync.schema_version() returns text
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    select max(version) from media_sync.schema_versions
$$;

revoke execute on function media_sync.begin_migration, media_sync.schema_version from public;
grant execute on function media_sync.schema_version to authenticated, service_role;

select media_sync.begin_migration('20261127080000', 'media_sync_versions');

notify pgrst, 'reload schema';
