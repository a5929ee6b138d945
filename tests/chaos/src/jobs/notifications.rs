//! Notifications to rows: read, fetch, plan and write.

use std::collections::{BTreeMap, BTreeSet};

use media_sync::asset::{AssetId, DeliveryName};
use media_sync::queue;
use media_sync::row::AssetRow;
use media_sync::sync::ingest::{
    Accepted, Batch, Concern, Known, moments_of_change, newest_moment, rows_concerned,
};
use media_sync::sync::lookup::stamp;
use media_sync::sync::notification::Says;
use media_sync::sync::plan::{KeepClocks, Plan, PlanContext, Source, plan_observations};
use media_sync::sync::store::WriteSet;

use super::{Fault, Message, Progress, Sides};

const CONTEXT: PlanContext<'_> = PlanContext {
    source: Source::Webhook,
    run_id: None,
    keep_clocks: KeepClocks::Always,
    release: &[],
};

/// One batch of notifications.
#[derive(Clone, Debug)]
pub struct NotificationJob {
    accepted: Vec<Accepted>,
    batch: Batch,
    rows: Vec<AssetRow>,
    read_names: Vec<DeliveryName>,
    folders: BTreeMap<String, Vec<AssetId>>,
    stage: Stage,
}

#[derive(Clone, Copy, Debug)]
enum Stage {
    Read,
    Fetch,
    Write,
}

impl NotificationJob {
    pub fn new(messages: Vec<queue::Notification>) -> Self {
        Self {
            accepted: messages.into_iter().map(Accepted::read).collect(),
            batch: Batch::default(),
            rows: Vec::new(),
            read_names: Vec::new(),
            folders: BTreeMap::new(),
            stage: Stage::Read,
        }
    }

    /// What each message will be recorded under.
    pub fn digests(&self) -> impl Iterator<Item = String> {
        self.accepted.iter().map(|accepted| accepted.digest.clone())
    }

    pub(super) fn messages(&self) -> Vec<Message> {
        let messages = self.accepted.iter().map(|one| one.message.clone());
        messages.map(Message::Notification).collect()
    }

    pub(super) fn step(&mut self, sides: &mut Sides, fault: Fault) -> Progress {
        match self.stage {
            Stage::Read => {
                self.read(sides);
                self.stage = Stage::Fetch;
                Progress::Going
            }
            Stage::Fetch if fault != Fault::None => Progress::Failed,
            Stage::Fetch => {
                let concerns = self.concerns();
                let wanted = concerns.into_iter().flat_map(|concern| concern.to_fetch);
                self.fetch(sides, wanted.collect());
                self.stage = Stage::Write;
                Progress::Going
            }
            Stage::Write => self.write(sides),
        }
    }

    fn read(&mut self, sides: &Sides) {
        self.folders = BTreeMap::new();
        for accepted in &self.accepted {
            if let Ok(notification) = &accepted.read
                && let Says::FolderMoved { from } = &notification.says
            {
                let ids = sides.database.folder_ids(from);
                self.folders.insert(from.clone(), ids);
            }
        }
        let query = rows_concerned(&self.accepted, &self.batch, &self.folders);
        self.rows = sides.database.fetch(&query);
        self.batch.note_rows(&self.rows);
        self.read_names = query.names;
    }

    fn concerns(&self) -> Vec<Concern> {
        let known = Known::of(&self.rows);
        let concern = |accepted| Concern::of(accepted, &known, &self.folders);
        self.accepted.iter().map(concern).collect()
    }

    fn fetch(&mut self, sides: &Sides, mut wanted: BTreeMap<AssetId, Option<DeliveryName>>) {
        wanted.retain(|id, _| !self.batch.fetched.contains_key(id));
        let newest = newest_moment(&self.accepted, &self.rows);
        let at = stamp(sides.cloud.lower_bound(), newest);
        let seen = sides.cloud.look(&wanted, at).into_iter();
        self.batch
            .fetched
            .extend(seen.map(|seen| (seen.asset_id.clone(), seen)));
    }

    fn plan(&self, sides: &mut Sides, concerns: &[Concern]) -> Plan {
        let changed = moments_of_change(&self.accepted, concerns);
        let mut observations = self.batch.observations(&changed);
        observations.extend(concerns.iter().flat_map(|concern| concern.told.clone()));
        plan_observations(&self.rows, &observations, CONTEXT, || sides.fresh_id())
    }

    fn write(&mut self, sides: &mut Sides) -> Progress {
        let concerns = self.concerns();
        let mut plan = self.plan(sides, &concerns);
        if !plan.displaced.is_empty() {
            let displaced: BTreeSet<AssetId> = plan.displaced.iter().cloned().collect();
            self.batch.fetched.retain(|id, _| !displaced.contains(id));
            self.fetch(sides, displaced.into_iter().map(|id| (id, None)).collect());
            plan = self.plan(sides, &concerns);
        }
        let unread = plan.unread_names(&self.read_names);
        if !unread.is_empty() {
            self.batch.names.extend(unread);
            self.stage = Stage::Read;
            return Progress::Going;
        }
        let verdicts: Vec<_> = concerns.iter().map(|one| one.result(&plan)).collect();
        let records = self.accepted.iter().zip(&concerns).zip(verdicts);
        let change = WriteSet {
            notifications: records
                .filter_map(|((accepted, concern), verdict)| {
                    Some(accepted.record(concern, verdict.ok()?))
                })
                .collect(),
            ..WriteSet::of_plan(plan)
        };
        if sides.database.apply(&change).is_err() {
            self.stage = Stage::Read;
            return Progress::Going;
        }
        Progress::Ended
    }
}
