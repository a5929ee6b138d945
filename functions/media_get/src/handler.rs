//! `GET /api/cloudinary/media/{asset_id}`: one asset, its addresses, its history and the reason for
//! its state, in one round trip to the database.

use lambda_http::http::{Method, StatusCode};
use lambda_http::{Body, Request, Response};
use media_sync::access_rules::GuardedLinks;
use media_sync::asset::{AssetKey, DeliveryName};
use media_sync::cloudinary::delivery::{AddressWriter, DeliveryAddresses, DeliveryFacts};
use media_sync::deadline::Deadline;
use media_sync::http::auth::authenticate;
use media_sync::http::{Problem, QueryParameters, asset_of_path, reply, respond};
use media_sync::intent::EditableValues;
use media_sync::parameter::ParameterError;
use media_sync::rotation::LiveValue;
use media_sync::supabase::DataApi;
use media_sync::supabase::jwt::TokenVerifier;
use media_sync::sync::comparison::{SeenValues, compare};
use media_sync::sync::explain::{StatusFacts, explain};
use media_sync::time::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};

/// Tells about one asset in the name of the caller: row level security decides.
#[derive(Debug)]
pub(crate) struct MediaGet {
    pub(crate) verifier: TokenVerifier,
    pub(crate) database: DataApi,
    pub(crate) delivery: LiveValue<AddressWriter>,
}

/// The database's answer.
#[derive(Debug, Deserialize)]
struct Found {
    asset: ShownAsset,
    /// The tag of what people edit of it.
    etag: String,
    /// Its state in Cloudinary; nothing when Cloudinary does not have it.
    stored: Option<Stored>,
    /// Its values as Cloudinary was last seen to have them; nothing when it does not have the asset.
    seen: Option<SeenValues>,
    standing: StatusFacts,
    notifications: Value,
    audit: Value,
    uses: AssetUses,
}

/// The row as the caller sees it.
#[derive(Debug, Deserialize)]
#[serde(try_from = "Value")]
struct ShownAsset {
    columns: Value,
    editable: EditableValues,
}

impl TryFrom<Value> for ShownAsset {
    type Error = serde_json::Error;

    fn try_from(columns: Value) -> Result<Self, Self::Error> {
        let editable = EditableValues::deserialize(&columns)?;
        Ok(Self { columns, editable })
    }
}

/// Uses and collections that the caller may see.
#[derive(Debug, Deserialize)]
struct AssetUses {
    usage: Vec<AssetUse>,
    usage_count: u64,
    collections: Value,
}

/// A row of another table that uses the asset.
#[derive(Debug, Deserialize)]
struct AssetUse {
    table_name: String,
    record_id: String,
    usage_type: String,
}

#[derive(Debug, Deserialize)]
struct Stored {
    name: DeliveryName,
    version: Option<i64>,
    format: Option<String>,
    mime_type: Option<String>,
    access_mode: Option<String>,
    secure_url: Option<String>,
    /// True if the caller may have the key to a guarded file.
    may_open: bool,
    guarded_links: GuardedLinks,
}

impl MediaGet {
    pub(crate) async fn handle(&self, request: Request) -> Response<Body> {
        respond(request, async |request| self.tell(request).await).await
    }

    async fn tell(&self, request: &Request) -> Result<Response<Body>, Problem> {
        if request.method() != Method::GET {
            return Err(Problem::method_not_allowed("GET"));
        }
        let now = Timestamp::now();
        let caller = authenticate(&self.verifier, request.headers(), now).await?;
        let arguments = match parse_key(request)? {
            AssetKey::Asset(id) => json!({"p_asset_id": id}),
            AssetKey::Row(id) => json!({"p_row_id": id}),
        };
        let deadline = Deadline::of_request(request);
        let database = self.database.until(deadline).as_caller(&caller);
        let found: Option<Found> = database.rpc("media_get", &arguments).await?;
        let found = found.ok_or_else(|| Problem::not_found("There is no such asset."))?;
        let delivery = self.delivery.current().await;
        let etag = found.etag.clone();
        let mut response = reply::json(StatusCode::OK, &answer(found, &delivery, now));
        reply::tag(&mut response, Some(&etag));
        Ok(response)
    }
}

fn answer(found: Found, delivery: &AddressWriter, now: Timestamp) -> Value {
    let urls = found
        .stored
        .as_ref()
        .and_then(|stored| addresses(stored, delivery, now));
    let waiting = found.standing.intent.as_ref();
    let seen = found.seen.as_ref();
    let comparison = seen.map(|seen| compare(&found.asset.editable, seen, waiting));
    json!({
        "asset": found.asset.columns,
        "etag": found.etag,
        "urls": urls,
        "comparison": comparison,
        "explanation": explain(&found.standing, now),
        "notifications": found.notifications,
        "audit": found.audit,
        "references": references(&found.uses.usage),
        "reference_count": found.uses.usage_count,
        "collections": found.uses.collections,
    })
}

/// Uses as a refused delete names them.
fn references(usage: &[AssetUse]) -> Vec<Value> {
    usage
        .iter()
        .map(|one| json!({"table": one.table_name, "row": one.record_id, "kind": one.usage_type}))
        .collect()
}

fn addresses(
    stored: &Stored,
    delivery: &AddressWriter,
    now: Timestamp,
) -> Option<DeliveryAddresses> {
    let facts = DeliveryFacts {
        name: &stored.name,
        version: stored.version,
        format: stored.format.as_deref(),
        mime_type: stored.mime_type.as_deref(),
        access_mode: stored.access_mode.as_deref(),
        secure_url: stored.secure_url.as_deref(),
    };
    let is_allowed = stored.may_open || !facts.is_guarded();
    match stored.guarded_links {
        _ if !is_allowed => None,
        GuardedLinks::Expiring => delivery.expiring_addresses(&facts, now),
        GuardedLinks::Lasting => delivery.addresses(&facts),
    }
}

fn parse_key(request: &Request) -> Result<AssetKey, ParameterError> {
    QueryParameters::parse(request.uri().query(), &[])?;
    asset_of_path(request)
}

#[cfg(test)]
mod tests {
    use media_sync::cloudinary::ApiCredentials;

    use super::*;

    const EVENT: &str = include_str!("../events/http_api.json");
    const ID: &str = "0123456789abcdef0123456789abcdef";

    fn request(id: &str) -> Request {
        let mut event: Value = serde_json::from_str(EVENT).unwrap();
        event["pathParameters"]["asset_id"] = id.into();
        lambda_http::request::from_str(&event.to_string()).unwrap()
    }

    #[test]
    fn the_id_is_read_from_the_path_of_the_event() {
        let expected = AssetKey::parse(ID).unwrap();
        assert!(matches!(expected, AssetKey::Asset(_)));
        assert_eq!(parse_key(&request(ID)).unwrap(), expected);
        let folded = parse_key(&request(&ID.to_uppercase())).unwrap();
        assert_eq!(folded, expected);
        let row = parse_key(&request("00000000-0000-4000-8000-000000000007"));
        assert!(matches!(row, Ok(AssetKey::Row(_))), "{row:?}");
    }

    #[test]
    fn what_can_be_no_id_is_refused_by_name() {
        for id in ["mug", "0123", "shop%2Fmug", "' or true --"] {
            assert_eq!(parse_key(&request(id)).unwrap_err().name, "asset_id");
        }
        let mut request = request(ID);
        *request.uri_mut() = "https://api/x?fields=tags".parse().unwrap();
        assert_eq!(parse_key(&request).unwrap_err().name, "fields");
    }

    fn found(change: impl Fn(&mut Value)) -> Value {
        let mut found = json!({
            "asset": {
                "id": 1, "cloudinary_public_id": "mug", "folder": "shop", "display_name": null, "tags": [],
                "context": {}, "metadata": {},
            },
            "etag": "e", "notifications": [], "audit": null,
            "uses": {
                "usage": [{"table_name": "pages", "record_id": "7", "usage_type": "hero", "created_by": null}],
                "usage_count": 1, "collections": [{"name": "Mugs"}],
            },
            "stored": {
                "name": {"resource_type": "image", "delivery_type": "authenticated", "public_id": "mug"},
                "version": 7, "format": "png", "mime_type": "image/png", "access_mode": null, "secure_url": null,
                "may_open": true, "guarded_links": "lasting",
            },
            "seen": {
                "values": {
                    "cloudinary_public_id": "mug", "folder": "sale", "display_name": null, "tags": [],
                    "context": {}, "metadata": {},
                },
                "moments": {"alive": 1_000_000, "folder": 1_000_000},
            },
            "standing": {
                "sync_status": "synced", "intent": null, "is_claimed": false,
                "error_code": null, "error_message": null, "failures": 0, "next_attempt_at": null,
                "last_synced_at": null, "deleted_at": null, "was_deleted_by_user": false, "landmark": null,
            },
        });
        change(&mut found);
        let delivery = AddressWriter::new(ApiCredentials::parse("cloudinary://1:b@demo").unwrap());
        let found = serde_json::from_value(found).unwrap();
        answer(found, &delivery, Timestamp::from_secs(0))
    }

    #[test]
    fn an_answer_holds_row_addresses_and_explanation() {
        let answer = found(|_| ());
        assert_eq!(answer["explanation"]["state"], "synced");
        let original = answer["urls"]["original"].as_str().unwrap();
        assert!(
            original.contains("/image/authenticated/s--"),
            "guarded files need a signature: {original}"
        );
        assert_eq!(answer["audit"], Value::Null);
        let folder = &answer["comparison"][1];
        assert_eq!(folder["field"], "folder");
        assert_eq!(
            (&folder["here"], &folder["there"]),
            (&json!("shop"), &json!("sale"))
        );
        let reference = json!({"table": "pages", "row": "7", "kind": "hero"});
        assert_eq!(answer["references"], json!([reference]));
        assert_eq!(answer["reference_count"], 1);
        assert_eq!(answer["collections"][0]["name"], "Mugs");
    }

    #[test]
    fn the_original_of_a_guarded_file_ends_unless_the_rules_of_access_say_otherwise() {
        let urls = |links: &str| {
            let mut answer = found(|found| found["stored"]["guarded_links"] = links.into());
            answer["urls"].take()
        };
        let ends = &urls("expiring")["original_expires_at"];
        assert_eq!(ends, "1970-01-01T00:10:00.000000Z");
        assert_eq!(urls("lasting")["original_expires_at"], Value::Null);
    }

    #[test]
    fn a_guarded_file_has_addresses_only_for_those_who_may_open_it() {
        for (delivery_type, access_mode, is_open) in [
            ("upload", json!(null), true),
            ("upload", json!("public"), true),
            ("upload", json!("authenticated"), false),
            ("private", json!(null), false),
            ("authenticated", json!("public"), false),
        ] {
            let answer = found(|found| {
                found["stored"]["name"]["delivery_type"] = delivery_type.into();
                found["stored"]["access_mode"] = access_mode.clone();
                found["stored"]["may_open"] = false.into();
            });
            assert_eq!(
                answer["urls"].is_object(),
                is_open,
                "{delivery_type} {access_mode}"
            );
        }
    }

    #[test]
    fn what_cloudinary_does_not_have_has_no_address() {
        let answer = found(|found| {
            found["stored"] = Value::Null;
            found["standing"]["sync_status"] = json!("pending");
        });
        assert_eq!(answer["urls"], Value::Null);
        assert_eq!(answer["explanation"]["state"], "pending_upload");
    }
}
