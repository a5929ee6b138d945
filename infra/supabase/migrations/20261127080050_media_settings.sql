-- Settings that functions and triggers read alike, such as the rules of uploads. Credentials stay in the deployment's
-- secret.
do $once$ begin if media_sync.begin_migration('20261127080050', 'media_settings') then execute $migration$
set local search_path = pg_catalog, pg_temp;

-- The settings that there are, their keys, the JSON type of each, and its words where only some are taken. The library
-- has the same keys (shared/src/upload/rules.rs, shared/src/access_rules.rs, shared/src/settings/user_limits.rs), and a
-- test compares both.
create function media_sync.setting_keys() returns table (setting text, key text, kind text, words text[])
language sql immutable set search_path = pg_catalog, pg_temp as $$
    values
        ('UPLOAD_RULES', 'prefix', 'string', null::text[]),
        ('UPLOAD_RULES', 'max_bytes', 'number', null),
        ('UPLOAD_RULES', 'formats', 'array', null),
        ('UPLOAD_RULES', 'active_formats', 'array', null),
        ('UPLOAD_RULES', 'resource_types', 'array', null),
        ('UPLOAD_RULES', 'valid_seconds', 'number', null),
        ('UPLOAD_RULES', 'remote_hosts', 'array', null),
        ('UPLOAD_RULES', 'remote_http', 'boolean', null),
        ('ACCESS_RULES', 'allow_anonymous', 'string', array['no', 'read']),
        ('ACCESS_RULES', 'admin_aal', 'string', array['aal1', 'aal2']),
        ('ACCESS_RULES', 'guarded_files', 'string', array['owner', 'everybody']),
        ('ACCESS_RULES', 'guarded_links', 'string', array['expiring', 'lasting']),
        ('USER_LIMITS', 'changes_per_hour', 'number', null),
        ('USER_LIMITS', 'uploads_per_hour', 'number', null),
        ('USER_LIMITS', 'seconds_between_rounds', 'number', null)
$$;

-- The fault of a setting's name or shape, or null. The command knows finer rules: it refuses numbers out of range.
create function media_sync.fault_of_setting(p_name text, p_value jsonb) returns text
language sql immutable set search_path = pg_catalog, pg_temp as $$
    select case
        when not exists (select from media_sync.setting_keys() where setting = p_name) then
            format('there is no setting %s: there are %s', left(p_name, 64), (
                select string_agg(distinct setting, ', ' order by setting) from media_sync.setting_keys()
            ))
        when p_value is null then null
        when jsonb_typeof(p_value) <> 'object' then p_name || ' must be a JSON object'
        else (
            select case
                when jsonb_typeof(given.value) = known.kind then format(
                    '%s.%s must be one of %s', p_name, known.key, array_to_string(known.words, ', '))
                when known.key is not null then format('%s.%s must be a JSON %s', p_name, known.key, known.kind)
                else format('%s has no key %s: there are %s', p_name, left(given.key, 64), (
                    select string_agg(key, ', ' order by key) from media_sync.setting_keys() where setting = p_name
                ))
            end
            from jsonb_each(p_value) as given
            left join media_sync.setting_keys() as known on known.setting = p_name and known.key = given.key
            where known.key is null or jsonb_typeof(given.value) <> known.kind
                or given.value #>> '{}' <> all (known.words)
            order by given.key
            limit 1
        )
    end
$$;

create table media_sync.settings (
    name       text primary key,
    -- Null for a setting that was taken back: its defaults count, and a former value in the secret does not return.
    value      jsonb,
    changed_at timestamptz not null default now(),
    constraint settings_fit check (media_sync.fault_of_setting(name, value) is null)
);

comment on table media_sync.settings is
    'Settings that functions and triggers read alike, one row each. mediasync config set writes them.';

alter table media_sync.settings enable row level security;
revoke all on media_sync.settings from public, anon, authenticated, service_role;

-- A setting for functions that run as their owner, such as triggers; null where its defaults count.
create function media_sync.setting(p_name text) returns jsonb
language sql stable set search_path = pg_catalog, pg_temp as $$
    select value from media_sync.settings where name = p_name
$$;

-- The prefix of a user's names, without slashes at its ends; null for anywhere, which has to be asked for by an empty
-- one. The library has the same default.
create function media_sync.prefix_of(p_user uuid) returns text
language sql stable set search_path = pg_catalog, pg_temp as $$
    select nullif(
        replace(
            trim(both '/' from coalesce(media_sync.setting('UPLOAD_RULES') ->> 'prefix', 'users/{user_id}')),
            '{user_id}', p_user::text
        ),
        ''
    )
$$;

-- The changes of assets that one user may ask for within an hour. The library has the same default.
create function media_sync.changes_per_hour() returns bigint
language sql stable set search_path = pg_catalog, pg_temp as $$
    select coalesce((media_sync.setting('USER_LIMITS') ->> 'changes_per_hour')::bigint, 1000)
$$;

-- The uploads that one user may begin within an hour. The library has the same default.
create function media_sync.uploads_per_hour() returns bigint
language sql stable set search_path = pg_catalog, pg_temp as $$
    select coalesce((media_sync.setting('USER_LIMITS') ->> 'uploads_per_hour')::bigint, 1000)
$$;

-- The time between two rounds of calls for one asset, once a few have followed each other. Wishes add up meanwhile. The
-- library has the same default.
create function media_sync.time_between_rounds() returns interval
language sql stable set search_path = pg_catalog, pg_temp as $$
    select make_interval(
        secs => coalesce((media_sync.setting('USER_LIMITS') ->> 'seconds_between_rounds')::double precision, 120)
    )
$$;

-- Formats whose files act: browsers or machines carry them out. The library has the same list (shared/src/upload/active.rs).
create function media_sync.active_formats() returns text[]
language sql immutable set search_path = pg_catalog, pg_temp as $$
    select regexp_split_to_array(btrim('
        1km aab ac aml apk app applescript application appx appxbundle asp aspx atom atomcat atomdeleted atomsvc
        bash bat bdo bmml ccxml cdfx cdxml chm cjs class cmd coffee com command cpl crx csh csl dae davmount dbk
        dcmp dd2 ddf deb desktop dll dmg drv dtb dtd dwd dylib ear ecma elf emma emotionml es es3 et3 exe fdt fish
        fo gadget gml gpx grxml hal held hlp hta htc htm html inf ink inkml ipa irp its jar jnlp js jse jsp jspx jsx
        kml ksh lasxml lbe lgr link66 litcoffee lnk lostxml macho mads maei mathml meta4 metalink mets mht mhtm
        mhtml mjs mml mods mpd mpf mpkg mpp mrcx mscml msh msh1 msh2 msi msix msixbundle msp musd musicxml mxml ncx
        obgx ocx omdoc opf osfpvg osm owl phar php php3 php4 php5 php7 php8 phps pht phtml pif pkg pl pls pm provx
        ps1 ps1xml ps2 psd1 pskcxml psm1 py pyw pyz rapd rb rdf reg relo res rif rl rld rng rpm rs rsat rsd rsheet
        rss run rusd sbml scf scpt scptd scr sct sdkd sdkm senmlx sensmlx sh shf shtm shtml sls smi smil so sru srx
        ssdl ssml stpx svg svgz swf swidtag sys tcl td tei teicorpus tfi tk tsx ttml udeb uo uoml url uvt uvvt vb
        vbe vbs vxml wadl war wasm wbs webloc website wif ws wsc wsdl wsf wsh wspolicy x3d x3dz xaml xav xbap xbl
        xca xcs xdcf xdf xdm xdp xdssc xel xenc xer xht xhtm xhtml xhvml xlf xll xml xns xop xpi xpl xsd xsf xsl
        xslt xsm xspf xul xvm xvml yin zaz zmm zsh
    ', E' \n'), '\s+')
$$;

-- The extension of a public id, by which Cloudinary delivers a raw file; null if it has none. Windows drops the dots and
-- blanks at a name's end when it saves the file.
create function media_sync.extension_of(p_public_id text) returns text
language sql immutable set search_path = pg_catalog, pg_temp as $$
    select lower(substring(p_public_id from '\.([A-Za-z0-9]{1,16})[. ]*$'))
$$;

-- The formats that a key of UPLOAD_RULES lists, as extensions are written here.
create function media_sync.listed_formats(p_key text) returns setof text
language sql stable set search_path = pg_catalog, pg_temp as $$
    select lower(ltrim(listed, '.'))
    from (select media_sync.setting('UPLOAD_RULES') -> p_key as formats) rules,
        jsonb_array_elements_text(coalesce(formats, '[]')) listed
$$;

-- True unless files of this format act, and UPLOAD_RULES do not ask for them.
create function media_sync.takes_format(p_format text) returns boolean
language sql stable set search_path = pg_catalog, pg_temp as $$
    select coalesce(p_format <> all (media_sync.active_formats()), true)
        or p_format in (select media_sync.listed_formats('active_formats'))
        or p_format in (select media_sync.listed_formats('formats'))
$$;

-- Refuses for some time, in the form in which PostgREST answers 429 and says when to try again.
create function media_sync.refuse_for_now(p_message text, p_until timestamptz) returns void
language plpgsql stable set search_path = pg_catalog, pg_temp as $$
begin
    raise sqlstate 'PGRST' using
        message = jsonb_build_object('code', 'PT429', 'message', p_message)::text,
        detail = jsonb_build_object('status', 429, 'headers', jsonb_build_object(
            'Retry-After', greatest(ceil(extract(epoch from p_until - now())), 1)::bigint::text
        ))::text;
end
$$;

-- True if a name lies below a prefix, part by part: `users/ab` is not below `users/a`.
create function media_sync.is_below(p_name text, p_prefix text) returns boolean
language sql immutable set search_path = pg_catalog, pg_temp as $$
    select starts_with(p_name, p_prefix || '/') and length(p_name) > length(p_prefix) + 1
$$;

-- True if neither the public id nor the folder lies outside a prefix; the folder may be the prefix itself.
create function media_sync.is_within(p_public_id text, p_folder text, p_prefix text) returns boolean
language sql immutable set search_path = pg_catalog, pg_temp as $$
    select media_sync.is_below(p_public_id, p_prefix)
        and (p_folder = p_prefix or media_sync.is_below(p_folder, p_prefix))
$$;

-- Every setting that was ever set: {name: {"value": object or null, "changed_at"}}.
create function public.media_sync_settings() returns jsonb
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    select coalesce(
        jsonb_object_agg(name, jsonb_build_object('value', value, 'changed_at', changed_at)), '{}'
    )
    from media_sync.settings
$$;

-- Writes a setting; null takes it back. The audit trail has both values. With p_only_new it is written only if it was never set. Answers true if
-- something was written.
create function public.media_sync_set_setting(p_name text, p_value jsonb, p_only_new boolean default false)
returns boolean
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    v_value jsonb := nullif(p_value, 'null');
    v_fault text := media_sync.fault_of_setting(p_name, v_value);
    v_before constant jsonb := media_sync.setting(p_name);
begin
    if v_fault is not null then
        raise exception '%', v_fault using errcode = '22023';
    end if;
    insert into media_sync.settings as s (name, value) values (p_name, v_value)
    on conflict (name) do update set value = excluded.value, changed_at = now()
    where (not p_only_new) and s.value is distinct from excluded.value;
    if not found then
        return false;
    end if;
    insert into public.media_sync_log (operation, source, actor, details)
    values ('setting_changed', 'database', auth.uid(), jsonb_build_object('name', p_name, 'from', v_before, 'to', v_value));
    return true;
end
$$;

revoke execute on function media_sync.setting_keys, media_sync.fault_of_setting, media_sync.setting,
    media_sync.prefix_of, media_sync.active_formats, media_sync.extension_of, media_sync.listed_formats,
    media_sync.takes_format, media_sync.changes_per_hour, media_sync.uploads_per_hour, media_sync.time_between_rounds,
    media_sync.refuse_for_now, media_sync.is_below, media_sync.is_within from public;
revoke execute on function public.media_sync_settings, public.media_sync_set_setting from public, anon, authenticated,
    service_role;
grant execute on function public.media_sync_settings, public.media_sync_set_setting to service_role;

$migration$; end if; end $once$;

notify pgrst, 'reload schema';
