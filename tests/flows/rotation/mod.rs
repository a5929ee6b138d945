//! Keys are rotated while everything goes on: new key first, then the secret, then the old key's end.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

mod traffic;

use std::time::{Duration, Instant};

use end_to_end::{World, eventually, now};
use local_stack::{ApiKeyKind, StackOptions, TokenClaims};
use reqwest::StatusCode;
use serde_json::{Value, json};

use self::traffic::Traffic;

/// The key that tokens are said to be signed with before the project's own is told.
const OTHER_SECRET: &str = "some-other-projects-shared-secret-of-40-bytes";

const OLD_CURSORS: &str = "what-sealed-cursors-before-the-rotation";
const NEW_CURSORS: &str = "what-seals-cursors-after-the-rotation-of-keys";

/// As `shared/src/rotation/policy.rs` has it.
const PAUSE: Duration = Duration::from_secs(5);

#[tokio::test]
async fn every_key_is_rotated_under_traffic_and_nothing_is_refused_or_lost() {
    let options = StackOptions {
        config: [
            ("SUPABASE_JWT_SECRET", OTHER_SECRET),
            ("CURSOR_SECRET", OLD_CURSORS),
        ]
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .into(),
        ..StackOptions::default()
    };
    let world = World::start_with(options).await;
    let begun = Instant::now();
    let traffic = Traffic::begin(&world).await;
    let rotation = async {
        rotate_publishable_key(&world).await;
        traffic.goes_on().await;
        rotate_secret_key(&world).await;
        traffic.goes_on().await;
        rotate_cloudinary_key(&world, &traffic).await;
        traffic.goes_on().await;
        rotate_notification_key(&world).await;
        traffic.goes_on().await;
        rotate_cursor_secret(&world).await;
        traffic.goes_on().await;
        rotate_jwt_secret(&world).await;
        traffic.goes_on().await;
        traffic.end();
    };
    tokio::join!(rotation, traffic.run(&world));
    traffic.assert_nothing_went_wrong();
    world.assert_mirrored().await;
    assert_reads_are_bounded(&world, begun.elapsed()).await;
    world.stack.stop().await;
}

async fn rotate_publishable_key(world: &World) {
    let old = world.stack.publishable_key();
    let new = world.stack.add_api_key(ApiKeyKind::Publishable);
    change(world, &[("SUPABASE_PUBLISHABLE_KEY", &new)]).await;
    world.stack.revoke_api_key(old);
}

async fn rotate_secret_key(world: &World) {
    let old = world.stack.secret_key();
    let new = world.stack.add_api_key(ApiKeyKind::Secret);
    change(world, &[("SUPABASE_SECRET_KEY", &new)]).await;
    world.stack.revoke_api_key(old);
}

/// Cloudinary signs notifications with the oldest active key. So the old secret has to stay among those of
/// notifications as long as the old key does, and until the last notification under way has come.
async fn rotate_cloudinary_key(world: &World, traffic: &Traffic) {
    world
        .cloud
        .set(json!({"access_keys": {"2": "second-secret"}}))
        .await;
    let url = world.cloudinary_url_with("2", "second-secret");
    let old = traffic.first_secret();
    let ring = json!({"1": old, "2": "second-secret"}).to_string();
    let changes = [
        ("CLOUDINARY_URL", url.as_str()),
        ("CLOUDINARY_NOTIFICATION_SECRETS", ring.as_str()),
    ];
    change(world, &changes).await;
    traffic.use_cloud(world.cloud_with("2", "second-secret"));
    traffic.goes_on().await;
    world.cloud.set(json!({"first_key_disabled": true})).await;
}

/// First the secret knows the new one, then Cloudinary signs with it.
async fn rotate_notification_key(world: &World) {
    let ring = json!({"2": "second-secret", "777": "third-secret"}).to_string();
    change(world, &[("CLOUDINARY_NOTIFICATION_SECRETS", &ring)]).await;
    world
        .cloud
        .set(json!({"notification_api_key": "777", "notification_api_secret": "third-secret"}))
        .await;
}

/// The new one seals; the old one opens until listings that began with it have ended.
async fn rotate_cursor_secret(world: &World) {
    let both = format!("{NEW_CURSORS} {OLD_CURSORS}");
    change(world, &[("CURSOR_SECRET", &both)]).await;
}

async fn rotate_jwt_secret(world: &World) {
    let token = world
        .stack
        .legacy_token(&TokenClaims::user("late@example.com"));
    let list = async || {
        let path = "/api/cloudinary/media?limit=1";
        world
            .call(reqwest::Method::GET, path, Some(&token), None)
            .await
    };
    assert_eq!(list().await.status, StatusCode::UNAUTHORIZED);
    let secret = world.stack.legacy_jwt_secret();
    change(world, &[("SUPABASE_JWT_SECRET", secret)]).await;
    // A copy that the first token made wait in vain lets no stranger wait for a minute. It reads after its pause.
    eventually("the new secret counts", async || {
        list().await.status == StatusCode::OK
    })
    .await;
}

async fn change(world: &World, changes: &[(&str, &str)]) {
    let changes: Vec<_> = changes
        .iter()
        .map(|(key, value)| (*key, Some(*value)))
        .collect();
    let changed = world.stack.change_secret(&changes).await;
    changed.expect("the emulator keeps secrets");
}

/// Each copy counts its reads in the log: none has more of them than there are pauses in the time.
async fn assert_reads_are_bounded(world: &World, time: Duration) {
    let log = world.stack.function_log("Webhook").await.unwrap();
    let reads = log.lines().filter_map(|line| {
        let line: Value = serde_json::from_str(line).ok()?;
        let is_read = line["message"] == "the configuration was read again";
        is_read.then(|| line["reads"].as_u64())?
    });
    let most = reads.max().expect("forgeries made the webhook look");
    let pauses = time.as_secs() / PAUSE.as_secs();
    assert!(most <= pauses + 1, "{most} reads in {time:?}");
}

#[tokio::test]
async fn a_secret_that_cannot_be_used_leaves_the_last_good_one_in_use() {
    let world = World::start().await;
    let mug = world.cloud.upload("kept/mug", 1).await;
    world
        .row_becomes("the upload arrives", &mug, |_| true)
        .await;

    change(&world, &[("CLOUDINARY_URL", "cloudinary://typo")]).await;
    // A forgery makes the webhook look, and does not make it forget.
    let forged = World::sign_with("forged", "{}", now());
    let answer = world.notify("{}", &forged).await;
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{}", answer.body);
    eventually("the mistake is told by its key", async || {
        let log = world.stack.function_log("Webhook").await.unwrap();
        assert!(
            !log.contains("cloudinary://typo"),
            "values stay out of logs"
        );
        log.contains("the last good configuration stays in use") && log.contains("CLOUDINARY_URL")
    })
    .await;
    world.cloud.add_tag("kept/mug", "still").await;
    world
        .row_becomes("notifications are taken as before", &mug, |row| {
            row["tags"] == json!(["still"])
        })
        .await;

    let other = world
        .stack
        .cloudinary_url()
        .unwrap()
        .replace('@', "@other-");
    change(&world, &[("CLOUDINARY_URL", &other)]).await;
    // The first one waited in vain. The next do not wait until the secret may be read again.
    eventually("another library is refused", async || {
        let forged = World::sign_with("forged", "{}", now());
        let answer = world.notify("{}", &forged).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{}", answer.body);
        let log = world.stack.function_log("Webhook").await.unwrap();
        log.contains("leads to another library or project")
    })
    .await;
    world.assert_mirrored().await;
    world.stack.stop().await;
}
