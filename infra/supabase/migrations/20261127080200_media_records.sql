-- Records: the audit trail, notifications, refused notifications, and how long all of them are kept.
do $once$ begin if media_sync.begin_migration('20261127080200', 'media_records') then execute $migration$
set local search_path = pg_catalog, pg_temp;

create table public.media_sync_log (
    id                   bigint generated always as identity primary key,
    occurred_at          timestamptz not null default now(),
    operation            text not null,
    status               text not null default 'success' check (status in ('success', 'failed')),
    source               text not null
                         check (source in ('webhook', 'reconcile', 'outbound', 'api', 'database')),
    asset_row_id         uuid,
    cloudinary_asset_id  text,
    cloudinary_public_id text,
    resource_type        text,
    actor                uuid,
    run_id               uuid,
    error_code           text,
    error_message        text,
    processing_time_ms   integer,
    details              jsonb,
    -- The later moments of its day at which the same failed again, and nothing else had happened to the asset.
    repeated_at          timestamptz[] not null default '{}'
);

comment on table public.media_sync_log is
    'The audit trail: one row for every change of state, written in the same transaction. Append-only. Repeats of a failure add a moment to its row.';

-- Every filter of `media_audit` has its index, in the order of the pages. Rare values have a small one. A public id has
-- few entries, so their order needs none.
create index media_sync_log_newest on public.media_sync_log (occurred_at desc, id desc);
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
-- The other sources are frequent: the newest entries hold enough of them.
create index media_sync_log_source on public.media_sync_log (source, occurred_at desc, id desc)
    where source in ('api', 'database');
-- Uploads that Cloudinary has not told of yet.
create index media_sync_log_nameless on public.media_sync_log (asset_row_id)
    where cloudinary_asset_id is null;

-- The audit trail is append-only. Each project has its own defaults for who may write the tables of a schema. Here only
-- this project's functions may, and even their owner only adds.
alter table public.media_sync_log enable row level security;
revoke all on public.media_sync_log from public, anon, authenticated, service_role;
revoke all on sequence public.media_sync_log_id_seq from anon, authenticated, service_role;
grant select on public.media_sync_log to authenticated, service_role;
create policy media_sync_log_read on public.media_sync_log for select to authenticated
    using ((select media_sync.is_admin()) and (select media_sync.is_assured()));
create policy media_sync_log_callers on public.media_sync_log as restrictive to authenticated
    using ((select media_sync.may_read()));

create function media_sync.keep_trail() returns trigger
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
    if tg_op = 'DELETE' then
        -- Only retention removes entries, as the table's owner, and never young ones; and the owner who breaks the glass.
        if current_user = (select pg_get_userbyid(relowner) from pg_catalog.pg_class where oid = tg_relid)
            and (
                current_setting('media_sync.purging', true) = 'on' and old.occurred_at < now() - interval '90 days'
                or current_setting('media_sync.breaking_glass', true) = 'on'
            )
        then
            return old;
        end if;
    end if;
    -- Erasure takes the values, and leaves who did what and when.
    if tg_op = 'UPDATE' and current_setting('media_sync.forgetting', true) = 'on'
        and current_user = (select pg_get_userbyid(relowner) from pg_catalog.pg_class where oid = tg_relid)
        and to_jsonb(new) = to_jsonb(old) || '{"cloudinary_public_id": null, "error_message": null, "details": null}'
    then
        return new;
    end if;
    -- A repeat of a failure adds its moment, and changes nothing else.
    if tg_op = 'UPDATE' and current_setting('media_sync.folding', true) = 'on'
        and current_user = (select pg_get_userbyid(relowner) from pg_catalog.pg_class where oid = tg_relid)
        and old.status = 'failed' and new.repeated_at = old.repeated_at || now()
        and to_jsonb(new) - 'repeated_at' = to_jsonb(old) - 'repeated_at'
    then
        return new;
    end if;
    raise exception 'the audit trail is append-only' using errcode = '42501';
end
$$;

-- Adds a failure to the asset's newest entry, if that tells the same of the same day in UTC. Answers whether it did. The
-- caller has locked the asset's row. Whatever happens to the asset in between has an entry, and ends the repeats.
create function media_sync.fold_repeat(p_entry public.media_sync_log) returns boolean
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
    c_most constant integer := 100;
    c_own constant text[] := '{id,occurred_at,processing_time_ms,repeated_at}';
    v_newest public.media_sync_log;
    v_former text;
begin
    if p_entry.status is distinct from 'failed' or p_entry.cloudinary_asset_id is null then
        return false;
    end if;
    select * into v_newest from public.media_sync_log
    where cloudinary_asset_id = p_entry.cloudinary_asset_id
    order by occurred_at desc, id desc limit 1;
    if v_newest.id is null or cardinality(v_newest.repeated_at) >= c_most
        or to_jsonb(v_newest) - c_own <> to_jsonb(p_entry) - c_own
        or date_trunc('day', v_newest.occurred_at, 'UTC') <> date_trunc('day', now(), 'UTC')
    then
        return false;
    end if;
    v_former := media_sync.mark('folding', 'on');
    update public.media_sync_log set repeated_at = repeated_at || now() where id = v_newest.id;
    perform media_sync.mark('folding', v_former);
    return true;
end
$$;

-- An entry as it is shown: its repeats are counted, and the last one has its moment.
create function media_sync.shown_entry(p_entry public.media_sync_log) returns jsonb
language sql stable set search_path = pg_catalog, pg_temp as $$
    select to_jsonb(p_entry) - 'repeated_at' || jsonb_build_object(
        'repeats', cardinality(p_entry.repeated_at),
        'last_repeated_at', p_entry.repeated_at[cardinality(p_entry.repeated_at)]
    )
$$;

create trigger append_only before update or delete on public.media_sync_log
    for each row execute function media_sync.keep_trail();
create trigger append_only_whole before truncate on public.media_sync_log
    for each statement execute function media_sync.keep_trail();

-- Removes one user's entries of [p_since, p_until), young ones too, and tells how many: for a trail that was flooded. It
-- leaves an entry that says so. No role is granted it: only the owner of the database can call it.
create function media_sync.break_glass(p_actor uuid, p_since timestamptz, p_until timestamptz, p_reason text)
returns bigint
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
    v_former text;
    v_removed bigint;
begin
    if p_actor is null or coalesce(trim(p_reason), '') = '' then
        raise exception 'a user and a reason have to be named' using errcode = '22023';
    end if;
    v_former := media_sync.mark('breaking_glass', 'on');
    delete from public.media_sync_log
    where actor = p_actor and occurred_at >= p_since and occurred_at < p_until;
    get diagnostics v_removed = row_count;
    perform media_sync.mark('breaking_glass', v_former);
    insert into public.media_sync_log (operation, source, details)
    values ('glass_broken', 'database', jsonb_build_object(
        'of', p_actor, 'since', p_since, 'until', p_until, 'entries', v_removed, 'reason', p_reason, 'by', session_user
    ));
    return v_removed;
end
$$;

-- Workers tell the time since the decision or the notification. Every other entry took as long as its transaction has
-- run so far.
create function media_sync.note_time() returns trigger
language plpgsql set search_path = pg_catalog, pg_temp as $$
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

-- A page of the audit trail, newest first, and on request sums over its range. p_query:
-- {operation?, status?, source?, actor?, asset_id? (in either form), public_id?, run_id?, error_code?, date_from?,
--   date_to?, error_trends?, activity?, limit, after?: {occurred_at, id}}
-- {items, has_more, error_trends?: [{day, code, count}], activity?: [{actor, operations, last_at}]}
create function public.media_audit(p_query jsonb) returns jsonb
language plpgsql stable set search_path = pg_catalog, pg_temp set statement_timeout = '6s' as $$
declare
    c_most constant integer := 200;
    v_limit constant integer := coalesce(least((p_query ->> 'limit')::integer, c_most), c_most);
    v_where text := 'true';
    v_asset public.media_assets;
    v_items jsonb;
    v_has_more boolean;
    v_until timestamptz := coalesce((p_query ->> 'date_to')::timestamptz, now());
    v_since timestamptz := coalesce((p_query ->> 'date_from')::timestamptz, v_until - interval '30 days');
    v_answer jsonb;
begin
    perform media_sync.bound_argument(pg_column_size(p_query));
    perform media_sync.want_operator();
    -- Values are bound, never spliced.
    if p_query ? 'operation' then v_where := v_where || ' and operation = $1 ->> ''operation'''; end if;
    -- Spelled out, since a partial index does not match a bound value.
    if p_query ->> 'status' = 'failed' then v_where := v_where || ' and status = ''failed'''; end if;
    if p_query ->> 'status' = 'success' then v_where := v_where || ' and status = ''success'''; end if;
    if p_query ? 'source' then
        v_where := v_where || case p_query ->> 'source'
            when 'api' then ' and source = ''api''' when 'database' then ' and source = ''database'''
            else ' and source = $1 ->> ''source''' end;
    end if;
    if p_query ? 'actor' then v_where := v_where || ' and actor = ($1 ->> ''actor'')::uuid'; end if;
    if p_query ? 'asset_id' then
        select * into v_asset from public.media_assets where id = media_sync.row_named(p_query ->> 'asset_id');
        -- Entries from before its upload have the row's id only.
        v_where := v_where || case when v_asset.id is not null and v_asset.cloudinary_asset_id is null
            then ' and cloudinary_asset_id is null and asset_row_id = $2' else ' and cloudinary_asset_id = $3' end;
    end if;
    if p_query ? 'public_id' then v_where := v_where || ' and cloudinary_public_id = $1 ->> ''public_id'''; end if;
    if p_query ? 'run_id' then v_where := v_where || ' and run_id = ($1 ->> ''run_id'')::uuid'; end if;
    if p_query ? 'error_code' then v_where := v_where || ' and error_code = $1 ->> ''error_code'''; end if;
    if p_query ? 'date_from' then v_where := v_where || ' and occurred_at >= ($1 ->> ''date_from'')::timestamptz'; end if;
    if p_query ? 'date_to' then v_where := v_where || ' and occurred_at <= ($1 ->> ''date_to'')::timestamptz'; end if;
    if p_query ? 'after' then
        v_where := v_where || ' and (occurred_at, id) <
            (($1 -> ''after'' ->> ''occurred_at'')::timestamptz, ($1 -> ''after'' ->> ''id'')::bigint)';
    end if;

    -- One row more than asked for tells if there is a next page.
    execute format(
        'select coalesce(jsonb_agg(entry order by place) filter (where fits), ''[]''), coalesce(bool_or(not fits), false)
        from (
            select entry, place,
                place = 1 or place <= %2$s and sum(octet_length(entry::text)) over (order by place) <= 4500000 as fits
            from (
                select media_sync.shown_entry(page) as entry, row_number() over (order by occurred_at desc, id desc) as place from (
                    select * from public.media_sync_log where %1$s order by occurred_at desc, id desc limit %2$s + 1
                ) page
            ) placed
        ) measured',
        v_where, v_limit
    )
    into v_items, v_has_more using p_query, v_asset.id, coalesce(v_asset.cloudinary_asset_id, p_query ->> 'asset_id');
    v_answer := jsonb_build_object('items', v_items, 'has_more', v_has_more);

    if p_query ? 'error_trends' then
        v_answer := v_answer || jsonb_build_object('error_trends', (
            select coalesce(jsonb_agg(to_jsonb(trend) order by day desc, count desc, code), '[]')
            from (
                select (occurred_at at time zone 'UTC')::date as day, coalesce(error_code, 'unknown') as code,
                    sum(1 + cardinality(repeated_at)) as count
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
                select actor, sum(1 + cardinality(repeated_at)) as operations,
                    max(coalesce(repeated_at[cardinality(repeated_at)], occurred_at)) as last_at
                from public.media_sync_log
                where actor is not null and occurred_at >= v_since and occurred_at <= v_until
                group by 1 order by 2 desc, 1 limit 1000
            ) person
        ));
    end if;
    return v_answer;
end
$$;

create table public.media_notifications (
    -- SHA-256 over the signature's timestamp and the raw body: Cloudinary numbers nothing.
    digest              text primary key,
    signature_timestamp timestamptz not null,
    -- Null if the webhook did not tell it.
    signature_algorithm text check (signature_algorithm in ('sha1', 'sha256')),
    notification_type   text,
    triggered_at        timestamptz,
    received_at         timestamptz not null,
    processed_at        timestamptz not null default now(),
    -- The number of times that it was taken again: delivered twice, or replayed.
    replays             integer not null default 0,
    asset_ids           text[] not null default '{}',
    verdict             text not null check (verdict in ('applied', 'superseded', 'parked')),
    reason              text,
    body                text not null,
    body_is_base64      boolean not null default false
);

create index media_notifications_received on public.media_notifications (received_at, digest);
create index media_notifications_assets on public.media_notifications using gin (asset_ids);
-- Most are applied.
create index media_notifications_other on public.media_notifications (verdict, received_at, digest)
    where verdict <> 'applied';

alter table public.media_notifications enable row level security;
revoke all on public.media_notifications from anon, authenticated, service_role;
grant select on public.media_notifications to authenticated, service_role;
create policy media_notifications_read on public.media_notifications for select to authenticated
    using ((select media_sync.is_admin()) and (select media_sync.is_assured()));
create policy media_notifications_callers on public.media_notifications as restrictive to authenticated
    using ((select media_sync.may_read()));

-- Notifications received in [p_since, p_until), oldest first, after the one that p_after names.
create function public.media_sync_notifications(
    p_since timestamptz,
    p_until timestamptz,
    p_asset_id text,
    p_after_received timestamptz,
    p_after_digest text,
    p_limit integer
) returns jsonb
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    select coalesce(
        jsonb_agg(
            jsonb_build_object(
                'digest', digest, 'received_at', received_at, 'signature_timestamp', signature_timestamp,
                'body', body, 'body_is_base64', body_is_base64
            )
            order by received_at, digest
        ),
        '[]'
    )
    from (
        select * from public.media_notifications
        where received_at >= p_since and received_at < p_until
            and (p_asset_id is null or asset_ids @> array[p_asset_id])
            -- What was forgotten cannot be replayed.
            and body <> ''
            and (p_after_received is null or (received_at, digest) > (p_after_received, p_after_digest))
        order by received_at, digest
        limit p_limit
    ) page
$$;

-- Refused notifications: the last of each reason and of each API key that they claim to be signed with. Nothing proves
-- that claim.
create table media_sync.refused_notifications (
    reason        text not null check (length(reason) <= 64),
    signature_key text not null check (signature_key ~ '^[0-9A-Za-z_-]{0,32}$'),
    algorithm     text check (algorithm in ('sha1', 'sha256')),
    times         bigint not null,
    first_at      timestamptz not null,
    last_at       timestamptz not null,
    primary key (reason, signature_key)
);

alter table media_sync.refused_notifications enable row level security;
grant select on media_sync.refused_notifications to authenticated, service_role;
create policy refused_notifications_read on media_sync.refused_notifications for select to authenticated
    using ((select media_sync.is_admin()));
create policy refused_notifications_callers on media_sync.refused_notifications as restrictive to authenticated
    using ((select media_sync.may_read()));

-- Records refused notifications: [{"reason", "signature_key", "algorithm", "count", "at"}]. Strangers choose their
-- content, so only the newest twenty rows are kept.
create function public.media_sync_note_refusals(p_refusals jsonb) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    insert into media_sync.refused_notifications as r (reason, signature_key, algorithm, times, first_at, last_at)
    select
        reason, coalesce(signature_key, ''), (array_agg(algorithm order by at desc))[1], sum(count), min(at), max(at)
    from jsonb_to_recordset(p_refusals) as told (
        reason text, signature_key text, algorithm text, count bigint, at timestamptz
    )
    group by reason, coalesce(signature_key, '')
    order by reason, coalesce(signature_key, '')
    on conflict (reason, signature_key) do update
    set times = r.times + excluded.times,
        algorithm = case when excluded.last_at >= r.last_at then excluded.algorithm else r.algorithm end,
        first_at = least(r.first_at, excluded.first_at),
        last_at = greatest(r.last_at, excluded.last_at);
    delete from media_sync.refused_notifications r
    using (
        select reason, signature_key, row_number() over (order by last_at desc, reason, signature_key) as place
        from media_sync.refused_notifications
    ) ordered
    where ordered.place > 20 and r.reason = ordered.reason and r.signature_key = ordered.signature_key;
end
$$;

-- The refused notifications, the last refused first.
create function media_sync.refusals() returns jsonb
language sql stable set search_path = pg_catalog, pg_temp as $$
    select coalesce(
        jsonb_agg(
            jsonb_build_object(
                'reason', reason, 'signature_key', nullif(signature_key, ''), 'algorithm', algorithm,
                'count', times, 'first_at', first_at, 'at', last_at)
            order by last_at desc, reason, signature_key),
        '[]')
    from media_sync.refused_notifications
$$;

-- Removes old records, at most p_limit of each kind, and tells how many. An entry of the audit trail says so.
-- * older than p_days: notifications; runs, but of each mode the last good one, since the next one builds on it;
--   uploads that no row waits for
-- * older than p_audit_days: entries of the audit trail
-- * older than a day: idempotency keys
create function public.media_sync_purge(p_days integer, p_limit integer, p_audit_days integer) returns jsonb
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    v_former text;
    v_before timestamptz := now() - make_interval(days => p_days);
    v_notifications bigint;
    v_runs bigint;
    v_uploads bigint;
    v_audit bigint;
    v_keys bigint;
    v_removed jsonb;
begin
    if p_audit_days < 90 then
        raise exception 'the audit trail is kept for 90 days at least' using errcode = '22023';
    end if;
    delete from public.media_notifications
    where digest in (
        select digest from public.media_notifications
        where received_at < v_before order by received_at, digest limit p_limit
        for update skip locked
    );
    get diagnostics v_notifications = row_count;
    delete from public.sync_runs
    where id in (
        select r.id from public.sync_runs r
        where r.finished_at < v_before
            and not (r.is_good and not exists (
                select from public.sync_runs later
                where later.is_good and later.mode = r.mode and later.finished_at > r.finished_at
            ))
        order by r.finished_at limit p_limit
        for update skip locked
    );
    get diagnostics v_runs = row_count;
    delete from public.media_uploads
    where id in (
        select u.id from public.media_uploads u
        where u.begun_at < v_before
            and not exists (select from public.media_assets m where m.id = u.id and m.cloudinary_asset_id is null)
        order by u.begun_at, u.id limit p_limit
        for update skip locked
    );
    get diagnostics v_uploads = row_count;
    v_former := media_sync.mark('purging', 'on');
    delete from public.media_sync_log
    where id in (
        select id from public.media_sync_log
        where occurred_at < now() - make_interval(days => p_audit_days)
        order by occurred_at, id limit p_limit
    );
    get diagnostics v_audit = row_count;
    perform media_sync.mark('purging', v_former);
    delete from media_sync.idempotency_keys
    where (user_id, key) in (
        select user_id, key from media_sync.idempotency_keys
        where created_at < now() - interval '24 hours' order by created_at limit p_limit
        for update skip locked
    );
    get diagnostics v_keys = row_count;
    perform media_sync.forget_issue_marks();
    delete from media_sync.intent_claims
    where asset_id in (
        select asset_id from media_sync.intent_claims
        where claim is null and began_at < now() - interval '1 day' order by began_at limit p_limit
        for update skip locked
    );
    v_removed := jsonb_build_object(
        'notifications', v_notifications, 'runs', v_runs, 'uploads', v_uploads, 'audit', v_audit,
        'idempotency_keys', v_keys
    );
    if v_notifications + v_runs + v_uploads + v_audit + v_keys > 0 then
        insert into public.media_sync_log (operation, source, details)
        values ('purge', 'reconcile', v_removed
            || jsonb_build_object('older_than_days', p_days, 'audit_older_than_days', p_audit_days));
    end if;
    return v_removed;
end
$$;

revoke execute on function media_sync.keep_trail, media_sync.break_glass, media_sync.note_time, media_sync.fold_repeat,
    media_sync.shown_entry from public;
revoke execute on function public.media_audit, public.media_sync_notifications, public.media_sync_note_refusals,
    public.media_sync_purge from public, anon, authenticated, service_role;
grant execute on function public.media_audit, media_sync.shown_entry to authenticated;
revoke execute on function media_sync.refusals from public;
grant execute on function media_sync.refusals to authenticated, service_role;
grant execute on function public.media_sync_notifications, public.media_sync_note_refusals, public.media_sync_purge to
    service_role;

$migration$; end if; end $once$;

notify pgrst, 'reload schema';
