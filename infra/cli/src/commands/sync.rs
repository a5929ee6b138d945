//! `mediasync sync`: makes a run, and waits for its end.

use clap::Args;
use media_sync::sync::store::RunMode;
use media_sync::time::Timestamp;
use serde_json::{Value, json};

use crate::configuration::{Configuration, ConfigurationSource, SUPABASE_SECRET_KEY, SUPABASE_URL};
use crate::deployment::{DeployedFunction, Deployment};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::{self, Output};
use crate::runs::follow::{AwaitedRun, FollowedRun, another_run, start_and_follow};
use crate::runs::patience::RunPatience;
use crate::runs::{RunDescription, RunStanding};
use crate::words::span;

/// Its options.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Compare the whole library; the default
    #[arg(long, conflicts_with_all = ["incremental", "public_ids"])]
    full: bool,
    /// Look only at what changed since the last good run
    #[arg(long, conflicts_with = "public_ids")]
    incremental: bool,
    /// Look only at the assets of this public id, in every resource type; may be repeated
    #[arg(long = "public-id", value_name = "ID")]
    public_ids: Vec<String>,
    /// Only compare, and say what would be done
    #[arg(long)]
    dry_run: bool,
    /// Let the run delete as many rows as it finds missing in Cloudinary
    ///
    /// Without it a run stops before it deletes more than 20 rows and more than a tenth of all. See what is missing with
    /// --dry-run first.
    #[arg(long)]
    allow_mass_delete: bool,
    /// Start the run, and do not wait for its end
    #[arg(long)]
    no_wait: bool,
    #[command(flatten)]
    source: ConfigurationSource,
}

impl Arguments {
    fn wanted(&self) -> AwaitedRun {
        let mode = match (self.incremental, self.public_ids.is_empty()) {
            (true, _) => RunMode::Incremental,
            (false, false) => RunMode::Named,
            (false, true) => RunMode::Full,
        };
        AwaitedRun {
            mode,
            dry_run: self.dry_run,
            allow_mass_delete: self.allow_mass_delete,
            public_ids: self.public_ids.clone(),
        }
    }
}

pub(super) async fn run(arguments: Arguments, output: &Output) -> Result<Exit, Failure> {
    let wanted = arguments.wanted();
    let mass = "Let the run delete as many rows as it finds missing in Cloudinary?";
    if wanted.allow_mass_delete && !wanted.dry_run && !output.confirms(mass) {
        return Err(Failure::new(
            Exit::Failed,
            "nothing was started, as you said",
        ));
    }
    if arguments.no_wait {
        let deployment = Deployment::find(&arguments.source.stack.name).await?;
        deployment
            .invoke_later(DeployedFunction::Reconcile, &wanted.event())
            .await?;
        output.say("the run was asked for; mediasync status shows it");
        output.data(&json!({"waited": false}), &[]);
        return Ok(Exit::Ok);
    }
    let needed = [SUPABASE_URL, SUPABASE_SECRET_KEY];
    let configuration = Configuration::find(&arguments.source, &[], &needed).await?;
    let supabase = configuration.supabase()?;
    let deployment = Deployment::find(&arguments.source.stack.name).await?;
    let patience = RunPatience::UntilItRests;
    let followed = tokio::select! {
        followed = start_and_follow(&wanted, &deployment, &supabase, patience, output) => followed?,
        _ = tokio::signal::ctrl_c() => {
            output.say("a run that has begun goes on without this command; mediasync status shows it");
            return Ok(Exit::TryAgain);
        }
    };
    conclude(&wanted, &followed, output)
}

fn conclude(wanted: &AwaitedRun, followed: &FollowedRun, output: &Output) -> Result<Exit, Failure> {
    let run = &followed.run;
    let now = Timestamp::now();
    let standing = run.standing(now);
    if followed.joined {
        output.say("a run was going on already, and was followed instead of a new one");
    }
    let exit = match standing {
        RunStanding::Failed => return Err(run.failure()),
        RunStanding::RestsForQuota(until) => {
            output.say(&format!(
                "the run rests for Cloudinary's quota and goes on by itself in {} ({})",
                span(until.since(now)),
                until.to_the_second()
            ));
            Exit::TryAgain
        }
        RunStanding::RestsAfterFault | RunStanding::Working => {
            output.say(&format!(
                "the run rests and is tried again by itself: {}",
                run.error_message
                    .as_deref()
                    .unwrap_or("a fault that passes")
            ));
            Exit::TryAgain
        }
        RunStanding::Done | RunStanding::Differs if followed.joined && !wanted.is_met_by(run) => {
            return Err(another_run(run));
        }
        RunStanding::Done => Exit::Ok,
        RunStanding::Differs => Exit::Difference,
    };
    if matches!(standing, RunStanding::Done | RunStanding::Differs) {
        let took = run.finished_at.unwrap_or(now).since(run.started_at);
        output.say(&format!(
            "{} run: {}, in {}",
            run.mode_word(),
            run.result(),
            span(took)
        ));
    }
    for name in &followed.not_found {
        output.warn(&format!("neither side has, or had, an asset {name}"));
    }
    output.data(&to_json(followed), &differences(run));
    Ok(exit)
}

fn to_json(followed: &FollowedRun) -> Value {
    json!({
        "waited": true,
        "joined": followed.joined,
        "run": followed.run,
        "not_found": followed.not_found,
    })
}

/// The kinds of differences that a dry run has found, with an example of each.
fn differences(run: &RunDescription) -> Vec<String> {
    let Some(drift) = &run.drift else {
        return Vec::new();
    };
    let kinds = [
        ("missing_here", "missing in the database"),
        ("missing_there", "missing in Cloudinary"),
        ("different", "different"),
    ];
    let rows: Vec<[String; 3]> = kinds
        .into_iter()
        .filter_map(|(key, words)| {
            let count = drift[key]["count"].as_u64().filter(|count| *count > 0)?;
            let example = drift[key]["examples"][0]["public_id"].as_str();
            let example = example.unwrap_or_default().escape_debug().to_string();
            Some([words.to_owned(), count.to_string(), example])
        })
        .collect();
    output::table(["DIFFERENCE", "ASSETS", "SUCH AS"], &rows)
}
