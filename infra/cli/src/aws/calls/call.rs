//! A request before its signature (plain data).

use std::time::Duration;

use reqwest::Method;

/// A request before its signature.
#[derive(Debug, Clone)]
pub(crate) struct Call<'a> {
    /// The service, as signatures name it.
    pub(crate) service: &'static str,
    pub(crate) method: Method,
    /// With its slash, and already encoded.
    pub(crate) path: &'a str,
    pub(crate) headers: &'a [(&'a str, &'a str)],
    pub(crate) body: &'a [u8],
    /// The longest time for one attempt.
    pub(crate) limit: Duration,
}

impl Default for Call<'_> {
    fn default() -> Self {
        Self {
            service: "",
            method: Method::GET,
            path: "/",
            headers: &[],
            body: b"",
            limit: Duration::from_secs(30),
        }
    }
}
