//! The work besides runs: sending waiting intents, removing old records, replaying notifications,
//! repairing Cloudinary's triggers, and telling CloudWatch the state of the mirror.

mod task;

use std::time::{Duration, Instant};

use aws_config::SdkConfig;
use serde_json::{Value, json};
use url::Url;

pub use self::task::MaintenanceTask;
use crate::config::{self, CloudinaryConfig, SecretSettings, ServiceConfig};
use crate::deadline::Deadline;
use crate::queue::{ReplayMessage, SendError, SqsQueue};
use crate::rotation::LiveValue;
use crate::settings::import_settings;
use crate::supabase::{DataApi, SupabaseError};
use crate::sync::clients::SyncClients;
use crate::sync::drain::send_waiting_intents;
use crate::sync::fence::LibraryFence;
use crate::sync::health::RunSchedules;
use crate::sync::marker::FenceStanding;
use crate::sync::purge::purge_records;
use crate::sync::replay::{ReplayError, replay};
use crate::sync::settle::SettleError;
use crate::sync::store::{MirrorHealth, MirrorStore};
use crate::sync::trigger_repair::{TriggerError, repair_triggers};
use crate::sync::uploads::Uploads;
use crate::telemetry;
use crate::telemetry::metrics::{self, Metric};
use crate::time::Timestamp;

/// Maintenance, and its dependencies.
#[derive(Debug, Clone)]
pub struct Maintenance {
    pub clients: SyncClients,
    pub notifications: SqsQueue,
    pub outbound: SqsQueue,
    /// Takes the rest of a replay; the function `reconcile` reads it.
    pub continuation: SqsQueue,
    pub schedules: RunSchedules,
    /// Days for which the audit trail is kept.
    pub audit_days: u32,
    /// The addresses of this stack's webhook; none where the function's template names none.
    pub webhooks: Vec<Url>,
    /// The database, for settings.
    pub supabase: DataApi,
    /// Settings that an old secret holds.
    pub settings: LiveValue<SecretSettings>,
}

/// A task that was not finished. What was done until then stays done.
#[derive(Debug, thiserror::Error)]
pub enum MaintenanceError {
    #[error("stranded intents were not looked for")]
    Drain(#[source] SupabaseError),
    #[error("uploads that nobody ended were not looked for")]
    Uploads(#[source] SettleError),
    #[error("old records were not removed")]
    Purge(#[source] SupabaseError),
    #[error("the triggers were not checked")]
    Triggers(#[from] TriggerError),
    #[error("the replay broke off")]
    Replay(#[from] ReplayError),
    #[error("the rest of the replay was not handed on")]
    HandOn(#[source] SendError),
}

/// Kept free after the last claim of a drain, for its messages and the other tasks of the minute.
const AFTER_THE_DRAIN: Duration = Duration::from_secs(20);

impl Maintenance {
    /// With the configuration of the function that it runs in.
    ///
    /// # Errors
    /// When there is none, or it is not usable.
    pub async fn connect(aws: &SdkConfig) -> Result<Self, lambda_http::Error> {
        type Parts = ((CloudinaryConfig, ServiceConfig), SecretSettings);
        let (config, settings) = config::load::<Parts>(aws).await?.split();
        let (cloudinary, service) = config.split();
        let http = config::http_client()?;
        Ok(Self {
            clients: SyncClients {
                cloudinary: cloudinary.client(&http),
                store: MirrorStore::new(service.client(&http)),
            },
            notifications: SqsQueue::connect(aws, config::notification_queue_url()?),
            outbound: SqsQueue::connect(aws, config::outbound_queue_url()?),
            continuation: SqsQueue::connect(aws, config::reconcile_queue_url()?),
            schedules: config::schedules(),
            audit_days: config::audit_retention_days()?,
            webhooks: config::webhook_urls()?,
            supabase: service.client(&http),
            settings,
        })
    }

    /// See [`SyncClients::until`].
    #[must_use]
    pub fn until(&self, end: Deadline) -> Self {
        Self {
            clients: self.clients.until(end),
            notifications: self.notifications.until(end),
            outbound: self.outbound.until(end),
            continuation: self.continuation.until(end),
            supabase: self.supabase.until(end),
            ..self.clone()
        }
    }

    /// Does its task until it is done or `deadline` has come, and answers the result.
    ///
    /// # Errors
    /// See [`MaintenanceError`].
    pub async fn run(
        &self,
        task: MaintenanceTask,
        deadline: Instant,
    ) -> Result<Value, MaintenanceError> {
        match task {
            MaintenanceTask::Drain => self.drain(deadline).await,
            MaintenanceTask::Purge => self.purge(deadline).await,
            MaintenanceTask::Triggers => {
                let SyncClients { cloudinary, store } = &self.clients;
                let repair = repair_triggers(cloudinary, store, &self.webhooks).await?;
                Ok(json!(repair))
            }
            MaintenanceTask::Replay(wanted) => self.replay(wanted, deadline).await,
        }
    }

    /// Sends recorded notifications until time is up, and the rest of them in another invocation.
    ///
    /// # Errors
    /// When they cannot be read or sent, or the rest cannot be handed on.
    pub async fn replay(
        &self,
        wanted: ReplayMessage,
        deadline: Instant,
    ) -> Result<Value, MaintenanceError> {
        let store = &self.clients.store;
        let replayed = replay(store, &self.notifications, wanted, deadline).await?;
        let goes_on = replayed.rest.is_some();
        if let Some(rest) = replayed.rest {
            let handed_on = self.continuation.send(&rest).await;
            handed_on.map_err(MaintenanceError::HandOn)?;
        }
        tracing::info!(sent = replayed.sent, goes_on, "notifications were replayed");
        Ok(json!({"replayed": replayed.sent, "goes_on": goes_on}))
    }

    async fn purge(&self, deadline: Instant) -> Result<Value, MaintenanceError> {
        let purged = purge_records(&self.clients.store, self.audit_days, deadline).await;
        Ok(json!(purged.map_err(MaintenanceError::Purge)?))
    }

    async fn drain(&self, deadline: Instant) -> Result<Value, MaintenanceError> {
        let until = deadline.checked_sub(AFTER_THE_DRAIN).unwrap_or(deadline);
        let sent = send_waiting_intents(&self.clients.store, &self.outbound, until).await;
        let uploads = self.resolve_uploads().await;
        self.watch().await;
        self.import_settings().await;
        let sent = sent.map_err(MaintenanceError::Drain)?;
        Ok(json!({"intents_sent": sent, "uploads_ended": uploads?}))
    }

    async fn resolve_uploads(&self) -> Result<usize, MaintenanceError> {
        let uploads = Uploads {
            clients: self.clients.clone(),
        };
        let ended = uploads.resolve_due().await;
        ended.map_err(MaintenanceError::Uploads)
    }

    /// Moves the settings of an old secret into the database, where triggers read them. Whoever needs one that is
    /// broken refuses by itself.
    async fn import_settings(&self) {
        if let Err(error) = import_settings(&self.supabase, &self.settings).await {
            telemetry::log_error("the secret's settings were not imported", &error);
        }
    }

    /// Marks the library again if somebody has deleted this deployment's marker.
    async fn keep_marked(&self, fence: LibraryFence<'_>, mirror: &MirrorHealth) {
        let is_missing = mirror
            .fence
            .as_ref()
            .is_some_and(|state| state.standing == FenceStanding::Missing);
        if is_missing && let Err(error) = fence.mark(false).await {
            telemetry::log_error("the library could not be marked again", &error);
        }
    }

    /// Tells CloudWatch how the mirror stands. If that cannot be found out nothing is told, and the
    /// alarm for lateness takes silence for the worst.
    async fn watch(&self) {
        let fence = LibraryFence {
            clients: &self.clients,
        };
        match self.clients.store.fetch_health(&fence.place().await).await {
            Ok(mirror) => {
                metrics::record(&state(&mirror, self.schedules, Timestamp::now()));
                self.keep_marked(fence, &mirror).await;
            }
            Err(error) => {
                telemetry::log_error("the mirror's health was not told", &error);
                if error.is_about_key() {
                    metrics::record(&[(&metrics::SERVICE_KEY_REFUSED, 1.0)]);
                }
            }
        }
    }
}

/// The state of the mirror, in metrics.
fn state(
    mirror: &MirrorHealth,
    schedules: RunSchedules,
    now: Timestamp,
) -> Vec<(&'static Metric, f64)> {
    let yes = |is: bool| f64::from(u8::from(is));
    let mut metrics = vec![
        // Without a known schedule there is no late, only alive.
        (
            &metrics::RECONCILIATION_LATENESS,
            mirror.lateness(schedules, now).unwrap_or(0.0),
        ),
        (&metrics::LAST_RUN_FAILED, yes(mirror.last_run_failed())),
        (&metrics::ASSETS_IN_ERROR, mirror.errors as f64),
        (&metrics::DELETES_HELD, mirror.held_deletes as f64),
        (&metrics::LIBRARY_FENCED, yes(mirror.stranger().is_some())),
        (
            &metrics::OLDEST_DECISION,
            mirror.oldest_decision(now).as_secs_f64(),
        ),
        (
            &metrics::NOTIFICATIONS_MISSING,
            yes(mirror.lacks_notifications()),
        ),
        (&metrics::SERVICE_KEY_REFUSED, 0.0),
    ];
    if let Some(bytes) = mirror.trail_bytes {
        metrics.push((&metrics::AUDIT_TRAIL_BYTES, bytes as f64));
    }
    if let Some((remaining, is_low)) = mirror.quota_left(now) {
        metrics.push((&metrics::QUOTA_REMAINING, f64::from(remaining)));
        metrics.push((&metrics::QUOTA_BELOW_RESERVE, yes(is_low)));
    }
    metrics
}
