//! The first import: a full run, unless one has succeeded before.

use media_sync::supabase::DataApi;
use media_sync::sync::store::RunMode;
use media_sync::time::Timestamp;

use crate::deployment::Deployment;
use crate::failure::Failure;
use crate::output::Output;
use crate::runs::follow::{AwaitedRun, join, start_and_follow};
use crate::runs::patience::RunPatience;
use crate::runs::{RunStanding, overview};

/// The end of the step.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Imported {
    /// A run had succeeded before.
    Before,
    /// This one has.
    Now {
        /// Assets that Cloudinary listed.
        listed: u64,
    },
}

/// Starts the import unless it runs or has run, and waits for its end.
pub(crate) async fn run(
    stack_name: &str,
    supabase: &DataApi,
    output: &Output,
) -> Result<Imported, Failure> {
    let patience = RunPatience::UntilItEnds;
    let before = overview(supabase, None).await?;
    if before.last_sync.is_some() {
        return Ok(Imported::Before);
    }
    let run = match &before.current_run {
        Some(run) => join(run, &before, supabase, patience, output).await?,
        None => {
            let deployment = Deployment::find(stack_name).await?;
            let wanted = AwaitedRun {
                mode: RunMode::Full,
                dry_run: false,
                allow_mass_delete: false,
                public_ids: Vec::new(),
            };
            start_and_follow(&wanted, &deployment, supabase, patience, output)
                .await?
                .run
        }
    };
    match run.standing(Timestamp::now()) {
        RunStanding::Failed => Err(run.failure()),
        _ => Ok(Imported::Now {
            listed: run.counters.listed,
        }),
    }
}
