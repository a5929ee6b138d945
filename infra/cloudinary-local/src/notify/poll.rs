//! Poll notifications: kept until a client has fetched and acknowledged them.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::account::Account;
use crate::error::ApiError;
use crate::model::{Change, PolledMessage};
use crate::moment::Moment;
use crate::params::Params;
use crate::settings::ServerSettings;
use crate::signature;
use crate::store::{State, Store};

/// The messages that one request asks for.
struct PollQuery {
    channel: Option<String>,
    batch_id: Option<String>,
    count: usize,
    wait: Duration,
    hidden_ms: i64,
}

impl PollQuery {
    fn read(params: &Params) -> Result<Self, ApiError> {
        let text = |name: &str| params.filled(name).map(str::to_owned);
        let (channel, batch_id) = (text("channel"), text("batch_id"));
        if channel.is_some() == batch_id.is_some() {
            let message = "Exactly one of channel or batch_id is required";
            return Err(ApiError::bad_request(message));
        }
        let bounded = |name: &str, otherwise: u32, least: u32, most: u32| {
            let asked = params.number(name)?.unwrap_or(otherwise.into());
            let asked = u32::try_from(asked).ok();
            let asked = asked.filter(|asked| (least..=most).contains(asked));
            asked.ok_or_else(|| ApiError::invalid(name))
        };
        Ok(Self {
            channel,
            batch_id,
            count: bounded("max_messages", 10, 1, 100)? as usize,
            wait: Duration::from_secs(bounded("wait_seconds", 20, 0, 60)?.into()),
            hidden_ms: i64::from(bounded("visibility_timeout", 30, 1, 600)?) * 1000,
        })
    }

    fn asks_for(&self, message: &PolledMessage) -> bool {
        match (&message.channel, &self.channel) {
            (Some(own), Some(asked)) => own == asked,
            (None, None) => message.batch_id == self.batch_id,
            _ => false,
        }
    }

    fn visible(&self, state: &State, now: Moment) -> Vec<PolledMessage> {
        let asked = |message: &&PolledMessage| message.visible_at <= now && self.asks_for(message);
        let messages = state.polled.values().filter(asked);
        messages.take(self.count).cloned().collect()
    }
}

/// Answers as soon as there are messages, or empty-handed when the time is up.
pub(crate) async fn fetch(
    store: &Store,
    account: &Account,
    params: &Params,
) -> Result<Value, ApiError> {
    let query = PollQuery::read(params)?;
    let deadline = Instant::now() + query.wait;
    let mut changed = store.subscribe();
    loop {
        changed.mark_unchanged();
        let (claimed, settings) = claim(store, &query)?;
        if !claimed.is_empty() {
            let now = Moment::now(settings.clock_skew_ms);
            let told = claimed.iter().map(|one| tell(one, account, &settings, now));
            return Ok(json!({"messages": told.collect::<Vec<_>>()}));
        }
        if tokio::time::timeout_at(deadline, changed.changed())
            .await
            .is_err()
        {
            return Ok(json!({}));
        }
    }
}

/// Takes the messages, which others do not see until they reappear.
fn claim(
    store: &Store,
    query: &PollQuery,
) -> Result<(Vec<PolledMessage>, ServerSettings), ApiError> {
    store.decide(|state| {
        // Moments run ahead of the clock by microseconds when many are handed out at once.
        let now = Moment::now(state.settings.clock_skew_ms).plus_millis(1);
        let mut claimed = query.visible(state, now);
        for message in &mut claimed {
            message.visible_at = now.plus_millis(query.hidden_ms);
        }
        let changes = claimed.iter().cloned().map(Change::Polled).collect();
        (changes, (claimed, state.settings.clone()))
    })
}

fn tell(
    message: &PolledMessage,
    account: &Account,
    settings: &ServerSettings,
    now: Moment,
) -> Value {
    let timestamp = now.seconds().to_string();
    let body = message.body.as_bytes();
    let secret = account.notification_secret(settings);
    let algorithm = settings.signature_algorithm;
    json!({
        "receipt_handle": message.id,
        "batch_id": message.batch_id,
        "payload": serde_json::from_slice::<Value>(body).unwrap_or_default(),
        "signed_payload": URL_SAFE_NO_PAD.encode(body),
        "signature": signature::sign_notification(body, &timestamp, secret, algorithm),
        "timestamp": timestamp,
    })
}

/// Forgets the messages of these handles; one that is not known has been acknowledged before.
pub(crate) fn acknowledge(store: &Store, params: &Params) -> Result<Value, ApiError> {
    const AT_MOST: usize = 100;
    let handles = params.ids("receipt_handles").unwrap_or_default();
    if handles.is_empty() || handles.len() > AT_MOST {
        return Err(ApiError::invalid("receipt_handles"));
    }
    let ids = handles.iter().filter_map(|handle| handle.parse().ok());
    store.record(vec![Change::Acknowledged { ids: ids.collect() }])?;
    let results = vec![json!({"status": "acked"}); handles.len()];
    Ok(json!({"results": results}))
}
