//! Carries out the steps of a settlement.

use uuid::Uuid;

use super::evidence::PlanEvidence;
use super::listing::ListingPolicy;
use super::policy::SettlePolicy;
use super::settlement::Settlement;
use super::step::{AssetInquiry, SettleError, SettleStep, WriteOutcome};
use crate::asset::AssetId;
use crate::sync::clients::SyncClients;
use crate::sync::lookup::{self, MAX_ASSET_IDS};
use crate::sync::plan::WritePlan;
use crate::sync::quota_guard::QuotaGuard;
use crate::sync::store::WriteSet;

/// Reads, looks and writes for settlements.
#[derive(Debug)]
pub struct SettlementDriver<'a> {
    pub clients: &'a SyncClients,
    pub quota: QuotaGuard,
}

impl SettlementDriver<'_> {
    /// Reads and looks until there is something to write; `None` when everything is settled. The
    /// caller writes the plan with its additions, and hands the outcome to
    /// [`Settlement::take_written`].
    ///
    /// # Errors
    /// See [`SettleError`].
    pub async fn next_plan<P: SettlePolicy>(
        &self,
        settlement: &mut Settlement<P>,
    ) -> Result<Option<WritePlan>, SettleError> {
        loop {
            match settlement.next(Uuid::new_v4)? {
                SettleStep::Read(query) => {
                    let store = &self.clients.store;
                    let rows = if settlement.policy().is_halved_by_caller() {
                        store.fetch_rows(&query).await?
                    } else {
                        store.fetch_rows_in_parts(query).await?
                    };
                    settlement.take_rows(rows)
                }
                SettleStep::Look(inquiry) => self.look(settlement, &inquiry).await?,
                SettleStep::WritePart(plan) => self.write_part(settlement, *plan).await?,
                SettleStep::Write(plan) => return Ok(Some(*plan)),
                SettleStep::Done => return Ok(None),
            }
        }
    }

    /// Settles the observations of a few assets, with no additions.
    ///
    /// # Errors
    /// See [`SettleError`].
    pub async fn settle_few(
        &self,
        evidence: PlanEvidence,
        policy: ListingPolicy,
    ) -> Result<(), SettleError> {
        let mut settlement = Settlement::new(policy, evidence);
        while let Some(plan) = self.next_plan(&mut settlement).await? {
            let written = if plan.is_empty() {
                WriteOutcome::Applied
            } else {
                WriteOutcome::of(self.clients.store.apply(&WriteSet::of_plan(plan)).await)?
            };
            settlement.take_written(written)?;
        }
        if let Some(reason) = settlement.refused().values().next() {
            return Err(SettleError::ValuesRefused(reason.clone()));
        }
        match settlement.unstable_assets().next() {
            None => Ok(()),
            Some(_) => Err(SettleError::Contended),
        }
    }

    async fn look<P: SettlePolicy>(
        &self,
        settlement: &mut Settlement<P>,
        inquiry: &AssetInquiry,
    ) -> Result<(), SettleError> {
        for chunk in inquiry.wanted.chunks(MAX_ASSET_IDS) {
            self.quota
                .admit(&self.clients.cloudinary, lookup::MOST_CALLS)?;
            match lookup::fetch_observations(&self.clients.cloudinary, chunk, inquiry.after).await {
                Ok(look) => {
                    settlement.count_further_calls(look.calls - 1);
                    settlement.take_looks(look.observations);
                }
                Err(error) => {
                    let assets: Vec<AssetId> = chunk.iter().map(|(id, _)| id.clone()).collect();
                    settlement.take_failed_look(inquiry, &assets, error)?;
                }
            }
        }
        Ok(())
    }

    async fn write_part<P: SettlePolicy>(
        &self,
        settlement: &mut Settlement<P>,
        plan: WritePlan,
    ) -> Result<(), SettleError> {
        let tally = plan.tally;
        let written = if plan.is_empty() {
            WriteOutcome::Applied
        } else {
            WriteOutcome::of(self.clients.store.apply(&WriteSet::of_plan(plan)).await)?
        };
        if matches!(written, WriteOutcome::Applied) {
            settlement.count_part(tally);
        }
        settlement.take_written(written)
    }
}
