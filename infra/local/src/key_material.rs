//! The random texts behind a project's keys. A stack makes them anew, or keeps them for the next start.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rand::Rng as _;
use rand::distr::Alphanumeric;
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct KeyMaterial {
    pub(crate) secret: String,
    pub(crate) publishable: String,
    pub(crate) legacy_secret: String,
    pub(crate) key_id: String,
    /// The key that signs tokens, as PKCS #8 in base64.
    signing: String,
}

impl KeyMaterial {
    pub(crate) fn generate() -> Self {
        let algorithm = &ECDSA_P256_SHA256_FIXED_SIGNING;
        let document = EcdsaKeyPair::generate_pkcs8(algorithm, &SystemRandom::new())
            .expect("the system has randomness");
        Self {
            secret: format!("sb_secret_{}", random_text(31)),
            publishable: format!("sb_publishable_{}", random_text(31)),
            legacy_secret: random_text(40),
            key_id: Uuid::new_v4().to_string(),
            signing: STANDARD.encode(document),
        }
    }

    pub(crate) fn signing_document(&self) -> Vec<u8> {
        STANDARD.decode(&self.signing).unwrap_or_default()
    }
}

pub(crate) fn random_text(length: usize) -> String {
    let letters = rand::rng().sample_iter(Alphanumeric).take(length);
    letters.map(char::from).collect()
}
