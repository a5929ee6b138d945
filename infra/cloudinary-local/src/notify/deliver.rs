//! Sends pending notifications, signed, and again on Cloudinary's schedule until one is answered
//! with 200.

use std::collections::HashSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::account::Account;
use crate::model::{Change, Notification, Outcome};
use crate::moment::Moment;
use crate::settings::ServerSettings;
use crate::signature;
use crate::store::Store;

#[derive(Debug)]
pub(crate) struct Deliverer {
    store: Arc<Store>,
    account: Account,
    client: reqwest::Client,
    in_flight: Mutex<HashSet<u64>>,
}

/// Wake up now and then even when nothing is due: the machine's clock may have been set.
const LONGEST_NAP: Duration = Duration::from_secs(60);

impl Deliverer {
    pub(crate) fn new(store: Arc<Store>, account: Account, client: reqwest::Client) -> Arc<Self> {
        Arc::new(Self {
            store,
            account,
            client,
            in_flight: Mutex::default(),
        })
    }

    /// Runs until it is dropped.
    pub(crate) async fn run(self: Arc<Self>) {
        let mut changed = self.store.subscribe();
        loop {
            changed.mark_unchanged();
            let (due, nap) = self.take_due(false);
            self.send_all(due);
            tokio::select! {
                _ = tokio::time::sleep(nap) => (),
                result = changed.changed() => if result.is_err() { return },
            }
        }
    }

    /// Attempts everything pending now, before its schedule too; even while paused.
    pub(crate) fn flush(self: &Arc<Self>) -> usize {
        let (due, _) = self.take_due(true);
        let count = due.len();
        self.send_all(due);
        count
    }

    pub(crate) fn in_flight(&self) -> usize {
        self.lock().len()
    }

    /// Marks the notifications to be sent now as under way, and tells how long to rest afterwards.
    fn take_due(&self, all: bool) -> (Vec<Notification>, Duration) {
        let mut in_flight = self.lock();
        self.store.read(|state| {
            let settings = &state.settings;
            let now = Moment::now(settings.clock_skew_ms);
            let paused = settings.notifications_paused && !all;
            let room = if all {
                usize::MAX
            } else {
                settings.notification_concurrency.max(1)
            };
            let mut due = Vec::new();
            let mut nap = LONGEST_NAP;
            for (at, id) in state
                .schedule
                .iter()
                .filter(|(_, id)| !in_flight.contains(id))
            {
                // The end of a pause and a free place are changes that wake us.
                if paused || in_flight.len() + due.len() >= room {
                    break;
                }
                // Moments run ahead of the clock by microseconds when many are handed out at once.
                if !all && *at > now.plus_millis(1) {
                    nap = nap.min(Duration::from_micros((at.0 - now.0).unsigned_abs()));
                    break;
                }
                due.extend(state.pending.get(id).cloned());
            }
            in_flight.extend(due.iter().map(|n| n.id));
            (due, nap)
        })
    }

    fn send_all(self: &Arc<Self>, due: Vec<Notification>) {
        for notification in due {
            let deliverer = Arc::clone(self);
            tokio::spawn(async move { deliverer.attempt(notification).await });
        }
    }

    async fn attempt(&self, notification: Notification) {
        let settings = self.store.read(|state| state.settings.clone());
        let at = Moment::now(settings.clock_skew_ms);
        let signed_at = match notification.first_signed_at {
            Some(first) if !settings.retries_resign => first,
            _ => at.seconds(),
        };
        let delivered = self.send(&notification, &settings, signed_at).await;
        let attempts = notification.attempts + 1;
        let id = notification.id;
        let ended = Moment::now(settings.clock_skew_ms);
        let next = next_attempt(&notification, &settings, attempts, ended);
        let attempted = |next| Change::Attempted {
            id,
            attempts,
            at,
            next,
            signed_at,
        };
        let mut changes = Vec::new();
        match (delivered, next) {
            (true, _) => changes.extend([
                attempted(at),
                Change::Settled {
                    id,
                    outcome: Outcome::Delivered,
                },
            ]),
            (false, Some(next)) => changes.push(attempted(next)),
            (false, None) => changes.extend([
                attempted(at),
                Change::Settled {
                    id,
                    outcome: Outcome::Failed,
                },
            ]),
        }
        if let Err(error) = self.store.record(changes) {
            tracing::error!(%error, id, "a notification's outcome could not be recorded");
        }
        self.lock().remove(&id);
        self.store.touch();
    }

    async fn send(
        &self,
        notification: &Notification,
        settings: &ServerSettings,
        signed_at: i64,
    ) -> bool {
        let secret = self.account.notification_secret(settings);
        let timestamp = signed_at.to_string();
        let mut request = self
            .client
            .post(&notification.uri)
            .timeout(Duration::from_millis(settings.notification_timeout_ms))
            .header("content-type", "application/json")
            .header("user-agent", "Cloudinary")
            .header("x-cld-timestamp", &timestamp);
        if notification.signed {
            let signature = signature::sign_notification(
                notification.body.as_bytes(),
                &timestamp,
                secret,
                settings.signature_algorithm,
            );
            request = request.header("x-cld-signature", signature);
        }
        match request.body(notification.body.to_string()).send().await {
            Ok(answer) => {
                let status = answer.status();
                status.as_u16() == 200 || (settings.accept_any_2xx && status.is_success())
            }
            Err(error) => {
                tracing::debug!(%error, uri = notification.uri, "a notification was not delivered");
                false
            }
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashSet<u64>> {
        self.in_flight.lock().expect("no holder of the lock panics")
    }
}

/// When to try again after `attempts` failures; never after the last wait of the schedule.
fn next_attempt(
    n: &Notification,
    settings: &ServerSettings,
    attempts: u32,
    ended: Moment,
) -> Option<Moment> {
    let wait = *settings.retry_delays_ms.get(attempts as usize - 1)?;
    let from = if settings.retry_from_first {
        n.first_attempt_at.unwrap_or(ended)
    } else {
        ended
    };
    Some(from.plus_millis((wait as f64 * settings.retry_factor) as i64))
}
