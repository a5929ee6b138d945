//! The PKCE flow: a mailed link leads to a code, which only the client that asked for the link can exchange.

use std::collections::HashMap;
use std::sync::Mutex;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::SignedDuration;
use serde::Deserialize;
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use super::errors::Refusal;
use super::time::Time;
use crate::supervisor::lock;

/// Tokens of links of this flow begin with it.
const PREFIX: &str = "pkce_";
/// Supabase's default.
const LIFETIME: SignedDuration = SignedDuration::from_mins(5);
const LENGTHS: std::ops::RangeInclusive<usize> = 43..=128;

/// The flow's part of a request that asks for a mail.
#[derive(Debug, Clone, Default, Deserialize)]
pub(super) struct ChallengeAsked {
    code_challenge: Option<String>,
    code_challenge_method: Option<String>,
}

/// A client's challenge: its verifier has to answer it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Challenge {
    text: String,
    hashed: bool,
}

impl ChallengeAsked {
    /// None where the client does not ask for the flow.
    ///
    /// # Errors
    /// A challenge without a method, or in a form that no client sends.
    pub(super) fn challenge(&self) -> Result<Option<Challenge>, Refusal> {
        let text = self.code_challenge.as_deref().unwrap_or_default();
        let method = self.code_challenge_method.as_deref().unwrap_or_default();
        if text.is_empty() && method.is_empty() {
            return Ok(None);
        }
        if text.is_empty() || method.is_empty() {
            return Err(Refusal::invalid(
                "PKCE flow requires code_challenge_method and code_challenge",
            ));
        }
        if !LENGTHS.contains(&text.len()) {
            return Err(Refusal::invalid(
                "code challenge has to be between 43 and 128 characters",
            ));
        }
        let hashed = match method.to_ascii_lowercase().as_str() {
            "s256" => true,
            "plain" => false,
            _ => {
                return Err(Refusal::invalid(format!(
                    "unsupported code_challenge method \"{method}\""
                )));
            }
        };
        Ok(Some(Challenge {
            text: text.to_owned(),
            hashed,
        }))
    }
}

impl Challenge {
    /// As a request's query carries it.
    pub(super) fn parameters(&self) -> [(&'static str, &str); 2] {
        let method = if self.hashed { "s256" } else { "plain" };
        [
            ("code_challenge", &self.text),
            ("code_challenge_method", method),
        ]
    }

    fn is_answered_by(&self, verifier: &str) -> bool {
        if self.hashed {
            self.text == URL_SAFE_NO_PAD.encode(Sha256::digest(verifier))
        } else {
            self.text == verifier
        }
    }
}

/// A token's hash as a link of this flow carries it.
pub(super) fn with_prefix(hash: &str) -> String {
    format!("{PREFIX}{hash}")
}

/// True if a link's token belongs to this flow.
pub(super) fn is_of_flow(hash: &str) -> bool {
    hash.starts_with(PREFIX)
}

/// Flows that have begun and not ended, by the user. They end with the stack.
#[derive(Debug, Default)]
pub(super) struct Flows(Mutex<HashMap<Uuid, Flow>>);

#[derive(Debug)]
struct Flow {
    code: String,
    challenge: Challenge,
    begun: Time,
}

impl Flows {
    /// Begins a flow; it replaces an earlier one of the same user.
    pub(super) fn begin(&self, user: Uuid, challenge: Challenge, now: Time) {
        let code = Uuid::new_v4().to_string();
        let flow = Flow {
            code,
            challenge,
            begun: now,
        };
        lock(&self.0).insert(user, flow);
    }

    /// The code for the link's user.
    ///
    /// # Errors
    /// When no flow of this user has begun.
    pub(super) fn code(&self, user: Uuid) -> Result<String, Refusal> {
        let flows = lock(&self.0);
        let flow = flows.get(&user).ok_or(Refusal::FlowNotFound)?;
        Ok(flow.code.clone())
    }

    /// Exchanges a code, once, for the user that it stands for.
    ///
    /// # Errors
    /// An unknown code, one that is too old, or another client's verifier.
    pub(super) fn end(&self, code: &str, verifier: &str, now: Time) -> Result<Uuid, Refusal> {
        let mut flows = lock(&self.0);
        let found = flows.iter().find(|(_, flow)| flow.code == code);
        let (user, flow) = found.ok_or(Refusal::FlowNotFound)?;
        if now > flow.begun.plus(LIFETIME) {
            return Err(Refusal::FlowExpired);
        }
        if !flow.challenge.is_answered_by(verifier) {
            return Err(Refusal::BadVerifier);
        }
        let user = *user;
        flows.remove(&user);
        Ok(user)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(text: &str, method: &str) -> ChallengeAsked {
        ChallengeAsked {
            code_challenge: Some(text.to_owned()),
            code_challenge_method: Some(method.to_owned()),
        }
    }

    #[test]
    fn challenge_has_a_method_and_a_length() {
        assert_eq!(ChallengeAsked::default().challenge().unwrap(), None);
        assert_eq!(asked("", "").challenge().unwrap(), None);
        let long = "a".repeat(43);
        for (text, method) in [
            (long.as_str(), ""),
            ("", "s256"),
            ("short", "s256"),
            (&long, "md5"),
        ] {
            assert!(asked(text, method).challenge().is_err(), "{text} {method}");
        }
        assert!(asked(&long, "S256").challenge().unwrap().unwrap().hashed);
    }

    #[test]
    fn code_is_exchanged_once_in_time_by_its_own_client() {
        let flows = Flows::default();
        let (user, now) = (Uuid::new_v4(), Time::now());
        let verifier = "v".repeat(50);
        let hash = URL_SAFE_NO_PAD.encode(Sha256::digest(&verifier));
        assert!(matches!(flows.code(user), Err(Refusal::FlowNotFound)));
        flows.begin(
            user,
            asked(&hash, "s256").challenge().unwrap().unwrap(),
            now,
        );
        let code = flows.code(user).unwrap();
        assert!(matches!(
            flows.end(&code, "other", now),
            Err(Refusal::BadVerifier)
        ));
        let late = now.plus(LIFETIME).plus(SignedDuration::from_secs(1));
        assert!(matches!(
            flows.end(&code, &verifier, late),
            Err(Refusal::FlowExpired)
        ));
        assert_eq!(flows.end(&code, &verifier, now).unwrap(), user);
        assert!(matches!(
            flows.end(&code, &verifier, now),
            Err(Refusal::FlowNotFound)
        ));
    }
}
