//! Makes the calls of a plan of operations.

use std::collections::BTreeMap;
use std::time::Instant;

use futures::stream::{self, StreamExt};

use super::outcome::{RowOutcome, RowOutcomes};
use crate::asset::AssetId;
use crate::cloudinary::admin::RestoreOutcome;
use crate::cloudinary::upload::{self, BulkOutcome, ContextCommand, RenameRequest, TagCommand};
use crate::cloudinary::{CloudinaryClient, CloudinaryError};
use crate::sync::operations::{Operation, OperationKind, OperationStages, OperationTargets};
use crate::sync::retry::{FailureKind, IntentFailure};
use crate::time::Timestamp;

/// Calls at once: Cloudinary refuses more than a few as "too many concurrent operations".
const CONCURRENT_CALLS: usize = 4;

/// Carries the operations out, stage by stage. What comes after a failure of its row is left out.
pub(super) async fn perform(
    cloudinary: &CloudinaryClient,
    operations: OperationStages,
    deadline: Instant,
) -> RowOutcomes {
    let mut outcomes = RowOutcomes::new();
    for stage in [operations.existence, operations.edits, operations.renames] {
        let begun: Vec<Operation> = stage
            .into_iter()
            .filter(|operation| {
                let so_far = |row| matches!(outcomes.get(row), None | Some(RowOutcome::Done));
                operation.rows.iter().all(so_far)
            })
            .collect();
        let answers = stream::iter(begun)
            .map(async |operation| {
                let answer = if Instant::now() < deadline {
                    Some(call(cloudinary, &operation).await)
                } else {
                    None
                };
                (operation, answer)
            })
            .buffer_unordered(CONCURRENT_CALLS)
            .collect::<Vec<_>>()
            .await;
        for (operation, answer) in answers {
            note(&mut outcomes, &operation, answer);
        }
    }
    outcomes
}

/// The answer of a call.
enum Said {
    Done,
    Gone(Timestamp),
    /// Done, but for the assets at these places.
    DoneExcept(BTreeMap<usize, IntentFailure>),
}

fn note(
    outcomes: &mut RowOutcomes,
    operation: &Operation,
    answer: Option<Result<Said, CloudinaryError>>,
) {
    for (index, row) in operation.rows.iter().enumerate() {
        let outcome = match &answer {
            None => RowOutcome::NotBegun,
            Some(Err(error)) => RowOutcome::Failed(IntentFailure::of(error)),
            Some(Ok(Said::Done)) => RowOutcome::Done,
            Some(Ok(Said::Gone(at))) => RowOutcome::Gone(*at),
            Some(Ok(Said::DoneExcept(failed))) => {
                let failed = failed.get(&index).cloned();
                failed.map_or(RowOutcome::Done, RowOutcome::Failed)
            }
        };
        // The first failure of a row is the one to tell.
        if !matches!(outcomes.get(row), Some(RowOutcome::Failed(_))) {
            outcomes.insert(*row, outcome);
        }
    }
}

async fn call(
    cloudinary: &CloudinaryClient,
    operation: &Operation,
) -> Result<Said, CloudinaryError> {
    match &operation.kind {
        // `ok` and `not found` both leave the asset gone: it was addressed by its own id.
        OperationKind::Delete(ids) if ids.len() == 1 => {
            let answer = cloudinary.destroy(&ids[0], true).await?;
            return Ok(Said::Gone(answer.observed_at));
        }
        OperationKind::Delete(ids) => {
            cloudinary.delete_by_asset_ids(ids, true).await?;
        }
        OperationKind::Restore(ids) => {
            let answer = cloudinary.restore(ids).await?;
            return Ok(Said::DoneExcept(not_restored(ids, &answer.value)));
        }
        OperationKind::AddTags(targets, tags) => {
            let answer = cloudinary.update_tags(targets.borrow(), TagCommand::Add, tags);
            return Ok(Said::DoneExcept(left_out(targets, &answer.await?.value)));
        }
        OperationKind::RemoveTags(targets, tags) => {
            let answer = cloudinary.update_tags(targets.borrow(), TagCommand::Remove, tags);
            return Ok(Said::DoneExcept(left_out(targets, &answer.await?.value)));
        }
        OperationKind::MergeContext(targets, pairs) => {
            let answer = cloudinary.update_context(targets.borrow(), ContextCommand::Add(pairs));
            return Ok(Said::DoneExcept(left_out(targets, &answer.await?.value)));
        }
        OperationKind::SetMetadata(targets, metadata) => {
            let answer = cloudinary.update_metadata(targets.borrow(), metadata);
            return Ok(Said::DoneExcept(left_out(targets, &answer.await?.value)));
        }
        OperationKind::Update { asset_id, update } => {
            cloudinary.update_resource(asset_id, update).await?;
        }
        OperationKind::Rename { from, to } => {
            let rename = RenameRequest {
                from,
                to_public_id: to,
                to_type: None,
                overwrite: false,
                invalidate: true,
            };
            cloudinary.rename(&rename).await?;
        }
    }
    Ok(Said::Done)
}

/// A change of many assets skips those that it does not find, without a word.
fn left_out(targets: &OperationTargets, answer: &BulkOutcome) -> BTreeMap<usize, IntentFailure> {
    let failure = |name: &String| {
        if answer.unauthorized.contains(name) {
            Some(IntentFailure::forbidden())
        } else {
            (!answer.public_ids.contains(name)).then(IntentFailure::ignored)
        }
    };
    let names = targets.public_ids.iter().enumerate();
    names
        .filter_map(|(place, name)| Some((place, failure(name)?)))
        .collect()
}

/// A restore answers 200 for every outcome.
fn not_restored(
    ids: &[AssetId],
    answers: &BTreeMap<AssetId, RestoreOutcome>,
) -> BTreeMap<usize, IntentFailure> {
    let failure = |answer: &RestoreOutcome| match answer {
        RestoreOutcome::Restored(_) => None,
        RestoreOutcome::NoBackup => Some(IntentFailure {
            code: "no_backup",
            message: "Cloudinary has no backup of the asset: it cannot be restored".to_owned(),
            kind: FailureKind::Final,
        }),
        RestoreOutcome::Failed(reason) => Some(IntentFailure {
            code: "restore_failed",
            message: format!("Cloudinary could not restore the asset: {reason}"),
            kind: if reason == "unauthorized" {
                FailureKind::Final
            } else {
                FailureKind::Passing
            },
        }),
    };
    let places = ids.iter().enumerate();
    let failed = places.filter_map(|(place, id)| Some((place, failure(answers.get(id)?)?)));
    failed.collect()
}

impl OperationTargets {
    fn borrow(&self) -> upload::BulkTargets<'_> {
        upload::BulkTargets {
            resource_type: self.resource_type,
            delivery_type: &self.delivery_type,
            public_ids: &self.public_ids,
        }
    }
}
