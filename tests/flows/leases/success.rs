//! The proof that both sides hold the same.

use serde_json::{Value, json};

use super::{Database, row, step};

const MOMENT: &str = "2026-01-01T00:00:00Z";

/// Deleted here but not yet there; restored here but not yet there.
const DECIDED: &str =
    "insert into public.media_assets
        (cloudinary_asset_id, cloudinary_public_id, resource_type, deleted_at, sync_status, clocks, intent)
     select lpad(number::text, 32, '0'), 'mug-' || number, 'image', deleted_at, 'pending', clocks,
        jsonb_build_object('existence', jsonb_build_object('op', op), 'at', 1)
     from (values
        (4, now(), 'delete', '{\"alive\": 100}'::jsonb),
        (8, null, 'restore', '{\"alive\": 100, \"gone\": 200}')
     ) as decided (number, deleted_at, op, clocks)";

pub(super) async fn every_difference_that_is_explained_is_counted(database: &Database) {
    // Listed and live; uploaded during the run and not listed; listed and deleted during the run.
    let rows = [
        row(1, json!({"alive": 100}), Value::Null),
        row(2, json!({"alive": 1_000}), Value::Null),
        row(3, json!({"alive": 100, "gone": 950}), json!(MOMENT)),
    ];
    let run = database.lead_full().await;
    database.apply(step(&run, &rows, &[1, 3, 4])).await;
    database.sql(DECIDED).await;
    let ended = database.finish(&run).await;
    assert_eq!(ended["status"], "succeeded", "{ended}");
    let counts = json!({
        "listed": 3, "live": 3, "suspects": 0, "new": 1, "returning": 1, "gone": 2, "unaccounted": 0,
    });
    assert_eq!(ended["verification"], counts);
}

pub(super) async fn a_live_row_that_nobody_has_seen_is_a_suspect(database: &Database) {
    let run = database.lead_full().await;
    let unseen = row(5, json!({"alive": 999}), Value::Null);
    database.apply(step(&run, &[unseen], &[1, 2])).await;
    let arguments = json!({"p_run_id": run["id"], "p_after": "", "p_limit": 10});
    let suspects = database.rpc("media_sync_suspects", arguments).await.body;
    assert_eq!(suspects.as_array().expect("a list").len(), 1, "{suspects}");
    assert_eq!(suspects[0]["clocks"]["alive"], 999);
    let ended = database.finish(&run).await;
    assert_eq!(
        (&ended["status"], &ended["error_code"]),
        (&json!("failed"), &json!("unverified")),
        "{ended}"
    );
    assert_eq!(ended["verification"]["suspects"], 1);
}

/// One has no row, and the row of one was deleted before anybody looked.
pub(super) async fn assets_without_a_live_row_are_unaccounted(database: &Database) {
    let run = database.lead_full().await;
    let deleted = row(6, json!({"gone": 899}), json!(MOMENT));
    let listed = [1, 2, 5, 6, 7];
    database.apply(step(&run, &[deleted], &listed)).await;
    let ended = database.finish(&run).await;
    assert_eq!(ended["status"], "failed", "{ended}");
    assert_eq!(ended["verification"]["unaccounted"], 2);
}
