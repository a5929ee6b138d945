//! Reads a posted body: parameters to sign, an address to ingest, or a file.

use lambda_http::Request;
use lambda_http::http::{StatusCode, header};
use media_sync::asset::ResourceType;
use media_sync::http::{Problem, body};
use media_sync::parameter::ParameterError;
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::form::{self, FileUpload};
use crate::options::{OPTIONS, UploadOptions, resource_type, unknown_field};

/// The requested kind of upload.
#[derive(Debug)]
pub(crate) enum PostedUpload {
    Sign(SignRequest),
    Url(RemoteUpload),
    File(FileUpload),
}

/// `{"paramsToSign": {...}}`, as the Upload Widget gives them to its callbacks.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SignRequest {
    #[serde(rename = "paramsToSign")]
    pub(crate) params: Map<String, Value>,
    pub(crate) filename: Option<String>,
    #[serde(default, deserialize_with = "resource_type")]
    pub(crate) resource_type: Option<ResourceType>,
}

/// `{"url": "https://..."}`
#[derive(Debug, Deserialize)]
pub(crate) struct RemoteUpload {
    pub(crate) url: String,
    #[serde(flatten)]
    pub(crate) options: UploadOptions,
}

impl PostedUpload {
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
            // A page that hands the widget's parameters to `fetch` as text says no other type.
            "text/plain" => match Self::read_json(request) {
                Ok(signing @ Self::Sign(_)) => Ok(signing),
                _ => Err(unsupported_type()),
            },
            "multipart/form-data" => {
                let content_type = content_type.unwrap_or_default();
                form::read(request.body(), content_type, file_limit)
                    .await
                    .map(Self::File)
            }
            _ => Err(unsupported_type()),
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
                let known = |name: &&String| *name == "url" || OPTIONS.contains(&name.as_str());
                if let Some(name) = fields.keys().find(|name| !known(name)) {
                    return Err(unknown_field(name).into());
                }
                let posted: RemoteUpload = body::json(request)?;
                posted.options.check()?;
                Ok(Self::Url(posted))
            }
            _ => {
                let reason = "or `url` has to be there, and not both: parameters to be signed, or an address to ingest";
                Err(ParameterError::new("paramsToSign", reason).into())
            }
        }
    }
}

fn unsupported_type() -> Problem {
    Problem::new(
        StatusCode::UNSUPPORTED_MEDIA_TYPE,
        "unsupported_content_type",
        "Send application/json (with paramsToSign, or a url), or multipart/form-data with a file.",
    )
}

#[cfg(test)]
mod tests {
    use lambda_http::Body;
    use serde_json::json;

    use super::*;

    async fn read(body: Value) -> Result<PostedUpload, &'static str> {
        let mut request = Request::new(Body::Text(body.to_string()));
        let headers = request.headers_mut();
        headers.insert(
            "content-type",
            "application/json; charset=utf-8".parse().unwrap(),
        );
        PostedUpload::read(&request, 1000)
            .await
            .map_err(|problem| problem.code())
    }

    #[tokio::test]
    async fn parameters_and_addresses_are_told_apart() {
        let signed = read(json!({"paramsToSign": {"source": "uw"}, "resource_type": "auto"})).await;
        assert!(matches!(
            signed,
            Ok(PostedUpload::Sign(SignRequest {
                resource_type: None,
                ..
            }))
        ));
        let url =
            json!({"url": "https://example.com/a.png", "tags": ["a"], "resource_type": "image"});
        let Ok(PostedUpload::Url(url)) = read(url).await else {
            panic!("an address is understood");
        };
        assert_eq!(url.options.tags, ["a"]);
        assert_eq!(url.options.resource_type, Some(ResourceType::Image));
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
                json!({"url": "https://example.com", "context": {"media_sync_upload": "x"}}),
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
    }

    #[tokio::test]
    async fn parameters_to_be_signed_may_come_as_text_and_nothing_else_may() {
        let as_text = async |text: &str| {
            let mut request = Request::new(Body::Text(text.to_owned()));
            let plain = "text/plain;charset=UTF-8".parse().unwrap();
            request.headers_mut().insert("content-type", plain);
            PostedUpload::read(&request, 1000).await
        };
        let signing = as_text(r#"{"paramsToSign": {"folder": "shop"}}"#).await;
        assert!(matches!(signing, Ok(PostedUpload::Sign(_))), "{signing:?}");
        for other in ["hello", r#"{"url": "https://example.com/a.png"}"#, "{}", ""] {
            let problem = as_text(other).await.unwrap_err();
            assert_eq!(problem.code(), "unsupported_content_type");
            assert_eq!(problem.status(), StatusCode::UNSUPPORTED_MEDIA_TYPE);
        }
    }
}
