//! Applies the missing migrations: all in one transaction, or none.
//!
//! One transaction for all files, because a half-migrated database serves neither the old nor the new functions. The
//! files can share one, since each stands in a `do` block and can hold no statement that needs its own.

use tokio_postgres::error::SqlState;
use tokio_postgres::{Client, Transaction};

pub use super::error::MigrateError;
use super::ledger::{self, LedgerFacts};
use super::locate;
use super::plan::{MigrationPlan, plan_migrations};
use super::{AppliedMigration, Migration};
use crate::output::Output;

/// "media_sy" in ASCII: the advisory lock that keeps two from migrating at once.
const LOCK: i64 = 0x6d65_6469_615f_7379;

/// The longest wait for somebody else's migration.
const LOCK_MINUTES: u64 = 5;

/// Migrations may take longer than the two minutes that Supabase gives a statement. They wait for the
/// tables' locks for a short time only, because everybody else queues up behind them.
const LIMITS: &str = "set local statement_timeout = 0; set local lock_timeout = '10s'";

/// A database beside our migrations.
#[derive(Debug)]
pub struct DatabaseStanding {
    /// Our role and database.
    pub facts: LedgerFacts,
    /// The ledger.
    pub ledger: Vec<AppliedMigration>,
}

impl DatabaseStanding {
    /// Reads a database's facts and its ledger.
    ///
    /// # Errors
    /// It cannot be read, or it is no database for these migrations.
    pub async fn read(client: &Client) -> Result<Self, MigrateError> {
        let facts = LedgerFacts::read(client).await?;
        facts.allow_reading()?;
        let ledger = ledger::read_ledger(client, facts.has_ledger).await?;
        Ok(Self { facts, ledger })
    }

    /// Plans the missing migrations.
    ///
    /// # Errors
    /// The ledger does not fit the migrations, or the role may not apply the missing migrations.
    pub fn plan<'a>(&self, ours: &'a [Migration]) -> Result<MigrationPlan<'a>, MigrateError> {
        let plan = plan_migrations(ours, &self.ledger)?;
        if !plan.pending.is_empty() {
            self.facts.allow_writing()?;
        }
        Ok(plan)
    }
}

/// Applies the missing migrations and returns the plan that was carried out.
///
/// # Errors
/// Nothing was applied: the database is as it was.
pub async fn apply<'a>(
    client: &mut Client,
    ours: &'a [Migration],
    output: &Output,
) -> Result<MigrationPlan<'a>, MigrateError> {
    let mut transaction = client
        .transaction()
        .await
        .map_err(MigrateError::database("beginning a transaction"))?;
    lock(&transaction, output).await?;
    // Only now nobody else can be at it.
    let has_ledger = transaction
        .query_one(HAS_LEDGER, &[])
        .await
        .map_err(MigrateError::database("looking for the ledger"))?
        .get(0);
    let ledger = ledger::read_ledger(&transaction, has_ledger).await?;
    let plan = plan_migrations(ours, &ledger)?;
    for gap in &plan.gaps {
        output.warn(&format!(
            "{} is missing although newer ones are applied; it is applied now",
            gap.file_name()
        ));
    }
    for migration in &plan.pending {
        output.say(&format!("applying {}", migration.file_name()));
        run(&mut transaction, migration).await?;
    }
    transaction
        .commit()
        .await
        .map_err(MigrateError::database("committing"))?;
    Ok(plan)
}

const HAS_LEDGER: &str = "
select exists (select from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = relnamespace
    where nspname = 'media_sync' and relname = 'schema_versions')";

/// Takes the lock until the transaction ends.
async fn lock(transaction: &Transaction<'_>, output: &Output) -> Result<(), MigrateError> {
    let taking = "taking the lock";
    let free: bool = transaction
        .query_one("select pg_try_advisory_xact_lock($1)", &[&LOCK])
        .await
        .map_err(MigrateError::database(taking))?
        .get(0);
    if !free {
        output.say("another `mediasync migrate` is at work on this database; waiting for it");
        let patience = format!(
            "set local statement_timeout = 0; set local lock_timeout = '{LOCK_MINUTES}min'"
        );
        transaction
            .batch_execute(&patience)
            .await
            .map_err(MigrateError::database(taking))?;
        transaction
            .execute("select pg_advisory_xact_lock($1)", &[&LOCK])
            .await
            .map_err(|error| match error.code() {
                Some(&SqlState::LOCK_NOT_AVAILABLE) => MigrateError::Locked {
                    minutes: LOCK_MINUTES,
                },
                _ => MigrateError::database(taking)(error),
            })?;
    }
    transaction
        .batch_execute(LIMITS)
        .await
        .map_err(MigrateError::database("setting time limits"))
}

async fn run(transaction: &mut Transaction<'_>, migration: &Migration) -> Result<(), MigrateError> {
    let savepoint = transaction
        .savepoint("migration")
        .await
        .map_err(MigrateError::database("setting a savepoint"))?;
    let Err(error) = savepoint.batch_execute(&migration.text).await else {
        savepoint
            .commit()
            .await
            .map_err(MigrateError::database("releasing a savepoint"))?;
        return recorded(transaction, migration).await;
    };
    // Its answer is not needed: a failure shows in what comes next.
    let _ = savepoint.rollback().await;
    let Some(refusal) = error.as_db_error().cloned() else {
        let doing = format!("applying {}", migration.file_name());
        return Err(MigrateError::database(&doing)(error));
    };
    let line = match crate::exit::Exit::of_sql_state(refusal.code()) {
        crate::exit::Exit::TryAgain => None,
        _ => failing_line(transaction, migration, refusal.message()).await,
    };
    Err(MigrateError::Refused {
        file: migration.file_name(),
        line,
        error: Box::new(refusal),
    })
}

async fn recorded(
    transaction: &Transaction<'_>,
    migration: &Migration,
) -> Result<(), MigrateError> {
    let query =
        "select exists (select from media_sync.schema_versions where version = $1 and name = $2)";
    let found = transaction
        .query_one(query, &[&migration.version, &migration.name])
        .await;
    match found {
        Ok(row) if row.get(0) => Ok(()),
        Ok(_) => Err(MigrateError::NotRecorded {
            file: migration.file_name(),
        }),
        Err(error) if error.code() == Some(&SqlState::UNDEFINED_TABLE) => {
            Err(MigrateError::NotRecorded {
                file: migration.file_name(),
            })
        }
        Err(error) => Err(MigrateError::database("reading the ledger")(error)),
    }
}

/// Runs the statements one by one until one fails with the same words. All of it is rolled back later.
async fn failing_line(
    transaction: &Transaction<'_>,
    migration: &Migration,
    message: &str,
) -> Option<usize> {
    for statement in locate::statements(&migration.text) {
        let Err(error) = transaction.batch_execute(statement.text).await else {
            continue;
        };
        let error = error.as_db_error()?;
        let position = match error.position() {
            Some(tokio_postgres::error::ErrorPosition::Original(position)) => Some(*position),
            _ => None,
        };
        return (error.message() == message).then(|| statement.line_of(position));
    }
    None
}
