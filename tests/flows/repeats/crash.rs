//! A connection that dies in the middle of a request of two items.

use end_to_end::{World, eventually, id_of};
use reqwest::StatusCode;
use serde_json::json;

use super::keys::{Shop, is_replay};
use super::transaction;

/// The repeat does it all.
pub(super) async fn a_crash_leaves_neither_effect_nor_key(shop: &Shop<'_>) {
    let world = shop.world;
    world.settle().await;
    let kept = shop.kept_keys().await;
    let both = json!({"items": [
        {"asset_id": id_of(&shop.cup), "folder": "crashed"}, {"asset_id": id_of(&shop.mug), "folder": "crashed"},
    ]});
    // The first item's change waits for its statistics, whichever of their rows it takes.
    let held = transaction(world, "lock table public.media_stats in share mode").await;
    let request = shop.patch("k-4", &world.admin, both.clone());
    let (answer, ()) = futures::future::join(request, kill_the_waiting_request(world)).await;
    answer.assert_status(StatusCode::SERVICE_UNAVAILABLE);
    drop(held);
    let folder = &world.row_of(&shop.cup).await["folder"];
    assert_eq!(folder, "", "the first item is undone as well");
    assert_eq!(shop.kept_keys().await, kept);

    let repeat = shop.patch("k-4", &world.admin, both).await;
    let updated = &repeat.body["updated"];
    assert_eq!(updated, &json!(["shop/cup", "shop/mug"]), "{}", repeat.body);
    assert!(!is_replay(&repeat));
}

async fn kill_the_waiting_request(world: &World) {
    let killed = "select pg_terminate_backend(pid) as done from pg_stat_activity
        where wait_event_type = 'Lock' and query like '%media_request_edit%' and pid <> pg_backend_pid()";
    eventually("it waits with its first item done, and dies", async || {
        !world.rows(killed, &[]).await.is_empty()
    })
    .await;
}
