//! Calls to Cloudinary, before they are signed and sent (pure).

use bytes::Bytes;
use http::Method;
use serde_json::Value;

/// One call, as often as it has to be sent.
pub(super) struct Call {
    pub(super) doing: String,
    pub(super) method: Method,
    /// Path segments after the cloud name.
    pub(super) path: Vec<String>,
    pub(super) query: Vec<(&'static str, String)>,
    pub(super) body: Body,
    /// True if a repeat after a lost answer does no harm.
    pub(super) repeatable: bool,
}

pub(super) enum Body {
    None,
    Json(Value),
    /// Parameters of an Upload API call, to be signed; lists are sent as `name[]`.
    Signed(Vec<(&'static str, Param)>),
    /// The same with a file beside them.
    File {
        params: Vec<(&'static str, Param)>,
        file: Bytes,
        filename: String,
    },
}

#[derive(Debug, Clone)]
pub(super) enum Param {
    One(String),
    Many(Vec<String>),
}

impl Call {
    /// A call that only reads, by Basic authentication.
    pub(super) fn get<const N: usize>(doing: impl Into<String>, path: [&str; N]) -> Self {
        Self::new(doing, Method::GET, path, Body::None, true)
    }

    pub(super) fn new<const N: usize>(
        doing: impl Into<String>,
        method: Method,
        path: [&str; N],
        body: Body,
        repeatable: bool,
    ) -> Self {
        Self {
            doing: doing.into(),
            method,
            path: path.into_iter().map(str::to_owned).collect(),
            query: Vec::new(),
            body,
            repeatable,
        }
    }
}
