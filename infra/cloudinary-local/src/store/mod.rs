//! The account, durable: transactions over the state, journalled before they are answered.

mod files;
mod journal;
mod state;
mod transaction;

use std::path::Path;
use std::sync::{Mutex, MutexGuard};

use tokio::sync::watch;

pub use journal::JournalError;

pub(crate) use files::Files;
pub(crate) use state::{Position, State, is_within, rebase};
pub(crate) use transaction::{Actor, Transaction};

use crate::error::ApiError;
use crate::model::Change;
use crate::moment::Moment;
use journal::Journal;

#[derive(Debug)]
pub(crate) struct Store {
    inner: Mutex<Inner>,
    /// Counts commits, so that nobody who waits for a change of state has to poll.
    changed: watch::Sender<u64>,
}

#[derive(Debug)]
struct Inner {
    state: State,
    journal: Journal,
}

impl Store {
    /// Replays the journal in `data`; the second value tells whether it held anything.
    pub(crate) fn open(data: &Path) -> Result<(Self, bool), JournalError> {
        let mut state = State::default();
        let mut any = false;
        let journal = Journal::open(&data.join("journal.jsonl"), |change| {
            any = true;
            state.apply(change);
        })?;
        let inner = Mutex::new(Inner { state, journal });
        Ok((
            Self {
                inner,
                changed: watch::Sender::new(0),
            },
            any,
        ))
    }

    /// Reads the state. Keep it short: everybody else waits.
    pub(crate) fn read<T>(&self, look: impl FnOnce(&State) -> T) -> T {
        look(&self.lock().state)
    }

    /// Brings the search index up to date within its lag, then reads.
    pub(crate) fn read_index<T>(&self, look: impl FnOnce(&State) -> T) -> T {
        let mut inner = self.lock();
        let settings = &inner.state.settings;
        let lag = i64::try_from(settings.index_lag_ms).unwrap_or(i64::MAX / 2000);
        // Moments are handed out strictly increasing, so they may run ahead of the clock a little.
        let until = if lag == 0 {
            Moment(i64::MAX)
        } else {
            Moment::now(settings.clock_skew_ms).plus_millis(-lag)
        };
        inner.state.index.catch_up(until);
        look(&inner.state)
    }

    /// Runs `act`. Its records are journalled, then applied, then announced. When it fails, nothing
    /// happened.
    pub(crate) fn commit<T>(
        &self,
        actor: &Actor,
        act: impl FnOnce(&mut Transaction<'_>) -> Result<T, ApiError>,
    ) -> Result<T, ApiError> {
        let mut inner = self.lock();
        let mut transaction = Transaction::begin(&inner.state, actor);
        let result = act(&mut transaction)?;
        let changes = transaction.into_changes();
        if changes.is_empty() {
            return Ok(result);
        }
        inner.append(changes)?;
        drop(inner);
        self.changed.send_modify(|count| *count += 1);
        Ok(result)
    }

    /// Journals and applies changes that need no reading.
    pub(crate) fn record(&self, changes: Vec<Change>) -> Result<(), ApiError> {
        self.lock().append(changes)?;
        self.changed.send_modify(|count| *count += 1);
        Ok(())
    }

    /// Reads the state and records what follows from it, with nobody in between.
    pub(crate) fn decide<T>(
        &self,
        act: impl FnOnce(&State) -> (Vec<Change>, T),
    ) -> Result<T, ApiError> {
        let mut inner = self.lock();
        let (changes, result) = act(&inner.state);
        if !changes.is_empty() {
            inner.append(changes)?;
        }
        Ok(result)
    }

    pub(crate) fn subscribe(&self) -> watch::Receiver<u64> {
        self.changed.subscribe()
    }

    /// Wakes everybody who waits for a change that is not in the journal.
    pub(crate) fn touch(&self) {
        self.changed.send_modify(|count| *count += 1);
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().expect("no holder of the lock panics")
    }
}

impl Inner {
    fn append(&mut self, changes: Vec<Change>) -> Result<(), ApiError> {
        self.journal.append(&changes).map_err(|error| {
            tracing::error!(%error, "the journal could not be written");
            ApiError::internal("General Error")
        })?;
        changes
            .into_iter()
            .for_each(|change| self.state.apply(change));
        Ok(())
    }
}
