-- Reading: status and statistics, a page of the list, one asset, and the mirror's health.
--
-- Functions that people call have a time limit of their own, shorter than their role's: PostgREST sets it before it calls.
do $once$ begin if media_sync.begin_migration('20261127080800', 'media_reading') then execute $migration$
set local search_path = pg_catalog, pg_temp;

-- Every page shows the next two. In PL/pgSQL they keep their plans between calls.

-- {last_sync, is_synced, pending_operations, sync_in_progress, last_error}
-- It tells of runs that the caller may not read.
create function public.media_sync_status() returns jsonb
language plpgsql stable security definer set search_path = pg_catalog, pg_temp as $$
begin
    perform media_sync.admit();
    return (
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
    );
end
$$;

create function public.media_statistics() returns jsonb
language plpgsql stable set search_path = pg_catalog, pg_temp as $$
begin
    perform media_sync.admit();
    return (
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
    );
end
$$;

-- Everything that a status screen shows, in one round trip. With p_run_id also that run. Its options, findings and plan
-- name assets, so they are for those who may read the run's row.
create function public.media_sync_overview(p_run_id uuid default null) returns jsonb
language sql stable security definer set search_path = pg_catalog, pg_temp set statement_timeout = '4s' as $$
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
    ) || jsonb_build_object('held_plan', media_sync.shown_held_plan())
    || case when p_run_id is null then '{}' else jsonb_build_object('run', (
        select media_sync.describe_run(r) || case when auth.uid() is null or media_sync.is_admin()
            then jsonb_build_object('options', r.options, 'drift', r.drift, 'plan', r.plan) else '{}' end
        from public.sync_runs r where r.id = p_run_id
    )) end
$$;

-- The functions of the list are PL/pgSQL, which keeps its plans between calls.

-- The columns that a list can be sorted by, and those with dates that can be searched: as SQL over media_assets m.
create function media_sync.list_order(p_name text, out expression text, out kind text)
language plpgsql immutable set search_path = pg_catalog, pg_temp as $$
begin
    expression := case p_name
        when 'created_at' then 'm.created_at'
        when 'updated_at' then 'm.updated_at'
        when 'cloudinary_created_at' then 'coalesce(m.cloudinary_created_at, m.created_at)'
        when 'file_size' then 'coalesce(m.file_size, 0)'
        when 'display_name' then 'left(coalesce(m.display_name, ''''), 255)'
        when 'cloudinary_public_id' then 'm.cloudinary_public_id'
        when 'deleted_at' then 'm.deleted_at'
    end;
    kind := case
        when p_name in ('created_at', 'updated_at', 'cloudinary_created_at', 'deleted_at') then 'timestamptz'
        when p_name = 'file_size' then 'bigint'
        else 'text'
    end;
end
$$;

-- The ways in which systems write a text: as it is given, composed, and with its accents apart. They look the same, and a
-- reader means any of them. Identity stays with the bytes.
create function media_sync.spellings(p_text text) returns text[]
language sql immutable set search_path = pg_catalog, pg_temp as $$
    select array(select distinct spelling from unnest(array[p_text, normalize(p_text, nfc), normalize(p_text, nfd)]) spelling)
$$;

-- The tags that a query asks for; if any of them is enough, in every spelling.
create function media_sync.wanted_tags(p_query jsonb) returns text[]
language sql immutable set search_path = pg_catalog, pg_temp as $$
    select array(
        select spelling
        from jsonb_array_elements_text(p_query -> 'tags') tag,
            unnest(case p_query ->> 'tags_match' when 'any' then media_sync.spellings(tag) else array[tag] end) spelling
    )
$$;

-- The condition that a row has all these tags, each in one of its spellings. Null where each has a single one.
create function media_sync.tags_filter(p_tags jsonb) returns text
language sql immutable set search_path = pg_catalog, pg_temp as $$
    select string_agg(format(' and m.tags && media_sync.spellings($1 -> ''tags'' ->> %s)', place - 1), '')
    from jsonb_array_elements_text(p_tags) with ordinality as t (tag, place)
    having max(cardinality(media_sync.spellings(tag))) > 1
$$;

-- A text, or an array of texts, as an array.
create function media_sync.texts_of(p_value jsonb) returns text[]
language sql immutable set search_path = pg_catalog, pg_temp as $$
    select case jsonb_typeof(p_value)
        when 'array' then array(select jsonb_array_elements_text(p_value))
        when 'string' then array[p_value #>> '{}']
    end
$$;

-- The condition that a column of media_assets m has one of the values that a query names. A single one leaves the order
-- of an index as it is.
create function media_sync.any_filter(p_query jsonb, p_column text) returns text
language sql immutable set search_path = pg_catalog, pg_temp as $$
    select case when cardinality(media_sync.texts_of(p_query -> p_column)) = 1
        then format(' and m.%1$I = (media_sync.texts_of($1 -> %1$L))[1]', p_column)
        when p_query ? p_column then format(' and m.%1$I = any (media_sync.texts_of($1 -> %1$L))', p_column)
        else ''
    end
$$;

-- The condition that a row is in a folder or below it. `0` is the character behind the slash.
create function media_sync.below_filter(p_folder text) returns text
language sql immutable set search_path = pg_catalog, pg_temp as $$
    select ' and (' || string_agg(format(
        '(m.folder = %1$s or m.folder >= %1$s || ''/'' and m.folder < %1$s || ''0'')',
        format('(media_sync.spellings($1 ->> ''below''))[%s]', place)
    ), ' or ') || ')'
    from generate_subscripts(media_sync.spellings(p_folder), 1) place
$$;

-- The values of structured metadata that a text may mean under a key: itself, an item of a list, a number.
create function media_sync.metadata_forms(p_metadata jsonb, p_place integer) returns jsonb[]
language sql immutable set search_path = pg_catalog, pg_temp as $$
    select array[jsonb_build_object(key, value), jsonb_build_object(key, jsonb_build_array(value))]
        || case when value ~ '^-?(0|[1-9][0-9]{0,17})(\.[0-9]{1,9})?$'
            then array[jsonb_build_object(key, value::numeric)] else '{}' end
    from jsonb_each_text(p_metadata) with ordinality as pair (key, value, place)
    where place = p_place
$$;

-- The condition that a row's metadata have these values.
create function media_sync.metadata_filter(p_metadata jsonb) returns text
language sql immutable set search_path = pg_catalog, pg_temp as $$
    select string_agg(format(' and m.metadata @> any (media_sync.metadata_forms($1 -> ''metadata'', %s))', place), '')
    from generate_series(1, (select count(*)::integer from jsonb_object_keys(p_metadata))) place
$$;

-- The patterns of a search: one for each of its words, which may stand anywhere and in any order. No character has a
-- meaning of its own.
create function media_sync.search_patterns(p_search text) returns text[]
language sql immutable set search_path = pg_catalog, pg_temp as $$
    select array(
        select '%' || regexp_replace(lower(normalize(word)), '([\\%_])', '\\\1', 'g') || '%'
        -- The separator of values is in none of them, so nothing matches it.
        from regexp_split_to_table(translate(p_search, E'\x01', E'\x02'), '\s+') word
        where word <> ''
    )
$$;

-- True if an index finds the pattern: three letters or digits in a row, or two at a word's end.
create function media_sync.has_trigram(p_pattern text) returns boolean
language sql immutable set search_path = pg_catalog, pg_temp as $$
    select p_pattern ~ '[[:alnum:]]{3}|[[:alnum:]]{2}[^[:alnum:]%]|[^[:alnum:]%][[:alnum:]]{2}'
$$;

-- The condition of a search as SQL over media_assets m; $2 holds its patterns. No index finds words without trigrams; they
-- are only met on the way. p_met hides them from the index, which would be slower.
create function media_sync.list_words(p_patterns text[], p_met boolean) returns text
language sql immutable set search_path = pg_catalog, pg_temp as $$
    select coalesce('exists (select from media_sync.asset_search s where s.id = m.id' || string_agg(format(
        ' and %ss.words like $2[%s]', case when p_met then '''''||' end, place
    ), '') || ')', 'true')
    from generate_subscripts(p_patterns, 1) place
$$;

-- The conditions of a query as SQL over media_assets m. Values are bound: $1 the query, $2 the search's patterns, $3 the
-- tags.
create function media_sync.list_filter(p_query jsonb) returns text
language plpgsql immutable set search_path = pg_catalog, pg_temp as $$
declare
    v_filter text := case when p_query ? 'deleted' then 'm.deleted_at is not null' else 'm.deleted_at is null' end;
    v_date text := (media_sync.list_order(coalesce(p_query ->> 'date_field', 'created_at'))).expression;
begin
    if v_date is null or v_date not like '%_at%' or v_date = 'm.deleted_at' and not p_query ? 'deleted' then
        raise exception 'date_field is not a column of dates' using errcode = '22023';
    end if;
    if p_query ? 'visible_to' then v_filter := v_filter || ' and m.uploaded_by = ($1 ->> ''visible_to'')::uuid'; end if;
    if p_query ? 'search' then
        v_filter := v_filter || ' and ' || media_sync.list_words(media_sync.search_patterns(p_query ->> 'search'), false);
    end if;
    if p_query ? 'tags' and p_query ->> 'tags_match' = 'any' then
        v_filter := v_filter || ' and m.tags && $3';
    elsif p_query ? 'tags' then
        v_filter := v_filter || coalesce(media_sync.tags_filter(p_query -> 'tags'), ' and m.tags @> $3');
    end if;
    v_filter := v_filter || media_sync.any_filter(p_query, 'resource_type') || media_sync.any_filter(p_query, 'format')
        || media_sync.any_filter(p_query, 'delivery_type');
    if p_query ->> 'below' <> '' then v_filter := v_filter || media_sync.below_filter(p_query ->> 'below'); end if;
    if p_query ? 'context' then v_filter := v_filter || ' and m.context @> ($1 -> ''context'')'; end if;
    if p_query ? 'metadata' then
        v_filter := v_filter || coalesce(media_sync.metadata_filter(p_query -> 'metadata'), '');
    end if;
    if p_query ? 'folder' and cardinality(media_sync.spellings(p_query ->> 'folder')) > 1 then
        v_filter := v_filter || ' and m.folder = any (media_sync.spellings($1 ->> ''folder''))';
    elsif p_query ? 'folder' then
        v_filter := v_filter || ' and m.folder = $1 ->> ''folder''';
    end if;
    if p_query ? 'sync_status' then v_filter := v_filter || ' and m.sync_status = $1 ->> ''sync_status'''; end if;
    if p_query ? 'error_code' then v_filter := v_filter || ' and m.sync_error_code = $1 ->> ''error_code'''; end if;
    if p_query ? 'uploaded_by' then v_filter := v_filter || ' and m.uploaded_by = ($1 ->> ''uploaded_by'')::uuid'; end if;
    if p_query ? 'date_from' then v_filter := v_filter || ' and ' || v_date || ' >= ($1 ->> ''date_from'')::timestamptz'; end if;
    if p_query ? 'date_to' then v_filter := v_filter || ' and ' || v_date || ' <= ($1 ->> ''date_to'')::timestamptz'; end if;
    if p_query ? 'min_size' then v_filter := v_filter || ' and coalesce(m.file_size, 0) >= ($1 ->> ''min_size'')::bigint'; end if;
    if p_query ? 'max_size' then v_filter := v_filter || ' and coalesce(m.file_size, 0) <= ($1 ->> ''max_size'')::bigint'; end if;
    return v_filter;
end
$$;

-- The planner's way to count the matching rows, up to a bound. Volatile, since nothing else may use EXPLAIN.
create function media_sync.list_plan(p_counting text, p_query jsonb, p_patterns text[], p_tags text[]) returns json
language plpgsql volatile set search_path = pg_catalog, pg_temp as $$
declare
    v_plan json;
begin
    execute 'explain (format json) ' || p_counting into v_plan using p_query, p_patterns, p_tags;
    return v_plan -> 0 -> 'Plan';
end
$$;

-- The words of a query that are conditions of rows. The others say which rows are meant at all, and which page of them.
create function media_sync.list_conditions(p_query jsonb) returns jsonb
language sql immutable set search_path = pg_catalog, pg_temp as $$
    select p_query - array[
        'deleted', 'visible_to', 'tags_match', 'date_field', 'sort_by', 'sort_order', 'limit', 'offset', 'after'
    ]
$$;

-- The number of rows that match: [rows, 1 if that is exact or 0 for an estimate].
-- * Classes of the statistics are exact, whatever their size.
-- * Others are counted up to a thousand rows, unless that would take much longer than finding a page.
-- * Otherwise, and if the planner expects more than twice as many, its estimate is taken.
create function media_sync.list_total(p_query jsonb, p_patterns text[], p_tags text[], p_met boolean) returns bigint[]
language plpgsql stable set search_path = pg_catalog, pg_temp as $$
declare
    c_bound constant bigint := 1000;
    -- In the planner's unit: a thousand rows here and there in the table.
    c_effort constant double precision := 3000;
    c_counting constant text := 'select from public.media_assets m where %s limit ' || c_bound + 1;
    v_plan json;
    v_expected bigint;
    v_total bigint;
begin
    if not p_query ? 'visible_to'
        and media_sync.list_conditions(p_query) - array['resource_type', 'sync_status'] = '{}'
    then
        select coalesce(sum(assets), 0) into v_total from public.media_stats
        where live = not p_query ? 'deleted' and (
                not p_query ? 'resource_type' or resource_type = any (media_sync.texts_of(p_query -> 'resource_type'))
            )
            and sync_status = coalesce(p_query ->> 'sync_status', sync_status);
        return array[v_total, 1];
    end if;
    v_plan := media_sync.list_plan(
        format(c_counting, media_sync.list_filter(p_query)), p_query, p_patterns, p_tags);
    v_expected := v_plan -> 'Plans' -> 0 ->> 'Plan Rows';
    if v_expected < 2 * c_bound and (v_plan ->> 'Total Cost')::double precision < c_effort then
        execute format('select count(*) from (' || c_counting || ') counted', case when p_met
            then media_sync.list_filter(p_query - 'search') || ' and ' || media_sync.list_words(p_patterns, true)
            else media_sync.list_filter(p_query) end)
        into v_total using p_query, p_patterns, p_tags;
        if v_total <= c_bound then
            return array[v_total, 1];
        end if;
        v_expected := greatest(v_expected, v_total);
    end if;
    return array[v_expected, 0];
end
$$;

-- Refuses a filter of too many words or values: each may be a condition of its own.
create function media_sync.check_filters(p_query jsonb, p_patterns text[]) returns void
language plpgsql immutable set search_path = pg_catalog, pg_temp as $$
declare
    c_most_words constant integer := 20;
    c_most_values constant integer := 20;
begin
    if cardinality(p_patterns) > c_most_words then
        raise exception 'a search has % words at most', c_most_words using errcode = '22023';
    elsif (
        select coalesce(max(case jsonb_typeof(value) when 'array' then jsonb_array_length(value)
            when 'object' then (select count(*) from jsonb_object_keys(value)) end), 0)
        from jsonb_each(p_query - array['tags', 'after'])
    ) > c_most_values then
        raise exception 'a filter has % values at most', c_most_values using errcode = '22023';
    end if;
end
$$;

-- Refuses a query that is too long, or of too many tags: a tag may be a condition of its own, and a plan of many
-- conditions takes gigabytes.
create function media_sync.check_size(p_query jsonb) returns void
language plpgsql immutable set search_path = pg_catalog, pg_temp as $$
declare
    c_most_tags constant integer := 50;
    c_longest constant integer := 65536;
begin
    if octet_length(p_query::text) > c_longest or jsonb_array_length(p_query -> 'tags') > c_most_tags then
        raise exception 'a query has % tags and % bytes at most', c_most_tags, c_longest using errcode = '22023';
    end if;
end
$$;

-- True if the caller sees all deleted assets. Others see their own, as the table's policy says.
create function media_sync.sees_all_deleted() returns boolean
language sql stable set search_path = pg_catalog, pg_temp as $$
    select media_sync.edits_all() or coalesce(auth.jwt() ->> 'role', 'service_role') = 'service_role'
$$;

-- Finds the page's rows: their ids in order, if more follow, the end of the page, and the total. It does not run as the
-- caller: under row level security PostgreSQL would not use an index for tags or words, since their operators might
-- tell of hidden rows. It finds live rows, which every signed-in user may see, or the deleted ones that the caller may
-- see, and tells their ids only. The caller reads the rows themselves.
-- Deleted rows have an index for their order alone, and words without trigrams have none: such conditions are met on a
-- walk along the order. Questions that no index answers are refused: far pages by number, and conditions that do not
-- fill the page within the first twenty thousand of the other assets.
create function media_sync.list_find(
    p_query jsonb, out ids uuid[], out has_more boolean, out page_end jsonb, out total bigint, out total_is_exact boolean
)
language plpgsql stable security definer
-- A page is short, and every order and every filter has an index, so nothing that reads a table whole is of use. A row
-- found by an index costs about as much as one met on the way: without that hint the planner walks too far.
set search_path = pg_catalog, pg_temp set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off
set max_parallel_workers_per_gather = 0 set random_page_cost = 1.1 as $$
declare
    c_farthest constant integer := 100000;
    c_most_met constant integer := 20000;
    v_limit integer := least(greatest(coalesce((p_query ->> 'limit')::integer, 50), 1), 1000);
    v_offset bigint := coalesce((p_query ->> 'offset')::bigint, 0);
    v_direction text := case p_query ->> 'sort_order' when 'desc' then 'desc' else 'asc' end;
    v_patterns text[] := media_sync.search_patterns(p_query ->> 'search');
    v_tags text[] := media_sync.wanted_tags(p_query);
    v_met_words boolean := cardinality(v_patterns) > 0
        and not exists (select from unnest(v_patterns) pattern where media_sync.has_trigram(pattern));
    v_met text;
    v_order record := media_sync.list_order(p_query ->> 'sort_by');
    v_among text;
    v_values jsonb[];
    v_looked_at bigint;
    v_total bigint[];
begin
    perform media_sync.check_filters(p_query, v_patterns);
    if v_order.expression is null then
        raise exception 'sort_by is not a sortable column' using errcode = '22023';
    elsif p_query ? 'deleted' <> (v_order.expression = 'm.deleted_at') then
        raise exception 'deleted assets, and no others, are sorted by deleted_at' using errcode = '22023';
    elsif v_offset > c_farthest then
        raise exception 'pages by number end at % assets: use cursors, or add a filter', c_farthest using errcode = 'PT422';
    end if;
    if p_query ? 'deleted' and not media_sync.sees_all_deleted() then
        p_query := p_query || jsonb_build_object('visible_to', auth.uid());
    end if;
    if p_query ? 'deleted' and media_sync.list_conditions(p_query) <> '{}' then
        v_met := media_sync.list_filter(p_query - 'search') || ' and ' || media_sync.list_words(v_patterns, true);
    elsif v_met_words then
        v_met := media_sync.list_words(v_patterns, true);
    end if;
    v_among := 'public.media_assets m where ' || media_sync.list_filter(case
        when v_met is null then p_query
        when p_query ? 'deleted' then p_query - array(select jsonb_object_keys(media_sync.list_conditions(p_query)))
        else p_query - 'search' end);
    if p_query ? 'after' then
        v_among := v_among || format(
            ' and (%s, m.id) %s (($1 -> ''after'' ->> ''value'')::%s, ($1 -> ''after'' ->> ''id'')::uuid)',
            v_order.expression, case v_direction when 'desc' then '<' else '>' end, v_order.kind);
    end if;

    -- One row more than asked for tells if there is a next page.
    execute format(
        'select coalesce(array_agg(id), ''{}''), array_agg(to_jsonb(value)) from (
            select m.id, m.value from (select %s, %s as value from %s %s) m
            where %s order by m.value %s, m.id %6$s limit %s offset %s
        ) page',
        case when v_met is null then 'm.id' else 'm.*' end, v_order.expression, v_among,
        case when v_met is not null then format('order by value %1$s, m.id %1$s limit %2$s', v_direction, c_most_met) end,
        coalesce(v_met, 'true'), v_direction, v_limit + 1, v_offset
    )
    into ids, v_values using p_query, v_patterns, v_tags;
    has_more := cardinality(ids) > v_limit;
    if has_more then
        ids := ids[:v_limit];
        page_end := jsonb_build_object('value', v_values[v_limit], 'id', ids[v_limit]);
    elsif v_met is not null then
        execute format('select count(*) from (select from %s limit %s) looked', v_among, c_most_met + 1)
        into v_looked_at using p_query, v_patterns, v_tags;
        if v_looked_at > c_most_met then
            raise exception 'too few of the first % assets match: search for three characters or more, or take another filter',
                c_most_met using errcode = 'PT422';
        end if;
    end if;

    if not has_more and not p_query ? 'after' and (v_offset = 0 or cardinality(ids) > 0) then
        v_total := array[v_offset + cardinality(ids), 1];
    else
        v_total := media_sync.list_total(p_query, v_patterns, v_tags, v_met_words);
    end if;
    total_is_exact := v_total[2] = 1;
    total := case when total_is_exact then v_total[1]
        else greatest(v_total[1], v_offset + cardinality(ids) + has_more::integer) end;
end
$$;

-- Makes the views of the list's assets, live and deleted, with the columns that it shows. Views, so that the statements
-- which use them keep their plans. A migration that adds a column calls this again.
-- A deleted asset is restorable while Cloudinary still has it, as far as is known, and not once Cloudinary has said that
-- it has no backup. Otherwise nobody knows before it is tried: null.
create function media_sync.make_list_view() returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
    drop view if exists media_sync.listed_assets, media_sync.deleted_assets;
    execute format(
        'create view media_sync.listed_assets with (security_invoker = true) as
        select %s from public.media_assets m where m.deleted_at is null',
        media_sync.column_list(array_remove(media_sync.shown_columns(), 'deleted_at'), 'm')
    );
    execute format(
        'create view media_sync.deleted_assets with (security_invoker = true) as
        select %s, m.deleted_by, media_sync.may_restore(m) as may_restore,
            case when m.sync_error_code = ''no_backup'' or media_sync.is_forgotten(m) then false
                when m.intent is not null then true end as is_restorable
        from public.media_assets m where m.deleted_at is not null',
        media_sync.column_list(media_sync.shown_columns(), 'm')
    );
    revoke all on media_sync.listed_assets, media_sync.deleted_assets from public;
    grant select on media_sync.listed_assets, media_sync.deleted_assets to authenticated, service_role;
end
$$;

select media_sync.make_list_view();

-- The items of a page, and their number: as many of these assets, in this order, as fit into an answer. Shortened items
-- leave out the values that people write at length, and say so.
create function media_sync.list_items(
    p_ids uuid[], p_are_deleted boolean, p_are_shortened boolean, out items json, out count integer
)
language plpgsql stable set search_path = pg_catalog, pg_temp as $$
declare
    c_most constant integer := 4500000;
    c_short constant jsonb :=
        '{"tags": [], "context": {}, "metadata": {}, "description": null, "alt_text": null, "shortened": true}';
    v_items json[];
begin
    if p_are_deleted then
        v_items := array(
            select row_to_json(gone) from unnest(p_ids) with ordinality as found (id, place)
            join media_sync.deleted_assets gone on gone.id = found.id order by found.place
        );
    else
        v_items := array(
            select row_to_json(listed) from unnest(p_ids) with ordinality as found (id, place)
            join media_sync.listed_assets listed on listed.id = found.id order by found.place
        );
    end if;
    if p_are_shortened then
        v_items := array(select item::jsonb || c_short from unnest(v_items) item)::json[];
    end if;
    select coalesce(json_agg(item order by place), '[]'), count(*) into items, count from (
        select item, place, sum(octet_length(item::text)) over (order by place) as bytes
        from unnest(v_items) with ordinality as page (item, place)
    ) measured
    where bytes <= c_most or place = 1;
end
$$;

-- True if the caller may have addresses that open guarded files of others.
create function media_sync.may_open_all() returns boolean
language plpgsql stable security definer set search_path = pg_catalog, pg_temp as $$
begin
    return coalesce(media_sync.setting('ACCESS_RULES') ->> 'guarded_files' = 'everybody', false)
        or media_sync.edits_all();
end
$$;

-- The kind of addresses that open guarded files. The library has the same default.
create function media_sync.guarded_links() returns text
language plpgsql stable security definer set search_path = pg_catalog, pg_temp as $$
begin
    return coalesce(media_sync.setting('ACCESS_RULES') ->> 'guarded_links', 'expiring');
end
$$;

-- True if the caller may have addresses that open the asset's file, though it is a guarded one.
create function media_sync.may_open(p_row public.media_assets) returns boolean
language sql stable set search_path = pg_catalog, pg_temp as $$
    select coalesce(p_row.uploaded_by = auth.uid(), false) or media_sync.may_open_all()
$$;

-- The public id under which Cloudinary delivers the asset, whatever is wished for; null if Cloudinary does not have it.
create function media_sync.stored_public_id(p_row public.media_assets) returns text
language sql stable set search_path = pg_catalog, pg_temp as $$
    select coalesce(p_row.observed ->> 'cloudinary_public_id', p_row.cloudinary_public_id)
    where p_row.cloudinary_asset_id is not null and p_row.deleted_at is null
        and coalesce((p_row.clocks ->> 'gone')::bigint, -1) < coalesce((p_row.clocks ->> 'alive')::bigint, 0)
$$;

-- The facts that addresses of a page's assets need besides their columns: {opens_guarded, stored_public_ids}. A synced
-- asset is delivered as it is shown, so only others have an entry.
create function media_sync.list_delivery(p_ids uuid[]) returns jsonb
language plpgsql stable set search_path = pg_catalog, pg_temp as $$
begin
    return jsonb_build_object(
        'opens_guarded', media_sync.may_open_all(),
        'stored_public_ids', (
            select coalesce(jsonb_object_agg(m.id, media_sync.stored_public_id(m)), '{}')
            from public.media_assets m where m.id = any (p_ids) and m.sync_status <> 'synced'
        )
    );
end
$$;

-- One page of assets, with everything that a media screen shows beside it.
-- p_query: {deleted?: only, search?, resource_type?: text | [text], format?: the same, delivery_type?: the same, folder?, below?,
--   context?: {key: text}, metadata?: {key: text}, tags?, tags_match?, sync_status?, error_code?, uploaded_by?,
--   date_field?, date_from?, date_to?, min_size?, max_size?, sort_by, sort_order, limit, offset?, after?: {value, id}}
-- {items, delivery: {opens_guarded, stored_public_ids} | null, has_more, position: {value, id} | null, total, total_is_exact, stats, sync_status}
-- A function's answer is limited. A page of very large rows holds fewer than asked for, and tells where to go on. A
-- page that was asked for by its number would leave rows out: its items are shortened instead.
create function public.media_list(p_query jsonb) returns json
language plpgsql stable set search_path = pg_catalog, pg_temp set statement_timeout = '4s' as $$
declare
    v_are_deleted constant boolean := p_query ? 'deleted';
    v_found record;
    v_page record;
begin
    perform media_sync.admit();
    if v_are_deleted and p_query ->> 'deleted' <> 'only' then
        raise exception 'deleted must be `only`' using errcode = '22023';
    end if;
    perform media_sync.check_size(p_query);
    select * into v_found from media_sync.list_find(p_query);
    select * into v_page from media_sync.list_items(v_found.ids, v_are_deleted, false);
    if v_page.count < cardinality(v_found.ids) then
        if p_query ? 'offset' then
            select * into v_page from media_sync.list_items(v_found.ids, v_are_deleted, true);
        else
            select * into v_found from media_sync.list_find(p_query || jsonb_build_object('limit', v_page.count));
        end if;
    end if;
    if v_page.count < cardinality(v_found.ids) then
        raise exception 'the page is too large: ask for fewer items' using errcode = 'PT413';
    end if;
    return json_build_object(
        'items', v_page.items,
        'delivery', case when not v_are_deleted then media_sync.list_delivery(v_found.ids) end,
        'has_more', v_found.has_more,
        'position', v_found.page_end,
        'total', v_found.total,
        'total_is_exact', v_found.total_is_exact,
        'stats', public.media_statistics(),
        'sync_status', public.media_sync_status()
    );
end
$$;

-- The first values of a column of live assets with their numbers, each counted up to a thousand: for columns whose index
-- begins with them. One step into the index for each value.
create function media_sync.indexed_values(p_column text, p_most integer) returns jsonb
language plpgsql stable set search_path = pg_catalog, pg_temp as $$
declare
    v_values jsonb;
begin
    execute format(
        'with recursive named (value, place) as (
            (select m.%1$I, 1 from public.media_assets m where m.deleted_at is null order by m.%1$I limit 1)
            union all
            select (
                select m.%1$I from public.media_assets m
                where m.deleted_at is null and m.%1$I > named.value order by m.%1$I limit 1
            ), place + 1
            from named where named.value is not null and place < $1
        )
        select coalesce(jsonb_agg(jsonb_build_object(
            ''value'', value, ''count'', least(number, 1000), ''is_exact'', number <= 1000
        ) order by value), ''[]'')
        from named, lateral (
            select count(*) as number from (
                select from public.media_assets m where m.deleted_at is null and m.%1$I = named.value limit 1001
            ) counted
        ) numbers
        where value is not null', p_column
    ) into v_values using p_most;
    return v_values;
end
$$;

-- The values among the assets that match, with their numbers. It runs as its owner for the reason of `list_find`, and
-- tells of live assets alone. It looks at the ten thousand newest at most: beyond, the numbers are lower bounds. For the whole
-- library, folders, formats, types and states come from indexes and statistics instead.
create function media_sync.list_facets(p_query jsonb) returns jsonb
language plpgsql stable security definer
set search_path = pg_catalog, pg_temp set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off
set max_parallel_workers_per_gather = 0 set random_page_cost = 1.1 as $$
declare
    c_most_assets constant integer := 10000;
    c_most_values constant integer := 500;
    v_patterns text[] := media_sync.search_patterns(p_query ->> 'search');
    v_tags text[] := media_sync.wanted_tags(p_query);
    v_found jsonb;
begin
    perform media_sync.check_filters(p_query, v_patterns);
    execute format(
        'with found as materialized (
            select m.folder, m.tags, m.resource_type, m.format, m.sync_status from public.media_assets m where %s
            order by m.created_at desc, m.id desc limit $4 + 1
        ), facets (facet, value, number) as (
            select ''folders'', folder, count(*) from found group by folder
            union all
            select ''resource_types'', resource_type, count(*) from found group by resource_type
            union all
            select ''formats'', format, count(*) from found where format is not null group by format
            union all
            select ''sync_statuses'', sync_status, count(*) from found group by sync_status
            union all
            select ''tags'', tag, count(*) from found, unnest(tags) tag group by tag
        ), most as (
            select *, row_number() over (partition by facet order by number desc, value) as place from facets
        ), total as (
            select count(*) as number from found
        )
        select jsonb_build_object(
            ''total'', least(total.number, $4), ''is_exact'', total.number <= $4,
            ''folders'', ''[]''::jsonb, ''resource_types'', ''[]''::jsonb, ''formats'', ''[]''::jsonb,
            ''sync_statuses'', ''[]''::jsonb, ''tags'', ''[]''::jsonb
        ) || coalesce((
            select jsonb_object_agg(facet, listed) from (
                select facet, jsonb_agg(jsonb_build_object(
                    ''value'', value, ''count'', most.number, ''is_exact'', total.number <= $4
                ) order by value) as listed
                from most where place <= $5 group by facet
            ) grouped
        ), ''{}'')
        from total', media_sync.list_filter(p_query)
    ) into v_found using p_query, v_patterns, v_tags, c_most_assets, c_most_values;
    if not (v_found ->> 'is_exact')::boolean and media_sync.list_conditions(p_query) = '{}' then
        v_found := v_found || jsonb_build_object(
            'folders', media_sync.indexed_values('folder', c_most_values),
            'formats', media_sync.indexed_values('format', c_most_values),
            'resource_types', (
                select jsonb_agg(jsonb_build_object('value', resource_type, 'count', assets, 'is_exact', true) order by resource_type)
                from (select resource_type, sum(assets) as assets from public.media_stats where live group by 1) types
                where assets > 0
            ),
            'sync_statuses', (
                select jsonb_agg(jsonb_build_object('value', sync_status, 'count', assets, 'is_exact', true) order by sync_status)
                from (select sync_status, sum(assets) as assets from public.media_stats where live group by 1) statuses
                where assets > 0
            )
        );
    end if;
    return v_found;
end
$$;

-- The folders, tags, types, formats and states among the live assets that match, to fill menus with. p_query has the
-- filters of `media_list`. {total, is_exact, folders, tags, resource_types, formats, sync_statuses}, each of the last five
-- [{value, count, is_exact}], sorted by value: the five hundred with the most assets. A count that is not exact is a lower
-- bound.
create function public.media_facets(p_query jsonb default '{}') returns jsonb
language plpgsql stable set search_path = pg_catalog, pg_temp set statement_timeout = '4s' as $$
begin
    perform media_sync.admit();
    if p_query ? 'deleted' then
        raise exception 'facets are those of live assets' using errcode = '22023';
    end if;
    perform media_sync.check_size(p_query);
    return media_sync.list_facets(p_query);
end
$$;

-- True if the caller may see the asset at all, as its table's policy says.
create function media_sync.may_see(p_row public.media_assets) returns boolean
language sql stable set search_path = pg_catalog, pg_temp as $$
    select p_row.deleted_at is null or p_row.uploaded_by = auth.uid() or media_sync.edits_all()
$$;

-- True if the caller may know who did what to the asset.
create function media_sync.may_audit(p_row public.media_assets) returns boolean
language sql stable set search_path = pg_catalog, pg_temp as $$
    select coalesce(p_row.uploaded_by = auth.uid(), false) or media_sync.is_admin() and media_sync.is_assured()
$$;

-- The newest notifications about an asset. Users who may see it learn that they came and their verdicts, administrators
-- also their content. Large bodies are left out.
create function media_sync.notifications_about(p_row_id uuid) returns jsonb
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    select coalesce(jsonb_agg(shown order by received_at desc), '[]')
    from (
        select n.received_at, jsonb_build_object(
            'notification_type', n.notification_type, 'triggered_at', n.triggered_at,
            'received_at', n.received_at, 'processed_at', n.processed_at, 'verdict', n.verdict, 'replays', n.replays
        ) || case when media_sync.is_admin() and media_sync.is_assured() then jsonb_build_object(
            'digest', n.digest, 'reason', n.reason, 'body_is_base64', n.body_is_base64,
            'body', case when octet_length(n.body) <= 16384 then n.body end
        ) else '{}' end as shown
        from public.media_assets m
        join public.media_notifications n on n.asset_ids @> array[m.cloudinary_asset_id]
        where m.id = p_row_id and m.cloudinary_asset_id is not null and media_sync.may_see(m)
        order by n.received_at desc limit 20
    ) newest
$$;

-- The last entry from before the asset came back with another owner, as far as the caller may not read up to it.
create function media_sync.last_hidden_entry(p_row_id uuid) returns bigint
language sql stable set search_path = pg_catalog, pg_temp as $$
    select coalesce(max(last_entry), 0) from media_sync.handovers where asset_id = p_row_id and not media_sync.is_admin()
$$;

-- The entries about an asset; about an upload that has no asset id yet, those about its row. A new owner reads those since
-- the asset came back.
create function media_sync.trail_of(p_row public.media_assets) returns setof public.media_sync_log
language sql stable set search_path = pg_catalog, pg_temp as $$
    (
        select * from public.media_sync_log
        where cloudinary_asset_id = p_row.cloudinary_asset_id and id > (select media_sync.last_hidden_entry(p_row.id))
        order by occurred_at desc, id desc limit 50
    )
    union all
    (
        select * from public.media_sync_log
        where asset_row_id = p_row.id and cloudinary_asset_id is null
            and id > (select media_sync.last_hidden_entry(p_row.id))
        order by occurred_at desc, id desc limit 50
    )
$$;

-- The audit trail of an asset, for its owner and for administrators; null for others. As many of the newest fifty
-- entries as leave room for the rest of an answer.
create function media_sync.audit_about(p_row_id uuid) returns jsonb
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    select (
        select coalesce(jsonb_agg(entry order by place), '[]')
        from (
            select entry, place, sum(octet_length(entry::text)) over (order by place) as bytes
            from (
                select (media_sync.shown_entry(t) - 'asset_row_id' - 'cloudinary_asset_id')
                    -- The entry of the return tells the former values.
                    #- case when t.occurred_at = h.came_at then '{details,from}' else '{}' end::text[] as entry,
                    row_number() over (order by t.occurred_at desc, t.id desc) as place
                from media_sync.trail_of(m) t
                left join media_sync.handovers h on h.asset_id = m.id and not media_sync.is_admin()
                order by t.occurred_at desc, t.id desc limit 50
            ) newest
        ) measured
        where bytes <= 1500000 or place = 1
    )
    from public.media_assets m
    where m.id = p_row_id and media_sync.may_audit(m)
$$;

-- The events behind the row's state: its last delete, or the values lost in the last week and not asked for again.
create function media_sync.landmark(p_row_id uuid) returns jsonb
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    select jsonb_build_object(
        'operation', l.operation, 'at', l.occurred_at,
        'lost', coalesce((
            select jsonb_agg(distinct concat_ws('.', c ->> 'field', c ->> 'key'))
            from jsonb_array_elements(l.details -> 'collisions') c
            where c ->> 'winner' = 'cloudinary' and l.occurred_at > now() - interval '7 days'
        ), '[]')
    )
    from public.media_assets m
    join public.media_sync_log l on l.cloudinary_asset_id = m.cloudinary_asset_id
    where m.id = p_row_id and media_sync.may_see(m) and l.id > (select media_sync.last_hidden_entry(p_row_id))
        and l.operation in ('conflict', 'value_kept', 'edit_requested', 'deleted', 'delete_confirmed', 'revived', 'restore_confirmed')
    order by l.occurred_at desc, l.id desc limit 1
$$;

-- True while a worker carries out the asset's decisions.
create function media_sync.is_claimed(p_row_id uuid) returns boolean
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    select exists (
        select from media_sync.intent_claims c
        join public.media_assets m on m.id = c.asset_id
        where c.asset_id = p_row_id and c.claim_until > now() and media_sync.may_see(m)
    )
$$;

-- What Cloudinary was last seen to have of what people edit, and when each part was told and changed. Null if it has not
-- got the asset, as far as is known.
create function media_sync.seen_in_cloudinary(p_row public.media_assets) returns jsonb
language sql immutable set search_path = pg_catalog, pg_temp as $$
    select case when (p_row.clocks ->> 'alive')::bigint > coalesce((p_row.clocks ->> 'gone')::bigint, 0)
        then jsonb_build_object('moments', p_row.clocks, 'values', coalesce(p_row.observed, jsonb_build_object(
            'cloudinary_public_id', p_row.cloudinary_public_id, 'folder', p_row.folder,
            'display_name', p_row.display_name, 'tags', p_row.tags, 'context', p_row.context,
            'metadata', p_row.metadata
        )))
    end
$$;

-- One asset with everything that is known of it: {asset, etag, stored, seen, standing, notifications, audit, uses}. Null if the caller
-- may not see it: row level security decides on the row, and each part decides again.
create function public.media_get(p_asset_id text default null, p_row_id uuid default null) returns jsonb
language plpgsql stable set search_path = pg_catalog, pg_temp set statement_timeout = '4s' as $$
begin
    perform media_sync.admit();
    if num_nonnulls(p_asset_id, p_row_id) <> 1 then
        raise exception 'one asset is told, by p_asset_id or by p_row_id' using errcode = '22023';
    end if;
    return (select jsonb_build_object(
        'asset', media_sync.shown(m, array['sync_error_code', 'sync_next_attempt_at', 'deleted_by']),
        'etag', media_sync.etag_of(m),
        'stored', case when media_sync.stored_public_id(m) is not null then jsonb_build_object(
            'name', jsonb_build_object(
                'resource_type', m.resource_type, 'delivery_type', m.delivery_type,
                'public_id', media_sync.stored_public_id(m)
            ),
            'version', m.cloudinary_version, 'format', m.format, 'mime_type', m.mime_type,
            'access_mode', m.access_mode, 'secure_url', m.secure_url, 'may_open', media_sync.may_open(m),
            'guarded_links', media_sync.guarded_links()
        ) end,
        'seen', media_sync.seen_in_cloudinary(m),
        'standing', jsonb_build_object(
            'sync_status', m.sync_status, 'intent', m.intent,
            'is_claimed', media_sync.is_claimed(m.id),
            'error_code', m.sync_error_code, 'error_message', m.sync_error_message,
            'failures', m.sync_retry_count, 'next_attempt_at', m.sync_next_attempt_at,
            'last_synced_at', m.last_synced_at, 'deleted_at', m.deleted_at,
            'was_deleted_by_user', m.deleted_by is not null, 'landmark', media_sync.landmark(m.id)
        ),
        'notifications', media_sync.notifications_about(m.id),
        'audit', media_sync.audit_about(m.id),
        'uses', media_sync.uses_of(m.id, 50)
    )
    from public.media_assets m
    where m.id = p_row_id or m.cloudinary_asset_id = p_asset_id);
end
$$;

-- The mirror's health, for administrators and for the drain that watches over it. p_place is the asker's {"address",
-- "library"?}: a marker that names another address is a stranger's.
create function public.media_sync_health(p_place jsonb default null) returns jsonb
language plpgsql stable set search_path = pg_catalog, pg_temp as $$
begin
    perform media_sync.bound_argument(pg_column_size(p_place));
    if current_user <> 'service_role' then
        perform media_sync.want_admin();
    end if;
    return jsonb_build_object(
        'last_full', (select max(finished_at) from public.sync_runs where is_good and mode = 'full'),
        'last_good', (select max(finished_at) from public.sync_runs where is_good),
        -- A failure stands until a good run has made up for it. For a full run only a full one can.
        'last_run', (
            select jsonb_build_object(
                'run_id', r.id, 'mode', r.mode, 'status', r.status, 'error_code', r.error_code,
                'finished_at', r.finished_at)
            from public.sync_runs r
            where r.finished_at is not null and not r.dry_run and r.mode <> 'named'
            order by r.status <> 'succeeded' and not exists (
                select from public.sync_runs later
                where later.is_good and later.mode in ('full', r.mode) and later.finished_at > r.finished_at
            ) desc, r.finished_at desc
            limit 1
        ),
        'current_run', (
            select jsonb_build_object(
                'run_id', id, 'started_at', started_at, 'heartbeat_at', heartbeat_at, 'resume_at', resume_at,
                'error_code', error_code, 'failures', media_sync.run_failures(id))
            from public.sync_runs where status = 'running'
        ),
        'pending', (select coalesce(sum(assets), 0) from public.media_stats where sync_status = 'pending'),
        'held_deletes', (select count(*) from public.media_assets where sync_error_code = 'held'),
        'errors', (select coalesce(sum(assets), 0) from public.media_stats where sync_status = 'error'),
        'oldest_pending', (
            select to_timestamp(min((intent ->> 'at')::bigint) / 1e6)
            from public.media_assets
            where intent is not null and sync_status = 'pending'
                and coalesce(sync_error_code, '') not in ('held', 'fenced')
        ),
        'fence', media_sync.fence(p_place),
        'quota', (
            select jsonb_build_object('limit', quota_limit, 'remaining', remaining, 'reset_at', reset_at, 'seen_at', seen_at)
            from public.cloudinary_quota
        ),
        'last_notification', (select max(received_at) from public.media_notifications),
        -- A notification should have told what a run found and changed, but for the first import.
        'last_found', (
            select max(r.finished_at)
            from public.sync_runs r
            where r.is_good
                and (r.counters ->> 'created')::bigint + (r.counters ->> 'updated')::bigint
                    + (r.counters ->> 'deleted')::bigint > 0
                and exists (
                    select from public.sync_runs earlier
                    where earlier.is_good and earlier.mode = 'full' and earlier.finished_at < r.started_at)
        ),
        'refusals', media_sync.refusals(),
        'trail_bytes', pg_total_relation_size('public.media_sync_log'),
        'schema_version', media_sync.schema_version()
    );
end
$$;

revoke execute on function media_sync.texts_of, media_sync.any_filter, media_sync.below_filter,
    media_sync.metadata_forms, media_sync.metadata_filter, media_sync.spellings, media_sync.wanted_tags, media_sync.tags_filter, media_sync.list_order,
    media_sync.list_filter, media_sync.list_plan, media_sync.list_total, media_sync.list_conditions,
    media_sync.sees_all_deleted, media_sync.check_filters, media_sync.check_size, media_sync.indexed_values,
    media_sync.list_facets,
    media_sync.search_patterns, media_sync.has_trigram, media_sync.list_words, media_sync.make_list_view, media_sync.list_find, media_sync.list_items, media_sync.may_see, media_sync.may_open,
    media_sync.may_open_all, media_sync.guarded_links, media_sync.stored_public_id, media_sync.list_delivery,
    media_sync.may_audit, media_sync.notifications_about, media_sync.last_hidden_entry, media_sync.trail_of,
    media_sync.audit_about, media_sync.landmark, media_sync.is_claimed, media_sync.seen_in_cloudinary from public;
revoke execute on function public.media_sync_status, public.media_statistics, public.media_sync_overview,
    public.media_list, public.media_facets, public.media_get, public.media_sync_health from public, anon, authenticated, service_role;
grant execute on function public.media_sync_status, public.media_statistics, public.media_sync_overview,
    media_sync.list_find, media_sync.list_items, media_sync.check_size, media_sync.list_facets, media_sync.is_forgotten, media_sync.may_restore,
    public.media_list, public.media_facets, media_sync.may_open,
    media_sync.may_open_all, media_sync.guarded_links, media_sync.stored_public_id, media_sync.list_delivery,
    media_sync.notifications_about,
    media_sync.audit_about,
    media_sync.landmark, media_sync.is_claimed, media_sync.seen_in_cloudinary, public.media_sync_health to authenticated, service_role;
grant execute on function public.media_get to authenticated;

$migration$; end if; end $once$;

notify pgrst, 'reload schema';
