//! What the calls for held rows have come to (pure).

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use uuid::Uuid;

use super::Settled;
use crate::asset::{AssetId, DeliveryName};
use crate::observation::Observation;
use crate::row::AssetRow;
use crate::sync::plan::{KeepClocks, Plan, PlanContext, Source, plan_observations};
use crate::sync::retry::{Failure, FailureKind, plan_failure};
use crate::time::Timestamp;

/// What the calls have brought for each row that they were for.
pub type Outcomes = BTreeMap<Uuid, Outcome>;

/// What the calls for one row have brought.
#[derive(Clone, PartialEq, Debug)]
pub enum Outcome {
    /// Cloudinary says that it was done; whether it was, a look tells.
    Done,
    /// The asset is not there: it was addressed by its own id, and this is no shortened answer.
    Gone(Timestamp),
    Failed(Failure),
    /// It could not be looked at, before or after the calls.
    Unseen(Failure),
    /// There was no time left to begin.
    NotBegun,
}

/// Rows that one worker carries out, as they were when it claimed them.
#[derive(Clone, Debug)]
pub struct Held {
    pub claim: Uuid,
    pub rows: Vec<AssetRow>,
}

/// What became of held rows.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Conclusion {
    pub settled: BTreeMap<Uuid, Settled>,
    /// Rows with something to be done at once: newer decisions, or the next part of one.
    pub again: BTreeSet<Uuid>,
    /// Rows whose next attempt is due after a while.
    pub due: BTreeMap<Uuid, Duration>,
}

/// What has to be done before, or by, writing what became of held rows.
#[derive(Debug)]
pub enum Next {
    /// Look at these assets, and plan again with what is seen.
    Look(Vec<AssetId>),
    /// Read whoever holds these names too, and plan again.
    Read(Vec<DeliveryName>),
    Write(Box<Plan>),
}

/// What held rows are planned with: `rows` as they are now (the held ones, and whoever holds one
/// of `names`), and all that was `seen` under the claim.
#[derive(Clone, Copy, Debug)]
pub struct Findings<'a> {
    pub rows: &'a [AssetRow],
    pub names: &'a [DeliveryName],
    pub seen: &'a [Observation],
    /// What the calls have brought; `None` before they are made.
    pub outcomes: Option<&'a Outcomes>,
}

impl Held {
    /// Plans the writing of what was found: in the end what failed, and the end of the claims.
    ///
    /// `chance`, from 0 to 1, spreads later attempts.
    pub fn plan(
        &self,
        found: Findings<'_>,
        now: Timestamp,
        chance: f64,
        fresh_id: impl FnMut() -> Uuid,
    ) -> Next {
        let release = found
            .outcomes
            .map_or_else(Vec::new, |outcomes| self.settled(found.rows, outcomes));
        let behind = behind(found, &release);
        if !behind.is_empty() {
            return Next::Look(behind);
        }
        let context = PlanContext {
            source: Source::Outbound,
            run_id: None,
            keep_clocks: if found.outcomes.is_some() {
                KeepClocks::Always
            } else {
                KeepClocks::Never
            },
            release: &release,
        };
        let mut plan = plan_observations(found.rows, found.seen, context, fresh_id);
        let unread = plan.unread_names(found.names);
        if !unread.is_empty() {
            return Next::Read(unread);
        }
        if !plan.displaced.is_empty() {
            return Next::Look(plan.displaced);
        }
        if let Some(outcomes) = found.outcomes {
            self.note_failures(found.rows, &mut plan, outcomes, now, chance);
        }
        Next::Write(Box::new(plan))
    }

    fn find(&self, row: &AssetRow) -> Option<&AssetRow> {
        self.rows.iter().find(|held| held.id == row.id)
    }

    /// The rows, as they are now, whose claims end: those that were looked at after their last
    /// call was known to have arrived. The others stay claimed until no call of ours can arrive
    /// any more.
    fn settled(&self, rows: &[AssetRow], outcomes: &Outcomes) -> Vec<Uuid> {
        let ours = rows
            .iter()
            .filter(|row| row.intent_claim == Some(self.claim));
        let settled = ours.filter(|row| !is_unsettled(outcomes.get(&row.id)));
        settled.map(|row| row.id).collect()
    }

    /// Adds to the plan what failed. `rows` are what the plan was made from.
    fn note_failures(
        &self,
        rows: &[AssetRow],
        plan: &mut Plan,
        outcomes: &Outcomes,
        now: Timestamp,
        chance: f64,
    ) {
        for row in rows {
            let Some(held) = self.find(row) else { continue };
            if row.intent_claim != Some(self.claim) {
                continue;
            }
            let at = plan.updates.iter().position(|update| update.id == row.id);
            let after = at.map_or_else(|| row.clone(), |at| plan.updates[at].clone());
            let outcome = outcomes.get(&row.id);
            if let Some(failure) = failure_of(held, &after, outcome) {
                let (failed, entry) = plan_failure(&after, &failure, now, chance);
                plan.audit.push(entry);
                match at {
                    Some(at) => plan.updates[at] = failed,
                    None => plan.updates.push(failed),
                }
            }
        }
    }

    /// What to do next, from the rows as they were written.
    pub fn conclude(&self, after: &[AssetRow], outcomes: &Outcomes, now: Timestamp) -> Conclusion {
        let mut conclusion = Conclusion::default();
        for row in after {
            let Some(held) = self.find(row) else { continue };
            let is_newer = row.intent_revision != held.intent_revision;
            let failed = matches!(
                outcomes.get(&row.id),
                Some(Outcome::Failed(_) | Outcome::Unseen(_))
            );
            let due = row
                .sync_next_attempt_at
                .filter(|_| row.sync_error_code.is_some());
            let settled = match (&row.intent, due) {
                (None, _) => Settled::Done,
                (Some(_), Some(due)) => {
                    conclusion.due.insert(row.id, due.since(now));
                    Settled::Failed
                }
                (Some(_), None) if failed && !is_newer => Settled::Failed,
                (Some(_), None) => {
                    conclusion.again.insert(row.id);
                    Settled::Done
                }
            };
            conclusion.settled.insert(row.id, settled);
        }
        conclusion
    }
}

/// What a further look at the assets of these rows has to outweigh: all that is known of them, the
/// looks before it included, and what was decided about them. A row does not keep the clocks of a
/// look that has changed nothing, and within a second two looks would be stamped alike.
pub fn newest_known<'a>(
    rows: impl IntoIterator<Item = &'a AssetRow>,
    seen: &[Observation],
) -> Option<Timestamp> {
    let of_row = |row: &AssetRow| {
        let looks = seen.iter();
        let looks = looks.filter(|seen| seen.asset_id == row.cloudinary_asset_id);
        let decided = row.intent.as_ref();
        let decided = decided.map(|intent| Timestamp::from_micros(intent.at));
        let last = looks.map(|seen| seen.at).max();
        last.max(row.clocks.newest()).max(decided)
    };
    rows.into_iter().filter_map(of_row).max()
}

/// Rows to be released of which something was told, meanwhile, that is not older than the last
/// look: whole seconds are all that is certain of a look's moment. They have to be looked at once
/// more, since nothing may end on a look that another observation outweighs.
fn behind(found: Findings<'_>, release: &[Uuid]) -> Vec<AssetId> {
    let is_behind = |row: &&AssetRow| {
        let looks = found.seen.iter();
        let looks = looks.filter(|seen| seen.asset_id == row.cloudinary_asset_id);
        let last = looks.map(|seen| seen.at).max();
        release.contains(&row.id) && row.clocks.newest() >= last
    };
    let behind = found.rows.iter().filter(is_behind);
    behind.map(|row| row.cloudinary_asset_id.clone()).collect()
}

/// Why the intent that `held` had was not carried out, if it still stands in `after`.
fn failure_of(held: &AssetRow, after: &AssetRow, outcome: Option<&Outcome>) -> Option<Failure> {
    let intent = after.intent.as_ref()?;
    // Something newer was decided meanwhile, and is carried out next.
    if after.intent_revision != held.intent_revision {
        return None;
    }
    match outcome {
        Some(Outcome::Failed(failure) | Outcome::Unseen(failure)) => Some(failure.clone()),
        // Unless the asset is back by now, and its edits can be made.
        Some(Outcome::Done)
            if held.intent.as_ref().map(|held| &held.existence) == Some(&intent.existence) =>
        {
            Some(Failure::ignored())
        }
        _ => None,
    }
}

fn is_unsettled(outcome: Option<&Outcome>) -> bool {
    match outcome {
        Some(Outcome::Unseen(_)) => true,
        Some(Outcome::Failed(failure)) => failure.kind == FailureKind::Unknown,
        _ => false,
    }
}
