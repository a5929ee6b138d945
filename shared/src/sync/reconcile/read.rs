//! Reads Cloudinary a page at a time, for a full or an incremental run.

use super::stage::Stage;
use super::{Reconcile, ReconcileError, RunOptions};
use crate::asset::{AssetId, ResourceType};
use crate::cloudinary::admin::ListPage;
use crate::cloudinary::search::{SearchQuery, SortOrder};
use crate::cloudinary::{Answer, Resource};
use crate::observation::{Fact, Observation, Told};
use crate::sync::lookup::{self, MAX_ASSET_IDS};
use crate::time::Timestamp;

/// What one read of Cloudinary has brought, and where to read on.
pub(super) struct Page {
    pub(super) observations: Vec<Observation>,
    /// The assets that were listed alive; empty for steps that list nothing.
    pub(super) listed: Vec<AssetId>,
    pub(super) read_at: Timestamp,
    pub(super) calls: u64,
    pub(super) suspects: u64,
    pub(super) next: Stage,
}

/// Reads pages of Cloudinary, whatever is written meanwhile.
pub(super) struct Reader<'a> {
    pub(super) flow: &'a Reconcile,
    pub(super) options: RunOptions,
    pub(super) since: Timestamp,
}

impl Reader<'_> {
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
        let page = ListPage {
            max_results: self.options.batch_size,
            next_cursor: cursor,
        };
        let answer = match self
            .flow
            .cloudinary
            .list_resources(resource_type, page)
            .await
        {
            // An expired cursor costs a repetition of this listing, not the run.
            Err(error) if error.is_cursor_expired() && cursor.is_some() => {
                let page = ListPage {
                    max_results: self.options.batch_size,
                    next_cursor: None,
                };
                self.flow
                    .cloudinary
                    .list_resources(resource_type, page)
                    .await?
            }
            answer => answer?,
        };
        let next = match answer.value.next_cursor.clone() {
            Some(cursor) => Stage::Listing {
                resource_type,
                cursor: Some(cursor),
            },
            None => Stage::after_listing(resource_type),
        };
        Ok(Page::listed(answer.map(|listing| listing.resources), next))
    }

    /// The search index names what has changed; what it looks like now is read from the store
    /// itself, since the index lags and leaves fields out.
    async fn read_changes(&self, cursor: Option<String>) -> Result<Page, ReconcileError> {
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
        let answer = match self.flow.cloudinary.search(&query).await {
            Err(error) if error.is_cursor_expired() && query.next_cursor.is_some() => {
                let query = SearchQuery {
                    next_cursor: None,
                    ..query
                };
                self.flow.cloudinary.search(&query).await?
            }
            answer => answer?,
        };
        let read_at = answer.observed_at;
        let found = answer.value.resources.iter();
        let wanted: Vec<_> = found
            .filter_map(|asset| Some((asset.asset_id.clone()?, None)))
            .collect();
        let mut observations = Vec::with_capacity(wanted.len());
        let mut calls = 1;
        for chunk in wanted.chunks(MAX_ASSET_IDS) {
            let looked = lookup::fetch_observations(&self.flow.cloudinary, chunk, None).await?;
            observations.extend(looked.observations);
            calls += 1;
        }
        let next = match answer.value.next_cursor {
            Some(cursor) => Stage::Changes {
                cursor: Some(cursor),
            },
            None => Stage::Done,
        };
        Ok(Page {
            listed: alive(&observations),
            observations,
            read_at,
            calls,
            suspects: 0,
            next,
        })
    }
}

impl Page {
    fn listed(answer: Answer<Vec<Resource>>, next: Stage) -> Self {
        let at = answer.observed_at;
        let observations: Vec<Observation> = answer
            .value
            .iter()
            .filter_map(|resource| Observation::of_resource(resource, at, Told::Everything))
            .collect();
        Self {
            listed: alive(&observations),
            observations,
            read_at: at,
            calls: 1,
            suspects: 0,
            next,
        }
    }
}

fn alive(observations: &[Observation]) -> Vec<AssetId> {
    let alive = observations
        .iter()
        .filter(|seen| matches!(seen.fact, Fact::Seen(_)));
    alive.map(|seen| seen.asset_id.clone()).collect()
}
