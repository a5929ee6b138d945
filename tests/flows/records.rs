//! Notifications are kept as they came: they can be applied again, and are removed when old.

use end_to_end::{World, eventually, id_of, now};
use serde_json::{Value, json};

const RECORDS: &str = "select digest, received_at, verdict, replays, reason from public.media_notifications order by received_at, digest";

/// Replays, and waits until the worker has taken every one again.
async fn replay(world: &World, wanted: Value, count: u64) {
    let taken = "select coalesce(sum(replays), 0) from public.media_notifications";
    let before = world.value(taken).await.as_u64().expect("a count");
    let event = json!({"replay": wanted});
    let invoked = world
        .stack
        .invoke("ReconcileFunctionName", &event)
        .await
        .expect("the emulator answers");
    assert!(invoked.error.is_none(), "{invoked:?}");
    assert_eq!(
        invoked.payload,
        json!({"replayed": count, "goes_on": false})
    );
    eventually("the replayed ones are taken", async || {
        world.value(taken).await.as_u64() == Some(before + count)
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
    // One that names, without an id, an asset that is not known yet; and one that is no text.
    let by_name = r#"{"notification_type":"resource_tags_changed","resources":{"replay/later":{"resource_type":"image","type":"upload"}}}"#;
    let no_text = "not \0 text";
    for body in [by_name, no_text] {
        let answer = world.notify(body, &world.sign(body, now())).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
    }
    // More than are read at once.
    for number in 0..41 {
        let body = format!("junk {number}");
        world.notify(body.as_str(), &world.sign(&body, now())).await;
    }
    eventually("all are recorded", async || {
        world.rows(RECORDS, &[]).await.len() == 45
    })
    .await;
    let before = world.rows(RECORDS, &[]).await;
    let verdicts = |rows: &[Value]| {
        let verdicts = rows
            .iter()
            .map(|row| row["verdict"].as_str().unwrap().to_owned());
        verdicts.collect::<Vec<_>>()
    };
    assert_eq!(
        verdicts(&before)
            .iter()
            .filter(|verdict| *verdict == "parked")
            .count(),
        43
    );

    assert_eq!(
        verdicts(&before)
            .iter()
            .filter(|verdict| *verdict == "applied")
            .count(),
        2,
        "{before:?}"
    );

    // The asset becomes known, its notification does not; and somebody loses a row.
    world.cloud.chaos(json!({"drop": 1.0})).await;
    let later = world.cloud.upload("replay/later", 3).await;
    assert_eq!(
        world.sync(json!({"mode": "full"})).await.body["synced_items"],
        1
    );
    world.cloud.add_tag("replay/later", "new").await;
    let lost = "delete from public.media_assets where cloudinary_asset_id = $1 returning id";
    assert_eq!(world.rows(lost, &[&id_of(&mug).to_string()]).await.len(), 1);
    assert!(world.row(&mug).await.is_none());

    // Only the other one's: nothing comes back.
    let since = "2020-01-01T00:00:00Z";
    replay(&world, json!({"since": since, "asset_id": id_of(&cup)}), 1).await;
    assert!(world.row(&mug).await.is_none());

    replay(&world, json!({"since": since}), 45).await;
    world
        .row_becomes("the row is back", &mug, |row| row["deleted_at"].is_null())
        .await;
    world
        .row_becomes("the tag is there", &later, |row| {
            row["tags"] == json!(["new"])
        })
        .await;
    let after = world.rows(RECORDS, &[]).await;
    let digests = |rows: &[Value]| {
        rows.iter()
            .map(|row| row["digest"].clone())
            .collect::<Vec<_>>()
    };
    assert_eq!(
        digests(&after),
        digests(&before),
        "the same notifications, byte for byte"
    );
    let named = "select verdict, reason, replays, asset_ids from public.media_notifications where body = $1";
    let named = world.rows(named, &[&by_name]).await;
    assert_eq!(named[0]["verdict"], "applied", "it was parked: {named:?}");
    assert_eq!(named[0]["reason"], Value::Null);
    assert_eq!(named[0]["asset_ids"], json!([id_of(&later)]));
    let still = "select count(*) from public.media_notifications where verdict = 'parked' and body_is_base64";
    assert_eq!(
        world.value(still).await,
        1,
        "what is no text is none the second time"
    );
    let uploads = "select verdict, replays from public.media_notifications where notification_type = 'upload'";
    for upload in world.rows(uploads, &[]).await {
        assert_eq!(
            upload["verdict"], "applied",
            "what was applied once stays so"
        );
        assert!(upload["replays"].as_u64() >= Some(1));
    }

    replay(
        &world,
        json!({"since": media_sync::time::Timestamp::now()}),
        0,
    )
    .await;
    // As a replay goes on in another invocation: behind the last one that was sent.
    let last_but_one = &after[after.len() - 2];
    let body = json!({
        "v": 1, "kind": "replay", "since": since, "until": media_sync::time::Timestamp::now(), "asset_id": null,
        "after": [last_but_one["received_at"], last_but_one["digest"]],
    });
    let event = json!({"Records": [{"messageId": "rest", "body": body.to_string()}]});
    let invoked = world
        .stack
        .invoke("ReconcileFunctionName", &event)
        .await
        .unwrap();
    assert!(invoked.error.is_none(), "{invoked:?}");
    eventually("the last one is taken once more", async || {
        let now = world.rows(RECORDS, &[]).await;
        let replays = |rows: &[Value]| {
            rows.iter()
                .map(|row| row["replays"].as_u64())
                .collect::<Vec<_>>()
        };
        let (mut expected, last) = (replays(&after), after.len() - 1);
        expected[last] = expected[last].map(|count| count + 1);
        replays(&now) == expected
    })
    .await;

    let refused = world
        .stack
        .invoke(
            "ReconcileFunctionName",
            &json!({"replay": {"since": "yesterday"}}),
        )
        .await
        .unwrap();
    assert!(refused.error.is_some(), "{refused:?}");
    world.assert_mirrored().await;
    world.stack.stop().await;
}

#[tokio::test]
async fn the_daily_run_removes_what_is_old_and_keeps_what_is_built_on() {
    let world = World::start().await;
    world.cloud.upload("purge/mug", 1).await;
    eventually("the upload is recorded", async || {
        world.rows(RECORDS, &[]).await.len() == 1
    })
    .await;
    let fill = [
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
    for sql in fill {
        world.rows(sql, &[]).await;
    }
    for mode in ["incremental", "full"] {
        assert_eq!(
            world.sync(json!({"mode": mode})).await.body["success"],
            true
        );
    }
    let event = json!({"action": "purge"});
    let invoked = world
        .stack
        .invoke("ReconcileFunctionName", &event)
        .await
        .unwrap();
    assert!(invoked.error.is_none(), "{invoked:?}");
    assert_eq!(invoked.payload["notifications"], 4_500, "{invoked:?}");
    let left = world.rows(RECORDS, &[]).await;
    assert_eq!(left.len(), 2, "{left:?}");
    assert_eq!(left[0]["digest"], "young");
    // Both new runs are the newest good ones of their modes, so no old one is needed any more.
    let old_runs =
        "select count(*) from public.sync_runs where finished_at < now() - interval '30 days'";
    assert_eq!(world.value(old_runs).await, 0);
    assert_eq!(invoked.payload["audit"], 1, "{invoked:?}");
    let trail = "select count(*) from public.media_sync_log where occurred_at < now() - interval '399 days'";
    assert_eq!(
        world.value(trail).await,
        1,
        "the audit trail is kept longer"
    );
    let told = "select sum((details ->> 'notifications')::integer) from public.media_sync_log where operation = 'purge'";
    assert_eq!(
        world.value(told).await,
        4_500,
        "what was removed is told there"
    );
    world.stack.stop().await;
}
