//! The life of an asset, as the API tells it.

use std::time::{Duration, Instant};

use end_to_end::{World, eventually, id_of};
use local_stack::TokenClaims;
use media_sync::asset::AssetId;
use media_sync::cloudinary::CloudinaryResource;
use media_sync::cloudinary::upload::UploadOptions;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::MEDIA;

/// Asks the API about one asset, or a row.
async fn tell(world: &World, token: &str, id: &str) -> (StatusCode, Value) {
    let path = format!("{MEDIA}/{id}");
    let answer = world.call(Method::GET, &path, Some(token), None).await;
    (answer.status, answer.body)
}

async fn state_becomes(world: &World, id: &AssetId, state: &str) -> Value {
    let mut told = Value::Null;
    eventually(&format!("the asset is {state}"), async || {
        told = tell(world, &world.admin, &id.to_string()).await.1;
        told["explanation"]["state"] == state
    })
    .await;
    told
}

async fn status_of(url: &str) -> StatusCode {
    let http = media_sync::config::http_client().expect("a client without special roots");
    let answer = http.get(url).send().await;
    answer.expect("the address answers").status()
}

/// An asset whose addresses are signed, with a name that has to be encoded.
pub(super) struct Life<'a> {
    world: &'a World,
    asset: CloudinaryResource,
    id: AssetId,
    row_id: String,
    /// The answer to the administrator after the upload.
    told: Value,
}

impl<'a> Life<'a> {
    pub(super) async fn begin(world: &'a World) -> Self {
        let guarded = UploadOptions {
            delivery_type: Some("authenticated".to_owned()),
            ..UploadOptions::default()
        };
        let name = "shop/mug, (blue) é";
        let asset = world.cloud.upload_with(name, 1, guarded).await;
        let id = id_of(&asset).clone();
        let told = state_becomes(world, &id, "synced").await;
        assert_eq!(told["asset"]["cloudinary_public_id"], name);
        for hidden in ["intent", "intent_claim", "observed", "clocks", "revision"] {
            assert_eq!(told["asset"].get(hidden), None, "{hidden}");
        }
        let row_id = told["asset"]["id"].as_str().expect("an id").to_owned();
        Self {
            world,
            asset,
            id,
            row_id,
            told,
        }
    }

    /// A name that the user may give.
    fn cup(&self) -> String {
        format!("users/{}/cup", self.world.user_id)
    }

    async fn tell_user(&self) -> Value {
        tell(self.world, &self.world.user, &self.id.to_string())
            .await
            .1
    }

    /// And no others do.
    pub(super) async fn its_addresses_are_keys_that_fit(&self) {
        for (size, signature) in [
            ("thumbnail", "/authenticated/s--"),
            ("thumbnail_2x", "/authenticated/s--"),
            ("preview", "/authenticated/s--"),
            ("original", "&signature="),
        ] {
            let url = self.told["urls"][size].as_str().expect("an address");
            assert!(url.contains(signature), "{url}");
            assert_eq!(status_of(url).await, StatusCode::OK, "{url}");
            let forged = url.replacen(signature, &format!("{signature}A"), 1);
            let status = status_of(&forged).await;
            assert_eq!(status, StatusCode::UNAUTHORIZED, "{forged}");
        }
    }

    /// Administrators see what it said.
    pub(super) async fn everybody_sees_that_a_notification_came(&self) {
        let (status, seen) = tell(self.world, &self.world.user, &self.row_id).await;
        assert_eq!(status, StatusCode::OK, "by the row's id too: {seen}");
        assert_eq!(seen["audit"], Value::Null);
        assert_eq!(seen["notifications"][0]["verdict"], "applied");
        assert_eq!(seen["notifications"][0].get("body"), None);
        let body = &self.told["notifications"][0]["body"];
        let body = body.as_str().expect("a body");
        assert!(body.contains(&self.id.to_string()), "{body}");
        assert_eq!(self.told["audit"][0]["operation"], "created");
        let one_call = "POST /rest/v1/rpc/media_get";
        self.world.stack.reset_gateway_counts();
        self.tell_user().await;
        assert_eq!(self.world.stack.gateway_counts().of(one_call), 1);
    }

    pub(super) async fn its_owner_may_know_who_did_what(&self) {
        self.world.give(&self.asset, &self.world.user_id).await;
        let seen = self.tell_user().await;
        assert_eq!(seen["audit"][0]["operation"], "created");
    }

    /// Gives the time for which Cloudinary has refused it.
    pub(super) async fn a_refused_rename_leaves_the_addresses_good(&self) -> Duration {
        let world = self.world;
        let outage = json!({"operation": "rename", "status": 503});
        world.cloud.fault(outage).await;
        let edit = json!({"cloudinary_public_id": self.cup(), "tags": ["blue"]});
        let answer = world.edit(&self.asset, &world.user, edit).await;
        answer.assert_status(StatusCode::OK);
        let decided = Instant::now();
        world.drain().await;
        let told = state_becomes(world, &self.id, "waiting_for_retry").await;
        assert_eq!(told["asset"]["cloudinary_public_id"], self.cup());
        let why = told["explanation"]["why"].as_str().expect("a reason");
        assert!(why.contains("cloudinary_public_id"), "{why}");
        self.both_names_are_compared(&told["comparison"][0]);
        let url = told["urls"]["original"].as_str().expect("an address");
        assert_eq!(status_of(url).await, StatusCode::OK, "{url}");
        decided.elapsed()
    }

    fn both_names_are_compared(&self, name: &Value) {
        assert_eq!(name["field"], "cloudinary_public_id");
        assert_eq!(name["here"], self.cup());
        assert_eq!(name["there"], self.told["asset"]["cloudinary_public_id"]);
        assert!(
            name["decided_at"].as_str() > name["changed_at"].as_str(),
            "{name}"
        );
    }

    pub(super) async fn the_rename_is_carried_out(&self) {
        self.world.cloud.clear_faults().await;
        eventually("the rename is done", async || {
            self.world.drain().await;
            self.tell_user().await["explanation"]["state"] == "synced"
        })
        .await;
        let told = self.tell_user().await;
        let sides = told["comparison"].as_array().expect("it is there");
        assert!(
            sides.iter().all(|field| field.get("there").is_none()),
            "{sides:?}"
        );
        let preview = told["urls"]["preview"].as_str().expect("an address");
        assert!(preview.contains(&format!("/{}.", self.cup())), "{preview}");
        let original = told["urls"]["original"].as_str().expect("an address");
        for url in [preview, original] {
            assert_eq!(status_of(url).await, StatusCode::OK, "{url}");
        }
    }

    pub(super) async fn deleted_in_cloudinary_it_concerns_its_owner_only(&self) {
        let world = self.world;
        world.cloud.destroy(&self.asset).await;
        let told = state_becomes(world, &self.id, "deleted_in_cloudinary").await;
        assert_eq!(told["urls"], Value::Null);
        assert_eq!(told["comparison"], Value::Null);
        let (status, _) = tell(world, &world.user, &self.row_id).await;
        assert_eq!(status, StatusCode::OK);
        let stranger = world
            .stack
            .token(&TokenClaims::user("stranger@example.com"));
        let unknown = "ffffffffffffffffffffffffffffffff";
        for id in [&*self.row_id, &self.id.to_string(), unknown] {
            let (status, answer) = tell(world, &stranger, id).await;
            assert_eq!(status, StatusCode::NOT_FOUND, "{answer}");
            assert_eq!(answer["code"], "not_found");
        }
    }
}

pub(super) async fn no_id_is_told_by_the_parameter(world: &World) {
    let (status, answer) = tell(world, &world.user, "mug").await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    assert_eq!(answer["parameter"], "asset_id");
}

pub(super) async fn an_asset_is_deleted_here(world: &World) {
    let cup = world.cloud.upload("shop/other", 2).await;
    state_becomes(world, id_of(&cup), "synced").await;
    let path = format!("{MEDIA}?public_ids=shop/other");
    let admin = Some(world.admin.as_str());
    world.call(Method::DELETE, &path, admin, None).await;
    state_becomes(world, id_of(&cup), "deleted_here").await;
}

/// As while Cloudinary takes it.
pub(super) async fn an_upload_without_an_asset_id_is_told(world: &World) {
    let upload =
        "insert into public.media_assets (cloudinary_public_id, resource_type, sync_status)
        values ('shop/soon', 'image', 'pending') returning id::text";
    let upload = world.rows(upload, &[]).await;
    let id = upload[0]["id"].as_str().expect("an id");
    let (_, told) = tell(world, &world.user, id).await;
    assert_eq!(told["explanation"]["state"], "pending_upload", "{told}");
    assert_eq!(told["urls"], Value::Null);
    let gone = "delete from public.media_assets where cloudinary_asset_id is null returning id";
    world.rows(gone, &[]).await;
}
