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

/// Of the key that sealed: it tells another key's cursor from a forged one.
const ID: usize = 4;

/// Far longer than any position; longer texts are not looked at.
const MAX_TEXT: usize = 4096;

/// The secret with which cursors are authenticated, and older ones whose cursors are still taken.
#[derive(Clone)]
pub struct CursorKey {
    seals: [u8; 32],
    older: Vec<[u8; 32]>,
}

/// A position in a listing, as `T`.
#[derive(Debug)]
pub struct Cursor<T>(PhantomData<T>);

/// A cursor that cannot be continued from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CursorError {
    #[error(
        "is not a cursor that this service gave out for this query: repeat it with the same filters, order and limit"
    )]
    NotOurs,
    /// Of the right shape, but no key here has sealed it: perhaps a newer one has.
    #[error(
        "is not a cursor that this service gave out for this query: repeat it with the same filters, order and limit"
    )]
    UnknownKey,
    #[error("was given out by another version of this service: begin again without it")]
    Outdated,
}

impl CursorKey {
    /// Derives the key from another secret, so that there is none more to keep.
    pub fn derive(secret: &[u8]) -> Self {
        Self {
            seals: mac(secret, &[b"media-sync cursor 1"]).into(),
            older: Vec::new(),
        }
    }

    /// The same, and cursors of an older secret are taken too.
    #[must_use]
    pub fn or_sealed_by(mut self, secret: &[u8]) -> Self {
        self.older.push(Self::derive(secret).seals);
        self
    }

    fn with_id(&self, wanted: &[u8]) -> Option<&[u8; 32]> {
        let mut keys = std::iter::once(&self.seals).chain(&self.older);
        keys.find(|key| id(key) == wanted)
    }
}

impl fmt::Debug for CursorKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CursorKey")
    }
}

impl<T: Serialize + DeserializeOwned> Cursor<T> {
    /// Writes a position. `fingerprint` is everything that the cursor is bound to: filters,
    /// sorting, the caller.
    pub fn seal(position: &T, fingerprint: &[u8], key: &CursorKey) -> String {
        let payload = serde_json::to_vec(position).expect("positions have no failing fields");
        let tag = tag(&payload, fingerprint, &key.seals);
        URL_SAFE_NO_PAD.encode([&id(&key.seals), &tag[..TAG], &payload].concat())
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
        let (id, sealed) = bytes.split_at_checked(ID).ok_or(CursorError::NotOurs)?;
        let (given, payload) = sealed.split_at_checked(TAG).ok_or(CursorError::NotOurs)?;
        let position = serde_json::from_slice(payload);
        let Some(key) = key.with_id(id) else {
            return Err(match position {
                Ok(_) => CursorError::UnknownKey,
                Err(_) => CursorError::NotOurs,
            });
        };
        let ours = tag(payload, fingerprint, key);
        if !bool::from(subtle::ConstantTimeEq::ct_eq(&ours[..TAG], given)) {
            return Err(CursorError::NotOurs);
        }
        position.map_err(|_| CursorError::Outdated)
    }
}

fn id(key: &[u8; 32]) -> [u8; ID] {
    let hash: [u8; 32] = mac(key, &[b"id"]).into();
    std::array::from_fn(|index| hash[index])
}

fn tag(payload: &[u8], fingerprint: &[u8], key: &[u8; 32]) -> [u8; 32] {
    // The length keeps a fingerprint's end from passing for a payload's beginning.
    let length = (fingerprint.len() as u64).to_be_bytes();
    mac(key, &[&length, fingerprint, payload]).into()
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
            let refused = Cursor::<Position>::open(&broken, b"q", &key);
            let expected = match index < ID {
                true => CursorError::UnknownKey,
                false => CursorError::NotOurs,
            };
            prop_assert_eq!(refused, Err(expected));
        }

        #[test]
        fn no_text_panics(text in "\\PC{0,100}") {
            prop_assert!(Cursor::<Position>::open(&text, b"", &CursorKey::derive(b"s")).is_err());
        }
    }

    #[test]
    fn cursors_of_an_older_secret_are_taken_and_none_is_sealed_with_it() {
        let old = CursorKey::derive(b"old");
        let both = CursorKey::derive(b"new").or_sealed_by(b"old");
        let open = |text: &str, key| Cursor::<String>::open(text, b"q", key);
        let seal = |key| Cursor::seal(&"x".to_owned(), b"q", key);
        assert_eq!(open(&seal(&old), &both), Ok("x".to_owned()));
        assert_eq!(open(&seal(&both), &old), Err(CursorError::UnknownKey));
        assert_eq!(
            open(&seal(&both), &CursorKey::derive(b"new")),
            Ok("x".to_owned())
        );
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
