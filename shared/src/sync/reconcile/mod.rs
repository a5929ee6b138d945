//! Walks Cloudinary page by page and repairs what notifications have missed.
//!
//! A run is cut into slices, each within one invocation. Every step of a slice (a page, a hundred
//! suspects) is one transaction that holds the difference, the counters and the place where to go
//! on, so a crash repeats at most one step, and repeating is harmless. (Where values are refused,
//! parts of a page are written before it.)

mod drift;
mod named;
mod options;
mod predict;
mod read;
mod refusals;
mod slice;
mod stage;

use std::time::{Duration, Instant};

use uuid::Uuid;

pub use self::drift::{Drift, MAX_EXAMPLES};
pub(super) use self::named::cut;
pub use self::named::{MAX_NAMES, NamedOutcome};
pub use self::options::{MAX_PAGE, RunOptions, checked_names};
use self::refusals::VALUES_REFUSED;
use self::slice::Slice;
pub use self::stage::Counters;
use super::quota;
use super::quota_guard::{QuotaGuard, ReserveTouched};
use super::settle::{Driver, SettleError};
use super::store::{Lead, Rest, RunRequest, RunRow, Store, is_lease_lost};
use crate::cloudinary::{Client, CloudinaryError, Refusal};
use crate::deadline::{Deadline, TO_HAND_ON, TO_WRITE};
use crate::supabase::SupabaseError;
use crate::telemetry;

/// Compares Cloudinary with the database.
#[derive(Clone, Debug)]
pub struct Reconcile {
    pub cloudinary: Client,
    pub store: Store,
}

/// How a slice ended.
#[derive(Debug)]
pub enum SliceOutcome {
    /// The run has ended, well or not.
    Finished(Box<RunRow>),
    /// Time or quota is used up; the run goes on from its checkpoint when somebody continues it,
    /// which is to be brought about, not before its `resume_at`.
    Paused(Box<RunRow>),
    /// The run waits until its `resume_at`; nothing was done.
    Resting(Box<RunRow>),
    /// Somebody else leads a run; nothing was done.
    Busy(Option<Box<RunRow>>),
    /// The run that was to be continued has ended already.
    Over,
}

/// What became of a request for a run.
#[derive(Debug)]
pub struct Begun {
    pub outcome: SliceOutcome,
    /// Whether it is about the run that was asked for, and not about one that was there before.
    pub is_own: bool,
}

/// Why a slice broke off. The run rests at its checkpoint.
#[derive(Debug, thiserror::Error)]
pub enum ReconcileError {
    #[error("Cloudinary could not be read")]
    Cloudinary(#[from] CloudinaryError),
    #[error("the database could not be read or written")]
    Store(#[from] SupabaseError),
    #[error(transparent)]
    Reserve(#[from] ReserveTouched),
    #[error("the rows of a page kept changing while it was planned")]
    Contended,
    #[error("it took longer than a request may; name fewer assets, or try again")]
    OutOfTime,
    #[error("another slice has taken the run over")]
    LeaseLost,
    #[error("{0}")]
    Refused(String),
    #[error("the run's checkpoint is not readable")]
    Checkpoint(#[source] serde_json::Error),
}

impl ReconcileError {
    /// Whether the run may go on later without anybody's doing.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Cloudinary(source) => source.is_transient(),
            Self::Store(source) => source.is_transient(),
            Self::Reserve(_) | Self::Contended | Self::OutOfTime | Self::LeaseLost => true,
            Self::Refused(_) | Self::Checkpoint(_) => false,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Cloudinary(source) => source.code(),
            Self::Refused(_) => VALUES_REFUSED,
            Self::Store(_) => "database",
            Self::Reserve(_) => "quota_reserve",
            Self::Contended => "contended",
            Self::OutOfTime => "out_of_time",
            Self::LeaseLost => "lease_lost",
            Self::Checkpoint(_) => "checkpoint",
        }
    }

    /// For how long nothing is to be tried, where it is the quota that is lacking.
    fn rest(&self) -> Option<Duration> {
        match self {
            Self::Reserve(ReserveTouched(rest)) => Some(*rest),
            Self::Cloudinary(source) => match source.refusal() {
                Some(Refusal::Quota { retry_after }) => Some(quota::bounded(retry_after)),
                _ => None,
            },
            _ => None,
        }
    }
}

impl From<SettleError> for ReconcileError {
    fn from(error: SettleError) -> Self {
        match error {
            SettleError::Look(source) => Self::Cloudinary(source),
            SettleError::Store(source) => Self::Store(source),
            SettleError::Reserve(touched) => Self::Reserve(touched),
            SettleError::Contended => Self::Contended,
            SettleError::ValuesRefused(reason) => Self::Refused(reason),
        }
    }
}

impl Reconcile {
    fn driver(&self, quota: QuotaGuard) -> Driver<'_> {
        Driver {
            cloudinary: &self.cloudinary,
            store: &self.store,
            quota,
        }
    }

    /// The same, for one invocation: calls to Cloudinary end while there is time to write, and the
    /// writing ends while there is time to answer.
    #[must_use]
    pub fn until(&self, end: Deadline) -> Self {
        Self {
            cloudinary: self.cloudinary.until(end.earlier(TO_WRITE)),
            store: self.store.until(end.earlier(TO_HAND_ON)),
        }
    }

    /// Starts a run and works on it until it ends or `deadline` comes near. A run that rests is
    /// brought to its end first, unless it has to wait.
    ///
    /// # Errors
    /// See [`ReconcileError`]; a lack of quota is none, but a pause.
    pub async fn start(
        &self,
        request: &RunRequest,
        deadline: Instant,
    ) -> Result<Begun, ReconcileError> {
        loop {
            let lead = self.store.lead_run(request).await?;
            let is_own = matches!(lead, Lead::Started(_));
            let is_older = matches!(lead, Lead::Resumed(_));
            match self.work(lead, deadline).await? {
                SliceOutcome::Finished(_) if is_older => {}
                outcome => return Ok(Begun { outcome, is_own }),
            }
        }
    }

    /// Works on a run that another slice has left.
    ///
    /// # Errors
    /// As [`Self::start`].
    pub async fn resume(
        &self,
        run_id: Uuid,
        deadline: Instant,
    ) -> Result<SliceOutcome, ReconcileError> {
        let lead = self.store.continue_run(run_id).await?;
        self.work(lead, deadline).await
    }

    async fn work(&self, lead: Lead, deadline: Instant) -> Result<SliceOutcome, ReconcileError> {
        let led = match lead {
            Lead::Started(led) | Lead::Resumed(led) => led,
            Lead::Resting { run } => return Ok(SliceOutcome::Resting(Box::new(run))),
            Lead::Busy { run } => return Ok(SliceOutcome::Busy(run.map(Box::new))),
            Lead::Over => return Ok(SliceOutcome::Over),
        };
        if let Some(reading) = led.quota {
            self.cloudinary.learn_quota(reading);
        }
        let mut slice = Slice::begin(self, led)?;
        match slice.walk(deadline).await {
            Err(error) if error.rest().is_some() => self.wait_for_quota(&slice, &error).await,
            Err(ReconcileError::LeaseLost) => Err(ReconcileError::LeaseLost),
            Err(error) => {
                slice.rest_after(&error).await;
                Err(error)
            }
            Ok(outcome) => Ok(outcome),
        }
    }

    async fn wait_for_quota(
        &self,
        slice: &Slice<'_>,
        error: &ReconcileError,
    ) -> Result<SliceOutcome, ReconcileError> {
        let message = telemetry::chain(error);
        let rest = Rest {
            reason: Some((error.code(), &message)),
            at_least: error.rest(),
            quota: self.cloudinary.newest_quota(),
        };
        match self.store.release_run(slice.run(), rest).await {
            Ok(run) => Ok(SliceOutcome::Paused(Box::new(run))),
            Err(error) if is_lease_lost(&error) => Err(ReconcileError::LeaseLost),
            Err(error) => Err(error.into()),
        }
    }
}
