//! Opaque cursors that only we can make, each bound to the query that it continues (pure).

use std::fmt;
use std::marker::PhantomData;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use serde::Serialize;
use serde::de::DeserializeOwned;
use sha2::Sha256;

/// Half of the hash: forging needs 2^127 requests on average.
const TAG: usize = 16;

/// Far longer than any position; longer texts are not looked at.
const MAX_TEXT: usize = 4096;

/// The secret with which cursors are authenticated.
#[derive(Clone)]
pub struct CursorKey([u8; 32]);

/// A position in a listing, as `T`.
#[derive(Debug)]
pub struct Cursor<T>(PhantomData<T>);

/// A cursor that cannot be continued from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CursorError {
    #[error("is not a cursor that this service gave out for this query")]
    NotOurs,
    #[error("was given out by another version of this service: begin again without it")]
    Outdated,
}

impl CursorKey {
    /// Derives the key from another secret, so that there is none more to keep.
    pub fn derive(secret: &[u8]) -> Self {
        Self(mac(secret, &[b"media-sync cursor 1"]).into())
    }
}

impl fmt::Debug for CursorKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CursorKey")
    }
}

impl<T: Serialize + DeserializeOwned> Cursor<T> {
    /// Writes a position. `fingerprint` is whatever the cursor must not be used without: filters,
    /// sorting, the caller.
    pub fn seal(position: &T, fingerprint: &[u8], key: &CursorKey) -> String {
        let payload = serde_json::to_vec(position).expect("positions have no failing fields");
        let tag = tag(&payload, fingerprint, key);
        URL_SAFE_NO_PAD.encode([&tag[..TAG], &payload].concat())
    }

    /// Reads a position back.
    ///
    /// # Errors
    /// When we did not seal it with this fingerprint, or it holds a position of another shape.
    pub fn open(text: &str, fingerprint: &[u8], key: &CursorKey) -> Result<T, CursorError> {
        if text.len() > MAX_TEXT {
            return Err(CursorError::NotOurs);
        }
        let bytes = URL_SAFE_NO_PAD
            .decode(text)
            .map_err(|_| CursorError::NotOurs)?;
        let (given, payload) = bytes.split_at_checked(TAG).ok_or(CursorError::NotOurs)?;
        let ours = tag(payload, fingerprint, key);
        if !bool::from(subtle::ConstantTimeEq::ct_eq(&ours[..TAG], given)) {
            return Err(CursorError::NotOurs);
        }
        serde_json::from_slice(payload).map_err(|_| CursorError::Outdated)
    }
}

fn tag(payload: &[u8], fingerprint: &[u8], key: &CursorKey) -> [u8; 32] {
    // The length keeps a fingerprint's end from passing for a payload's beginning.
    let length = (fingerprint.len() as u64).to_be_bytes();
    mac(&key.0, &[&length, fingerprint, payload]).into()
}

fn mac(key: &[u8], parts: &[&[u8]]) -> impl Into<[u8; 32]> + use<> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes keys of any length");
    for part in parts {
        mac.update(part);
    }
    mac.finalize().into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    type Position = (i64, String);

    proptest! {
        #[test]
        fn cursors_open_for_their_query_and_no_other(
            number: i64, text in "\\PC{0,40}", query in "\\PC{0,20}", other in "\\PC{0,20}",
        ) {
            let key = CursorKey::derive(b"secret");
            let sealed = Cursor::<Position>::seal(&(number, text.clone()), query.as_bytes(), &key);
            prop_assert_eq!(Cursor::<Position>::open(&sealed, query.as_bytes(), &key), Ok((number, text)));
            if other != query {
                prop_assert_eq!(
                    Cursor::<Position>::open(&sealed, other.as_bytes(), &key),
                    Err(CursorError::NotOurs)
                );
            }
            let stranger = CursorKey::derive(b"another");
            prop_assert!(Cursor::<Position>::open(&sealed, query.as_bytes(), &stranger).is_err());
        }

        #[test]
        fn any_changed_bit_is_refused(place: prop::sample::Index, bit in 0u8..8) {
            let key = CursorKey::derive(b"secret");
            let sealed = Cursor::<Position>::seal(&(7, "x".into()), b"q", &key);
            let mut bytes = URL_SAFE_NO_PAD.decode(&sealed).unwrap();
            let index = place.index(bytes.len());
            bytes[index] ^= 1 << bit;
            let broken = URL_SAFE_NO_PAD.encode(bytes);
            prop_assert_eq!(Cursor::<Position>::open(&broken, b"q", &key), Err(CursorError::NotOurs));
        }

        #[test]
        fn no_text_panics(text in "\\PC{0,100}") {
            prop_assert!(Cursor::<Position>::open(&text, b"", &CursorKey::derive(b"s")).is_err());
        }
    }

    #[test]
    fn position_of_another_shape_is_outdated() {
        let key = CursorKey::derive(b"secret");
        let sealed = Cursor::<String>::seal(&"x".to_owned(), b"q", &key);
        assert_eq!(
            Cursor::<Position>::open(&sealed, b"q", &key),
            Err(CursorError::Outdated)
        );
    }
}
