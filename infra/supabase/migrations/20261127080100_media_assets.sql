-- The mirror: one row per Cloudinary asset, live or gone. Rights, list indexes and statistics of these rows.
do $once$ begin if media_sync.begin_migration('20261127080100', 'media_assets') then execute $migration$
set local search_path = pg_catalog, pg_temp;

create extension if not exists pg_trgm with schema extensions;

create table public.media_assets (
    id                    uuid primary key default gen_random_uuid(),

    -- Identity. The asset id survives rename and move. A row made here has none before Cloudinary has answered.
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

    -- Edited by people, on either side.
    display_name          text,
    folder                text not null default '',
    tags                  text[] not null default '{}',
    context               jsonb not null default '{}',
    metadata              jsonb not null default '{}',
    access_mode           text,
    moderation            text,

    -- Known on this side only.
    description           text,
    alt_text              text,
    uploaded_by           uuid,

    -- The standing of the two sides. `synced`: the last known Cloudinary state and this row agree.
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

    -- The moment of each group's last observation, in microseconds on Cloudinary's clock.
    clocks                jsonb not null default '{}',
    -- Decisions made here that Cloudinary has not confirmed; null if there are none. Until it has, the columns show the
    -- wanted values, and `observed` keeps the last observed ones: the base of the three-way merge.
    intent                jsonb,
    intent_revision       bigint not null default 0,
    observed              jsonb,
    -- Counts every change of the row. A writer that read an older one has to read again.
    revision              bigint not null default 0,

    constraint media_assets_intent_is_told
        check (intent is null or sync_status in ('pending', 'error')),
    constraint media_assets_observed_with_intent
        check (observed is null or intent is not null),
    constraint media_assets_error_has_reason
        check (sync_status <> 'error' or sync_error_message is not null),

    -- A delivery name belongs to one live asset at a time. The check waits for the end of the transaction, since two
    -- assets may swap their names within one page.
    constraint media_assets_live_name exclude using btree (
        resource_type with =, delivery_type with =, cloudinary_public_id with =
    ) where (deleted_at is null) deferrable initially deferred
);

comment on table public.media_assets is
    'One row per Cloudinary asset. Rows of deleted assets stay as tombstones, so that a late event cannot bring them back.';

-- The list's filters, newest first.
create index media_assets_newest on public.media_assets (created_at desc, id desc)
    where deleted_at is null;
create index media_assets_folder on public.media_assets (folder, created_at desc, id desc)
    where deleted_at is null;
create index media_assets_type on public.media_assets (resource_type, created_at desc, id desc)
    where deleted_at is null;
create index media_assets_format on public.media_assets (format, created_at desc, id desc)
    where deleted_at is null;
create index media_assets_delivery on public.media_assets (delivery_type, created_at desc, id desc)
    where deleted_at is null and delivery_type <> 'upload';
create index media_assets_tags on public.media_assets using gin (tags)
    where deleted_at is null;
create index media_assets_context on public.media_assets using gin (context jsonb_path_ops)
    where deleted_at is null;
create index media_assets_metadata on public.media_assets using gin (metadata jsonb_path_ops)
    where deleted_at is null;
create index media_assets_unsettled on public.media_assets (sync_status, created_at desc, id desc)
    where sync_status <> 'synced' and deleted_at is null;
create index media_assets_uploader on public.media_assets (uploaded_by, created_at desc, id desc)
    where deleted_at is null and uploaded_by is not null;

-- One index for each other order, read backwards for the other direction. Far pages are counted off in the index alone,
-- so it includes the columns of its expression.
create index media_assets_changed on public.media_assets (updated_at desc, id desc)
    where deleted_at is null;
create index media_assets_uploaded on public.media_assets ((coalesce(cloudinary_created_at, created_at)) desc, id desc)
    include (cloudinary_created_at, created_at)
    where deleted_at is null;
create index media_assets_size on public.media_assets ((coalesce(file_size, 0)) desc, id desc) include (file_size)
    where deleted_at is null;
-- Cut short: an index refuses entries that are longer than a third of a page.
create index media_assets_display_name on public.media_assets ((left(coalesce(display_name, ''), 255)), id)
    where deleted_at is null;
create index media_assets_public_id on public.media_assets (cloudinary_public_id, id)
    where deleted_at is null;

-- Statistics of the expressions above. The planner does not use what it knows of partial indexes.
create statistics public.media_assets_sizes on (coalesce(file_size, 0)) from public.media_assets;
create statistics public.media_assets_upload_times on (coalesce(cloudinary_created_at, created_at)) from public.media_assets;

-- Failures by their cause, and deletes that are held as a mass delete.
create index media_assets_failing on public.media_assets (sync_error_code) where sync_error_code is not null;
create index media_assets_held on public.media_assets (deleted_at) where sync_error_code = 'held';

-- Decisions that wait to be sent, and the oldest of them.
create index media_assets_waiting on public.media_assets (sync_next_attempt_at, id)
    where intent is not null;
create index media_assets_oldest_decision on public.media_assets (((intent ->> 'at')::bigint))
    where intent is not null and sync_status = 'pending';

-- Finds assets by their public id alone, live or deleted.
create index media_assets_any_name on public.media_assets (cloudinary_public_id);

-- Deleted assets, and those of one owner, last deleted first.
create index media_assets_deleted on public.media_assets (deleted_at desc, id desc)
    where deleted_at is not null;
create index media_assets_uploader_deleted on public.media_assets (uploaded_by, deleted_at desc, id desc)
    where deleted_at is not null and uploaded_by is not null;

create function media_sync.count_revision() returns trigger
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
    new.revision := old.revision + 1;
    new.updated_at := now();
    return new;
end
$$;

create trigger count_revision before update on public.media_assets
    for each row execute function media_sync.count_revision();

-- Marks what the transaction does from here on: triggers tell decisions from observations by it. Returns the former
-- mark. The caller puts that back, since its transaction may go on. (As an attribute of a function, a setting of our
-- own would need a superuser.)
create function media_sync.mark(p_name text, p_value text) returns text
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
    v_former text := coalesce(current_setting('media_sync.' || p_name, true), '');
begin
    perform set_config('media_sync.' || p_name, p_value, true);
    return v_former;
end
$$;

-- True if claims on which rights depend are of another kind than Supabase Auth writes. Nobody knows what such a token
-- means, so it gives no right. The library refuses the same tokens (shared/src/supabase/jwt/claims.rs), and a test
-- compares both.
create function media_sync.has_odd_claims(p_claims jsonb) returns boolean
language sql immutable
return coalesce(jsonb_typeof(p_claims -> 'sub'), '') <> 'string'
    or p_claims ->> 'sub' !~* '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$'
    or coalesce(jsonb_typeof(p_claims -> 'role'), 'string') <> 'string'
    or coalesce(jsonb_typeof(p_claims -> 'aal'), 'string') <> 'string'
    or coalesce(jsonb_typeof(p_claims -> 'is_anonymous'), 'boolean') <> 'boolean'
    or coalesce(jsonb_typeof(p_claims -> 'app_metadata'), 'object') <> 'object'
    or coalesce(jsonb_typeof(p_claims #> '{app_metadata,role}'), 'string') <> 'string';

-- The rights of anonymous users. Callers may not read the settings themselves.
create function media_sync.anonymous_role() returns text
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    select case media_sync.setting('ACCESS_RULES') ->> 'allow_anonymous' when 'read' then 'reader' else 'stranger' end
$$;

-- The caller's role in this application. Only servers can write `app_metadata`.
-- * `admin` may do everything.
-- * `editor` edits every asset, and names assets anywhere.
-- * `reader` writes nothing. Anonymous users are readers where ACCESS_RULES lets them read.
-- * `stranger` neither reads nor writes: an anonymous user otherwise, and a token with odd claims.
-- * `user`, also for any other word: edits own assets, which lie below the own prefix.
-- In PL/pgSQL, which keeps its plan: a request of 200 items asks it a thousand times.
create function media_sync.caller_role() returns text
language plpgsql stable set search_path = pg_catalog, pg_temp as $$
declare
    v_claims constant jsonb := auth.jwt();
    v_word constant text := v_claims #>> '{app_metadata,role}';
begin
    -- SQL and services call in nobody's name.
    if v_claims is null or v_claims ->> 'role' = 'service_role' then
        return 'user';
    elsif media_sync.has_odd_claims(v_claims) then
        return 'stranger';
    elsif v_claims -> 'is_anonymous' = 'true' then
        return media_sync.anonymous_role();
    end if;
    return case when v_word in ('admin', 'editor', 'reader') then v_word else 'user' end;
end
$$;

-- True for a role that edits assets of others, and that no prefix binds.
create function media_sync.role_edits_all(p_role text) returns boolean
language sql immutable
return coalesce(p_role in ('admin', 'editor'), false);

create function media_sync.is_admin() returns boolean
language sql stable
return media_sync.caller_role() = 'admin';

create function media_sync.edits_all() returns boolean
language sql stable
return media_sync.role_edits_all(media_sync.caller_role());

-- False for strangers. Every table that users may read has a restrictive policy that asks it.
create function media_sync.may_read() returns boolean
language sql stable
return media_sync.caller_role() <> 'stranger';

-- False for readers and strangers.
create function media_sync.may_write() returns boolean
language sql stable
return media_sync.caller_role() not in ('reader', 'stranger');

-- True if the caller has signed in as surely as ACCESS_RULES wants for what is dangerous.
create function media_sync.is_assured() returns boolean
language plpgsql stable security definer set search_path = pg_catalog, pg_temp as $$
begin
    return coalesce(media_sync.setting('ACCESS_RULES') ->> 'admin_aal', 'aal1') = 'aal1'
        or coalesce(auth.jwt() ->> 'aal' in ('aal2', 'aal3'), false);
end
$$;

-- Refuses strangers. Each function that users may call begins with it. `detail` is a code of the API.
create function media_sync.admit() returns void
language plpgsql stable set search_path = pg_catalog, pg_temp as $$
begin
    if media_sync.may_read() then
        return;
    elsif auth.jwt() -> 'is_anonymous' = 'true' then
        raise exception 'anonymous users may not use this'
            using errcode = '42501', detail = 'anonymous_user', hint = 'Sign in with an account.';
    end if;
    raise exception 'the claims of the token are odd' using errcode = '42501', detail = 'token_claims';
end
$$;

-- Refuses an argument of more bytes than a call needs, before anything reads it: each function that users may call begins
-- with it for its JSON and its lists. PostgREST has read the body by then.
create function media_sync.bound_argument(p_bytes integer, p_most integer default 65536) returns void
language plpgsql immutable set search_path = pg_catalog, pg_temp as $$
begin
    if p_bytes > p_most then
        raise exception 'an argument has % bytes: % are taken at most', p_bytes, p_most using errcode = 'PT413';
    end if;
end
$$;

-- Refuses what is dangerous to a caller who has signed in without the second factor that ACCESS_RULES wants.
create function media_sync.want_assurance() returns void
language plpgsql stable set search_path = pg_catalog, pg_temp as $$
begin
    if not media_sync.is_assured() then
        raise exception 'this wants a second factor'
            using errcode = '42501', detail = 'assurance_wanted', hint = 'Sign in with a second factor (aal2), then repeat.';
    end if;
end
$$;

-- Counts a delete by the caller. More than twenty in one transaction are a mass delete, which is dangerous in the hands
-- of those who may delete everything.
create function media_sync.count_delete() returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
    v_deletes constant integer := coalesce(nullif(current_setting('media_sync.deletes', true), ''), '0')::integer + 1;
begin
    perform set_config('media_sync.deletes', v_deletes::text, true);
    if v_deletes > 20 and media_sync.edits_all() then
        perform media_sync.want_assurance();
    end if;
end
$$;

-- Refuses everybody but administrators.
create function media_sync.want_admin() returns void
language plpgsql stable set search_path = pg_catalog, pg_temp as $$
begin
    if not media_sync.is_admin() then
        raise exception 'only administrators may do this' using errcode = '42501';
    end if;
end
$$;

-- Refuses everybody but administrators who have signed in as surely as what is dangerous wants.
create function media_sync.want_operator() returns void
language plpgsql stable set search_path = pg_catalog, pg_temp as $$
begin
    perform media_sync.want_admin();
    perform media_sync.want_assurance();
end
$$;

-- Lets one transaction of a user at a time do this, until its end. Five more may wait two seconds, all others half a
-- second, in which many small changes end: each of them holds one of the few connections that everybody shares.
create function media_sync.take_turn(p_what text, p_user uuid) returns void
language plpgsql set search_path = pg_catalog, pg_temp set lock_timeout = '2s' as $$
declare
    c_waiting constant integer := 5;
    v_class constant integer := hashtext(p_what);
    v_turn constant integer := hashtext(p_user::text);
begin
    if pg_try_advisory_xact_lock(v_class, v_turn) then
        return;
    end if;
    for v_place in 1..c_waiting loop
        if pg_try_advisory_xact_lock(v_class, hashtext(p_user::text || v_place)) then
            perform pg_advisory_xact_lock(v_class, v_turn);
            return;
        end if;
    end loop;
    perform set_config('lock_timeout', '500ms', true);
    perform pg_advisory_xact_lock(v_class, v_turn);
exception when lock_not_available then
    raise exception 'a request of yours is still running: try again in a moment' using errcode = 'PT409';
end
$$;

-- True if the caller may do what is dangerous: for functions that act in an administrator's name with rights of their
-- own. Others hear the reason as an error.
create function public.media_assure() returns boolean
language plpgsql stable set search_path = pg_catalog, pg_temp as $$
begin
    perform media_sync.want_operator();
    return true;
end
$$;

-- The columns that Cloudinary tells, workers write and people see. A new one is added to the table and here: all other
-- places ask this list. Stable, so that a session which has asked before learns of a new column.
create function media_sync.mirrored_columns() returns text[]
language sql stable set search_path = pg_catalog, pg_temp as $$
    select array[
        'cloudinary_public_id', 'cloudinary_version', 'cloudinary_etag', 'resource_type', 'delivery_type',
        'original_filename', 'display_name', 'file_size', 'mime_type', 'format', 'width', 'height', 'duration',
        'folder', 'tags', 'context', 'metadata', 'secure_url', 'url', 'access_mode',
        'moderation', 'cloudinary_created_at'
    ]
$$;

-- The columns that are shown of an asset. Those that the mirror keeps for itself (clocks, intents, `observed`) are not.
create function media_sync.shown_columns() returns text[]
language sql stable set search_path = pg_catalog, pg_temp as $$
    select array['id', 'cloudinary_asset_id'] || media_sync.mirrored_columns() || array[
        'description', 'alt_text', 'uploaded_by', 'sync_status', 'sync_error_message', 'sync_retry_count',
        'last_synced_at', 'created_at', 'updated_at', 'deleted_at'
    ]
$$;

-- Columns as a statement names them: `a, b`, or of a table `m.a, m.b`.
create function media_sync.column_list(p_columns text[], p_table text default null) returns text
language sql immutable set search_path = pg_catalog, pg_temp as $$
    select string_agg(concat_ws('.', quote_ident(p_table), quote_ident(name)), ', ' order by place)
    from unnest(p_columns) with ordinality as listed (name, place)
$$;

-- These columns of one asset, and those that p_more names.
create function media_sync.shown(p_asset public.media_assets, p_more text[] default '{}') returns jsonb
language sql stable set search_path = pg_catalog, pg_temp as $$
    select jsonb_object_agg(key, value) from jsonb_each(to_jsonb(p_asset))
    where key = any ((select media_sync.shown_columns() || p_more)::text[])
$$;

-- The text that a search looks in: names, texts, tags and context values of each asset, in lower case and composed
-- (NFC). A table of its own, so that the planner has statistics of a plain column, that clients do not read it with
-- `select=*`, and that a change of a status leaves its index alone. Whose size a writer decides is bounded.
create table media_sync.asset_search (
    id    uuid primary key,
    words text not null
);
alter table media_sync.asset_search enable row level security;
revoke all on media_sync.asset_search from public, anon, authenticated, service_role;

create index asset_search_words on media_sync.asset_search using gin (words extensions.gin_trgm_ops);
-- A search for common words looks up the text of hundreds of rows, one by one. A hash finds each in a third of the time
-- that the primary key takes.
create index asset_search_id on media_sync.asset_search using hash (id);

-- Nobody types the separator, so no match spans two values.
create function media_sync.keep_search() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    c_longest constant integer := 16384;
    c_between constant text := E'\x01';
    v_changed uuid[];
begin
    if tg_op = 'DELETE' then
        delete from media_sync.asset_search where id in (select id from before_rows);
        return null;
    elsif tg_op = 'UPDATE' then
        -- No join: its plan, made for one row, would serve a million.
        v_changed := array(
            select id from (
                select id, display_name, cloudinary_public_id, original_filename, alt_text, description, tags, context
                from after_rows
                except
                select id, display_name, cloudinary_public_id, original_filename, alt_text, description, tags, context
                from before_rows
            ) changed
        );
        if v_changed = '{}' then
            return null;
        end if;
    end if;
    insert into media_sync.asset_search as s (id, words)
    -- Composing takes most of the time, and ASCII is composed.
    select id, left(lower(case when octet_length(words) = length(words) then words else normalize(words) end), c_longest)
    from (
        select a.id, concat_ws(
            c_between, a.display_name, a.cloudinary_public_id, a.original_filename, a.alt_text,
            array_to_string(a.tags, c_between), a.description,
            (
                select string_agg(value, c_between)
                from jsonb_each_text(case jsonb_typeof(a.context) when 'object' then a.context end)
            )
        ) as words
        from after_rows a where v_changed is null or a.id = any (v_changed)
        offset 0
    ) joined
    on conflict (id) do update set words = excluded.words where s.words <> excluded.words;
    return null;
end
$$;

create trigger keep_search_insert after insert on public.media_assets
    referencing new table as after_rows
    for each statement execute function media_sync.keep_search();
create trigger keep_search_update after update on public.media_assets
    referencing old table as before_rows new table as after_rows
    for each statement execute function media_sync.keep_search();
create trigger keep_search_delete after delete on public.media_assets
    referencing old table as before_rows
    for each statement execute function media_sync.keep_search();

-- The row of an asset by its id in either form: Cloudinary's has no dashes, the row's own has. Null for an unknown id, and
-- for any other text.
create function media_sync.row_named(p_id text) returns uuid
language plpgsql stable set search_path = pg_catalog, pg_temp as $$
declare
    -- An expression for the whole form would take longer than the search.
    v_beside_digits constant text := translate(p_id, '0123456789abcdefABCDEF', '');
begin
    if length(p_id) = 32 and v_beside_digits = '' then
        return (select id from public.media_assets where cloudinary_asset_id = lower(p_id));
    elsif p_id like '________-____-____-____-____________' and v_beside_digits = '----' then
        return (select id from public.media_assets where id = p_id::uuid);
    end if;
    return null;
end
$$;

alter table public.media_assets enable row level security;

-- Projects made before 2026-10-30 grant everything new in `public` to everybody.
revoke all on public.media_assets from anon, authenticated, service_role;
grant select on public.media_assets to authenticated, service_role;

create policy media_assets_callers on public.media_assets as restrictive to authenticated
    using ((select media_sync.may_read()));

-- Every signed-in user sees live assets. Deleted ones are for those who may restore them.
create policy media_assets_read on public.media_assets for select to authenticated
    using (
        deleted_at is null
        or uploaded_by = (select auth.uid())
        or (select media_sync.edits_all())
    );

-- Users may change the assets that they uploaded; editors and administrators all, readers none. No other column is
-- writable.
grant update (
    cloudinary_public_id, folder, display_name, tags, context, metadata, description, alt_text, deleted_at
) on public.media_assets to authenticated;
create policy media_assets_edit on public.media_assets for update to authenticated
    using ((select media_sync.may_write()) and (uploaded_by = (select auth.uid()) or (select media_sync.edits_all())))
    with check (
        (select media_sync.may_write()) and (uploaded_by = (select auth.uid()) or (select media_sync.edits_all()))
    );

-- Statistics are kept, not counted: they cost the same at a thousand rows and at a million. Each class is the sum of
-- its shards. A transaction writes to a shard of its own until it ends, so that sixteen may write without waiting for
-- one another. A single shard may be negative.
create table public.media_stats (
    shard         smallint not null,
    resource_type text not null,
    sync_status   text not null,
    live          boolean not null,
    assets        bigint not null,
    bytes         bigint not null,
    primary key (shard, resource_type, sync_status, live)
) with (fillfactor = 50);

-- Takes a shard that no other transaction holds. Only a transaction without a shard ever waits, so none wait in a
-- circle.
create function media_sync.take_stats_shard() returns smallint
language plpgsql set search_path = pg_catalog, pg_temp as $$
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
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
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

-- True for an error by which a trigger or constraint of the project's refuses a row. The library has the same classes
-- (shared/src/supabase/refusal.rs). What a function of our own raises is no rule of the project's.
create function media_sync.is_rule_of_project(p_state text, p_context text) returns boolean
language sql immutable set search_path = pg_catalog, pg_temp as $$
    select p_context !~ '^PL/pgSQL function media_sync\.' and case left(p_state, 2)
        when 'PT' then p_state ~ '^PT4' and p_state not in ('PT412', 'PT413', 'PT429')
        when '42' then p_state = '42501'
        else left(p_state, 2) = any ('{22,23,44,54,09,21,27,38,39,P0}')
            or p_state ~ '^[5-9I-Z]' and left(p_state, 2) <> all ('{53,55,57,58,72,XX}')
    end
$$;

-- Writes bookkeeping into rows: "set ... where ...", in which a row is `m`. Where a rule of the project's refuses a row, the
-- others are written one by one, and that row stays as it is: it stops no other's work. Answers the rows that were written.
create function media_sync.note(p_ids uuid[], p_change text) returns uuid[]
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
    c_write constant text := format(
        'with written as (update public.media_assets m %s and m.id = any ($1) returning m.id)
        select coalesce(array_agg(id), ''{}'') from written', p_change);
    v_written uuid[];
    v_all uuid[] := '{}';
    v_context text;
    v_id uuid;
begin
    begin
        execute c_write into v_written using p_ids;
        return v_written;
    exception when others then
        get stacked diagnostics v_context = pg_exception_context;
        if not media_sync.is_rule_of_project(sqlstate, v_context) then
            raise;
        end if;
    end;
    foreach v_id in array p_ids loop
        begin
            execute c_write into v_written using array[v_id];
            v_all := v_all || v_written;
        exception when others then
            get stacked diagnostics v_context = pg_exception_context;
            if not media_sync.is_rule_of_project(sqlstate, v_context) then
                raise;
            end if;
            raise warning 'a rule of the project''s refuses asset %: %', v_id, sqlerrm;
        end;
    end loop;
    return v_all;
end
$$;

alter table public.media_stats enable row level security;
revoke all on public.media_stats from anon, authenticated, service_role;
grant select on public.media_stats to authenticated, service_role;
create policy media_stats_read on public.media_stats for select to authenticated using (true);
create policy media_stats_callers on public.media_stats as restrictive to authenticated
    using ((select media_sync.may_read()));

revoke execute on function media_sync.has_odd_claims, media_sync.anonymous_role, media_sync.caller_role,
    media_sync.role_edits_all, media_sync.is_admin, media_sync.edits_all, media_sync.may_read, media_sync.may_write,
    media_sync.is_assured, media_sync.admit, media_sync.bound_argument, media_sync.want_assurance, media_sync.want_admin,
    media_sync.want_operator, media_sync.take_turn, media_sync.count_delete, media_sync.mark, media_sync.keep_search,
    media_sync.count_revision, media_sync.mirrored_columns, media_sync.shown_columns,
    media_sync.column_list, media_sync.shown, media_sync.row_named, media_sync.take_stats_shard, media_sync.keep_stats,
    media_sync.is_rule_of_project, media_sync.note from public;
revoke execute on function public.media_assure from public, anon, authenticated, service_role;
grant execute on function media_sync.has_odd_claims, media_sync.anonymous_role, media_sync.caller_role,
    media_sync.role_edits_all, media_sync.is_admin, media_sync.edits_all, media_sync.may_read, media_sync.may_write,
    media_sync.is_assured, media_sync.admit, media_sync.bound_argument, media_sync.want_assurance, media_sync.want_admin,
    media_sync.want_operator, media_sync.mirrored_columns, media_sync.shown_columns,
    media_sync.column_list, media_sync.shown, media_sync.row_named to authenticated, service_role;
grant execute on function public.media_assure to authenticated;

$migration$; end if; end $once$;

notify pgrst, 'reload schema';
