//! `POST /api/cloudinary/media/restore`, and `/media/{asset_id}/restore` for one asset: undoes deletes at once; Cloudinary follows through SQS.

use lambda_http::http::Method;
use lambda_http::{Body, Request, Response};
use media_sync::http::{
    MediaRequests, NamedAsset, NamedAssets, OneAsset, Problem, QueryParameters, RequestedChange,
    body, names_one_asset, respond,
};
use serde::Serialize;

/// Restores in the name of the caller.
#[derive(Debug)]
pub(crate) struct MediaRestore {
    requests: MediaRequests,
}

/// The arguments of `media_request_restore`.
#[derive(Debug, Serialize)]
struct RestoreArguments<T> {
    #[serde(rename = "p_items")]
    items: Vec<T>,
}

impl MediaRestore {
    pub(crate) fn new(requests: MediaRequests) -> Self {
        Self { requests }
    }

    pub(crate) async fn handle(&self, request: Request) -> Response<Body> {
        respond(request, async |request| {
            if request.method() != Method::POST {
                return Err(Problem::method_not_allowed("POST"));
            }
            let change = RequestedChange::Restore;
            if names_one_asset(request) {
                return self.requests.answer_one(request, change, parse_one).await;
            }
            self.requests.answer(request, change, parse_request).await
        })
        .await
    }
}

fn parse_one(request: &Request) -> Result<RestoreArguments<OneAsset>, Problem> {
    QueryParameters::parse(request.uri().query(), &[])?;
    body::nothing(request)?;
    let items = vec![OneAsset::of_request(request)?];
    Ok(RestoreArguments { items })
}

fn parse_request(request: &Request) -> Result<RestoreArguments<NamedAsset>, Problem> {
    QueryParameters::parse(request.uri().query(), &[])?;
    let named: NamedAssets = body::json(request)?;
    let items = named.into_items()?;
    Ok(RestoreArguments { items })
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    const EVENT: &str = include_str!("../events/post.json");

    fn request(query: &str, body: Option<&str>) -> Request {
        let mut event: Value = serde_json::from_str(EVENT).unwrap();
        event["rawQueryString"] = query.into();
        event["body"] = json!(body);
        lambda_http::request::from_str(&event.to_string()).unwrap()
    }

    #[test]
    fn a_restore_as_the_gateway_hands_it_on_is_understood() {
        let request = lambda_http::request::from_str(EVENT).unwrap();
        assert_eq!(request.method(), Method::POST);
        let expected = json!({"p_items": [
            {"public_id": "shop/mug", "resource_type": "image"},
            {"asset_id": "0123456789abcdef0123456789abcdef"},
        ]});
        assert_eq!(json!(parse_request(&request).unwrap()), expected);
    }

    #[test]
    fn one_asset_is_named_by_the_path() {
        let mut event: Value = serde_json::from_str(EVENT).unwrap();
        event["pathParameters"] = json!({"asset_id": "0123456789abcdef0123456789abcdef"});
        event["body"] = json!(null);
        let request = lambda_http::request::from_str(&event.to_string()).unwrap();
        assert!(names_one_asset(&request));
        let expected = json!({"p_items": [{"asset_id": "0123456789abcdef0123456789abcdef"}]});
        assert_eq!(json!(parse_one(&request).unwrap()), expected);
    }

    #[test]
    fn what_is_not_offered_is_refused_and_not_ignored() {
        for (query, body, code) in [
            ("", None, "invalid_body"),
            ("", Some("{}"), "invalid_parameter"),
            (
                "",
                Some(r#"{"public_ids":["a"],"force":true}"#),
                "invalid_body",
            ),
            (
                "public_ids=a",
                Some(r#"{"public_ids":["a"]}"#),
                "invalid_parameter",
            ),
        ] {
            let problem = parse_request(&request(query, body)).unwrap_err();
            assert_eq!(problem.code(), code, "{query} {body:?}");
        }
    }
}
