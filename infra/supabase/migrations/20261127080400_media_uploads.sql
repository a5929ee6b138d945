-- Uploads that begin here: their uploaders, their names, and the rows that wait for them.
--
-- An upload is recorded before anything is sent or signed. By that record an asset that appears under its name gets its
-- owner, whichever report comes first. A row that still waits after a function died is found by the record, too.
do $once$ begin if media_sync.begin_migration('20261127080400', 'media_uploads') then execute $migration$
set local search_path = pg_catalog, pg_temp;

create table public.media_uploads (
    id            uuid primary key,
    -- `signed`: the browser sends the file to Cloudinary. `file`, `url`: a function does, and a row of this id waits.
    kind          text not null check (kind in ('signed', 'file', 'url')),
    uploader      uuid not null,
    public_id     text not null,
    -- The evidence by which its asset is known. `name`: it has a random part. `context`: the asset brings this id along.
    -- `none`: it replaces the content of an asset that has an owner.
    proof         text not null default 'name' check (proof in ('name', 'context', 'none')),
    overwrite     boolean not null default false,
    -- Bounds that a signature cannot bind: {"max_bytes", "resource_types", "formats" ([] is any)}.
    bounds        jsonb,
    -- The versions of an asset of that name that are this upload's: Unix seconds on Cloudinary's clock.
    since_version bigint not null,
    until_version bigint not null,
    begun_at      timestamptz not null default now(),
    -- Until then nobody else gets the name, and a waiting row is left to its maker.
    open_until    timestamptz not null,
    -- `lost`: nothing was found in the end. An asset that appears later still gets its owner.
    outcome       text check (outcome in ('stored', 'refused', 'lost')),
    ended_at      timestamptz,
    -- The row that holds the asset. It is another one if an old asset came back.
    asset_row_id  uuid,
    error_code    text,
    error_message text,
    constraint media_uploads_end check ((outcome is null) = (ended_at is null))
);

comment on table public.media_uploads is
    'What was begun here: signed uploads and those that a function carries out. Written by functions only.';

create index media_uploads_name on public.media_uploads (public_id, begun_at desc);
create index media_uploads_open on public.media_uploads (open_until) where outcome is null;
create index media_uploads_uploader on public.media_uploads (uploader, begun_at desc);

alter table public.media_uploads enable row level security;
revoke all on public.media_uploads from anon, authenticated, service_role;
grant select on public.media_uploads to authenticated, service_role;
create policy media_uploads_read on public.media_uploads for select to authenticated
    using (uploader = (select auth.uid()) or (select media_sync.is_admin()));
create policy media_uploads_callers on public.media_uploads as restrictive to authenticated
    using ((select media_sync.may_read()));

-- Keeps a row that waits for its asset from being deleted: nobody could tell Cloudinary which asset.
create function media_sync.keep_waiting() returns trigger
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
    if current_setting('media_sync.observing', true) is distinct from 'on'
        and new.deleted_at is distinct from old.deleted_at
    then
        raise exception 'the asset is still being uploaded: try again when its sync_status is synced'
            using errcode = 'PT409';
    end if;
    return new;
end
$$;

create trigger keep_waiting before update on public.media_assets
    for each row when (old.cloudinary_asset_id is null) execute function media_sync.keep_waiting();

-- The last entry of the audit trail from before an asset came back with another owner. What stands up to it is for
-- administrators alone.
create table media_sync.handovers (
    asset_id   uuid primary key references public.media_assets on delete cascade,
    last_entry bigint not null,
    came_at    timestamptz not null default now()
);

alter table media_sync.handovers enable row level security;
revoke all on media_sync.handovers from public, anon, authenticated, service_role;

-- Takes what stands here alone from a deleted asset that comes back with another owner, as Cloudinary's backups bring an
-- old asset id back: it was written about the former owner's file. A transfer by an administrator passes it on.
create function media_sync.hand_over() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    v_uses bigint;
    v_places bigint;
    v_entry bigint;
begin
    new.description := null;
    new.alt_text := null;
    delete from public.media_usage where asset_id = new.id;
    get diagnostics v_uses = row_count;
    delete from public.media_collection_items where asset_id = new.id;
    get diagnostics v_places = row_count;
    insert into public.media_sync_log (
        operation, source, asset_row_id, cloudinary_asset_id, cloudinary_public_id, resource_type, details
    ) values (
        'owner_changed', 'database', new.id, new.cloudinary_asset_id, new.cloudinary_public_id, new.resource_type,
        jsonb_build_object('from', old.uploaded_by, 'to', new.uploaded_by, 'uses', v_uses, 'places', v_places,
            'description', old.description, 'alt_text', old.alt_text)
    )
    returning id into v_entry;
    insert into media_sync.handovers (asset_id, last_entry) values (new.id, v_entry)
    on conflict (asset_id) do update set last_entry = excluded.last_entry, came_at = excluded.came_at;
    return new;
end
$$;

create trigger hand_over before update on public.media_assets
    for each row when (
        old.deleted_at is not null and new.deleted_at is null and new.uploaded_by is distinct from old.uploaded_by
    )
    execute function media_sync.hand_over();

-- Tells whether an upload keeps its name from this user. A signature does as long as it is good, even if it was used:
-- whoever holds it might replace or delete what has the name. An administrator has to wait for the uploads under way, and
-- for signatures that replace content. Others keep nothing from an administrator: they cannot touch what is there.
create function media_sync.is_reserved(p_public_id text, p_user uuid, p_role text) returns boolean
language sql stable set search_path = pg_catalog, pg_temp as $$
    select exists (
        select from public.media_uploads u
        where u.public_id = p_public_id and u.open_until > now()
            and (u.outcome is null or u.kind = 'signed')
            and u.uploader is distinct from p_user
            and (p_role is distinct from 'admin' or u.kind <> 'signed' or u.overwrite)
    )
$$;

-- Holds a name until the end of the transaction: uploads that begin hold it alone, renames and restores with one another.
-- So of an upload and a rename that want one name at once, the second sees the first. Names share 1,024 locks, so a
-- transaction that renames a million assets takes no more.
create function media_sync.hold_name(p_public_id text, p_alone boolean) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
    c_locks constant integer := 1024;
    c_class constant integer := hashtext('media_sync.hold_name');
    v_lock constant integer := abs(hashtext(p_public_id) % c_locks);
begin
    if p_alone then
        perform pg_advisory_xact_lock(c_class, v_lock);
    else
        perform pg_advisory_xact_lock_shared(c_class, v_lock);
    end if;
end
$$;

-- Keeps a name that somebody has a signature for, or uploads under: the upload would get it.
create function media_sync.keep_reserved() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    if current_setting('media_sync.observing', true) is not distinct from 'on' then
        return new;
    end if;
    perform media_sync.hold_name(new.cloudinary_public_id, false);
    if media_sync.is_reserved(new.cloudinary_public_id, auth.uid(), media_sync.caller_role()) then
        raise exception 'another upload uses this public id at the moment: try again later' using errcode = 'PT409';
    end if;
    return new;
end
$$;

create trigger keep_reserved before update on public.media_assets for each row
    when (
        new.delivery_type = 'upload' and (
            new.cloudinary_public_id <> old.cloudinary_public_id or new.deleted_at is null and old.deleted_at is not null
        )
    )
    execute function media_sync.keep_reserved();

-- One entry about an upload.
create function media_sync.log_upload(
    p_operation text, p_status text, p_source text, p_upload public.media_uploads, p_details jsonb default null
) returns void
language sql set search_path = pg_catalog, pg_temp as $$
    insert into public.media_sync_log (
        operation, status, source, asset_row_id, cloudinary_public_id, actor, error_code, error_message, details
    ) values (
        p_operation, p_status, p_source, p_upload.asset_row_id, p_upload.public_id, p_upload.uploader,
        p_upload.error_code, p_upload.error_message,
        jsonb_build_object('upload_id', p_upload.id, 'kind', p_upload.kind) || coalesce(p_details, '{}')
    )
$$;

-- The rows that have this name now, here or still in Cloudinary. Without a resource type: in any of them.
create function media_sync.name_holders(p_public_id text, p_resource_type text)
returns setof public.media_assets
language sql stable set search_path = pg_catalog, pg_temp as $$
    select * from public.media_assets m
    where m.delivery_type = 'upload'
        and m.resource_type = coalesce(p_resource_type, m.resource_type)
        and m.cloudinary_public_id = p_public_id and m.deleted_at is null
    union
    -- Their decisions are not carried out yet.
    select * from public.media_assets m
    where m.intent is not null and m.delivery_type = 'upload'
        and m.resource_type = coalesce(p_resource_type, m.resource_type)
        and (m.deleted_at is null or m.intent -> 'existence' ->> 'op' = 'delete')
        and coalesce(m.observed ->> 'cloudinary_public_id', m.cloudinary_public_id) = p_public_id
$$;

-- The seconds until the user may begin another upload; null if now. Each signature of the last hour counts, used or not.
create function media_sync.wait_for_upload(p_user uuid) returns bigint
language sql stable set search_path = pg_catalog, pg_temp as $$
    -- The upload that has to leave the hour before there is room for another.
    select greatest(ceil(extract(epoch from begun_at + interval '1 hour' - now())), 1)::bigint
    from public.media_uploads
    where uploader = p_user and begun_at > now() - interval '1 hour'
    order by begun_at desc
    offset greatest(media_sync.uploads_per_hour() - 1, 0) limit 1
$$;

-- Records an upload before it is signed or sent. For service functions only: they have checked the user's token, with
-- its role, and the rules of uploads. Ownership and the prefix are checked here.
-- p_upload: {id, kind, uploader, role, public_id, is_name_given, folder, resource_type?, overwrite, since_version,
--   until_version, open_seconds, most_open, most_reserved, place?: {address, library}, bounds?, row?: {resource_type,
--   original_filename?, file_size?, format?, mime_type?, display_name?, folder, tags, context, metadata}}
-- {"outcome": "begun", "overwrite", "proof", "newest_clock"?} | {"outcome": "taken" | "reserved" | "not_yours" | "too_many"}
-- | {"outcome": "over_budget", "wait_seconds"} | {"outcome": "outside_prefix", "prefix"} | {"outcome": "fenced", "owner"} | {"outcome": "fence_unknown"}
-- `newest_clock` is the last known moment of deleted assets of that name: the upload is newer.
create function public.media_sync_begin_upload(p_upload jsonb) returns jsonb
language plpgsql security definer set search_path = pg_catalog, pg_temp set lock_timeout = '2s' as $$
declare
    v_upload public.media_uploads := jsonb_populate_record(null::public.media_uploads, p_upload);
    v_edits_all boolean := media_sync.role_edits_all(p_upload ->> 'role');
    v_fence constant jsonb := media_sync.fence(nullif(p_upload -> 'place', 'null'));
    v_prefix text;
    v_holders bigint;
    v_foreign bigint;
    v_waiting bigint;
    v_open bigint;
    v_reserved bigint;
    v_wait bigint;
begin
    if p_upload ->> 'role' in ('reader', 'anonymous') then
        raise exception 'readers write nothing' using errcode = 'PT403';
    end if;
    if v_fence ->> 'standing' = 'strangers' then
        return jsonb_build_object('outcome', 'fenced', 'owner', v_fence #> '{owner,address}');
    elsif v_fence ->> 'standing' = 'unknown' then
        return jsonb_build_object('outcome', 'fence_unknown');
    end if;
    if v_upload.public_id = media_sync.marker_name() then
        return jsonb_build_object('outcome', 'reserved');
    end if;
    v_prefix := case when not v_edits_all then media_sync.prefix_of(v_upload.uploader) end;
    if v_prefix is not null
        and not media_sync.is_within(
            v_upload.public_id, coalesce(p_upload #>> '{row,folder}', p_upload ->> 'folder', ''), v_prefix
        )
    then
        return jsonb_build_object('outcome', 'outside_prefix', 'prefix', v_prefix);
    end if;
    -- Of two requests of one user, the second is counted after the first.
    perform pg_advisory_xact_lock(hashtextextended('media_uploads of ' || v_upload.uploader, 0));
    perform media_sync.hold_name(v_upload.public_id, true);
    v_wait := case when not v_edits_all then media_sync.wait_for_upload(v_upload.uploader) end;
    if v_wait is not null then
        return jsonb_build_object('outcome', 'over_budget', 'wait_seconds', v_wait);
    end if;
    select count(*),
        count(*) filter (where uploaded_by is distinct from v_upload.uploader),
        count(*) filter (where cloudinary_asset_id is null)
    into v_holders, v_foreign, v_waiting
    from media_sync.name_holders(v_upload.public_id, p_upload ->> 'resource_type');
    if v_waiting > 0 then
        return jsonb_build_object('outcome', 'reserved');
    end if;
    if v_holders > 0 and not v_upload.overwrite then
        return jsonb_build_object('outcome', 'taken');
    end if;
    if v_foreign > 0 and not v_edits_all then
        return jsonb_build_object('outcome', 'not_yours');
    end if;
    if media_sync.is_reserved(v_upload.public_id, v_upload.uploader, p_upload ->> 'role') then
        return jsonb_build_object('outcome', 'reserved');
    end if;
    -- A caller may replace known assets of their own; editors and administrators may replace any.
    v_upload.overwrite := v_upload.overwrite and (v_edits_all or v_holders > 0);
    v_upload.proof := case
        when not coalesce((p_upload ->> 'is_name_given')::boolean, true) then 'name'
        -- A function sends the file at once. Where nobody else may choose names, the name is enough.
        when v_upload.kind <> 'signed' and (v_edits_all or strpos(v_prefix, v_upload.uploader::text) > 0) then 'name'
        when v_holders > 0 then 'none'
        else 'context'
    end;
    select count(*), count(*) filter (where kind = 'signed' and proof <> 'name') into v_open, v_reserved
    from public.media_uploads
    where uploader = v_upload.uploader and outcome is null and open_until > now();
    if v_open >= (p_upload ->> 'most_open')::bigint
        or v_upload.kind = 'signed' and v_upload.proof <> 'name' and not v_edits_all
            and v_reserved >= (p_upload ->> 'most_reserved')::bigint
    then
        return jsonb_build_object('outcome', 'too_many');
    end if;

    v_upload.begun_at := now();
    v_upload.open_until := now() + make_interval(secs => (p_upload ->> 'open_seconds')::double precision);
    if v_upload.kind <> 'signed' then
        v_upload.asset_row_id := v_upload.id;
        insert into public.media_assets (
            id, cloudinary_public_id, resource_type, original_filename, file_size, mime_type, format,
            display_name, folder, tags, context, metadata, uploaded_by, sync_status
        )
        select
            v_upload.id, v_upload.public_id, resource_type, original_filename, file_size, mime_type, format,
            display_name, folder, tags, context, metadata, v_upload.uploader, 'pending'
        from jsonb_populate_record(null::public.media_assets, p_upload -> 'row');
        begin
            set constraints public.media_assets_live_name immediate;
        exception when exclusion_violation then
            raise exception 'the name was taken meanwhile' using errcode = 'PT412';
        end;
    end if;
    insert into public.media_uploads select v_upload.*;
    perform media_sync.log_upload(
        case v_upload.kind when 'signed' then 'upload_signed' else 'upload_requested' end,
        'success', 'api', v_upload
    );
    return jsonb_build_object('outcome', 'begun', 'overwrite', v_upload.overwrite, 'proof', v_upload.proof, 'newest_clock', (
        select max(clock.value::bigint)
        from public.media_assets m, jsonb_each_text(m.clocks - 'changed') as clock
        where m.cloudinary_public_id = v_upload.public_id and m.deleted_at is not null
    ));
end
$$;

-- The fault of a signed upload's asset by the upload's bounds, or null: {"code", "message"}. The format of a raw file is
-- the extension of its name. A picture or film of which no format is told is not judged by it.
create function media_sync.fault_of_upload(p_asset public.media_assets, p_bounds jsonb) returns jsonb
language sql stable set search_path = pg_catalog, pg_temp as $$
    with told as (
        select case p_asset.resource_type
            when 'raw' then coalesce(media_sync.extension_of(p_asset.cloudinary_public_id), '')
            else lower(p_asset.format)
        end as format
    )
    select case
        when p_asset.file_size > (p_bounds ->> 'max_bytes')::bigint then jsonb_build_object(
            'code', 'file_too_large',
            'message', format('The file has %s bytes; %s are allowed.', p_asset.file_size, p_bounds ->> 'max_bytes'))
        when not p_bounds -> 'resource_types' ? p_asset.resource_type then jsonb_build_object(
            'code', 'format_not_allowed',
            'message', format('Files of type %s are not taken here.', p_asset.resource_type))
        when not media_sync.takes_format(told.format)
            or p_bounds -> 'formats' <> '[]' and not p_bounds -> 'formats' ? told.format
        then jsonb_build_object(
            'code', 'format_not_allowed',
            'message', format('Files of format %s are not taken here.', coalesce(nullif(told.format, ''), 'unknown')))
    end
    from told
$$;

-- Removes the assets among these rows that have come by a signature and exceed its bounds. A signature binds neither size
-- nor, for raw files, format, and may be used more than once, also for another type of file. So every asset of its name
-- and time is judged that its uploader owns, that brings the proof, or that an editor may replace by it. The asset is deleted here, and its uploader cannot
-- restore it; Cloudinary follows.
create function media_sync.remove_refused(p_rows jsonb) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
    v_found record;
begin
    for v_found in
        select id, upload, fault from (
            select distinct on (m.id) m.id, u.id as upload, media_sync.fault_of_upload(m, u.bounds) as fault
            from jsonb_array_elements(p_rows) w
            join public.media_assets m on m.cloudinary_asset_id = w ->> 'cloudinary_asset_id'
            join public.media_uploads u
                on u.public_id = coalesce(m.observed ->> 'cloudinary_public_id', m.cloudinary_public_id)
            where m.deleted_at is null and m.delivery_type = 'upload'
                and u.kind = 'signed' and u.outcome is not null and u.bounds is not null
                and m.cloudinary_version between u.since_version and u.until_version
                and (
                    u.proof in ('name', 'none') or m.uploaded_by = u.uploader
                    or m.intent #>> '{context,media_sync_upload,base}' = u.id::text
                )
            order by m.id, u.begun_at desc
        ) judged
        where fault is not null
    loop
        -- One file that cannot be removed keeps no other observation from being written.
        begin
            perform media_sync.remove_upload(v_found.id, v_found.upload, v_found.fault);
        exception when others then
            raise warning 'asset % exceeds its upload''s bounds and stays: %', v_found.id, sqlerrm;
        end;
    end loop;
end
$$;

-- Deletes the asset of an upload for this fault, and ends the upload as refused.
create function media_sync.remove_upload(p_asset uuid, p_upload uuid, p_fault jsonb) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
    v_former text := media_sync.mark('observing', 'off');
    v_force text := media_sync.mark('force', 'on');
    v_upload public.media_uploads;
begin
    update public.media_assets set deleted_at = now() where id = p_asset;
    perform media_sync.mark('force', v_force);
    perform media_sync.mark('observing', 'on');
    update public.media_assets
    set deleted_by = media_sync.mirror_itself(), sync_error_message = p_fault ->> 'message'
    where id = p_asset;
    perform media_sync.mark('observing', v_former);
    update public.media_uploads
    set outcome = 'refused', ended_at = now(), error_code = p_fault ->> 'code', error_message = p_fault ->> 'message'
    where id = p_upload
    returning * into v_upload;
    perform media_sync.log_upload('upload_failed', 'failed', 'api', v_upload);
end
$$;

-- Ends an upload that failed. p_outcome: refused | lost. Its waiting row goes. A row that was taken for its asset
-- meanwhile loses its owner, since this upload did not bring its content.
create function public.media_sync_end_upload(
    p_id uuid, p_outcome text, p_error_code text, p_error_message text
) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    v_former text;
    v_upload public.media_uploads;
begin
    -- The row first, in the order in which observations are applied.
    delete from public.media_assets where id = p_id and cloudinary_asset_id is null;
    select * into v_upload from public.media_uploads where id = p_id for update;
    if v_upload.outcome is not null and not (v_upload.outcome = 'stored' and p_outcome = 'refused') then
        return;
    end if;
    v_former := media_sync.mark('observing', 'on');
    update public.media_assets set uploaded_by = null
    where id = v_upload.asset_row_id and uploaded_by = v_upload.uploader and v_upload.outcome = 'stored';
    perform media_sync.mark('observing', v_former);
    update public.media_uploads
    set outcome = p_outcome, ended_at = now(), error_code = p_error_code, error_message = p_error_message
    where id = p_id
    returning * into v_upload;
    perform media_sync.log_upload('upload_failed', 'failed', 'api', v_upload);
end
$$;

-- Uploads whose rows still wait although their time is over. Signatures that nothing came of end here. An asset that
-- appears under one later still gets its owner.
create function public.media_sync_due_uploads(p_limit integer) returns jsonb
language sql security definer set search_path = pg_catalog, pg_temp as $$
    update public.media_uploads set outcome = 'lost', ended_at = now()
    where kind = 'signed' and outcome is null and open_until <= now() - interval '10 minutes';
    select coalesce(jsonb_agg(jsonb_build_object(
        'id', id, 'resource_type', resource_type, 'delivery_type', delivery_type, 'public_id', public_id
    )), '[]')
    from (
        select m.id, m.resource_type, m.delivery_type, u.public_id
        from public.media_uploads u
        join public.media_assets m on m.id = u.id and m.cloudinary_asset_id is null
        where u.outcome is null and u.open_until <= now()
        order by u.open_until, u.id
        limit p_limit
    ) due
$$;

-- An upload and its row, as its uploader may see them.
create function public.media_sync_upload(p_id uuid) returns jsonb
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    select jsonb_build_object(
        'outcome', u.outcome, 'error_code', u.error_code, 'error_message', u.error_message,
        'item', media_sync.shown(m) - 'deleted_at'
    )
    from public.media_uploads u
    left join public.media_assets m on m.id = u.asset_row_id
    where u.id = p_id
$$;

revoke execute on function media_sync.keep_waiting, media_sync.hand_over, media_sync.is_reserved, media_sync.hold_name,
    media_sync.keep_reserved,
    media_sync.log_upload, media_sync.name_holders, media_sync.wait_for_upload, media_sync.fault_of_upload, media_sync.remove_refused,
    media_sync.remove_upload from public;
revoke execute on function public.media_sync_begin_upload, public.media_sync_end_upload, public.media_sync_due_uploads,
    public.media_sync_upload from public, anon, authenticated, service_role;
grant execute on function public.media_sync_begin_upload, public.media_sync_end_upload, public.media_sync_due_uploads,
    public.media_sync_upload to service_role;

$migration$; end if; end $once$;

notify pgrst, 'reload schema';
