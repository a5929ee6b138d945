//! Opaque cursors: a place in an ordering, sealed and bound to the query they came from.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Serialize;
use serde::de::DeserializeOwned;
use sha2::{Digest, Sha256};

use crate::error::ApiError;
use crate::moment::Moment;

/// The request that a cursor is bound to.
#[derive(Debug)]
pub(crate) struct Binding<'a> {
    pub(crate) secret: &'a str,
    /// A text that is the same for every page of one query, and for no other query.
    pub(crate) query: String,
    /// Raised to let every cursor handed out expire at once.
    pub(crate) epoch: u64,
    pub(crate) now: Moment,
    /// 0 is for ever.
    pub(crate) ttl_ms: u64,
}

impl Binding<'_> {
    pub(crate) fn seal<T: Serialize>(&self, place: &T) -> String {
        let body = serde_json::to_vec(&(self.now, place)).expect("places are plain data");
        let mut sealed = self.mac(&body).to_vec();
        sealed.extend_from_slice(&body);
        URL_SAFE_NO_PAD.encode(sealed)
    }

    pub(crate) fn open<T: DeserializeOwned>(&self, cursor: &str) -> Result<T, ApiError> {
        let refused = || ApiError::invalid("next_cursor");
        let sealed = URL_SAFE_NO_PAD.decode(cursor).map_err(|_| refused())?;
        let (mac, body) = sealed.split_at_checked(MAC).ok_or_else(refused)?;
        if mac != self.mac(body) {
            return Err(refused());
        }
        let (issued, place): (Moment, T) = serde_json::from_slice(body).map_err(|_| refused())?;
        let age_ms = (self.now.0 - issued.0) / 1000;
        if self.ttl_ms > 0 && age_ms > i64::try_from(self.ttl_ms).unwrap_or(i64::MAX) {
            return Err(refused());
        }
        Ok(place)
    }

    fn mac(&self, body: &[u8]) -> [u8; MAC] {
        let mut hash = Sha256::new();
        hash.update(self.secret.as_bytes());
        hash.update(self.epoch.to_be_bytes());
        hash.update(self.query.as_bytes());
        hash.update([0]);
        hash.update(body);
        let digest = hash.finalize();
        let mut mac = [0; MAC];
        mac.copy_from_slice(&digest[..MAC]);
        mac
    }
}

const MAC: usize = 12;

#[cfg(test)]
mod tests {
    use super::*;

    fn binding(query: &str, epoch: u64, now: i64) -> Binding<'static> {
        Binding {
            secret: "s",
            query: query.to_owned(),
            epoch,
            now: Moment(now),
            ttl_ms: 1000,
        }
    }

    #[test]
    fn cursors_open_only_for_their_query_in_their_time() {
        let cursor = binding("a", 0, 0).seal(&(7, "x"));
        let open = |binding: Binding<'_>| binding.open::<(i32, String)>(&cursor);
        assert_eq!(open(binding("a", 0, 900_000)).unwrap(), (7, "x".to_owned()));
        for other in [
            binding("b", 0, 0),
            binding("a", 1, 0),
            binding("a", 0, 1_002_000),
        ] {
            assert_eq!(
                open(other).unwrap_err().message,
                "Invalid value for parameter next_cursor"
            );
        }
        assert!(
            binding("a", 0, 0)
                .open::<(i32, String)>("nonsense!")
                .is_err()
        );
    }
}
