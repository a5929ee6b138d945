//! Keeps Cloudinary's triggers as the webhook needs them. Without them only reconciliation finds changes.

use serde::Serialize;
use serde_json::json;
use url::Url;

use super::store::MirrorStore;
use crate::cloudinary::trigger_plan::{self, ALL, RepairStep, TriggerFault, TriggerOwner};
use crate::cloudinary::triggers::Trigger;
use crate::cloudinary::{CloudinaryClient, CloudinaryError};
use crate::supabase::SupabaseError;
use crate::telemetry::metrics;

/// A repair that was not finished.
#[derive(Debug, thiserror::Error)]
pub enum TriggerError {
    #[error("the address of the webhook is not known: WEBHOOK_URLS is empty")]
    NoAddress,
    #[error("the triggers could not be read or changed")]
    Cloudinary(#[from] CloudinaryError),
    #[error("the repair of the triggers was not recorded")]
    Record(#[from] SupabaseError),
}

/// The triggers as they were found, and their repairs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TriggerRepair {
    /// The address that a trigger has to lead to.
    pub webhook_url: String,
    /// A trigger was missing, and was made.
    pub created: bool,
    /// Wrong ones of ours, which were removed.
    pub removed: Vec<RemovedTrigger>,
    /// Those of others, which were left alone.
    pub others: Vec<OtherTrigger>,
}

/// A trigger that led to the webhook and was not as it should be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RemovedTrigger {
    pub id: String,
    pub event_type: String,
    /// Stable words; none for a second one of the same.
    pub faults: Vec<&'static str>,
}

/// A trigger that leads elsewhere.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct OtherTrigger {
    /// Without a password.
    pub uri: String,
    pub event_type: String,
    /// `other_stack` or `foreign`.
    pub owner: &'static str,
}

impl TriggerRepair {
    /// True when a trigger was made or removed.
    pub const fn has_changed(&self) -> bool {
        self.created || !self.removed.is_empty()
    }
}

/// Compares the triggers with the plan for one of `doors`, the addresses of this stack's webhook, and repairs ours. A
/// change leaves an entry in the audit trail, also where the repair breaks off.
///
/// # Errors
/// See [`TriggerError`].
pub async fn repair_triggers(
    cloudinary: &CloudinaryClient,
    store: &MirrorStore,
    doors: &[Url],
) -> Result<TriggerRepair, TriggerError> {
    let triggers = cloudinary.list_triggers(None).await?.value;
    let webhook = trigger_plan::choose_door(&triggers, doors).ok_or(TriggerError::NoAddress)?;
    let mut repair = TriggerRepair {
        webhook_url: trigger_plan::shown(webhook.as_str()),
        created: false,
        removed: Vec::new(),
        others: others(&triggers, doors),
    };
    let done = carry_out(cloudinary, &triggers, webhook, &mut repair).await;
    log_repair(&repair);
    if repair.has_changed() {
        let recorded = store.note_triggers(&json!(repair)).await;
        done?;
        recorded?;
    } else {
        done?;
    }
    Ok(repair)
}

async fn carry_out(
    cloudinary: &CloudinaryClient,
    triggers: &[Trigger],
    webhook: &Url,
    repair: &mut TriggerRepair,
) -> Result<(), CloudinaryError> {
    for step in trigger_plan::plan(triggers, webhook) {
        match step {
            RepairStep::Create => {
                cloudinary.create_trigger(webhook.as_str(), ALL).await?;
                repair.created = true;
            }
            RepairStep::Remove(trigger) => {
                cloudinary.delete_trigger(&trigger.id).await?;
                let faults = trigger_plan::faults(trigger);
                repair.removed.push(RemovedTrigger {
                    id: trigger.id.clone(),
                    event_type: trigger.event_type.clone(),
                    faults: faults.into_iter().map(TriggerFault::word).collect(),
                });
            }
        }
    }
    Ok(())
}

fn others(triggers: &[Trigger], doors: &[Url]) -> Vec<OtherTrigger> {
    let told = |(trigger, owner): (&Trigger, TriggerOwner)| OtherTrigger {
        uri: trigger_plan::shown(&trigger.uri),
        event_type: trigger.event_type.clone(),
        owner: owner.word(),
    };
    trigger_plan::elsewhere(triggers, doors).map(told).collect()
}

fn log_repair(repair: &TriggerRepair) {
    if repair.has_changed() {
        let removed = json!(repair.removed).to_string();
        tracing::warn!(
            webhook = repair.webhook_url,
            created = repair.created,
            removed,
            "the triggers were not as they should be, and were repaired"
        );
    }
    let is_old = |other: &&OtherTrigger| other.owner == TriggerOwner::OtherStack.word();
    for other in &repair.others {
        let (uri, event_type) = (&other.uri, &other.event_type);
        if is_old(&other) {
            tracing::warn!(
                uri,
                event_type,
                "a trigger leads to another media-sync stack"
            );
        } else {
            tracing::info!(uri, event_type, "a trigger of somebody else is left alone");
        }
    }
    let count = |number: usize| f64::from(u32::try_from(number).unwrap_or(u32::MAX));
    let repaired = usize::from(repair.created) + repair.removed.len();
    let old = repair.others.iter().filter(is_old).count();
    metrics::record(&[
        (&metrics::TRIGGERS_REPAIRED, count(repaired)),
        (&metrics::TRIGGERS_OF_OTHER_STACKS, count(old)),
    ]);
}
