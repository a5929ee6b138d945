-- Live updates: changes of the mirror reach browsers through Supabase's Realtime, if the project has it.
--
-- Recommended is Broadcast: topic `media_sync:assets` tells of assets, topic `media_sync:runs` of runs. For Postgres Changes,
-- media_assets is in the publication.
do $once$ begin if media_sync.begin_migration('20261127081000', 'media_live_updates') then execute $migration$
set local search_path = pg_catalog, pg_temp;

-- Sends in the form of realtime.broadcast_changes, which takes whole rows and would fail the statement. A message that
-- cannot be sent undoes no change: older and self-hosted versions of realtime.send raise.
create function media_sync.send_change(p_topic text, p_table text, p_operation text, p_record jsonb, p_old jsonb)
returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
    perform realtime.send(
        jsonb_build_object(
            'operation', p_operation, 'schema', 'public', 'table', p_table, 'record', p_record, 'old_record', p_old
        ),
        p_operation, p_topic, true
    );
exception when others then
    raise warning 'a live update was lost: %', sqlerrm;
end
$$;

-- True once Realtime's server has made its functions: when it first connects, which may be after the migrations.
create function media_sync.has_realtime() returns boolean
language sql stable set search_path = pg_catalog, pg_temp as $$
    select to_regprocedure('realtime.send(jsonb,text,text,boolean)') is not null
$$;

-- Tells of each changed asset. After twenty in one transaction it tells once that there are many: an import must not
-- flood every open browser. It tells the same of an asset that is too large for a message. INSERT and DELETE are meant
-- for a list of live assets, so a soft delete is a DELETE. Changes of columns that are not shown are not told.
create function media_sync.broadcast_assets() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    c_most constant integer := 20;
    -- Realtime takes messages of 256 kB in the smallest plan.
    c_most_bytes constant integer := 200000;
    c_unshown constant text[] := array['updated_at', 'last_synced_at'];
    v_told integer := coalesce(nullif(current_setting('media_sync.told', true), '')::integer, 0);
    v_columns text;
    v_compared text[];
    v_query text;
    v_changes jsonb[];
    v_change jsonb;
begin
    if v_told > c_most or not media_sync.has_realtime() then
        return null;
    end if;
    v_columns := media_sync.column_list(media_sync.shown_columns());
    v_compared := array(select unnest(media_sync.shown_columns()) except select unnest(c_unshown));
    v_query := case tg_op
        when 'INSERT' then format(
            'select ''INSERT'' as operation, a as record, a.id
            from (select %s from after_rows) a where a.deleted_at is null', v_columns)
        when 'DELETE' then format(
            'select ''DELETE'' as operation, a as record, a.id
            from (select %s from before_rows) a where a.deleted_at is null', v_columns)
        else format(
            'select case when b.deleted_at is not null then ''INSERT'' when a.deleted_at is not null then ''DELETE''
                else ''UPDATE'' end as operation, a as record, a.id
            from (select %1$s from after_rows) a join (select %1$s from before_rows) b using (id)
            where (a.deleted_at is null or b.deleted_at is null) and (%2$s) is distinct from (%3$s)',
            v_columns, media_sync.column_list(v_compared, 'b'), media_sync.column_list(v_compared, 'a'))
    end;
    execute format(
        'select array_agg(to_jsonb(changed) order by id) from (%s limit %s) changed', v_query, c_most - v_told + 1
    ) into v_changes;
    v_told := v_told + coalesce(cardinality(v_changes), 0);
    if v_told > c_most then
        perform media_sync.send_change('media_sync:assets', 'media_assets', 'REFRESH', null, null);
    else
        foreach v_change in array coalesce(v_changes, '{}') loop
            if octet_length(v_change::text) > c_most_bytes then
                perform media_sync.send_change('media_sync:assets', 'media_assets', 'REFRESH', null, null);
                continue;
            end if;
            perform media_sync.send_change(
                'media_sync:assets', 'media_assets', v_change ->> 'operation',
                case when v_change ->> 'operation' <> 'DELETE' then v_change -> 'record' end,
                case when v_change ->> 'operation' <> 'INSERT' then jsonb_build_object('id', v_change -> 'id') end
            );
        end loop;
    end if;
    perform set_config('media_sync.told', v_told::text, true);
    return null;
end
$$;

create trigger broadcast_insert after insert on public.media_assets
    referencing new table as after_rows
    for each statement execute function media_sync.broadcast_assets();
create trigger broadcast_update after update on public.media_assets
    referencing old table as before_rows new table as after_rows
    for each statement execute function media_sync.broadcast_assets();
create trigger broadcast_delete after delete on public.media_assets
    referencing old table as before_rows
    for each statement execute function media_sync.broadcast_assets();

-- A run's row changes once for each page of five hundred assets.
create function media_sync.broadcast_run() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    if media_sync.has_realtime() then
        perform media_sync.send_change(
            'media_sync:runs', 'sync_runs', tg_op, media_sync.describe_run(new),
            case tg_op when 'UPDATE' then jsonb_build_object('id', old.id) end
        );
    end if;
    return null;
end
$$;

create trigger broadcast_run after insert or update on public.sync_runs
    for each row execute function media_sync.broadcast_run();

-- Lets every signed-in user listen, and publishes the shown columns. Harmless to run again: after Realtime has been
-- added to a project, or with more columns to show.
create function media_sync.offer_live_updates() returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
    if to_regclass('realtime.messages') is not null and to_regprocedure('realtime.topic()') is not null and not exists (
        select from pg_policies
        where schemaname = 'realtime' and tablename = 'messages' and policyname = 'media_sync_listen'
    ) then
        -- Users listen and do not send: nobody else can say in these topics what has changed.
        create policy media_sync_listen on realtime.messages for select to authenticated
            using (
                extension = 'broadcast' and (select realtime.topic()) in ('media_sync:assets', 'media_sync:runs')
                and (select media_sync.may_read())
            );
    end if;
    if exists (
        select from pg_publication p
        where p.pubname = 'supabase_realtime' and not p.puballtables
            -- Such a publication allows no list of columns.
            and not exists (
                select from pg_publication_namespace n
                where n.pnpubid = p.oid and n.pnnspid = 'public'::regnamespace
            )
    ) then
        if exists (
            select from pg_publication_rel r join pg_publication p on p.oid = r.prpubid
            where p.pubname = 'supabase_realtime' and r.prrelid = 'public.media_assets'::regclass
        ) then
            alter publication supabase_realtime drop table public.media_assets;
        end if;
        -- With `id`, the replica identity, or no row could be updated any more.
        execute format(
            'alter publication supabase_realtime add table public.media_assets (%s)',
            media_sync.column_list(media_sync.shown_columns())
        );
    end if;
end
$$;

revoke execute on function media_sync.send_change, media_sync.has_realtime, media_sync.broadcast_assets,
    media_sync.broadcast_run, media_sync.offer_live_updates from public;

select media_sync.offer_live_updates();

$migration$; end if; end $once$;

notify pgrst, 'reload schema';
