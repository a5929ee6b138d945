//! The database's catalog: its objects, their grants, and the settings of its roles.

use std::collections::{BTreeMap, BTreeSet};

use tokio_postgres::{Client, Row};

use super::super::{ProbeResult, SkipReason};
use crate::database::{self, DatabaseAddress};
use crate::failure::chain;
use crate::migrations::apply::DatabaseStanding;
use crate::output::Output;

/// The database's own words.
#[derive(Debug, Clone, Default)]
pub struct DatabaseCatalog {
    /// Versions in `media_sync.schema_versions`.
    pub ledger: Vec<String>,
    /// Grants, row level security and policies, each as a line of SQL.
    pub access: BTreeSet<String>,
    /// Live updates.
    pub realtime: RealtimeParts,
    /// `statement_timeout` of the roles that have one.
    pub timeouts: BTreeMap<String, String>,
}

/// The parts of live updates.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RealtimeParts {
    /// True when the project has Realtime's functions.
    pub offered: bool,
    /// True when users may listen.
    pub policy: bool,
    /// True when the publication is there.
    pub publication: bool,
    /// True when the publication has the table.
    pub published: bool,
    /// The triggers that tell of changes and are switched on.
    pub triggers: Vec<String>,
}

/// Each line is the command that makes it so, except for policies, whose expressions are left out.
const ACCESS: &str = "
with relations as (
    select c.oid, c.relrowsecurity, c.relowner, c.relacl, format('%I.%I', n.nspname, c.relname) as name
    from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
    where n.nspname in ('public', 'media_sync') and c.relkind in ('r', 'p', 'v', 'm')
        and not exists (select from pg_catalog.pg_depend d where d.objid = c.oid and d.deptype = 'e')
), functions as (
    select p.oid, p.proowner, p.proacl
    from pg_catalog.pg_proc p join pg_catalog.pg_namespace n on n.oid = p.pronamespace
    where (n.nspname = 'media_sync' or n.nspname = 'public' and p.proname like 'media\\_%')
        and not exists (select from pg_catalog.pg_depend d where d.objid = p.oid and d.deptype = 'e')
), columns as (
    select r.name, acl.grantee, acl.privilege_type,
        string_agg(quote_ident(a.attname), ', ' order by a.attname) as columns
    from relations r join pg_catalog.pg_attribute a on a.attrelid = r.oid and a.attnum > 0 and not a.attisdropped
        cross join lateral aclexplode(a.attacl) acl
    group by r.name, acl.grantee, acl.privilege_type
), granted (what, object, grantee) as (
    select lower(acl.privilege_type), 'schema ' || n.nspname, acl.grantee
    from pg_catalog.pg_namespace n cross join lateral aclexplode(n.nspacl) acl where n.nspname = 'media_sync'
    union all
    select lower(acl.privilege_type), r.name, acl.grantee
    from relations r cross join lateral aclexplode(r.relacl) acl
    union all
    select format('%s (%s)', lower(privilege_type), columns), name, grantee from columns
    union all
    select lower(acl.privilege_type), 'function ' || f.oid::pg_catalog.regprocedure, acl.grantee
    from functions f cross join lateral aclexplode(coalesce(f.proacl, acldefault('f', f.proowner))) acl
)
select format('grant %s on %s to %s', what, object, case grantee when 0 then 'public' else rolname::text end) as line
from granted left join pg_catalog.pg_roles on pg_roles.oid = grantee
where grantee = 0 or rolname in ('anon', 'authenticated', 'service_role')
union all
select format('alter table %s enable row level security', name) from relations where relrowsecurity
union all
select format('policy %I on %s for %s', p.polname, r.name,
    case p.polcmd when 'r' then 'select' when 'a' then 'insert' when 'w' then 'update' when 'd' then 'delete' else 'all' end)
from pg_catalog.pg_policy p join relations r on r.oid = p.polrelid";

const REALTIME: &str = "
select exists (select from pg_catalog.pg_proc p join pg_catalog.pg_namespace n on n.oid = p.pronamespace
        where n.nspname = 'realtime' and p.proname = 'send') as offered,
    exists (select from pg_catalog.pg_policies
        where schemaname = 'realtime' and tablename = 'messages' and policyname = 'media_sync_listen') as policy,
    exists (select from pg_catalog.pg_publication where pubname = 'supabase_realtime') as publication,
    exists (select from pg_catalog.pg_publication_tables
        where pubname = 'supabase_realtime' and schemaname = 'public' and tablename = 'media_assets') as published,
    array(select t.tgname::text from pg_catalog.pg_trigger t
        where t.tgrelid = to_regclass('public.media_assets') and t.tgname like 'broadcast\\_%'
            and t.tgenabled <> 'D' order by 1) as triggers";

const TIMEOUTS: &str = "
select rolname::text as role, split_part(setting, '=', 2) as timeout
from pg_catalog.pg_roles cross join lateral unnest(rolconfig) setting
where rolname in ('authenticator', 'service_role', 'authenticated') and setting like 'statement\\_timeout=%'";

/// Reads the catalog in one connection.
///
/// # Errors
/// No address is given, nobody answers, or the database is none for these migrations.
pub async fn read(
    address: Option<&DatabaseAddress>,
    output: &Output,
) -> ProbeResult<DatabaseCatalog> {
    let address = address.ok_or_else(|| SkipReason::needs("DATABASE_URL"))?;
    let client = database::connect(address, output)
        .await
        .map_err(|failure| {
            let mend = failure.mend.map(|mend| format!(" ({mend})"));
            SkipReason::because(format!(
                "no connection to the database: {}{}",
                failure.message,
                mend.unwrap_or_default()
            ))
        })?;
    let standing = DatabaseStanding::read(&client).await.map_err(|error| {
        SkipReason::because(format!("the database cannot be judged: {}", chain(&error)))
    })?;
    let ledger = standing.ledger.into_iter().map(|entry| entry.version);
    gather(&client, ledger.collect()).await.map_err(|error| {
        SkipReason::because(format!("reading the catalog failed: {}", chain(&error)))
    })
}

async fn gather(
    client: &Client,
    ledger: Vec<String>,
) -> Result<DatabaseCatalog, tokio_postgres::Error> {
    // Names are then written with their schemas, whatever the role's own path is.
    client
        .batch_execute("set default_transaction_read_only = on; set search_path = ''")
        .await?;
    let access = client.query(ACCESS, &[]).await?;
    let realtime = client.query_one(REALTIME, &[]).await?;
    let timeouts = client.query(TIMEOUTS, &[]).await?;
    Ok(DatabaseCatalog {
        ledger,
        access: access.iter().map(|row| row.get("line")).collect(),
        realtime: realtime_of(&realtime),
        timeouts: timeouts
            .iter()
            .map(|row| (row.get("role"), row.get("timeout")))
            .collect(),
    })
}

fn realtime_of(row: &Row) -> RealtimeParts {
    RealtimeParts {
        offered: row.get("offered"),
        policy: row.get("policy"),
        publication: row.get("publication"),
        published: row.get("published"),
        triggers: row.get("triggers"),
    }
}
