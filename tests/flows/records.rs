//! Notifications are kept as they came: they can be applied again, and are removed when old.

use end_to_end::{World, eventually, id_of, now};
use media_sync::cloudinary::CloudinaryResource;
use media_sync::time::Timestamp;
use serde_json::{Value, json};

const RECORDS: &str = "select digest, received_at, verdict, replays, reason from public.media_notifications order by received_at, digest";

/// Before everything that a test does.
const SINCE: &str = "2020-01-01T00:00:00Z";

/// Names, without an id, an asset that is not known yet.
const BY_NAME: &str = r#"{"notification_type":"resource_tags_changed","resources":{"replay/later":{"resource_type":"image","type":"upload"}}}"#;

async fn records(world: &World) -> Vec<Value> {
    world.rows(RECORDS, &[]).await
}

fn column(records: &[Value], name: &str) -> Vec<Value> {
    records.iter().map(|record| record[name].clone()).collect()
}

/// Replays, and waits until the worker has taken every one again.
async fn replay(world: &World, wanted: Value, count: u64) {
    let taken = "select coalesce(sum(replays), 0) from public.media_notifications";
    let before = world.count(taken).await;
    let answer = world.reconcile(json!({"replay": wanted})).await;
    assert_eq!(answer, json!({"replayed": count, "goes_on": false}));
    eventually("the replayed ones are taken", async || {
        world.count(taken).await == before + count
    })
    .await;
}

#[tokio::test]
async fn recorded_notifications_are_applied_again_and_stay_what_they_are() {
    let world = World::start().await;
    let mug = world.cloud.upload("replay/mug", 1).await;
    let cup = world.cloud.upload("replay/cup", 2).await;
    for asset in [&mug, &cup] {
        world
            .row_becomes("the upload arrives", asset, |_| true)
            .await;
    }
    let before = everything_is_recorded(&world).await;
    let later = the_named_asset_becomes_known(&world).await;
    lose_the_row_of(&world, &mug).await;
    the_replay_of_one_asset_brings_no_other_back(&world, &mug, &cup).await;
    the_replay_of_all_brings_everything_back(&world, &mug, &later).await;
    let after = records(&world).await;
    assert_eq!(
        column(&after, "digest"),
        column(&before, "digest"),
        "the same notifications, byte for byte"
    );
    what_could_not_be_applied_is_applied_now(&world, &later).await;
    other_verdicts_stay(&world).await;
    replay(&world, json!({"since": Timestamp::now()}), 0).await;
    a_replay_goes_on_behind_the_last_one_that_was_sent(&world, &after).await;
    a_replay_since_no_moment_is_refused(&world).await;
    world.assert_mirrored().await;
    world.stack.stop().await;
}

/// Two uploads, one that names its asset, one that is no text, and more than are read at once.
async fn everything_is_recorded(world: &World) -> Vec<Value> {
    for body in [BY_NAME, "{not \0 text"] {
        let answer = world.notify(body, &world.sign(body, now())).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
    }
    for number in 0..41 {
        let body = format!("{{junk {number}");
        world.notify(body.as_str(), &world.sign(&body, now())).await;
    }
    eventually("all are recorded", async || {
        records(world).await.len() == 45
    })
    .await;
    let recorded = records(world).await;
    let counts = ["parked", "applied"].map(|verdict| {
        let with = recorded.iter().filter(|row| row["verdict"] == verdict);
        with.count()
    });
    assert_eq!(counts, [43, 2], "{recorded:?}");
    recorded
}

/// Its notification does not: from here on none comes.
async fn the_named_asset_becomes_known(world: &World) -> CloudinaryResource {
    world.cloud.chaos(json!({"drop": 1.0})).await;
    let later = world.cloud.upload("replay/later", 3).await;
    let run = world.sync(json!({"mode": "full"})).await;
    assert_eq!(run.body["synced_items"], 1);
    world.cloud.add_tag("replay/later", "new").await;
    later
}

async fn lose_the_row_of(world: &World, asset: &CloudinaryResource) {
    let lost = "delete from public.media_assets where cloudinary_asset_id = $1 returning id";
    let lost = world.rows(lost, &[&id_of(asset).to_string()]).await;
    assert_eq!(lost.len(), 1);
    assert!(world.row(asset).await.is_none());
}

async fn the_replay_of_one_asset_brings_no_other_back(
    world: &World,
    lost: &CloudinaryResource,
    other: &CloudinaryResource,
) {
    let wanted = json!({"since": SINCE, "asset_id": id_of(other)});
    replay(world, wanted, 1).await;
    assert!(world.row(lost).await.is_none());
}

async fn the_replay_of_all_brings_everything_back(
    world: &World,
    lost: &CloudinaryResource,
    tagged: &CloudinaryResource,
) {
    replay(world, json!({"since": SINCE}), 45).await;
    world
        .row_becomes("the row is back", lost, |row| row["deleted_at"].is_null())
        .await;
    world
        .row_becomes("the tag is there", tagged, |row| {
            row["tags"] == json!(["new"])
        })
        .await;
}

async fn what_could_not_be_applied_is_applied_now(world: &World, later: &CloudinaryResource) {
    let named = "select verdict, reason, replays, asset_ids from public.media_notifications where body = $1";
    let named = world.rows(named, &[&BY_NAME]).await;
    assert_eq!(named[0]["verdict"], "applied", "it was parked: {named:?}");
    assert_eq!(named[0]["reason"], Value::Null);
    assert_eq!(named[0]["asset_ids"], json!([id_of(later)]));
}

async fn other_verdicts_stay(world: &World) {
    let still = "select count(*) from public.media_notifications where verdict = 'parked' and body_is_base64";
    let still = world.value(still).await;
    assert_eq!(still, 1, "what is no text is none the second time");
    let uploads = "select verdict, replays from public.media_notifications where notification_type = 'upload'";
    for upload in world.rows(uploads, &[]).await {
        let verdict = &upload["verdict"];
        assert_eq!(verdict, "applied", "what was applied once stays so");
        assert!(upload["replays"].as_u64() >= Some(1));
    }
}

/// As in another invocation.
async fn a_replay_goes_on_behind_the_last_one_that_was_sent(world: &World, after: &[Value]) {
    let [.., last_but_one, _] = after else {
        panic!("there are many");
    };
    let body = json!({
        "v": 1, "kind": "replay", "since": SINCE, "until": Timestamp::now(), "asset_id": null,
        "after": [last_but_one["received_at"], last_but_one["digest"]],
    });
    let message = json!({"messageId": "rest", "body": body.to_string()});
    world.reconcile(json!({"Records": [message]})).await;
    let mut expected = column(after, "replays");
    let last = expected.last_mut().expect("there are many");
    *last = json!(last.as_u64().expect("a count") + 1);
    eventually("the last one is taken once more", async || {
        column(&records(world).await, "replays") == expected
    })
    .await;
}

async fn a_replay_since_no_moment_is_refused(world: &World) {
    let event = json!({"replay": {"since": "yesterday"}});
    let refused = world.stack.invoke("ReconcileFunctionName", &event).await;
    let refused = refused.expect("the emulator answers");
    assert!(refused.error.is_some(), "{refused:?}");
}

#[tokio::test]
async fn the_daily_run_removes_what_is_old_and_keeps_what_is_built_on() {
    let world = World::start().await;
    world.cloud.upload("purge/mug", 1).await;
    eventually("the upload is recorded", async || {
        records(&world).await.len() == 1
    })
    .await;
    for sql in OLD {
        world.rows(sql, &[]).await;
    }
    for mode in ["incremental", "full"] {
        let run = world.sync(json!({"mode": mode})).await;
        assert_eq!(run.body["success"], true);
    }
    let purged = world.reconcile(json!({"action": "purge"})).await;
    old_notifications_are_removed(&world, &purged).await;
    no_old_run_is_needed(&world).await;
    the_trail_is_kept_longer(&world, &purged).await;
    world.stack.stop().await;
}

const OLD: [&str; 5] = [
    // More than one batch of old notifications, and one that is just young enough.
    "insert into public.media_notifications (digest, signature_timestamp, received_at, verdict, body)
     select 'old-' || n, now(), now() - interval '31 days', 'superseded', '{}' from generate_series(1, 4500) n
     returning 1 as done",
    "insert into public.media_notifications (digest, signature_timestamp, received_at, verdict, body)
     values ('young', now(), now() - interval '29 days', 'parked', '{}') returning 1 as done",
    // Good runs of long ago: the newest of a mode stays. Of the others nothing is needed.
    "insert into public.sync_runs (mode, trigger, dry_run, status, started_at, finished_at)
     select mode, 'schedule', dry_run, status, now() - interval '40 days', now() - interval '40 days' + n * interval '1 minute'
     from (values
         (1, 'full', false, 'succeeded'), (2, 'full', false, 'failed'), (3, 'incremental', false, 'succeeded'),
         (4, 'incremental', false, 'succeeded'), (5, 'full', true, 'succeeded'), (6, 'named', false, 'succeeded')
     ) as old (n, mode, dry_run, status) returning 1 as done",
    "insert into media_sync.run_progress (run_id, started_clock) select id, 1 from public.sync_runs returning 1 as done",
    "insert into public.media_sync_log (occurred_at, operation, source)
     values (now() - interval '399 days', 'created', 'webhook'), (now() - interval '401 days', 'created', 'webhook')
     returning 1 as done",
];

async fn old_notifications_are_removed(world: &World, purged: &Value) {
    assert_eq!(purged["notifications"], 4_500, "{purged}");
    let left = records(world).await;
    assert_eq!(left.len(), 2, "{left:?}");
    assert_eq!(left[0]["digest"], "young");
}

/// Both new runs are the newest good ones of their modes.
async fn no_old_run_is_needed(world: &World) {
    let old_runs =
        "select count(*) from public.sync_runs where finished_at < now() - interval '30 days'";
    assert_eq!(world.value(old_runs).await, 0);
}

/// And tells what was removed.
async fn the_trail_is_kept_longer(world: &World, purged: &Value) {
    assert_eq!(purged["audit"], 1, "{purged}");
    let trail = "select count(*) from public.media_sync_log where occurred_at < now() - interval '399 days'";
    assert_eq!(world.value(trail).await, 1);
    let told = "select sum((details ->> 'notifications')::integer) from public.media_sync_log where operation = 'purge'";
    assert_eq!(world.value(told).await, 4_500);
}
