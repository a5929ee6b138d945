-- One row of each kind in every table. `{user}` is who owns what can be owned.

insert into public.media_assets
    (id, cloudinary_asset_id, cloudinary_public_id, resource_type, uploaded_by, deleted_at)
values
    ('00000000-0000-4000-8000-0000000000a1', md5('live'), 'live', 'image', '{user}', null),
    ('00000000-0000-4000-8000-0000000000a2', md5('deleted'), 'deleted', 'image', '{user}', now()),
    ('00000000-0000-4000-8000-0000000000a3', md5('nobody'), 'nobody', 'image', null, null);

insert into public.media_collections (id, name, owner, is_public) values
    ('00000000-0000-4000-8000-0000000000c1', 'Mine', '{user}', false),
    ('00000000-0000-4000-8000-0000000000c2', 'Ours', '{user}', true);
insert into public.media_collection_items (collection_id, asset_id, position) values
    ('00000000-0000-4000-8000-0000000000c1', '00000000-0000-4000-8000-0000000000a1', 1),
    ('00000000-0000-4000-8000-0000000000c2', '00000000-0000-4000-8000-0000000000a1', 1),
    ('00000000-0000-4000-8000-0000000000c2', '00000000-0000-4000-8000-0000000000a2', 2);
insert into public.media_usage (asset_id, usage_type, table_name, record_id, created_by) values
    ('00000000-0000-4000-8000-0000000000a1', 'cover', 'articles', '1', '{user}');

insert into public.sync_runs (id, mode, trigger, status, finished_at) values
    ('00000000-0000-4000-8000-0000000000d1', 'full', 'schedule', 'succeeded', now());
insert into public.sync_run_pages (run_id, step, asset_ids) values
    ('00000000-0000-4000-8000-0000000000d1', 1, '{}');
insert into public.cloudinary_quota (quota_limit, remaining, reset_at, seen_at) values (500, 400, now(), now());
insert into public.media_notifications (digest, signature_timestamp, received_at, verdict, body) values
    ('d', now(), now(), 'parked', '{}');
insert into public.media_sync_log (operation, source) values ('imported', 'reconcile');
insert into public.media_uploads (
    id, kind, uploader, public_id, overwrite, since_version, until_version, begun_at, open_until, outcome, ended_at
) values ('00000000-0000-4000-8000-0000000000e1', 'signed', '{user}', 'signed', false, 1, 2, now(), now(), 'lost', now());
