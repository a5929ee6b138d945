//! Cloudinary's plain-hash signatures: of API parameters, of responses and of notifications.

use serde::{Deserialize, Serialize};
use sha1::{Digest, Sha1};
use sha2::Sha256;
use subtle::ConstantTimeEq;

/// The hash an account signs with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SigningAlgorithm {
    #[default]
    Sha1,
    Sha256,
}

impl SigningAlgorithm {
    /// A request does not name its algorithm; the length of the signature does.
    fn of(signature: &str) -> Option<Self> {
        match signature.len() {
            40 => Some(Self::Sha1),
            64 => Some(Self::Sha256),
            _ => None,
        }
    }

    pub(crate) fn hex_digest(self, parts: &[&[u8]]) -> String {
        fn digest<D: Digest>(parts: &[&[u8]]) -> String {
            let mut hash = D::new();
            for part in parts {
                hash.update(part);
            }
            hex::encode(hash.finalize())
        }
        match self {
            Self::Sha1 => digest::<Sha1>(parts),
            Self::Sha256 => digest::<Sha256>(parts),
        }
    }
}

/// Version 2 escapes `&` inside a value; there is no wire parameter that tells which was used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Version {
    One,
    Two,
}

/// `k1=v1&k2=v2`, sorted by key, without the secret. Empty values are left out by the caller.
pub(crate) fn string_to_sign(params: &[(String, String)], version: Version) -> String {
    let mut pairs: Vec<&(String, String)> = params.iter().collect();
    pairs.sort();
    let pairs: Vec<String> = pairs
        .into_iter()
        .map(|(key, value)| match version {
            Version::One => format!("{key}={value}"),
            Version::Two => format!("{key}={value}").replace('&', "%26"),
        })
        .collect();
    pairs.join("&")
}

/// Tells whether `signature` is right for `params` by either version and the algorithm its length
/// names.
pub(crate) fn verify_params(params: &[(String, String)], signature: &str, secret: &str) -> bool {
    let Some(algorithm) = SigningAlgorithm::of(signature) else {
        return false;
    };
    [Version::Two, Version::One].into_iter().any(|version| {
        let text = string_to_sign(params, version);
        let wanted = algorithm.hex_digest(&[text.as_bytes(), secret.as_bytes()]);
        bool::from(wanted.as_bytes().ct_eq(signature.as_bytes()))
    })
}

/// The `signature` field of an upload answer: always version 1.
pub(crate) fn sign_response(
    public_id: &str,
    version: i64,
    secret: &str,
    algorithm: SigningAlgorithm,
) -> String {
    let text = format!("public_id={public_id}&version={version}");
    algorithm.hex_digest(&[text.as_bytes(), secret.as_bytes()])
}

/// `X-Cld-Signature` over the raw body, the timestamp's text and the secret, run together.
pub(crate) fn sign_notification(
    body: &[u8],
    timestamp: &str,
    secret: &str,
    algorithm: SigningAlgorithm,
) -> String {
    algorithm.hex_digest(&[body, timestamp.as_bytes(), secret.as_bytes()])
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "hdcixPpR2iKERPwqvH6sHdK9cyac";

    fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs
            .iter()
            .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
            .collect()
    }

    fn sign(params: &[(String, String)], version: Version, algorithm: SigningAlgorithm) -> String {
        algorithm.hex_digest(&[
            string_to_sign(params, version).as_bytes(),
            SECRET.as_bytes(),
        ])
    }

    #[test]
    fn parameters_sign_as_the_published_vectors() {
        let params = pairs(&[
            ("username", "user@cloudinary.com"),
            ("cloud_name", "dn6ot3ged"),
            ("timestamp", "1568810420"),
        ]);
        let sha1 = "14c00ba6d0dfdedbc86b316847d95b9e6cd46d94";
        let sha256 = "45ddaa4fa01f0c2826f32f669d2e4514faf275fe6df053f1a150e7beae58a3bd";
        assert_eq!(sign(&params, Version::One, SigningAlgorithm::Sha1), sha1);
        assert_eq!(
            sign(&params, Version::Two, SigningAlgorithm::Sha256),
            sha256
        );
        assert!(verify_params(&params, sha1, SECRET));
        assert!(verify_params(&params, sha256, SECRET));
        assert!(!verify_params(&params, sha1, "another secret"));
        assert!(!verify_params(&params, "short", SECRET));
    }

    #[test]
    fn ampersands_are_escaped_by_version_two_and_both_versions_verify() {
        let params = pairs(&[
            ("cloud_name", "dn6ot3ged"),
            ("timestamp", "1568810420"),
            (
                "notification_url",
                "https://fake.com/callback?a=1&tags=hello,world",
            ),
        ]);
        let two = "4fdf465dd89451cc1ed8ec5b3e314e8a51695704";
        assert_eq!(sign(&params, Version::Two, SigningAlgorithm::Sha1), two);
        assert!(verify_params(&params, two, SECRET));
        let one = sign(&params, Version::One, SigningAlgorithm::Sha1);
        assert_ne!(one, two);
        assert!(verify_params(&params, &one, SECRET));
    }

    #[test]
    fn responses_sign_as_the_published_vectors() {
        let secret = "X7qLTrsES31MzxxkxPPA-pAGGfU";
        assert_eq!(
            sign_response("tests/logo.png", 1, secret, SigningAlgorithm::Sha1),
            "08d3107a5b2ad82e7d82c0b972218fbf20b5b1e0"
        );
        assert_eq!(
            sign_response("tests/logo.png", 1, secret, SigningAlgorithm::Sha256),
            "cc69ae4ed73303fbf4a55f2ae5fc7e34ad3a5c387724bfcde447a2957cacdfea"
        );
    }

    #[test]
    fn notifications_sign_as_the_published_vectors() {
        let cases = [
            (
                "{public_id: 'sample'}",
                "1315060510",
                "abcd",
                SigningAlgorithm::Sha1,
                "25f7e91709c858b97d688ce8da799dedb290d9ef",
            ),
            (
                "{public_id: 'sample'}",
                "1315060510",
                "abcd",
                SigningAlgorithm::Sha256,
                "35c9b4ce5ea893c20d371673d0ed96fcc57c1d2702169add0165c589a9042e59",
            ),
            (
                "{}",
                "0",
                "someApiSecret",
                SigningAlgorithm::Sha256,
                "d5497e1a206ad0ba29ad09a7c0c5f22e939682d15009c15ab3199f62fefbd14b",
            ),
            (
                r#"{"public_id":"b8sjhoslj8cq8ovoa0ma","version":"1555337587","width":1000,"height":800}"#,
                "7952342400000",
                "hardcoded",
                SigningAlgorithm::Sha256,
                "6c5a29fd8815772fbac2f10ae741e093d0859313947ef8fadeb29126ded6649c",
            ),
        ];
        for (body, timestamp, secret, algorithm, wanted) in cases {
            assert_eq!(
                sign_notification(body.as_bytes(), timestamp, secret, algorithm),
                wanted
            );
        }
    }
}
