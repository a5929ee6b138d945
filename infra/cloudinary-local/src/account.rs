//! The account that the stand-in serves: its keys, and the addresses of its files.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::model::Asset;
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

    /// Where the asset's bytes are delivered.
    pub(crate) fn url(&self, asset: &Asset) -> String {
        let extension = match (&asset.media.format, asset.resource_type) {
            (Some(format), kind) if kind.as_str() != "raw" => format!(".{format}"),
            _ => String::new(),
        };
        format!(
            "{}/{}/{}/{}/v{}/{}{extension}",
            self.delivery_base,
            self.cloud,
            asset.resource_type.as_str(),
            asset.delivery_type.as_str(),
            asset.media.version,
            encode_path(&asset.public_id),
        )
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
