-- Erasure: everything that is known of a deleted asset is forgotten, but that it was there.
do $once$ begin if media_sync.begin_migration('20261127081200', 'media_erasure') then execute $migration$
set local search_path = pg_catalog, pg_temp;

-- True if this names the asset, by its id or by one of these names, which are written as JSON.
create function media_sync.tells_of(p_value jsonb, p_asset text, p_names text[]) returns boolean
language sql immutable set search_path = pg_catalog, pg_temp as $$
    select coalesce(
        strpos(p_value::text, p_asset) > 0
            or exists (select from unnest(p_names) name where strpos(p_value::text, name) > 0),
        false)
$$;

-- Forgets a deleted asset, by its asset id or its row's id, for administrators. The row stays as a tombstone without content, so that a late
-- notification cannot bring the asset back. Entries of the audit trail keep who did what and when, and lose the values.
-- Kept answers and accounts of runs that tell of the asset go. What lies outside of the database is named in the answer.
-- {"forgotten": {"audit_entries", "notifications", "uploads", "answers", "runs"}, "remains": [text]}
create function public.media_sync_forget(p_asset text) returns jsonb
language plpgsql security definer set search_path = pg_catalog, pg_temp set statement_timeout = '25s' as $$
declare
    v_row public.media_assets;
    v_nameless text;
    -- The names under which it is known, and those as JSON texts.
    v_names text[];
    v_quoted text[];
    v_former text;
    v_forgetting text;
    v_entries bigint;
    v_notifications bigint;
    v_uploads bigint;
    v_answers bigint;
    v_runs bigint;
begin
    perform media_sync.want_operator();
    select * into v_row from public.media_assets
    where id::text = lower(p_asset) or cloudinary_asset_id = lower(p_asset) for update;
    if not found then
        raise exception 'there is no such asset' using errcode = 'PT404';
    elsif v_row.deleted_at is null or v_row.intent is not null then
        raise exception 'delete the asset first, and wait until Cloudinary has confirmed it' using errcode = 'PT409';
    elsif v_row.deleted_at > now() - interval '1 hour' then
        raise exception 'notifications of the asset may still be under way: try again an hour after the delete'
            using errcode = 'PT409';
    end if;
    v_nameless := 'forgotten/' || v_row.id;
    v_names := array(
        select name from (
            select v_row.cloudinary_public_id
            union select public_id from public.media_uploads where asset_row_id = v_row.id
            union select cloudinary_public_id from public.media_sync_log
            where asset_row_id = v_row.id or cloudinary_asset_id = v_row.cloudinary_asset_id
        ) known (name)
        where name <> v_nameless
    );
    v_quoted := array(select to_json(name)::text from unnest(v_names) name);
    -- One that was never used knows the name alone.
    if exists (
        select from public.media_uploads
        where (asset_row_id = v_row.id or asset_row_id is null and public_id = any (v_names)) and open_until > now()
    ) then
        raise exception 'a signature may still bring the asset back: try again in an hour' using errcode = 'PT409';
    end if;
    v_forgetting := media_sync.mark('forgetting', 'on');
    v_former := media_sync.mark('observing', 'on');

    update public.media_assets
    set cloudinary_public_id = v_nameless, cloudinary_version = null, cloudinary_signature = null,
        cloudinary_version_id = null, cloudinary_etag = null, original_filename = null, file_size = null,
        mime_type = null, format = null, width = null, height = null, duration = null, secure_url = null, url = null,
        cloudinary_created_at = null, display_name = null, folder = '', tags = '{}', context = '{}', metadata = '{}',
        access_mode = null, moderation = null, description = null, alt_text = null, uploaded_by = null,
        sync_error_message = null, sync_error_code = null, observed = null
    where id = v_row.id;
    delete from public.media_usage where asset_id = v_row.id;
    delete from public.media_collection_items where asset_id = v_row.id;

    update public.media_sync_log set cloudinary_public_id = null, error_message = null, details = null
    where (
            cloudinary_asset_id = v_row.cloudinary_asset_id or asset_row_id = v_row.id
            -- Signatures, and changes by name.
            or cloudinary_asset_id is null and asset_row_id is null and cloudinary_public_id = any (v_names)
        )
        and (cloudinary_public_id is not null or error_message is not null or details is not null);
    get diagnostics v_entries = row_count;
    -- The digest stays, so that the same notification is not taken in once more.
    update public.media_notifications set body = '', body_is_base64 = false, reason = null
    where asset_ids @> array[v_row.cloudinary_asset_id] and body <> '';
    get diagnostics v_notifications = row_count;
    update public.media_uploads set public_id = v_nameless, error_message = null
    where (asset_row_id = v_row.id or asset_row_id is null and public_id = any (v_names)) and public_id <> v_nameless;
    get diagnostics v_uploads = row_count;
    delete from media_sync.idempotency_keys
    where strpos(answer::text, v_row.id::text) > 0 or media_sync.tells_of(answer, v_row.cloudinary_asset_id, v_quoted);
    get diagnostics v_answers = row_count;
    update public.sync_runs
    set drift = case when media_sync.tells_of(drift, v_row.cloudinary_asset_id, v_quoted) then null else drift end,
        plan = case when media_sync.tells_of(plan, v_row.cloudinary_asset_id, v_quoted) then plan - 'examples' else plan end,
        options = case when media_sync.tells_of(options, v_row.cloudinary_asset_id, v_quoted)
            then options - 'public_ids' else options end
    where media_sync.tells_of(drift, v_row.cloudinary_asset_id, v_quoted)
        or media_sync.tells_of(plan, v_row.cloudinary_asset_id, v_quoted)
        or media_sync.tells_of(options, v_row.cloudinary_asset_id, v_quoted);
    get diagnostics v_runs = row_count;
    delete from media_sync.run_progress p using public.sync_runs r
    where r.id = p.run_id and r.finished_at is not null and strpos(p::text, v_row.cloudinary_asset_id) > 0;

    perform media_sync.mark('observing', v_former);
    perform media_sync.mark('forgetting', v_forgetting);
    insert into public.media_sync_log (operation, source, actor, asset_row_id, cloudinary_asset_id)
    values ('forgotten', 'api', auth.uid(), v_row.id, v_row.cloudinary_asset_id);
    return jsonb_build_object(
        'forgotten', jsonb_build_object(
            'audit_entries', v_entries, 'notifications', v_notifications, 'uploads', v_uploads,
            'answers', v_answers, 'runs', v_runs),
        'remains', jsonb_build_array(
            'Cloudinary: the backups of the file, where backups are on. Delete its versions there.',
            'Cloudinary: copies that its delivery network keeps, unless they were invalidated.',
            'Supabase: backups of the database, until they expire.',
            'Supabase: messages of live updates, which Realtime keeps for three days.',
            'AWS: logs and dead letters of the functions, until they expire.',
            'The database: notifications that name other assets too, or this one by its name alone, for 90 days.')
    );
end
$$;

revoke execute on function media_sync.tells_of from public;
revoke execute on function public.media_sync_forget from public, anon, authenticated, service_role;
grant execute on function public.media_sync_forget to authenticated;

$migration$; end if; end $once$;

notify pgrst, 'reload schema';
