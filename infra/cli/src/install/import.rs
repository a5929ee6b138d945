//! The first import: a full run, started by its function and followed in the database.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use media_sync::supabase::Supabase;
use media_sync::time::Timestamp;
use serde::Deserialize;
use serde_json::json;

use crate::aws::{Account, functions};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::{Output, Progress};

/// Between two looks at a run.
const PAUSE: Duration = Duration::from_secs(1);
/// From the call of the function to its run.
const BEGIN_LIMIT: Duration = Duration::from_secs(90);
/// Without a sign of life: longer than a schedule takes to come round and to take the run over.
const SILENCE_LIMIT: Duration = Duration::from_secs(20 * 60);

/// The end of the step.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Imported {
    /// A full run had succeeded before.
    Before,
    /// This one has.
    Now {
        /// Assets that Cloudinary listed.
        listed: u64,
    },
}

/// The mirror's own word.
#[derive(Debug, Deserialize)]
struct Overview {
    last_sync: Option<Timestamp>,
    current_run: Option<Run>,
    recent_runs: Vec<Run>,
}

#[derive(Debug, Clone, Deserialize)]
struct Run {
    run_id: String,
    status: String,
    error_code: Option<String>,
    error_message: Option<String>,
    #[serde(default)]
    counters: Counters,
    heartbeat_at: Timestamp,
    resume_at: Option<Timestamp>,
    predicted_end: Option<Timestamp>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
struct Counters {
    listed: u64,
}

/// Starts the import unless it runs or has run, and waits for its end.
pub(crate) async fn run(
    account: &Account,
    supabase: &Supabase,
    function: &str,
    output: &Output,
) -> Result<Imported, Failure> {
    let standing = overview(supabase).await?;
    if standing.last_sync.is_some() {
        return Ok(Imported::Before);
    }
    let run = match standing.current_run {
        Some(run) => run,
        None => {
            functions::start(account, function, &json!({"mode": "full"})).await?;
            begun(supabase, &standing.recent_runs, function).await?
        }
    };
    follow(supabase, run, output).await
}

async fn overview(supabase: &Supabase) -> Result<Overview, Failure> {
    Ok(supabase.rpc("media_sync_overview", &json!({})).await?)
}

/// Waits for a run that was not there before.
async fn begun(supabase: &Supabase, before: &[Run], function: &str) -> Result<Run, Failure> {
    let known: BTreeSet<&str> = before.iter().map(|run| run.run_id.as_str()).collect();
    let since = Instant::now();
    while since.elapsed() < BEGIN_LIMIT {
        let runs = overview(supabase).await?.recent_runs;
        let new = runs
            .into_iter()
            .find(|run| !known.contains(run.run_id.as_str()));
        if let Some(run) = new {
            return Ok(run);
        }
        tokio::time::sleep(PAUSE).await;
    }
    Err(Failure::new(
        Exit::TryAgain,
        format!("the function {function} was started and has begun no run"),
    )
    .mend(format!(
        "look into its log (aws logs tail, the function {function}), then run this again"
    )))
}

async fn follow(supabase: &Supabase, mut run: Run, output: &Output) -> Result<Imported, Failure> {
    let progress = output.progress();
    let mut shown_rest = false;
    loop {
        match run.status.as_str() {
            "running" => {}
            "succeeded" => {
                return Ok(Imported::Now {
                    listed: run.counters.listed,
                });
            }
            _ => return Err(ended_badly(&run)),
        }
        let now = Timestamp::now();
        show(&run, now, &progress);
        if let Some(moment) = run.resume_at.filter(|moment| *moment > now)
            && !shown_rest
        {
            shown_rest = true;
            progress.keep(&format!(
                "the import rests until {moment}, because Cloudinary's hourly quota is kept for people; it goes on by \
                 itself, and this command may be ended"
            ));
        }
        let rests = run.resume_at.is_some_and(|moment| moment > now);
        if !rests && now.since(run.heartbeat_at) > SILENCE_LIMIT {
            return Err(Failure::new(
                Exit::TryAgain,
                "the import has shown no sign of life for 20 minutes",
            )
            .mend("mediasync doctor, then run this again"));
        }
        tokio::time::sleep(PAUSE).await;
        let runs = overview(supabase).await?.recent_runs;
        let same = runs.into_iter().find(|one| one.run_id == run.run_id);
        run = same.ok_or_else(|| {
            Failure::new(
                Exit::TryAgain,
                "the import's run is not among the newest any more",
            )
            .mend("run this again")
        })?;
    }
}

fn show(run: &Run, now: Timestamp, progress: &Progress) {
    let listed = run.counters.listed;
    let estimate = run
        .predicted_end
        .filter(|end| *end > now)
        .map(|end| format!(", about {} left", in_words(end.since(now))));
    progress.set(
        listed,
        &format!("assets imported{}", estimate.unwrap_or_default()),
    );
}

fn in_words(time: Duration) -> String {
    match time.as_secs() {
        seconds @ 0..=90 => format!("{seconds} s"),
        seconds => format!("{} min", seconds.div_ceil(60)),
    }
}

fn ended_badly(run: &Run) -> Failure {
    let code = run.error_code.as_deref().unwrap_or("no code");
    let message = run.error_message.as_deref().unwrap_or("no message");
    Failure::new(
        Exit::Failed,
        format!("the import {}: {message}", run.status),
    )
    .detail("code", Some(code))
    .detail("run", Some(run.run_id.clone()))
    .mend("docs/operate/runs.md tells what the code means; run this again when it is mended")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn overview_is_read_as_the_database_writes_it() {
        let run = json!({
            "run_id": "1", "mode": "full", "status": "failed", "error_code": "x", "error_message": "words",
            "counters": {"listed": 7, "pages": 1}, "heartbeat_at": "2026-01-01T00:00:00+00:00",
            "resume_at": null, "predicted_end": null,
        });
        let overview: Overview = serde_json::from_value(json!({
            "last_sync": null, "is_synced": false, "current_run": null, "recent_runs": [run],
        }))
        .unwrap();
        let run = &overview.recent_runs[0];
        assert_eq!(run.counters.listed, 7);
        assert!(ended_badly(run).message.contains("words"));
        assert_eq!(in_words(Duration::from_secs(90)), "90 s");
        assert_eq!(in_words(Duration::from_secs(121)), "3 min");
    }
}
