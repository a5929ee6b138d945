use media_sync::release::SCHEMA_VERSION;
use uuid::Uuid;

use super::*;

const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);

fn run(changes: &Value) -> Value {
    let mut value = json!({
        "run_id": Uuid::nil(), "mode": "full", "trigger": "schedule", "dry_run": false, "status": "succeeded",
        "error_code": null, "error_message": null, "counters": {"unchanged": 3}, "started_at": NOW,
        "finished_at": NOW, "resume_at": null, "predicted_end": null,
    });
    for (key, change) in changes.as_object().unwrap() {
        value[key] = change.clone();
    }
    value
}

/// A mirror that is in sync, but for `changes` of the overview and of the health.
fn picture(overview: &Value, mirror: &Value) -> MirrorPicture {
    let mut told = json!({
        "is_synced": true, "last_sync": NOW, "pending_operations": 0, "last_error": null,
        "stats": {"total_assets": 3, "pending_assets": 0, "error_assets": 0}, "current_run": null,
        "recent_runs": [run(&json!({}))], "quota": null,
    });
    let mut health = json!({
        "last_full": NOW, "last_good": NOW, "last_run": null, "current_run": null, "pending": 0, "errors": 0,
        "oldest_pending": null, "quota": null, "schema_version": SCHEMA_VERSION,
    });
    for (target, changes) in [(&mut told, overview), (&mut health, mirror)] {
        for (key, change) in changes.as_object().unwrap() {
            target[key] = change.clone();
        }
    }
    let empty = QueueName::ALL.into_iter().flat_map(|queue| {
        let (own, dead) = queue.health_words();
        [
            (own, Ok(QueueBacklog::default())),
            (dead, Ok(QueueBacklog::default())),
        ]
    });
    MirrorPicture {
        overview: serde_json::from_value(told).unwrap(),
        mirror: serde_json::from_value(health).unwrap(),
        queues: Some(empty.collect()),
        schedules: RunSchedules::default(),
    }
}

fn judged(picture: &MirrorPicture) -> (MirrorVerdict, Vec<&'static str>) {
    let judgement = judge(picture, NOW);
    let codes = judgement.looks.iter().map(|look| look.code).collect();
    (judgement.verdict, codes)
}

#[test]
fn faults_deserve_a_look_and_work_passes_by_itself() {
    let none = json!({});
    let running = json!({"current_run": run(&json!({"status": "running", "finished_at": null}))});
    let broken = json!({
        "is_synced": false,
        "current_run": run(&json!({"status": "running", "finished_at": null, "error_code": "database"})),
    });
    let comparing = json!({
        "current_run": run(&json!({"status": "running", "finished_at": null, "dry_run": true})),
    });
    let never = json!({"last_full": null, "last_good": null});
    for (overview, mirror, verdict, codes) in [
        (&none, &none, MirrorVerdict::InSync, vec![]),
        (&running, &none, MirrorVerdict::Working, vec![]),
        (&comparing, &none, MirrorVerdict::InSync, vec![]),
        (
            &json!({"is_synced": false}),
            &none,
            MirrorVerdict::Working,
            vec![],
        ),
        (
            &none,
            &never,
            MirrorVerdict::NeedsALook,
            vec!["never_reconciled"],
        ),
        (&running, &never, MirrorVerdict::Working, vec![]),
        (
            &broken,
            &never,
            MirrorVerdict::NeedsALook,
            vec!["never_reconciled"],
        ),
        (
            &none,
            &json!({"errors": 2}),
            MirrorVerdict::NeedsALook,
            vec!["refused"],
        ),
        (
            &none,
            &json!({"schema_version": "20200101000000"}),
            MirrorVerdict::NeedsALook,
            vec!["schema_behind"],
        ),
    ] {
        assert_eq!(
            judged(&picture(overview, mirror)),
            (verdict, codes),
            "{overview} {mirror}"
        );
    }
}

#[test]
fn messages_are_work_and_dead_letters_are_not() {
    let one = Ok(QueueBacklog {
        visible: 1,
        ..QueueBacklog::default()
    });
    let none = json!({});
    for (queue, depth, verdict, codes) in [
        ("outbound", one, MirrorVerdict::Working, vec![]),
        (
            "outbound_dead_letters",
            one,
            MirrorVerdict::NeedsALook,
            vec!["dead_letters"],
        ),
        (
            "outbound",
            Err("queue_unavailable"),
            MirrorVerdict::NeedsALook,
            vec!["queue"],
        ),
    ] {
        let mut seen = picture(&none, &none);
        seen.queues.as_mut().unwrap().insert(queue, depth);
        assert_eq!(judged(&seen), (verdict, codes), "{queue}");
    }
    let mut unasked = picture(&none, &none);
    unasked.queues = None;
    assert_eq!(judged(&unasked), (MirrorVerdict::InSync, vec![]));
    assert_eq!(
        to_json(&unasked, &judge(&unasked, NOW))["queues"],
        Value::Null
    );
}

#[test]
fn picture_is_told_in_lines() {
    let overview =
        json!({"quota": {"limit": 500, "remaining": 420, "reset_at": NOW, "seen_at": NOW}});
    let mut seen = picture(&overview, &json!({"errors": 2}));
    let depth = QueueBacklog {
        visible: 4,
        in_flight: 1,
        delayed: 0,
    };
    seen.queues.as_mut().unwrap().insert("outbound", Ok(depth));
    let told = lines(&seen, &judge(&seen, NOW), NOW);
    assert_eq!(
        told,
        [
            "1 thing deserves a look",
            "",
            "assets    3 live, 0 wait for Cloudinary, 0 refused",
            "last good run ended just now, the last full one just now",
            "quota     420 of 500 calls left, as told just now",
            "",
            "STARTED   MODE  STATUS     RESULT                                    TOOK",
            "just now  full  succeeded  0 created, 0 updated, 0 deleted, 3 equal  0 s",
            "",
            "QUEUE          WAITING  IN FLIGHT  DELAYED  GIVEN UP",
            "notifications  0        0          0        0",
            "outbound       4        1          0        0",
            "continuation   0        0          0        0",
            "",
            "! refused  Cloudinary refused decisions made here for 2 assets.",
            "    mend: GET /api/cloudinary/media?sync_status=error shows them; mend the cause, then ask for another \
             attempt (docs/operate/daily.md)",
        ]
    );
}
