//! Reads a posted body: parameters to sign, an address to ingest, or a file.

use std::collections::BTreeMap;

use bytes::Bytes;
use lambda_http::Request;
use lambda_http::http::{StatusCode, header};
use media_sync::asset::{MOST_TAGS, ResourceType, fault_of_display_name, fault_of_tag};
use media_sync::http::{Problem, body};
use media_sync::parameter::ParameterError;
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};

use crate::form;

/// The requested kind of upload.
#[derive(Debug)]
pub(crate) enum Posted {
    Sign(Sign),
    Url(Url),
    File(File),
}

/// `{"paramsToSign": {...}}`, as the Upload Widget gives them to its callbacks.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Sign {
    #[serde(rename = "paramsToSign")]
    pub(crate) params: Map<String, Value>,
    pub(crate) filename: Option<String>,
    #[serde(default, deserialize_with = "resource_type")]
    pub(crate) resource_type: Option<ResourceType>,
}

/// `{"url": "https://..."}`
#[derive(Debug, Deserialize)]
pub(crate) struct Url {
    pub(crate) url: String,
    #[serde(flatten)]
    pub(crate) about: About,
}

/// A file, and the fields beside it.
#[derive(Debug)]
pub(crate) struct File {
    pub(crate) bytes: Bytes,
    pub(crate) filename: String,
    pub(crate) about: About,
}

/// Options of an upload that a function carries out.
#[derive(Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub(crate) struct About {
    pub(crate) public_id: Option<String>,
    pub(crate) folder: Option<String>,
    pub(crate) display_name: Option<String>,
    pub(crate) tags: Vec<String>,
    pub(crate) context: BTreeMap<String, String>,
    #[serde(deserialize_with = "resource_type")]
    pub(crate) resource_type: Option<ResourceType>,
}

/// The names of the values that [`About`] holds.
pub(crate) const ABOUT: [&str; 6] = [
    "public_id",
    "folder",
    "display_name",
    "tags",
    "context",
    "resource_type",
];

impl Posted {
    /// Reads a request's body by its content type.
    ///
    /// # Errors
    /// 413, 415 or 400, with words on a better request.
    pub(crate) async fn read(request: &Request, file_limit: u64) -> Result<Self, Problem> {
        let content_type = request.headers().get(header::CONTENT_TYPE);
        let content_type = content_type.and_then(|value| value.to_str().ok());
        let essence = content_type.unwrap_or_default().split(';').next();
        match essence
            .unwrap_or_default()
            .trim()
            .to_ascii_lowercase()
            .as_str()
        {
            "application/json" => Self::read_json(request),
            "multipart/form-data" => {
                let content_type = content_type.unwrap_or_default();
                form::read(request.body(), content_type, file_limit)
                    .await
                    .map(Self::File)
            }
            _ => Err(Problem::new(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "unsupported_content_type",
                "Send application/json (with paramsToSign, or a url), or multipart/form-data with a file.",
            )),
        }
    }

    fn read_json(request: &Request) -> Result<Self, Problem> {
        let fields: Map<String, Value> = body::json(request)?;
        match (
            fields.contains_key("paramsToSign"),
            fields.contains_key("url"),
        ) {
            (true, false) => body::json(request).map(Self::Sign),
            (false, true) => {
                let known = |name: &&String| *name == "url" || ABOUT.contains(&name.as_str());
                if let Some(name) = fields.keys().find(|name| !known(name)) {
                    return Err(unknown_field(name).into());
                }
                let posted: Url = body::json(request)?;
                posted.about.check()?;
                Ok(Self::Url(posted))
            }
            _ => {
                let reason = "or `url` has to be there, and not both: parameters to be signed, or an address to ingest";
                Err(ParameterError::new("paramsToSign", reason).into())
            }
        }
    }
}

impl About {
    /// Checks the values that go into the row before Cloudinary has seen the file.
    ///
    /// # Errors
    /// Naming the field that cannot be used.
    pub(crate) fn check(&self) -> Result<(), ParameterError> {
        let refuse = |name: &str, reason: &str| Err(ParameterError::new(name, reason));
        if self.tags.len() > MOST_TAGS {
            let reason = format!("may be {MOST_TAGS} at most");
            return Err(ParameterError::new("tags", reason));
        }
        if let Some(fault) = self.tags.iter().find_map(|tag| fault_of_tag(tag)) {
            return refuse("tags", fault);
        }
        let name = self.display_name.as_deref();
        if let Some(fault) = name.and_then(fault_of_display_name) {
            return refuse("display_name", fault);
        }
        if self
            .context
            .iter()
            .any(|(key, value)| key.is_empty() || value.is_empty())
        {
            return refuse("context", "must not have empty keys or values");
        }
        let mut texts = self.context.keys().chain(self.context.values());
        if texts.any(|text| text.contains('\0')) {
            return refuse("context", "must not contain NUL");
        }
        Ok(())
    }
}

pub(crate) fn unknown_field(name: &str) -> ParameterError {
    let shown: String = name.chars().take(64).collect();
    let reason = format!("is not a field here; there are {}", ABOUT.join(", "));
    ParameterError::new(shown, reason)
}

/// `auto` is Cloudinary's word when its own look decides.
pub(crate) fn parse_resource_type(text: &str) -> Result<Option<ResourceType>, ParameterError> {
    if text == "auto" {
        return Ok(None);
    }
    text.parse()
        .map(Some)
        .map_err(|_| ParameterError::new("resource_type", "must be image, video, raw or auto"))
}

fn resource_type<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<ResourceType>, D::Error> {
    let text = Option::<String>::deserialize(deserializer)?;
    text.map_or(Ok(None), |text| parse_resource_type(&text))
        .map_err(serde::de::Error::custom)
}

#[cfg(test)]
mod tests {
    use lambda_http::Body;
    use serde_json::json;

    use super::*;

    async fn read(body: Value) -> Result<Posted, &'static str> {
        let mut request = Request::new(Body::Text(body.to_string()));
        let headers = request.headers_mut();
        headers.insert(
            "content-type",
            "application/json; charset=utf-8".parse().unwrap(),
        );
        Posted::read(&request, 1000)
            .await
            .map_err(|problem| problem.code())
    }

    #[tokio::test]
    async fn parameters_and_addresses_are_told_apart() {
        let signed = read(json!({"paramsToSign": {"source": "uw"}, "resource_type": "auto"})).await;
        assert!(matches!(
            signed,
            Ok(Posted::Sign(Sign {
                resource_type: None,
                ..
            }))
        ));
        let url =
            json!({"url": "https://example.com/a.png", "tags": ["a"], "resource_type": "image"});
        let Ok(Posted::Url(url)) = read(url).await else {
            panic!("an address is understood");
        };
        assert_eq!(url.about.tags, ["a"]);
        assert_eq!(url.about.resource_type, Some(ResourceType::Image));
    }

    #[tokio::test]
    async fn what_is_neither_or_both_or_misspelt_is_refused() {
        for (body, code) in [
            (json!({}), "invalid_parameter"),
            (
                json!({"paramsToSign": {}, "url": "https://example.com"}),
                "invalid_parameter",
            ),
            (
                json!({"paramsToSign": {}, "public_id": "x"}),
                "invalid_body",
            ),
            (json!({"paramsToSign": "x"}), "invalid_body"),
            (
                json!({"url": "https://example.com", "overwrite": true}),
                "invalid_parameter",
            ),
            (
                json!({"url": "https://example.com", "tags": ["a,b"]}),
                "invalid_parameter",
            ),
            (
                json!({"url": "https://example.com", "context": {"a": ""}}),
                "invalid_parameter",
            ),
            (
                json!({"url": "https://example.com", "resource_type": "film"}),
                "invalid_body",
            ),
            (json!(["url"]), "invalid_body"),
        ] {
            assert_eq!(read(body.clone()).await.err(), Some(code), "{body}");
        }
        let plain = Request::new(Body::Text("hello".to_owned()));
        let problem = Posted::read(&plain, 1000).await.unwrap_err();
        assert_eq!(
            (problem.code(), problem.status()),
            (
                "unsupported_content_type",
                StatusCode::UNSUPPORTED_MEDIA_TYPE
            )
        );
    }
}
