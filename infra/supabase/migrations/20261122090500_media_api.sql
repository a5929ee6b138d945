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

revoke execute on function public.media_sync_status, public.media_statistics, public.media_sync_overview,
    public.media_list from public, anon, authenticated, service_role;
grant execute on function public.media_sync_status, public.media_statistics, public.media_sync_overview,
    public.media_list to authenticated, service_role;
