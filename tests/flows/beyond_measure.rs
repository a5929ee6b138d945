//! One user's writes past the API must not hold up, blind or blow up the views of others.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

use std::sync::atomic::{AtomicBool, Ordering};

use end_to_end::{World, eventually, id_of};
use media_sync::cloudinary::CloudinaryResource;
use media_sync::cloudinary::upload::UploadOptions;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

const MEDIA: &str = "/api/cloudinary/media";

/// A live asset that the ordinary user owns.
async fn own_mug(world: &World) -> CloudinaryResource {
    let mug = world.cloud.upload("shop/mug", 1).await;
    world
        .row_becomes("the upload arrives", &mug, |row| {
            row["sync_status"] == "synced"
        })
        .await;
    let sql = "update public.media_assets set uploaded_by = $1::text::uuid returning id";
    world.rows(sql, &[&world.user_id]).await;
    mug
}

fn nested(depth: usize) -> Value {
    (0..depth).fold(json!(1), |inner, _| json!([inner]))
}

#[tokio::test]
async fn values_beyond_measure_are_refused_past_the_api_too() {
    let world = World::start().await;
    let mug = own_mug(&world).await;
    let before = world.row(&mug).await.unwrap();
    for (column, value) in beyond_measure() {
        assert_edit_refused(&world, &mug, column, value).await;
    }
    assert_endless_number_refused(&world, &mug).await;
    assert_eq!(world.row(&mug).await.unwrap(), before);
    assert_views_answer(&world, &mug).await;
    world.assert_mirrored().await;
    world.stack.stop().await;
}

/// Editable columns with values that none of them takes.
fn beyond_measure() -> Vec<(&'static str, Value)> {
    let long = |count: usize| "x".repeat(count);
    let many: Vec<String> = (0..1_001).map(|number| number.to_string()).collect();
    let huge: Value = serde_json::from_str(r#"{"x": 1e300}"#).unwrap();
    let many_long: Value = many
        .iter()
        .map(|key| (key.clone(), json!(long(20))))
        .collect();
    vec![
        ("metadata", huge),
        ("metadata", json!({"x": nested(2)})),
        ("metadata", json!({"x": nested(100)})),
        ("metadata", json!({"x": {"y": 1}})),
        ("metadata", json!({"x": true})),
        ("metadata", json!({"x": long(17_000)})),
        ("metadata", json!([1])),
        ("context", json!({"x": long(1_025)})),
        ("context", json!({long(256): "x"})),
        ("context", many_long),
        ("description", json!(long(10_001))),
        ("alt_text", json!(long(10_001))),
        ("tags", json!(many)),
        ("tags", json!(vec![long(255); 65])),
        (
            "tags",
            json!(
                (0..17)
                    .map(|n| format!("{n}{}", "\u{1f600}".repeat(250)))
                    .collect::<Vec<_>>()
            ),
        ),
        ("description", json!("\u{1f600}".repeat(3_000))),
        ("alt_text", json!("\u{1}".repeat(2_000))),
        ("tags", json!([" a"])),
        ("tags", json!(["a\n"])),
        ("tags", json!([long(256)])),
        ("tags", json!([null])),
        ("tags", json!(null)),
        ("display_name", json!(long(256))),
        ("display_name", json!("a\u{1}")),
        ("folder", json!(long(501))),
        ("folder", json!("a\u{7f}")),
        ("cloudinary_public_id", json!(long(256))),
    ]
}

async fn assert_edit_refused(
    world: &World,
    asset: &CloudinaryResource,
    column: &str,
    value: Value,
) {
    let shown: String = value.to_string().chars().take(40).collect();
    let answer = world.edit(asset, &world.user, json!({column: value})).await;
    let status = answer.status;
    assert_eq!(
        status,
        StatusCode::BAD_REQUEST,
        "{column} {shown}: {}",
        answer.body
    );
}

/// The number is written as text, since no JSON library of ours holds it.
async fn assert_endless_number_refused(world: &World, asset: &CloudinaryResource) {
    let sql = format!(
        "update public.media_assets set metadata = '{{\"x\": 1e400}}' where cloudinary_asset_id = '{}'",
        id_of(asset)
    );
    let client = end_to_end::connect(world.stack.database_url()).await;
    client.batch_execute(&sql).await.unwrap_err();
}

/// A run, the asset's page and the audit trail.
async fn assert_views_answer(world: &World, asset: &CloudinaryResource) {
    assert_eq!(world.sync(json!({})).await.body["success"], true);
    let path = format!("{MEDIA}/{}", id_of(asset));
    for (path, token) in [
        (&*path, &world.user),
        ("/api/cloudinary/audit", &world.admin),
    ] {
        let answer = world.call(Method::GET, path, Some(token), None).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
    }
}

#[tokio::test]
async fn who_edits_without_end_holds_no_run_up() {
    let world = World::start().await;
    let mug = own_mug(&world).await;
    for number in 0..3 {
        world
            .cloud
            .upload(&format!("shop/{number}"), number + 2)
            .await;
    }
    // More than one user has, so that what is slow is not the budget.
    let limits = "select public.media_sync_set_setting('USER_LIMITS', $1)";
    let more = json!({"changes_per_hour": 1_000_000, "seconds_between_rounds": 1});
    world.rows(limits, &[&more]).await;
    let over = AtomicBool::new(false);
    let edits = async |editor: usize| {
        let mut number = 0_u64;
        while !over.load(Ordering::Relaxed) {
            number += 1;
            let edit = json!({"context": {"number": format!("{editor}-{number}")}});
            let answer = world.edit(&mug, &world.user, edit).await;
            // Six at once may wait too long for one another, and are to try again.
            let is_busy = answer.status == StatusCode::CONFLICT;
            assert!(
                is_busy || answer.status == StatusCode::OK,
                "{}",
                answer.body
            );
        }
    };
    let others = async {
        // What is told of other assets comes in the same batches, and is not held up.
        let pot = world.cloud.upload("shop/pot", 9).await;
        world
            .row_becomes("the pot is there", &pot, |row| {
                row["sync_status"] == "synced"
            })
            .await;
    };
    let runs = async {
        others.await;
        for mode in ["full", "incremental", "full"] {
            // The asset is changed there, too, so that there is something to write into its row.
            world.cloud.add_tag("shop/mug", mode).await;
            let answer = world.sync(json!({"mode": mode})).await;
            assert_eq!(answer.body["success"], true, "{mode}: {}", answer.body);
            assert_eq!(
                answer.body["status"], "succeeded",
                "{mode}: {}",
                answer.body
            );
        }
        over.store(true, Ordering::Relaxed);
    };
    tokio::join!(runs, futures::future::join_all((0..6).map(edits)));
    let wanted = world.row(&mug).await.unwrap()["context"]["number"].clone();
    world.drain().await;
    world
        .row_becomes("the last edit is there", &mug, |row| {
            row["sync_status"] == "synced" && row["context"]["number"] == wanted
        })
        .await;
    world.assert_mirrored().await;
    world.stack.stop().await;
}

/// PostgreSQL's text has no NUL, and nobody can keep Cloudinary's users from writing one.
#[tokio::test]
async fn what_no_row_can_hold_keeps_a_run_from_nothing_else() {
    let world = World::start().await;
    world.cloud.chaos(json!({"drop": 1.0})).await;
    let known = world.cloud.upload("shop/known", 1).await;
    world.sync(json!({})).await;
    world
        .cloud
        .merge_context("shop/known", &[("caption", "a\0b")])
        .await;
    let new = upload_unholdable(&world, "shop/new").await;
    world.cloud.seed(20, &["image", "raw"], "good-").await;

    for mode in ["full", "full", "incremental"] {
        run_leaves_out(&world, mode, [&known, &new]).await;
    }
    all_others_are_in_rows(&world, &known).await;
    let mut refused = vec![new];
    for number in 0..8 {
        refused.push(upload_unholdable(&world, &format!("shop/new-{number}")).await);
    }
    naming_them_tells_the_same(&world).await;

    world
        .cloud
        .merge_context("shop/known", &[("caption", "ab")])
        .await;
    for asset in &refused {
        world.cloud.destroy(asset).await;
    }
    let answer = world.sync(json!({})).await;
    assert_eq!(answer.body["success"], true, "{}", answer.body);
    world.assert_mirrored().await;
    world.stack.stop().await;
}

async fn upload_unholdable(world: &World, name: &str) -> CloudinaryResource {
    let unholdable = UploadOptions {
        tags: vec!["a\0b".to_owned()],
        ..UploadOptions::default()
    };
    world.cloud.upload_with(name, 2, unholdable).await
}

/// The run fails, says of how many assets, and names one of them.
async fn run_leaves_out(world: &World, mode: &str, assets: [&CloudinaryResource; 2]) {
    let answer = world.sync(json!({"mode": mode, "batch_size": 10})).await;
    let failed = (&answer.body["success"], &answer.body["status"]);
    assert_eq!(failed, (&json!(false), &json!("failed")), "{}", answer.body);
    let message = refusal(&answer.body);
    assert!(
        message.starts_with("2 assets could not be read"),
        "{message}"
    );
    let is_named = |asset: &&CloudinaryResource| message.contains(id_of(asset).as_str());
    assert!(assets.iter().any(is_named), "{message}");
}

/// The message of a run that has left assets out.
fn refusal(body: &Value) -> &str {
    let error = &body["errors"][0];
    assert_eq!(error["code"], "values_refused", "{error}");
    error["message"].as_str().unwrap()
}

async fn all_others_are_in_rows(world: &World, known: &CloudinaryResource) {
    let live = "select count(*) from public.media_assets where deleted_at is null";
    assert_eq!(world.value(live).await, 21, "all others, and the known one");
    assert_eq!(world.row(known).await.unwrap()["context"], json!({}));
    let runs = world
        .rows(
            "select counters from public.sync_runs order by started_at offset 1",
            &[],
        )
        .await;
    let counted = |name: &str| {
        runs.iter()
            .map(|run| run["counters"][name].clone())
            .collect::<Vec<_>>()
    };
    assert_eq!(counted("created"), [20, 0, 0], "{runs:?}");
    assert_eq!(counted("unchanged")[1], 20, "{runs:?}");
}

/// A run of named assets tells of as many as it leaves out, and writes the good one.
async fn naming_them_tells_the_same(world: &World) {
    world.cloud.add_tag("shop/known", "sale").await;
    let good = "select cloudinary_public_id from public.media_assets
        where starts_with(cloudinary_public_id, 'good-') and resource_type = 'image' order by 1 limit 1";
    let good = world.value(good).await.as_str().unwrap().to_owned();
    world.cloud.add_tag(&good, "sale").await;
    let mut names: Vec<_> = (0..8).map(|number| format!("shop/new-{number}")).collect();
    names.extend(["shop/known", "shop/new", &good].map(str::to_owned));
    let answer = world.sync(json!({"public_ids": names})).await;
    assert_eq!(answer.body["success"], false, "{}", answer.body);
    let message = refusal(&answer.body);
    assert!(
        message.starts_with("10 assets could not be read"),
        "{message}"
    );
    assert_eq!(answer.body["updated_items"], 1, "{}", answer.body);
}

/// The same, told by notifications: they are kept for a person, and hold up no other.
#[tokio::test]
async fn a_notification_of_what_no_row_can_hold_is_kept_with_the_reason() {
    let world = World::start().await;
    let bad = upload_unholdable(&world, "shop/bad").await;
    for number in 0..5 {
        let name = format!("shop/good-{number}");
        let good = world.cloud.upload(&name, number).await;
        world
            .row_becomes("the others arrive", &good, |row| {
                row["sync_status"] == "synced"
            })
            .await;
    }
    let kept = "select reason from public.media_notifications where verdict = 'parked'";
    eventually("it is kept", async || {
        let kept = world.rows(kept, &[]).await;
        let mut reasons = kept.iter().filter_map(|row| row["reason"].as_str());
        reasons.any(|reason| reason.starts_with("no row can hold its values"))
    })
    .await;
    assert!(world.row(&bad).await.is_none());
    world.stack.stop().await;
}

/// The same, met by an edit: nothing is done about an asset that cannot be known, and its row says
/// why.
#[tokio::test]
async fn an_edit_of_what_no_row_can_hold_says_why_in_its_row() {
    let world = World::start().await;
    let mug = own_mug(&world).await;
    world.cloud.chaos(json!({"drop": 1.0})).await;
    world
        .cloud
        .merge_context("shop/mug", &[("caption", "a\0b")])
        .await;
    world
        .edit(&mug, &world.user, json!({"tags": ["new"]}))
        .await;
    world.drain().await;
    world
        .row_becomes("the row says why", &mug, |row| {
            row["sync_status"] == "error" && row["sync_error_code"] == "values_refused"
        })
        .await;
    let asset = world.cloud.fetch(id_of(&mug)).await.unwrap();
    assert_ne!(asset.tags, Some(vec!["new".to_owned()]), "nothing was done");

    world
        .cloud
        .merge_context("shop/mug", &[("caption", "ab")])
        .await;
    world
        .edit(&mug, &world.user, json!({"tags": ["newer"]}))
        .await;
    world.drain().await;
    world
        .row_becomes("it is carried out", &mug, |row| {
            row["sync_status"] == "synced" && row["tags"] == json!(["newer"])
        })
        .await;
    world.assert_mirrored().await;
    world.stack.stop().await;
}
