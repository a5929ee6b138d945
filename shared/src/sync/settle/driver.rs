//! Carries out the steps of a settlement.

use uuid::Uuid;

use super::policy::Policy;
use super::settlement::Settlement;
use super::step::{Inquiry, SettleError, Step, Written};
use crate::asset::AssetId;
use crate::sync::clients::SyncClients;
use crate::sync::lookup::{self, MAX_ASSET_IDS};
use crate::sync::plan::Plan;
use crate::sync::quota_guard::QuotaGuard;
use crate::sync::store::WriteSet;

/// Reads, looks and writes for settlements.
#[derive(Debug)]
pub struct Driver<'a> {
    pub clients: &'a SyncClients,
    pub quota: QuotaGuard,
}

impl Driver<'_> {
    /// Reads and looks until there is something to write; `None` when everything is settled. The
    /// caller writes the plan with its additions, and hands the outcome to
    /// [`Settlement::take_written`].
    ///
    /// # Errors
    /// See [`SettleError`].
    pub async fn next_plan<P: Policy>(
        &self,
        settlement: &mut Settlement<P>,
    ) -> Result<Option<Plan>, SettleError> {
        loop {
            match settlement.next(Uuid::new_v4)? {
                Step::Read(query) => {
                    settlement.take_rows(self.clients.store.fetch_rows(&query).await?)
                }
                Step::Look(inquiry) => self.look(settlement, &inquiry).await?,
                Step::WritePart(plan) => self.write_part(settlement, *plan).await?,
                Step::Write(plan) => return Ok(Some(*plan)),
                Step::Done => return Ok(None),
            }
        }
    }

    async fn look<P: Policy>(
        &self,
        settlement: &mut Settlement<P>,
        inquiry: &Inquiry,
    ) -> Result<(), SettleError> {
        for chunk in inquiry.wanted.chunks(MAX_ASSET_IDS) {
            self.quota.admit(&self.clients.cloudinary, 1)?;
            match lookup::fetch_observations(&self.clients.cloudinary, chunk, inquiry.after).await {
                Ok(looks) => settlement.take_looks(looks),
                Err(error) => {
                    let assets: Vec<AssetId> = chunk.iter().map(|(id, _)| id.clone()).collect();
                    settlement.take_failed_look(inquiry, &assets, error)?;
                }
            }
        }
        Ok(())
    }

    async fn write_part<P: Policy>(
        &self,
        settlement: &mut Settlement<P>,
        plan: Plan,
    ) -> Result<(), SettleError> {
        let tally = plan.tally;
        let written = if plan.is_empty() {
            Written::Applied
        } else {
            Written::of(self.clients.store.apply(&WriteSet::of_plan(plan)).await)?
        };
        if matches!(written, Written::Applied) {
            settlement.count_part(tally);
        }
        settlement.take_written(written)
    }
}
