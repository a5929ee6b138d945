//! Bookkeeping of requests: counts, the hourly quota, parallel calls and faults.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, MutexGuard};

use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::sync::watch;

use crate::moment::Moment;

/// When a dropped connection drops: before the request had its effect, or after.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Drop {
    Before,
    After,
}

/// Mischief done to requests of the operations that match.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Fault {
    /// An operation's name; `*` stands for any run of characters.
    pub(crate) operation: String,
    /// Answered instead of having an effect.
    #[serde(default)]
    pub(crate) status: Option<u16>,
    /// Body of that answer: JSON, or a text sent as it is. Without it, an error message.
    #[serde(default)]
    pub(crate) body: Option<Value>,
    #[serde(default)]
    pub(crate) delay_ms: u64,
    /// A listing's answer tells of the first so many assets, as if there were no others.
    #[serde(default)]
    pub(crate) shorten_to: Option<usize>,
    /// True if the answer is kept back, after the request had its effect, until the faults are
    /// cleared. It tells the state of that moment.
    #[serde(default)]
    pub(crate) hold_answer: bool,
    #[serde(default)]
    pub(crate) drop_connection: Option<Drop>,
    /// Share of matching requests it is done to; decided by a fixed seed.
    #[serde(default = "always")]
    pub(crate) rate: f64,
    /// The largest number of times.
    #[serde(default)]
    pub(crate) times: Option<u64>,
    /// Matching requests let through first.
    #[serde(default)]
    pub(crate) after: u64,
}

fn always() -> f64 {
    1.0
}

#[derive(Debug, Default)]
pub(crate) struct Traffic {
    inner: Mutex<Inner>,
    cleared: watch::Sender<()>,
}

#[derive(Debug, Default)]
struct Inner {
    counts: BTreeMap<&'static str, u64>,
    total: u64,
    running: HashMap<&'static str, u64>,
    faults: Vec<(Fault, SmallRngBox)>,
    window_end: Moment,
    used: u64,
}

#[derive(Debug)]
struct SmallRngBox(SmallRng);

/// The quota as the headers tell it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Quota {
    pub(crate) limit: u64,
    pub(crate) remaining: u64,
    pub(crate) reset: Moment,
    pub(crate) exceeded: bool,
}

/// One running request; dropping it ends the count.
#[derive(Debug)]
pub(crate) struct Running<'a> {
    traffic: &'a Traffic,
    operation: &'static str,
    /// The number of calls of the same operation when it began, itself included.
    pub(crate) parallel: u64,
}

impl std::ops::Drop for Running<'_> {
    fn drop(&mut self) {
        if let Some(count) = self.traffic.lock().running.get_mut(self.operation) {
            *count -= 1;
        }
    }
}

impl Traffic {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().expect("no holder of the lock panics")
    }

    pub(crate) fn begin(&self, operation: &'static str) -> Running<'_> {
        let mut inner = self.lock();
        *inner.counts.entry(operation).or_default() += 1;
        inner.total += 1;
        let running = inner.running.entry(operation).or_default();
        *running += 1;
        let parallel = *running;
        Running {
            traffic: self,
            operation,
            parallel,
        }
    }

    pub(crate) fn counts(&self) -> BTreeMap<&'static str, u64> {
        self.lock().counts.clone()
    }

    pub(crate) fn total(&self) -> u64 {
        self.lock().total
    }

    pub(crate) fn reset_counts(&self) {
        self.lock().counts.clear();
    }

    /// Counts one call against the hour's quota, and those that others make after it.
    pub(crate) fn spend(&self, limit: u64, others: u64, now: Moment) -> Quota {
        let mut inner = self.lock();
        if now >= inner.window_end || inner.window_end > now.next_hour() {
            inner.window_end = now.next_hour();
            inner.used = 0;
        }
        let exceeded = inner.used >= limit;
        if !exceeded {
            inner.used += 1;
        }
        let quota = Quota {
            limit,
            remaining: limit - inner.used.min(limit),
            reset: inner.window_end,
            exceeded,
        };
        inner.used = inner.used.saturating_add(others);
        quota
    }

    /// Sets how many calls the present hour still has.
    pub(crate) fn set_remaining(&self, limit: u64, remaining: u64, now: Moment) {
        let mut inner = self.lock();
        inner.window_end = now.next_hour();
        inner.used = limit.saturating_sub(remaining);
    }

    pub(crate) fn add_fault(&self, fault: Fault) {
        let mut inner = self.lock();
        let dice = SmallRng::seed_from_u64(inner.faults.len() as u64);
        inner.faults.push((fault, SmallRngBox(dice)));
    }

    pub(crate) fn clear_faults(&self) {
        self.lock().faults.clear();
        self.cleared.send_replace(());
    }

    /// Changes when the faults are cleared.
    pub(crate) fn cleared(&self) -> watch::Receiver<()> {
        self.cleared.subscribe()
    }

    pub(crate) fn faults(&self) -> Vec<Fault> {
        self.lock()
            .faults
            .iter()
            .map(|(fault, _)| fault.clone())
            .collect()
    }

    /// The first fault that strikes this request; its remaining times go down.
    pub(crate) fn strike(&self, operation: &str) -> Option<Fault> {
        let mut inner = self.lock();
        for (fault, dice) in &mut inner.faults {
            if fault.times == Some(0) || !glob(&fault.operation, operation) {
                continue;
            }
            if fault.after > 0 {
                fault.after -= 1;
                continue;
            }
            if fault.rate < 1.0 && dice.0.random::<f64>() >= fault.rate {
                continue;
            }
            if let Some(times) = &mut fault.times {
                *times -= 1;
            }
            return Some(fault.clone());
        }
        None
    }
}

fn glob(pattern: &str, text: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == text,
        Some((head, tail)) => text.strip_prefix(head).is_some_and(|rest| {
            (0..=rest.len())
                .filter(|at| rest.is_char_boundary(*at))
                .any(|at| glob(tail, &rest[at..]))
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(value: serde_json::Value) -> Fault {
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn faults_strike_what_matches_as_often_as_told() {
        let traffic = Traffic::default();
        traffic.add_fault(fault(
            serde_json::json!({"operation": "resources_*", "status": 500, "times": 2, "after": 1}),
        ));
        assert!(traffic.strike("destroy").is_none());
        let struck: Vec<bool> = (0..5)
            .map(|_| traffic.strike("resources_image").is_some())
            .collect();
        assert_eq!(struck, [false, true, true, false, false]);
    }

    #[test]
    fn shares_repeat_exactly() {
        let run = || {
            let traffic = Traffic::default();
            traffic.add_fault(fault(
                serde_json::json!({"operation": "*", "status": 500, "rate": 0.3}),
            ));
            (0..100)
                .map(|_| traffic.strike("ping").is_some())
                .collect::<Vec<_>>()
        };
        assert_eq!(run(), run());
        let struck = run().into_iter().filter(|struck| *struck).count();
        assert!((15..45).contains(&struck), "{struck} of 100");
    }

    #[test]
    fn quota_runs_out_and_is_renewed_on_the_hour() {
        let traffic = Traffic::default();
        let now = Moment(1_767_225_600_000_000);
        assert_eq!(traffic.spend(2, 0, now).remaining, 1);
        assert!(!traffic.spend(2, 0, now).exceeded);
        assert!(traffic.spend(2, 0, now).exceeded);
        let later = traffic.spend(2, 0, now.plus_millis(3_600_000));
        assert_eq!((later.exceeded, later.remaining), (false, 1));
    }

    #[test]
    fn others_use_up_the_same_quota() {
        let traffic = Traffic::default();
        let now = Moment(1_767_225_600_000_000);
        let left: Vec<_> = (0..4)
            .map(|_| traffic.spend(100, 40, now))
            .map(|quota| (quota.remaining, quota.exceeded))
            .collect();
        assert_eq!(left, [(99, false), (58, false), (17, false), (0, true)]);
    }
}
