//! Webhooks: shapes, signatures, addresses, retries and chaos.

use serde_json::{Value, json};
use sha1::Digest;

use super::support::{Hook, KEY, Local, Receiver, SECRET, local, object};

async fn listening(settings: Value) -> (Local, Receiver) {
    let hooks = Receiver::start().await;
    let server = local(settings).await;
    server
        .admin(
            "POST",
            "triggers",
            json!({"uri": hooks.url, "event_type": "all"}),
        )
        .await
        .ok();
    (server, hooks)
}

fn sha1(hook: &Hook) -> String {
    let mut hash = sha1::Sha1::new();
    hash.update(&hook.raw);
    hash.update(hook.header("x-cld-timestamp"));
    hash.update(SECRET);
    hex::encode(hash.finalize())
}

#[tokio::test]
async fn every_event_has_its_own_container_and_the_full_envelope() {
    let (server, hooks) = listening(json!({"any_metadata_field": true})).await;
    let asset = server.pixel("a", json!({"asset_folder": "f"})).await;
    let edit = json!({
        "tags": "x", "context": "k=v", "metadata": "m=1", "display_name": "N", "asset_folder": "g",
        "access_control": [{"access_type": "anonymous"}],
    });
    server
        .admin("POST", "resources/image/upload/a", edit)
        .await
        .ok();
    server
        .upload_api(
            "image/rename",
            json!({"from_public_id": "a", "to_public_id": "b"}),
        )
        .await
        .ok();
    server
        .admin("PUT", "folders/g", json!({"to_folder": "h"}))
        .await
        .ok();
    server
        .admin("POST", "folders/empty", Value::Null)
        .await
        .ok();
    server
        .admin("DELETE", "folders/empty", Value::Null)
        .await
        .ok();
    server
        .upload_api("image/destroy", json!({"public_id": "b"}))
        .await
        .ok();
    let hooks = hooks.wait_for(12).await;
    let event = |kind: &str| {
        let found = hooks.iter().find(|hook| hook.kind() == kind);
        &found.unwrap_or_else(|| panic!("no {kind}")).event
    };
    let id = &asset["asset_id"];
    assert_eq!(event("upload")["etag"], asset["etag"]);
    assert!(event("upload").get("signature").is_none());
    assert_eq!(
        event("resource_tags_changed")["resources"][0]["added"],
        json!(["x"])
    );
    assert_eq!(
        event("resource_context_changed")["resources"]["a"]["added"],
        json!([{"name": "k", "value": "v"}])
    );
    assert_eq!(
        event("resource_metadata_changed")["resources"]["a"]["new_metadata"],
        json!({"m": "1"})
    );
    assert_eq!(
        event("resource_display_name_changed")["resources"]["a"]["new_display_name"],
        "N"
    );
    assert_eq!(event("move")["resources"]["a"]["to_asset_folder"], "g");
    assert_eq!(
        &event("access_control_changed")["resources"][0]["asset_id"],
        id
    );
    assert_eq!(&event("rename")["asset_id"], id);
    assert_eq!(event("move_or_rename_asset_folder")["to_path"], "h");
    assert_eq!(event("create_folder")["folder_path"], "empty");
    assert_eq!(event("delete_folder")["folder_name"], "empty");
    assert_eq!(&event("delete")["resources"][0]["asset_id"], id);
    assert!(event("delete").get("timestamp").is_none());
    let mut moments = Vec::new();
    for hook in &hooks {
        let context = &hook.event["notification_context"];
        assert_eq!(context["triggered_by"], json!({"source": "api", "id": KEY}));
        assert_eq!(hook.event["signature_key"], KEY);
        assert_eq!(hook.header("x-cld-signature"), sha1(hook));
        moments.push(context["triggered_at"].as_str().unwrap().to_owned());
    }
    moments.sort();
    let distinct = moments.len();
    moments.dedup();
    assert_eq!(
        moments.len(),
        distinct,
        "no two events happen at the same moment"
    );
}

#[tokio::test]
async fn legacy_envelope_and_context_maps_are_switches() {
    let (server, hooks) =
        listening(json!({"envelope": "legacy", "context_changed_shape": "maps"})).await;
    server.pixel("a", json!({"context": "gone=1|kept=1"})).await;
    let add = json!({"command": "add", "context": "gone=|kept=2|new=3", "public_ids": ["a"]});
    server.upload_api("image/context", add).await.ok();
    let hooks = hooks.wait_for(2).await;
    let event = &hooks
        .iter()
        .find(|hook| hook.kind() == "resource_context_changed")
        .unwrap()
        .event;
    assert!(event.get("notification_context").is_none() && event.get("signature_key").is_none());
    let change = &event["resources"]["a"];
    assert_eq!(change["added"], json!({"new": "3"}));
    assert_eq!(change["updated"], json!({"kept": "2"}));
    assert_eq!(change["removed"], json!(["gone"]));
}

#[tokio::test]
async fn own_notification_url_replaces_triggers_that_are_not_additive() {
    let own = Receiver::start().await;
    let (server, trigger) = listening(json!({})).await;
    let additive = Receiver::start().await;
    let body = json!({"uri": additive.url, "event_type": "upload", "additive": true});
    server.admin("POST", "triggers", body).await.ok();
    server
        .pixel("a", json!({"notification_url": own.url}))
        .await;
    server.quiet().await;
    assert_eq!(
        (
            own.kinds().len(),
            additive.kinds().len(),
            trigger.kinds().len()
        ),
        (1, 1, 0)
    );
    server
        .upload_api("image/destroy", json!({"public_id": "a"}))
        .await
        .ok();
    server.quiet().await;
    assert_eq!(
        (own.kinds().len(), additive.kinds().len(), trigger.kinds()),
        (1, 1, vec!["delete".to_owned()])
    );
}

#[tokio::test]
async fn payload_template_replaces_the_signed_body_until_it_is_taken_away() {
    let hooks = Receiver::start().await;
    let server = local(json!({})).await;
    let template = r#"{"kind": "{{notification_type}}", "name": "{{public_id}}"}"#;
    let trigger = json!({"uri": hooks.url, "event_type": "all", "payload_template": template});
    let made = server.admin("POST", "triggers", trigger).await.ok();
    let listed = server.get("triggers").await;
    assert_eq!(listed["triggers"][0]["payload_template"], template);
    server.pixel("a", json!({})).await;
    let hook = hooks.wait_for(1).await.remove(0);
    assert_eq!(hook.event, json!({"kind": "upload", "name": "a"}));
    assert_eq!(hook.header("x-cld-signature"), sha1(&hook));

    let path = format!("triggers/{}", made["id"].as_str().unwrap());
    let too_long = json!({"payload_template": "x".repeat(17_000)});
    assert_eq!(server.admin("PUT", &path, too_long).await.status, 400);
    let without = json!({"payload_template": ""});
    server.admin("PUT", &path, without).await.ok();
    let listed = server.get("triggers").await;
    assert!(listed["triggers"][0].get("payload_template").is_none());
    server.pixel("b", json!({})).await;
    let hooks = hooks.wait_for(2).await;
    assert_eq!(hooks[1].event["notification_type"], "upload");
}

#[tokio::test]
async fn anything_but_200_is_tried_three_times_more_on_the_compressed_schedule() {
    // 3, 6 and 9 minutes, a thousandfold faster.
    let (server, hooks) = listening(json!({"retry_factor": 0.001})).await;
    hooks.answer_next_with(&[500, 204, 302, 200]);
    server.pixel("a", json!({})).await;
    let tries = hooks.wait_for(4).await;
    let gaps: Vec<u128> = tries
        .windows(2)
        .map(|pair| (pair[1].at - pair[0].at).as_millis())
        .collect();
    for (gap, wanted) in gaps.iter().zip([180, 360, 540]) {
        assert!(*gap >= wanted - 2, "waited {gaps:?} ms");
    }
    assert!(
        tries.iter().all(|hook| hook.raw == tries[0].raw),
        "a retry has the same body"
    );
    assert!(
        tries
            .iter()
            .all(|hook| hook.header("x-cld-signature") == sha1(hook))
    );
    server.quiet().await;
    let counts = server
        .control("GET", "notifications", Value::Null)
        .await
        .ok();
    assert_eq!(
        (&counts["delivered"], &counts["failed"]),
        (&json!(1), &json!(0))
    );
    assert_eq!(counts["log"][0]["attempts"], 4);
}

#[tokio::test]
async fn after_the_last_retry_the_event_is_lost() {
    let (server, hooks) = listening(json!({"retry_factor": 0.0})).await;
    hooks.answer_next_with(&[500, 500, 500, 500]);
    server.pixel("a", json!({})).await;
    server.quiet().await;
    assert_eq!(hooks.hooks().len(), 4);
    let counts = server
        .control("GET", "notifications", Value::Null)
        .await
        .ok();
    assert_eq!(
        (&counts["delivered"], &counts["failed"], &counts["pending"]),
        (&json!(0), &json!(1), &json!(0))
    );
}

#[tokio::test]
async fn retries_are_signed_anew_only_when_switched_on() {
    for resign in [true, false] {
        let (server, hooks) =
            listening(json!({"retries_resign": resign, "retry_delays_ms": [1_000_000]})).await;
        hooks.answer_next_with(&[500]);
        server.pixel("a", json!({})).await;
        hooks.wait_for(1).await;
        // Forty minutes later by its clock, the retry is due.
        server
            .control("PUT", "clock", json!({"advance_ms": 2_400_000}))
            .await
            .ok();
        let tries = hooks.wait_for(2).await;
        let same = tries[0].header("x-cld-timestamp") == tries[1].header("x-cld-timestamp");
        assert_eq!(same, !resign);
        assert_eq!(tries[1].header("x-cld-signature"), sha1(&tries[1]));
    }
}

#[tokio::test]
async fn notifications_are_signed_by_the_accounts_algorithm_and_notification_key() {
    use sha2::Sha256;
    let settings = json!({
        "signature_algorithm": "sha256", "notification_api_key": "777", "notification_api_secret": "other",
    });
    let (server, hooks) = listening(settings).await;
    server.pixel("a", json!({})).await;
    let hook = hooks.wait_for(1).await.remove(0);
    assert_eq!(hook.event["signature_key"], "777");
    let mut hash = Sha256::new();
    hash.update(&hook.raw);
    hash.update(hook.header("x-cld-timestamp"));
    hash.update("other");
    assert_eq!(hook.header("x-cld-signature"), hex::encode(hash.finalize()));
}

#[tokio::test]
async fn paused_notifications_wait_until_flushed_or_resumed() {
    let (server, hooks) = listening(json!({"notifications_paused": true})).await;
    server.pixel("a", json!({})).await;
    let answer = server
        .control("GET", "quiet?timeout_ms=50", Value::Null)
        .await
        .ok();
    assert_eq!(answer, json!({"quiet": false, "pending": 1}));
    assert_eq!(
        server
            .control("POST", "notifications/flush", Value::Null)
            .await
            .ok()["attempted"],
        1
    );
    hooks.wait_for(1).await;
    server.pixel("b", json!({})).await;
    server.set(json!({"notifications_paused": false})).await;
    hooks.wait_for(2).await;
    server.quiet().await;
}

#[tokio::test]
async fn chaos_does_the_same_to_the_same_events_with_the_same_seed() {
    async fn run(seed: u64) -> (Vec<(String, usize)>, Value) {
        let (server, hooks) = listening(json!({"notification_concurrency": 1})).await;
        let chaos = json!({"drop": 0.3, "duplicate": 0.3, "delay_ms": 20, "reorder": 0.3, "reorder_window_ms": 100, "seed": seed});
        server.control("PUT", "chaos", chaos).await.ok();
        server
            .control(
                "POST",
                "seed",
                json!({"count": 60, "emit_notifications": true}),
            )
            .await
            .ok();
        server.quiet().await;
        let mut times = std::collections::BTreeMap::new();
        for hook in hooks.hooks() {
            *times
                .entry(hook.event["public_id"].as_str().unwrap().to_owned())
                .or_insert(0) += 1;
        }
        let counts = object(
            server
                .control("GET", "notifications", Value::Null)
                .await
                .ok(),
        );
        (
            times.into_iter().collect(),
            json!([counts["created"], counts["delivered"], counts["dropped"]]),
        )
    }
    let first = run(3).await;
    assert_eq!(first, run(3).await);
    assert_ne!(first, run(4).await);
    assert!(first.0.len() < 60, "some are dropped");
    assert!(
        first.0.iter().any(|(_, times)| *times == 2),
        "some arrive twice"
    );
}

#[tokio::test]
async fn folder_rename_names_its_assets_only_when_switched_on() {
    for moves in [false, true] {
        let (server, hooks) = listening(json!({"folder_rename_emits_moves": moves})).await;
        server.pixel("a", json!({"asset_folder": "f/deep"})).await;
        server.pixel("b", json!({"asset_folder": "far"})).await;
        server.quiet().await;
        hooks.forget();
        server
            .admin("PUT", "folders/f", json!({"to_folder": "g"}))
            .await
            .ok();
        server.quiet().await;
        let mut kinds = hooks.kinds();
        kinds.sort();
        let wanted: &[&str] = if moves {
            &["move", "move_or_rename_asset_folder"]
        } else {
            &["move_or_rename_asset_folder"]
        };
        assert_eq!(kinds, wanted);
    }
}
