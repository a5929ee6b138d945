//! Texts that have broken into other systems, as ids and as values.

use end_to_end::{World, id_of};
use media_sync::cloudinary::CloudinaryResource;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::{MEDIA, RESTORE};

const HARMFUL: &[&str] = &[
    "'; drop table public.media_assets; --",
    "' or '1'='1",
    "\" or true; --",
    "shop/%",
    "*",
    "_____",
    "shop/mug' union select * from auth.users --",
    "eq.shop/mug",
    "a),or(deleted_at.is.null",
    "{shop/mug,shop/cup}",
    "[\"shop/mug\"]",
    "\\",
    "\\' or 1=1 --",
    "$1",
    "$$; delete from public.media_assets; $$",
    "null",
    "../shop/mug",
    "shop/mug\u{202e}",
    "\u{fffd}\u{1f4a9}",
];

/// A hash of all rows but one, which must not change.
pub(super) async fn others(world: &World, asset: &CloudinaryResource) -> Value {
    let sql = format!(
        "select md5(string_agg(to_jsonb(m)::text, '' order by m.id)) from public.media_assets m
         where m.cloudinary_asset_id <> '{}'",
        id_of(asset)
    );
    world.value(&sql).await
}

/// Asks in the administrator's name, and gives the body of the answer.
pub(super) async fn ask(world: &World, method: Method, path: &str, body: Value) -> Value {
    let admin = Some(world.admin.as_str());
    world.call(method, path, admin, Some(body)).await.ok()
}

/// However they come.
pub(super) async fn harmful_ids_name_nothing(world: &World) {
    for (method, path, done) in [
        (Method::DELETE, MEDIA, "deleted"),
        (Method::POST, RESTORE, "restored"),
    ] {
        for ids in ["public_ids", "asset_ids"] {
            let answer = ask(world, method.clone(), path, json!({ids: HARMFUL})).await;
            assert_eq!(answer[done], json!([]), "{answer}");
            let failed = answer["failed"].as_array().expect("a list");
            assert_eq!(failed.len(), HARMFUL.len(), "{answer}");
        }
    }
    for field in ["resource_type", "delivery_type"] {
        for text in HARMFUL {
            a_harmful_type_deletes_nothing(world, field, text).await;
        }
    }
    harmful_ids_in_a_query_name_nothing(world).await;
}

async fn a_harmful_type_deletes_nothing(world: &World, field: &str, text: &str) {
    let body = json!({"public_ids": ["twin"], field: text});
    let admin = Some(world.admin.as_str());
    let answer = world.call(Method::DELETE, MEDIA, admin, Some(body)).await;
    let refused = answer.status == StatusCode::BAD_REQUEST;
    let nothing = answer.body["deleted"] == json!([]);
    assert!(refused || nothing, "{text}: {}", answer.body);
}

async fn harmful_ids_in_a_query_name_nothing(world: &World) {
    let path = format!("{MEDIA}?public_ids=%25,'%20or%201=1,*&force=true");
    let admin = Some(world.admin.as_str());
    let answer = world.call(Method::DELETE, &path, admin, None).await.body;
    let failed = answer["failed"].as_array().expect("a list");
    assert_eq!(failed.len(), 3, "{answer}");
}

/// Of the one asset that is edited.
pub(super) async fn harmful_values_are_values(world: &World, mug: &CloudinaryResource) {
    for text in HARMFUL {
        let edit = json!({
            "asset_id": id_of(mug), "tags": [text.replace(',', ";")], "context": {*text: text}, "metadata": {"sku": text},
            "display_name": text.replace('/', "|"), "folder": text.replace("..", "").trim_matches('/'),
            "description": text, "alt_text": text,
        });
        let answer = ask(world, Method::PATCH, MEDIA, edit.clone()).await;
        assert_eq!(answer["updated"], json!(["shop/mug"]), "{text}: {answer}");
        let row = world.row_of(mug).await;
        for field in ["tags", "display_name", "folder", "description", "alt_text"] {
            assert_eq!(row[field], edit[field], "{text}");
        }
        assert_eq!(row["context"][*text], *text);
    }
}
