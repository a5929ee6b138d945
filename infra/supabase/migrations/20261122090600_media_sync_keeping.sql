-- What was recorded: read again to be applied again, and removed when it is old.

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

-- Removes at most p_limit each of notifications, runs and uploads that are older than p_days, and
-- tells how many. The audit trail keeps what they have done; of each mode the last good run stays,
-- since the next one builds on it.
create function public.media_sync_purge(p_days integer, p_limit integer) returns jsonb
language plpgsql security definer set search_path = '' as $$
declare
    v_before timestamptz := now() - make_interval(days => p_days);
    v_notifications bigint;
    v_runs bigint;
    v_uploads bigint;
begin
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
    return jsonb_build_object('notifications', v_notifications, 'runs', v_runs, 'uploads', v_uploads);
end
$$;

revoke execute on function public.media_sync_notifications, public.media_sync_purge from public, anon, authenticated;
grant execute on function public.media_sync_notifications, public.media_sync_purge to service_role;
