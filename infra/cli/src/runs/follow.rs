//! Starts a run through the function `reconcile`, and follows it in the database.

use std::time::Duration;

use media_sync::supabase::DataApi;
use media_sync::sync::store::RunMode;
use media_sync::time::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;

use super::patience::{NextStep, RunPatience};
use super::progress::RunBar;
use super::{RunDescription, RunOverview, RunStanding, overview};
use crate::deployment::{DeployedFunction, Deployment};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::Output;

/// Between two looks into the database.
const PAUSE: Duration = Duration::from_secs(1);

/// Looks in a row that may fail while a run is followed: an outage of the database passes.
const FAILED_LOOKS: u32 = 60;

/// The run that is wanted.
#[derive(Debug, Clone)]
pub struct AwaitedRun {
    /// The run's extent.
    pub mode: RunMode,
    /// Only compares.
    pub dry_run: bool,
    /// May delete as many rows as it finds missing.
    pub allow_mass_delete: bool,
    /// The assets of a run over named ones.
    pub public_ids: Vec<String>,
}

impl AwaitedRun {
    /// The event that asks for it.
    pub fn event(&self) -> Value {
        let mut event = json!({"mode": self.mode});
        if self.dry_run {
            event["dry_run"] = true.into();
        }
        if self.allow_mass_delete {
            event["allow_mass_delete"] = true.into();
        }
        if self.mode == RunMode::Named {
            event["public_ids"] = json!(self.public_ids);
        }
        event
    }

    /// True when a run that was there before does as much as was asked for.
    pub fn is_met_by(&self, run: &RunDescription) -> bool {
        let enough = run.mode == RunMode::Full || run.mode == self.mode;
        // A run that was there before may not delete what this one would be allowed to.
        run.dry_run == self.dry_run && enough && !self.allow_mass_delete
    }
}

/// A run that was followed until it ended or rests.
#[derive(Debug)]
pub struct FollowedRun {
    /// Its present state.
    pub run: RunDescription,
    /// It was there before.
    pub joined: bool,
    /// Names under which neither side has anything.
    pub not_found: Vec<String>,
}

/// The function's answer.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Answer {
    status: String,
    run_id: Option<Uuid>,
    joined: bool,
    not_found: Vec<String>,
}

/// Starts the run and waits for its end, as long as `patience` has it.
///
/// # Errors
/// When it cannot be started or followed.
pub async fn start_and_follow(
    wanted: &AwaitedRun,
    deployment: &Deployment,
    supabase: &DataApi,
    patience: RunPatience,
    output: &Output,
) -> Result<FollowedRun, Failure> {
    let before = overview(supabase, None).await?;
    let watch = Watch::new(supabase, patience, &before, output);
    let followed = follow_closely(wanted, deployment, &watch).await;
    watch.bar.end();
    followed
}

/// Waits for the end of a run that somebody else has started.
///
/// # Errors
/// When it cannot be followed.
pub async fn join(
    run: &RunDescription,
    before: &RunOverview,
    supabase: &DataApi,
    patience: RunPatience,
    output: &Output,
) -> Result<RunDescription, Failure> {
    let watch = Watch::new(supabase, patience, before, output);
    let run = watch.follow(run.run_id).await;
    watch.bar.end();
    run
}

async fn follow_closely(
    wanted: &AwaitedRun,
    deployment: &Deployment,
    watch: &Watch<'_>,
) -> Result<FollowedRun, Failure> {
    let supabase = watch.supabase;
    let event = wanted.event();
    let invoked = tokio::select! {
        answer = deployment.invoke(DeployedFunction::Reconcile, &event) => answer,
        () = watch.look_on() => unreachable!("it watches for ever"),
    };
    let answer: Answer = match invoked {
        Ok(answer) => serde_json::from_value(answer).unwrap_or_default(),
        Err(failure) => Answer {
            run_id: Some(after_a_failed_call(failure, watch).await?),
            ..Answer::default()
        },
    };
    let (run_id, joined) = match (answer.run_id, answer.status.as_str()) {
        (Some(run_id), _) => (run_id, answer.joined),
        (None, _) => match overview(supabase, None).await?.current_run {
            Some(run) if wanted.is_met_by(&run) => (run.run_id, true),
            Some(run) => return Err(another_run(&run)),
            None => return Err(lost()),
        },
    };
    let run = watch.follow(run_id).await?;
    Ok(FollowedRun {
        run,
        joined,
        not_found: answer.not_found,
    })
}

/// The answer may have been lost on its way, or the slice has failed and the run rests.
async fn after_a_failed_call(failure: Failure, watch: &Watch<'_>) -> Result<Uuid, Failure> {
    let current = overview(watch.supabase, None).await?.current_run;
    let rests =
        |run: &RunDescription| run.standing(Timestamp::now()) == RunStanding::RestsAfterFault;
    match current {
        Some(run) if watch.patience == RunPatience::UntilItEnds || rests(&run) => Ok(run.run_id),
        Some(_) => Err(Failure {
            exit: Exit::TryAgain,
            ..failure
        }
        .detail("run", Some("a run goes on: mediasync status"))),
        None => Err(failure),
    }
}

/// Somebody who waits for a run.
struct Watch<'a> {
    supabase: &'a DataApi,
    patience: RunPatience,
    bar: RunBar,
    output: &'a Output,
}

impl<'a> Watch<'a> {
    fn new(
        supabase: &'a DataApi,
        patience: RunPatience,
        before: &RunOverview,
        output: &'a Output,
    ) -> Self {
        Self {
            supabase,
            patience,
            bar: RunBar::new(before.stats.total_assets),
            output,
        }
    }

    /// Moves the bar while the function works. Never ends.
    async fn look_on(&self) {
        loop {
            tokio::time::sleep(PAUSE).await;
            if let Ok(seen) = overview(self.supabase, None).await
                && let Some(run) = &seen.current_run
            {
                self.bar.show(run, Timestamp::now());
            }
        }
    }

    async fn follow(&self, run_id: Uuid) -> Result<RunDescription, Failure> {
        let mut failed = 0;
        let mut has_told = false;
        loop {
            let seen = match overview(self.supabase, Some(run_id)).await {
                Err(failure) if failure.exit == Exit::TryAgain && failed < FAILED_LOOKS => {
                    failed += 1;
                    tokio::time::sleep(PAUSE).await;
                    continue;
                }
                seen => seen?,
            };
            failed = 0;
            let run = seen.run.ok_or_else(lost)?;
            let now = Timestamp::now();
            match self.patience.next_step(&run, now) {
                NextStep::Return => return Ok(run),
                NextStep::GiveUp => return Err(silent(&run)),
                NextStep::WaitUntil(moment) if !has_told => {
                    has_told = true;
                    self.bar.keep(&rest(moment), self.output);
                }
                NextStep::Wait | NextStep::WaitUntil(_) => {}
            }
            self.bar.show(&run, now);
            tokio::time::sleep(PAUSE).await;
        }
    }
}

fn rest(moment: Timestamp) -> String {
    format!(
        "the run rests until {}, because Cloudinary's hourly quota is kept for people; it goes on by itself, and this \
         command may be ended",
        moment.to_the_second()
    )
}

fn silent(run: &RunDescription) -> Failure {
    Failure::new(
        Exit::TryAgain,
        "the run has shown no sign of life for 20 minutes",
    )
    .detail("run", Some(run.run_id.to_string()))
    .mend("mediasync doctor, then run this again")
}

/// Another run is in the way.
pub fn another_run(run: &RunDescription) -> Failure {
    let kind = if run.dry_run { "dry run" } else { "run" };
    Failure::new(
        Exit::TryAgain,
        format!(
            "another {kind} ({}) goes on; yours was not started",
            run.mode_word()
        ),
    )
    .mend("mediasync status shows when it will have ended; run the same command again then")
}

fn lost() -> Failure {
    Failure::new(
        Exit::TryAgain,
        "the run that was started is not in the database",
    )
    .mend("mediasync status shows the last runs; run the same command again")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted(mode: RunMode) -> AwaitedRun {
        AwaitedRun {
            mode,
            dry_run: false,
            allow_mass_delete: false,
            public_ids: vec!["a".to_owned()],
        }
    }

    #[test]
    fn events_are_those_of_the_schedules_and_their_options() {
        assert_eq!(wanted(RunMode::Full).event(), json!({"mode": "full"}));
        let named = AwaitedRun {
            dry_run: true,
            ..wanted(RunMode::Named)
        };
        let event = json!({"mode": "named", "public_ids": ["a"], "dry_run": true});
        assert_eq!(named.event(), event);
        let allowed = AwaitedRun {
            allow_mass_delete: true,
            ..wanted(RunMode::Full)
        };
        let event = json!({"mode": "full", "allow_mass_delete": true});
        assert_eq!(allowed.event(), event);
    }

    #[test]
    fn run_that_was_there_has_to_do_as_much() {
        let run = |mode: RunMode, dry_run: bool| -> RunDescription {
            let value = json!({
                "run_id": Uuid::nil(), "mode": mode, "trigger": "schedule", "dry_run": dry_run, "status": "running",
                "error_code": null, "error_message": null, "started_at": "2026-01-01T00:00:00Z", "finished_at": null,
                "resume_at": null, "predicted_end": null,
            });
            serde_json::from_value(value).unwrap()
        };
        let (full, incremental) = (RunMode::Full, RunMode::Incremental);
        for (asked, there, dry, met) in [
            (full, full, false, true),
            (incremental, full, false, true),
            (incremental, incremental, false, true),
            (full, incremental, false, false),
            (full, full, true, false),
        ] {
            assert_eq!(
                wanted(asked).is_met_by(&run(there, dry)),
                met,
                "{asked:?} {there:?} {dry}"
            );
        }
        let allowed = AwaitedRun {
            allow_mass_delete: true,
            ..wanted(full)
        };
        assert!(!allowed.is_met_by(&run(full, false)));
    }
}
