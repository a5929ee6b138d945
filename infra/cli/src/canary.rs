//! Proves that notifications arrive, with an asset that lives for seconds.

use std::time::{Duration, Instant};

use media_sync::asset::{AssetId, ResourceType};
use media_sync::cloudinary::CloudinaryClient;
use media_sync::cloudinary::signature::sign_notification;
use media_sync::cloudinary::upload::{UploadOptions, UploadSource};
use media_sync::supabase::DataApi;
use media_sync::time::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};
use url::Url;
use uuid::Uuid;

use crate::exit::Exit;
use crate::failure::{Failure, chain};
use crate::output::Output;
use crate::triggers;

/// Begins the public id of every canary.
pub const PREFIX: &str = "media-sync-canary-";

/// A picture of one pixel.
const PICTURE: &str = "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";

/// Between two looks into the database.
const PAUSE: Duration = Duration::from_millis(250);

/// The longest time for the webhook to answer a call of ours, and for the worker to handle it.
const PROBE_LIMIT: Duration = Duration::from_secs(20);

/// The way that a notification takes, and its ends.
#[derive(Debug)]
pub struct Canary {
    /// Where the asset is uploaded.
    pub cloudinary: CloudinaryClient,
    /// Where its notifications are recorded.
    pub supabase: DataApi,
    /// Where Cloudinary sends them.
    pub webhook: Url,
    /// For a notification of our own, which finds the leg that is broken.
    pub http: reqwest::Client,
    /// The longest time for an event.
    pub limit: Duration,
}

/// The time that the events took.
#[derive(Debug)]
pub struct CanaryProof {
    /// From Cloudinary's answer to the row.
    pub upload: Duration,
    /// From Cloudinary's answer to the row's end.
    pub delete: Duration,
}

impl CanaryProof {
    /// As data.
    pub fn to_json(&self) -> Value {
        json!({
            "upload_ms": u64::try_from(self.upload.as_millis()).unwrap_or(u64::MAX),
            "delete_ms": u64::try_from(self.delete.as_millis()).unwrap_or(u64::MAX),
        })
    }
}

/// A notification as the database records it.
#[derive(Debug, Deserialize)]
struct Record {
    verdict: String,
    reason: Option<String>,
}

/// The event that is waited for.
#[derive(Debug, Clone, Copy)]
enum Event {
    Upload,
    Delete,
}

impl Event {
    const fn word(self) -> &'static str {
        match self {
            Self::Upload => "upload",
            Self::Delete => "delete",
        }
    }
}

/// The leg on which a notification was lost.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Leg {
    /// The webhook does not answer.
    Unreachable(String),
    /// It refuses our own signature: its secrets are others.
    RefusedOurs(u16),
    /// It answers otherwise than the webhook does.
    NotTheWebhook(u16),
    /// It takes notifications, and nobody handles them.
    NotProcessed,
    /// Ours gets through, Cloudinary's does not.
    OnlyCloudinarys,
}

impl Canary {
    /// Proves the way, where a trigger leads to the webhook.
    ///
    /// # Errors
    /// Says on which leg the notification was lost. The canary is removed in any case.
    pub async fn prove(&self, output: &Output) -> Result<CanaryProof, Failure> {
        let triggers = self.cloudinary.list_triggers(None).await?.value;
        if !triggers::reaches(&triggers, &self.webhook) {
            return Err(no_trigger(&self.webhook));
        }
        self.fly(output).await
    }

    /// Uploads the canary, waits for it in the database, deletes it, and waits again.
    async fn fly(&self, output: &Output) -> Result<CanaryProof, Failure> {
        let name = format!("{PREFIX}{}", Uuid::new_v4());
        let options = UploadOptions {
            resource_type: Some(ResourceType::Image),
            public_id: Some(name.clone()),
            ..UploadOptions::default()
        };
        let source = UploadSource::Url(PICTURE.to_owned());
        let by_hand = format!("delete {name} in Cloudinary by hand, if it is there");
        let uploaded = self.cloudinary.upload(source, &options).await;
        let uploaded = uploaded.map_err(|error| match error.is_transient() {
            // The answer was lost, and the asset may be stored.
            true => Failure::from(error).mend(by_hand.clone()),
            false => Failure::from(error),
        })?;
        let asset = uploaded.value.asset_id.ok_or_else(|| {
            Failure::new(Exit::Failed, "Cloudinary's answer names no asset id")
                .mend(by_hand.clone())
        })?;
        output.say(&format!("uploaded {name}, waiting for its notification"));
        let arrived = tokio::select! {
            arrived = self.arrival(Event::Upload, &asset) => arrived,
            _ = tokio::signal::ctrl_c() => Err(Failure::new(Exit::Failed, "interrupted")),
        };
        let removed = self.cloudinary.destroy(&asset, true).await;
        if removed.is_err() {
            output.warn(&format!("the test asset could not be removed: {by_hand}"));
        }
        let upload = arrived?;
        removed?;
        let delete = self.arrival(Event::Delete, &asset).await?;
        Ok(CanaryProof { upload, delete })
    }

    async fn arrival(&self, event: Event, asset: &AssetId) -> Result<Duration, Failure> {
        let begun = Instant::now();
        loop {
            let in_time = begun.elapsed() < self.limit;
            match self.has_arrived(event, asset).await {
                Ok(true) => return Ok(begun.elapsed()),
                Ok(false) if !in_time => break,
                // The database may be back before the time is over.
                Err(failure) if failure.exit == Exit::TryAgain && in_time => {}
                Err(failure) => return Err(failure),
                Ok(false) => {}
            }
            tokio::time::sleep(PAUSE).await;
        }
        let leg = self.broken_leg().await?;
        Err(lost(event, self.limit, &self.webhook, &leg))
    }

    async fn has_arrived(&self, event: Event, asset: &AssetId) -> Result<bool, Failure> {
        match self.record(event, asset).await? {
            None => Ok(false),
            Some(record) if record.verdict == "parked" => {
                Err(parked(event, record.reason.as_deref()))
            }
            Some(_) => self.row_tells(event, asset).await,
        }
    }

    async fn record(&self, event: Event, asset: &AssetId) -> Result<Option<Record>, Failure> {
        let query = self
            .supabase
            .from("media_notifications")
            .select("verdict,reason")
            .cs("asset_ids", format!("{{{asset}}}"))
            .eq("notification_type", event.word())
            .limit(1);
        let records: Vec<Record> = self.supabase.send(query).await?.json()?;
        Ok(records.into_iter().next())
    }

    async fn row_tells(&self, event: Event, asset: &AssetId) -> Result<bool, Failure> {
        #[derive(Deserialize)]
        struct Row {
            deleted_at: Option<String>,
        }
        let query = self
            .supabase
            .from("media_assets")
            .select("deleted_at")
            .eq("cloudinary_asset_id", asset.as_str())
            .limit(1);
        let rows: Vec<Row> = self.supabase.send(query).await?.json()?;
        Ok(rows.first().is_some_and(|row| match event {
            Event::Upload => true,
            Event::Delete => row.deleted_at.is_some(),
        }))
    }

    /// Sends a notification of our own, about no asset, and looks how far it gets.
    async fn broken_leg(&self) -> Result<Leg, Failure> {
        let mark = Uuid::new_v4().to_string();
        let body = json!({
            "notification_type": "report",
            "media_sync_probe": mark,
            "notification_context": {"triggered_at": Timestamp::now()},
        })
        .to_string();
        let signed_at = u64::try_from(Timestamp::now().micros() / 1_000_000).unwrap_or_default();
        let credentials = self.cloudinary.credentials().await;
        let signature = sign_notification(body.as_bytes(), signed_at, &credentials);
        let sent = self
            .http
            .post(self.webhook.clone())
            .header("content-type", "application/json")
            .header("x-cld-timestamp", signed_at.to_string())
            .header("x-cld-signature", signature)
            .timeout(PROBE_LIMIT)
            .body(body)
            .send()
            .await;
        let status = match sent {
            Err(error) => return Ok(Leg::Unreachable(chain(&error.without_url()))),
            Ok(response) => response.status().as_u16(),
        };
        match status {
            200 => {}
            401 => return Ok(Leg::RefusedOurs(status)),
            500.. => return Ok(Leg::Unreachable(format!("status {status}"))),
            _ => return Ok(Leg::NotTheWebhook(status)),
        }
        let begun = Instant::now();
        while begun.elapsed() < PROBE_LIMIT.min(self.limit) {
            if self.probe_is_recorded(&mark).await? {
                return Ok(Leg::OnlyCloudinarys);
            }
            tokio::time::sleep(PAUSE).await;
        }
        Ok(Leg::NotProcessed)
    }

    async fn probe_is_recorded(&self, mark: &str) -> Result<bool, Failure> {
        let query = self
            .supabase
            .from("media_notifications")
            .select("digest")
            .eq("notification_type", "report")
            .order("received_at.desc")
            .like("body", format!("*{mark}*"))
            .limit(1);
        let found: Vec<Value> = self.supabase.send(query).await?.json()?;
        Ok(!found.is_empty())
    }
}

/// No trigger leads to the webhook.
fn no_trigger(webhook: &Url) -> Failure {
    Failure::new(
        Exit::Failed,
        format!("no trigger tells {webhook} of uploads and deletes"),
    )
    .detail("leg", Some("no_trigger"))
    .mend("mediasync webhooks ensure")
}

fn parked(event: Event, reason: Option<&str>) -> Failure {
    let event = event.word();
    Failure::new(
        Exit::Failed,
        format!("the notification of the {event} arrived, but could not be read"),
    )
    .detail("leg", Some("not_processed"))
    .detail("reason", reason)
    .mend("mediasync webhooks ensure: it replaces a trigger that has a payload template")
}

fn lost(event: Event, limit: Duration, webhook: &Url, leg: &Leg) -> Failure {
    let (word, seen, mend) = match leg {
        Leg::Unreachable(why) => (
            "not_delivered",
            format!("the webhook does not answer: {why}"),
            format!("check that {webhook} is the output WebhookUrl of the stack, and read the log of the function webhook"),
        ),
        Leg::NotTheWebhook(status) => (
            "not_delivered",
            format!("the address answers {status}, which the webhook does not"),
            format!("check that {webhook} is the output WebhookUrl of the stack"),
        ),
        Leg::RefusedOurs(status) => (
            "refused_signature",
            format!("the webhook answers {status} to a notification signed with the secret of CLOUDINARY_URL"),
            "give the stack's secret the same CLOUDINARY_URL; the functions read it within five minutes".to_owned(),
        ),
        Leg::NotProcessed => (
            "not_processed",
            "the webhook takes notifications, but no worker records them".to_owned(),
            "read the log of the function notification_worker; check SUPABASE_URL and SUPABASE_SECRET_KEY in the stack's \
             secret, and that the database has every migration"
                .to_owned(),
        ),
        Leg::OnlyCloudinarys => (
            "refused_signature_or_not_delivered",
            "a notification of our own arrives, Cloudinary's does not".to_owned(),
            "Cloudinary may sign with another key (a notification key, or the oldest active one): add it to \
             CLOUDINARY_NOTIFICATION_SECRETS in the stack's secret; the log of the function webhook \
             says signature_wrong then. Otherwise Cloudinary is slow: repeat with --timeout 300"
                .to_owned(),
        ),
    };
    let event = event.word();
    let seconds = limit.as_secs();
    Failure::new(
        Exit::Failed,
        format!("the notification of the {event} did not arrive within {seconds} s"),
    )
    .detail("leg", Some(word))
    .detail("seen", Some(seen))
    .mend(mend)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_leg_has_a_word_and_a_mend() {
        let webhook = Url::parse("https://hook.example.com/").expect("a constant address");
        for (leg, word) in [
            (Leg::Unreachable("timed out".to_owned()), "not_delivered"),
            (Leg::NotTheWebhook(404), "not_delivered"),
            (Leg::RefusedOurs(401), "refused_signature"),
            (Leg::NotProcessed, "not_processed"),
            (Leg::OnlyCloudinarys, "refused_signature_or_not_delivered"),
        ] {
            let failure = lost(Event::Upload, Duration::from_secs(60), &webhook, &leg);
            assert_eq!(failure.exit, Exit::Failed);
            assert_eq!(failure.details[0], ("leg", word.to_owned()), "{leg:?}");
            assert!(failure.mend.is_some(), "{leg:?}");
        }
    }
}
