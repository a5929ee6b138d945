//! `PATCH /api/cloudinary/media`, and below it of one asset: edits at once; Cloudinary follows through SQS.

use lambda_http::http::Method;
use lambda_http::{Body, Request, Response};
use media_sync::http::{
    MediaRequests, OneAsset, Problem, QueryParameters, RequestedChange, body, names_one_asset,
    respond,
};
use serde::Serialize;

use crate::edit::{AssetEdit, parse_edit_of, parse_edits};

/// Edits in the name of the caller.
#[derive(Debug)]
pub(crate) struct MediaUpdate {
    requests: MediaRequests,
}

/// The arguments of `media_request_edit`.
#[derive(Debug, Serialize)]
struct EditArguments {
    #[serde(rename = "p_items")]
    items: Vec<AssetEdit>,
}

impl MediaUpdate {
    pub(crate) fn new(requests: MediaRequests) -> Self {
        Self { requests }
    }

    pub(crate) async fn handle(&self, request: Request) -> Response<Body> {
        respond(request, async |request| {
            if request.method() != Method::PATCH {
                return Err(Problem::method_not_allowed("PATCH"));
            }
            let change = RequestedChange::Edit;
            if names_one_asset(request) {
                return self.requests.answer_one(request, change, parse_one).await;
            }
            self.requests.answer(request, change, parse_request).await
        })
        .await
    }
}

fn parse_one(request: &Request) -> Result<EditArguments, Problem> {
    QueryParameters::parse(request.uri().query(), &[])?;
    let asset = OneAsset::of_request(request)?;
    let items = vec![parse_edit_of(asset, body::json(request)?)?];
    Ok(EditArguments { items })
}

fn parse_request(request: &Request) -> Result<EditArguments, Problem> {
    QueryParameters::parse(request.uri().query(), &[])?;
    let items = parse_edits(body::json(request)?)?;
    Ok(EditArguments { items })
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    const EVENT: &str = include_str!("../events/patch.json");

    #[test]
    fn an_edit_as_the_gateway_hands_it_on_is_understood() {
        let request = lambda_http::request::from_str(EVENT).unwrap();
        assert_eq!(request.method(), Method::PATCH);
        let expected = json!({"p_items": [{
            "asset_id": "0123456789abcdef0123456789abcdef",
            "tags": ["sale"], "context": {"alt": "A mug", "caption": null},
        }]});
        assert_eq!(json!(parse_request(&request).unwrap()), expected);
    }

    #[test]
    fn one_asset_is_named_by_the_path_and_not_by_the_body() {
        let one = |body: Value| {
            let mut event: Value = serde_json::from_str(EVENT).unwrap();
            event["pathParameters"] = json!({"asset_id": "00000000-0000-4000-8000-000000000007"});
            event["headers"]["if-match"] = "\"s1\", \"s2\"".into();
            event["body"] = body.to_string().into();
            let request = lambda_http::request::from_str(&event.to_string()).unwrap();
            assert!(names_one_asset(&request));
            parse_one(&request).map(|arguments| json!(arguments))
        };
        let expected = json!({"p_items": [{
            "asset_id": "00000000-0000-4000-8000-000000000007", "if_match": ["s1", "s2"], "add_tags": ["sale"],
        }]});
        assert_eq!(one(json!({"add_tags": ["sale"]})).unwrap(), expected);
        for body in [
            json!({}),
            json!({"asset_id": "a", "tags": []}),
            json!({"items": []}),
        ] {
            assert_eq!(one(body).unwrap_err().code(), "invalid_parameter");
        }
    }

    #[test]
    fn a_body_in_base64_is_the_bytes_it_stands_for() {
        let mut event: Value = serde_json::from_str(EVENT).unwrap();
        // {"asset_id":"0123456789abcdef0123456789abcdef","folder":""}
        event["body"] =
            "eyJhc3NldF9pZCI6IjAxMjM0NTY3ODlhYmNkZWYwMTIzNDU2Nzg5YWJjZGVmIiwiZm9sZGVyIjoiIn0="
                .into();
        event["isBase64Encoded"] = true.into();
        let request = lambda_http::request::from_str(&event.to_string()).unwrap();
        let arguments = json!(parse_request(&request).unwrap());
        let expected = json!([{"asset_id": "0123456789abcdef0123456789abcdef", "folder": ""}]);
        assert_eq!(arguments["p_items"], expected);
    }

    #[test]
    fn a_body_over_the_limit_is_refused_unread() {
        let mut event: Value = serde_json::from_str(EVENT).unwrap();
        event["body"] = "x".repeat(body::JSON_LIMIT + 1).into();
        let request = lambda_http::request::from_str(&event.to_string()).unwrap();
        assert_eq!(
            parse_request(&request).unwrap_err().code(),
            "body_too_large"
        );
    }
}
