//! The account that the stand-in serves: its keys, and the addresses of its files.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use sha1::{Digest as _, Sha1};

use crate::model::{Asset, DeliveryType};
use crate::settings::ServerSettings;

/// The name, first key and delivery origin of the account, which are the same for every answer.
#[derive(Debug, Clone)]
pub(crate) struct Account {
    pub(crate) cloud: String,
    pub(crate) api_key: String,
    pub(crate) api_secret: String,
    /// Origin of delivery addresses, without a slash at the end.
    pub(crate) delivery_base: String,
}

impl Account {
    /// Active access keys with their secrets, the oldest first.
    pub(crate) fn access_keys<'a>(
        &'a self,
        settings: &'a ServerSettings,
    ) -> impl Iterator<Item = (&'a str, &'a str)> {
        let first = (!settings.first_key_disabled)
            .then_some((self.api_key.as_str(), self.api_secret.as_str()));
        let others = settings.access_keys.iter();
        first
            .into_iter()
            .chain(others.map(|(key, secret)| (key.as_str(), secret.as_str())))
    }

    /// The secret of an active key.
    pub(crate) fn secret_of<'a>(
        &'a self,
        key: &str,
        settings: &'a ServerSettings,
    ) -> Option<&'a str> {
        let found = self.access_keys(settings).find(|(known, _)| *known == key);
        found.map(|(_, secret)| secret)
    }

    /// The secret that signs notifications: of the key chosen for it, or of the oldest active one.
    pub(crate) fn notification_secret<'a>(&'a self, settings: &'a ServerSettings) -> &'a str {
        let chosen = settings.notification_api_secret.as_deref();
        let oldest = || self.access_keys(settings).next().map(|(_, secret)| secret);
        chosen.or_else(oldest).unwrap_or(&self.api_secret)
    }

    /// Where the asset's bytes are delivered.
    pub(crate) fn url(&self, asset: &Asset) -> String {
        let extension = match (&asset.media.format, asset.resource_type) {
            (Some(format), kind) if kind.as_str() != "raw" => format!(".{format}"),
            _ => String::new(),
        };
        let source = format!("{}{extension}", encode_path(&asset.public_id));
        let signature = match asset.delivery_type {
            DeliveryType::Private | DeliveryType::Authenticated => {
                format!("{}/", self.address_signature(&source))
            }
            _ => String::new(),
        };
        format!(
            "{}/{}/{}/{}/{signature}v{}/{source}",
            self.delivery_base,
            self.cloud,
            asset.resource_type.as_str(),
            asset.delivery_type.as_str(),
            asset.media.version,
        )
    }

    /// Signs an address, as the account does for guarded files that it tells of.
    fn address_signature(&self, source: &str) -> String {
        let hash = Sha1::digest(format!("{source}{}", self.api_secret));
        let hash = URL_SAFE_NO_PAD.encode(hash);
        format!("s--{}--", &hash[..8])
    }
}

const KEPT: AsciiSet = NON_ALPHANUMERIC
    .remove(b'/')
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b':')
    .remove(b'~');

/// A public id as it stands in an address.
fn encode_path(public_id: &str) -> String {
    utf8_percent_encode(public_id, &KEPT).to_string()
}
