//! One acknowledged request: its reads, its changes and its announcements.

use std::sync::Arc;

use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};
use serde_json::{Map, Value, json};

use super::State;
use crate::model::{
    Asset, Change, Folder, Id, Name, Notification, Outcome, PolledMessage, Trigger,
};
use crate::moment::Moment;
use crate::settings::{Envelope, NotificationChaos, ServerSettings};
use crate::template;

/// On whose behalf a change is made, and where its events go besides the triggers.
#[derive(Debug, Clone)]
pub(crate) struct Actor {
    pub(crate) source: &'static str,
    pub(crate) api_key: String,
    pub(crate) notification_url: Option<String>,
    /// The name that the call gave to its work, by which its events can be fetched.
    pub(crate) batch_id: Option<String>,
}

pub(crate) struct Transaction<'a> {
    state: &'a State,
    actor: &'a Actor,
    changes: Vec<Change>,
    moment: Moment,
    notifications: u64,
    sequences: u64,
}

impl<'a> Transaction<'a> {
    pub(super) fn begin(state: &'a State, actor: &'a Actor) -> Self {
        let clock = Moment::now(state.settings.clock_skew_ms);
        let moment = clock.max(Moment(state.last_moment.0 + 1));
        Self {
            state,
            actor,
            changes: Vec::new(),
            moment,
            notifications: 0,
            sequences: 0,
        }
    }

    pub(super) fn into_changes(self) -> Vec<Change> {
        self.changes
    }

    /// The account as it was when the transaction began. What this transaction recorded is not in
    /// it: bulk operations drop repeated ids first.
    pub(crate) fn state(&self) -> &'a State {
        self.state
    }

    pub(crate) fn settings(&self) -> &'a ServerSettings {
        &self.state.settings
    }

    pub(crate) fn actor(&self) -> &'a Actor {
        self.actor
    }

    pub(crate) fn now(&self) -> Moment {
        self.moment
    }

    pub(crate) fn record(&mut self, change: Change) {
        self.changes.push(change);
    }

    pub(crate) fn put(&mut self, asset: Asset) -> Arc<Asset> {
        let asset = Arc::new(asset);
        self.record(Change::Asset(Arc::clone(&asset)));
        asset
    }

    pub(crate) fn live_by_name(&self, name: &Name) -> Option<&'a Arc<Asset>> {
        self.state.live_by_name(name)
    }

    pub(crate) fn next_sequence(&mut self) -> u64 {
        self.sequences += 1;
        self.state.next_sequence + self.sequences - 1
    }

    /// Makes sure that a folder and those above it exist.
    pub(crate) fn ensure_folder(&mut self, path: &str) {
        for path in lineage(path) {
            let recorded = |change: &Change| matches!(change, Change::Folder(f) if f.path == path);
            if !self.state.folders.contains_key(path) && !self.changes.iter().any(recorded) {
                let folder = Folder {
                    path: path.to_owned(),
                    external_id: Id::random(),
                    created_at: self.moment,
                };
                self.record(Change::Folder(folder));
            }
        }
    }

    /// Queues one event for every address that is to hear of it. `body` is the event's own part;
    /// the envelope is added here.
    pub(crate) fn emit(&mut self, event_type: &str, body: Map<String, Value>) {
        let targets = self.targets(event_type);
        let triggered_at = self.moment;
        // The next event of this transaction is later, if only by a microsecond.
        self.moment = Moment(self.moment.0 + 1);
        let channels = self.channels(event_type);
        if targets.is_empty() && channels.is_empty() {
            return;
        }
        let event = self.envelope(event_type, body, triggered_at);
        let body: Arc<str> = self.settings().write(&event).into();
        for channel in channels {
            self.keep(channel, &body, triggered_at);
        }
        for target in targets {
            let body = match &target.payload_template {
                Some(template) => template::render(template, &event).into(),
                None => Arc::clone(&body),
            };
            self.queue(event_type, target, &body, triggered_at);
        }
    }

    fn targets(&self, event_type: &str) -> Vec<Target> {
        let own = self
            .actor
            .notification_url
            .as_deref()
            .filter(|url| !url.is_empty());
        let mut targets: Vec<Target> = own
            .into_iter()
            .flat_map(|urls| urls.split('\n'))
            .map(Target::of_call)
            .collect();
        for trigger in self.listeners(event_type, "webhook") {
            if !targets.iter().any(|target| target.uri == trigger.uri) {
                targets.push(Target::of_trigger(trigger));
            }
        }
        targets
    }

    /// The triggers of a kind that hear of an event: a call that names its own address silences all
    /// but the additive ones.
    fn listeners(&self, event_type: &str, uri_type: &str) -> impl Iterator<Item = &'a Trigger> {
        let own = self.actor.notification_url.as_deref();
        let silenced = own.is_some_and(|url| !url.is_empty());
        self.state.triggers.values().filter(move |trigger| {
            (trigger.event_type == "all" || trigger.event_type == event_type)
                && trigger.uri_type == uri_type
                && (!silenced || trigger.additive)
        })
    }

    /// Where the event is kept for fetching; `None` is the batch of the call.
    fn channels(&self, event_type: &str) -> Vec<Option<String>> {
        let mut channels = Vec::new();
        for trigger in self.listeners(event_type, "poll") {
            let channel = trigger.uri.strip_prefix("poll://").unwrap_or_default();
            let channel = (channel != "*").then(|| channel.to_owned());
            let addressed = channel.is_some() || self.actor.batch_id.is_some();
            if addressed && !channels.contains(&channel) {
                channels.push(channel);
            }
        }
        channels
    }

    fn keep(&mut self, channel: Option<String>, body: &Arc<str>, at: Moment) {
        self.record(Change::Polled(PolledMessage {
            id: Id::random(),
            channel,
            batch_id: self.actor.batch_id.clone(),
            body: Arc::clone(body),
            created_at: at,
            visible_at: at,
        }));
    }

    fn envelope(&self, event_type: &str, mut body: Map<String, Value>, at: Moment) -> Value {
        body.insert("notification_type".to_owned(), json!(event_type));
        if self.settings().envelope == Envelope::Full {
            let settings = self.settings();
            let oldest = match settings.first_key_disabled {
                true => settings.access_keys.keys().next(),
                false => None,
            };
            let key = settings.notification_api_key.as_ref().or(oldest);
            let key = key.unwrap_or(&self.actor.api_key);
            body.insert(
                "notification_context".to_owned(),
                json!({
                    "triggered_at": at.iso_micros(),
                    "triggered_by": {"source": self.actor.source, "id": self.actor.api_key},
                }),
            );
            body.insert("signature_key".to_owned(), json!(key));
        }
        Value::Object(body)
    }

    fn queue(&mut self, event_type: &str, target: Target, body: &Arc<str>, at: Moment) {
        let ordinal = self.state.chaos_ordinal + self.notifications;
        let fate = Fate::draw(&self.state.chaos, ordinal);
        for _ in 0..fate.copies {
            let id = self.state.next_notification + self.notifications;
            self.notifications += 1;
            self.record(Change::Notify(Notification {
                id,
                event_type: event_type.to_owned(),
                uri: target.uri.clone(),
                body: Arc::clone(body),
                signed: target.signed,
                created_at: at,
                next_attempt_at: at.plus_millis(fate.hold_ms),
                attempts: 0,
                first_signed_at: None,
                first_attempt_at: None,
            }));
            if fate.dropped {
                self.record(Change::Settled {
                    id,
                    outcome: Outcome::Dropped,
                });
            }
        }
    }
}

/// An address that hears of an event, and the form in which it does.
struct Target {
    uri: String,
    signed: bool,
    payload_template: Option<String>,
}

impl Target {
    /// The address that a call named for itself.
    fn of_call(uri: &str) -> Self {
        Self {
            uri: uri.to_owned(),
            signed: true,
            payload_template: None,
        }
    }

    fn of_trigger(trigger: &Trigger) -> Self {
        Self {
            uri: trigger.uri.clone(),
            signed: trigger.auth_scheme != "eddsa_v2",
            payload_template: trigger.payload_template.clone(),
        }
    }
}

/// The fate that the chaos switches give one notification.
#[derive(Debug, PartialEq)]
struct Fate {
    dropped: bool,
    copies: u32,
    hold_ms: i64,
}

impl Fate {
    /// Follows from the seed and the notification's place in the order of creation alone.
    fn draw(chaos: &NotificationChaos, ordinal: u64) -> Self {
        let mut dice =
            SmallRng::seed_from_u64(chaos.seed ^ ordinal.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let dropped = dice.random::<f64>() < chaos.drop;
        let duplicated = dice.random::<f64>() < chaos.duplicate;
        let reordered = dice.random::<f64>() < chaos.reorder;
        let delay = dice.random_range(0..=chaos.delay_ms);
        let window = if chaos.reorder_window_ms == 0 {
            500
        } else {
            chaos.reorder_window_ms
        };
        let behind = dice.random_range(1..=window);
        let hold = delay + if reordered { behind } else { 0 };
        Self {
            dropped,
            copies: if duplicated && !dropped { 2 } else { 1 },
            hold_ms: i64::try_from(hold).unwrap_or(i64::MAX / 2000),
        }
    }
}

/// The folders above a path, from the top, and itself.
fn lineage(path: &str) -> impl Iterator<Item = &str> {
    let above = path.match_indices('/').map(|(at, _)| &path[..at]);
    above
        .chain(std::iter::once(path))
        .filter(|path| !path.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_are_made_from_the_top_in_every_script() {
        let made = |path| lineage(path).collect::<Vec<_>>();
        assert_eq!(
            made("größe/写真/💩"),
            ["größe", "größe/写真", "größe/写真/💩"]
        );
        assert_eq!(made("ü"), ["ü"]);
        assert!(made("").is_empty());
    }

    #[test]
    fn fates_follow_from_the_seed_and_keep_their_shares() {
        let chaos = NotificationChaos {
            drop: 0.2,
            duplicate: 0.3,
            delay_ms: 50,
            reorder: 0.1,
            seed: 7,
            ..NotificationChaos::default()
        };
        let draw =
            |chaos: &NotificationChaos| (0..2000).map(|n| Fate::draw(chaos, n)).collect::<Vec<_>>();
        let fates = draw(&chaos);
        assert_eq!(fates, draw(&chaos));
        assert_ne!(fates, draw(&NotificationChaos { seed: 8, ..chaos }));
        let dropped = fates.iter().filter(|fate| fate.dropped).count();
        let twice = fates.iter().filter(|fate| fate.copies == 2).count();
        assert!(
            (300..500).contains(&dropped),
            "{dropped} of 2000 dropped, wanted about 400"
        );
        assert!(
            (380..580).contains(&twice),
            "{twice} of 2000 sent twice, wanted about 480"
        );
        assert_eq!(
            draw(&NotificationChaos::default())[5],
            Fate {
                dropped: false,
                copies: 1,
                hold_ms: 0
            }
        );
    }
}
