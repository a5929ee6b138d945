//! Makes the calls of a plan of operations.

use std::collections::BTreeMap;
use std::time::Instant;

use futures::stream::{self, StreamExt};

use super::outcome::{Outcome, Outcomes};
use crate::asset::AssetId;
use crate::cloudinary::admin::Restored;
use crate::cloudinary::upload::{self, ContextCommand, Rename, TagCommand};
use crate::cloudinary::{Client, CloudinaryError, ResourceUpdate};
use crate::sync::operations::{Operation, OperationKind, Operations, Targets};
use crate::sync::retry::{Failure, FailureKind};
use crate::time::Timestamp;

/// Calls at once: Cloudinary refuses more than a few as "too many concurrent operations".
const CONCURRENT_CALLS: usize = 4;

/// Carries the operations out, stage by stage. What comes after a failure of its row is left out.
pub(super) async fn perform(
    cloudinary: &Client,
    operations: Operations,
    deadline: Instant,
) -> Outcomes {
    let mut outcomes = Outcomes::new();
    for stage in [operations.existence, operations.edits, operations.renames] {
        let begun: Vec<Operation> = stage
            .into_iter()
            .filter(|operation| {
                let so_far = |row| matches!(outcomes.get(row), None | Some(Outcome::Done));
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
    /// Done, but for these assets.
    DoneExcept(BTreeMap<AssetId, Failure>),
}

fn note(
    outcomes: &mut Outcomes,
    operation: &Operation,
    answer: Option<Result<Said, CloudinaryError>>,
) {
    for (index, row) in operation.rows.iter().enumerate() {
        let outcome = match &answer {
            None => Outcome::NotBegun,
            Some(Err(error)) => Outcome::Failed(Failure::of(error)),
            Some(Ok(Said::Done)) => Outcome::Done,
            Some(Ok(Said::Gone(at))) => Outcome::Gone(*at),
            Some(Ok(Said::DoneExcept(failed))) => {
                let failed = operation.asset_id(index).and_then(|id| failed.get(id));
                failed.map_or(Outcome::Done, |failure| Outcome::Failed(failure.clone()))
            }
        };
        // The first failure of a row is the one to tell.
        if !matches!(outcomes.get(row), Some(Outcome::Failed(_))) {
            outcomes.insert(*row, outcome);
        }
    }
}

impl Operation {
    fn asset_id(&self, index: usize) -> Option<&AssetId> {
        match &self.kind {
            OperationKind::Restore(ids) => ids.get(index),
            _ => None,
        }
    }
}

async fn call(cloudinary: &Client, operation: &Operation) -> Result<Said, CloudinaryError> {
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
            return Ok(Said::DoneExcept(not_restored(&answer.value)));
        }
        OperationKind::AddTags(targets, tags) => {
            cloudinary
                .update_tags(targets.borrow(), TagCommand::Add, tags)
                .await?;
        }
        OperationKind::RemoveTags(targets, tags) => {
            cloudinary
                .update_tags(targets.borrow(), TagCommand::Remove, tags)
                .await?;
        }
        OperationKind::MergeContext(targets, pairs) => {
            cloudinary
                .update_context(targets.borrow(), ContextCommand::Add(pairs))
                .await?;
        }
        OperationKind::SetMetadata(targets, metadata) => {
            cloudinary
                .update_metadata(targets.borrow(), metadata)
                .await?;
        }
        OperationKind::Update {
            asset_id,
            folder,
            display_name,
        } => {
            let update = ResourceUpdate {
                asset_folder: folder.clone(),
                display_name: display_name.clone(),
                tags: None,
            };
            cloudinary.update_resource(asset_id, &update).await?;
        }
        OperationKind::Rename { from, to } => {
            let rename = Rename {
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

/// A restore answers 200 for every outcome.
fn not_restored(answers: &BTreeMap<AssetId, Restored>) -> BTreeMap<AssetId, Failure> {
    let failure = |answer: &Restored| match answer {
        Restored::Restored(_) => None,
        Restored::NoBackup => Some(Failure {
            code: "no_backup",
            message: "Cloudinary has no backup of the asset: it cannot be restored".to_owned(),
            kind: FailureKind::Final,
        }),
        Restored::Failed(reason) => Some(Failure {
            code: "restore_failed",
            message: format!("Cloudinary could not restore the asset: {reason}"),
            kind: if reason == "unauthorized" {
                FailureKind::Final
            } else {
                FailureKind::Passing
            },
        }),
    };
    answers
        .iter()
        .filter_map(|(id, answer)| Some((id.clone(), failure(answer)?)))
        .collect()
}

impl Targets {
    fn borrow(&self) -> upload::Targets<'_> {
        upload::Targets {
            resource_type: self.resource_type,
            delivery_type: &self.delivery_type,
            public_ids: &self.public_ids,
        }
    }
}
