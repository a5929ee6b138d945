//! Judges from findings if everything works (pure).

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::marker::LibraryOwner;
use super::quota::reserve;
use super::store::{CurrentRun, MirrorHealth, RefusalSummary, RunStatus};
use crate::queue::QueueBacklog;
use crate::release::{SchemaState, compare_schema};
use crate::time::Timestamp;

/// A decision that is pending for longer has been forgotten, or waits for something that a person
/// should see. A quota is reset every hour.
const OLDEST_PENDING: Duration = Duration::from_secs(2 * 3600);

/// The time that a run may rest for the quota's sake before it counts as late.
const RESTING: Duration = Duration::from_secs(90 * 60);

/// The longest silence before a run finds an untold change, for notifications to count as arriving.
const SILENCE: Duration = Duration::from_secs(3600);

/// The time that a run may take while it makes progress.
const RUNNING: Duration = Duration::from_secs(24 * 3600);

/// A run that ended so many tries for the same reason does not get further by itself.
const STUCK: u32 = 3;

/// The quota as `media_sync_health` tells it.
#[derive(Deserialize)]
struct QuotaLeft {
    limit: u32,
    remaining: u32,
    reset_at: Timestamp,
}

/// The periods of runs; nothing where the schedule is not a plain rate.
#[derive(Clone, Copy, Debug, Default)]
pub struct RunSchedules {
    pub incremental: Option<Duration>,
    pub full: Option<Duration>,
}

/// One word for all of it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum HealthStatus {
    Ok,
    /// It works, and somebody should look.
    Degraded,
    /// The database cannot be asked: nothing can be answered.
    Down,
}

/// A reason why it is not well.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct HealthReason {
    /// A stable word for programs.
    pub code: &'static str,
    pub message: String,
}

/// The findings of all looks. An `Err` holds a stable word for why it could not be.
#[derive(Clone, Debug)]
pub struct HealthFindings {
    pub database: Result<MirrorHealth, &'static str>,
    /// By name; those whose names end in `dead_letters` are to be empty.
    pub queues: BTreeMap<&'static str, Result<QueueBacklog, &'static str>>,
    /// Where Cloudinary was asked.
    pub cloudinary: Option<Result<(), &'static str>>,
}

/// Judges the findings.
pub fn assess(
    found: &HealthFindings,
    schedules: RunSchedules,
    now: Timestamp,
) -> (HealthStatus, Vec<HealthReason>) {
    let mut reasons = Vec::new();
    let mut note = |code, message: String| reasons.push(HealthReason { code, message });
    let mirror = match &found.database {
        Ok(mirror) => Some(mirror),
        Err(code) => {
            note(
                "database",
                format!("The database cannot be asked ({code})."),
            );
            None
        }
    };
    for (queue, depth) in &found.queues {
        match depth {
            Err(code) => note(
                "queue",
                format!("The queue {queue} cannot be asked ({code})."),
            ),
            Ok(depth) if queue.ends_with("dead_letters") && depth.total() > 0 => note(
                "dead_letters",
                match depth.total() {
                    1 => format!("1 message was given up in {queue}."),
                    many => format!("{many} messages were given up in {queue}."),
                },
            ),
            Ok(_) => {}
        }
    }
    if let Some(Err(code)) = found.cloudinary {
        note(
            "cloudinary",
            format!("Cloudinary does not answer as it should ({code})."),
        );
    }
    if let Some(mirror) = mirror {
        reasons.extend(mirror.reasons(schedules, now));
    }
    let status = match (mirror, reasons.is_empty()) {
        (None, _) => HealthStatus::Down,
        (Some(_), false) => HealthStatus::Degraded,
        (Some(_), true) => HealthStatus::Ok,
    };
    (status, reasons)
}

impl MirrorHealth {
    /// The lateness of reconciliation: above 1 it is overdue. Nothing where no schedule is known.
    pub fn lateness(&self, schedules: RunSchedules, now: Timestamp) -> Option<f64> {
        let kinds = [
            (self.last_full, schedules.full),
            (self.last_good, schedules.incremental),
        ];
        kinds
            .into_iter()
            .filter_map(|(last, period)| {
                let allowed = period? * 2 + self.grace(now);
                // Without any good run it counts as overdue, but a first run that is in progress
                // is given its time.
                let since = last.or_else(|| Some(self.advancing(now)?.started_at));
                let age = since.map_or(allowed * 2, |since| now.since(since));
                Some(age.as_secs_f64() / allowed.as_secs_f64())
            })
            .reduce(f64::max)
    }

    /// Tells whether the last run ended without a good result.
    pub fn last_run_failed(&self) -> bool {
        self.last_run
            .as_ref()
            .is_some_and(|run| run.status != RunStatus::Succeeded)
    }

    /// The other deployment to which the library belongs.
    pub fn stranger(&self) -> Option<&LibraryOwner> {
        self.fence.as_ref()?.stranger()
    }

    /// The time that the oldest decision has waited for Cloudinary.
    pub fn oldest_decision(&self, now: Timestamp) -> Duration {
        self.oldest_pending
            .map_or(Duration::ZERO, |decided| now.since(decided))
    }

    /// Tells whether runs find what notifications should have told, and no notification arrives.
    pub fn lacks_notifications(&self) -> bool {
        self.last_found.is_some_and(|found| {
            self.last_notification
                .is_none_or(|told| found.since(told) > SILENCE)
        })
    }

    /// Calls that are left of the quota, and whether that is less than runs keep for people. Once
    /// its hour is over the quota is full.
    pub fn quota_left(&self, now: Timestamp) -> Option<(u32, bool)> {
        let quota = QuotaLeft::deserialize(self.quota.as_ref()?).ok()?;
        if quota.reset_at <= now {
            return Some((quota.limit, false));
        }
        Some((
            quota.remaining,
            quota.remaining < reserve(quota.limit, None),
        ))
    }

    /// The last refusal, if no notification has been accepted since.
    pub fn open_refusal(&self) -> Option<&RefusalSummary> {
        let is_open =
            |refusal: &&RefusalSummary| self.last_notification.is_none_or(|last| last < refusal.at);
        self.refusals.first().filter(is_open)
    }

    /// The run that goes on, if it makes progress, or rests for the quota's sake.
    fn advancing(&self, now: Timestamp) -> Option<&CurrentRun> {
        let advances = |run: &&CurrentRun| {
            run.error_code.is_none() || run.resume_at.is_some_and(|resume| resume > now)
        };
        self.current_run.as_ref().filter(advances)
    }

    fn grace(&self, now: Timestamp) -> Duration {
        self.advancing(now).map_or(RESTING, |_| RUNNING)
    }

    fn reasons(&self, schedules: RunSchedules, now: Timestamp) -> Vec<HealthReason> {
        let mut reasons = Vec::new();
        let mut note = |code, message: String| reasons.push(HealthReason { code, message });
        match compare_schema(self.schema_version.as_deref()) {
            SchemaState::Current => {}
            SchemaState::Behind => note(
                "schema_behind",
                "The database lacks migrations of this release: apply them.".to_owned(),
            ),
            SchemaState::Ahead => note(
                "schema_ahead",
                "A newer release has migrated the database: deploy its functions.".to_owned(),
            ),
        }
        if self.last_full.is_none() {
            let message = "No full reconciliation has succeeded yet.";
            note("never_reconciled", message.to_owned());
        } else if self.lateness(schedules, now).is_some_and(|late| late > 1.0) {
            let message = "The last good reconciliation is too long ago.";
            note("reconciliation_late", message.to_owned());
        }
        if let Some(run) = self.last_run.as_ref().filter(|_| self.last_run_failed()) {
            let code = run.error_code.as_deref().unwrap_or("unknown");
            note(
                "last_run",
                format!("The last run did not succeed ({code})."),
            );
        }
        if let Some(run) = self
            .current_run
            .as_ref()
            .filter(|run| run.failures >= STUCK)
        {
            let (tries, code) = (run.failures, run.error_code.as_deref());
            let code = code.unwrap_or("unknown");
            note(
                "run_stuck",
                format!("The run rests since {tries} tries for the same reason ({code})."),
            );
        }
        if self.held_deletes > 0 {
            let held = self.held_deletes;
            note(
                "deletes_held",
                format!(
                    "{held} deletes are held, because too many assets were deleted within an hour."
                ),
            );
        }
        if let Some(owner) = self.stranger() {
            let owner = owner.words();
            note(
                "library_fenced",
                format!(
                    "The library belongs to {owner}: nothing is written there until an administrator takes it over."
                ),
            );
        }
        if self.lacks_notifications() {
            let message = "Runs find changes of which no notification has told.";
            note("no_notifications", message.to_owned());
        }
        if self.quota_left(now).is_some_and(|(left, _)| left == 0) {
            let message =
                "Cloudinary's hourly quota is used up: changes wait until it is full again.";
            note("quota_spent", message.to_owned());
        }
        if let Some(oldest) = self
            .oldest_pending
            .filter(|at| now.since(*at) > OLDEST_PENDING)
        {
            let oldest = oldest.to_the_second();
            note(
                "pending_for_long",
                format!("A decision made here ({oldest}) is not in Cloudinary yet."),
            );
        }
        if let Some(refusal) = self.open_refusal() {
            let reason = &refusal.reason;
            note(
                "notifications_refused",
                format!(
                    "The webhook refuses notifications ({reason}) and has accepted none since."
                ),
            );
        }
        reasons
    }
}

/// The period of a schedule such as `rate(15 minutes)`.
pub fn parse_rate(expression: &str) -> Option<Duration> {
    let inner = expression.trim().strip_prefix("rate(")?.strip_suffix(')')?;
    let (number, unit) = inner.trim().split_once(' ')?;
    let seconds = match unit.trim() {
        "minute" | "minutes" => 60,
        "hour" | "hours" => 3600,
        "day" | "days" => 86_400,
        _ => return None,
    };
    let number: u64 = number.parse().ok().filter(|number| *number > 0)?;
    Some(Duration::from_secs(number.checked_mul(seconds)?))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use uuid::Uuid;

    use super::*;
    use crate::cloudinary::signature::SignatureAlgorithm;
    use crate::release::SCHEMA_VERSION;
    use crate::sync::marker::{FenceStanding, FenceState};

    const DAY: i64 = 86_400;
    const NOW: Timestamp = Timestamp::from_secs(100 * DAY);
    const SCHEDULES: RunSchedules = RunSchedules {
        incremental: Some(Duration::from_secs(900)),
        full: Some(Duration::from_secs(86_400)),
    };

    fn mirror() -> MirrorHealth {
        MirrorHealth {
            last_full: Some(NOW.offset(-3_600_000_000)),
            last_good: Some(NOW.offset(-600_000_000)),
            last_run: None,
            current_run: None,
            pending: 0,
            held_deletes: 0,
            fence: None,
            errors: 0,
            oldest_pending: None,
            quota: None,
            last_notification: None,
            last_found: None,
            refusals: Vec::new(),
            trail_bytes: None,
            schema_version: Some(SCHEMA_VERSION.to_owned()),
        }
    }

    fn strangers() -> FenceState {
        FenceState {
            standing: FenceStanding::Strangers,
            id: Uuid::nil(),
            owner: Some(LibraryOwner::default()),
            asset_id: None,
        }
    }

    fn findings(mirror: MirrorHealth) -> HealthFindings {
        let empty = Ok(QueueBacklog::default());
        HealthFindings {
            database: Ok(mirror),
            queues: [("outbound", empty), ("outbound_dead_letters", empty)].into(),
            cloudinary: None,
        }
    }

    fn codes(found: &HealthFindings) -> (HealthStatus, Vec<&'static str>) {
        let (status, reasons) = assess(found, SCHEDULES, NOW);
        (status, reasons.iter().map(|reason| reason.code).collect())
    }

    #[test]
    fn what_works_has_no_reasons() {
        assert_eq!(codes(&findings(mirror())), (HealthStatus::Ok, vec![]));
        let mut busy = findings(mirror());
        let depth = QueueBacklog {
            visible: 5_000,
            ..QueueBacklog::default()
        };
        busy.queues.insert("outbound", Ok(depth));
        assert_eq!(codes(&busy).0, HealthStatus::Ok, "work is no illness");
    }

    #[test]
    fn each_illness_has_its_reason() {
        let of_mirror = |change: fn(&mut MirrorHealth)| {
            let mut ill = mirror();
            change(&mut ill);
            findings(ill)
        };
        let stopped = |ill: &mut MirrorHealth| {
            let run = json!({"run_id": Uuid::nil(), "mode": "full", "status": "stopped", "error_code": "mass_delete", "finished_at": NOW});
            ill.last_run = serde_json::from_value(run).unwrap();
        };
        let stuck = |ill: &mut MirrorHealth| {
            let run = json!({"run_id": Uuid::nil(), "started_at": NOW, "heartbeat_at": NOW, "resume_at": null,
                "error_code": "database", "failures": STUCK});
            ill.current_run = serde_json::from_value(run).unwrap();
        };
        let mut dead = findings(mirror());
        let depth = QueueBacklog {
            visible: 1,
            ..QueueBacklog::default()
        };
        dead.queues.insert("outbound_dead_letters", Ok(depth));
        let mut deaf = findings(mirror());
        deaf.queues.insert("outbound", Err("queue_unavailable"));
        let mut refused = findings(mirror());
        refused.cloudinary = Some(Err("cloudinary_unauthorized"));
        for (found, code) in [
            (of_mirror(|ill| ill.last_full = None), "never_reconciled"),
            (
                of_mirror(|ill| ill.last_full = Some(Timestamp::from_secs(97 * DAY))),
                "reconciliation_late",
            ),
            (
                of_mirror(|ill| ill.last_good = ill.last_full.map(|at| at.offset(-7_200_000_000))),
                "reconciliation_late",
            ),
            (of_mirror(|ill| ill.schema_version = None), "schema_behind"),
            (
                of_mirror(|ill| ill.schema_version = Some("29990101000000".to_owned())),
                "schema_ahead",
            ),
            (of_mirror(stopped), "last_run"),
            (of_mirror(stuck), "run_stuck"),
            (of_mirror(|ill| ill.held_deletes = 21), "deletes_held"),
            (
                of_mirror(|ill| ill.fence = Some(strangers())),
                "library_fenced",
            ),
            (
                of_mirror(|ill| ill.last_found = Some(NOW)),
                "no_notifications",
            ),
            (
                of_mirror(|ill| ill.refusals = refusals(60)),
                "notifications_refused",
            ),
            (
                of_mirror(|ill| ill.oldest_pending = Some(Timestamp::from_secs(99 * DAY))),
                "pending_for_long",
            ),
            (dead, "dead_letters"),
            (deaf, "queue"),
            (refused, "cloudinary"),
        ] {
            assert_eq!(codes(&found), (HealthStatus::Degraded, vec![code]));
        }
        let mut down = findings(mirror());
        down.database = Err("database_unavailable");
        assert_eq!(codes(&down), (HealthStatus::Down, vec!["database"]));
    }

    fn refusals(seconds_ago: i64) -> Vec<RefusalSummary> {
        let at = NOW.offset(-seconds_ago * 1_000_000);
        vec![RefusalSummary {
            at,
            first_at: at,
            reason: "signature_wrong".to_owned(),
            signature_key: Some("614".to_owned()),
            algorithm: Some(SignatureAlgorithm::Sha1),
            count: 3,
        }]
    }

    #[test]
    fn refusal_counts_until_a_notification_is_accepted() {
        let accepted = |seconds_ago: i64| MirrorHealth {
            last_notification: Some(NOW.offset(-seconds_ago * 1_000_000)),
            refusals: refusals(60),
            ..mirror()
        };
        assert!(accepted(61).open_refusal().is_some());
        assert!(accepted(60).open_refusal().is_none());
        assert!(accepted(5).open_refusal().is_none());
        assert!(mirror().open_refusal().is_none());
    }

    #[test]
    fn a_run_that_comes_forward_is_given_a_day() {
        let mut slow = mirror();
        slow.last_good = Some(NOW.offset(-3 * 3_600_000_000));
        assert_eq!(codes(&findings(slow.clone())).0, HealthStatus::Degraded);
        let run = json!({"run_id": Uuid::nil(), "started_at": NOW, "heartbeat_at": NOW, "resume_at": null, "error_code": null});
        slow.current_run = serde_json::from_value(run).unwrap();
        assert_eq!(codes(&findings(slow.clone())).0, HealthStatus::Ok);
        let first = MirrorHealth {
            last_full: None,
            last_good: None,
            ..slow.clone()
        };
        assert!(first.lateness(SCHEDULES, NOW) < Some(1.0), "a first import");
        let never = MirrorHealth {
            current_run: None,
            ..first
        };
        assert!(never.lateness(SCHEDULES, NOW) > Some(1.0));
        let failing = slow.current_run.as_mut().unwrap();
        failing.error_code = Some("database".to_owned());
        assert_eq!(codes(&findings(slow)).0, HealthStatus::Degraded);
    }

    #[test]
    fn notifications_are_missing_when_runs_find_what_none_has_told() {
        let lacks = |told: Option<i64>, found: Option<i64>| {
            let before = |minutes: Option<i64>| minutes.map(|it| NOW.offset(-it * 60_000_000));
            let mirror = MirrorHealth {
                last_notification: before(told),
                last_found: before(found),
                ..mirror()
            };
            mirror.lacks_notifications()
        };
        assert!(lacks(None, Some(5)));
        assert!(lacks(Some(70), Some(5)), "long before");
        assert!(!lacks(Some(50), Some(5)), "one was dropped, others arrive");
        assert!(!lacks(Some(1), Some(5)), "they arrive again");
        assert!(!lacks(None, None), "nothing has happened");
    }

    #[test]
    fn a_quota_below_its_reserve_is_full_again_when_its_hour_is_over() {
        let left = |remaining: u32, reset_in: i64| {
            let reset = NOW.offset(reset_in * 1_000_000);
            let quota =
                json!({"limit": 2_000, "remaining": remaining, "reset_at": reset, "seen_at": NOW});
            let mirror = MirrorHealth {
                quota: Some(quota),
                ..mirror()
            };
            mirror.quota_left(NOW)
        };
        assert_eq!(left(200, 60), Some((200, false)));
        assert_eq!(left(199, 60), Some((199, true)));
        assert_eq!(left(0, 0), Some((2_000, false)));
        assert_eq!(mirror().quota_left(NOW), None);
    }

    #[test]
    fn a_quota_that_is_used_up_is_told() {
        let quota = |remaining: u32, reset_in: i64| {
            let reset = NOW.offset(reset_in * 1_000_000);
            json!({"limit": 2_000, "remaining": remaining, "reset_at": reset, "seen_at": NOW})
        };
        for (quota, expected) in [
            (quota(0, 60), vec!["quota_spent"]),
            (quota(1, 60), vec![]),
            (quota(0, 0), vec![]),
        ] {
            let mirror = MirrorHealth {
                quota: Some(quota),
                ..mirror()
            };
            assert_eq!(codes(&findings(mirror)).1, expected);
        }
    }

    #[test]
    fn rates_are_read_and_other_schedules_are_not() {
        let read = |text| parse_rate(text).map(|period| period.as_secs());
        assert_eq!(read("rate(15 minutes)"), Some(900));
        assert_eq!(read("rate(1 day)"), Some(86_400));
        assert_eq!(read("rate(2 hours)"), Some(7_200));
        for text in [
            "cron(0 3 * * ? *)",
            "rate(0 minutes)",
            "rate(1)",
            "rate(1 week)",
            "",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn lateness_grows_with_silence(hours in 0_i64..1000, more in 1_i64..1000) {
            let silent = |hours: i64| {
                let last = Some(NOW.offset(-hours * 3_600_000_000));
                let silent = MirrorHealth { last_full: last, last_good: last, ..mirror() };
                silent.lateness(SCHEDULES, NOW).unwrap()
            };
            prop_assert!(silent(hours) < silent(hours + more));
        }

        #[test]
        fn no_expression_panics(text in "\\PC{0,30}") {
            let _ = parse_rate(&text);
            let _ = parse_rate(&format!("rate({text})"));
            let _ = parse_rate(&format!("rate({} days)", u64::MAX));
        }
    }
}
