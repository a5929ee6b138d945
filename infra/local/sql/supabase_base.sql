-- A hosted Supabase project before its first migration: roles, attributes, owners, settings and grants.
-- Facts: supabase/postgres (migrations/db) and supabase/auth (migrations). `supabase_admin`, the cluster's only
-- superuser, runs this. The stack sets the passwords.

-- --- Roles ---------------------------------------------------------------------------------------

-- Everything that a team does reaches the database as this role: the CLI, the SQL editor, the poolers.
create role postgres login createdb createrole replication bypassrls;
create role anon nologin;
create role authenticated nologin;
create role service_role nologin bypassrls;
create role authenticator login noinherit;
create role supabase_auth_admin login noinherit createrole;
create role supabase_storage_admin login noinherit createrole;
create role supabase_replication_admin login replication;
create role supabase_read_only_user login bypassrls;
create role dashboard_user nologin createdb createrole replication;

grant anon, authenticated, service_role to authenticator;
grant anon, authenticated, service_role to postgres with admin option;
grant anon, authenticated, service_role to supabase_storage_admin;
grant pg_monitor, pg_read_all_data, pg_signal_backend to postgres;
grant pg_read_all_data to supabase_read_only_user;

-- Besides, a hosted project preloads `safeupdate` here, which npm does not have: sql_rules applies its rule instead.
-- `service_role` has no limit of its own, so the workers' calls get this one.
alter role authenticator set statement_timeout = '8s';
alter role authenticator set lock_timeout = '8s';
alter role anon set statement_timeout = '3s';
alter role authenticated set statement_timeout = '8s';
alter role supabase_auth_admin set search_path = 'auth';
alter role supabase_auth_admin set idle_in_transaction_session_timeout = 60000;
alter role postgres set search_path = "$user", public, extensions;
alter role supabase_admin set search_path = "$user", public, auth, extensions;

-- --- Database and schemas ----------------------------------------------------------------------------

alter database postgres owner to postgres;
alter database postgres set search_path = "$user", public, extensions;
grant all on database postgres to postgres, dashboard_user;

revoke create on schema public from public;
grant usage on schema public to postgres, anon, authenticated, service_role;

create schema extensions authorization postgres;
grant usage on schema extensions to postgres, anon, authenticated, service_role;
grant all on schema extensions to dashboard_user;
create extension pgcrypto with schema extensions;
create extension "uuid-ossp" with schema extensions;
create extension pg_stat_statements with schema extensions;
grant all on all routines in schema extensions to postgres with grant option;

-- Empty here. What is in them belongs to services that this project does not meet.
create schema storage;
grant usage on schema storage to postgres, anon, authenticated, service_role;
create schema graphql_public;
grant usage on schema graphql_public to postgres, anon, authenticated, service_role;
create schema vault;
grant usage on schema vault to postgres;

-- --- Auth -----------------------------------------------------------------------------------------

create schema auth;
grant all on schema auth to supabase_auth_admin, dashboard_user;
grant usage on schema auth to postgres, anon, authenticated, service_role;
alter default privileges for role supabase_auth_admin in schema auth grant all on tables to postgres, dashboard_user;
alter default privileges for role supabase_auth_admin in schema auth grant all on sequences to postgres, dashboard_user;
alter default privileges for role supabase_auth_admin in schema auth grant all on routines to postgres, dashboard_user;

-- From here on as Auth's own migrations run.
set role supabase_auth_admin;

create table auth.users (
    instance_id          uuid,
    id                   uuid primary key,
    aud                  varchar(255),
    role                 varchar(255),
    email                varchar(255),
    encrypted_password   varchar(255),
    email_confirmed_at   timestamptz,
    invited_at           timestamptz,
    confirmation_token   varchar(255),
    confirmation_sent_at timestamptz,
    recovery_token       varchar(255),
    recovery_sent_at     timestamptz,
    last_sign_in_at      timestamptz,
    raw_app_meta_data    jsonb,
    raw_user_meta_data   jsonb,
    is_super_admin       boolean,
    created_at           timestamptz,
    updated_at           timestamptz,
    phone                text unique default null,
    phone_confirmed_at   timestamptz,
    confirmed_at         timestamptz generated always as (least(email_confirmed_at, phone_confirmed_at)) stored,
    banned_until         timestamptz,
    is_sso_user          boolean not null default false,
    deleted_at           timestamptz,
    is_anonymous         boolean not null default false
);
create unique index users_email_partial_key on auth.users (email) where is_sso_user = false;
alter table auth.users enable row level security;

create function auth.uid() returns uuid language sql stable as $$
    select coalesce(
        nullif(current_setting('request.jwt.claim.sub', true), ''),
        (nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'sub')
    )::uuid
$$;

create function auth.role() returns text language sql stable as $$
    select coalesce(
        nullif(current_setting('request.jwt.claim.role', true), ''),
        (nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'role')
    )::text
$$;

create function auth.email() returns text language sql stable as $$
    select coalesce(
        nullif(current_setting('request.jwt.claim.email', true), ''),
        (nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'email')
    )::text
$$;

create function auth.jwt() returns jsonb language sql stable as $$
    select coalesce(
        nullif(current_setting('request.jwt.claim', true), ''),
        nullif(current_setting('request.jwt.claims', true), '')
    )::jsonb
$$;

reset role;

-- --- Realtime's publication -----------------------------------------------------------------------------

set role postgres;
create publication supabase_realtime;
reset role;
