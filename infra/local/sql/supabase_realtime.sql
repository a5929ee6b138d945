-- Realtime's part of a project's database, as far as migrations and triggers meet it: the table of messages, and the
-- functions that write and authorize them. Facts: supabase/realtime (lib/realtime/tenants/repo/migrations), with the
-- owners and grants of 2026-07. Realtime's server runs this as `supabase_admin` when it first connects.

create role supabase_realtime_admin nologin noinherit;

create schema realtime;
grant usage on schema realtime to postgres with grant option;
grant usage on schema realtime to anon, authenticated, service_role;
grant all on schema realtime to supabase_realtime_admin;

create table realtime.messages (
    topic          text not null,
    extension      text not null,
    payload        jsonb,
    event          text,
    private        boolean default false,
    updated_at     timestamp not null default now(),
    inserted_at    timestamp not null default now(),
    id             uuid not null default gen_random_uuid(),
    binary_payload bytea,
    primary key (id, inserted_at)
) partition by range (inserted_at);
-- The server makes a partition for each day.
create table realtime.messages_default partition of realtime.messages default;

-- Row level security without a policy: nobody may listen or send until a project says who.
alter table realtime.messages enable row level security;
alter table realtime.messages owner to supabase_realtime_admin;
grant select, insert, update on realtime.messages to postgres, anon, authenticated, service_role;

create table realtime.subscription (
    id              bigint generated always as identity primary key,
    subscription_id uuid not null,
    entity          regclass not null,
    claims          jsonb not null,
    created_at      timestamp not null default timezone('utc', now())
);
alter table realtime.subscription owner to supabase_realtime_admin;

-- The topic that a client wants to join, while the server asks row level security for leave.
create function realtime.topic() returns text language sql stable as $$
    select nullif(current_setting('realtime.topic', true), '')
$$;
alter function realtime.topic() owner to supabase_realtime_admin;

-- A message that cannot be kept is a warning: it must not undo what it tells of. Older and self-hosted versions raise,
-- as this one does where `realtime.raises` is on.
create function realtime.send(payload jsonb, event text, topic text, private boolean default true) returns void
language plpgsql as $$
declare
    message_id uuid := gen_random_uuid();
begin
    perform set_config('realtime.topic', topic, true);
    insert into realtime.messages (id, payload, event, topic, private, extension)
    values (message_id, jsonb_build_object('id', message_id) || payload, event, topic, private, 'broadcast');
exception when others then
    if current_setting('realtime.raises', true) = 'on' then
        raise;
    end if;
    raise warning 'WarnSendingBroadcastMessage: %', sqlerrm;
end
$$;
alter function realtime.send owner to supabase_realtime_admin;

-- The stand-in of the server listens to this instead of decoding the publication below.
create function realtime.tell_local_server() returns trigger language plpgsql as $$
begin
    perform pg_notify('local_realtime', new.id::text);
    return null;
end
$$;
create trigger tell_local_server after insert on realtime.messages
    for each row execute function realtime.tell_local_server();

-- The server reads through this one what is to be sent.
create publication supabase_realtime_messages_publication for table realtime.messages;

-- --- supautils ------------------------------------------------------------------------------------------

-- PostgreSQL lets only a table's owner make policies. On hosted projects the extension supautils lets `postgres` make
-- them on this table too, and do nothing else that owners may. Its stand-in lends the ownership for one such command.

create function extensions.lend_policies() returns event_trigger
language plpgsql security definer set search_path = '' as $$
begin
    if session_user = 'postgres' and not pg_has_role('postgres', 'supabase_realtime_admin', 'usage') then
        grant supabase_realtime_admin to postgres;
        perform set_config('supautils.lent', 'on', true);
    end if;
end
$$;

create function extensions.take_policies_back() returns event_trigger
language plpgsql security definer set search_path = '' as $$
begin
    if current_setting('supautils.lent', true) = 'on' then
        revoke supabase_realtime_admin from postgres;
        perform set_config('supautils.lent', '', true);
    end if;
end
$$;

-- Other tables of the same owner stay closed.
create function extensions.refuse_other_policies() returns event_trigger
language plpgsql security definer set search_path = '' as $$
declare
    v_table text;
begin
    if session_user <> 'postgres' then
        return;
    end if;
    select split_part(object_identity, ' on ', 2) into v_table from pg_event_trigger_ddl_commands()
    where split_part(object_identity, ' on ', 2) like 'realtime.%'
        and split_part(object_identity, ' on ', 2) <> 'realtime.messages';
    if found then
        raise exception 'must be owner of table %', v_table using errcode = '42501';
    end if;
end
$$;

create event trigger lend_policies on ddl_command_start
    when tag in ('CREATE POLICY', 'ALTER POLICY', 'DROP POLICY') execute function extensions.lend_policies();
create event trigger refuse_other_policies on ddl_command_end
    when tag in ('CREATE POLICY', 'ALTER POLICY') execute function extensions.refuse_other_policies();
create event trigger take_policies_back on ddl_command_end
    when tag in ('CREATE POLICY', 'ALTER POLICY', 'DROP POLICY') execute function extensions.take_policies_back();
