//! `DELETE /api/cloudinary/media`: soft-deletes at once; Cloudinary follows through SQS.

use lambda_http::http::{Method, StatusCode};
use lambda_http::{Body, Request, Response};
use media_sync::asset::{AssetId, ResourceType};
use media_sync::http::auth::authenticate;
use media_sync::http::{ParameterError, Problem, Query, body, reply, respond};
use media_sync::queue::{Outbound, Queue};
use media_sync::supabase::Supabase;
use media_sync::supabase::jwt::TokenVerifier;
use media_sync::time::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// How many assets one request may name.
const MOST_ITEMS: usize = 1_000;

/// Longer than any public id that Cloudinary takes.
const LONGEST_ID: usize = 1_024;

/// Deletes in the name of the caller: the database decides who may.
#[derive(Debug)]
pub(crate) struct MediaDelete {
    verifier: TokenVerifier,
    database: Supabase,
    outbound: Queue,
}

/// What to delete, from the query or the body.
#[derive(Debug, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Wanted {
    public_ids: Vec<String>,
    asset_ids: Vec<String>,
    resource_type: Option<ResourceType>,
    force: bool,
}

/// What the database answers.
#[derive(Debug, Deserialize)]
struct Requested {
    done: Vec<Deleted>,
    failed: Vec<Failed>,
}

#[derive(Debug, Deserialize)]
struct Deleted {
    public_id: String,
    #[serde(flatten)]
    intent: Outbound,
}

#[derive(Debug, Serialize, Deserialize)]
struct Failed {
    public_id: String,
    error: String,
}

impl MediaDelete {
    pub(crate) fn new(verifier: TokenVerifier, database: Supabase, outbound: Queue) -> Self {
        Self {
            verifier,
            database,
            outbound,
        }
    }

    pub(crate) async fn handle(&self, request: Request) -> Response<Body> {
        respond(request, async |request| self.delete(request).await).await
    }

    async fn delete(&self, request: &Request) -> Result<Response<Body>, Problem> {
        if request.method() != Method::DELETE {
            return Err(Problem::method_not_allowed("DELETE"));
        }
        let caller = authenticate(&self.verifier, request.headers(), Timestamp::now()).await?;
        let wanted = parse_request(request)?;
        let (items, mut failed) = plan_items(&wanted);
        let database = self.database.as_caller(&caller);
        let arguments = json!({"p_items": items, "p_force": wanted.force});
        let requested: Requested = database.rpc("media_request_delete", &arguments).await?;
        failed.extend(requested.failed);

        let (deleted, intents): (Vec<_>, Vec<_>) = requested
            .done
            .into_iter()
            .map(|deleted| (deleted.public_id, deleted.intent))
            .unzip();
        self.send(&intents).await;
        let message = match (deleted.len(), failed.len()) {
            (count, 0) => format!("{count} deleted here; Cloudinary follows."),
            (count, failures) => {
                format!("{count} deleted here; Cloudinary follows. {failures} failed.")
            }
        };
        let answer = json!({"deleted": deleted, "failed": failed, "message": message});
        Ok(reply::json(StatusCode::OK, &answer))
    }

    /// The rows are pending already: what cannot be sent now, the next drain sends.
    async fn send(&self, intents: &[Outbound]) {
        let outcome = self.outbound.send_batch(intents).await;
        for (_, error) in &outcome.failed {
            tracing::warn!(error = %error, "a delete was not sent; the drain will send it");
        }
    }
}

fn parse_request(request: &Request) -> Result<Wanted, Problem> {
    let query = Query::parse(
        request.uri().query(),
        &["public_ids", "asset_ids", "resource_type", "force"],
    )?;
    let types = ResourceType::ALL.map(|kind| (kind.as_str(), kind));
    let mut wanted = if body::bytes(request.body(), body::JSON_LIMIT)?.is_empty() {
        Wanted::default()
    } else {
        body::json(request)?
    };
    if let Some(ids) = query.list("public_ids", MOST_ITEMS, LONGEST_ID)? {
        wanted.public_ids.extend(ids);
    }
    if let Some(ids) = query.list("asset_ids", MOST_ITEMS, LONGEST_ID)? {
        wanted.asset_ids.extend(ids);
    }
    wanted.resource_type = query
        .one_of("resource_type", &types)?
        .or(wanted.resource_type);
    wanted.force = query.flag("force")?.unwrap_or(wanted.force);
    check(wanted)
}

fn check(wanted: Wanted) -> Result<Wanted, Problem> {
    let count = wanted.public_ids.len() + wanted.asset_ids.len();
    if count == 0 {
        let reason = "must name at least one asset, here or in asset_ids, as ?public_ids=a,b or in a JSON body";
        return Err(ParameterError::new("public_ids", reason).into());
    }
    if count > MOST_ITEMS {
        let reason = format!("may name {MOST_ITEMS} assets at most, together with asset_ids");
        return Err(ParameterError::new("public_ids", reason).into());
    }
    let plausible = |id: &String| id.chars().count() <= LONGEST_ID && !id.contains('\0');
    if !wanted.public_ids.iter().all(plausible) {
        let reason = format!("must be texts of at most {LONGEST_ID} characters, without NUL");
        return Err(ParameterError::new("public_ids", reason).into());
    }
    Ok(wanted)
}

/// The items for the database, each asset once, and those that cannot exist.
fn plan_items(wanted: &Wanted) -> (Vec<Value>, Vec<Failed>) {
    let mut items: Vec<Value> = Vec::new();
    let mut failed = Vec::new();
    for public_id in &wanted.public_ids {
        items.push(json!({"public_id": public_id}));
    }
    for asset_id in &wanted.asset_ids {
        match AssetId::parse(asset_id) {
            Ok(id) => items.push(json!({"asset_id": id})),
            Err(error) => failed.push(Failed {
                public_id: asset_id.clone(),
                error: error.to_string(),
            }),
        }
    }
    if let Some(resource_type) = wanted.resource_type {
        for item in &mut items {
            item["resource_type"] = json!(resource_type);
        }
    }
    let mut seen = std::collections::HashSet::new();
    items.retain(|item| seen.insert(item.to_string()));
    (items, failed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(query: &str, body: Option<&str>) -> Request {
        let mut request = Request::new(body.map_or(Body::Empty, Body::from));
        *request.uri_mut() = format!("https://api/api/cloudinary/media?{query}")
            .parse()
            .unwrap();
        request
    }

    #[test]
    fn ids_come_from_the_query() {
        let wanted = parse_request(&request("public_ids=a,b/c&force=true", None)).unwrap();
        assert_eq!(wanted.public_ids, ["a", "b/c"]);
        assert!(wanted.force);
    }

    #[test]
    fn ids_with_commas_come_in_the_body() {
        let wanted = parse_request(&request(
            "",
            Some(r#"{"public_ids":["a,b"],"resource_type":"raw"}"#),
        ))
        .unwrap();
        assert_eq!(wanted.public_ids, ["a,b"]);
        assert_eq!(wanted.resource_type, Some(ResourceType::Raw));
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
        for id in ["x".repeat(LONGEST_ID + 1), "a\0b".to_owned()] {
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
    fn an_impossible_asset_id_fails_alone_and_repeats_count_once() {
        let wanted = Wanted {
            public_ids: vec!["a".to_owned(), "a".to_owned()],
            asset_ids: vec!["nonsense".to_owned()],
            ..Wanted::default()
        };
        let (items, failed) = plan_items(&wanted);
        assert_eq!(items, [json!({"public_id": "a"})]);
        assert_eq!(failed.len(), 1);
        assert_eq!(failed[0].public_id, "nonsense");
    }
}
