//! Addresses that open `private` and `authenticated` files reach nobody but those who may open them.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

use std::time::Duration;

use end_to_end::{World, database, eventually, id_of};
use local_stack::TokenClaims;
use media_sync::cloudinary::CloudinaryResource;
use media_sync::cloudinary::download::OPEN_FOR;
use media_sync::cloudinary::upload::UploadOptions;
use media_sync::time::Timestamp;
use reqwest::{Method, StatusCode, Url};
use serde_json::{Value, json};

const MEDIA: &str = "/api/cloudinary/media";

#[tokio::test]
async fn a_guarded_file_is_opened_by_its_owner_editors_and_administrators_only() {
    let world = World::start().await;
    let mut assets = Vec::new();
    for (name, delivery_type) in [("shop/plan", "private"), ("shop/draft", "authenticated")] {
        assets.push(guarded(&world, name, delivery_type).await);
    }
    for asset in &assets {
        what_many_read_opens_nothing(&world, asset).await;
        the_owner_gets_addresses_that_open(&world, asset).await;
    }
    no_message_tells_a_key(&world).await;
    for asset in &assets {
        an_address_serves_for_no_other_call(&world, asset).await;
    }
    a_run_finds_nothing_to_mend(&world).await;
    a_rule_opens_them_to_everybody(&world, &assets[1]).await;
    a_rule_signs_addresses_without_end(&world, &assets[1]).await;
    world.assert_mirrored().await;
    world.stack.stop().await;
}

/// An asset of the user's.
async fn guarded(world: &World, name: &str, delivery_type: &str) -> CloudinaryResource {
    let options = UploadOptions {
        delivery_type: Some(delivery_type.to_owned()),
        ..UploadOptions::default()
    };
    let asset = world.cloud.upload_with(name, 1, options).await;
    let told = asset.secure_url.as_deref().unwrap();
    assert!(told.contains("/s--"), "Cloudinary tells a key: {told}");
    assert_eq!(status_of(told).await, StatusCode::OK);
    world.arrives(&asset).await;
    world.give(&asset, &world.user_id).await;
    asset
}

async fn what_many_read_opens_nothing(world: &World, asset: &CloudinaryResource) {
    let stranger = TokenClaims::user("stranger@example.com");
    let token = world.stack.token(&stranger);
    let list = world
        .call(Method::GET, MEDIA, Some(&token), None)
        .await
        .ok();
    assert!(!list.to_string().contains("/s--"), "{list}");
    let row = world.row_of(asset).await;
    for column in ["secure_url", "url"] {
        let kept = row[column].as_str().unwrap();
        assert_eq!(status_of(kept).await, StatusCode::UNAUTHORIZED, "{kept}");
    }
    let whole = urls(world, asset, &token).await;
    assert_eq!(whole, Value::Null, "a stranger's");
}

async fn the_owner_gets_addresses_that_open(world: &World, asset: &CloudinaryResource) {
    let editor = TokenClaims::with_role("editor@example.com", "editor");
    let editor = world.stack.token(&editor);
    for token in [&world.user, &editor, &world.admin] {
        let urls = urls(world, asset, token).await;
        for size in ["thumbnail", "original"] {
            let url = urls[size].as_str().unwrap();
            assert_eq!(status_of(url).await, StatusCode::OK, "{url}");
        }
        let ends = Timestamp::parse(urls["original_expires_at"].as_str().unwrap()).unwrap();
        let left = ends.since(Timestamp::now());
        assert!(left > Duration::ZERO && left <= OPEN_FOR, "{left:?}");
        let query = format!("{MEDIA}?sort_by=public_id&limit=200");
        let page = world
            .call(Method::GET, &query, Some(token), None)
            .await
            .ok();
        let mut items = page["items"].as_array().unwrap().iter();
        let item = items.find(|item| item["cloudinary_asset_id"] == id_of(asset).as_str());
        let url = item.unwrap()["urls"]["thumbnail_2x"].as_str().unwrap();
        assert_eq!(status_of(url).await, StatusCode::OK, "{url}");
    }
}

/// The signature of an address names no endpoint. The owner's could be sent to calls that destroy or overwrite.
async fn an_address_serves_for_no_other_call(world: &World, asset: &CloudinaryResource) {
    let urls = urls(world, asset, &world.user).await;
    let address = Url::parse(urls["original"].as_str().unwrap()).unwrap();
    let base = address.as_str().split("/download?").next().unwrap();
    let given: Vec<(String, String)> = address.query_pairs().into_owned().collect();
    let names = [
        ("from_public_id", asset.public_id.as_deref().unwrap()),
        ("to_public_id", "shop/taken"),
    ];
    let file = [("file", "data:text/plain;base64,b3RoZXI=")];
    let http = media_sync::config::http_client().unwrap();
    for (call, more) in [
        ("destroy", &[][..]),
        ("rename", &names),
        ("explicit", &[]),
        ("upload", &file),
    ] {
        let more = more
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let form: Vec<(String, String)> = given.iter().cloned().chain(more).collect();
        let answer = http.post(format!("{base}/{call}")).form(&form).send().await;
        let answer = answer.unwrap();
        let status = answer.status();
        let text = answer.text().await.unwrap();
        assert!(status.is_client_error(), "{call}: {text}");
        let is_refused = text.contains("Stale request") || text.contains("Invalid Signature");
        assert!(is_refused, "{call}: {text}");
    }
    assert_eq!(status_of(address.as_str()).await, StatusCode::OK);
}

async fn no_message_tells_a_key(world: &World) {
    let server = database::connect(world.stack.supabase_admin_url()).await;
    let sql = "select count(*)::integer as sent,
            (count(*) filter (where payload::text like '%/s--%'))::integer as keys
        from realtime.messages where payload::text like '%shop/%'";
    let told = database::rows(&server, sql, &[]).await.remove(0);
    assert!(told["sent"].as_i64().unwrap() >= 2, "{told}");
    assert_eq!(told["keys"], 0, "{told}");
}

/// The parts that the row leaves out are no difference.
async fn a_run_finds_nothing_to_mend(world: &World) {
    let run = world
        .reconcile(json!({"mode": "full", "dry_run": true}))
        .await;
    assert_eq!(run["updated_items"].as_i64().unwrap_or(0), 0, "{run}");
}

async fn a_rule_opens_them_to_everybody(world: &World, asset: &CloudinaryResource) {
    let rules = json!({"guarded_files": "everybody"});
    let set = "select public.media_sync_set_setting('ACCESS_RULES', $1) as written";
    world.rows(set, &[&rules]).await;
    let stranger = TokenClaims::user("stranger@example.com");
    let token = world.stack.token(&stranger);
    let urls = urls(world, asset, &token).await;
    let url = urls["original"].as_str().unwrap();
    assert_eq!(status_of(url).await, StatusCode::OK, "{url}");
}

async fn a_rule_signs_addresses_without_end(world: &World, asset: &CloudinaryResource) {
    let rules = json!({"guarded_links": "lasting"});
    let set = "select public.media_sync_set_setting('ACCESS_RULES', $1) as written";
    world.rows(set, &[&rules]).await;
    let urls = urls(world, asset, &world.user).await;
    assert_eq!(urls["original_expires_at"], Value::Null);
    let url = urls["original"].as_str().unwrap();
    assert!(url.contains("/s--"), "{url}");
    assert_eq!(status_of(url).await, StatusCode::OK, "{url}");
}

async fn urls(world: &World, asset: &CloudinaryResource, token: &str) -> Value {
    let path = format!("{MEDIA}/{}", id_of(asset));
    let mut told = Value::Null;
    eventually("the asset is told", async || {
        told = world.call(Method::GET, &path, Some(token), None).await.body;
        told["asset"].is_object()
    })
    .await;
    told["urls"].clone()
}

async fn status_of(url: &str) -> StatusCode {
    let http = media_sync::config::http_client().unwrap();
    http.get(url).send().await.unwrap().status()
}
