//! An answer of any server, and the claims that tests make about one.

use reqwest::header::HeaderMap;
use reqwest::{RequestBuilder, StatusCode};
use serde_json::Value;

/// An answer, with its body as JSON, or as text where it is none.
#[derive(Debug)]
pub struct HttpAnswer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Value,
}

impl HttpAnswer {
    /// Sends a request, and reads the whole answer.
    ///
    /// # Panics
    /// When nobody answers.
    pub async fn read(request: RequestBuilder) -> Self {
        let response = request.send().await.expect("the address answers");
        let (status, headers) = (response.status(), response.headers().clone());
        let text = response.text().await.expect("a whole answer");
        Self {
            body: serde_json::from_str(&text).unwrap_or(Value::String(text)),
            status,
            headers,
        }
    }

    /// The body of an answer with status 200.
    ///
    /// # Panics
    /// When the status is another one.
    #[track_caller]
    pub fn ok(self) -> Value {
        self.body_with(StatusCode::OK)
    }

    /// The body of an answer with this status.
    ///
    /// # Panics
    /// When the status is another one.
    #[track_caller]
    pub fn body_with(self, status: StatusCode) -> Value {
        self.assert_status(status);
        self.body
    }

    /// Holds the answer to this status.
    ///
    /// # Panics
    /// When the status is another one.
    #[track_caller]
    pub fn assert_status(&self, status: StatusCode) {
        assert_eq!(self.status, status, "{}", self.body);
    }

    /// Holds the answer to this status, and its problem to this code.
    ///
    /// # Panics
    /// When one of them is another one.
    #[track_caller]
    pub fn assert_refused(&self, status: StatusCode, code: &str) {
        let (answered, told) = (self.status, self.body["code"].as_str());
        assert_eq!((answered, told), (status, Some(code)), "{}", self.body);
    }
}
