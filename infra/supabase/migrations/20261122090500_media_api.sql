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
        where finished_at is not null order by finished_at desc limit 1
    ), last_good as (
        select finished_at from public.sync_runs
        where status = 'succeeded' order by finished_at desc limit 1
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

-- Everything that a status screen shows, in one round trip.
create function public.media_sync_overview() returns jsonb
language sql stable set search_path = '' as $$
    with runs as (
        select id as run_id, mode, trigger, status, error_code, error_message, counters,
            started_at, heartbeat_at, finished_at
        from public.sync_runs order by started_at desc limit 10
    )
    select public.media_sync_status() || jsonb_build_object(
        'stats', public.media_statistics(),
        'current_run', (select to_jsonb(r) from runs r where status = 'running'),
        'recent_runs', (select coalesce(jsonb_agg(to_jsonb(r) order by r.started_at desc), '[]') from runs r)
    )
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

-- Soft-deletes assets and notes the wish to delete them in Cloudinary, in one transaction.
-- p_items: [{"public_id": text} | {"asset_id": text}], each with an optional resource_type.
-- Owners may delete what they uploaded, administrators everything. What cannot be deleted is
-- reported item by item and keeps nothing else from being deleted.
create function public.media_request_delete(p_items jsonb, p_force boolean default false) returns jsonb
language plpgsql security definer set search_path = '' as $$
declare
    v_user uuid := auth.uid();
    v_admin boolean := media_sync.is_admin();
    v_item jsonb;
    v_name text;
    v_rows public.media_assets[];
    v_row public.media_assets;
    v_deleted jsonb := '[]';
    v_failed jsonb := '[]';
    v_error text;
begin
    if v_user is null then
        raise exception 'a signed-in user is needed' using errcode = '42501';
    end if;
    for v_item in select jsonb_array_elements(p_items) loop
        v_name := coalesce(v_item ->> 'public_id', v_item ->> 'asset_id');
        if v_item ? 'asset_id' then
            v_rows := array(
                select m from public.media_assets m
                where m.cloudinary_asset_id = v_item ->> 'asset_id' and m.deleted_at is null for update
            );
        else
            v_rows := array(
                select m from public.media_assets m
                where m.cloudinary_public_id = v_item ->> 'public_id' and m.deleted_at is null
                    and m.resource_type = coalesce(v_item ->> 'resource_type', m.resource_type) for update
            );
        end if;
        v_row := v_rows[1];
        v_error := case
            when cardinality(v_rows) = 0 then 'not found'
            when cardinality(v_rows) > 1 then 'several assets have this public id: add resource_type, or use asset_ids'
            when not v_admin and v_row.uploaded_by is distinct from v_user then 'not yours to delete'
            when v_row.cloudinary_asset_id is null then 'still being uploaded: try again when it is synced'
            when not p_force and exists (select from public.media_usage u where u.asset_id = v_row.id)
                then 'in use: add force to delete it all the same'
        end;
        if v_error is not null then
            v_failed := v_failed || jsonb_build_object('public_id', v_name, 'error', v_error);
            continue;
        end if;
        update public.media_assets m
        set deleted_at = now(), deleted_by = v_user, sync_status = 'pending',
            sync_error_code = null, sync_error_message = null, sync_retry_count = 0, sync_next_attempt_at = null,
            intent_revision = m.intent_revision + 1,
            intent = jsonb_build_object(
                'op', 'delete', 'at', (extract(epoch from clock_timestamp()) * 1000000)::bigint, 'by', v_user,
                'version', m.cloudinary_version, 'etag', m.cloudinary_etag
            )
        where m.id = v_row.id
        returning * into v_row;
        insert into public.media_sync_log (
            operation, source, asset_row_id, cloudinary_asset_id, cloudinary_public_id, resource_type, actor, details
        ) values (
            'delete_requested', 'api', v_row.id, v_row.cloudinary_asset_id, v_row.cloudinary_public_id,
            v_row.resource_type, v_user, jsonb_build_object('force', p_force)
        );
        v_deleted := v_deleted || jsonb_build_object(
            'public_id', v_row.cloudinary_public_id, 'asset_id', v_row.cloudinary_asset_id,
            'asset_row_id', v_row.id, 'intent_revision', v_row.intent_revision
        );
    end loop;
    return jsonb_build_object('deleted', v_deleted, 'failed', v_failed);
end
$$;

revoke execute on function public.media_sync_status, public.media_statistics, public.media_sync_overview,
    public.media_list, public.media_request_delete from public, anon;
grant execute on function public.media_sync_status, public.media_statistics, public.media_sync_overview,
    public.media_list to authenticated, service_role;
grant execute on function public.media_request_delete to authenticated;
