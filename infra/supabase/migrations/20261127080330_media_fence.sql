-- The fence: a marker asset in the library names its owner. Whoever meets another's marker reads, and writes nothing.
--
-- The marker is mirrored as any other asset, so its row tells who owns the library. The id below is made with the
-- database, and a clone of the database brings it along; so the Supabase address belongs to the owner's name, too.
do $once$ begin if media_sync.begin_migration('20261127080330', 'media_fence') then execute $migration$
set local search_path = pg_catalog, pg_temp;

create table media_sync.library (
    singleton boolean primary key default true check (singleton),
    -- The owner that a marker of this database names.
    id        uuid not null default gen_random_uuid(),
    -- The Supabase address and the library for which somebody has looked for a marker: {"address", "library"}. From then
    -- on notifications and runs tell of one.
    looked_as jsonb,
    looked_at timestamptz
);

insert into media_sync.library default values;

comment on table media_sync.library is 'The name of this database in the marker of its library. Functions alone read it.';

alter table media_sync.library enable row level security;
revoke all on media_sync.library from public, anon, authenticated, service_role;

-- The name of the marker, a raw asset. The library has the same (shared/src/sync/marker.rs), and a test compares
-- both.
create function media_sync.marker_name() returns text
language sql immutable set search_path = pg_catalog, pg_temp as $$ select 'media-sync/owner' $$;

-- The standing of this deployment towards its library: {"standing", "id", "owner", "asset_id"}. The owner is {"id",
-- "address"}, or null where there is no marker.
-- p_place is the deployment's {"address", "library"}; functions of a former release name none.
--   strangers: another's marker is there, or one that names nobody
--   unknown:   nobody has looked for one since the deployment has this address and this library
--   ours, missing (ours was there, and is gone), free
create function media_sync.fence(p_place jsonb) returns jsonb
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    with own as (
        select id, looked_as from media_sync.library
    ), marker as (
        select deleted_at is null as is_there, cloudinary_asset_id as asset_id,
            jsonb_build_object('id', context -> 'media_sync_owner', 'address', context -> 'media_sync_address') as owner
        from public.media_assets
        where cloudinary_public_id = media_sync.marker_name() and resource_type = 'raw' and delivery_type = 'upload'
            and cloudinary_asset_id is not null
        order by deleted_at desc nulls first
        limit 1
    ), judged as (
        select own.id, own.looked_as, marker.is_there, marker.owner, marker.asset_id,
            coalesce(
                marker.owner ->> 'id' = own.id::text
                    and marker.owner ->> 'address' = coalesce(p_place ->> 'address', marker.owner ->> 'address'),
                false
            ) as is_ours
        from own left join marker on true
    )
    select jsonb_build_object(
        'id', id,
        'owner', case when is_there then owner end,
        'asset_id', case when is_there then asset_id end,
        'standing', case
            when is_there and not is_ours then 'strangers'
            when p_place is not null and looked_as is distinct from p_place then 'unknown'
            when is_there then 'ours'
            when is_ours then 'missing'
            else 'free'
        end
    )
    from judged
$$;

-- The same, for functions and the command.
create function public.media_sync_fence(p_place jsonb) returns jsonb
language sql stable security definer set search_path = pg_catalog, pg_temp as $$ select media_sync.fence(p_place) $$;

-- Remembers that somebody has looked for a marker, and that this deployment has placed its own over that of p_former.
-- What the fence held goes on at once.
create function public.media_sync_note_fence(p_place jsonb, p_is_marked boolean, p_former jsonb default null) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    v_former text;
begin
    update media_sync.library set looked_as = p_place, looked_at = now() where singleton;
    if not p_is_marked then
        return;
    end if;
    insert into public.media_sync_log (operation, source, details)
    values ('library_marked', 'api', jsonb_build_object('place', p_place, 'former_owner', p_former));
    v_former := media_sync.mark('observing', 'on');
    perform media_sync.note(
        array(select id from public.media_assets where sync_error_code = 'fenced' and intent is not null order by id),
        'set sync_next_attempt_at = now() where m.intent is not null');
    perform media_sync.mark('observing', v_former);
end
$$;

-- Leaves these rows pending until the library is this deployment's: each is tried again after a while.
create function media_sync.rest_behind_fence(p_ids uuid[], p_fence jsonb) returns void
language sql set search_path = pg_catalog, pg_temp as $$
    select media_sync.note(p_ids, format(
        $change$ set sync_error_code = 'fenced', sync_error_message = %L,
            sync_next_attempt_at = now() + interval '15 minutes'
        where m.intent is not null and not (m.sync_status = 'error' and m.sync_next_attempt_at is null) $change$,
        format('the library belongs to %s: an administrator may take it over (mediasync fence take)',
            coalesce(p_fence #>> '{owner,address}', 'somebody unknown'))
    ))
$$;

-- Keeps the marker as it is, and its name from others. Whoever holds the name decides who writes to the library.
create function media_sync.keep_marker() returns trigger
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
    if current_setting('media_sync.observing', true) is distinct from 'on' then
        raise exception 'the asset media-sync/owner names the owner of the library: only mediasync fence changes it'
            using errcode = 'PT409';
    end if;
    return new;
end
$$;

create trigger keep_marker before update on public.media_assets
    for each row when (
        'media-sync/owner' in (old.cloudinary_public_id, new.cloudinary_public_id)
        and (old.cloudinary_public_id, old.folder, old.display_name, old.tags, old.context, old.metadata, old.deleted_at)
            is distinct from
            (new.cloudinary_public_id, new.folder, new.display_name, new.tags, new.context, new.metadata, new.deleted_at)
    )
    execute function media_sync.keep_marker();

revoke execute on function media_sync.marker_name, media_sync.fence, media_sync.rest_behind_fence,
    media_sync.keep_marker from public;
revoke execute on function public.media_sync_fence, public.media_sync_note_fence from public, anon, authenticated,
    service_role;
grant execute on function public.media_sync_fence, public.media_sync_note_fence, media_sync.fence to service_role;
grant execute on function media_sync.fence to authenticated;

$migration$; end if; end $once$;

notify pgrst, 'reload schema';
