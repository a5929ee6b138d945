-- Functions for operators: ownership, triggers, the issues that stand now, the work of each hour, and
-- notifications.
do $once$ begin if media_sync.begin_migration('20261127081100', 'media_operators') then execute $migration$
set local search_path = pg_catalog, pg_temp;

-- Makes p_to the owner of those of these assets that p_from owns; null is nobody. Each gets an entry in the audit
-- trail. Tells how many there were.
create function media_sync.change_owner(p_assets uuid[], p_from uuid, p_to uuid) returns bigint
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
    v_former text := media_sync.mark('observing', 'on');
    v_moved bigint;
begin
    with theirs as (
        -- In the order in which workers lock them.
        select id from public.media_assets
        where id = any (p_assets) and uploaded_by is not distinct from p_from order by id for update
    ), moved as (
        -- With the right to undo their own deletes.
        update public.media_assets m
        set uploaded_by = p_to, deleted_by = case when m.deleted_by = p_from then p_to else m.deleted_by end
        from theirs where m.id = theirs.id
        returning m.id, m.cloudinary_asset_id, m.cloudinary_public_id, m.resource_type
    ), told as (
        insert into public.media_sync_log (
            operation, source, asset_row_id, cloudinary_asset_id, cloudinary_public_id, resource_type, details
        )
        select 'owner_changed', 'database', id, cloudinary_asset_id, cloudinary_public_id, resource_type,
            jsonb_build_object('from', p_from, 'to', p_to)
        from moved
    )
    select count(*) into v_moved from moved;
    perform media_sync.mark('observing', v_former);
    return v_moved;
end
$$;

-- Makes p_to the owner of at most p_limit assets of p_from, deleted ones included, and tells how many. With
-- p_collections the collections follow, all at once.
create function public.media_sync_transfer(p_from uuid, p_to uuid, p_limit integer, p_collections boolean default false)
returns jsonb
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    v_ids uuid[];
    v_assets bigint;
    v_collections bigint := 0;
begin
    if p_from = p_to then
        raise exception 'the old and the new owner are the same user' using errcode = '22023';
    end if;
    v_ids := array(
        select id from public.media_assets
        where uploaded_by = p_from and deleted_at is null limit p_limit
    );
    v_ids := v_ids || array(
        select id from public.media_assets
        where uploaded_by = p_from and deleted_at is not null limit p_limit - cardinality(v_ids)
    );
    v_assets := media_sync.change_owner(v_ids, p_from, p_to);
    if p_collections then
        update public.media_collections set owner = p_to where owner = p_from;
        get diagnostics v_collections = row_count;
        if v_collections > 0 then
            insert into public.media_sync_log (operation, source, details)
            values ('collections_transferred', 'database',
                jsonb_build_object('from', p_from, 'to', p_to, 'collections', v_collections));
        end if;
    end if;
    return jsonb_build_object('assets', v_assets, 'collections', v_collections);
end
$$;

-- Tells whether nobody owns an asset of this folder, which lies in p_below or beneath it. Null is every folder.
create function media_sync.is_unowned(p_owner uuid, p_folder text, p_below text) returns boolean
language sql immutable set search_path = pg_catalog, pg_temp as $$
    select p_owner is null and (
        p_below is null or p_folder = p_below or starts_with(p_folder, p_below || '/')
    )
$$;

-- The number of assets that nobody owns, deleted ones included.
create function public.media_sync_count_unowned(p_below text default null) returns bigint
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    select count(*) from public.media_assets m where media_sync.is_unowned(m.uploaded_by, m.folder, p_below)
$$;

-- Makes p_to the owner of at most p_limit assets that nobody owns, deleted ones included: those after the id p_after.
-- Answers how many, and the last id, from which the next call goes on.
create function public.media_sync_assign_unowned(p_to uuid, p_below text, p_after uuid, p_limit integer) returns jsonb
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    v_ids uuid[] := array(
        select m.id from public.media_assets m
        where (p_after is null or m.id > p_after) and media_sync.is_unowned(m.uploaded_by, m.folder, p_below)
        order by m.id limit p_limit
    );
begin
    return jsonb_build_object(
        'assets', media_sync.change_owner(v_ids, null, p_to), 'last', v_ids[cardinality(v_ids)]
    );
end
$$;

-- Records that Cloudinary's triggers were repaired.
create function public.media_sync_note_triggers(p_details jsonb) returns void
language sql security definer set search_path = pg_catalog, pg_temp as $$
    insert into public.media_sync_log (operation, source, details)
    values ('triggers_repaired', 'reconcile', p_details)
$$;

-- Issues: the causes of failures that stand now. An issue is named `operation:code`.

-- Somebody's word about an issue. It ends with the issue.
create table media_sync.issue_marks (
    issue     text primary key check (octet_length(issue) <= 200),
    state     text not null check (state in ('acknowledged', 'ignored')),
    marked_at timestamptz not null default now(),
    marked_by uuid
);
alter table media_sync.issue_marks enable row level security;

-- The operation that a row waits for.
create function media_sync.awaited_operation(p_row public.media_assets) returns text
language sql immutable set search_path = pg_catalog, pg_temp as $$
    select case
        when p_row.cloudinary_asset_id is null then 'upload'
        when p_row.intent -> 'existence' ->> 'op' is not null then p_row.intent -> 'existence' ->> 'op'
        else 'edit'
    end
$$;

-- The moment of the decision that a row waits for.
create function media_sync.awaited_since(p_row public.media_assets) returns timestamptz
language sql immutable set search_path = pg_catalog, pg_temp as $$
    select coalesce(to_timestamp((p_row.intent ->> 'at')::bigint / 1e6), p_row.created_at)
$$;

-- {items: [{id, operation, code, assets, first_seen, last_seen, next_attempt_at, refused, message, examples, state,
-- marked_at, marked_by}], complete}, the largest first. Looks at ten thousand rows; `complete` is false if there are more.
-- `refused` counts assets that wait for a person. For administrators.
create function public.media_issues() returns jsonb
language plpgsql stable security definer set search_path = pg_catalog, pg_temp set statement_timeout = '4s' as $$
declare
    c_most constant integer := 10000;
begin
    perform media_sync.want_operator();
    return (
        with failing as (
            select m.id, m.cloudinary_asset_id, m.cloudinary_public_id, m.resource_type, m.sync_error_message, m.updated_at,
                m.sync_next_attempt_at, m.sync_error_code as code, media_sync.awaited_operation(m) as operation,
                media_sync.awaited_since(m) as since,
                m.sync_status = 'error' and m.sync_next_attempt_at is null as is_refused
            from public.media_assets m where m.sync_error_code is not null limit c_most + 1
        ), placed as (
            select *, row_number() over (partition by operation, code order by since, id) as place from failing
        ), issues as (
            select operation || ':' || code as id, operation, code, count(*) as assets, min(since) as first_seen,
                max(updated_at) as last_seen, min(sync_next_attempt_at) as next_attempt_at,
                count(*) filter (where is_refused) as refused,
                min(sync_error_message) filter (where place = 1) as message,
                jsonb_agg(jsonb_build_object(
                    'asset_id', cloudinary_asset_id, 'row_id', placed.id, 'public_id', cloudinary_public_id,
                    'resource_type', resource_type, 'message', left(sync_error_message, 500)
                ) order by place) filter (where place <= 5) as examples
            from placed group by operation, code
        )
        select jsonb_build_object(
            'items', coalesce(jsonb_agg(
                to_jsonb(i) || jsonb_build_object(
                    'message', left(i.message, 500), 'state', coalesce(k.state, 'open'),
                    'marked_at', k.marked_at, 'marked_by', k.marked_by
                ) order by i.assets desc, i.id
            ), '[]'),
            'complete', (select count(*) <= c_most from failing)
        )
        from issues i left join media_sync.issue_marks k on k.issue = i.id
    );
end
$$;

-- Notes that an issue has been seen (`acknowledged`), is of no interest (`ignored`), or is to stand out again (`open`).
-- Answers the issue; null if nothing fails for this cause. For administrators.
create function public.media_mark_issue(p_issue text, p_state text) returns jsonb
language plpgsql security definer set search_path = pg_catalog, pg_temp set statement_timeout = '4s' as $$
declare
    v_issue jsonb;
begin
    perform media_sync.want_operator();
    if p_state is null or p_state not in ('open', 'acknowledged', 'ignored') then
        raise exception 'state: must be open, acknowledged or ignored' using errcode = '22023';
    end if;
    if p_state = 'open' then
        delete from media_sync.issue_marks where issue = p_issue;
    elsif exists (
        select from jsonb_array_elements(public.media_issues() -> 'items') i where i ->> 'id' = p_issue
    ) then
        insert into media_sync.issue_marks (issue, state, marked_by) values (p_issue, p_state, auth.uid())
        on conflict (issue) do update set state = excluded.state, marked_at = now(), marked_by = excluded.marked_by;
    end if;
    select i into v_issue from jsonb_array_elements(public.media_issues() -> 'items') i where i ->> 'id' = p_issue;
    return v_issue;
end
$$;

-- Tries what fails for this cause again, five hundred assets at once: {retried, remaining}. Call it until one of them is 0.
-- Assets that are held or fenced wait for another decision, those without a round for its time. For administrators.
create function public.media_retry_issue(p_issue text) returns jsonb
language plpgsql security definer set search_path = pg_catalog, pg_temp set statement_timeout = '6s' as $$
declare
    c_most constant integer := 500;
    v_code text := split_part(p_issue, ':', 2);
    v_former text;
    v_retried bigint;
    v_remaining bigint;
begin
    perform media_sync.want_operator();
    if v_code in ('held', 'fenced') then
        raise exception 'these assets wait for a decision: allow_mass_delete for held ones, mediasync fence take for fenced ones'
            using errcode = '22023';
    elsif v_code = 'rounds_spent' then
        raise exception 'these assets wait for their next round: it begins at its time' using errcode = '22023';
    end if;
    v_former := media_sync.mark('observing', 'on');
    v_retried := cardinality(media_sync.retry(array(
        select m.id from public.media_assets m
        where m.sync_error_code = v_code and m.intent is not null
            and media_sync.awaited_operation(m) = split_part(p_issue, ':', 1)
        order by m.id limit c_most for update skip locked
    ), interval '0'));
    perform media_sync.mark('observing', v_former);
    select count(*) into v_remaining from (
        select from public.media_assets m
        where m.sync_error_code = v_code and m.intent is not null
            and media_sync.awaited_operation(m) = split_part(p_issue, ':', 1)
        limit c_most
    ) left_over;
    return jsonb_build_object('retried', v_retried, 'remaining', v_remaining);
end
$$;

-- Forgets words about issues that stand no more; called with the purge of old records.
create function media_sync.forget_issue_marks() returns void
language sql set search_path = pg_catalog, pg_temp as $$
    delete from media_sync.issue_marks k where not exists (
        select from public.media_assets m
        where m.sync_error_code = split_part(k.issue, ':', 2)
            and media_sync.awaited_operation(m) = split_part(k.issue, ':', 1)
    )
$$;

-- The mirror's work by hour, the oldest first: {hours: [{hour, applied, failed, conflicts, is_exact, runs: {running,
-- succeeded, failed, stopped}, quota_remaining, full_run_age_seconds, delay: {samples, p50_seconds, p95_seconds} | null}]}.
-- * `applied` counts news from Cloudinary and confirmed decisions. Each number ends at ten thousand; then `is_exact` is false.
-- * Runs are those that began in the hour, without dry ones; `quota_remaining` is the least that one of them left.
-- * `full_run_age_seconds`: the time at the hour's end, or now, since a full run last succeeded.
-- * `delay`: from the change in Cloudinary to its commit here, of the first five hundred notifications of the hour.
-- For administrators.
create function public.media_audit_series(p_hours integer default 24) returns jsonb
language plpgsql stable security definer set search_path = pg_catalog, pg_temp set statement_timeout = '6s' as $$
declare
    c_longest constant integer := 168;
    c_most constant integer := 10000;
    c_samples constant integer := 500;
    -- Each is looked up.
    c_confirmed_samples constant integer := 100;
    c_hour constant interval := interval '1 hour';
    c_requested constant text[] := array['edit_requested', 'delete_requested', 'restore_requested'];
    c_confirmed constant text[] := array['edit_confirmed', 'delete_confirmed', 'restore_confirmed'];
    c_applied constant text[] := array['created', 'updated', 'renamed', 'deleted', 'revived'] || c_confirmed;
    v_last constant timestamptz := date_trunc('hour', now(), 'UTC');
    v_hours jsonb;
begin
    perform media_sync.want_operator();
    if p_hours is null or p_hours not between 1 and c_longest then
        raise exception 'hours are 1 to %', c_longest using errcode = '22023';
    end if;
    with hours as (
        select v_last - place * c_hour as hour, v_last - (place - 1) * c_hour as next
        from generate_series(0, p_hours - 1) place
    )
    select jsonb_agg(jsonb_build_object(
        'hour', hour,
        'applied', least(applied.number, c_most), 'failed', least(failed.number, c_most),
        'conflicts', least(conflicts.number, c_most),
        'is_exact', greatest(applied.number, failed.number, conflicts.number) <= c_most,
        'runs', runs.told, 'quota_remaining', runs.quota_remaining,
        'full_run_age_seconds', floor(extract(epoch from least(next, now()) - (
            select max(r.finished_at) from public.sync_runs r
            where r.is_good and r.mode = 'full' and r.finished_at <= least(next, now())
        ))),
        'delay', case when delay.samples > 0 then jsonb_build_object(
            'samples', delay.samples, 'p50_seconds', round(delay.seconds[1]::numeric, 3),
            'p95_seconds', round(delay.seconds[2]::numeric, 3)
        ) end,
        'outbound_delay', case when outbound_delay.samples > 0 then jsonb_build_object(
            'samples', outbound_delay.samples, 'p50_seconds', round(outbound_delay.seconds[1]::numeric, 3),
            'p95_seconds', round(outbound_delay.seconds[2]::numeric, 3)
        ) end
    ) order by hour) into v_hours
    from hours
    cross join lateral (
        select count(*) as number from (
            select from public.media_sync_log l
            where l.operation = any (c_applied) and l.occurred_at >= hour and l.occurred_at < next limit c_most + 1
        ) met
    ) applied
    cross join lateral (
        -- The repeats of an entry are of its day.
        select count(*) as number from (
            select from public.media_sync_log l, unnest(l.repeated_at || l.occurred_at) moment
            where l.status = 'failed' and l.occurred_at >= date_trunc('day', hour, 'UTC') and l.occurred_at < next
                and moment >= hour and moment < next
            limit c_most + 1
        ) met
    ) failed
    cross join lateral (
        select count(*) as number from (
            select from public.media_sync_log l
            where l.operation = 'conflict' and l.occurred_at >= hour and l.occurred_at < next limit c_most + 1
        ) met
    ) conflicts
    cross join lateral (
        select jsonb_build_object(
            'running', count(*) filter (where r.status = 'running'),
            'succeeded', count(*) filter (where r.status = 'succeeded'),
            'failed', count(*) filter (where r.status = 'failed'),
            'stopped', count(*) filter (where r.status = 'stopped')
        ) as told, min(r.quota_remaining) as quota_remaining
        from public.sync_runs r where r.started_at >= hour and r.started_at < next and not r.dry_run
    ) runs
    cross join lateral (
        select count(*) as samples, percentile_cont(array[0.5, 0.95]) within group (order by late) as seconds
        from (
            select n.verdict, n.replays, greatest(0, extract(
                epoch from n.processed_at - coalesce(n.triggered_at, n.signature_timestamp)
            ))::double precision as late
            from public.media_notifications n
            where n.received_at >= hour and n.received_at < next
            order by n.received_at, n.digest limit c_samples
        ) sample
        -- What came again tells its last time.
        where verdict = 'applied' and replays = 0
    ) delay
    cross join lateral (
        select count(*) as samples, percentile_cont(array[0.5, 0.95]) within group (order by late) as seconds
        from (
            select extract(epoch from l.occurred_at - (
                select r.occurred_at from public.media_sync_log r
                where r.cloudinary_asset_id = l.cloudinary_asset_id and r.operation = any (c_requested)
                    and r.occurred_at <= l.occurred_at
                order by r.occurred_at desc limit 1
            ))::double precision as late
            from public.media_sync_log l
            where l.operation = any (c_confirmed) and l.occurred_at >= hour and l.occurred_at < next
            order by l.occurred_at, l.id limit c_confirmed_samples
        ) sample
        where late is not null
    ) outbound_delay;
    return jsonb_build_object('hours', v_hours);
end
$$;

-- A page of recorded notifications, the newest first, and the refused ones. p_query: {verdict?, asset_id?, date_from?, date_to?,
-- limit, after?: {received_at, id}}. {items: [{id, received_at, triggered_at, processed_at, notification_type, verdict, reason,
-- replays, asset_ids, bytes}], has_more, refusals}. Bodies stay where they are: `media_get` tells them. `asset_ids` are ten at
-- most. For administrators.
create function public.media_events(p_query jsonb) returns jsonb
language plpgsql stable security definer set search_path = pg_catalog, pg_temp set statement_timeout = '4s' as $$
declare
    c_most constant integer := 200;
    v_limit constant integer := coalesce(least((p_query ->> 'limit')::integer, c_most), c_most);
    v_where text := 'true';
    v_asset text;
    v_found jsonb;
begin
    perform media_sync.bound_argument(pg_column_size(p_query));
    perform media_sync.want_operator();
    -- Words are spelled out, since a partial index does not match a bound value.
    v_where := v_where || case p_query ->> 'verdict' when 'parked' then ' and verdict = ''parked'''
        when 'superseded' then ' and verdict = ''superseded''' when 'applied' then ' and verdict = ''applied''' else '' end;
    if p_query ? 'asset_id' then
        v_where := v_where || ' and asset_ids @> array[$2]';
        v_asset := coalesce((
            select m.cloudinary_asset_id from public.media_assets m where m.id = media_sync.row_named(p_query ->> 'asset_id')
        ), p_query ->> 'asset_id');
    end if;
    if p_query ? 'date_from' then v_where := v_where || ' and received_at >= ($1 ->> ''date_from'')::timestamptz'; end if;
    if p_query ? 'date_to' then v_where := v_where || ' and received_at <= ($1 ->> ''date_to'')::timestamptz'; end if;
    if p_query ? 'after' then
        v_where := v_where || ' and (received_at, digest) <
            (($1 -> ''after'' ->> ''received_at'')::timestamptz, $1 -> ''after'' ->> ''id'')';
    end if;
    -- One row more than asked for tells if there is a next page.
    execute format(
        'select jsonb_build_object(
            ''items'', coalesce(jsonb_agg(to_jsonb(page) - ''place'' order by place) filter (where place <= %2$s), ''[]''),
            ''has_more'', count(*) > %2$s)
        from (
            select digest as id, received_at, triggered_at, processed_at, notification_type, verdict, reason, replays,
                asset_ids[:10] as asset_ids, octet_length(body) as bytes,
                row_number() over (order by received_at desc, digest desc) as place
            from public.media_notifications where %1$s order by received_at desc, digest desc limit %2$s + 1
        ) page', v_where, v_limit
    ) into v_found using p_query, v_asset;
    return v_found || jsonb_build_object('refusals', media_sync.refusals());
end
$$;

-- True if this asks for a replay in one of its two shapes: some ids, or a time and maybe an asset.
create function media_sync.is_replay(p_query jsonb, p_most_ids integer) returns boolean
language sql immutable set search_path = pg_catalog, pg_temp as $$
    select case
        when jsonb_typeof(p_query) <> 'object' then false
        when p_query - array['ids'] = '{}' then case
            when jsonb_typeof(p_query -> 'ids') = 'array' then
                jsonb_array_length(p_query -> 'ids') between 1 and p_most_ids
                and not jsonb_path_exists(p_query, 'strict $.ids[*] ? (@.type() <> "string")')
            else false
        end
        else p_query - array['since', 'asset_id'] = '{}'
            and coalesce(jsonb_typeof(p_query -> 'since') = 'string', false)
            and coalesce(jsonb_typeof(p_query -> 'asset_id'), 'string') = 'string'
    end
$$;

-- Records in the audit trail that somebody wants recorded notifications applied again. p_query: {ids} of twenty at most, or
-- {since, asset_id?}. {notifications, spans: [{since, until, asset_id, after}]}: how many there are, counted up to a hundred
-- thousand, and the spans of time in which they were received. What was forgotten cannot be replayed. For administrators.
create function public.media_request_replay(p_query jsonb) returns jsonb
language plpgsql security definer set search_path = pg_catalog, pg_temp set statement_timeout = '6s' as $$
declare
    c_most_ids constant integer := 20;
    c_most constant integer := 100000;
    v_since constant timestamptz := p_query ->> 'since';
    v_number bigint;
    v_spans jsonb;
begin
    perform media_sync.bound_argument(pg_column_size(p_query));
    perform media_sync.want_operator();
    if not media_sync.is_replay(p_query, c_most_ids) then
        raise exception 'a replay has 1 to % ids, or since and maybe an asset_id', c_most_ids using errcode = '22023';
    end if;
    if p_query ? 'ids' then
        -- Of one moment, which holds hardly another. To apply one twice is harmless.
        select count(*), coalesce(jsonb_agg(jsonb_build_object(
            'since', received_at, 'until', received_at + interval '1 microsecond', 'asset_id', null, 'after', null
        ) order by received_at, digest), '[]') into v_number, v_spans
        from public.media_notifications
        where digest = any (media_sync.texts_of(p_query -> 'ids')) and body <> '';
    else
        select count(*) into v_number from (
            select from public.media_notifications
            where received_at >= v_since and received_at < now() and body <> ''
                and (not p_query ? 'asset_id' or asset_ids @> array[p_query ->> 'asset_id'])
            limit c_most
        ) counted;
        v_spans := jsonb_build_array(jsonb_build_object(
            'since', v_since, 'until', now(), 'asset_id', p_query -> 'asset_id', 'after', null
        ));
    end if;
    if v_number = 0 then
        return jsonb_build_object('notifications', 0, 'spans', '[]'::jsonb);
    end if;
    insert into public.media_sync_log (operation, source, actor, cloudinary_asset_id, details)
    values ('replay_requested', 'api', auth.uid(), p_query ->> 'asset_id',
        p_query || jsonb_build_object('notifications', v_number));
    return jsonb_build_object('notifications', v_number, 'spans', v_spans);
end
$$;

-- Records in the audit trail that somebody has messages sent to their queue again, where there are any. For
-- administrators: refuses everybody else.
create function public.media_request_redrive(p_queue text, p_messages bigint) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp set statement_timeout = '6s' as $$
begin
    perform media_sync.bound_argument(pg_column_size(p_queue));
    perform media_sync.want_operator();
    if p_queue not in ('notifications', 'outbound', 'continuation') then
        raise exception 'there is no such queue' using errcode = '22023';
    end if;
    if p_messages > 0 then
        insert into public.media_sync_log (operation, source, actor, details)
        values ('redrive_requested', 'api', auth.uid(), jsonb_build_object('queue', p_queue, 'messages', p_messages));
    end if;
end
$$;

-- The e-mail addresses that Auth has for these users, a hundred at most: [{id, email}]. The trail and the assets know ids
-- alone, and nothing is copied here. For administrators.
create function public.media_people(p_ids uuid[]) returns jsonb
language plpgsql stable security definer set search_path = pg_catalog, pg_temp set statement_timeout = '6s' as $$
declare
    c_most constant integer := 100;
begin
    perform media_sync.bound_argument(pg_column_size(p_ids));
    perform media_sync.want_operator();
    if cardinality(p_ids) > c_most then
        raise exception 'at most % people at once', c_most using errcode = '22023';
    end if;
    return (
        select coalesce(jsonb_agg(jsonb_build_object('id', id, 'email', email) order by email, id), '[]')
        from auth.users where id = any (p_ids) and email <> ''
    );
end
$$;

revoke execute on function public.media_sync_transfer, public.media_sync_count_unowned, public.media_sync_assign_unowned,
    public.media_sync_note_triggers from public, anon, authenticated, service_role;
grant execute on function public.media_sync_transfer, public.media_sync_count_unowned, public.media_sync_assign_unowned,
    public.media_sync_note_triggers to service_role;

revoke execute on function media_sync.change_owner, media_sync.is_unowned, media_sync.awaited_operation,
    media_sync.awaited_since, media_sync.forget_issue_marks, media_sync.is_replay from public;
revoke execute on function public.media_issues, public.media_mark_issue, public.media_retry_issue, public.media_audit_series,
    public.media_events, public.media_request_replay, public.media_request_redrive, public.media_people
    from public, anon, authenticated, service_role;
grant execute on function public.media_issues, public.media_mark_issue, public.media_retry_issue, public.media_audit_series,
    public.media_events, public.media_request_replay, public.media_request_redrive, public.media_people
    to authenticated;

$migration$; end if; end $once$;

notify pgrst, 'reload schema';
