-- What was recorded: read again to be applied again, and removed when it is old.
do $once$ begin if media_sync.begin_migration('20261122090600', 'media_sync_keeping') then execute $migration$

-- Notifications received in [p_since, p_until), oldest first, behind the one that p_after names.
create function public.media_sync_notifications(
    p_since timestamptz,
    p_until timestamptz,
    p_asset_id text,
    p_after_received timestamptz,
    p_after_digest text,
    p_limit integer
) returns jsonb
language sql stable security definer set search_path = '' as $$
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
            and (p_after_received is null or (received_at, digest) > (p_after_received, p_after_digest))
        order by received_at, digest
        limit p_limit
    ) page
$$;

revoke execute on function public.media_sync_notifications from public, anon, authenticated;
grant execute on function public.media_sync_notifications to service_role;

$migration$; end if; end $once$;

notify pgrst, 'reload schema';
