//! The API explains an asset, the audit trail and the whole mirror.

use std::collections::BTreeSet;
use std::time::Instant;

use end_to_end::{World, eventually, id_of, now};
use local_stack::Part;
use media_sync::asset::AssetId;
use media_sync::cloudinary::upload::UploadOptions;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

const MEDIA: &str = "/api/cloudinary/media";
const AUDIT: &str = "/api/cloudinary/audit";
const HEALTH: &str = "/api/cloudinary/health";

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
    http.get(url)
        .send()
        .await
        .expect("the address answers")
        .status()
}

#[tokio::test]
async fn an_asset_tells_its_life_to_whom_it_concerns() {
    let world = World::start().await;
    let guarded = UploadOptions {
        delivery_type: Some("authenticated".to_owned()),
        ..UploadOptions::default()
    };
    let name = "shop/mug, (blue) é";
    let mug = world.cloud.upload_with(name, 1, guarded).await;
    let id = id_of(&mug).clone();
    let told = state_becomes(&world, &id, "synced").await;
    assert_eq!(told["asset"]["cloudinary_public_id"], name);
    for hidden in ["intent", "intent_claim", "observed", "clocks", "revision"] {
        assert_eq!(told["asset"].get(hidden), None, "{hidden}");
    }
    let row_id = told["asset"]["id"].as_str().unwrap().to_owned();

    // Its addresses are keys that fit, and no others do.
    for size in ["thumbnail", "preview", "original"] {
        let url = told["urls"][size].as_str().unwrap();
        assert!(url.contains("/authenticated/s--"), "{url}");
        assert_eq!(status_of(url).await, StatusCode::OK, "{url}");
        let forged = url.replacen("/s--", "/s--A", 1);
        assert_eq!(
            status_of(&forged).await,
            StatusCode::UNAUTHORIZED,
            "{forged}"
        );
    }

    // Everybody sees that a notification came, administrators what it said.
    let (status, seen) = tell(&world, &world.user, &row_id).await;
    assert_eq!(status, StatusCode::OK, "by the row's id too: {seen}");
    assert_eq!(seen["audit"], Value::Null);
    assert_eq!(seen["notifications"][0]["verdict"], "applied");
    assert_eq!(seen["notifications"][0].get("body"), None);
    let body = told["notifications"][0]["body"].as_str().unwrap();
    assert!(body.contains(&id.to_string()), "{body}");
    assert_eq!(told["audit"][0]["operation"], "created");
    let one_call = "POST /rest/v1/rpc/media_get";
    world.stack.reset_gateway_counts();
    tell(&world, &world.user, &id.to_string()).await;
    assert_eq!(world.stack.gateway_counts().of(one_call), 1);

    // Whose it is may know who did what.
    let own = format!(
        "update public.media_assets set uploaded_by = '{}' where cloudinary_asset_id = '{id}' returning id",
        world.user_id
    );
    world.rows(&own, &[]).await;
    let (_, seen) = tell(&world, &world.user, &id.to_string()).await;
    assert_eq!(seen["audit"][0]["operation"], "created");

    // A rename that Cloudinary does not take: the addresses stay the good ones.
    world
        .cloud
        .fault(json!({"operation": "rename", "status": 503}))
        .await;
    let edit = json!({"cloudinary_public_id": "shop/cup", "tags": ["blue"]});
    let answer = world.edit(&mug, &world.user, edit).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
    let decided = Instant::now();
    world.drain().await;
    let told = state_becomes(&world, &id, "waiting_for_retry").await;
    assert_eq!(told["asset"]["cloudinary_public_id"], "shop/cup");
    let why = told["explanation"]["why"].as_str().unwrap();
    assert!(why.contains("cloudinary_public_id"), "{why}");
    let url = told["urls"]["original"].as_str().unwrap();
    assert_eq!(status_of(url).await, StatusCode::OK, "{url}");
    let refused_for = decided.elapsed();
    world.cloud.clear_faults().await;
    eventually("the rename is done", async || {
        world.drain().await;
        tell(&world, &world.user, &id.to_string()).await.1["explanation"]["state"] == "synced"
    })
    .await;
    let (_, told) = tell(&world, &world.user, &id.to_string()).await;
    let url = told["urls"]["original"].as_str().unwrap();
    assert!(url.contains("/shop/cup."), "{url}");
    assert_eq!(status_of(url).await, StatusCode::OK, "{url}");

    // Somebody deletes it in Cloudinary: it still concerns its owner, and nobody else.
    world.cloud.destroy(&mug).await;
    let told = state_becomes(&world, &id, "deleted_in_cloudinary").await;
    assert_eq!(told["urls"], Value::Null);
    let stranger = local_stack::Claims::user("stranger@example.com");
    let stranger = world.stack.token(&stranger);
    assert_eq!(tell(&world, &world.user, &row_id).await.0, StatusCode::OK);
    for id in [
        &*row_id,
        &id.to_string(),
        "ffffffffffffffffffffffffffffffff",
    ] {
        let (status, answer) = tell(&world, &stranger, id).await;
        assert_eq!(status, StatusCode::NOT_FOUND, "{answer}");
        assert_eq!(answer["code"], "not_found");
    }
    let (status, answer) = tell(&world, &world.user, "mug").await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    assert_eq!(answer["parameter"], "asset_id");

    // Deleted here, and an upload that has no asset id yet.
    let cup = world.cloud.upload("shop/other", 2).await;
    state_becomes(&world, id_of(&cup), "synced").await;
    let path = format!("{MEDIA}?public_ids=shop/other");
    world
        .call(Method::DELETE, &path, Some(&world.admin), None)
        .await;
    state_becomes(&world, id_of(&cup), "deleted_here").await;
    let upload =
        "insert into public.media_assets (cloudinary_public_id, resource_type, sync_status)
        values ('shop/soon', 'image', 'pending') returning id::text";
    let upload = world.rows(upload, &[]).await;
    let (_, told) = tell(&world, &world.user, upload[0]["id"].as_str().unwrap()).await;
    assert_eq!(told["explanation"]["state"], "pending_upload", "{told}");
    assert_eq!(told["urls"], Value::Null);
    world
        .rows(
            "delete from public.media_assets where cloudinary_asset_id is null returning id",
            &[],
        )
        .await;

    // How long: from the decision, or from the notification's arrival.
    let untimed = "select count(*) from public.media_sync_log where processing_time_ms is null";
    assert_eq!(world.value(untimed).await, 0);
    let longest = "select max(processing_time_ms) from public.media_sync_log where operation in ('edit_confirmed', 'renamed')";
    let longest = world.value(longest).await;
    assert!(
        u128::from(longest.as_u64().expect("milliseconds")) >= refused_for.as_millis(),
        "{longest} ms from the decision to its effect, of which {refused_for:?} refused"
    );
    read_the_trail(&world).await;
    world.assert_mirrored().await;
    world.stack.stop().await;
}

/// The audit trail of the story above.
async fn read_the_trail(world: &World) {
    let answer = world.get(AUDIT).await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN, "{}", answer.body);
    let read = async |query: &str| {
        let path = format!("{AUDIT}?{query}");
        let answer = world
            .call(Method::GET, &path, Some(&world.admin), None)
            .await;
        assert_eq!(answer.status, StatusCode::OK, "{query}: {}", answer.body);
        answer.body
    };
    let mut seen = BTreeSet::new();
    let mut query = "limit=2".to_owned();
    loop {
        let page = read(&query).await;
        for item in page["items"].as_array().expect("a list") {
            assert!(
                seen.insert(item["id"].as_u64().expect("a number")),
                "shown twice: {item}"
            );
        }
        match page["pagination"]["next_cursor"].as_str() {
            Some(cursor) => query = format!("limit=2&cursor={cursor}"),
            None => break,
        }
    }
    let all = world
        .value("select count(*) from public.media_sync_log")
        .await;
    assert_eq!(json!(seen.len()), all, "every entry once");
    let foreign = read("limit=3").await["pagination"]["next_cursor"].clone();
    let path = format!(
        "{AUDIT}?limit=2&cursor={}",
        foreign.as_str().expect("a cursor")
    );
    let answer = world
        .call(Method::GET, &path, Some(&world.admin), None)
        .await;
    assert_eq!(answer.body["parameter"], "cursor", "another query's cursor");

    let user = &world.user_id;
    for (query, field, value) in [
        ("operation=created".to_owned(), "operation", "created"),
        ("status=failed".to_owned(), "status", "failed"),
        ("source=database".to_owned(), "source", "database"),
        ("source=webhook".to_owned(), "source", "webhook"),
        (format!("actor={user}"), "actor", user.as_str()),
        (
            "public_id=shop/other".to_owned(),
            "cloudinary_public_id",
            "shop/other",
        ),
    ] {
        let items = read(&query).await["items"].clone();
        let items = items.as_array().expect("a list");
        assert!(!items.is_empty(), "{query}");
        assert!(
            items.iter().all(|item| item[field] == value),
            "{query}: {items:?}"
        );
    }
    assert_eq!(read("date_to=2020-01-01").await["items"], json!([]));

    let sums = read("include=trends,activity&limit=1").await;
    let trend = &sums["error_trends"][0];
    assert!(trend["count"].as_u64() >= Some(1), "{sums}");
    assert_eq!(trend["code"], "cloudinary_server", "{sums}");
    let active = sums["activity"].as_array().expect("a list");
    assert!(
        active
            .iter()
            .any(|person| person["actor"] == *user && person["operations"].as_u64() >= Some(2)),
        "{sums}"
    );
}

#[tokio::test]
async fn health_is_one_word_for_strangers_and_all_of_it_for_administrators() {
    let world = World::start().await;
    let ask = async |token: Option<&str>, query: &str| {
        let path = format!("{HEALTH}{query}");
        world.call(Method::GET, &path, token, None).await
    };
    let admin = Some(world.admin.as_str());
    let codes = |body: &Value| {
        let reasons = body["reasons"].as_array().unwrap().iter();
        Vec::from_iter(reasons.map(|reason| reason["code"].as_str().unwrap().to_owned()))
    };
    world.stack.reset_gateway_counts();
    let alive = ask(None, "").await;
    assert_eq!(alive.status, StatusCode::OK);
    assert_eq!(alive.body["status"], "ok");
    // Status, version, build, and the schema that the functions expect.
    assert_eq!(alive.body.as_object().unwrap().len(), 4, "{}", alive.body);
    assert_eq!(
        ask(None, "?probe=cloudinary").await.status,
        StatusCode::UNAUTHORIZED
    );
    assert_eq!(
        ask(Some("a.b.c"), "").await.status,
        StatusCode::UNAUTHORIZED
    );
    assert_eq!(
        ask(Some(&world.user), "").await.status,
        StatusCode::FORBIDDEN
    );
    let asked = world
        .stack
        .gateway_counts()
        .of("POST /rest/v1/rpc/media_sync_health");
    assert_eq!(asked, 0);

    let first = ask(admin, "").await;
    assert_eq!(first.status, StatusCode::OK, "{}", first.body);
    assert_eq!(first.body["status"], "degraded");
    assert_eq!(codes(&first.body), ["never_reconciled"], "{}", first.body);
    assert_eq!(first.body["queues"].as_object().unwrap().len(), 6);

    world.sync(json!({})).await;
    world.cloud.reset_requests().await;
    let well = ask(admin, "").await;
    assert_eq!(well.body["status"], "ok", "{}", well.body);
    assert_eq!(well.body["database"]["reachable"], true);
    assert_eq!(
        well.body["schema"]["version"], well.body["schema"]["expected"],
        "{}",
        well.body
    );
    assert!(
        well.body["cloudinary"]["quota"]["remaining"].is_u64(),
        "{}",
        well.body
    );
    assert_eq!(
        world.cloud.requests().await,
        json!({}),
        "the shared quota costs no call"
    );
    let probed = ask(admin, "?probe=cloudinary").await;
    assert_eq!(
        probed.body["cloudinary"]["reachable"], true,
        "{}",
        probed.body
    );
    assert_eq!(world.cloud.requests().await, json!({"ping": 1}));

    // A full run that was stopped, for which no incremental one makes up; a decision that nobody carries out, and Cloudinary away.
    let stopped = "insert into public.sync_runs (mode, trigger, status, error_code, finished_at)
        values ('full', 'schedule', 'stopped', 'mass_delete', now()),
            ('incremental', 'schedule', 'succeeded', null, now() + interval '1 minute') returning id";
    world.rows(stopped, &[]).await;
    let forgotten = "insert into public.media_assets
        (cloudinary_asset_id, cloudinary_public_id, resource_type, sync_status, intent, sync_next_attempt_at)
        values (md5('x'), 'x', 'image', 'pending', jsonb_build_object('at', 1, 'folder',
            jsonb_build_object('to', 'a', 'base', '', 'at', 1)), now() + interval '1 day') returning id";
    world.rows(forgotten, &[]).await;
    // And a newer release's migration, as if the functions were still to follow.
    let newer = "insert into media_sync.schema_versions (version, name) values ('29990101000000', 'newer') returning version";
    world.rows(newer, &[]).await;
    world.stack.kill(Part::Cloudinary).await.unwrap();
    let ill = ask(admin, "?probe=cloudinary").await;
    assert_eq!(ill.status, StatusCode::OK, "{}", ill.body);
    assert_eq!(
        codes(&ill.body),
        ["cloudinary", "schema_ahead", "last_run", "pending_for_long"]
    );
    let age = ill.body["intents"]["oldest_pending_seconds"].as_i64();
    assert!(
        age.is_some_and(|age| (age - now()).abs() < 60),
        "{}",
        ill.body
    );

    // The drain tells the same to CloudWatch.
    world.drain().await;
    let log = world.stack.function_log("Maintenance").await.unwrap();
    let metrics = log
        .lines()
        .rev()
        .find(|line| line.contains("reconciliation_lateness"));
    let metrics = metrics.expect("the drain has told its metrics");
    assert!(metrics.contains("\"last_run_failed\":1.0"), "{metrics}");

    world.stack.kill(Part::PostgREST).await.unwrap();
    let down = ask(admin, "").await;
    assert_eq!(
        down.status,
        StatusCode::SERVICE_UNAVAILABLE,
        "{}",
        down.body
    );
    assert_eq!(down.body["status"], "down");
    assert_eq!(
        ask(None, "").await.status,
        StatusCode::OK,
        "it lives all the same"
    );
    world.stack.stop().await;
}
