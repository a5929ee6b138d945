//! Repairs some assets by name, at once and whole: a person waits for it.
//!
//! It takes no lease. Its looks are observations like any others, which may be applied in any order
//! beside a run, a notification or a delete. A row that another writer has changed meanwhile makes
//! it read and plan again. All that it writes, its place in the history of runs included, is one
//! transaction, unless the database refuses values.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use futures::future::try_join_all;
use serde_json::Value;
use uuid::Uuid;

use super::drift::DriftReport;
use super::error::{ReconcileError, VALUES_REFUSED};
use super::flow::Reconcile;
use super::mass_delete::is_mass_delete;
use super::options::RunOptions;
use super::refusals::Refusals;
use super::stage::{RunCounters, to_value};
use crate::asset::{AssetId, DeliveryName, ResourceType};
use crate::observation::AssetClocks;
use crate::observation::{AbsenceMeaning, Observation, ObservedState};
use crate::row::AssetRow;
use crate::sync::lookup::{self, MAX_ASSET_IDS};
use crate::sync::name_lists::cut;
use crate::sync::plan::ObservationSource;
use crate::sync::quota_guard::QuotaGuard;
use crate::sync::settle::{
    ListingPolicy, PlanEvidence, Settlement, SettlementDriver, WriteOutcome,
};
use crate::sync::store::{FinishedRun, RowQuery, RunMode, RunRequest, RunStatus, WriteSet};
use crate::telemetry;
use crate::time::Timestamp;

/// Where an asset of this name may be. Other delivery types are of remote origin and have no
/// names of people's choosing.
const DELIVERY_TYPES: [&str; 3] = ["upload", "private", "authenticated"];

/// Calls under way at the same time.
const CONCURRENT_CALLS: usize = 3;

/// The outcomes of the named assets.
#[derive(Debug)]
pub struct NamedOutcome {
    pub run_id: Uuid,
    pub status: RunStatus,
    pub counters: RunCounters,
    pub drift: Option<DriftReport>,
    /// The names under which neither side has, or had, anything.
    pub unknown: Vec<String>,
    /// A stable word, and a text for people, where it has stopped.
    pub error: Option<(&'static str, String)>,
}

impl Reconcile {
    /// Compares the assets of these public ids, in every resource type, and repairs them, unless
    /// `options` ask for a dry run. May use the reserve of the quota. It takes nine calls. Long
    /// names, hidden assets and changes within moments take a few more. Is given up at `deadline`.
    ///
    /// # Errors
    /// See [`ReconcileError`]. That too is recorded, if the database answers.
    pub async fn repair_named(
        &self,
        names: &BTreeSet<String>,
        request: &RunRequest,
        options: RunOptions,
        deadline: Instant,
    ) -> Result<NamedOutcome, ReconcileError> {
        let run_id = Uuid::new_v4();
        let started_at = Timestamp::now();
        let record = |status,
                      counters: &RunCounters,
                      drift: Option<&DriftReport>,
                      error: Option<(&str, &str)>| {
            FinishedRun {
                id: run_id,
                mode: RunMode::Named,
                trigger: request.trigger,
                requested_by: request.requested_by,
                options: named_options(&request.options, names),
                dry_run: options.dry_run,
                drift: drift.map(to_value),
                status,
                error_code: error.map(|(code, _)| code.to_owned()),
                error_message: error.map(|(_, message)| message.to_owned()),
                counters: to_value(counters),
                started_at,
                quota: self.clients.cloudinary.newest_quota(),
            }
        };
        let repair = self.repair(names, run_id, options, record);
        let result = tokio::time::timeout_at(deadline.into(), repair).await;
        let result = result.unwrap_or(Err(ReconcileError::OutOfTime));
        if let Err(error) = &result {
            let message = telemetry::chain(error);
            let reason = Some((error.code(), message.as_str()));
            let failed = record(RunStatus::Failed, &RunCounters::default(), None, reason);
            if let Err(error) = self.clients.store.apply(&WriteSet::of_run(failed)).await {
                telemetry::log_error("a failed run over named assets is not recorded", &error);
            }
        }
        result
    }

    async fn repair(
        &self,
        names: &BTreeSet<String>,
        run_id: Uuid,
        options: RunOptions,
        record: impl Fn(
            RunStatus,
            &RunCounters,
            Option<&DriftReport>,
            Option<(&str, &str)>,
        ) -> FinishedRun,
    ) -> Result<NamedOutcome, ReconcileError> {
        let begun = Timestamp::now();
        let (evidence, unknown) = self.look_at(names).await?;
        let policy = ListingPolicy::few(ObservationSource::Reconcile, Some(run_id));
        let mut settlement = Settlement::new(policy, evidence);
        let driver = SettlementDriver {
            clients: &self.clients,
            quota: QuotaGuard::People,
        };
        let mut refusals = Refusals::default();
        let mut outcome = NamedOutcome {
            run_id,
            status: RunStatus::Succeeded,
            counters: RunCounters::default(),
            drift: None,
            unknown,
            error: None,
        };
        while let Some(plan) = driver.next_plan(&mut settlement).await? {
            refusals.take(settlement.refused())?;
            let deleted = plan.tally.deleted;
            let stopped = self.reason_to_stop(deleted, options).await?;
            let mut change = WriteSet::default();
            outcome.counters = RunCounters {
                listed: settlement.evidence().alive().len() as u64,
                cloudinary_calls: settlement.evidence().calls(),
                ..RunCounters::default()
            };
            if options.dry_run {
                let mut drift = DriftReport::default();
                drift.take(settlement.rows(), settlement.evidence().read());
                drift.would_stop = stopped.map(|(code, _)| code.to_owned());
                outcome.counters.tally = drift.tally();
                outcome.drift = Some(drift);
            } else if stopped.is_some() {
                outcome.status = RunStatus::Stopped;
                outcome.error = stopped;
            } else {
                outcome.counters.tally = plan.tally.after(settlement.written_in_parts());
                outcome.error = left_out(&settlement, &refusals);
                if outcome.error.is_some() {
                    outcome.status = RunStatus::Failed;
                }
                change = WriteSet::of_plan(plan).timed(Some(begun), Timestamp::now());
            }
            let error = outcome.error.as_ref();
            let error = error.map(|(code, message)| (*code, message.as_str()));
            let drift = outcome.drift.as_ref();
            change.finished_run = Some(record(outcome.status, &outcome.counters, drift, error));
            let is_planned = !change.inserts.is_empty() || !change.updates.is_empty();
            match WriteOutcome::of(self.clients.store.apply(&change).await)? {
                WriteOutcome::ValuesRefused(error) if !is_planned => return Err(error.into()),
                written => settlement.take_written(written)?,
            }
        }
        Ok(outcome)
    }

    /// Names from the caller or from Cloudinary may be wrong.
    async fn reason_to_stop(
        &self,
        deleted: u64,
        options: RunOptions,
    ) -> Result<Option<(&'static str, String)>, ReconcileError> {
        // Without so many deletes the live rows need not be counted.
        if options.allow_mass_delete || !is_mass_delete(deleted, 0) {
            return Ok(None);
        }
        let live = self.clients.store.count_live().await?;
        Ok(is_mass_delete(deleted, live).then(|| {
            let reason = format!(
                "{deleted} of {live} live assets are missing in Cloudinary; if that is right, ask again with allow_mass_delete"
            );
            ("mass_delete", reason)
        }))
    }

    /// Looks at these names in Cloudinary; then, by their ids, at the other assets that the
    /// database knows by them. And the names that nobody knows.
    async fn look_at(
        &self,
        names: &BTreeSet<String>,
    ) -> Result<(PlanEvidence, Vec<String>), ReconcileError> {
        let names: Vec<String> = names.iter().cloned().collect();
        let listings = plan_listings(&names);
        let mut observations = Vec::new();
        for group in listings.chunks(CONCURRENT_CALLS) {
            let lists = group.iter().map(|listing| self.list(*listing));
            observations.extend(try_join_all(lists).await?.into_iter().flatten());
        }
        let mut calls = listings.len() as u64;

        let query = RowQuery {
            names: listings.iter().flat_map(Listing::names).collect(),
            ..RowQuery::default()
        };
        let rows = self.clients.store.fetch_rows(&query).await?.rows;
        let unknown = unknown_names(&names, &rows, &observations);
        let unseen = not_shown_alive(&rows, &observations);
        let known = |row: &AssetRow| (row.cloudinary_asset_id.clone(), row.clocks);
        let known: BTreeMap<AssetId, AssetClocks> = rows.iter().map(known).collect();
        let newest = rows.iter().filter_map(|row| row.clocks.newest()).max();
        for chunk in unseen.chunks(MAX_ASSET_IDS) {
            let cloudinary = &self.clients.cloudinary;
            let look = lookup::fetch_observations(cloudinary, chunk, newest).await?;
            observations.extend(look.observations);
            calls += look.calls;
        }
        let looked = unseen.iter().filter_map(|(id, _)| known.get_key_value(id));
        let looked = looked.map(|(id, known)| (id.clone(), *known));
        Ok((
            PlanEvidence::new(observations, calls).knowing(looked),
            unknown,
        ))
    }

    async fn list(&self, listing: Listing<'_>) -> Result<Vec<Observation>, ReconcileError> {
        let answer = self
            .clients
            .cloudinary
            .list_named(
                listing.resource_type,
                listing.delivery_type,
                listing.public_ids,
            )
            .await?;
        let at = answer.observed_at;
        let resources = answer.value.iter();
        let observations = resources.filter_map(|resource| {
            Observation::of_resource(resource, at, AbsenceMeaning::Everything)
        });
        Ok(observations.collect())
    }
}

/// The reason why the repair is not whole: assets that no row can hold, or rows that others keep
/// changing.
fn left_out(
    settlement: &Settlement<ListingPolicy>,
    refusals: &Refusals,
) -> Option<(&'static str, String)> {
    if let Some(reason) = refusals.describe() {
        return Some((VALUES_REFUSED, reason));
    }
    let unstable = settlement.unstable_assets().count();
    let reason = || format!("{unstable} assets kept changing while they were repaired; try again");
    (unstable > 0).then(|| (ReconcileError::Contended.code(), reason()))
}

/// One call that lists assets by their names.
#[derive(Clone, Copy, Debug)]
struct Listing<'a> {
    resource_type: ResourceType,
    delivery_type: &'static str,
    public_ids: &'a [String],
}

impl Listing<'_> {
    fn names(&self) -> impl Iterator<Item = DeliveryName> {
        self.public_ids.iter().map(|public_id| DeliveryName {
            resource_type: self.resource_type,
            delivery_type: self.delivery_type.to_owned(),
            public_id: public_id.clone(),
        })
    }
}

/// Every place where assets of these names may be.
fn plan_listings(names: &[String]) -> Vec<Listing<'_>> {
    let mut listings = Vec::new();
    for public_ids in cut(names) {
        for resource_type in ResourceType::ALL {
            listings.extend(DELIVERY_TYPES.map(|delivery_type| Listing {
                resource_type,
                delivery_type,
                public_ids,
            }));
        }
    }
    listings
}

/// The rows that no listing has shown alive, with the names under which they were last observed. A
/// placeholder in a listing is a hint, not a proof.
fn not_shown_alive(
    rows: &[AssetRow],
    observations: &[Observation],
) -> Vec<(AssetId, Option<DeliveryName>)> {
    let alive: BTreeSet<&AssetId> = observations
        .iter()
        .filter(|seen| matches!(seen.fact, ObservedState::Seen(_)))
        .map(|seen| &seen.asset_id)
        .collect();
    let unseen: BTreeMap<AssetId, Option<DeliveryName>> = rows
        .iter()
        .filter(|row| !alive.contains(&row.cloudinary_asset_id))
        .map(|row| (row.cloudinary_asset_id.clone(), Some(row.observed_name())))
        .collect();
    unseen.into_iter().collect()
}

fn unknown_names(names: &[String], rows: &[AssetRow], observations: &[Observation]) -> Vec<String> {
    let known: BTreeSet<String> = rows
        .iter()
        .flat_map(|row| [row.name(), row.observed_name()])
        .chain(
            observations
                .iter()
                .filter_map(|seen| seen.seen_name().cloned()),
        )
        .map(|name| name.public_id)
        .collect();
    let unknown = names.iter().filter(|name| !known.contains(*name));
    unknown.cloned().collect()
}

fn named_options(options: &Value, names: &BTreeSet<String>) -> Value {
    let mut options = options.clone();
    options["public_ids"] = to_value(names);
    options
}
