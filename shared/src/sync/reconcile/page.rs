//! Reads Cloudinary a page at a time, for a full or an incremental run.

use super::error::ReconcileError;
use super::options::RunOptions;
use super::stage::Stage;
use crate::asset::ResourceType;
use crate::cloudinary::admin::ListPage;
use crate::cloudinary::search::{SearchQuery, SortOrder};
use crate::observation::{AbsenceMeaning, Observation};
use crate::sync::clients::SyncClients;
use crate::sync::lookup::{self, MAX_ASSET_IDS};
use crate::sync::quota_guard::QuotaGuard;
use crate::sync::settle::PlanEvidence;
use crate::time::Timestamp;

/// The assets of one read of Cloudinary, and the place to read on.
pub(super) struct Page {
    pub(super) evidence: PlanEvidence,
    /// When it was read, on Cloudinary's clock: not before, and not after.
    pub(super) read_at: (Timestamp, Timestamp),
    pub(super) suspects: u64,
    /// True if this is a first page again, since the cursor of a later one had expired.
    pub(super) restarted: bool,
    pub(super) next: Stage,
}

/// Reads pages of Cloudinary, beside any writes.
pub(super) struct PageReader<'a> {
    pub(super) clients: &'a SyncClients,
    pub(super) options: RunOptions,
    pub(super) quota: QuotaGuard,
    pub(super) since: Timestamp,
}

impl PageReader<'_> {
    pub(super) async fn read(&self, stage: &Stage) -> Result<Page, ReconcileError> {
        match stage {
            Stage::Listing {
                resource_type,
                cursor,
            } => self.read_listing(*resource_type, cursor.as_deref()).await,
            Stage::Changes { cursor } => self.read_changes(cursor.clone()).await,
            Stage::Suspects { .. } | Stage::Done => unreachable!("only listings are read ahead"),
        }
    }

    async fn read_listing(
        &self,
        resource_type: ResourceType,
        cursor: Option<&str>,
    ) -> Result<Page, ReconcileError> {
        let cloudinary = &self.clients.cloudinary;
        let page = |next_cursor| ListPage {
            max_results: self.options.batch_size,
            next_cursor,
        };
        self.quota.admit(cloudinary, 1)?;
        let mut restarted = false;
        let answer = match cloudinary.list_resources(resource_type, page(cursor)).await {
            // An expired cursor costs a repetition of this listing, not the run.
            Err(error) if error.is_cursor_expired() && cursor.is_some() => {
                restarted = true;
                self.quota.admit(cloudinary, 1)?;
                cloudinary.list_resources(resource_type, page(None)).await?
            }
            answer => answer?,
        };
        let next = match answer.value.next_cursor {
            Some(cursor) => Stage::Listing {
                resource_type,
                cursor: Some(cursor),
            },
            None => Stage::after_listing(resource_type),
        };
        let resources = answer.value.resources.iter();
        let observations = resources.filter_map(|resource| {
            Observation::of_resource(resource, answer.observed_at, AbsenceMeaning::Everything)
        });
        Ok(Page {
            evidence: PlanEvidence::new(observations.collect(), 1 + u64::from(restarted)),
            read_at: (answer.observed_at, cloudinary.cloud_now_at_most()),
            suspects: 0,
            restarted,
            next,
        })
    }

    /// The search index names the changed assets. Their present state is read from the store
    /// itself, since the index lags and leaves fields out.
    async fn read_changes(&self, cursor: Option<String>) -> Result<Page, ReconcileError> {
        let cloudinary = &self.clients.cloudinary;
        // A page whose last look were refused would have cost its other calls for nothing.
        let looks = usize::from(self.options.batch_size).div_ceil(MAX_ASSET_IDS);
        self.quota.admit(cloudinary, 1 + looks)?;
        let since = self.since;
        let query = SearchQuery {
            expression: format!(
                r#"updated_at>="{since}" OR uploaded_at>="{since}" OR created_at>="{since}""#
            ),
            sort_by: vec![("created_at".to_owned(), SortOrder::Ascending)],
            max_results: self.options.batch_size,
            next_cursor: cursor,
            fields: Vec::new(),
        };
        let mut restarted = false;
        let answer = match cloudinary.search(&query).await {
            Err(error) if error.is_cursor_expired() && query.next_cursor.is_some() => {
                restarted = true;
                let query = SearchQuery {
                    next_cursor: None,
                    ..query
                };
                cloudinary.search(&query).await?
            }
            answer => answer?,
        };
        let read_at = (answer.observed_at, cloudinary.cloud_now_at_most());
        let found = answer.value.resources.iter();
        let wanted: Vec<_> = found
            .filter_map(|asset| Some((asset.asset_id.clone()?, None)))
            .collect();
        let mut observations = Vec::with_capacity(wanted.len());
        let mut calls = 1 + u64::from(restarted);
        for chunk in wanted.chunks(MAX_ASSET_IDS) {
            let look = lookup::fetch_observations(cloudinary, chunk, None).await?;
            observations.extend(look.observations);
            calls += look.calls;
        }
        let next = match answer.value.next_cursor {
            Some(cursor) => Stage::Changes {
                cursor: Some(cursor),
            },
            None => Stage::Done,
        };
        Ok(Page {
            evidence: PlanEvidence::new(observations, calls),
            read_at,
            suspects: 0,
            restarted,
            next,
        })
    }
}
