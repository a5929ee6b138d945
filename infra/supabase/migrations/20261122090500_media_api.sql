-- What the HTTP API calls in the name of a user.

-- {last_sync, is_synced, pending_operations, sync_in_progress, last_error}
create function public.media_sync_status() returns jsonb
language sql stable set search_path = '' as $$
    with waiting as (
        select
            coalesce(sum(assets) filter (where sync_status = 'pending'), 0) as pending,
            coalesce(sum(assets) filter (where sync_status = 'error'), 0) as failed
        from public.media_stats
    ), last_run as (
        select status, error_message from public.sync_runs
        where finished_at is not null and not dry_run and mode <> 'named' order by finished_at desc limit 1
    ), last_good as (
        select finished_at from public.sync_runs
        where is_good order by finished_at desc limit 1
    )
    select jsonb_build_object(
        'last_sync', (select finished_at from last_good),
        'is_synced', pending = 0 and failed = 0
            and coalesce((select status = 'succeeded' from last_run), false),
        'pending_operations', pending,
        'sync_in_progress', exists (select from public.sync_runs where status = 'running'),
        'last_error', coalesce(
            (select error_message from public.sync_runs where status = 'running'),
            (select error_message from last_run where status <> 'succeeded')
        )
    )
    from waiting
$$;

create function public.media_statistics() returns jsonb
language sql stable set search_path = '' as $$
    select jsonb_build_object(
        'total_assets', coalesce(sum(assets), 0),
        'total_images', coalesce(sum(assets) filter (where resource_type = 'image'), 0),
        'total_videos', coalesce(sum(assets) filter (where resource_type = 'video'), 0),
        'total_raw', coalesce(sum(assets) filter (where resource_type = 'raw'), 0),
        'total_size', coalesce(sum(bytes), 0),
        'synced_assets', coalesce(sum(assets) filter (where sync_status = 'synced'), 0),
        'pending_assets', coalesce(sum(assets) filter (where sync_status = 'pending'), 0),
        'error_assets', coalesce(sum(assets) filter (where sync_status = 'error'), 0)
    )
    from public.media_stats where live
$$;

-- Everything that a status screen shows, in one round trip; with p_run_id also that run and its drift.
create function public.media_sync_overview(p_run_id uuid default null) returns jsonb
language sql stable set search_path = '' as $$
    with runs as (
        select r.status, r.started_at, media_sync.describe_run(r) as shown
        from public.sync_runs r order by r.started_at desc limit 10
    )
    select public.media_sync_status() || jsonb_build_object(
        'stats', public.media_statistics(),
        'current_run', (
            select media_sync.describe_run(r) from public.sync_runs r where r.status = 'running'
        ),
        'recent_runs', (select coalesce(jsonb_agg(shown order by started_at desc), '[]') from runs),
        'quota', (
            select jsonb_build_object('limit', quota_limit, 'remaining', remaining, 'reset_at', reset_at, 'seen_at', seen_at)
            from public.cloudinary_quota
        )
    ) || case when p_run_id is null then '{}' else jsonb_build_object('run', (
        select media_sync.describe_run(r) || jsonb_build_object('drift', r.drift)
        from public.sync_runs r where r.id = p_run_id
    )) end
$$;

-- One page of assets, with everything that a media screen shows beside it, in one round trip.
-- p_query: {search?, resource_type?, folder?, tags?, sync_status?, uploaded_by?, date_from?,
--   date_to?, min_size?, max_size?, sort_by, sort_order, limit, offset?, after?: {value, id}}
-- Values are bound, never spliced; the sort column comes from a fixed list.
create function public.media_list(p_query jsonb) returns jsonb
language plpgsql stable set search_path = '' as $$
declare
    v_sort text;
    v_type text;
    v_descending boolean := p_query ->> 'sort_order' = 'desc';
    v_limit integer := (p_query ->> 'limit')::integer;
    v_where text := 'm.deleted_at is null';
    v_after text := '';
    v_tags text[];
    v_pattern text;
    v_items jsonb;
    v_total bigint;
    -- Beyond this many matches the total is a lower bound: counting on would cost more than it tells.
    c_count_limit constant integer := 10000;
begin
    select expression, kind into v_sort, v_type
    from (values
        ('created_at', 'm.created_at', 'timestamptz'),
        ('updated_at', 'm.updated_at', 'timestamptz'),
        ('file_size', 'coalesce(m.file_size, 0)', 'bigint'),
        ('display_name', 'coalesce(m.display_name, '''')', 'text'),
        ('cloudinary_public_id', 'm.cloudinary_public_id', 'text')
    ) as sortable (name, expression, kind)
    where name = p_query ->> 'sort_by';
    if v_sort is null then
        raise exception 'sort_by is not a sortable column' using errcode = '22023';
    end if;

    if p_query ? 'search' then
        v_where := v_where || ' and (m.cloudinary_public_id ilike $1 or m.display_name ilike $1
            or m.original_filename ilike $1 or m.description ilike $1 or m.alt_text ilike $1)';
    end if;
    if p_query ? 'resource_type' then v_where := v_where || ' and m.resource_type = $2 ->> ''resource_type'''; end if;
    if p_query ? 'folder' then v_where := v_where || ' and m.folder = $2 ->> ''folder'''; end if;
    if p_query ? 'sync_status' then v_where := v_where || ' and m.sync_status = $2 ->> ''sync_status'''; end if;
    if p_query ? 'uploaded_by' then v_where := v_where || ' and m.uploaded_by = ($2 ->> ''uploaded_by'')::uuid'; end if;
    if p_query ? 'date_from' then v_where := v_where || ' and m.created_at >= ($2 ->> ''date_from'')::timestamptz'; end if;
    if p_query ? 'date_to' then v_where := v_where || ' and m.created_at <= ($2 ->> ''date_to'')::timestamptz'; end if;
    if p_query ? 'min_size' then v_where := v_where || ' and m.file_size >= ($2 ->> ''min_size'')::bigint'; end if;
    if p_query ? 'max_size' then v_where := v_where || ' and m.file_size <= ($2 ->> ''max_size'')::bigint'; end if;
    if p_query ? 'tags' then
        v_tags := array(select jsonb_array_elements_text(p_query -> 'tags'));
        v_where := v_where || ' and m.tags @> $3';
    end if;
    if p_query ? 'after' then
        v_after := format(
            ' and (%s, m.id) %s (($2 -> ''after'' ->> ''value'')::%s, ($2 -> ''after'' ->> ''id'')::uuid)',
            v_sort, case when v_descending then '<' else '>' end, v_type
        );
    end if;

    v_pattern := '%' || regexp_replace(p_query ->> 'search', '([\\%_])', '\\\1', 'g') || '%';

    -- One row more than asked for tells whether there is a next page.
    execute format(
        'select coalesce(jsonb_agg(to_jsonb(page)), ''[]'') from (
            select m.id, m.cloudinary_asset_id, m.cloudinary_public_id, m.cloudinary_version,
                m.cloudinary_etag, m.resource_type, m.delivery_type, m.original_filename,
                m.display_name, m.file_size, m.mime_type, m.format, m.width, m.height,
                m.duration, m.folder, m.tags, m.context, m.metadata, m.description, m.alt_text,
                m.secure_url, m.url, m.access_mode, m.uploaded_by, m.cloudinary_created_at,
                m.sync_status, m.sync_error_message, m.sync_retry_count, m.last_synced_at,
                m.created_at, m.updated_at
            from public.media_assets m
            where %1$s %2$s
            order by %3$s %4$s, m.id %4$s
            limit %5$s offset %6$s
        ) page',
        v_where, v_after, v_sort, case when v_descending then 'desc' else 'asc' end,
        v_limit + 1, coalesce((p_query ->> 'offset')::bigint, 0)
    )
    into v_items using v_pattern, p_query, v_tags;

    execute format('select count(*) from (select from public.media_assets m where %s limit %s) counted', v_where, c_count_limit + 1)
    into v_total using v_pattern, p_query, v_tags;

    return jsonb_build_object(
        'items', case when jsonb_array_length(v_items) > v_limit then v_items - v_limit else v_items end,
        'has_more', jsonb_array_length(v_items) > v_limit,
        'total', least(v_total, c_count_limit),
        'total_is_exact', v_total <= c_count_limit,
        'stats', public.media_statistics(),
        'sync_status', public.media_sync_status()
    );
end
$$;

-- The three requests below write what is wanted into the rows, as their callers could by
-- themselves; the trigger `decide` makes intents of it. Each item is a transaction within the
-- request's: what cannot be done is reported, and keeps nothing else from being done.

-- The live or deleted assets that an item names. {"asset_id": text} | {"public_id": text}, with
-- an optional resource_type.
create function media_sync.named_assets(p_item jsonb, p_deleted boolean) returns setof public.media_assets
language sql stable set search_path = '' as $$
    select * from public.media_assets m
    where (m.deleted_at is not null) = p_deleted
        and case when p_item ? 'asset_id'
            then m.cloudinary_asset_id = p_item ->> 'asset_id'
            else m.cloudinary_public_id = p_item ->> 'public_id'
                and m.resource_type = coalesce(p_item ->> 'resource_type', m.resource_type)
        end
$$;

-- The one asset that an item names, if the caller may change it.
create function media_sync.asset_to_change(p_item jsonb, p_deleted boolean) returns public.media_assets
language plpgsql stable set search_path = '' as $$
declare
    v_rows public.media_assets[] := array(select m from media_sync.named_assets(p_item, p_deleted) m);
    v_row public.media_assets := v_rows[1];
begin
    if auth.uid() is null then
        raise exception 'a signed-in user is needed' using errcode = '42501';
    end if;
    if cardinality(v_rows) = 0 then
        raise exception 'not found' using errcode = 'P0002';
    end if;
    if cardinality(v_rows) > 1 then
        raise exception 'several assets have this public id: add resource_type, or use asset_ids' using errcode = 'P0003';
    end if;
    if not media_sync.is_admin() and v_row.uploaded_by is distinct from auth.uid() then
        raise exception 'not yours to change' using errcode = '42501';
    end if;
    return v_row;
end
$$;

-- p_operation: delete | edit | restore. p_items: as for named_assets; an edit's item holds what is
-- to be changed beside its asset_id: {tags?, context?, metadata?, display_name?, folder?,
-- public_id?, description?, alt_text?}; of context and metadata the keys that are given, null
-- removes one.
-- {"done": [{public_id, asset_id, asset_row_id}], "failed": [{public_id, error}]}
create function media_sync.request(p_operation text, p_items jsonb, p_force boolean default false) returns jsonb
language plpgsql set search_path = '' as $$
declare
    v_item jsonb;
    v_row public.media_assets;
    v_done jsonb := '[]';
    v_failed jsonb := '[]';
begin
    for v_item in select jsonb_array_elements(p_items) loop
        begin
            v_row := media_sync.asset_to_change(v_item, p_operation = 'restore');
            if p_operation = 'delete' then
                if not p_force and exists (select from public.media_usage u where u.asset_id = v_row.id) then
                    raise exception 'in use: add force to delete it all the same' using errcode = 'PT409';
                end if;
                update public.media_assets m set deleted_at = now() where m.id = v_row.id returning * into v_row;
            elsif p_operation = 'restore' then
                update public.media_assets m set deleted_at = null where m.id = v_row.id returning * into v_row;
            else
                update public.media_assets m
                set cloudinary_public_id = coalesce(v_item ->> 'public_id', m.cloudinary_public_id),
                    display_name = coalesce(v_item ->> 'display_name', m.display_name),
                    folder = coalesce(v_item ->> 'folder', m.folder),
                    tags = case when v_item ? 'tags'
                        then array(select jsonb_array_elements_text(v_item -> 'tags')) else m.tags end,
                    context = case when v_item ? 'context' then m.context || (v_item -> 'context') else m.context end,
                    metadata = case when v_item ? 'metadata' then m.metadata || (v_item -> 'metadata') else m.metadata end,
                    description = case when v_item ? 'description' then v_item ->> 'description' else m.description end,
                    alt_text = case when v_item ? 'alt_text' then v_item ->> 'alt_text' else m.alt_text end
                where m.id = v_row.id
                returning * into v_row;
            end if;
            set constraints public.media_assets_live_name immediate;
            set constraints public.media_assets_live_name deferred;
            v_done := v_done || jsonb_build_object(
                'public_id', v_row.cloudinary_public_id, 'asset_id', v_row.cloudinary_asset_id,
                'asset_row_id', v_row.id
            );
        exception
            when exclusion_violation then
                v_failed := v_failed || jsonb_build_object(
                    'public_id', coalesce(v_item ->> 'public_id', v_row.cloudinary_public_id),
                    'error', 'another asset has this public id'
                );
            when sqlstate 'PT409' or sqlstate '22023' or sqlstate 'P0002' or sqlstate 'P0003' or sqlstate '42501' then
                if auth.uid() is null then
                    raise;
                end if;
                v_failed := v_failed || jsonb_build_object(
                    'public_id', coalesce(v_item ->> 'public_id', v_item ->> 'asset_id'), 'error', sqlerrm
                );
        end;
    end loop;
    return jsonb_build_object('done', v_done, 'failed', v_failed);
end
$$;

create function public.media_request_delete(p_items jsonb, p_force boolean default false) returns jsonb
language sql security definer set search_path = '' set media_sync.source = 'api' set media_sync.sent_within = '180' as $$
    select media_sync.request('delete', p_items, p_force)
$$;

create function public.media_request_edit(p_items jsonb) returns jsonb
language sql security definer set search_path = '' set media_sync.source = 'api' set media_sync.sent_within = '180' as $$
    select media_sync.request('edit', p_items)
$$;

create function public.media_request_restore(p_items jsonb) returns jsonb
language sql security definer set search_path = '' set media_sync.source = 'api' set media_sync.sent_within = '180' as $$
    select media_sync.request('restore', p_items)
$$;

-- Tries again what Cloudinary has refused: everything, or what the items name, by the name that is
-- shown here or by the one that Cloudinary has. Administrators only.
create function public.media_request_retry(p_items jsonb default null) returns jsonb
language plpgsql security definer set search_path = '' set media_sync.observing = 'on' as $$
declare
    v_done jsonb;
begin
    if not media_sync.is_admin() then
        raise exception 'administrators only' using errcode = '42501';
    end if;
    with retried as (
        update public.media_assets m
        set sync_status = 'pending', sync_retry_count = 0, sync_error_code = null, sync_error_message = null,
            sync_next_attempt_at = now() + interval '180 seconds'
        where m.sync_status = 'error' and m.intent is not null
            and (p_items is null or exists (
                select from jsonb_array_elements(p_items) item
                where item ->> 'asset_id' = m.cloudinary_asset_id
                    or item ->> 'public_id' in (m.cloudinary_public_id, m.observed ->> 'cloudinary_public_id')
            ))
        returning m.*
    ), logged as (
        insert into public.media_sync_log (
            operation, source, asset_row_id, cloudinary_asset_id, cloudinary_public_id, resource_type, actor
        )
        select 'retry_requested', 'api', id, cloudinary_asset_id, cloudinary_public_id, resource_type, auth.uid()
        from retried
    )
    select coalesce(jsonb_agg(jsonb_build_object(
        'public_id', cloudinary_public_id, 'asset_id', cloudinary_asset_id,
        'asset_row_id', id
    )), '[]') into v_done from retried;
    return jsonb_build_object('done', v_done, 'failed', '[]'::jsonb);
end
$$;

revoke execute on function media_sync.named_assets, media_sync.asset_to_change, media_sync.request from public;
revoke execute on function public.media_sync_status, public.media_statistics, public.media_sync_overview,
    public.media_list, public.media_request_delete, public.media_request_edit, public.media_request_restore,
    public.media_request_retry from public, anon, authenticated, service_role;
grant execute on function public.media_sync_status, public.media_statistics, public.media_sync_overview,
    public.media_list to authenticated, service_role;
grant execute on function public.media_request_delete, public.media_request_edit, public.media_request_restore,
    public.media_request_retry to authenticated;
