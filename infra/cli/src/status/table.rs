//! The picture in lines for a person (pure).

use std::time::Duration;

use media_sync::queue::{QueueBacklog, QueueName};
use media_sync::sync::store::RunStatus;
use media_sync::time::Timestamp;

use super::{MirrorJudgement, MirrorPicture, MirrorVerdict};
use crate::output::table;
use crate::runs::{RunDescription, RunStanding};
use crate::words::{ago, span};

/// The most runs that are shown.
const RUNS: usize = 5;

/// The verdict, the numbers, runs, queues, and warnings.
pub fn lines(picture: &MirrorPicture, judgement: &MirrorJudgement, now: Timestamp) -> Vec<String> {
    let mut lines = vec![headline(judgement), String::new()];
    lines.extend(numbers(picture, now));
    for block in [runs(picture, now), queues(picture), looks(judgement)] {
        if !block.is_empty() {
            lines.push(String::new());
            lines.extend(block);
        }
    }
    lines
}

fn headline(judgement: &MirrorJudgement) -> String {
    match (judgement.verdict, judgement.looks.len()) {
        (MirrorVerdict::InSync, _) => "in sync".to_owned(),
        (MirrorVerdict::Working, _) => "working: this ends by itself".to_owned(),
        (MirrorVerdict::NeedsALook, 1) => "1 thing deserves a look".to_owned(),
        (MirrorVerdict::NeedsALook, count) => format!("{count} things deserve a look"),
    }
}

fn numbers(picture: &MirrorPicture, now: Timestamp) -> Vec<String> {
    let stats = &picture.overview.stats;
    let mut lines = vec![format!(
        "assets    {} live, {} wait for Cloudinary, {} refused",
        stats.total_assets, stats.pending_assets, stats.error_assets
    )];
    let told =
        |moment: Option<Timestamp>| moment.map_or_else(|| "never".to_owned(), |at| ago(at, now));
    lines.push(format!(
        "last good run ended {}, the last full one {}",
        told(picture.mirror.last_good),
        told(picture.mirror.last_full)
    ));
    if let Some(oldest) = picture.mirror.oldest_pending {
        lines.push(format!(
            "waiting   the oldest decision is from {}",
            ago(oldest, now)
        ));
    }
    if let Some(quota) = picture.overview.quota {
        let (left, limit) = (quota.remaining, quota.limit);
        let told = ago(quota.seen_at, now);
        lines.push(format!(
            "quota     {left} of {limit} calls left, as told {told}"
        ));
    }
    lines
}

fn runs(picture: &MirrorPicture, now: Timestamp) -> Vec<String> {
    let row = |run: &RunDescription| {
        let took = run.finished_at.unwrap_or(now).since(run.started_at);
        let mode = match run.dry_run {
            true => format!("{}, dry", run.mode_word()),
            false => run.mode_word().to_owned(),
        };
        [
            ago(run.started_at, now),
            mode,
            standing(run, now),
            run.result(),
            span(took),
        ]
    };
    let rows: Vec<_> = picture
        .overview
        .recent_runs
        .iter()
        .take(RUNS)
        .map(row)
        .collect();
    table(["STARTED", "MODE", "STATUS", "RESULT", "TOOK"], &rows)
}

fn standing(run: &RunDescription, now: Timestamp) -> String {
    let code = run.error_code.as_deref().unwrap_or("unknown");
    match (run.status, run.standing(now)) {
        (RunStatus::Failed, _) => format!("failed: {code}"),
        (RunStatus::Stopped, _) => format!("stopped: {code}"),
        (RunStatus::Succeeded, _) => "succeeded".to_owned(),
        (RunStatus::Running, RunStanding::RestsForQuota(until)) => {
            format!("rests for quota, {} more", span(until.since(now)))
        }
        (RunStatus::Running, RunStanding::RestsAfterFault) => format!("rests: {code}"),
        (RunStatus::Running, _) => match run.predicted_end.map(|end| end.since(now)) {
            Some(left) if left > Duration::ZERO => format!("running, {} left", span(left)),
            _ => "running".to_owned(),
        },
    }
}

fn queues(picture: &MirrorPicture) -> Vec<String> {
    let Some(queues) = &picture.queues else {
        return Vec::new();
    };
    let number =
        |depth: Option<&Result<QueueBacklog, &str>>, count: fn(&QueueBacklog) -> u64| match depth {
            Some(Ok(depth)) => count(depth).to_string(),
            _ => "?".to_owned(),
        };
    let rows = QueueName::ALL.map(|queue| {
        let (own, dead) = queue.health_words();
        let (own, dead) = (queues.get(own), queues.get(dead));
        [
            queue.word().to_owned(),
            number(own, |depth| depth.visible),
            number(own, |depth| depth.in_flight),
            number(own, |depth| depth.delayed),
            number(dead, QueueBacklog::total),
        ]
    });
    table(
        ["QUEUE", "WAITING", "IN FLIGHT", "DELAYED", "GIVEN UP"],
        &rows,
    )
}

fn looks(judgement: &MirrorJudgement) -> Vec<String> {
    let told = judgement.looks.iter().flat_map(|look| {
        [
            format!("! {}  {}", look.code, look.seen),
            format!("    mend: {}", look.mend),
        ]
    });
    told.collect()
}
