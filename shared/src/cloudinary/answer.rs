//! Answers of Cloudinary's, read from status, headers and body (pure).

use http::{HeaderMap, StatusCode};
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::error::RefusedCall;
use super::headers::{http_date, retry_after, text};
use super::{CloudinaryError, RefusalKind};
use crate::garbled_json;
use crate::time::Timestamp;

/// An answer of Cloudinary's, and a moment certainly not after its read or write.
#[derive(Debug, Clone)]
pub struct CloudinaryAnswer<T> {
    pub value: T,
    /// On Cloudinary's clock, and certainly not after the read or write: see [`CloudClock`](super::clock::CloudClock).
    pub observed_at: Timestamp,
}

impl<T> CloudinaryAnswer<T> {
    /// The same answer with its value turned into another.
    pub fn map<U>(self, turn: impl FnOnce(T) -> U) -> CloudinaryAnswer<U> {
        CloudinaryAnswer {
            value: turn(self.value),
            observed_at: self.observed_at,
        }
    }
}

/// An answer as it came.
#[derive(Debug)]
pub(super) struct RawAnswer<'a> {
    pub(super) doing: &'a str,
    pub(super) status: StatusCode,
    pub(super) headers: &'a HeaderMap,
    pub(super) body: &'a [u8],
    pub(super) observed_at: Timestamp,
    /// A moment that Cloudinary's clock has certainly reached.
    pub(super) now: Timestamp,
}

impl RawAnswer<'_> {
    /// Reads it as `T`.
    pub(super) fn read<T: DeserializeOwned>(&self) -> Result<T, CloudinaryError> {
        if self.status.is_success() {
            let garbled = || serde_json::from_value(garbled_json::read(self.body)?);
            // The strict reading of a large page is the quicker one.
            let read = if garbled_json::may_hold_nul(self.body) {
                garbled()
            } else {
                serde_json::from_slice(self.body).or_else(|_| garbled())
            };
            return read.map_err(|source| self.unreadable(Some(source)));
        }
        let message = serde_json::from_slice::<Value>(self.body)
            .ok()
            .and_then(|body| Some(body.pointer("/error/message")?.as_str()?.to_owned()));
        // A proxy's 404 is not Cloudinary's word that an asset is gone.
        let own_words = message.is_some()
            || self.status.is_server_error()
            || matches!(self.status.as_u16(), 420 | 429);
        if !own_words {
            return Err(self.unreadable(None));
        }
        let message = excerpt(message.as_ref().map_or(self.body, |text| text.as_bytes()));
        Err(CloudinaryError::Refused(Box::new(self.refused(message))))
    }

    fn unreadable(&self, source: Option<serde_json::Error>) -> CloudinaryError {
        CloudinaryError::Unreadable {
            doing: self.doing.to_owned(),
            status: self.status.as_u16(),
            excerpt: excerpt(self.body),
            source,
        }
    }

    fn refused(&self, message: String) -> RefusedCall {
        RefusedCall {
            refusal: RefusalKind::classify(
                self.status.as_u16(),
                &message,
                http_date(self.headers, "x-featureratelimit-reset"),
                retry_after(self.headers),
                self.now,
            ),
            doing: self.doing.to_owned(),
            status: self.status.as_u16(),
            message,
            request_id: text(self.headers, "x-request-id").map(str::to_owned),
            observed_at: self.observed_at,
        }
    }
}

/// The beginning of a body or message, on one line.
fn excerpt(body: &[u8]) -> String {
    String::from_utf8_lossy(body)
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ")
        .chars()
        .take(400)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cloudinary::ListingPage;

    fn read<T: DeserializeOwned>(status: u16, body: &str) -> Result<T, CloudinaryError> {
        let answer = RawAnswer {
            doing: "read",
            status: StatusCode::from_u16(status).unwrap(),
            headers: &HeaderMap::new(),
            body: body.as_bytes(),
            observed_at: Timestamp::from_secs(1),
            now: Timestamp::from_secs(2),
        };
        answer.read()
    }

    #[test]
    fn one_text_that_is_none_hides_no_other_asset_of_a_page() {
        let page = r#"{"resources":[
            {"asset_id":"0a1b2c3d4e5f60718293a4b5c6d7e8f9","public_id":"mug","context":{"custom":{"alt":"A mug \ud83d"}}},
            {"asset_id":"1a1b2c3d4e5f60718293a4b5c6d7e8f9","public_id":"cup"}],"next_cursor":"next"}"#;
        let page: ListingPage = read(200, page).unwrap();
        assert_eq!(page.next_cursor.as_deref(), Some("next"));
        let garbled: Vec<_> = page.resources.iter().map(|one| one.garbled).collect();
        assert_eq!(garbled, [Some(true), None]);
    }

    #[test]
    fn only_cloudinarys_own_words_are_a_refusal() {
        assert_eq!(read::<u32>(200, "7").unwrap(), 7);
        for (status, body, is_refusal) in [
            (200, "<html>", false),
            (404, r#"{"error":{"message":"Resource not found"}}"#, true),
            (404, "<html>not here</html>", false),
            (403, "", false),
            (420, "", true),
            (429, "", true),
            (502, "<html>\n Bad  Gateway</html>", true),
        ] {
            let error = read::<u32>(status, body).unwrap_err();
            let refused = matches!(error, CloudinaryError::Refused(_));
            assert_eq!(refused, is_refusal, "{status} {body}");
        }
    }
}
