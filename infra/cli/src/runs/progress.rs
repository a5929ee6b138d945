//! A bar on a terminal; nothing where stderr is none.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use media_sync::time::Timestamp;

use super::{RunDescription, RunStanding};
use crate::output::Output;
use crate::words::span;

/// The bar of a run.
#[derive(Debug)]
pub(crate) struct RunBar(ProgressBar);

impl RunBar {
    /// An empty bar for so many assets.
    pub(crate) fn new(assets: u64) -> Self {
        let bar = ProgressBar::with_draw_target(Some(assets), ProgressDrawTarget::stderr());
        let style = ProgressStyle::with_template("{bar:30} {pos} of {len} assets  {msg}");
        bar.set_style(style.expect("a constant template"));
        Self(bar)
    }

    /// Moves the bar to where the run is.
    pub(crate) fn show(&self, run: &RunDescription, now: Timestamp) {
        // New assets are among those that are listed.
        self.0
            .set_length(self.0.length().unwrap_or_default().max(run.done()));
        self.0.set_position(run.done());
        self.0.set_message(estimate(run, now));
    }

    /// Writes a line that stays.
    pub(crate) fn keep(&self, text: &str, output: &Output) {
        self.0.suspend(|| output.say(&format!("  {text}")));
    }

    /// Removes the bar.
    pub(crate) fn end(&self) {
        self.0.finish_and_clear();
    }
}

/// The time that the run still takes, or the reason why it waits.
fn estimate(run: &RunDescription, now: Timestamp) -> String {
    match (run.standing(now), run.predicted_end) {
        (RunStanding::RestsForQuota(until), _) => {
            format!("rests for Cloudinary's quota, {}", span(until.since(now)))
        }
        (RunStanding::Working, Some(end)) => format!("about {} left", span(end.since(now))),
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn estimate_is_the_runs_own() {
        let now = Timestamp::from_secs(1_800_000_000);
        let run = |error: Option<&str>, resume: Option<i64>, end: Option<i64>| -> RunDescription {
            let value = json!({
                "run_id": uuid::Uuid::nil(), "mode": "full", "trigger": "schedule", "dry_run": false,
                "status": "running", "error_code": error, "error_message": null, "started_at": now,
                "finished_at": null, "resume_at": resume.map(Timestamp::from_secs),
                "predicted_end": end.map(Timestamp::from_secs),
            });
            serde_json::from_value(value).unwrap()
        };
        let later = Some(1_800_000_120);
        for (run, expected) in [
            (run(None, None, None), ""),
            (run(None, None, later), "about 2 min left"),
            (
                run(Some("quota_reserve"), later, later),
                "rests for Cloudinary's quota, 2 min",
            ),
            (run(Some("database"), None, later), ""),
        ] {
            assert_eq!(estimate(&run, now), expected, "{run:?}");
        }
    }
}
