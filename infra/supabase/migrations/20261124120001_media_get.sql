-- One asset, with everything that tells why it is as it is.
do $once$ begin if media_sync.begin_migration('20261124120001', 'media_get') then execute $migration$

-- Whether the caller may see this asset at all, as the policy of its table says.
create function media_sync.may_see(p_row public.media_assets) returns boolean
language sql stable set search_path = '' as $$
    select p_row.deleted_at is null or p_row.uploaded_by = auth.uid() or media_sync.is_admin()
$$;

-- Whether the caller may know who did what to it.
create function media_sync.may_audit(p_row public.media_assets) returns boolean
language sql stable set search_path = '' as $$
    select coalesce(p_row.uploaded_by = auth.uid(), false) or media_sync.is_admin()
$$;

-- The newest notifications about an asset: for who may see it that they came and what became of
-- them, for administrators what they said. Large bodies stay where they are.
create function media_sync.notifications_about(p_row_id uuid) returns jsonb
language sql stable security definer set search_path = '' as $$
    select coalesce(jsonb_agg(shown order by received_at desc), '[]')
    from (
        select n.received_at, jsonb_build_object(
            'notification_type', n.notification_type, 'triggered_at', n.triggered_at,
            'received_at', n.received_at, 'processed_at', n.processed_at, 'verdict', n.verdict, 'replays', n.replays
        ) || case when media_sync.is_admin() then jsonb_build_object(
            'digest', n.digest, 'reason', n.reason, 'body_is_base64', n.body_is_base64,
            'body', case when octet_length(n.body) <= 16384 then n.body end
        ) else '{}' end as shown
        from public.media_assets m
        join public.media_notifications n on n.asset_ids @> array[m.cloudinary_asset_id]
        where m.id = p_row_id and m.cloudinary_asset_id is not null and media_sync.may_see(m)
        order by n.received_at desc limit 20
    ) newest
$$;

-- The entries about an asset; about an upload that has no asset id yet, those about its row.
create function media_sync.trail_of(p_row public.media_assets) returns setof public.media_sync_log
language sql stable set search_path = '' as $$
    (
        select * from public.media_sync_log
        where cloudinary_asset_id = p_row.cloudinary_asset_id
        order by occurred_at desc, id desc limit 50
    )
    union all
    (
        select * from public.media_sync_log
        where asset_row_id = p_row.id and cloudinary_asset_id is null
        order by occurred_at desc, id desc limit 50
    )
$$;

-- For its owner and for administrators; null for everybody else.
create function media_sync.audit_about(p_row_id uuid) returns jsonb
language sql stable security definer set search_path = '' as $$
    select (
        select coalesce(jsonb_agg(to_jsonb(t) - 'asset_row_id' - 'cloudinary_asset_id' order by t.occurred_at desc, t.id desc), '[]')
        from (select * from media_sync.trail_of(m) order by occurred_at desc, id desc limit 50) t
    )
    from public.media_assets m
    where m.id = p_row_id and media_sync.may_audit(m)
$$;

-- What the row does not show of how it came to be as it is: who deleted it, or what was lost in the
-- last week and has not been asked for again.
create function media_sync.landmark(p_row_id uuid) returns jsonb
language sql stable security definer set search_path = '' as $$
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
    where m.id = p_row_id and media_sync.may_see(m)
        and l.operation in ('conflict', 'edit_requested', 'deleted', 'delete_confirmed', 'revived', 'restore_confirmed')
    order by l.occurred_at desc, l.id desc limit 1
$$;

-- One asset with everything that is known of it: {asset, stored, standing, notifications, audit};
-- null for who may not see it. Row level security decides on the row, and what is asked about it
-- decides again.
create function public.media_get(p_asset_id text default null, p_row_id uuid default null) returns jsonb
language sql stable set search_path = '' as $$
    select jsonb_build_object(
        'asset', media_sync.shown(m, array['sync_error_code', 'sync_next_attempt_at', 'deleted_by']),
        'stored', case when m.cloudinary_asset_id is not null and m.deleted_at is null
            and coalesce((m.clocks ->> 'gone')::bigint, -1) < coalesce((m.clocks ->> 'alive')::bigint, 0)
        then jsonb_build_object(
            -- The name that Cloudinary has, whatever is wished for.
            'name', jsonb_build_object(
                'resource_type', m.resource_type, 'delivery_type', m.delivery_type,
                'public_id', coalesce(m.observed ->> 'cloudinary_public_id', m.cloudinary_public_id)
            ),
            'version', m.cloudinary_version, 'format', m.format, 'mime_type', m.mime_type,
            'access_mode', m.access_mode, 'secure_url', m.secure_url
        ) end,
        'standing', jsonb_build_object(
            'sync_status', m.sync_status, 'intent', m.intent,
            'is_claimed', coalesce(m.intent_claim is not null and m.intent_claim_until > now(), false),
            'error_code', m.sync_error_code, 'error_message', m.sync_error_message,
            'failures', m.sync_retry_count, 'next_attempt_at', m.sync_next_attempt_at,
            'last_synced_at', m.last_synced_at, 'deleted_at', m.deleted_at,
            'was_deleted_by_user', m.deleted_by is not null, 'landmark', media_sync.landmark(m.id)
        ),
        'notifications', media_sync.notifications_about(m.id),
        'audit', media_sync.audit_about(m.id)
    )
    from public.media_assets m
    where m.id = p_row_id or m.cloudinary_asset_id = p_asset_id
$$;

revoke execute on function media_sync.may_see, media_sync.may_audit, media_sync.notifications_about,
    media_sync.trail_of, media_sync.audit_about, media_sync.landmark from public;
grant execute on function media_sync.notifications_about, media_sync.audit_about, media_sync.landmark
    to authenticated, service_role;
revoke execute on function public.media_get from public, anon, authenticated, service_role;
grant execute on function public.media_get to authenticated;

$migration$; end if; end $once$;

notify pgrst, 'reload schema';
