-- What happened: runs, notifications, the audit trail.
do $once$ begin if media_sync.begin_migration('20261122090100', 'media_sync_records') then execute $migration$

create table public.sync_runs (
    id              uuid primary key default gen_random_uuid(),
    mode            text not null check (mode in ('full', 'incremental', 'named')),
    trigger         text not null check (trigger in ('schedule', 'api', 'invocation')),
    requested_by    uuid,
    options         jsonb not null default '{}',
    -- A dry run compares and changes nothing; what it found is its `drift`.
    dry_run         boolean not null default false,
    drift           jsonb,
    -- `succeeded` is written by the step that has compared the counts, and by nothing else.
    status          text not null default 'running'
                    check (status in ('running', 'succeeded', 'failed', 'stopped')),
    error_code      text,
    error_message   text,
    -- The checkpoint: where the next slice goes on. `step` guards it against a second writer.
    checkpoint      jsonb not null default '{}',
    step            bigint not null default 0,
    lease           uuid,
    lease_until     timestamptz,
    counters        jsonb not null default '{}',
    -- The start on Cloudinary's clock, from both sides: certainly not before it (what was seen alive
    -- after that cannot be missing), and certainly not after it.
    started_clock   bigint,
    floor_clock     bigint,
    -- The start of the last good run before this one: an incremental run reads what is newer.
    since_clock     bigint,
    -- Until then the run rests, because Cloudinary's hourly quota is kept for people.
    resume_at       timestamptz,
    -- When a full run will have ended, by its pace so far.
    predicted_end   timestamptz,
    -- What was left of the quota after the newest step, of people's calls too.
    quota_remaining integer,
    -- What the step that granted success has counted.
    verification    jsonb,
    started_at      timestamptz not null default now(),
    heartbeat_at    timestamptz not null default now(),
    finished_at     timestamptz,
    -- Whether the run says something of the whole mirror.
    is_good         boolean not null generated always as
                    (status = 'succeeded' and not dry_run and mode <> 'named') stored,
    constraint sync_runs_end check ((status = 'running') = (finished_at is null))
);

-- One run at a time. (Runs over named assets are recorded when they have ended.)
create unique index sync_runs_single_flight on public.sync_runs ((true)) where status = 'running';
create index sync_runs_recent on public.sync_runs (started_at desc);
create index sync_runs_last_good on public.sync_runs (mode, finished_at desc) where is_good;

-- Cloudinary's hourly quota as its answers told it last. One row: it is one account's.
create table public.cloudinary_quota (
    singleton   boolean primary key default true check (singleton),
    quota_limit integer not null,
    remaining   integer not null,
    -- When `remaining` is `quota_limit` again; past means that it is. Both on Cloudinary's clock.
    reset_at    timestamptz not null,
    seen_at     timestamptz not null
);

-- Which assets a run's listing has shown, one row a page: what is missing from all of them is a
-- suspect. Asset ids are 128 bits, so a page of 500 takes 8 kB.
create table public.sync_run_pages (
    run_id    uuid not null references public.sync_runs on delete cascade,
    step      bigint not null,
    asset_ids uuid[] not null,
    primary key (run_id, step)
);

create table public.media_notifications (
    -- SHA-256 over the signature's timestamp and the raw body: Cloudinary numbers nothing.
    digest              text primary key,
    signature_timestamp timestamptz not null,
    -- Null where the webhook did not tell it yet.
    signature_algorithm text check (signature_algorithm in ('sha1', 'sha256')),
    notification_type   text,
    triggered_at        timestamptz,
    received_at         timestamptz not null,
    processed_at        timestamptz not null default now(),
    -- How often it was taken again: delivered twice, or replayed.
    replays             integer not null default 0,
    asset_ids           text[] not null default '{}',
    verdict             text not null check (verdict in ('applied', 'superseded', 'parked')),
    reason              text,
    body                text not null,
    body_is_base64      boolean not null default false
);

create index media_notifications_received on public.media_notifications (received_at, digest);
create index media_notifications_assets on public.media_notifications using gin (asset_ids);

-- Notifications that the webhook refused: the last of each reason and of each API key that they claim to be signed
-- with, which nothing proves.
create table media_sync.refused_notifications (
    reason        text not null check (length(reason) <= 64),
    signature_key text not null check (signature_key ~ '^[0-9A-Za-z_-]{0,32}$'),
    algorithm     text check (algorithm in ('sha1', 'sha256')),
    times         bigint not null,
    first_at      timestamptz not null,
    last_at       timestamptz not null,
    primary key (reason, signature_key)
);

create table public.media_sync_log (
    id                   bigint generated always as identity primary key,
    occurred_at          timestamptz not null default now(),
    operation            text not null,
    status               text not null default 'success' check (status in ('success', 'failed')),
    source               text not null
                         check (source in ('webhook', 'reconcile', 'outbound', 'api', 'database')),
    asset_row_id         uuid,
    cloudinary_asset_id  text,
    cloudinary_public_id text,
    resource_type        text,
    actor                uuid,
    run_id               uuid,
    error_code           text,
    error_message        text,
    processing_time_ms   integer,
    details              jsonb
);

comment on table public.media_sync_log is
    'The audit trail: one row for every change of state, written in the same transaction. Append-only.';

create index media_sync_log_newest on public.media_sync_log (occurred_at desc, id desc);
create index media_sync_log_asset on public.media_sync_log (cloudinary_asset_id, id desc);

alter table public.sync_runs enable row level security;
alter table public.sync_run_pages enable row level security;
alter table public.cloudinary_quota enable row level security;
alter table public.media_notifications enable row level security;
alter table public.media_sync_log enable row level security;
alter table media_sync.refused_notifications enable row level security;

revoke all on public.sync_runs, public.sync_run_pages, public.cloudinary_quota, public.media_notifications,
    public.media_sync_log from anon, authenticated, service_role;
revoke all on sequence public.media_sync_log_id_seq from anon, authenticated, service_role;
grant select on public.sync_runs, public.cloudinary_quota to authenticated, service_role;
grant select on public.media_notifications, public.media_sync_log to authenticated, service_role;
grant select on media_sync.refused_notifications to authenticated, service_role;

create policy sync_runs_read on public.sync_runs for select to authenticated using (true);
create policy cloudinary_quota_read on public.cloudinary_quota for select to authenticated using (true);
create policy media_notifications_read on public.media_notifications for select to authenticated
    using ((select media_sync.is_admin()));
create policy refused_notifications_read on media_sync.refused_notifications for select to authenticated
    using ((select media_sync.is_admin()));
create policy media_sync_log_read on public.media_sync_log for select to authenticated
    using ((select media_sync.is_admin()));

$migration$; end if; end $once$;

notify pgrst, 'reload schema';
