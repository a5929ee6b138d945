//! `PATCH /api/cloudinary/media`: edits at once; Cloudinary follows through SQS.

use lambda_http::http::Method;
use lambda_http::{Body, Request, Response};
use media_sync::http::{MediaRequests, Problem, QueryParameters, RequestedChange, body, respond};
use serde::Serialize;

use crate::edit::{AssetEdit, parse_edits};

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
            self.requests
                .answer(request, RequestedChange::Edit, parse_request)
                .await
        })
        .await
    }
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
