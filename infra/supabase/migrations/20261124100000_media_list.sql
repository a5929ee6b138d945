-- Search and list: one page of assets, in one round trip.
do $once$ begin if media_sync.begin_migration('20261124100000', 'media_list') then execute $migration$

-- What a search looks in, in lower case. Nobody types the separator, so that no match spans two texts.
-- Without settings of its own, which would keep the planner from seeing through it to its statistics.
create function media_sync.search_text(
    p_filename text, p_display_name text, p_public_id text, p_description text, p_alt_text text
) returns text
language sql immutable parallel safe
return lower(
    coalesce(p_filename, '') || E'\x01' || coalesce(p_display_name, '') || E'\x01' || p_public_id
        || E'\x01' || coalesce(p_description, '') || E'\x01' || coalesce(p_alt_text, '')
);

create index media_assets_search on public.media_assets using gin (
    media_sync.search_text(original_filename, display_name, cloudinary_public_id, description, alt_text)
    extensions.gin_trgm_ops
) where deleted_at is null;

-- One index for each order besides the newest first, read backwards for the other direction. Far pages
-- are counted off in the index alone, which takes its expression's columns too.
create index media_assets_changed on public.media_assets (updated_at desc, id desc)
    where deleted_at is null;
create index media_assets_uploaded on public.media_assets ((coalesce(cloudinary_created_at, created_at)) desc, id desc)
    include (cloudinary_created_at, created_at)
    where deleted_at is null;
create index media_assets_size on public.media_assets ((coalesce(file_size, 0)) desc, id desc) include (file_size)
    where deleted_at is null;
-- Cut, since an index refuses entries that are longer than a third of a page.
create index media_assets_display_name on public.media_assets ((left(coalesce(display_name, ''), 255)), id)
    where deleted_at is null;
create index media_assets_public_id on public.media_assets (cloudinary_public_id, id)
    where deleted_at is null;

-- Of the expressions above. Without them the planner would guess, and go through a whole order for
-- a word that is nowhere; what it knows of partial indexes it does not use.
create statistics public.media_assets_search_words
    on media_sync.search_text(original_filename, display_name, cloudinary_public_id, description, alt_text)
    from public.media_assets;
create statistics public.media_assets_sizes on (coalesce(file_size, 0)) from public.media_assets;
create statistics public.media_assets_upload_times on (coalesce(cloudinary_created_at, created_at)) from public.media_assets;

-- These are written in PL/pgSQL, which keeps its plans between calls where SQL makes them anew.

-- What may be sorted by, and the columns with dates that may be searched: as SQL over media_assets m.
create function media_sync.list_order(p_name text, out expression text, out kind text)
language plpgsql immutable set search_path = '' as $$
begin
    expression := case p_name
        when 'created_at' then 'm.created_at'
        when 'updated_at' then 'm.updated_at'
        when 'cloudinary_created_at' then 'coalesce(m.cloudinary_created_at, m.created_at)'
        when 'file_size' then 'coalesce(m.file_size, 0)'
        when 'display_name' then 'left(coalesce(m.display_name, ''''), 255)'
        when 'cloudinary_public_id' then 'm.cloudinary_public_id'
    end;
    kind := case
        when p_name in ('created_at', 'updated_at', 'cloudinary_created_at') then 'timestamptz'
        when p_name = 'file_size' then 'bigint'
        else 'text'
    end;
end
$$;

-- The conditions of a query as SQL over media_assets m, with the values bound: $1 the query, $2 the
-- search's pattern, $3 the tags. Nothing of the query is spliced in. A word without trigrams cannot
-- be looked up, only met on the way, which the index would make slower: p_met hides it from it.
create function media_sync.list_filter(p_query jsonb, p_met boolean) returns text
language plpgsql immutable set search_path = '' as $$
declare
    v_filter text := 'm.deleted_at is null';
    v_date text := (media_sync.list_order(coalesce(p_query ->> 'date_field', 'created_at'))).expression;
begin
    if v_date is null or v_date not like '%_at%' then
        raise exception 'date_field is not a column of dates' using errcode = '22023';
    end if;
    if p_query ? 'search' then
        v_filter := v_filter || ' and ' || case when p_met then '''''||' else '' end || 'media_sync.search_text('
            || 'm.original_filename, m.display_name, m.cloudinary_public_id, m.description, m.alt_text) like $2';
    end if;
    if p_query ? 'tags' then
        v_filter := v_filter || case p_query ->> 'tags_match' when 'any' then ' and m.tags && $3' else ' and m.tags @> $3' end;
    end if;
    if p_query ? 'resource_type' then v_filter := v_filter || ' and m.resource_type = $1 ->> ''resource_type'''; end if;
    if p_query ? 'folder' then v_filter := v_filter || ' and m.folder = $1 ->> ''folder'''; end if;
    if p_query ? 'sync_status' then v_filter := v_filter || ' and m.sync_status = $1 ->> ''sync_status'''; end if;
    if p_query ? 'uploaded_by' then v_filter := v_filter || ' and m.uploaded_by = ($1 ->> ''uploaded_by'')::uuid'; end if;
    if p_query ? 'date_from' then v_filter := v_filter || ' and ' || v_date || ' >= ($1 ->> ''date_from'')::timestamptz'; end if;
    if p_query ? 'date_to' then v_filter := v_filter || ' and ' || v_date || ' <= ($1 ->> ''date_to'')::timestamptz'; end if;
    if p_query ? 'min_size' then v_filter := v_filter || ' and coalesce(m.file_size, 0) >= ($1 ->> ''min_size'')::bigint'; end if;
    if p_query ? 'max_size' then v_filter := v_filter || ' and coalesce(m.file_size, 0) <= ($1 ->> ''max_size'')::bigint'; end if;
    return v_filter;
end
$$;

-- How the planner would count the rows that a query matches, up to a bound. Volatile, since nothing
-- else may use EXPLAIN.
create function media_sync.list_plan(p_counting text, p_query jsonb, p_pattern text, p_tags text[]) returns json
language plpgsql volatile set search_path = '' as $$
declare
    v_plan json;
begin
    execute 'explain (format json) ' || p_counting into v_plan using p_query, p_pattern, p_tags;
    return v_plan -> 0 -> 'Plan';
end
$$;

-- How many live rows a query matches: [rows, 1 if that is exact and 0 if it is an estimate]. Classes
-- that are kept in the statistics are exact whatever their size. Others are counted up to a thousand
-- rows, unless that would take much longer than finding a page. Then, and for what the planner holds to
-- be more than twice as many, its word is taken.
create function media_sync.list_total(p_query jsonb, p_pattern text, p_tags text[], p_met boolean) returns bigint[]
language plpgsql stable set search_path = '' as $$
declare
    c_bound constant bigint := 1000;
    -- In the planner's unit: a thousand rows here and there in the table.
    c_effort constant double precision := 5000;
    c_counting constant text := 'select from public.media_assets m where %s limit ' || c_bound + 1;
    v_plan json;
    v_expected bigint;
    v_total bigint;
begin
    if not p_query ?| array['search', 'folder', 'tags', 'uploaded_by', 'date_from', 'date_to', 'min_size', 'max_size'] then
        select coalesce(sum(assets), 0) into v_total from public.media_stats
        where live and resource_type = coalesce(p_query ->> 'resource_type', resource_type)
            and sync_status = coalesce(p_query ->> 'sync_status', sync_status);
        return array[v_total, 1];
    end if;
    v_plan := media_sync.list_plan(
        format(c_counting, media_sync.list_filter(p_query, false)), p_query, p_pattern, p_tags);
    v_expected := v_plan -> 'Plans' -> 0 ->> 'Plan Rows';
    if v_expected < 2 * c_bound and (v_plan ->> 'Total Cost')::double precision < c_effort then
        execute format('select count(*) from (' || c_counting || ') counted', media_sync.list_filter(p_query, p_met))
        into v_total using p_query, p_pattern, p_tags;
        if v_total <= c_bound then
            return array[v_total, 1];
        end if;
        v_expected := greatest(v_expected, v_total);
    end if;
    return array[v_expected, 0];
end
$$;

-- Finds the page's rows: their ids in order, whether more follow, where the page ends, and the total.
-- Not as the caller: under row level security PostgreSQL would not use an index for tags or words,
-- since their operators might tell of hidden rows. It finds live rows, which everybody who has signed
-- in may see, and tells no more of them than their ids; the rows themselves the caller reads.
create function media_sync.list_find(
    p_query jsonb, out ids uuid[], out has_more boolean, out page_end jsonb, out total bigint, out total_is_exact boolean
)
language plpgsql stable security definer
-- A page is short, and every order and every filter has an index.
set search_path = '' set enable_seqscan = off as $$
declare
    v_limit integer := least(greatest(coalesce((p_query ->> 'limit')::integer, 50), 1), 1000);
    v_offset bigint := coalesce((p_query ->> 'offset')::bigint, 0);
    v_direction text := case p_query ->> 'sort_order' when 'desc' then 'desc' else 'asc' end;
    -- The separator of texts is in none of them, and so in nothing that is found.
    v_pattern text := '%' || regexp_replace(lower(translate(p_query ->> 'search', E'\x01', E'\x02')), '([\\%_])', '\\\1', 'g') || '%';
    v_tags text[] := array(select jsonb_array_elements_text(p_query -> 'tags'));
    v_met boolean := p_query ->> 'search' !~ '[[:alnum:]]{3}|[[:alnum:]]{2}[^[:alnum:]]|[^[:alnum:]][[:alnum:]]{2}';
    v_order record := media_sync.list_order(p_query ->> 'sort_by');
    v_values jsonb[];
    v_total bigint[];
begin
    if v_order.expression is null then
        raise exception 'sort_by is not a sortable column' using errcode = '22023';
    end if;

    -- One row more than asked for tells whether there is a next page.
    execute format(
        'select coalesce(array_agg(id), ''{}''), array_agg(to_jsonb(value)) from (
            select m.id, %1$s as value from public.media_assets m
            where %2$s %3$s order by %1$s %4$s, m.id %4$s limit %5$s offset %6$s
        ) page',
        v_order.expression, media_sync.list_filter(p_query, v_met),
        case when p_query ? 'after' then format(
            'and (%s, m.id) %s (($1 -> ''after'' ->> ''value'')::%s, ($1 -> ''after'' ->> ''id'')::uuid)',
            v_order.expression, case v_direction when 'desc' then '<' else '>' end, v_order.kind) end,
        v_direction, v_limit + 1, v_offset
    )
    into ids, v_values using p_query, v_pattern, v_tags;
    has_more := cardinality(ids) > v_limit;
    if has_more then
        ids := ids[:v_limit];
        page_end := jsonb_build_object('value', v_values[v_limit], 'id', ids[v_limit]);
    end if;

    if not has_more and not p_query ? 'after' and (v_offset = 0 or cardinality(ids) > 0) then
        v_total := array[v_offset + cardinality(ids), 1];
    else
        v_total := media_sync.list_total(p_query, v_pattern, v_tags, v_met);
    end if;
    total_is_exact := v_total[2] = 1;
    total := case when total_is_exact then v_total[1]
        else greatest(v_total[1], v_offset + cardinality(ids) + has_more::integer) end;
end
$$;

-- What is shown of an asset. What the mirror keeps for itself (clocks, intents, claims, what was observed) is not.
create function media_sync.shown_columns() returns text[]
language sql immutable set search_path = '' as $$
    select array[
        'id', 'cloudinary_asset_id', 'cloudinary_public_id', 'cloudinary_version', 'cloudinary_etag', 'resource_type',
        'delivery_type', 'original_filename', 'display_name', 'file_size', 'mime_type', 'format', 'width', 'height',
        'duration', 'folder', 'tags', 'context', 'metadata', 'description', 'alt_text', 'secure_url', 'url',
        'access_mode', 'uploaded_by', 'cloudinary_created_at', 'sync_status', 'sync_error_message',
        'sync_retry_count', 'last_synced_at', 'created_at', 'updated_at', 'deleted_at'
    ]
$$;

-- These columns of one asset, and those that p_more names.
create function media_sync.shown(p_asset public.media_assets, p_more text[] default '{}') returns jsonb
language sql immutable set search_path = '' as $$
    select jsonb_object_agg(key, value) from jsonb_each(to_jsonb(p_asset))
    where key = any (media_sync.shown_columns() || p_more)
$$;

-- One page of assets, with everything that a media screen shows beside it.
-- p_query: {search?, resource_type?, folder?, tags?, tags_match?, sync_status?, uploaded_by?, date_field?,
--   date_from?, date_to?, min_size?, max_size?, sort_by, sort_order, limit, offset?, after?: {value, id}}
-- {items, has_more, position: {value, id} | null, total, total_is_exact, stats, sync_status}
-- A page is no larger than a function may answer: of very large rows it holds fewer than asked for, and tells where
-- to go on. Where a page was asked for by its number, that would leave rows out.
create function public.media_list(p_query jsonb) returns json
language plpgsql stable set search_path = '' as $$
declare
    c_most constant integer := 4500000;
    v_found record;
    v_items json;
    v_count integer;
begin
    select * into v_found from media_sync.list_find(p_query);
    select coalesce(json_agg(item), '[]'), count(*) into v_items, v_count from (
        select item, place, sum(octet_length(item::text)) over (order by place) as bytes from (
            select found.place, row_to_json(shown) as item
            from unnest(v_found.ids) with ordinality as found (id, place)
            join public.media_assets m on m.id = found.id
            cross join lateral (
                select m.id, m.cloudinary_asset_id, m.cloudinary_public_id, m.cloudinary_version,
                    m.cloudinary_etag, m.resource_type, m.delivery_type, m.original_filename,
                    m.display_name, m.file_size, m.mime_type, m.format, m.width, m.height,
                    m.duration, m.folder, m.tags, m.context, m.metadata, m.description, m.alt_text,
                    m.secure_url, m.url, m.access_mode, m.uploaded_by, m.cloudinary_created_at,
                    m.sync_status, m.sync_error_message, m.sync_retry_count, m.last_synced_at,
                    m.created_at, m.updated_at
            ) shown
            order by found.place
        ) page
    ) measured
    where bytes <= c_most or place = 1;
    if v_count < cardinality(v_found.ids) then
        if p_query ? 'offset' then
            raise exception 'the page is too large' using errcode = 'PT413';
        end if;
        select * into v_found from media_sync.list_find(p_query || jsonb_build_object('limit', v_count));
    end if;
    return json_build_object(
        'items', v_items,
        'has_more', v_found.has_more,
        'position', v_found.page_end,
        'total', v_found.total,
        'total_is_exact', v_found.total_is_exact,
        'stats', public.media_statistics(),
        'sync_status', public.media_sync_status()
    );
end
$$;

revoke execute on function media_sync.list_order, media_sync.list_filter, media_sync.list_plan,
    media_sync.list_total, media_sync.list_find, media_sync.shown_columns, media_sync.shown from public;
revoke execute on function public.media_list from public, anon, authenticated, service_role;
-- Whoever writes a row computes its entry of the index, and the planner sees through the function for
-- those only who may call it: a session that did not would not know the index for what it is.
grant execute on function media_sync.search_text to public;
grant execute on function media_sync.list_find, media_sync.shown_columns, media_sync.shown
    to authenticated, service_role;
grant execute on function public.media_list to authenticated, service_role;

$migration$; end if; end $once$;

notify pgrst, 'reload schema';
