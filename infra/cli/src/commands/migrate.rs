//! `mediasync migrate`: applies the migrations that a database lacks.

use std::path::PathBuf;

use clap::Args;
use serde_json::{Value, json};

use super::database::DatabaseOption;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::migrations::apply::{DatabaseStanding, apply};
use crate::migrations::plan::MigrationPlan;
use crate::migrations::{self, Migration};
use crate::output::Output;

/// Its options.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    database: DatabaseOption,
    /// Only show what would be applied
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    source: Source,
}

/// The set of migrations, which developers may replace.
#[derive(Debug, Args)]
pub(super) struct Source {
    /// Take the migrations of a folder instead of the built-in ones
    #[arg(long, value_name = "DIR", hide = true)]
    from: Option<PathBuf>,
}

impl Source {
    pub(super) fn read(&self) -> Result<Vec<Migration>, Failure> {
        match &self.from {
            None => Ok(migrations::embedded()),
            Some(folder) => Ok(migrations::from_folder(folder)?),
        }
    }
}

pub(super) async fn run(arguments: Arguments, output: &Output) -> Result<Exit, Failure> {
    let ours = arguments.source.read()?;
    let mut client = arguments.database.connect(output).await?;
    let standing = DatabaseStanding::read(&client).await?;
    let plan = standing.plan(&ours)?;
    let count = plan.pending.len();
    if count == 0 {
        output.say("the database has every migration");
        report(&plan, arguments.dry_run, output);
        return Ok(Exit::Ok);
    }
    if arguments.dry_run {
        output.say(&format!("would apply {}:", migrations_in_words(count)));
        report(&plan, true, output);
        return Ok(Exit::Ok);
    }
    let question = format!(
        "Apply {} to the database {} as {}?",
        migrations_in_words(count),
        standing.facts.database,
        standing.facts.role
    );
    if !output.confirms(&question) {
        return Err(Failure::new(
            Exit::Failed,
            "nothing was applied, as you said",
        ));
    }
    let plan = apply(&mut client, &ours, output).await?;
    output.say(&format!(
        "applied {}",
        migrations_in_words(plan.pending.len())
    ));
    report(&plan, false, output);
    Ok(Exit::Ok)
}

fn migrations_in_words(count: usize) -> String {
    match count {
        1 => "1 migration".to_owned(),
        count => format!("{count} migrations"),
    }
}

fn report(plan: &MigrationPlan<'_>, dry_run: bool, output: &Output) {
    let entries = |migrations: &[&Migration]| -> Vec<Value> {
        migrations
            .iter()
            .map(|one| json!({"version": one.version, "name": one.name}))
            .collect()
    };
    let value = json!({
        "applied": entries(&plan.pending),
        "already": entries(&plan.already),
        "dry_run": dry_run,
    });
    let lines: Vec<String> = plan
        .pending
        .iter()
        .map(|one| format!("{} {}", one.version, one.name))
        .collect();
    output.data(&value, &lines);
}
