//! Bad input does not get in, and its answer says why.

use end_to_end::World;
use reqwest::{Method, StatusCode};
use serde_json::json;

#[tokio::test]
async fn bad_requests_are_refused_before_anything_happens() {
    let world = World::start().await;
    let now = end_to_end::now();
    let body = r#"{"notification_type":"delete"}"#;
    world.stack.reset_gateway_counts();
    world.cloud.reset_requests().await;

    let mut not_a_moment = world.sign(body, now);
    not_a_moment[0].1.push('x');
    for (what, headers) in [
        ("wrong", world.sign("another body", now)),
        ("missing", vec![]),
        ("stale", world.sign(body, now - 3 * 3600)),
        ("future", world.sign(body, now + 3600)),
        ("not a moment", not_a_moment),
    ] {
        let answer = world.notify(body, &headers).await;
        assert_eq!(
            answer.status,
            StatusCode::UNAUTHORIZED,
            "{what}: {}",
            answer.body
        );
        assert!(answer.body["code"].is_string(), "{what}: {}", answer.body);
    }
    let large = "x".repeat(600 * 1024);
    let answer = world.notify(large.as_str(), &world.sign(&large, now)).await;
    assert_eq!(answer.status, StatusCode::PAYLOAD_TOO_LARGE);

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
        assert_eq!(
            answer.status,
            StatusCode::BAD_REQUEST,
            "{path}: {}",
            answer.body
        );
        assert_eq!(answer.body["parameter"], parameter, "{path}");
        assert_eq!(answer.headers["content-type"], "application/problem+json");
    }
    for token in [None, Some("garbage"), Some("a.b.c")] {
        let answer = world
            .call(Method::GET, "/api/cloudinary/media", token, None)
            .await;
        assert_eq!(
            answer.status,
            StatusCode::UNAUTHORIZED,
            "{token:?}: {}",
            answer.body
        );
    }
    let answer = world
        .call(
            Method::POST,
            "/api/cloudinary/sync",
            Some(&world.user),
            Some(json!({})),
        )
        .await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN, "{}", answer.body);
    let answer = world.sync(json!({"batch_size": 501})).await;
    assert_eq!(answer.body["parameter"], "batch_size", "{}", answer.body);
    let answer = world.sync(json!({"dryrun": true})).await;
    assert_eq!(
        answer.status,
        StatusCode::BAD_REQUEST,
        "what is not offered is not ignored: {}",
        answer.body
    );

    assert!(
        world.waiting_messages().await.is_empty(),
        "nothing was queued"
    );
    assert_eq!(
        world.cloud.requests().await,
        json!({}),
        "Cloudinary was asked nothing"
    );
    assert_eq!(
        world
            .stack
            .gateway_counts()
            .of("POST /rest/v1/rpc/media_list"),
        0
    );
    assert_eq!(
        world
            .value("select count(*) from public.media_notifications")
            .await,
        0
    );
    world.stack.stop().await;
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
