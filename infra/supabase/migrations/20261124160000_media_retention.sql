-- How long what was recorded is kept.
do $once$ begin if media_sync.begin_migration('20261124160000', 'media_retention') then execute $migration$

-- Removes what is older than p_days, of each kind at most p_limit: notifications, runs (but of each mode
-- the last good one, since the next one builds on it), and uploads that nothing waits for; entries of the
-- audit trail that are older than p_audit_days; and keys of requests, which are good for a day. Tells how
-- many, and leaves an entry that says so.
create function public.media_sync_purge(p_days integer, p_limit integer, p_audit_days integer) returns jsonb
language plpgsql security definer set search_path = '' as $$
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

revoke execute on function public.media_sync_purge from public, anon, authenticated, service_role;
grant execute on function public.media_sync_purge to service_role;

$migration$; end if; end $once$;

notify pgrst, 'reload schema';
