-- The audit trail: kept from harm, timed, read, and at last shortened.
do $once$ begin if media_sync.begin_migration('20261124120000', 'media_audit') then execute $migration$

-- The audit trail is append-only. Who may write the tables of a schema by default is each project's
-- own; here nobody may but this project's functions, and even their owner only add.
revoke all on public.media_sync_log from public, anon, authenticated, service_role;
grant select on public.media_sync_log to authenticated, service_role;

create function media_sync.keep_trail() returns trigger
language plpgsql set search_path = '' as $$
begin
    if tg_op = 'DELETE' then
        -- Retention alone removes, as the table's owner, and never what is young.
        if current_setting('media_sync.purging', true) = 'on'
            and current_user = (select pg_get_userbyid(relowner) from pg_catalog.pg_class where oid = tg_relid)
            and old.occurred_at < now() - interval '90 days'
        then
            return old;
        end if;
    end if;
    raise exception 'the audit trail is append-only' using errcode = '42501';
end
$$;

create trigger append_only before update or delete on public.media_sync_log
    for each row execute function media_sync.keep_trail();
create trigger append_only_whole before truncate on public.media_sync_log
    for each statement execute function media_sync.keep_trail();

-- Workers say how long something took since it was decided, or told. Everything else took what its
-- transaction has taken so far.
create function media_sync.note_time() returns trigger
language plpgsql set search_path = '' as $$
begin
    new.processing_time_ms := coalesce(
        new.processing_time_ms,
        least(extract(epoch from clock_timestamp() - now()) * 1000, 2147483647)::integer
    );
    return new;
end
$$;

create trigger note_time before insert on public.media_sync_log
    for each row execute function media_sync.note_time();

-- Every filter of `media_audit` has its index, in the order of the pages. What is rare has a small
-- one; a public id has few entries, so their order needs none.
drop index public.media_sync_log_asset;
create index media_sync_log_asset on public.media_sync_log (cloudinary_asset_id, occurred_at desc, id desc);
create index media_sync_log_operation on public.media_sync_log (operation, occurred_at desc, id desc);
create index media_sync_log_name on public.media_sync_log using hash (cloudinary_public_id);
create index media_sync_log_run on public.media_sync_log (run_id, occurred_at desc, id desc)
    where run_id is not null;
create index media_sync_log_actor on public.media_sync_log (actor, occurred_at desc, id desc)
    where actor is not null;
create index media_sync_log_people on public.media_sync_log (occurred_at, actor)
    where actor is not null;
create index media_sync_log_code on public.media_sync_log (error_code, occurred_at desc, id desc)
    where error_code is not null;
create index media_sync_log_failed on public.media_sync_log (occurred_at desc, id desc) include (error_code)
    where status = 'failed';
-- The rest of the sources is frequent: the newest entries hold enough of them.
create index media_sync_log_source on public.media_sync_log (source, occurred_at desc, id desc)
    where source in ('api', 'database');
-- Uploads that Cloudinary has not told of yet.
create index media_sync_log_nameless on public.media_sync_log (asset_row_id)
    where cloudinary_asset_id is null;

-- A page of the audit trail, newest first, and on request sums over its range. p_query:
-- {operation?, status?, source?, actor?, asset_id?, public_id?, run_id?, error_code?, date_from?,
--   date_to?, error_trends?, activity?, limit, after?: {occurred_at, id}}
-- {items, has_more, error_trends?: [{day, code, count}], activity?: [{actor, operations, last_at}]}
create function public.media_audit(p_query jsonb) returns jsonb
language plpgsql stable set search_path = '' as $$
declare
    v_limit integer := (p_query ->> 'limit')::integer;
    v_where text := 'true';
    v_items jsonb;
    v_has_more boolean;
    v_until timestamptz := coalesce((p_query ->> 'date_to')::timestamptz, now());
    v_since timestamptz := coalesce((p_query ->> 'date_from')::timestamptz, v_until - interval '30 days');
    v_answer jsonb;
begin
    if not media_sync.is_admin() then
        raise exception 'administrators only' using errcode = '42501';
    end if;
    -- Values are bound, never spliced.
    if p_query ? 'operation' then v_where := v_where || ' and operation = $1 ->> ''operation'''; end if;
    -- Words of a fixed list, spelled out for the sake of the partial indexes.
    if p_query ->> 'status' = 'failed' then v_where := v_where || ' and status = ''failed'''; end if;
    if p_query ->> 'status' = 'success' then v_where := v_where || ' and status = ''success'''; end if;
    if p_query ? 'source' then
        v_where := v_where || case p_query ->> 'source'
            when 'api' then ' and source = ''api''' when 'database' then ' and source = ''database'''
            else ' and source = $1 ->> ''source''' end;
    end if;
    if p_query ? 'actor' then v_where := v_where || ' and actor = ($1 ->> ''actor'')::uuid'; end if;
    if p_query ? 'asset_id' then v_where := v_where || ' and cloudinary_asset_id = $1 ->> ''asset_id'''; end if;
    if p_query ? 'public_id' then v_where := v_where || ' and cloudinary_public_id = $1 ->> ''public_id'''; end if;
    if p_query ? 'run_id' then v_where := v_where || ' and run_id = ($1 ->> ''run_id'')::uuid'; end if;
    if p_query ? 'error_code' then v_where := v_where || ' and error_code = $1 ->> ''error_code'''; end if;
    if p_query ? 'date_from' then v_where := v_where || ' and occurred_at >= ($1 ->> ''date_from'')::timestamptz'; end if;
    if p_query ? 'date_to' then v_where := v_where || ' and occurred_at <= ($1 ->> ''date_to'')::timestamptz'; end if;
    if p_query ? 'after' then
        v_where := v_where || ' and (occurred_at, id) <
            (($1 -> ''after'' ->> ''occurred_at'')::timestamptz, ($1 -> ''after'' ->> ''id'')::bigint)';
    end if;

    -- One row more than asked for tells whether there is a next page.
    -- Of very large entries a page holds fewer than asked for: no more than a function may answer.
    execute format(
        'select coalesce(jsonb_agg(entry order by place) filter (where fits), ''[]''), coalesce(bool_or(not fits), false)
        from (
            select entry, place,
                place = 1 or place <= %2$s and sum(octet_length(entry::text)) over (order by place) <= 4500000 as fits
            from (
                select to_jsonb(page) as entry, row_number() over (order by occurred_at desc, id desc) as place from (
                    select * from public.media_sync_log where %1$s order by occurred_at desc, id desc limit %2$s + 1
                ) page
            ) placed
        ) measured',
        v_where, v_limit
    )
    into v_items, v_has_more using p_query;
    v_answer := jsonb_build_object('items', v_items, 'has_more', v_has_more);

    if p_query ? 'error_trends' then
        v_answer := v_answer || jsonb_build_object('error_trends', (
            select coalesce(jsonb_agg(to_jsonb(trend) order by day desc, count desc, code), '[]')
            from (
                select (occurred_at at time zone 'UTC')::date as day, coalesce(error_code, 'unknown') as code, count(*) as count
                from public.media_sync_log
                where status = 'failed' and occurred_at >= v_since and occurred_at <= v_until
                group by 1, 2 order by 1 desc, 3 desc, 2 limit 1000
            ) trend
        ));
    end if;
    if p_query ? 'activity' then
        v_answer := v_answer || jsonb_build_object('activity', (
            select coalesce(jsonb_agg(to_jsonb(person) order by operations desc, actor), '[]')
            from (
                select actor, count(*) as operations, max(occurred_at) as last_at
                from public.media_sync_log
                where actor is not null and occurred_at >= v_since and occurred_at <= v_until
                group by 1 order by 2 desc, 1 limit 1000
            ) person
        ));
    end if;
    return v_answer;
end
$$;

revoke execute on function media_sync.keep_trail, media_sync.note_time from public;
revoke execute on function public.media_audit from public, anon, authenticated, service_role;
grant execute on function public.media_audit to authenticated;

$migration$; end if; end $once$;

notify pgrst, 'reload schema';
