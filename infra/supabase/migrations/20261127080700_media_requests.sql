-- Requests: people edit, delete and restore assets, and administrators try again.
do $once$ begin if media_sync.begin_migration('20261127080700', 'media_requests') then execute $migration$
set local search_path = pg_catalog, pg_temp;

-- The first answer to each request with an idempotency key, written with the request's effect. No role is granted the
-- table: users reach their own answers through the requests only.
create table media_sync.idempotency_keys (
    user_id     uuid not null,
    key         text not null check (length(key) between 1 and 255),
    operation   text not null,
    -- SHA-256 of the request.
    fingerprint bytea not null,
    -- Null only within the transaction that is making it.
    answer      jsonb,
    created_at  timestamptz not null default now(),
    primary key (user_id, key)
);

create index idempotency_keys_age on media_sync.idempotency_keys (created_at);
create index idempotency_keys_of_user on media_sync.idempotency_keys (user_id, created_at);

alter table media_sync.idempotency_keys enable row level security;
revoke all on media_sync.idempotency_keys from public, anon, authenticated, service_role;

-- Refuses more answers to be kept than a user may have within an hour, by number and by bytes.
create function media_sync.bound_answers() returns void
language plpgsql stable set search_path = pg_catalog, pg_temp as $$
declare
    c_most constant integer := 1000;
    c_bytes constant bigint := 33554432;
    v_kept record;
begin
    select count(*) as answers, coalesce(sum(pg_column_size(answer)), 0) as bytes into v_kept
    from (
        select answer from media_sync.idempotency_keys
        where user_id = auth.uid() and created_at > now() - interval '1 hour'
        order by created_at desc limit c_most + 1
    ) newest;
    if v_kept.answers > c_most or v_kept.bytes > c_bytes then
        perform media_sync.refuse_for_now(
            format('a user makes %s requests with idempotency keys an hour at most', c_most), now() + interval '10 minutes');
    end if;
end
$$;

-- The earlier answer to a request. Null if there is none: the key is then taken for this transaction. A second request
-- with the key waits here for the end of the first, though not for long.
create function media_sync.earlier_answer(p_operation text, p_key text, p_fingerprint bytea) returns jsonb
language plpgsql set search_path = pg_catalog, pg_temp set lock_timeout = '2s' as $$
declare
    v_kept media_sync.idempotency_keys;
begin
    if length(p_key) not between 1 and 255 then
        raise exception 'an idempotency key has 1 to 255 characters' using errcode = '22023';
    end if;
    begin
        insert into media_sync.idempotency_keys as k (user_id, key, operation, fingerprint)
        values (auth.uid(), p_key, p_operation, p_fingerprint)
        on conflict (user_id, key) do update
        set operation = excluded.operation, fingerprint = excluded.fingerprint, answer = null, created_at = now()
        where k.created_at < now() - interval '24 hours';
    exception when lock_not_available then
        raise exception 'another request with this idempotency key is still running: try again in a moment'
            using errcode = 'PT409';
    end;
    if found then
        perform media_sync.bound_answers();
        return null;
    end if;
    select * into strict v_kept from media_sync.idempotency_keys where user_id = auth.uid() and key = p_key;
    if (v_kept.operation, v_kept.fingerprint) is distinct from (p_operation, p_fingerprint) then
        raise exception 'this idempotency key was used for another request: take a new key' using errcode = 'PT422';
    end if;
    return v_kept.answer || '{"replayed": true}';
end
$$;

-- Refuses one item: a code that stays the same, a sentence, and more that helps. The error never leaves
-- media_sync.request.
create function media_sync.refuse(p_code text, p_error text, p_more jsonb default '{}') returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
    raise exception '%', p_error
        using errcode = 'MS001', detail = (p_more || jsonb_build_object('code', p_code))::text;
end
$$;

-- The one asset that has an item's public id, or had it when it was deleted.
create function media_sync.asset_named(p_item jsonb, p_deleted boolean) returns uuid
language plpgsql stable set search_path = pg_catalog, pg_temp as $$
declare
    v_found public.media_assets[];
    v_undeleted public.media_assets[];
    v_add text;
begin
    -- Deleted assets are known only to those who may restore them.
    v_found := array(
        select m from public.media_assets m
        where m.cloudinary_public_id = p_item ->> 'public_id'
            and (m.deleted_at is not null) = p_deleted
            and m.resource_type = coalesce(p_item ->> 'resource_type', m.resource_type)
            and m.delivery_type = coalesce(p_item ->> 'delivery_type', m.delivery_type)
            and (not p_deleted or m.uploaded_by = auth.uid() or (select media_sync.edits_all()))
        order by m.deleted_at desc, m.id
        limit 100
    );
    -- An asset whose delete is not carried out still has the name in Cloudinary. No other can get it there, so this one
    -- is meant.
    v_undeleted := array(select m from unnest(v_found) m where m.intent -> 'existence' ->> 'op' = 'delete');
    if p_deleted and cardinality(v_undeleted) = 1 then
        v_found := v_undeleted;
    end if;
    if cardinality(v_found) <= 1 then
        return v_found[1].id;
    end if;
    select concat_ws(' and ',
        case when count(distinct m.resource_type) > 1 then 'resource_type' end,
        case when count(distinct m.delivery_type) > 1 then 'delivery_type' end
    ) into v_add from unnest(v_found) m;
    perform media_sync.refuse(
        'ambiguous',
        case when p_deleted then 'several deleted assets had' else 'several assets have' end || ' this public id: '
            || case when v_add = '' then 'use asset_ids' else format('add %s, or use asset_ids', v_add) end,
        jsonb_build_object('candidates', (
            select jsonb_agg(jsonb_strip_nulls(jsonb_build_object(
                'asset_id', m.cloudinary_asset_id, 'resource_type', m.resource_type,
                'delivery_type', m.delivery_type, 'deleted_at', m.deleted_at
            )))
            from unnest(v_found[:10]) m
        ))
    );
end
$$;

-- Locks the named assets that the caller may change, in the order in which every writer locks rows. Two callers that
-- want the same ones wait, but never for each other.
create function media_sync.lock_named(p_items jsonb) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
    perform from public.media_assets m
    where m.id in (
        select a.id from jsonb_array_elements(p_items) item
        join public.media_assets a on a.id = media_sync.row_named(item ->> 'asset_id')
        union
        select a.id from jsonb_array_elements(p_items) item
        join public.media_assets a on a.cloudinary_public_id = item ->> 'public_id' and not item ? 'asset_id'
    ) and (m.uploaded_by = (select auth.uid()) or (select media_sync.edits_all()))
    order by m.id for update;
end
$$;

-- Refuses fields that the operation does not know: a misspelt one would do nothing, and look done.
create function media_sync.check_item(p_operation text, p_item jsonb) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
    v_known jsonb := case when p_operation = 'edit'
        then '{
            "asset_id": "string", "if_match": "string or array", "tags": "array", "add_tags": "array",
            "remove_tags": "array", "context": "object", "metadata": "object", "display_name": "string",
            "folder": "string", "public_id": "string", "description": "string or null", "alt_text": "string or null"
        }'
        else '{
            "asset_id": "string", "if_match": "string or array", "public_id": "string", "resource_type": "string",
            "delivery_type": "string"
        }'
    end;
    v_field record;
begin
    if jsonb_typeof(p_item) <> 'object' then
        perform media_sync.refuse('invalid', 'an item is a JSON object');
    elsif not p_item ? 'asset_id' and (p_operation = 'edit' or not p_item ? 'public_id') then
        perform media_sync.refuse('invalid', 'asset_id must name the asset');
    elsif p_operation <> 'edit' and p_item ?& array['asset_id', 'public_id'] then
        perform media_sync.refuse('invalid', 'either asset_id or public_id names the asset, not both');
    elsif p_operation = 'edit' and p_item - '{asset_id,if_match}'::text[] = '{}' then
        perform media_sync.refuse('invalid', 'nothing to change is named');
    elsif p_item ? 'tags' and p_item ?| array['add_tags', 'remove_tags'] then
        perform media_sync.refuse('invalid', 'tags names all tags: either tags, or add_tags and remove_tags');
    end if;
    for v_field in select key, value from jsonb_each(p_item) loop
        if not v_known ? v_field.key then
            perform media_sync.refuse('invalid', format(
                '%s is not a field here: there are %s', left(v_field.key, 64),
                (select string_agg(key, ', ' order by key) from jsonb_object_keys(v_known) key)
            ));
        elsif not jsonb_typeof(v_field.value) = any (string_to_array(v_known ->> v_field.key, ' or ')) then
            perform media_sync.refuse('invalid', format('%s must be: %s', v_field.key, v_known ->> v_field.key));
        elsif jsonb_typeof(v_field.value) = 'array' and v_field.value @? '$[*] ? (@.type() != "string")' then
            perform media_sync.refuse('invalid', format('%s must be a list of texts', v_field.key));
        end if;
    end loop;
    if p_item -> 'add_tags' ?| array(select jsonb_array_elements_text(p_item -> 'remove_tags')) then
        perform media_sync.refuse('invalid', 'a tag stands in add_tags and in remove_tags');
    end if;
end
$$;

-- The one asset that an item names, if the caller may change it in this way.
create function media_sync.asset_to_change(p_operation text, p_item jsonb) returns public.media_assets
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
    v_row public.media_assets;
    v_id uuid;
    v_may boolean;
    v_name jsonb;
begin
    perform media_sync.check_item(p_operation, p_item);
    if not p_item ? 'asset_id' then
        v_id := media_sync.asset_named(p_item, p_operation = 'restore');
        if v_id is null and p_operation = 'restore' then
            v_id := media_sync.asset_named(p_item, false);
        end if;
        select * into v_row from public.media_assets where id = v_id;
    elsif replace(p_item ->> 'asset_id', '-', '') !~* '^[0-9a-f]{32}$' then
        perform media_sync.refuse('invalid', 'an asset id is 32 hex digits, or the UUID of a row');
    else
        select * into v_row from public.media_assets where id = media_sync.row_named(p_item ->> 'asset_id');
    end if;
    v_may := media_sync.edits_all() or coalesce(v_row.uploaded_by = auth.uid(), false);
    if v_row.id is null or v_row.deleted_at is not null and not v_may then
        perform media_sync.refuse('not_found', 'not found');
    end if;
    v_name := jsonb_build_object('public_id', v_row.cloudinary_public_id, 'asset_id', v_row.cloudinary_asset_id);
    if not v_may then
        perform media_sync.refuse('forbidden', 'not yours to change', v_name);
    elsif p_operation = 'restore' and v_row.deleted_at is null then
        perform media_sync.refuse('not_deleted', 'not deleted: there is nothing to restore', v_name);
    elsif p_operation = 'restore' and media_sync.is_forgotten(v_row) then
        perform media_sync.refuse('forbidden', 'this asset was forgotten: upload it again', v_name);
    elsif p_operation = 'restore' and not media_sync.may_restore(v_row) then
        perform media_sync.refuse(
            'forbidden', 'somebody else has deleted this asset: ask an administrator to restore it', v_name);
    elsif p_operation = 'delete' and v_row.deleted_at is not null then
        perform media_sync.refuse('deleted', 'deleted already', v_name);
    elsif p_operation = 'edit' and v_row.deleted_at is not null then
        perform media_sync.refuse('deleted', 'the asset is deleted: restore it before you edit it', v_name);
    elsif p_item ? 'if_match' and not p_item -> 'if_match' @> to_jsonb(media_sync.etag_of(v_row)) then
        perform media_sync.refuse('precondition_failed', 'the asset has changed since you read it: read it again',
            v_name || jsonb_build_object('etag', media_sync.etag_of(v_row)));
    end if;
    return v_row;
end
$$;

-- Writes one item's change into the row, as its caller could without a request. `decide` makes an intent of it.
create function media_sync.change_asset(p_operation text, p_id uuid, p_item jsonb) returns public.media_assets
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
    v_row public.media_assets;
    v_asked constant jsonb := media_sync.asked_tags(p_item);
    v_former text;
begin
    if p_operation = 'delete' then
        update public.media_assets m set deleted_at = now() where m.id = p_id returning * into v_row;
    elsif p_operation = 'restore' then
        update public.media_assets m set deleted_at = null where m.id = p_id returning * into v_row;
    else
        v_former := media_sync.mark('asked_tags', v_asked::text);
        update public.media_assets m
        set cloudinary_public_id = coalesce(p_item ->> 'public_id', m.cloudinary_public_id),
            display_name = coalesce(p_item ->> 'display_name', m.display_name),
            folder = coalesce(p_item ->> 'folder', m.folder),
            tags = case
                when p_item ? 'tags' then array(select jsonb_array_elements_text(p_item -> 'tags'))
                -- Of the row as it is now: of two who edit at once, neither loses a tag.
                when v_asked <> '{}' then media_sync.tags_over(to_jsonb(m.tags), v_asked)
                else m.tags
            end,
            context = case when p_item ? 'context' then m.context || (p_item -> 'context') else m.context end,
            metadata = case when p_item ? 'metadata' then m.metadata || (p_item -> 'metadata') else m.metadata end,
            description = case when p_item ? 'description' then p_item ->> 'description' else m.description end,
            alt_text = case when p_item ? 'alt_text' then p_item ->> 'alt_text' else m.alt_text end
        where m.id = p_id
        returning * into v_row;
        perform media_sync.mark('asked_tags', v_former);
    end if;
    set constraints public.media_assets_live_name immediate;
    set constraints public.media_assets_live_name deferred;
    return v_row;
end
$$;

-- The name of an item that failed: as it was given, and as far as its asset is known. The public_id of an edit is another.
create function media_sync.failure(p_operation text, p_item jsonb, p_row public.media_assets) returns jsonb
language sql immutable set search_path = pg_catalog, pg_temp as $$
    select jsonb_build_object('public_id', coalesce(
            p_row.cloudinary_public_id, case when p_operation <> 'edit' then left(p_item ->> 'public_id', 1024) end))
        || jsonb_strip_nulls(jsonb_build_object(
            'asset_id', coalesce(p_row.cloudinary_asset_id, substring(p_item ->> 'asset_id' from '(?i)^[0-9a-f]{32}$')),
            'named', left(coalesce(p_item ->> 'asset_id', p_item ->> 'public_id'), 1024)
        ))
$$;

-- The words for a refusal with a code that functions of ours raise, too. A function of the project's that raised it is the
-- first of the context; what cannot be told apart is ours.
create function media_sync.refusal_of(p_state text, p_words text, p_context text) returns jsonb
language sql immutable set search_path = pg_catalog, pg_temp as $$
    select case when p_context ~ '^PL/pgSQL function (?!media_sync\.)'
        then jsonb_build_object('code', 'rule_refused', 'error', left(p_words, 400))
        else jsonb_build_object('code', case p_state
            when 'PT403' then 'outside_prefix' when 'PT415' then 'format_not_allowed' else 'invalid' end, 'error', p_words)
    end
$$;

-- p_operation: delete | edit | restore.
-- p_items: {"asset_id": text, "if_match"?} | {"public_id": text, "resource_type"?, "delivery_type"?, "if_match"?}
-- The asset_id is Cloudinary's, or the id of the row. if_match is the asset's `etag`, or a list of them: another state of
-- the asset is left alone.
-- An edit's item holds changes beside its asset_id: {tags? | add_tags?, remove_tags?, context?, metadata?, display_name?,
-- folder?, public_id?, description?, alt_text?}. Of context and metadata only the given keys change; null removes one.
-- {"done": [{public_id, asset_id, asset_row_id, sync_status, etag, asset?}], "failed": [{public_id, named?, error, code,
--   asset_id?, etag?, candidates?, references?, reference_count?}], "replayed"?: true}
-- `asset` is the row, told to those who name one asset. `named` is the id as it was given; where no asset is found, the
-- public_id may be null.
-- Each item is a transaction within the request's: an item that fails is reported, and stops no other.
create function media_sync.request(p_operation text, p_items jsonb, p_force boolean, p_key text) returns jsonb
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
    v_item jsonb;
    v_row public.media_assets;
    v_changed public.media_assets;
    v_done jsonb[] := '{}';
    v_failed jsonb[] := '{}';
    v_why jsonb;
    v_detail text;
    v_constraint text;
    v_context text;
    v_answer jsonb;
    v_former_source text;
    v_former_delay text;
    v_former_force text;
begin
    perform media_sync.bound_argument(pg_column_size(p_items), 524288);
    perform media_sync.admit();
    if auth.uid() is null then
        raise exception 'only a signed-in user may do this' using errcode = '42501';
    end if;
    if not media_sync.may_write() then
        raise exception 'readers write nothing' using errcode = '42501';
    end if;
    if p_force is distinct from false and media_sync.edits_all() then
        perform media_sync.want_assurance();
    end if;
    if jsonb_typeof(p_items) is distinct from 'array' or jsonb_array_length(p_items) > 200 then
        raise exception 'p_items must be a list of 200 items at most' using errcode = '22023';
    end if;
    if jsonb_array_length(p_items) > media_sync.changes_per_hour() and not media_sync.edits_all() then
        raise exception 'p_items must be a list of % items at most, as many as a user changes within an hour',
            media_sync.changes_per_hour() using errcode = '22023';
    end if;
    if jsonb_array_length(p_items) > 20 then
        perform media_sync.take_turn('media_sync.request', auth.uid());
    end if;
    if p_key is not null then
        v_answer := media_sync.earlier_answer(
            p_operation, p_key, sha256(convert_to(jsonb_build_array(p_items, p_force)::text, 'UTF8')));
        if v_answer is not null then
            return v_answer;
        end if;
    end if;
    perform media_sync.take_turn_to_change();
    perform media_sync.lock_named(p_items);
    v_former_source := media_sync.mark('source', 'api');
    -- The API sends its decisions within seconds. Callers of the Data API send nothing: the drain does so when the time
    -- is over. To send twice is harmless.
    v_former_delay := media_sync.mark('sent_within', '30');
    v_former_force := media_sync.mark('force', case when p_force then 'on' else 'off' end);
    for v_item in select jsonb_array_elements(p_items) loop
        begin
            v_row := null;
            v_why := null;
            v_row := media_sync.asset_to_change(p_operation, v_item);
            v_changed := media_sync.change_asset(p_operation, v_row.id, v_item);
            v_done := array_append(v_done, jsonb_build_object(
                'public_id', v_changed.cloudinary_public_id, 'asset_id', v_changed.cloudinary_asset_id,
                'asset_row_id', v_changed.id, 'sync_status', v_changed.sync_status, 'etag', media_sync.etag_of(v_changed)
            ) || case when jsonb_array_length(p_items) = 1 then jsonb_build_object('asset', media_sync.shown(
                v_changed, array['sync_error_code', 'sync_next_attempt_at', 'deleted_by'])) else '{}' end);
        exception
            when sqlstate 'MS001' then
                get stacked diagnostics v_detail = pg_exception_detail;
                v_why := v_detail::jsonb || jsonb_build_object('error', sqlerrm);
                -- An asset that is named in two ways is done once.
                if v_why ->> 'code' in ('deleted', 'not_deleted') and exists (
                    select from unnest(v_done) done where done ->> 'asset_id' = v_why ->> 'asset_id'
                ) then
                    v_why := null;
                end if;
            when sqlstate 'PT403' or sqlstate 'PT415' or sqlstate '22023' then
                get stacked diagnostics v_context = pg_exception_context;
                v_why := media_sync.refusal_of(sqlstate, sqlerrm, v_context);
            when sqlstate 'PT409' then
                get stacked diagnostics v_detail = pg_exception_detail, v_context = pg_exception_context;
                v_why := jsonb_build_object('code', 'conflict', 'error', left(sqlerrm, 400))
                    || case when media_sync.is_rule_of_project(sqlstate, v_context) or v_detail = '' then '{}'
                        else v_detail::jsonb end;
            when program_limit_exceeded then
                v_why := '{"code": "invalid", "error": "a value is too large for a row"}';
            when others then
                get stacked diagnostics v_constraint = constraint_name, v_context = pg_exception_context;
                if sqlstate = '23P01' and v_constraint = 'media_assets_live_name' then
                    v_why := '{"code": "name_taken", "error": "another asset has this public id"}';
                elsif media_sync.is_rule_of_project(sqlstate, v_context) then
                    v_why := jsonb_build_object('code', 'rule_refused', 'error', left(sqlerrm, 400));
                else
                    raise;
                end if;
        end;
        if v_why is not null then
            v_failed := array_append(v_failed, media_sync.failure(p_operation, v_item, v_row) || v_why);
        end if;
    end loop;
    perform media_sync.mark('source', v_former_source);
    perform media_sync.mark('sent_within', v_former_delay);
    perform media_sync.mark('force', v_former_force);
    v_answer := jsonb_build_object('done', to_jsonb(v_done), 'failed', to_jsonb(v_failed));
    if p_key is not null then
        update media_sync.idempotency_keys set answer = v_answer where user_id = auth.uid() and key = p_key;
    end if;
    return v_answer;
end
$$;

create function public.media_request_delete(
    p_items jsonb, p_force boolean default false, p_idempotency_key text default null
) returns jsonb
language sql security definer set search_path = pg_catalog, pg_temp set statement_timeout = '6s' as $$
    select media_sync.request('delete', p_items, p_force, p_idempotency_key)
$$;

create function public.media_request_edit(p_items jsonb, p_idempotency_key text default null) returns jsonb
language sql security definer set search_path = pg_catalog, pg_temp set statement_timeout = '6s' as $$
    select media_sync.request('edit', p_items, false, p_idempotency_key)
$$;

create function public.media_request_restore(p_items jsonb, p_idempotency_key text default null) returns jsonb
language sql security definer set search_path = pg_catalog, pg_temp set statement_timeout = '6s' as $$
    select media_sync.request('restore', p_items, false, p_idempotency_key)
$$;

-- Makes refused decisions of these assets pending again, to be sent after this time. Answers those that are.
create function media_sync.retry(p_ids uuid[], p_after interval) returns uuid[]
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
    v_retried constant uuid[] := media_sync.note(p_ids, format(
        $change$ set sync_status = 'pending', sync_retry_count = 0, sync_error_code = null, sync_error_message = null,
            sync_next_attempt_at = now() + %L::interval
        where m.intent is not null $change$, p_after));
begin
    insert into public.media_sync_log (
        operation, source, asset_row_id, cloudinary_asset_id, cloudinary_public_id, resource_type, actor
    )
    select 'retry_requested', 'api', id, cloudinary_asset_id, cloudinary_public_id, resource_type, auth.uid()
    from public.media_assets where id = any (v_retried);
    return v_retried;
end
$$;

-- Tries refused decisions again: all of them, or those of the named assets, by the name shown here or by Cloudinary's.
-- Administrators only.
create function public.media_request_retry(p_items jsonb default null) returns jsonb
language plpgsql security definer set search_path = pg_catalog, pg_temp set statement_timeout = '6s' as $$
declare
    v_former text;
    v_retried uuid[];
    v_done jsonb;
begin
    perform media_sync.bound_argument(pg_column_size(p_items), 524288);
    perform media_sync.want_admin();
    v_former := media_sync.mark('observing', 'on');
    v_retried := media_sync.retry(array(
        select m.id from public.media_assets m
        where m.sync_status = 'error' and m.intent is not null
            and (p_items is null or exists (
                select from jsonb_array_elements(p_items) item
                where media_sync.row_named(item ->> 'asset_id') = m.id
                    or item ->> 'public_id' in (m.cloudinary_public_id, m.observed ->> 'cloudinary_public_id')
            ))
        order by m.id
    ), interval '30 seconds');
    select coalesce(jsonb_agg(jsonb_build_object(
        'public_id', cloudinary_public_id, 'asset_id', cloudinary_asset_id,
        'asset_row_id', id
    )), '[]') into v_done from public.media_assets where id = any (v_retried);
    perform media_sync.mark('observing', v_former);
    return jsonb_build_object('done', v_done, 'failed', '[]'::jsonb);
end
$$;

revoke execute on function media_sync.bound_answers, media_sync.earlier_answer, media_sync.refuse, media_sync.asset_named, media_sync.lock_named,
    media_sync.check_item, media_sync.asset_to_change, media_sync.change_asset,
    media_sync.failure, media_sync.refusal_of, media_sync.retry,
    media_sync.request from public;
revoke execute on function public.media_request_delete, public.media_request_edit, public.media_request_restore,
    public.media_request_retry from public, anon, authenticated, service_role;
grant execute on function public.media_request_delete, public.media_request_edit, public.media_request_restore,
    public.media_request_retry to authenticated;

$migration$; end if; end $once$;

notify pgrst, 'reload schema';
