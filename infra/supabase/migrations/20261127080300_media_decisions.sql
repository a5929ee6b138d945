-- Decisions made here. Any change of an editable column, by the API, the Data API or SQL, leaves an intent in the row,
-- in the same transaction. The row is the outbox.
--
-- The rules are in PL/pgSQL, which keeps their plans: a request of 200 items asks them thousands of times, and functions
-- in SQL are planned again for each row.
do $once$ begin if media_sync.begin_migration('20261127080300', 'media_decisions') then execute $migration$
set local search_path = pg_catalog, pg_temp;

-- One wish: the wanted value, its base, and the time of the decision. `ours` keeps earlier wishes: Cloudinary may still
-- show one of them, and that is nobody else's change.
create function media_sync.wish(p_before jsonb, p_base jsonb, p_to jsonb, p_at bigint) returns jsonb
language plpgsql immutable set search_path = pg_catalog, pg_temp as $$
begin
    return jsonb_build_object('to', p_to, 'base', coalesce(p_before -> 'base', p_base), 'at', p_at)
        || case when p_before is null then '{}' else jsonb_build_object(
            'ours', coalesce(p_before -> 'ours', '[]') || jsonb_build_array(p_before -> 'to')
        ) end;
end
$$;

-- Adds wishes for the keys in which two maps differ.
create function media_sync.pair_wishes(p_wishes jsonb, p_from jsonb, p_to jsonb, p_at bigint) returns jsonb
language sql immutable set search_path = pg_catalog, pg_temp as $$
    select coalesce(p_wishes, '{}') || coalesce(
        jsonb_object_agg(
            key,
            media_sync.wish(
                p_wishes -> key, coalesce(p_from -> key, 'null'), coalesce(p_to -> key, 'null'), p_at
            )
        ),
        '{}'
    )
    from jsonb_object_keys(p_from || p_to) as key
    where p_from -> key is distinct from p_to -> key
$$;

-- Leaves out empty values and empty lists of choices. In Cloudinary they delete their key.
create function media_sync.without_empty(p_pairs jsonb) returns jsonb
language sql immutable set search_path = pg_catalog, pg_temp as $$
    select coalesce(jsonb_object_agg(key, value), '{}')
    from jsonb_each(p_pairs) where value not in ('null', '""', '[]')
$$;

-- The observed tags with the wishes laid over them, as the library does it: a set, in the order of its bytes.
create function media_sync.tags_over(p_observed jsonb, p_wishes jsonb) returns text[]
language plpgsql immutable set search_path = pg_catalog, pg_temp as $$
begin
    return (
        select coalesce(array_agg(tag order by tag collate "C"), '{}')
        from (
            select tag from jsonb_array_elements_text(p_observed) as o (tag)
            where coalesce((p_wishes ->> tag)::boolean, true)
            union
            select key from jsonb_each(p_wishes) where value = 'true'
        ) shown
    );
end
$$;

-- The tags that an edit's item adds (true) and removes (false).
create function media_sync.asked_tags(p_item jsonb) returns jsonb
language plpgsql immutable set search_path = pg_catalog, pg_temp as $$
begin
    return coalesce(
        (select jsonb_object_agg(tag, true) from jsonb_array_elements_text(p_item -> 'add_tags') tag), '{}'
    ) || coalesce(
        (select jsonb_object_agg(tag, false) from jsonb_array_elements_text(p_item -> 'remove_tags') tag), '{}'
    );
end
$$;

-- The rules of texts that people may write. The library has the same table (shared/src/value_rules.rs), and a test
-- compares both.
create function media_sync.text_rules() returns table (
    rule text, shortest integer, longest integer, forbidden text,
    takes_controls boolean, is_path boolean, is_trimmed boolean, requirement text
)
language plpgsql immutable set search_path = pg_catalog, pg_temp as $$
begin
    return query
    values
        ('public_id', 1, 255, '?&#\%<>+', false, true, false,
            'must have 1 to 255 characters, no control characters and none of ? & # \ % < > +, '
            'and no empty parts, dots as parts, or blanks at the ends of a part'),
        ('folder', 0, 500, '', false, true, false,
            'must have 500 characters at most, no control characters, '
            'and no empty parts, dots as parts, or blanks at the ends of a part'),
        ('display_name', 1, 255, '/', false, false, false,
            'must have 1 to 255 characters, and no slash or control character'),
        ('tag', 1, 255, ',', true, false, true,
            'must have 1 to 255 characters, no comma, and no blanks at its ends'),
        ('pair_key', 1, 255, '', true, false, false, 'must have a key of 1 to 255 characters'),
        ('context_value', 0, 1024, '', true, false, false, 'must be text of 1,024 characters at most'),
        ('metadata_text', 0, 10000, '', true, false, false, 'must be text of 10,000 characters at most'),
        ('metadata_choice', 1, 255, '', true, false, false, 'must be text of 1 to 255 characters'),
        ('description', 0, 10000, '', true, false, false, 'must be text of 10,000 characters at most');
end
$$;

-- A blank of any script at an end. \s would follow the database's collation.
create function media_sync.blank_end() returns text
language plpgsql immutable set search_path = pg_catalog, pg_temp as $$
begin
    return '^[\u0009-\u000d\u0020\u0085\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]'
        '|[\u0009-\u000d\u0020\u0085\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]$';
end
$$;

-- The place of the first of these texts that has a fault by the rule, or null. All at once: a call for each of thousands
-- of texts would take seconds.
create function media_sync.faulty_text(p_rule text, p_texts text[]) returns bigint
language plpgsql immutable set search_path = pg_catalog, pg_temp as $$
begin
    return (
        select place
        from media_sync.text_rules() r,
            (select media_sync.blank_end() as blank_end offset 0) b,
            unnest(p_texts) with ordinality as given (given, place)
        where r.rule = p_rule and (
            given is null
            or length(given) not between r.shortest and r.longest
            or r.forbidden <> '' and translate(given, r.forbidden, '') <> given
            or (not r.takes_controls) and given ~ '[\u0001-\u001f\u007f-\u009f]'
            or r.is_trimmed and given ~ b.blank_end
            or r.is_path and given <> '' and exists (
                select from unnest(string_to_array(given, '/')) part
                where part in ('', '.', '..') or part ~ b.blank_end
            )
        )
        order by place
        limit 1
    );
end
$$;

-- The fault of a text by one of the rules, or null.
create function media_sync.fault_of_text(p_rule text, p_text text) returns text
language plpgsql immutable set search_path = pg_catalog, pg_temp as $$
begin
    return (
        select requirement from media_sync.text_rules()
        where rule = p_rule and media_sync.faulty_text(p_rule, array[p_text]) is not null
    );
end
$$;

-- The bounds of whole values, in bytes of their JSON as jsonb prints it. They keep the row of a user small: fifty such
-- rows fit into one answer. The library has the same table, and a test compares both.
create function media_sync.size_rules() returns table (rule text, most_bytes integer, requirement text)
language plpgsql immutable set search_path = pg_catalog, pg_temp as $$
begin
    return query
    values
        ('tags', 16384, 'must have 16 KiB at most as JSON, all together'),
        ('pairs', 16384, 'must have 16 KiB at most as JSON, all together'),
        ('description', 12000, 'must have 12,000 bytes at most as JSON');
end
$$;

-- The fault of a whole value, or null. A value that is larger already came from Cloudinary, and may stay as large.
create function media_sync.fault_of_size(p_rule text, p_bytes bigint, p_bytes_before bigint default 0) returns text
language plpgsql immutable set search_path = pg_catalog, pg_temp as $$
begin
    return (
        select requirement from media_sync.size_rules()
        where rule = p_rule and p_bytes > greatest(most_bytes, p_bytes_before)
    );
end
$$;

-- The bytes of tags as jsonb would print them. JSON is quicker where texts are long.
create function media_sync.bytes_of_tags(p_tags text[]) returns bigint
language plpgsql immutable set search_path = pg_catalog, pg_temp as $$
begin
    return octet_length(to_json(p_tags)::text) + greatest(cardinality(p_tags) - 1, 0);
end
$$;

-- The fault of one value of context or metadata, or null.
create function media_sync.fault_of_pair(p_group text, p_key text, p_value jsonb) returns text
language sql immutable set search_path = pg_catalog, pg_temp as $$
    select coalesce(media_sync.fault_of_text('pair_key', p_key), case
        -- An asset brings its upload's id along under this key (shared/src/upload/proof.rs).
        when p_group = 'context' and p_key = 'media_sync_upload' then 'is a key of the mirror''s own'
        when p_group = 'context' then case jsonb_typeof(p_value)
            when 'string' then media_sync.fault_of_text('context_value', p_value #>> '{}')
            else 'must be text of 1,024 characters at most'
        end
        when jsonb_typeof(p_value) = 'string' then media_sync.fault_of_text('metadata_text', p_value #>> '{}')
        when jsonb_typeof(p_value) = 'number' and abs((p_value #>> '{}')::numeric) < 1e300 then null
        when jsonb_typeof(p_value) = 'array' and jsonb_array_length(p_value) <= 3000 then (
            select 'has a choice that ' || r.requirement
            from media_sync.text_rules() r
            where r.rule = 'metadata_choice' and media_sync.faulty_text(r.rule, array(
                select case jsonb_typeof(choice) when 'string' then choice #>> '{}' end
                from jsonb_array_elements(p_value) choice
            )) is not null
        )
        else 'must be text, a number below 1e300, or a list of at most 3,000 texts'
    end)
$$;

-- The pairs that are new and more than short texts under short keys: those can have no fault. To judge each of thousands
-- by itself would take seconds.
create function media_sync.doubtful_pairs(p_group text, p_old jsonb, p_new jsonb) returns table (key text, value jsonb)
language sql immutable set search_path = pg_catalog, pg_temp as $$
    with rules as (
        select
            max(shortest) filter (where rule = 'pair_key') as shortest_key,
            max(longest) filter (where rule = 'pair_key') as longest_key,
            max(longest) filter (where rule = case p_group when 'context' then 'context_value' else 'metadata_text' end)
                as longest_text
        from media_sync.text_rules()
    )
    select pair.key, pair.value
    from rules, jsonb_each(p_new) pair
    where pair.value is distinct from p_old -> pair.key
        and not (
            length(pair.key) between shortest_key and longest_key
            and (p_group <> 'context' or pair.key <> 'media_sync_upload')
            and jsonb_typeof(pair.value) = 'string' and length(pair.value #>> '{}') <= longest_text
        )
$$;

-- The fault of new context or metadata, or null.
create function media_sync.fault_of_pairs(p_group text, p_old jsonb, p_new jsonb) returns text
language plpgsql immutable set search_path = pg_catalog, pg_temp as $$
begin
    return case
        when p_new is not distinct from p_old then null
        when jsonb_typeof(p_new) is distinct from 'object' then p_group || ' must be an object'
        when media_sync.fault_of_size('pairs', octet_length(p_new::text), octet_length(p_old::text)) is not null then
            p_group || ' ' || media_sync.fault_of_size('pairs', octet_length(p_new::text))
        else (
            select format('%s.%s %s', p_group, left(key, 64), fault)
            from media_sync.doubtful_pairs(p_group, p_old, p_new) doubtful,
                media_sync.fault_of_pair(p_group, key, value) fault
            where fault is not null
            limit 1
        )
    end;
end
$$;

-- The fault of tags, or null.
create function media_sync.fault_of_tags(p_old text[], p_new text[]) returns text
language plpgsql immutable set search_path = pg_catalog, pg_temp as $$
begin
    return case
        when p_new is null then 'tags must be a list'
        when cardinality(p_new) > greatest(1000, cardinality(p_old)) then 'tags must be 1,000 at most'
        when media_sync.fault_of_size('tags', media_sync.bytes_of_tags(p_new), media_sync.bytes_of_tags(p_old))
            is not null then 'tags ' || media_sync.fault_of_size('tags', media_sync.bytes_of_tags(p_new))
        else (
            select 'each of tags ' || requirement
            from media_sync.text_rules()
            where rule = 'tag' and media_sync.faulty_text('tag', array(
                select tag from unnest(p_new) tag
                except select tag from unnest(p_old) tag
            )) is not null
        )
    end;
end
$$;

-- The fault of an edit, or null. One value beyond measure would stop every page and every run that reads it. Unchanged
-- values are not checked.
create function media_sync.fault_of_edit(p_old public.media_assets, p_new public.media_assets) returns text
language plpgsql immutable set search_path = pg_catalog, pg_temp as $$
begin
    return coalesce(
        case when p_new.cloudinary_public_id is distinct from p_old.cloudinary_public_id then
            'cloudinary_public_id ' || media_sync.fault_of_text('public_id', p_new.cloudinary_public_id) end,
        case when p_new.display_name is distinct from p_old.display_name then
            'display_name ' || media_sync.fault_of_text('display_name', p_new.display_name) end,
        case when p_new.folder is distinct from p_old.folder then
            'folder ' || media_sync.fault_of_text('folder', p_new.folder) end,
        case when p_new.tags is distinct from p_old.tags then media_sync.fault_of_tags(p_old.tags, p_new.tags) end,
        media_sync.fault_of_pairs('context', p_old.context, p_new.context),
        media_sync.fault_of_pairs('metadata', p_old.metadata, p_new.metadata)
    );
end
$$;

create function media_sync.fault_of_own_text(p_text text) returns text
language plpgsql immutable set search_path = pg_catalog, pg_temp as $$
begin
    return coalesce(
        media_sync.fault_of_text('description', p_text),
        media_sync.fault_of_size('description', octet_length(to_json(p_text)::text))
    );
end
$$;

-- The fault of new texts that only this side knows, or null.
create function media_sync.fault_of_description(p_old public.media_assets, p_new public.media_assets) returns text
language plpgsql immutable set search_path = pg_catalog, pg_temp as $$
begin
    return coalesce(
        case when p_new.description is distinct from p_old.description and p_new.description is not null then
            'description ' || media_sync.fault_of_own_text(p_new.description) end,
        case when p_new.alt_text is distinct from p_old.alt_text and p_new.alt_text is not null then
            'alt_text ' || media_sync.fault_of_own_text(p_new.alt_text) end
    );
end
$$;

-- The fault of a new name or folder outside the caller's prefix, or null. A name that an asset has already stays good.
-- Servers have no user, and no prefix.
create function media_sync.fault_of_place(p_old public.media_assets, p_new public.media_assets) returns text
language sql stable set search_path = pg_catalog, pg_temp as $$
    select format(
        'public ids and folders must lie below %s/: only editors and administrators may name assets anywhere', prefix
    )
    from (
        select case when not media_sync.edits_all() then media_sync.prefix_of(auth.uid()) end as prefix
    ) own
    where prefix is not null and not media_sync.is_within(
        case when p_new.cloudinary_public_id <> p_old.cloudinary_public_id
            then p_new.cloudinary_public_id else prefix || '/kept' end,
        case when p_new.folder <> p_old.folder then p_new.folder else prefix end,
        prefix
    )
$$;

-- The fault of a raw file's new public id, or null. Cloudinary delivers raw files by their extension: a new one makes a
-- page of a text. It binds everybody, editors and SQL too: whoever wants such files lists their format.
create function media_sync.fault_of_extension(p_old text, p_new text) returns text
language sql stable set search_path = pg_catalog, pg_temp as $$
    select format('files of format %s are not taken here: an administrator may list it in UPLOAD_RULES', format)
    from (select coalesce(media_sync.extension_of(p_new), 'unknown') as format) named
    where media_sync.extension_of(p_new) is distinct from media_sync.extension_of(p_old) and (
        not media_sync.takes_format(format)
        or exists (select from media_sync.listed_formats('formats'))
            and format not in (select media_sync.listed_formats('formats'))
    )
$$;

-- The edited row in the form in which Cloudinary keeps it. Refuses faults. Unchanged values need no check.
create function media_sync.check_edit(p_old public.media_assets, p_new public.media_assets)
returns public.media_assets
language plpgsql immutable set search_path = pg_catalog, pg_temp as $$
declare
    v_fault text;
begin
    if p_old.cloudinary_asset_id is null then
        raise exception 'the asset is still being uploaded: try again when its sync_status is synced'
            using errcode = 'PT409';
    end if;
    if p_new.deleted_at is not null then
        raise exception 'the asset is deleted: restore it before you edit it' using errcode = 'PT409';
    end if;
    if jsonb_typeof(p_new.context) = 'object' and p_new.context <> p_old.context then
        p_new.context := media_sync.without_empty(p_new.context);
    end if;
    if jsonb_typeof(p_new.metadata) = 'object' and p_new.metadata <> p_old.metadata then
        p_new.metadata := media_sync.without_empty(p_new.metadata);
    end if;
    if p_new.folder <> p_old.folder then
        p_new.folder := trim(both '/' from p_new.folder);
    end if;
    v_fault := media_sync.fault_of_edit(p_old, p_new);
    if v_fault is not null then
        raise exception '%', v_fault using errcode = '22023';
    end if;
    return p_new;
end
$$;

-- The columns that people edit.
create function media_sync.edited_columns(p_row public.media_assets) returns jsonb
language plpgsql immutable set search_path = pg_catalog, pg_temp as $$
begin
    return jsonb_build_object(
        'cloudinary_public_id', p_row.cloudinary_public_id, 'folder', p_row.folder, 'display_name', p_row.display_name,
        'tags', p_row.tags, 'context', p_row.context, 'metadata', p_row.metadata,
        'description', p_row.description, 'alt_text', p_row.alt_text, 'deleted_at', p_row.deleted_at
    );
end
$$;

-- The tag of an asset's state: the values that people edit, and the version of the content. What the mirror notes beside
-- them does not change it.
create function media_sync.etag_of(p_row public.media_assets) returns text
language plpgsql immutable set search_path = pg_catalog, pg_temp as $$
begin
    return left(encode(sha256(convert_to((
        media_sync.edited_columns(p_row) || jsonb_build_object(
            'deleted_at', p_row.deleted_at is not null, 'version', p_row.cloudinary_version)
    )::text, 'UTF8')), 'hex'), 32);
end
$$;

-- The columns in which two states of a row differ: {"from", "to"}.
create function media_sync.differences(p_from jsonb, p_to jsonb) returns jsonb
language plpgsql immutable set search_path = pg_catalog, pg_temp as $$
begin
    return (
        select jsonb_build_object(
            'from', coalesce(jsonb_object_agg(key, value), '{}'),
            'to', coalesce(jsonb_object_agg(key, p_to -> key), '{}')
        )
        from jsonb_each(p_from) where value is distinct from p_to -> key
    );
end
$$;

-- Refuses decisions that would make an intent too large: what accumulates until Cloudinary has confirmed it.
create function media_sync.bound_intent(p_intent jsonb, p_row public.media_assets) returns void
language plpgsql immutable set search_path = pg_catalog, pg_temp as $$
declare
    c_most constant integer := 262144;
    v_bytes constant integer := octet_length(p_intent::text);
begin
    -- What came from Cloudinary may be larger than what people write, and has to be undone at once.
    if v_bytes > c_most and v_bytes > c_most + 4 * octet_length(media_sync.edited_columns(p_row)::text) then
        raise exception 'too many changes of the asset wait for Cloudinary: try again when its sync_status is synced'
            using errcode = 'PT409';
    end if;
end
$$;

-- Refuses a change beyond the user's budget of the last hour: nobody spends everybody's quota, or floods the trail. The
-- trail counts it. PostgREST tells when to try again. Editors and administrators have no budget: their work is the library.
create function media_sync.spend_change(p_user uuid) returns void
language plpgsql stable set search_path = pg_catalog, pg_temp as $$
declare
    v_most constant bigint := media_sync.changes_per_hour();
    v_first timestamptz;
begin
    -- The change that has to leave the hour before there is room for another.
    select occurred_at into v_first
    from public.media_sync_log
    where actor = p_user and occurred_at > now() - interval '1 hour'
        and operation in ('edit_requested', 'delete_requested', 'restore_requested', 'described')
    order by occurred_at desc, id desc
    offset greatest(v_most - 1, 0) limit 1;
    if v_first is not null then
        perform media_sync.refuse_for_now(
            format('a user changes assets %s times an hour at most', v_most), v_first + interval '1 hour');
    end if;
end
$$;

-- True for the tombstone of an asset that an administrator has had forgotten (`media_sync_forget`). Nobody else can take a
-- row's version away.
create function media_sync.is_forgotten(p_row public.media_assets) returns boolean
language sql immutable set search_path = pg_catalog, pg_temp as $$
    select p_row.deleted_at is not null and p_row.cloudinary_version is null and p_row.observed is null
        and p_row.cloudinary_public_id = 'forgotten/' || p_row.id
$$;

-- True if the caller may undo a delete: their own, one in Cloudinary, or any if they edit everything. So an owner does not
-- bring back what an administrator has deleted. Nobody brings back what was forgotten.
create function media_sync.may_restore(p_row public.media_assets) returns boolean
language sql stable set search_path = pg_catalog, pg_temp as $$
    select (p_row.deleted_by is null or coalesce(p_row.deleted_by = auth.uid(), false) or media_sync.edits_all())
        and not media_sync.is_forgotten(p_row)
$$;

create function media_sync.decide() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    v_user uuid := auth.uid();
    v_at bigint;
    v_intent jsonb := coalesce(old.intent, '{}');
    v_before jsonb := v_intent;
    v_operation text;
    v_tags jsonb;
    -- Tags to add and to remove, also where the row seems to have them so: Cloudinary's news may be under way.
    v_asked jsonb;
    v_fault text := media_sync.fault_of_description(old, new);
    v_place_fault text;
    v_format_fault text;
begin
    -- Observations and bookkeeping are no decisions.
    if current_setting('media_sync.observing', true) = 'on' then
        return new;
    end if;
    if v_user is not null and not media_sync.may_write() then
        raise exception 'readers write nothing' using errcode = '42501';
    end if;
    if v_fault is not null then
        raise exception '%', v_fault using errcode = '22023';
    end if;
    v_asked := coalesce(nullif(current_setting('media_sync.asked_tags', true), ''), '{}');
    -- Later than everything that the caller can have seen, whatever the clocks say.
    select greatest((extract(epoch from clock_timestamp()) * 1000000)::bigint, max(value::bigint) + 1) into v_at
    from jsonb_each_text(old.clocks - 'changed');

    if v_asked <> '{}'
        or (old.cloudinary_public_id, old.folder, old.display_name, old.tags, old.context, old.metadata)
        is distinct from
        (new.cloudinary_public_id, new.folder, new.display_name, new.tags, new.context, new.metadata)
    then
        new := media_sync.check_edit(old, new);
        if (old.cloudinary_public_id, old.folder) <> (new.cloudinary_public_id, new.folder) then
            v_place_fault := media_sync.fault_of_place(old, new);
            if v_place_fault is not null then
                raise exception '%', v_place_fault using errcode = 'PT403';
            end if;
        end if;
        if new.cloudinary_public_id <> old.cloudinary_public_id then
            v_format_fault := case when new.resource_type = 'raw' then
                media_sync.fault_of_extension(old.cloudinary_public_id, new.cloudinary_public_id) end;
            if v_format_fault is not null then
                raise exception '%', v_format_fault using errcode = 'PT415';
            end if;
            v_intent := v_intent || jsonb_build_object('public_id', media_sync.wish(
                v_intent -> 'public_id', to_jsonb(old.cloudinary_public_id), to_jsonb(new.cloudinary_public_id), v_at));
        end if;
        if new.folder <> old.folder then
            v_intent := v_intent || jsonb_build_object('folder', media_sync.wish(
                v_intent -> 'folder', to_jsonb(old.folder), to_jsonb(new.folder), v_at));
        end if;
        if new.display_name is distinct from old.display_name then
            v_intent := v_intent || jsonb_build_object('display_name', media_sync.wish(
                v_intent -> 'display_name', coalesce(to_jsonb(old.display_name), 'null'), to_jsonb(new.display_name), v_at));
        end if;
        select coalesce(v_intent -> 'tags', '{}')
            || coalesce((select jsonb_object_agg(tag, true) from unnest(new.tags) tag where tag <> all (old.tags)), '{}')
            || coalesce((select jsonb_object_agg(tag, false) from unnest(old.tags) tag where tag <> all (new.tags)), '{}')
            || v_asked
        into v_tags;
        if v_tags <> '{}' then
            v_intent := v_intent || jsonb_build_object('tags', v_tags);
        end if;
        if new.context <> old.context then
            v_intent := v_intent || jsonb_build_object('context',
                media_sync.pair_wishes(v_intent -> 'context', old.context, new.context, v_at));
        end if;
        if new.metadata <> old.metadata then
            v_intent := v_intent || jsonb_build_object('metadata',
                media_sync.pair_wishes(v_intent -> 'metadata', old.metadata, new.metadata, v_at));
        end if;
        -- Tags are a set: another order is no edit.
        new.tags := media_sync.tags_over(coalesce(old.observed -> 'tags', to_jsonb(old.tags)), v_tags);
        -- To ask again is to decide again: the wish outlasts news from before.
        if v_intent <> v_before or v_asked <> '{}' then
            new.observed := coalesce(old.observed, jsonb_build_object(
                'cloudinary_public_id', old.cloudinary_public_id, 'folder', old.folder,
                'display_name', old.display_name, 'tags', old.tags, 'context', old.context, 'metadata', old.metadata
            ));
            v_operation := 'edit_requested';
        end if;
    end if;

    if old.deleted_at is not null and new.deleted_at is not null
        and (new.description is distinct from old.description or new.alt_text is distinct from old.alt_text)
    then
        raise exception 'the asset is deleted: restore it before you edit it' using errcode = 'PT409';
    end if;
    if old.deleted_at is null and new.deleted_at is not null then
        if old.cloudinary_asset_id is null then
            raise exception 'the asset is still being uploaded: try again when its sync_status is synced'
                using errcode = 'PT409';
        end if;
        perform media_sync.count_delete();
        perform media_sync.refuse_if_used(old);
        new.deleted_at := now();
        new.deleted_by := v_user;
        v_intent := v_intent || jsonb_build_object('existence', jsonb_build_object(
            'op', 'delete', 'version', old.cloudinary_version, 'etag', old.cloudinary_etag));
        v_operation := 'delete_requested';
    elsif old.deleted_at is not null and new.deleted_at is null then
        if media_sync.is_forgotten(old) then
            raise exception 'this asset was forgotten: upload it again' using errcode = '42501';
        end if;
        if v_user is not null and not media_sync.may_restore(old) then
            raise exception 'somebody else has deleted this asset: ask an administrator to restore it'
                using errcode = '42501';
        end if;
        new.deleted_by := null;
        v_intent := v_intent || '{"existence": {"op": "restore"}}';
        v_operation := 'restore_requested';
    else
        new.deleted_at := old.deleted_at;
    end if;

    if v_operation is not null then
        -- A delete adds next to nothing. What was wished before must not stand in its way.
        if v_operation <> 'delete_requested' then
            perform media_sync.bound_intent(v_intent, old);
        end if;
        new.intent := v_intent || jsonb_build_object('at', v_at, 'by', v_user);
        new.intent_revision := old.intent_revision + 1;
        new.sync_status := 'pending';
        new.sync_error_code := null;
        new.sync_error_message := null;
        new.sync_retry_count := 0;
        -- Not sent yet. A caller that sends it at once is quicker than the drain.
        new.sync_next_attempt_at := now() + make_interval(secs => coalesce(
            nullif(current_setting('media_sync.sent_within', true), '')::integer, 0));
    elsif new.description is distinct from old.description or new.alt_text is distinct from old.alt_text then
        v_operation := 'described';
    end if;
    if v_operation is not null then
        if v_user is not null and not media_sync.edits_all() then
            perform media_sync.spend_change(v_user);
        end if;
        insert into public.media_sync_log (
            operation, source, asset_row_id, cloudinary_asset_id, cloudinary_public_id, resource_type, actor, details
        ) values (
            v_operation, coalesce(nullif(current_setting('media_sync.source', true), ''), 'database'),
            old.id, old.cloudinary_asset_id, old.cloudinary_public_id, old.resource_type, v_user,
            media_sync.differences(media_sync.edited_columns(old), media_sync.edited_columns(new))
                || case when v_asked <> '{}' then jsonb_build_object('asked_tags', v_asked) else '{}' end
        );
    end if;
    return new;
end
$$;

create trigger decide before update on public.media_assets
    for each row execute function media_sync.decide();

-- Refuses names that are free here, and in Cloudinary are not until their holders' own decisions are carried out. And the
-- other way round: an asset does not leave a name that another is to get already. Once a statement has made all its
-- changes, since it takes rows in any order, and a chain of renames would pass in one order and not in another.
create function media_sync.keep_names_apart() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    v_observed text := coalesce(new.observed ->> 'cloudinary_public_id', new.cloudinary_public_id);
begin
    if current_setting('media_sync.observing', true) is distinct from 'on' and exists (
        select from public.media_assets o
        where o.id <> new.id and o.intent is not null
            and o.resource_type = new.resource_type and o.delivery_type = new.delivery_type
            and (o.deleted_at is null or o.intent -> 'existence' ->> 'op' = 'delete')
            and (
                coalesce(o.observed ->> 'cloudinary_public_id', o.cloudinary_public_id) = new.cloudinary_public_id
                or o.deleted_at is null and o.cloudinary_public_id = v_observed
            )
    ) then
        raise exception 'another asset still has this public id in Cloudinary: try again in a moment'
            using errcode = 'PT409';
    end if;
    return null;
end
$$;

create trigger keep_names_apart after update on public.media_assets
    for each row when (new.cloudinary_public_id <> old.cloudinary_public_id)
    execute function media_sync.keep_names_apart();

-- Lets one transaction of a user at a time change assets: the budget counts the entries of the former.
create function media_sync.take_turns() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    if current_setting('media_sync.observing', true) is distinct from 'on' then
        perform media_sync.take_turn_to_change();
    end if;
    return null;
end
$$;

-- The same, for a function that locks rows before it changes them: whoever takes the turn after a row waits in a circle.
create function media_sync.take_turn_to_change() returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
    if auth.uid() is not null and not media_sync.edits_all() then
        perform media_sync.take_turn('public.media_assets', auth.uid());
    end if;
end
$$;

create trigger take_turns before update on public.media_assets
    for each statement execute function media_sync.take_turns();

revoke execute on function media_sync.wish, media_sync.pair_wishes, media_sync.without_empty, media_sync.tags_over,
    media_sync.asked_tags, media_sync.etag_of,
    media_sync.text_rules, media_sync.blank_end, media_sync.faulty_text, media_sync.doubtful_pairs, media_sync.fault_of_text, media_sync.fault_of_pair,
    media_sync.fault_of_pairs, media_sync.fault_of_tags, media_sync.fault_of_edit, media_sync.fault_of_own_text,
    media_sync.fault_of_description, media_sync.fault_of_place, media_sync.fault_of_extension, media_sync.size_rules, media_sync.fault_of_size,
    media_sync.bytes_of_tags, media_sync.check_edit, media_sync.edited_columns, media_sync.differences,
    media_sync.bound_intent, media_sync.spend_change, media_sync.is_forgotten, media_sync.may_restore, media_sync.decide, media_sync.keep_names_apart,
    media_sync.take_turns, media_sync.take_turn_to_change
    from public;
-- Readers tell the tag in their callers' names.
grant execute on function media_sync.edited_columns, media_sync.etag_of to authenticated, service_role;

$migration$; end if; end $once$;

notify pgrst, 'reload schema';
