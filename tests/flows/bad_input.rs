//! Bad input does not get in, and its answer says why.

use end_to_end::World;
use reqwest::{Method, StatusCode};
use serde_json::json;

/// The body of a notification.
const BODY: &str = r#"{"notification_type":"delete"}"#;

#[tokio::test]
async fn bad_requests_are_refused_before_anything_happens() {
    let world = World::start().await;
    world.stack.reset_gateway_counts();
    world.cloud.reset_requests().await;
    badly_signed_notifications_are_refused(&world).await;
    a_large_notification_is_refused(&world).await;
    bad_parameters_are_named(&world).await;
    bad_tokens_are_refused(&world).await;
    bad_runs_are_refused(&world).await;
    nothing_has_happened(&world).await;
    world.stack.stop().await;
}

async fn badly_signed_notifications_are_refused(world: &World) {
    let now = end_to_end::now();
    let mut not_a_moment = world.sign(BODY, now);
    not_a_moment[0].1.push('x');
    for (what, headers) in [
        ("wrong", world.sign("another body", now)),
        ("missing", vec![]),
        ("stale", world.sign(BODY, now - 3 * 3600)),
        ("future", world.sign(BODY, now + 3600)),
        ("not a moment", not_a_moment),
    ] {
        let answer = world.notify(BODY, &headers).await;
        let (status, body) = (answer.status, answer.body);
        assert_eq!(status, StatusCode::UNAUTHORIZED, "{what}: {body}");
        assert!(body["code"].is_string(), "{what}: {body}");
    }
}

async fn a_large_notification_is_refused(world: &World) {
    let large = "x".repeat(600 * 1024);
    let headers = world.sign(&large, end_to_end::now());
    let answer = world.notify(large.as_str(), &headers).await;
    assert_eq!(answer.status, StatusCode::PAYLOAD_TOO_LARGE);
}

async fn bad_parameters_are_named(world: &World) {
    for (path, parameter) in [
        ("?limit=0", "limit"),
        ("?limit=1000", "limit"),
        ("?sort_by=secret", "sort_by"),
        ("?cursor=forged", "cursor"),
        ("?page=-1", "page"),
        ("?uploaded_by=me", "uploaded_by"),
        ("?nonsense=1", "nonsense"),
    ] {
        let answer = world.get(&format!("/api/cloudinary/media{path}")).await;
        let (status, body) = (answer.status, answer.body);
        assert_eq!(status, StatusCode::BAD_REQUEST, "{path}: {body}");
        assert_eq!(body["parameter"], parameter, "{path}");
        assert_eq!(answer.headers["content-type"], "application/problem+json");
    }
}

async fn bad_tokens_are_refused(world: &World) {
    let path = "/api/cloudinary/media";
    for token in [None, Some("garbage"), Some("a.b.c")] {
        let answer = world.call(Method::GET, path, token, None).await;
        let (status, body) = (answer.status, answer.body);
        assert_eq!(status, StatusCode::UNAUTHORIZED, "{token:?}: {body}");
    }
}

async fn bad_runs_are_refused(world: &World) {
    let (path, user) = ("/api/cloudinary/sync", Some(world.user.as_str()));
    let answer = world.call(Method::POST, path, user, Some(json!({}))).await;
    answer.assert_status(StatusCode::FORBIDDEN);
    let answer = world.sync(json!({"batch_size": 501})).await;
    assert_eq!(answer.body["parameter"], "batch_size", "{}", answer.body);
    // An option that is not offered is not ignored.
    let answer = world.sync(json!({"dryrun": true})).await;
    answer.assert_status(StatusCode::BAD_REQUEST);
}

/// Nothing was queued, recorded or asked.
async fn nothing_has_happened(world: &World) {
    assert!(world.waiting_messages().await.is_empty());
    assert_eq!(world.cloud.requests().await, json!({}));
    let counts = world.stack.gateway_counts();
    assert_eq!(counts.of("POST /rest/v1/rpc/media_list"), 0);
    let recorded = "select count(*) from public.media_notifications";
    assert_eq!(world.value(recorded).await, 0);
}

#[tokio::test]
async fn without_sqs_cloudinary_is_asked_to_send_again() {
    let world = World::start().await;
    // The queue is gone: what SQS answers is an error, as in an outage.
    world.delete_notification_queue().await;
    world.cloud.upload("early/bird", 1).await;
    end_to_end::eventually("Cloudinary has tried again", async || {
        world.cloud.notifications().await["failed"] == json!(1)
    })
    .await;
    let told = world.cloud.notifications().await;
    assert_eq!(told["delivered"], 0, "{told}");
    let answer = world.sync(json!({})).await;
    assert_eq!(answer.body["synced_items"], 1, "{}", answer.body);
    world.stack.stop().await;
}
