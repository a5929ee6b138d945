//! The state machine that says what to do next (pure).

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use uuid::Uuid;

use super::evidence::PlanEvidence;
use super::policy::{ClockKeeping, LookTargets, SettlePolicy, named_by};
use super::search::Search;
use super::step::{AssetInquiry, SettleError, SettleStep, WriteOutcome};
use super::unstable_rows::UnstableRows;
use crate::asset::{AssetId, DeliveryName};
use crate::cloudinary::CloudinaryError;
use crate::observation::{GARBLED_TEXT, Observation};
use crate::row::AssetRow;
use crate::sync::plan::{
    ChangeTally, KeepClocks, OpenUpload, PlanContext, WritePlan, plan_observations,
};
use crate::sync::store::{ATTEMPTS, MirrorRows, RowQuery};
use crate::telemetry;
use crate::time::Timestamp;

/// Readings and looks before one write. More of them mean that the rows never come to rest.
const TURNS: usize = 2 * ATTEMPTS;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Stage {
    /// The rows are known well enough to look by, and not to plan with.
    Looking,
    /// The rows are not known, or not known any more.
    Reading,
    /// The rows are known.
    Planning,
    Settled,
}

/// Evidence on its way into rows.
#[derive(Clone, Debug)]
pub struct Settlement<P> {
    policy: P,
    evidence: PlanEvidence,
    stage: Stage,
    rows: Vec<AssetRow>,
    uploads: Vec<OpenUpload>,
    /// Names whose holders are among the rows.
    names: Vec<DeliveryName>,
    /// Names that rows would show once the plan is carried out, besides those that were seen.
    claimed: BTreeSet<DeliveryName>,
    turns: usize,
    conflicts: usize,
    unstable: UnstableRows,
    search: Option<Search>,
    /// Assets whose values the database refuses, and the reason.
    refused: BTreeMap<AssetId, String>,
    /// Assets that are left out: the refused ones, and those the caller has named.
    left_out: BTreeSet<AssetId>,
    written_in_parts: ChangeTally,
}

impl<P: SettlePolicy> Settlement<P> {
    /// Settles evidence; the rows are read first.
    pub fn new(policy: P, evidence: PlanEvidence) -> Self {
        Self {
            policy,
            evidence,
            stage: Stage::Reading,
            rows: Vec::new(),
            uploads: Vec::new(),
            names: Vec::new(),
            claimed: BTreeSet::new(),
            turns: 0,
            conflicts: 0,
            unstable: UnstableRows::default(),
            search: None,
            refused: BTreeMap::new(),
            left_out: BTreeSet::new(),
            written_in_parts: ChangeTally::default(),
        }
    }

    /// The same, where looks begin from these rows.
    #[must_use]
    pub fn looking_from(mut self, rows: Vec<AssetRow>) -> Self {
        self.rows = rows;
        self.stage = Stage::Looking;
        self
    }

    /// The same, without these assets.
    #[must_use]
    pub fn without<'a>(mut self, assets: impl IntoIterator<Item = &'a AssetId>) -> Self {
        self.left_out.extend(assets.into_iter().cloned());
        self
    }

    pub fn policy(&self) -> &P {
        &self.policy
    }

    pub fn evidence(&self) -> &PlanEvidence {
        &self.evidence
    }

    /// The rows as they were read last.
    pub fn rows(&self) -> &[AssetRow] {
        &self.rows
    }

    /// The evidence, and the policy that settled it.
    pub fn into_parts(self) -> (P, PlanEvidence) {
        (self.policy, self.evidence)
    }

    /// Assets whose values the database refuses, and the reason.
    pub fn refused(&self) -> &BTreeMap<AssetId, String> {
        &self.refused
    }

    /// Tells whether the last plan left the row out, because others keep changing it.
    pub fn is_unstable(&self, row: &AssetRow) -> bool {
        self.unstable.is_left_out(row)
    }

    /// Assets whose rows the last plan left out, because others keep changing them.
    pub fn unstable_assets(&self) -> impl Iterator<Item = &AssetId> {
        let unstable = self.rows.iter().filter(|row| self.is_unstable(row));
        unstable.map(|row| &row.cloudinary_asset_id)
    }

    /// Changes that were written without the rest, in search of refused values.
    pub fn written_in_parts(&self) -> ChangeTally {
        self.written_in_parts
    }

    /// Names the next step.
    ///
    /// # Errors
    /// [`SettleError::Contended`] when the rows never come to rest.
    pub fn next(&mut self, mut fresh_id: impl FnMut() -> Uuid) -> Result<SettleStep, SettleError> {
        loop {
            if self.stage == Stage::Settled {
                return Ok(SettleStep::Done);
            }
            if self.stage == Stage::Reading {
                let query = self.query();
                if !query.is_empty() {
                    self.take_turn()?;
                    return Ok(SettleStep::Read(query));
                }
                self.rows.clear();
                self.uploads.clear();
                self.stage = Stage::Planning;
            }
            let wanted = self.policy.to_look_at(&self.rows, &mut self.evidence);
            if !wanted.is_empty() {
                return self.look(wanted, false);
            }
            if self.stage == Stage::Looking {
                self.stage = Stage::Reading;
                continue;
            }
            self.leave_garbled_out();
            let plan = self.plan(&mut fresh_id);
            let unread = plan.unread_names(&self.names);
            if !unread.is_empty() {
                self.claimed.extend(unread);
                self.stage = Stage::Reading;
                continue;
            }
            if !plan.displaced.is_empty() {
                let displaced = named_by(&self.rows, plan.displaced);
                return self.look(displaced, true);
            }
            if self.search.is_some() {
                return Ok(SettleStep::WritePart(Box::new(plan)));
            }
            let plan = self.unstable.leave_out(&self.rows, plan);
            return Ok(SettleStep::Write(Box::new(plan)));
        }
    }

    /// Takes in the rows that [`SettleStep::Read`] has asked for.
    pub fn take_rows(&mut self, known: impl Into<MirrorRows>) {
        let MirrorRows { rows, uploads } = known.into();
        self.rows = rows;
        self.uploads = uploads;
        self.stage = Stage::Planning;
    }

    /// Takes in the answer of one call that [`SettleStep::Look`] has asked for.
    pub fn take_looks(&mut self, looks: Vec<Observation>) {
        self.evidence.take_looks(looks, &self.rows);
        self.read_again_if_need_be();
    }

    /// Counts the calls that a look has taken beyond the first.
    pub(super) fn count_further_calls(&mut self, calls: u64) {
        self.evidence.count_further_calls(calls);
    }

    /// Takes in that these assets could not be looked at.
    ///
    /// # Errors
    /// The same error, unless the policy goes on without the looks.
    pub fn take_failed_look(
        &mut self,
        inquiry: &AssetInquiry,
        assets: &[AssetId],
        error: CloudinaryError,
    ) -> Result<(), SettleError> {
        if inquiry.are_displaced {
            return Err(error.into());
        }
        self.policy.take_failed_look(assets, &self.rows, error)?;
        self.read_again_if_need_be();
        Ok(())
    }

    /// Takes in the outcome of a write.
    ///
    /// # Errors
    /// [`SettleError::Contended`] when rows have changed too often, and the database's own when it
    /// refuses values that belong to no asset.
    pub fn take_written(&mut self, written: WriteOutcome) -> Result<(), SettleError> {
        self.turns = 0;
        match self.search.take() {
            None => self.take_whole(written),
            Some(search) => self.take_part(search, written),
        }
    }

    fn take_whole(&mut self, written: WriteOutcome) -> Result<(), SettleError> {
        match written {
            WriteOutcome::Applied => self.stage = Stage::Settled,
            WriteOutcome::Changed => return self.start_again(),
            WriteOutcome::ValuesRefused(error) => match Search::among(self.assets()) {
                Some(search) => self.search_on(search),
                None => return Err(error.into()),
            },
        }
        Ok(())
    }

    fn take_part(&mut self, search: Search, written: WriteOutcome) -> Result<(), SettleError> {
        match written {
            WriteOutcome::Applied => {
                // Of the rows that have changed meanwhile, most were changed here.
                self.unstable = UnstableRows::default();
                match search.applied() {
                    Some(search) => self.search_on(search),
                    // None of them is refused by itself: the whole is tried again.
                    None => return self.start_again(),
                }
            }
            WriteOutcome::Changed => match search.changed() {
                Some(search) => self.search_on(search),
                None => return self.start_again(),
            },
            WriteOutcome::ValuesRefused(error) => match search.refused() {
                Ok(search) => self.search_on(search),
                Err(asset) => {
                    let reason = telemetry::chain(&error);
                    self.policy.take_refused(&asset, &reason);
                    self.left_out.insert(asset.clone());
                    self.refused.insert(asset, reason);
                    self.stage = Stage::Reading;
                }
            },
        }
        Ok(())
    }

    /// Adds up a part's changes; called before its outcome is taken in.
    pub fn count_part(&mut self, tally: ChangeTally) {
        self.written_in_parts.add(tally);
    }

    fn search_on(&mut self, search: Search) {
        self.search = Some(search);
        self.stage = Stage::Reading;
    }

    fn start_again(&mut self) -> Result<(), SettleError> {
        self.conflicts += 1;
        if self.conflicts >= ATTEMPTS {
            return Err(SettleError::Contended);
        }
        self.stage = Stage::Reading;
        Ok(())
    }

    fn take_turn(&mut self) -> Result<(), SettleError> {
        self.turns += 1;
        if self.turns > TURNS {
            return Err(SettleError::Contended);
        }
        Ok(())
    }

    fn read_again_if_need_be(&mut self) {
        if self.stage == Stage::Looking || self.policy.reads_after_looks() {
            self.stage = Stage::Reading;
        }
    }

    /// A look sees everything that was known before it, earlier looks included.
    fn look(
        &mut self,
        wanted: LookTargets,
        are_displaced: bool,
    ) -> Result<SettleStep, SettleError> {
        self.take_turn()?;
        Ok(SettleStep::Look(AssetInquiry {
            wanted: wanted.into_iter().collect(),
            after: self.newest_known(),
            are_displaced,
        }))
    }

    /// The newest moment of all that is known: rows, decisions about them, and looks. A row does
    /// not keep the clocks of a look that has changed nothing, and within a second two looks would
    /// be stamped alike.
    fn newest_known(&self) -> Option<Timestamp> {
        let of_rows = self.rows.iter().filter_map(AssetRow::newest_known);
        let of_looks = self.evidence.observations().iter().map(|seen| seen.at);
        of_rows
            .chain(of_looks)
            .max()
            .max(self.policy.newest_known())
    }

    /// Refuses the assets of which a text could not be read. They are there, and no row can hold them.
    fn leave_garbled_out(&mut self) {
        let all = self.policy.observations(&self.evidence);
        let garbled = all.iter().filter(|seen| seen.is_garbled());
        let garbled = garbled.map(|seen| seen.asset_id.clone());
        let new: BTreeSet<AssetId> = garbled.filter(|id| !self.left_out.contains(id)).collect();
        for asset in new {
            self.policy.take_refused(&asset, GARBLED_TEXT);
            self.left_out.insert(asset.clone());
            self.refused.insert(asset, GARBLED_TEXT.to_owned());
        }
    }

    fn plan(&self, fresh_id: impl FnMut() -> Uuid) -> WritePlan {
        let release = self.policy.released(&self.rows);
        let looked;
        let keep_clocks = match self.policy.keeps_clocks() {
            ClockKeeping::Always => KeepClocks::Always,
            ClockKeeping::Never => KeepClocks::Never,
            // A look is certain, and the row is to know it too.
            ClockKeeping::OfLooks => {
                looked = self.evidence.looked_at();
                KeepClocks::Of(&looked)
            }
        };
        let context = PlanContext {
            source: self.policy.source(),
            run_id: self.policy.run_id(),
            keep_clocks,
            release: &release,
            uploads: &self.uploads,
        };
        plan_observations(&self.rows, &self.observations(), context, fresh_id)
    }

    /// All that is to be planned now.
    fn observations(&self) -> Cow<'_, [Observation]> {
        let all = self.policy.observations(&self.evidence);
        if self.left_out.is_empty() && self.search.is_none() {
            return all;
        }
        let is_wanted = |seen: &&Observation| {
            let is_sought = |search: &Search| search.includes(&seen.asset_id);
            !self.left_out.contains(&seen.asset_id) && self.search.as_ref().is_none_or(is_sought)
        };
        Cow::Owned(all.iter().filter(is_wanted).cloned().collect())
    }

    /// The assets that something is planned for.
    fn assets(&self) -> Vec<AssetId> {
        let observations = self.observations();
        let assets: BTreeSet<&AssetId> = observations.iter().map(|seen| &seen.asset_id).collect();
        assets.into_iter().cloned().collect()
    }

    /// The rows of all observed assets, and of the holders of their names.
    fn query(&mut self) -> RowQuery {
        let mut query = RowQuery::default();
        for seen in self.observations().iter() {
            query.asset_ids.push(seen.asset_id.clone());
            query.names.extend(seen.seen_name().cloned());
        }
        query.names.extend(self.claimed.iter().cloned());
        self.policy.add_rows(&mut query);
        self.names.clone_from(&query.names);
        query
    }
}
