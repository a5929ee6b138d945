//! Cloudinary's asset id and the row's id: each names the asset wherever an asset is named.

use end_to_end::{World, id_of};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::MEDIA;

pub(super) async fn both_kinds_name_an_asset_everywhere(world: &World) {
    let cup = world.mirrored("ids/cup", 3).await;
    let row = world.row_of(&cup).await["id"].clone();
    let ids = [json!(id_of(&cup)), row.clone()];
    let admin = world.admin.as_str();
    for (number, id) in ids.iter().enumerate() {
        in_requests(world, id).await;
        in_collections(world, id, &row).await;
        in_uses(world, id, &row).await;
        let path = format!(
            "/api/cloudinary/audit?operation=described&asset_id={}",
            text(id)
        );
        let trail = world.call(Method::GET, &path, Some(admin), None).await.ok();
        assert_eq!(
            trail["items"].as_array().map(Vec::len),
            Some(number + 1),
            "{trail}"
        );
        let path = format!("{MEDIA}/{}", text(id));
        let told = world.call(Method::GET, &path, Some(admin), None).await.ok();
        assert_eq!(told["asset"]["id"], row);
    }
    let unknown = json!({"p_asset": "00000000-0000-4000-8000-000000000007"});
    let answer = world.request("media_where_used", admin, unknown).await;
    answer.assert_status(StatusCode::NOT_FOUND);
}

fn text(id: &Value) -> &str {
    id.as_str().expect("a text")
}

async fn in_requests(world: &World, id: &Value) {
    for (function, item) in [
        (
            "media_request_edit",
            json!({"asset_id": id, "description": id}),
        ),
        ("media_request_delete", json!({"asset_id": id})),
        ("media_request_restore", json!({"asset_id": id})),
    ] {
        let items = json!({"p_items": [item]});
        let answer = world.request(function, &world.admin, items).await.ok();
        assert_eq!(answer["failed"], json!([]), "{function} {id}");
    }
}

async fn in_collections(world: &World, id: &Value, row: &Value) {
    let made = "insert into public.media_collections (name, owner) values ($2, $1::text::uuid) returning id::text";
    let made = world.rows(made, &[&world.user_id, &text(id)]).await;
    let named = json!({"p_collection": made[0]["id"], "p_assets": [id]});
    for function in [
        "media_collection_add",
        "media_collection_reorder",
        "media_collection_remove",
    ] {
        let answer = world
            .request(function, &world.user, named.clone())
            .await
            .ok();
        assert_eq!(
            answer["done"],
            json!([{"asset_id": row}]),
            "{function} {id}"
        );
    }
}

async fn in_uses(world: &World, id: &Value, row: &Value) {
    let place = json!({"p_usage_type": "hero", "p_table_name": "pages", "p_record_id": "9", "p_assets": [id]});
    let recorded = world
        .request("media_usage_record", &world.admin, place.clone())
        .await
        .ok();
    assert_eq!(recorded["done"], json!([{"asset_id": row}]), "{recorded}");
    let used = world
        .request("media_where_used", &world.admin, json!({"p_asset": id}))
        .await
        .ok();
    assert_eq!(used["usage_count"], 1, "{used}");
    let dropped = world
        .request("media_usage_drop", &world.admin, place)
        .await
        .ok();
    assert_eq!(
        dropped["done"].as_array().map(Vec::len),
        Some(1),
        "{dropped}"
    );
}
