//! `mediasync migrations`: lists the migrations, or copies them into a team's own folder.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::database::DatabaseOption;
use super::migrate::Source;
use crate::exit::Exit;
use crate::failure::{Failure, chain};
use crate::migrations::apply::DatabaseStanding;
use crate::migrations::copy::{
    CopyPlan, MigrationCopy, now, plan_copies, read_team_folder, write_copies,
};
use crate::migrations::{AppliedMigration, FolderError, Migration};
use crate::output::Output;

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Copy the migrations into your project's folder of migrations, behind your own
    ///
    /// Each copy gets a timestamp after the folder's last file, and keeps the version that it records inside.
    /// Copies that are there already are not made again.
    Copy(CopyArguments),
    /// List the migrations, and which of them a database has
    List(ListArguments),
}

#[derive(Debug, Args)]
pub(super) struct CopyArguments {
    /// The folder: usually supabase/migrations
    dir: PathBuf,
    /// Only show which files would be made
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    source: Source,
}

#[derive(Debug, Args)]
pub(super) struct ListArguments {
    #[command(flatten)]
    database: DatabaseOption,
    #[command(flatten)]
    source: Source,
}

pub(super) async fn run(command: Command, output: &Output) -> Result<Exit, Failure> {
    match command {
        Command::Copy(arguments) => copy(&arguments, output),
        Command::List(arguments) => list(&arguments, output).await,
    }
}

fn copy(arguments: &CopyArguments, output: &Output) -> Result<Exit, Failure> {
    let ours = arguments.source.read()?;
    let there = read_team_folder(&arguments.dir)?;
    let plan = plan_copies(&ours, &there, now())?;
    for copy in &plan.altered {
        output.warn(&format!(
            "{} is not the text of {}: either you have changed it, or this mediasync is of another version",
            copy.file,
            copy.migration.file_name()
        ));
    }
    if !arguments.dry_run {
        write_copies(&arguments.dir, &plan)?;
    }
    output.say(&summary(&plan, arguments));
    let entries = |copies: &[MigrationCopy<'_>]| -> Vec<Value> {
        copies
            .iter()
            .map(|one| json!({"version": one.migration.version, "name": one.migration.name, "file": one.file}))
            .collect()
    };
    let value = json!({
        "copied": entries(&plan.new),
        "already": entries(&plan.already),
        "dry_run": arguments.dry_run,
    });
    let lines: Vec<String> = plan.new.iter().map(|copy| copy.file.clone()).collect();
    output.data(&value, &lines);
    Ok(Exit::Ok)
}

fn summary(plan: &CopyPlan<'_>, arguments: &CopyArguments) -> String {
    let folder = arguments.dir.display();
    match (plan.new.len(), arguments.dry_run) {
        (0, _) => format!("{folder} has every migration"),
        (count, true) => format!("would copy {count} into {folder}:"),
        (count, false) => format!(
            "copied {count} into {folder}; next: commit the files, then run `supabase db push`"
        ),
    }
}

async fn list(arguments: &ListArguments, output: &Output) -> Result<Exit, Failure> {
    let ours = arguments.source.read()?;
    let ledger = if arguments.database.address()?.is_some() {
        let client = arguments.database.connect(output).await?;
        Some(DatabaseStanding::read(&client).await?.ledger)
    } else {
        output.say("no database is named: these are the migrations of this mediasync");
        None
    };
    let unknown: Vec<&AppliedMigration> = ledger
        .iter()
        .flatten()
        .filter(|theirs| ours.iter().all(|ours| ours.version != theirs.version))
        .collect();
    if !unknown.is_empty() {
        output.warn("the database has migrations that this mediasync does not know");
    }
    let value = json!({
        "migrations": ours.iter().map(|one| entry(one, ledger.as_deref())).collect::<Vec<_>>(),
        "unknown": unknown.iter().map(|one| json!({"version": one.version, "name": one.name, "applied_at": one.applied_at})).collect::<Vec<_>>(),
    });
    let mut lines: Vec<String> = ours
        .iter()
        .map(|one| line(one, ledger.as_deref()))
        .collect();
    lines.extend(
        unknown
            .iter()
            .map(|one| format!("{} {:<24} unknown", one.version, one.name)),
    );
    output.data(&value, &lines);
    Ok(Exit::Ok)
}

fn applied_at<'a>(migration: &Migration, ledger: &'a [AppliedMigration]) -> Option<&'a str> {
    let entry = ledger.iter().find(|one| one.version == migration.version)?;
    Some(&entry.applied_at)
}

fn entry(migration: &Migration, ledger: Option<&[AppliedMigration]>) -> Value {
    let at = ledger.and_then(|ledger| applied_at(migration, ledger));
    json!({
        "version": migration.version,
        "name": migration.name,
        "applied": ledger.map(|_| at.is_some()),
        "applied_at": at,
    })
}

fn line(migration: &Migration, ledger: Option<&[AppliedMigration]>) -> String {
    let Migration { version, name, .. } = migration;
    match ledger.map(|ledger| applied_at(migration, ledger)) {
        None => format!("{version} {name}"),
        Some(None) => format!("{version} {name:<24} pending"),
        Some(Some(at)) => format!("{version} {name:<24} applied {at}"),
    }
}

impl From<FolderError> for Failure {
    fn from(error: FolderError) -> Self {
        Self::new(Exit::Failed, chain(&error))
    }
}
