-- A library of $1 assets as years of work leave it: few large folders and many small ones, some tags
-- on everything and most on little, pages of an import that share one moment, a few rows that wait.
-- Equal numbers make equal libraries, ids apart.
insert into public.media_assets (
    cloudinary_asset_id, cloudinary_public_id, cloudinary_version, cloudinary_etag, resource_type,
    original_filename, file_size, mime_type, format, width, height, duration, secure_url, url,
    cloudinary_created_at, display_name, folder, tags, context, metadata, access_mode, description, alt_text,
    uploaded_by, sync_status, sync_error_message, last_synced_at, created_at, updated_at, deleted_at, clocks
)
select
    md5('asset' || n), public_id, 1600000000 + n, md5('etag' || n), kind,
    case when of_camera < 0.6 then 'IMG_' || lpad((n % 10000)::text, 4, '0') else first_word || ' ' || second_word end
        || '.' || extension,
    size, mime, extension,
    case when kind <> 'raw' then 320 + 16 * (n % 300) end, case when kind <> 'raw' then 240 + 16 * (n % 211) end,
    case when kind = 'video' then 1 + 600 * of_duration end,
    'https://res.cloudinary.com/demo/' || kind || '/upload/v' || 1600000000 + n || '/' || public_id || '.' || extension,
    'http://res.cloudinary.com/demo/' || kind || '/upload/v' || 1600000000 + n || '/' || public_id || '.' || extension,
    made - interval '3 hours', initcap(first_word) || ' ' || second_word || ' ' || n, folder,
    array(
        select distinct tag from (
            select 'tag-' || floor(400 * power((hashint8extended(n, 100 + place) & 1048575) / 1048576e0, 4))::integer as tag
            from generate_series(1, floor(5 * of_tags)::integer) as place
        ) tags order by tag
    ),
    case when of_context < 0.3 then jsonb_build_object('caption', first_word || ' in the ' || second_word, 'alt', second_word)
        else '{}' end,
    case when of_metadata < 0.2 then jsonb_build_object('rights', 'owned', 'season', n % 4) else '{}' end,
    'public',
    case when of_description < 0.3 then 'The ' || second_word || ' beside the ' || first_word || ', seen on day '
        || n % 1000 || ' of the season' end,
    case when of_alt < 0.4 then 'A ' || first_word || ' and a ' || second_word end,
    case when of_user < 0.4 then md5('user' || floor(800 * power(of_which_user, 3))::integer)::uuid end,
    status, case when status = 'error' then 'refused: a test of ' || second_word end, made,
    made, case when of_change < 0.3 then made + of_moment * (timestamptz '2026-01-01' - made) else made end,
    case when of_delete < 0.05 then timestamptz '2026-01-01' end, jsonb_build_object('alive', 1600000000000000 + n)
from (
    select *, folder || '/' || first_word || '-' || second_word || '-' || lpad(n::text, 7, '0') as public_id,
        case kind when 'image' then (array['jpg', 'png', 'webp'])[1 + n % 3] when 'video' then 'mp4' else 'pdf' end as extension,
        case kind when 'image' then 'image/jpeg' when 'video' then 'video/mp4' else 'application/pdf' end as mime,
        (case kind when 'video' then 4e6 else 2e5 end * exp(2.5 * (of_size + of_weight - 1)))::bigint as size
    from (
        select drawn.*,
            case when of_kind < 0.88 then 'image' when of_kind < 0.95 then 'video' else 'raw' end as kind,
            case when of_status < 0.99 then 'synced' when of_status < 0.996 then 'pending' else 'error' end as status,
            word[1 + floor(cardinality(word) * power(of_first, 2))::integer] as first_word,
            word[1 + floor(cardinality(word) * of_second)::integer] as second_word,
            'area-' || floor(30 * power(of_area, 2))::integer || '/folder-' || floor(60 * power(of_folder, 3))::integer
                as folder,
            timestamptz '2023-01-01' + (n / 100) * (interval '1000 days' / ($1::bigint / 100 + 1)) as made
        from (
            select n,
                (hashint8extended(n, 1) & 1048575) / 1048576e0 as of_kind,
                (hashint8extended(n, 2) & 1048575) / 1048576e0 as of_status,
                (hashint8extended(n, 3) & 1048575) / 1048576e0 as of_camera,
                (hashint8extended(n, 4) & 1048575) / 1048576e0 as of_duration,
                (hashint8extended(n, 5) & 1048575) / 1048576e0 as of_tags,
                (hashint8extended(n, 6) & 1048575) / 1048576e0 as of_context,
                (hashint8extended(n, 7) & 1048575) / 1048576e0 as of_metadata,
                (hashint8extended(n, 8) & 1048575) / 1048576e0 as of_description,
                (hashint8extended(n, 9) & 1048575) / 1048576e0 as of_alt,
                (hashint8extended(n, 10) & 1048575) / 1048576e0 as of_user,
                (hashint8extended(n, 11) & 1048575) / 1048576e0 as of_which_user,
                (hashint8extended(n, 12) & 1048575) / 1048576e0 as of_change,
                (hashint8extended(n, 13) & 1048575) / 1048576e0 as of_moment,
                (hashint8extended(n, 14) & 1048575) / 1048576e0 as of_delete,
                (hashint8extended(n, 15) & 1048575) / 1048576e0 as of_size,
                (hashint8extended(n, 16) & 1048575) / 1048576e0 as of_weight,
                (hashint8extended(n, 17) & 1048575) / 1048576e0 as of_first,
                (hashint8extended(n, 18) & 1048575) / 1048576e0 as of_second,
                (hashint8extended(n, 19) & 1048575) / 1048576e0 as of_area,
                (hashint8extended(n, 20) & 1048575) / 1048576e0 as of_folder
            from generate_series(1, $1::bigint) as n
            offset 0
        ) drawn
        cross join (
            select regexp_split_to_array('harbour dawn mug poster lantern river orchard winter market bridge garden kettle
                window forest saddle violin copper island meadow ticket canvas button barrel candle feather
                glacier hammock insect jacket kitchen ladder mirror needle orange pepper quarry ribbon
                saucer temple umbrella valley walnut yellow zipper anchor basket castle desert engine fabric
                guitar helmet ivory jungle kayak lemon marble napkin ocean pillow quilt rocket shadow
                thunder urchin velvet waffle xylophone yarn zebra almond bottle cactus domino easel
                falcon granite hollow iceberg jasmine kernel lagoon monkey nectar oyster parade quartz
                raven sunset tulip unicorn vessel willow',
                '\s+') as word
        ) words
        offset 0 -- each draw and each name is made once
    ) described
    offset 0
) asset
