-- What was recorded: read again to be applied again, and what was refused.
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

-- Records refused notifications: [{"reason", "signature_key", "algorithm", "count", "at"}]. Strangers choose what is in
-- them, so the newest twenty rows are kept.
create function public.media_sync_note_refusals(p_refusals jsonb) returns void
language plpgsql security definer set search_path = '' as $$
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

revoke execute on function public.media_sync_note_refusals from public, anon, authenticated, service_role;
grant execute on function public.media_sync_note_refusals to service_role;

$migration$; end if; end $once$;

notify pgrst, 'reload schema';
