//! `mediasync status` and `mediasync sync` on a whole stack, from the first day on.

use std::time::Duration;

use local_stack::StackOptions;
use media_sync::asset::{AssetId, ResourceType};
use media_sync::cloudinary::ListPage;
use serde_json::{Value, json};

use crate::deployed::Deployed;

fn looks(status: &Value) -> Vec<String> {
    let looks = status["looks"].as_array().unwrap().iter();
    looks
        .map(|look| look["code"].as_str().unwrap().to_owned())
        .collect()
}

async fn rows(deployed: &Deployed) -> String {
    let live = "select count(*) from public.media_assets where deleted_at is null";
    deployed.value(live).await
}

#[tokio::test(flavor = "multi_thread")]
async fn mirror_is_compared_imported_watched_and_kept_from_harm() {
    let deployed = Deployed::start(StackOptions::default()).await;
    let new = deployed.expect(&["status"], 3);
    assert_eq!(looks(&new), ["never_reconciled"], "{new}");
    assert_eq!(new["queues"]["outbound"]["dead_letters"]["visible"], 0);

    let seed = json!({"count": 40, "resource_types": ["image"], "prefix": "seed-"});
    deployed.control("POST", "seed", seed).await;
    let compared = deployed.expect(&["sync", "--dry-run"], 3);
    assert_eq!(
        compared["run"]["drift"]["missing_here"]["count"], 40,
        "{compared}"
    );
    assert_eq!(rows(&deployed).await, "0");

    let imported = deployed.run(&["sync", "--json"]);
    assert_eq!(imported.code, Some(0), "{imported:?}");
    assert_eq!(imported.json()["run"]["counters"]["created"], 40);
    assert_eq!(
        imported.stderr.lines().count(),
        1,
        "no bar without a terminal: {imported:?}"
    );
    assert_eq!(rows(&deployed).await, "40");
    let good = deployed.expect(&["status"], 0);
    assert_eq!(
        (&good["status"], looks(&good).len()),
        (&json!("in_sync"), 0)
    );
    let table = deployed.run(&["status"]).stdout;
    assert!(table.starts_with("in sync\n"), "{table}");
    assert!(table.contains("40 created, 0 updated"), "{table}");
    assert!(table.contains("notifications"), "{table}");

    deployed.expect(&["sync", "--dry-run"], 0);
    deployed.expect(&["sync", "--incremental"], 0);
    deployed.lose_notifications(true).await;
    deployed.upload("lost/mug").await;
    let named = ["sync", "--public-id", "lost/mug", "--public-id", "nobody"];
    let found = deployed.expect(&named, 0);
    assert_eq!(found["run"]["mode"], "named");
    assert_eq!(found["run"]["counters"]["created"], 1, "{found}");
    assert_eq!(found["not_found"], json!(["nobody"]));

    let dead = json!({"QueueUrl": deployed.queue("OutboundDeadLetterQueue"), "MessageBody": "x"});
    deployed.sqs("SendMessage", dead).await;
    assert_eq!(looks(&deployed.expect(&["status"], 3)), ["dead_letters"]);

    let before =
        "select count(*) from public.sync_runs where trigger = 'schedule' and status = 'succeeded'";
    let count: u32 = deployed.value(before).await.parse().unwrap();
    let asked = deployed.expect(&["sync", "--full", "--no-wait"], 0);
    assert_eq!(asked["waited"], false);
    deployed.becomes(before, &(count + 1).to_string()).await;
    deployed.stack.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn run_that_would_do_harm_fails_and_one_without_quota_rests() {
    let deployed = Deployed::start(StackOptions::default()).await;
    let seed = json!({"count": 30, "resource_types": ["image"], "prefix": "seed-"});
    deployed.control("POST", "seed", seed).await;
    deployed.expect(&["sync"], 0);

    deployed.lose_notifications(true).await;
    let cloudinary = deployed.cloudinary();
    let listed = cloudinary.list_resources(ResourceType::Image, ListPage::default());
    let listed = listed.await.unwrap().value.resources;
    let ids: Vec<AssetId> = listed.into_iter().filter_map(|one| one.asset_id).collect();
    cloudinary.delete_by_asset_ids(&ids, false).await.unwrap();
    let stopped = deployed.run(&["sync", "--json"]);
    assert_eq!(stopped.code, Some(1), "{stopped:?}");
    assert!(stopped.stdout.is_empty(), "{stopped:?}");
    assert!(
        stopped.stderr.contains("code: empty_listing"),
        "{stopped:?}"
    );
    assert!(
        stopped.stderr.contains("--allow-mass-delete"),
        "{stopped:?}"
    );
    assert_eq!(looks(&deployed.expect(&["status"], 3)), ["last_run"]);
    let deleted = deployed.expect(&["sync", "--allow-mass-delete", "--yes"], 0);
    assert_eq!(deleted["run"]["counters"]["deleted"], 30, "{deleted}");

    // Notifications arrive again: nothing but the run that rests is left to tell.
    deployed.lose_notifications(false).await;
    deployed.upload("mug").await;
    let live = "select count(*) from public.media_assets where deleted_at is null";
    deployed.becomes(live, "1").await;
    let little = json!({"rate_limit": 120, "rate_remaining": 50});
    deployed.control("PUT", "settings", little).await;
    let rests = deployed.run(&["sync"]);
    assert_eq!(rests.code, Some(5), "{rests:?}");
    assert!(rests.stderr.contains("goes on by itself"), "{rests:?}");
    let working = deployed.expect(&["status"], 5);
    assert_eq!(working["status"], "working");
    let refused = deployed.run(&["sync", "--dry-run"]);
    assert_eq!(refused.code, Some(5), "{refused:?}");
    assert!(
        refused.stderr.contains("yours was not started"),
        "{refused:?}"
    );
    deployed.stack.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn interrupt_leaves_the_run_going() {
    let deployed = Deployed::start(StackOptions::default()).await;
    deployed.upload("mug").await;
    let held = json!({"operation": "resources_image", "hold_answer": true});
    deployed.control("POST", "fault", held).await;
    let child = deployed.command(&["sync"]).spawn().unwrap();
    deployed
        .becomes(
            "select count(*) from public.sync_runs where status = 'running'",
            "1",
        )
        .await;
    let interrupt = ["-INT", &child.id().to_string()];
    let sent = std::process::Command::new("kill").args(interrupt).status();
    assert!(sent.unwrap().success());
    let ended = child.wait_with_output().unwrap();
    let words = String::from_utf8_lossy(&ended.stderr);
    assert_eq!(ended.status.code(), Some(5), "{words}");
    assert!(words.contains("goes on without this command"), "{words}");
    tokio::time::timeout(Duration::from_secs(60), async {
        deployed.control("DELETE", "faults", json!({})).await;
        let done = "select count(*) from public.sync_runs where status = 'succeeded'";
        deployed.becomes(done, "1").await;
    })
    .await
    .unwrap();
    deployed.stack.stop().await;
}
