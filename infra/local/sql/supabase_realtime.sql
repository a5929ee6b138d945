-- What Supabase's Realtime server keeps in a project's database, as far as migrations and triggers meet it: the
-- publications, the table of messages, and the functions that write and authorize them.

create publication supabase_realtime;

create role supabase_realtime_admin nologin noinherit;
create schema realtime authorization supabase_realtime_admin;
grant usage on schema realtime to anon, authenticated, service_role;

create table realtime.messages (
    topic       text not null,
    extension   text not null,
    payload     jsonb,
    event       text,
    private     boolean default false,
    updated_at  timestamp not null default now(),
    inserted_at timestamp not null default now(),
    id          uuid not null default gen_random_uuid(),
    primary key (id, inserted_at)
) partition by range (inserted_at);
-- The server makes a partition for each day.
create table realtime.messages_default partition of realtime.messages default;

-- Row level security without a policy: nobody may listen or send until a project says who.
alter table realtime.messages enable row level security;
alter table realtime.messages owner to supabase_realtime_admin;
grant select, insert, update on realtime.messages to anon, authenticated, service_role;

-- The topic that somebody wants to join, while the server asks row level security for leave.
create function realtime.topic() returns text language sql stable as $$
    select nullif(current_setting('realtime.topic', true), '')
$$;
alter function realtime.topic() owner to supabase_realtime_admin;

-- A message that cannot be kept is a warning: it must not undo what it tells of.
create function realtime.send(payload jsonb, event text, topic text, private boolean default true) returns void
language plpgsql as $$
declare
    message_id uuid := gen_random_uuid();
begin
    perform set_config('realtime.topic', topic, true);
    insert into realtime.messages (id, payload, event, topic, private, extension)
    values (message_id, jsonb_build_object('id', message_id) || payload, event, topic, private, 'broadcast');
exception when others then
    raise warning 'ErrorSendingBroadcastMessage: %', sqlerrm;
end
$$;
alter function realtime.send owner to supabase_realtime_admin;

-- Through this one the server reads what is to be sent.
create publication supabase_realtime_messages_publication for table realtime.messages;
