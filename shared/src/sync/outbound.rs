//! Carries out in Cloudinary what was decided here, and writes the answer back as an observation.

use std::sync::Arc;

use futures::stream::{self, StreamExt};
use uuid::Uuid;

use super::lookup::{self, MAX_ASSET_IDS, stamp};
use super::plan::{AuditEntry, PlanContext, Source, plan_observations, plan_refusal};
use super::store::{ATTEMPTS, RowQuery, Store, WriteSet};
use crate::asset::AssetId;
use crate::cloudinary::{Client, CloudinaryError};
use crate::observation::{Fact, Observation};
use crate::queue;
use crate::row::{AssetRow, Intent};
use crate::supabase::SupabaseError;

/// Deletes at once: Cloudinary refuses more than a few as "too many concurrent operations".
const CONCURRENT_DELETES: usize = 4;

/// Carries intents out.
#[derive(Clone, Debug)]
pub struct Outbound {
    pub cloudinary: Client,
    pub store: Store,
}

/// Why an intent is not settled. Its message stays in the queue; the row stays pending.
#[derive(Debug, thiserror::Error)]
pub enum OutboundError {
    #[error("Cloudinary could not be asked")]
    Cloudinary(#[source] Arc<CloudinaryError>),
    #[error("the rows could not be read or written")]
    Store(#[source] Arc<SupabaseError>),
    #[error("the row kept changing while the answer was written")]
    Contended,
}

/// What became of one message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Settled {
    /// Cloudinary has done what was asked.
    Done,
    /// The intent has been replaced, cancelled or settled meanwhile; there was nothing to do.
    Overtaken,
    /// Cloudinary refused for good; the row says why.
    Refused,
}

/// What Cloudinary answered to one intent.
enum Asked {
    /// The asset is gone; this is still to be written.
    Gone(Observation),
    Settled(Settled),
}

impl Outbound {
    /// Carries a batch out; the answer has one result for each message, in their order.
    pub async fn carry_out(
        &self,
        messages: &[queue::Outbound],
    ) -> Vec<Result<Settled, OutboundError>> {
        let rows = match self.refresh(messages).await {
            Ok(rows) => rows,
            Err(refresh_error) => {
                return messages
                    .iter()
                    .map(|_| Err(refresh_error.again()))
                    .collect();
            }
        };
        let ask = |message: &queue::Outbound| {
            let row = rows.iter().find(|row| {
                row.id == message.asset_row_id && row.intent_revision == message.intent_revision
            });
            self.ask(row)
        };
        let answers: Vec<_> = stream::iter(messages.iter().map(ask))
            .buffered(CONCURRENT_DELETES)
            .collect()
            .await;
        let gone: Vec<Observation> = answers
            .iter()
            .filter_map(|answer| match answer {
                Ok(Asked::Gone(observation)) => Some(observation.clone()),
                _ => None,
            })
            .collect();
        let written = if gone.is_empty() {
            Ok(())
        } else {
            self.write(&gone).await
        };
        answers
            .into_iter()
            .map(|answer| match (answer?, &written) {
                (Asked::Settled(settled), _) => Ok(settled),
                (Asked::Gone(_), Ok(())) => Ok(Settled::Done),
                (Asked::Gone(_), Err(error)) => Err(error.again()),
            })
            .collect()
    }

    /// Reads the rows, and looks at their assets: an intent that was decided on an older state
    /// may be cancelled by what is found, before anything is destroyed.
    async fn refresh(&self, messages: &[queue::Outbound]) -> Result<Vec<AssetRow>, OutboundError> {
        let query = RowQuery {
            ids: messages
                .iter()
                .map(|message| message.asset_row_id)
                .collect(),
            ..RowQuery::default()
        };
        let rows = self.read(&query).await?;
        let pending: Vec<_> = rows
            .iter()
            .filter(|row| row.intent.is_some())
            .map(|row| (row.cloudinary_asset_id.clone(), Some(row.name())))
            .collect();
        let newest = rows.iter().filter_map(|row| row.clocks.newest()).max();
        let mut seen = Vec::with_capacity(pending.len());
        for chunk in pending.chunks(MAX_ASSET_IDS) {
            let looked = lookup::fetch_observations(&self.cloudinary, chunk, newest).await;
            seen.extend(looked.map_err(|error| OutboundError::Cloudinary(error.into()))?);
        }
        if seen.is_empty() {
            return Ok(rows);
        }
        self.write(&seen).await?;
        self.read(&query).await
    }

    async fn ask(&self, row: Option<&AssetRow>) -> Result<Asked, OutboundError> {
        let Some((row, Some(Intent::Delete { .. }))) = row.map(|row| (row, &row.intent)) else {
            return Ok(Asked::Settled(Settled::Overtaken));
        };
        // `ok` and `not found` both leave the asset gone: it was addressed by its own id.
        match self
            .cloudinary
            .destroy(&row.cloudinary_asset_id, true)
            .await
        {
            Ok(answer) => Ok(Asked::Gone(Observation {
                asset_id: row.cloudinary_asset_id.clone(),
                at: stamp(answer.observed_at, row.clocks.newest()),
                fact: Fact::Gone(Some(row.name())),
            })),
            Err(error) if error.is_transient() => Err(OutboundError::Cloudinary(error.into())),
            Err(error) => self.refuse(row, &error).await.map(Asked::Settled),
        }
    }

    async fn refuse(
        &self,
        row: &AssetRow,
        error: &CloudinaryError,
    ) -> Result<Settled, OutboundError> {
        let (after, entry) = plan_refusal(row, error.code(), &error.to_string(), Source::Outbound);
        let change = WriteSet {
            updates: vec![after],
            audit: vec![entry],
            ..WriteSet::default()
        };
        match self.store.apply(&change).await {
            Ok(()) => Ok(Settled::Refused),
            Err(error) if error.is_conflict() => Err(OutboundError::Contended),
            Err(error) => Err(OutboundError::Store(error.into())),
        }
    }

    async fn read(&self, query: &RowQuery) -> Result<Vec<AssetRow>, OutboundError> {
        let rows = self.store.fetch_rows(query).await;
        rows.map_err(|error| OutboundError::Store(error.into()))
    }

    /// Writes observations of these assets, planning anew when their rows change meanwhile.
    async fn write(&self, observations: &[Observation]) -> Result<(), OutboundError> {
        let asset_ids: Vec<AssetId> = observations
            .iter()
            .map(|seen| seen.asset_id.clone())
            .collect();
        let context = PlanContext {
            source: Source::Outbound,
            run_id: None,
            keep_clocks: true,
        };
        for _ in 0..ATTEMPTS {
            let query = RowQuery {
                asset_ids: asset_ids.clone(),
                ..RowQuery::default()
            };
            let rows = self.read(&query).await?;
            let mut plan = plan_observations(&rows, observations, context, Uuid::new_v4);
            if plan.is_empty() {
                return Ok(());
            }
            for entry in &mut plan.audit {
                name_actor(entry, &rows);
            }
            match self.store.apply(&WriteSet::of_plan(plan)).await {
                Ok(()) => return Ok(()),
                Err(error) if error.is_conflict() => {}
                Err(error) => return Err(OutboundError::Store(error.into())),
            }
        }
        Err(OutboundError::Contended)
    }
}

impl OutboundError {
    /// Whether the intent may be settled later without anybody's doing.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Cloudinary(source) => source.is_transient(),
            Self::Store(source) => source.is_transient(),
            Self::Contended => true,
        }
    }

    /// The same error for another message of the batch.
    fn again(&self) -> Self {
        match self {
            Self::Cloudinary(source) => Self::Cloudinary(source.clone()),
            Self::Store(source) => Self::Store(source.clone()),
            Self::Contended => Self::Contended,
        }
    }
}

/// The trail of a delete names who asked for it.
fn name_actor(entry: &mut AuditEntry, rows: &[AssetRow]) {
    let row = rows.iter().find(|row| row.id == entry.asset_row_id);
    if let Some(Intent::Delete { by, .. }) = row.and_then(|row| row.intent.as_ref()) {
        entry.actor = *by;
    }
}
