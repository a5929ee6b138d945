//! Gathers the evidence about the product environment.

use media_sync::cloudinary::ApiCredentials;

use super::super::{EvidenceSources, SkipReason};
use super::evidence::{CloudinaryEvidence, unusable};
use super::{probe, records};
use crate::configuration::{CLOUDINARY_URL, ConfigurationValues, NOTIFICATION_SECRETS};

/// Asks Cloudinary, one call after the other, so that they can be told from others' calls.
pub async fn gather(sources: &EvidenceSources<'_>) -> CloudinaryEvidence {
    let url = sources.settings.get(CLOUDINARY_URL);
    let credentials = url
        .ok_or_else(|| SkipReason::needs(CLOUDINARY_URL))
        .map(|url| ApiCredentials::parse(url).map_err(|error| error.to_string()));
    let webhook = sources
        .webhook
        .ok_or_else(|| SkipReason::needs("a deployed stack, --webhook-url or WEBHOOK_URL"));
    let account = async {
        match &credentials {
            Ok(Ok(credentials)) => probe::ask(&sources.http, credentials).await,
            Ok(Err(_)) => CloudinaryEvidence::without(&unusable()),
            Err(skip) => CloudinaryEvidence::without(skip),
        }
    };
    let (mut evidence, (notifications, places, own)) =
        tokio::join!(account, records::read(sources));
    evidence.notifications = notifications;
    evidence.places = places;
    evidence.own = own;
    evidence.notification_keys = notification_keys(sources.settings);
    evidence.webhook = webhook.map(str::to_owned);
    evidence.credentials = credentials;
    evidence
}

/// The keys only: their secrets are nobody's business here.
fn notification_keys(settings: &ConfigurationValues) -> Vec<String> {
    let text = settings.get(NOTIFICATION_SECRETS).unwrap_or_default();
    let secrets: serde_json::Map<_, _> = serde_json::from_str(text).unwrap_or_default();
    secrets.into_iter().map(|(key, _)| key).collect()
}
