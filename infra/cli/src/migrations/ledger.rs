//! Reads a database's own state before anything is applied.

use tokio_postgres::{Client, GenericClient, Row};

use super::apply::MigrateError;
use super::plan::AppliedMigration;

/// Facts that decide whether migrations can be applied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LedgerFacts {
    /// The role that this connection acts as.
    pub role: String,
    /// The database's name.
    pub database: String,
    /// The privileges that the role lacks.
    pub lacks: Vec<String>,
    /// Parts of every Supabase project that are not there.
    pub missing: Vec<String>,
    /// True when the database takes no writes now.
    pub read_only: bool,
    /// True when the ledger is there.
    pub has_ledger: bool,
    /// True when the table of media is there.
    pub has_media: bool,
}

/// The catalogs answer without privileges on the listed objects, which `to_regclass` and its like do not.
const FACTS: &str = "
select current_user::text as role,
    current_database()::text as database,
    (select array_agg(lack) from (values
        (format('CREATE on database %I', current_database()),
            has_database_privilege(current_database(), 'CREATE')),
        ('CREATE on schema public', (select has_schema_privilege(oid, 'CREATE') from pg_catalog.pg_namespace where nspname = 'public')),
        ('the ownership of schema media_sync', (select pg_has_role(nspowner, 'USAGE') from pg_catalog.pg_namespace where nspname = 'media_sync'))
    ) as privileges (lack, given) where not given) as lacks,
    (select array_agg(part) from (values
        ('the role anon', exists (select from pg_catalog.pg_roles where rolname = 'anon')),
        ('the role authenticated', exists (select from pg_catalog.pg_roles where rolname = 'authenticated')),
        ('the role service_role', exists (select from pg_catalog.pg_roles where rolname = 'service_role')),
        ('the function auth.uid()', exists (select from pg_catalog.pg_proc join pg_catalog.pg_namespace n on n.oid = pronamespace
            where nspname = 'auth' and proname = 'uid'))
    ) as parts (part, there) where not there) as missing,
    current_setting('transaction_read_only') = 'on' as read_only,
    exists (select from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = relnamespace
        where nspname = 'media_sync' and relname = 'schema_versions') as has_ledger,
    exists (select from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = relnamespace
        where nspname = 'public' and relname = 'media_assets') as has_media";

const LEDGER: &str = r#"
select version, name, to_char(applied_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') as applied_at
from media_sync.schema_versions order by version"#;

impl LedgerFacts {
    /// Asks the database.
    ///
    /// # Errors
    /// The connection fails.
    pub async fn read(client: &Client) -> Result<Self, MigrateError> {
        let row = client
            .query_one(FACTS, &[])
            .await
            .map_err(MigrateError::database("reading our role"))?;
        let list = |name| row.get::<_, Option<Vec<String>>>(name).unwrap_or_default();
        Ok(Self {
            role: row.get("role"),
            database: row.get("database"),
            lacks: list("lacks"),
            missing: list("missing"),
            read_only: row.get("read_only"),
            has_ledger: row.get("has_ledger"),
            has_media: row.get("has_media"),
        })
    }

    /// Refuses a database that the migrations were not made for.
    ///
    /// # Errors
    /// Says which condition is not met; conditions for writing are left to [`LedgerFacts::allow_writing`].
    pub fn allow_reading(&self) -> Result<(), MigrateError> {
        if !self.missing.is_empty() {
            return Err(MigrateError::NotSupabase {
                database: self.database.clone(),
                missing: self.missing.clone(),
            });
        }
        if self.has_media && !self.has_ledger {
            return Err(MigrateError::ForeignTables);
        }
        Ok(())
    }

    /// Refuses a role or a database that cannot take migrations.
    ///
    /// # Errors
    /// Names the right that the role lacks, or says that the database takes no writes.
    pub fn allow_writing(&self) -> Result<(), MigrateError> {
        if self.read_only {
            return Err(MigrateError::ReadOnly);
        }
        if !self.lacks.is_empty() {
            return Err(MigrateError::NotAllowed {
                role: self.role.clone(),
                lacks: self.lacks.clone(),
            });
        }
        Ok(())
    }
}

/// The ledger's entries by version; without a ledger nothing is applied.
pub(super) async fn read_ledger(
    client: &impl GenericClient,
    has_ledger: bool,
) -> Result<Vec<AppliedMigration>, MigrateError> {
    if !has_ledger {
        return Ok(Vec::new());
    }
    let rows = client
        .query(LEDGER, &[])
        .await
        .map_err(MigrateError::database("reading media_sync.schema_versions"))?;
    Ok(rows.iter().map(applied).collect())
}

fn applied(row: &Row) -> AppliedMigration {
    AppliedMigration {
        version: row.get("version"),
        name: row.get("name"),
        applied_at: row.get("applied_at"),
    }
}
