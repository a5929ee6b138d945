//! `DELETE /api/cloudinary/media`, and below it of one asset: soft-deletes at once; Cloudinary follows through SQS.

use lambda_http::http::Method;
use lambda_http::{Body, Request, Response};
use media_sync::asset::ResourceType;
use media_sync::http::{
    MediaRequests, NamedAsset, NamedAssets, OneAsset, Problem, QueryParameters, RequestedChange,
    body, names_one_asset, respond,
};
use serde::{Deserialize, Serialize};

/// Deletes in the name of the caller.
#[derive(Debug)]
pub(crate) struct MediaDelete {
    requests: MediaRequests,
}

/// The assets to delete, from the query or the body.
#[derive(Debug, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct WantedDeletes {
    public_ids: Vec<String>,
    asset_ids: Vec<String>,
    resource_type: Option<ResourceType>,
    delivery_type: Option<String>,
    force: bool,
}

/// The arguments of `media_request_delete`.
#[derive(Debug, PartialEq, Serialize)]
struct DeleteArguments<T> {
    #[serde(rename = "p_items")]
    items: Vec<T>,
    #[serde(rename = "p_force")]
    force: bool,
}

impl MediaDelete {
    pub(crate) fn new(requests: MediaRequests) -> Self {
        Self { requests }
    }

    pub(crate) async fn handle(&self, request: Request) -> Response<Body> {
        respond(request, async |request| {
            if request.method() != Method::DELETE {
                return Err(Problem::method_not_allowed("DELETE"));
            }
            let change = RequestedChange::Delete;
            if names_one_asset(request) {
                return self.requests.answer_one(request, change, parse_one).await;
            }
            self.requests.answer(request, change, parse_request).await
        })
        .await
    }
}

fn parse_one(request: &Request) -> Result<DeleteArguments<OneAsset>, Problem> {
    let query = QueryParameters::parse(request.uri().query(), &["force"])?;
    body::nothing(request)?;
    Ok(DeleteArguments {
        items: vec![OneAsset::of_request(request)?],
        force: query.flag("force")?.unwrap_or_default(),
    })
}

fn parse_request(request: &Request) -> Result<DeleteArguments<NamedAsset>, Problem> {
    let wanted = parse_wanted(request)?;
    let named = NamedAssets {
        public_ids: wanted.public_ids,
        asset_ids: wanted.asset_ids,
        resource_type: wanted.resource_type,
        delivery_type: wanted.delivery_type,
    };
    Ok(DeleteArguments {
        items: named.into_items()?,
        force: wanted.force,
    })
}

fn parse_wanted(request: &Request) -> Result<WantedDeletes, Problem> {
    let query = QueryParameters::parse(
        request.uri().query(),
        &[
            "public_ids",
            "asset_ids",
            "resource_type",
            "delivery_type",
            "force",
        ],
    )?;
    let mut wanted = if body::bytes(request.body(), body::JSON_LIMIT)?.is_empty() {
        WantedDeletes::default()
    } else {
        body::json(request)?
    };
    if let Some(ids) = query.list("public_ids", NamedAssets::MOST, NamedAssets::LONGEST)? {
        wanted.public_ids.extend(ids);
    }
    if let Some(ids) = query.list("asset_ids", NamedAssets::MOST, NamedAssets::LONGEST)? {
        wanted.asset_ids.extend(ids);
    }
    wanted.resource_type = query.word("resource_type")?.or(wanted.resource_type);
    let delivery_type = query.text("delivery_type", NamedAssets::LONGEST)?;
    wanted.delivery_type = delivery_type.map(str::to_owned).or(wanted.delivery_type);
    wanted.force = query.flag("force")?.unwrap_or(wanted.force);
    Ok(wanted)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    const EVENT: &str = include_str!("../events/delete.json");

    fn request(query: &str, body: Option<&str>) -> Request {
        let mut event: Value = serde_json::from_str(EVENT).unwrap();
        event["rawQueryString"] = query.into();
        event["body"] = json!(body);
        lambda_http::request::from_str(&event.to_string()).unwrap()
    }

    #[test]
    fn a_delete_as_the_gateway_hands_it_on_is_understood() {
        let request = lambda_http::request::from_str(EVENT).unwrap();
        assert_eq!(request.method(), Method::DELETE);
        let arguments = parse_request(&request).unwrap();
        let item = json!({"public_id": "shop/cup, blue", "resource_type": "image"});
        let expected = json!({"p_items": [item], "p_force": true});
        assert_eq!(json!(arguments), expected);
    }

    #[test]
    fn ids_come_from_the_query_or_the_body_and_ask_for_the_same() {
        let by_query = request("public_ids=a,b/c&delivery_type=private&force=true", None);
        let body = r#"{"public_ids":["a","b/c"],"delivery_type":"private","force":true}"#;
        assert_eq!(
            parse_request(&by_query).unwrap(),
            parse_request(&request("", Some(body))).unwrap()
        );
    }

    #[test]
    fn one_asset_is_named_by_the_path() {
        let one = |id: &str, query: &str, body: Option<&str>| {
            let mut event: Value = serde_json::from_str(EVENT).unwrap();
            event["pathParameters"] = json!({"asset_id": id});
            event["rawQueryString"] = query.into();
            event["headers"]["if-match"] = "\"s1\"".into();
            event["body"] = json!(body);
            let request = lambda_http::request::from_str(&event.to_string()).unwrap();
            assert!(names_one_asset(&request));
            parse_one(&request).map(|arguments| json!(arguments))
        };
        let id = "00000000-0000-4000-8000-000000000007";
        let item = json!({"asset_id": id, "if_match": ["s1"]});
        let expected = json!({"p_items": [item], "p_force": true});
        assert_eq!(one(id, "force=true", None).unwrap(), expected);
        assert_eq!(one(id, "", Some("{}")).unwrap()["p_force"], false);
        for (id, query, body, code) in [
            ("mug", "", None, "invalid_parameter"),
            (id, "public_ids=a", None, "invalid_parameter"),
            (id, "", Some("{\"force\":true}"), "invalid_body"),
        ] {
            assert_eq!(one(id, query, body).unwrap_err().code(), code);
        }
    }

    #[test]
    fn naming_nothing_is_refused() {
        for request in [
            request("", None),
            request("", Some("{}")),
            request("public_ids=,", None),
        ] {
            assert_eq!(
                parse_request(&request).unwrap_err().code(),
                "invalid_parameter"
            );
        }
    }

    #[test]
    fn names_that_nothing_can_have_are_refused() {
        for id in ["x".repeat(NamedAssets::LONGEST + 1), "a\0b".to_owned()] {
            let body = json!({"public_ids": [id]}).to_string();
            let problem = parse_request(&request("", Some(&body))).unwrap_err();
            assert_eq!(problem.code(), "invalid_parameter");
        }
    }

    #[test]
    fn a_misspelt_field_is_refused() {
        let problem = parse_request(&request("", Some(r#"{"publicIds":["a"]}"#))).unwrap_err();
        assert_eq!(problem.code(), "invalid_body");
    }

    #[test]
    fn an_impossible_asset_id_is_left_to_fail_alone() {
        let arguments = parse_request(&request("public_ids=a,a&asset_ids=nonsense", None)).unwrap();
        let expected = json!([{"public_id": "a"}, {"asset_id": "nonsense"}]);
        assert_eq!(json!(arguments.items), expected);
    }
}
