-- Functions for operators, with the service's rights.
do $once$ begin if media_sync.begin_migration('20261127081100', 'media_operators') then execute $migration$
set local search_path = pg_catalog, pg_temp;

-- Makes p_to the owner of at most p_limit assets of p_from, deleted ones included, and tells how many. Each gets an
-- entry in the audit trail. With p_collections the collections follow, all at once.
create function public.media_sync_transfer(p_from uuid, p_to uuid, p_limit integer, p_collections boolean default false)
returns jsonb
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    v_former text := media_sync.mark('observing', 'on');
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
    with theirs as (
        -- In the order in which workers lock them.
        select id from public.media_assets
        where id = any (v_ids) and uploaded_by = p_from order by id for update
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
    select count(*) into v_assets from moved;
    if p_collections then
        update public.media_collections set owner = p_to where owner = p_from;
        get diagnostics v_collections = row_count;
        if v_collections > 0 then
            insert into public.media_sync_log (operation, source, details)
            values ('collections_transferred', 'database',
                jsonb_build_object('from', p_from, 'to', p_to, 'collections', v_collections));
        end if;
    end if;
    perform media_sync.mark('observing', v_former);
    return jsonb_build_object('assets', v_assets, 'collections', v_collections);
end
$$;

-- Records that Cloudinary's triggers were repaired.
create function public.media_sync_note_triggers(p_details jsonb) returns void
language sql security definer set search_path = pg_catalog, pg_temp as $$
    insert into public.media_sync_log (operation, source, details)
    values ('triggers_repaired', 'reconcile', p_details)
$$;

revoke execute on function public.media_sync_transfer, public.media_sync_note_triggers from public, anon, authenticated,
    service_role;
grant execute on function public.media_sync_transfer, public.media_sync_note_triggers to service_role;

$migration$; end if; end $once$;

notify pgrst, 'reload schema';
