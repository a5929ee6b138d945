//! Errors between a database and the migrations.

use tokio_postgres::error::DbError;

use super::plan::PlanError;
use crate::exit::Exit;
use crate::failure::{Failure, chain};

/// A migration that failed. The database is as it was before.
#[derive(Debug, thiserror::Error)]
pub enum MigrateError {
    /// The ledger does not fit the migrations.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// The database lacks a part that every Supabase project has.
    #[error("the database {database} belongs to no Supabase project: it lacks {}", missing.join(", "))]
    NotSupabase {
        /// Its name.
        database: String,
        /// The file or tool that was looked for.
        missing: Vec<String>,
    },
    /// `public.media_assets` is there and the ledger is not.
    #[error("public.media_assets exists, and no migration of ours has recorded itself")]
    ForeignTables,
    /// The database takes no writes.
    #[error("the database takes no writes at the moment")]
    ReadOnly,
    /// The role lacks a right that the migrations need.
    #[error("the role {role} cannot apply the migrations: it lacks {}", lacks.join(", "))]
    NotAllowed {
        /// The role of the connection.
        role: String,
        /// The missing privileges.
        lacks: Vec<String>,
    },
    /// Somebody else has applied migrations for too long.
    #[error("another `mediasync migrate` has held this database's lock for {minutes} minutes")]
    Locked {
        /// The time that was waited.
        minutes: u64,
    },
    /// PostgreSQL refused a migration.
    #[error("{file}{}: {}", line.map(|line| format!(", line {line}")).unwrap_or_default(), error.message())]
    Refused {
        /// The migration's file name.
        file: String,
        /// The line of the statement, where it could be found.
        line: Option<usize>,
        /// The server's words.
        error: Box<DbError>,
    },
    /// A migration ran and is not in the ledger.
    #[error("{file} has not recorded its version in media_sync.schema_versions")]
    NotRecorded {
        /// The migration's file name.
        file: String,
    },
    /// Anything else between us and the database.
    #[error("{doing} failed")]
    Database {
        /// The step.
        doing: String,
        /// The driver's error.
        #[source]
        source: tokio_postgres::Error,
    },
}

impl MigrateError {
    pub(super) fn database(doing: &str) -> impl FnOnce(tokio_postgres::Error) -> Self {
        move |source| Self::Database {
            doing: doing.to_owned(),
            source,
        }
    }
}

const START_ANEW: &str = "an installation of a development version is not carried over: \
    start anew, as docs/operate/migrations.md says under \"Starting anew\"";

impl From<MigrateError> for Failure {
    fn from(error: MigrateError) -> Self {
        let message = error.to_string();
        let failed = || Self::new(Exit::Failed, &message);
        match error {
            MigrateError::Plan(PlanError::Newer(_)) => {
                failed().mend("use the mediasync of the newer version")
            }
            MigrateError::Plan(PlanError::OlderHistory(_)) => failed().mend(START_ANEW),
            MigrateError::ForeignTables => failed().mend(format!(
                "if the table is media-sync's own, {START_ANEW}; if it is yours, rename it first"
            )),
            MigrateError::NotSupabase { .. } => failed().mend(
                "check the database's name in the address: a Supabase project's is `postgres`",
            ),
            MigrateError::NotRecorded { .. } => {
                failed().mend("every migration has to call media_sync.begin_migration; nothing was applied")
            }
            MigrateError::ReadOnly => Self::new(Exit::TryAgain, &message).mend(
                "a project whose disk is full is read-only until it has space (dashboard: Database, Settings, Disk); \
                 a read replica always is: use the primary's address",
            ),
            MigrateError::NotAllowed { role, .. } => Self::new(Exit::NotAllowed, &message)
                .mend(if role == "postgres" {
                    "grant it the missing right; on Supabase the role postgres has it from the beginning".to_owned()
                } else {
                    "connect as postgres, as `supabase db push` does".to_owned()
                }),
            MigrateError::Locked { .. } => {
                Self::new(Exit::TryAgain, &message).mend("wait until it has ended, then run this again")
            }
            MigrateError::Refused { error, .. } => refused(&message, &error),
            MigrateError::Database { source, .. } => unanswered(&message, &source),
        }
    }
}

fn refused(message: &str, error: &DbError) -> Failure {
    let exit = Exit::of_sql_state(error.code());
    let failure = Failure::new(exit, message)
        .detail("detail", error.detail())
        .detail("hint", error.hint())
        .detail("code", Some(error.code().code()));
    match exit {
        Exit::TryAgain => failure.mend("nothing was applied; run this again later"),
        Exit::NotAllowed => {
            failure.mend("nothing was applied; connect as postgres, as `supabase db push` does")
        }
        _ => failure.mend("nothing was applied: the database is as it was"),
    }
}

fn unanswered(message: &str, error: &tokio_postgres::Error) -> Failure {
    match error.as_db_error() {
        Some(error) => Failure::new(
            Exit::of_sql_state(error.code()),
            format!("{message}: {}", error.message()),
        )
        .detail("detail", error.detail())
        .detail("hint", error.hint())
        .detail("code", Some(error.code().code())),
        None => Failure::new(Exit::TryAgain, format!("{message}: {}", chain(error)))
            .mend("the connection was lost; run this again: it does the rest"),
    }
}
