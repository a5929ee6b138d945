//! Addresses of Cloudinary's API that hand a guarded file out for a few minutes (pure).
//!
//! `GET /v1_1/<cloud>/<resource type>/download`, as `private_download_url` of the official SDKs writes it.

use std::time::Duration;

use super::ApiCredentials;
use super::signature::sign_params;
use crate::asset::{DeliveryName, ResourceType};
use crate::time::Timestamp;

/// The time for which an address opens its file.
pub const OPEN_FOR: Duration = Duration::from_secs(10 * 60);

/// The age of the `timestamp` that is signed.
///
/// A signature covers parameters and names no endpoint, so the parameters of an address could be sent to `destroy` or
/// `upload` as well. Those refuse a `timestamp` of more than an hour as stale. `download` goes by `expires_at`: the
/// SDKs' addresses with a later one open files hours after their `timestamp`. The second hour is for clocks that differ.
const SIGNED_BEFORE: Duration = Duration::from_secs(2 * 60 * 60);

/// An address that opens a file until a moment.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DownloadAddress {
    pub url: String,
    pub expires_at: Timestamp,
}

/// Signs an address for [`OPEN_FOR`]. `format` is left out for raw files, whose public id ends in it.
pub fn sign_download(
    credentials: &ApiCredentials,
    name: &DeliveryName,
    format: Option<&str>,
    now: Timestamp,
) -> DownloadAddress {
    let now = now.micros() / 1_000_000;
    let seconds = |duration: Duration| i64::try_from(duration.as_secs()).unwrap_or_default();
    let expires_at = now + seconds(OPEN_FOR);
    let format = format.filter(|_| name.resource_type != ResourceType::Raw);
    let timestamp = (now - seconds(SIGNED_BEFORE)).to_string();
    let ends = expires_at.to_string();
    let params: [(&str, &str); 5] = [
        ("timestamp", timestamp.as_str()),
        ("public_id", &name.public_id),
        ("format", format.unwrap_or_default()),
        ("type", &name.delivery_type),
        ("expires_at", &ends),
    ];
    let signature = sign_params(params, credentials.api_secret(), credentials.algorithm());
    let mut url = credentials.api_url(&[name.resource_type.as_str(), "download"]);
    url.query_pairs_mut()
        .extend_pairs(params.iter().filter(|(_, value)| !value.is_empty()))
        .append_pair("signature", &signature)
        .append_pair("api_key", credentials.api_key());
    DownloadAddress {
        url: url.into(),
        expires_at: Timestamp::from_secs(expires_at),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use url::Url;

    use super::*;

    /// 2026-01-01T00:00:00Z.
    const NOW: Timestamp = Timestamp::from_secs(1_767_225_600);

    fn parameters(url: &str) -> BTreeMap<String, String> {
        let url = Url::parse(url).unwrap();
        url.query_pairs().into_owned().collect()
    }

    /// `cloudinary` 2.11 for Node.js wrote them: `private_download_url` with this `timestamp` and `expires_at`.
    #[test]
    fn addresses_are_those_that_the_sdk_writes() {
        let base = "https://api.cloudinary.com/v1_1/demo";
        let rest = "timestamp=1767218400&expires_at=1767226200&api_key=1";
        for (options, kind, delivery_type, public_id, format, written) in [
            (
                "",
                ResourceType::Image,
                "authenticated",
                "shop/mug",
                Some("jpg"),
                "/image/download?public_id=shop%2Fmug&format=jpg&type=authenticated&signature=4ca71cb7458ca81954dac79447585fbf15f7228d",
            ),
            (
                "",
                ResourceType::Image,
                "private",
                "a b,c&d=(\u{e9})~%/x#?.y",
                Some("png"),
                "/image/download?public_id=a%20b%2Cc%26d%3D(%C3%A9)~%25%2Fx%23%3F.y&format=png&type=private&signature=22dffff91c7d7898383e3d1780e61ae223fd7ea1",
            ),
            (
                "?signature_algorithm=sha256",
                ResourceType::Raw,
                "private",
                "docs/Report 1.pdf",
                Some("pdf"),
                "/raw/download?public_id=docs%2FReport%201.pdf&type=private&signature=e8d5725da7ae98a0121001de81bb3560fec568b1d90b59891eb00b1734a4e419",
            ),
        ] {
            let url = format!("cloudinary://1:b@demo{options}");
            let name = DeliveryName {
                resource_type: kind,
                delivery_type: delivery_type.to_owned(),
                public_id: public_id.to_owned(),
            };
            let credentials = ApiCredentials::parse(&url).unwrap();
            let address = sign_download(&credentials, &name, format, NOW);
            let written = format!("{base}{written}&{rest}");
            assert_eq!(address.url.split('?').next(), written.split('?').next());
            assert_eq!(parameters(&address.url), parameters(&written));
        }
    }

    #[test]
    fn the_signed_time_is_stale_for_every_other_call_and_the_end_is_near() {
        let credentials = ApiCredentials::parse("cloudinary://1:b@demo").unwrap();
        let name = DeliveryName {
            resource_type: ResourceType::Image,
            delivery_type: "private".to_owned(),
            public_id: "mug".to_owned(),
        };
        let address = sign_download(&credentials, &name, None, NOW);
        let signed = &parameters(&address.url)["timestamp"];
        let signed = Timestamp::from_secs(signed.parse().unwrap());
        assert!(NOW.since(signed) > Duration::from_secs(3600));
        assert_eq!(address.expires_at.since(NOW), OPEN_FOR);
    }
}
