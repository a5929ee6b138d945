//! An edit of everything, in the row itself.

use end_to_end::World;
use media_sync::cloudinary::CloudinaryResource;
use reqwest::StatusCode;
use serde_json::json;

use super::{is_settled, sorted, there};

pub(super) async fn bad_and_foreign_edits_are_refused(world: &World, mug: &CloudinaryResource) {
    let edit = json!({
        "tags": ["kept", "sale", "new, no"], "cloudinary_public_id": "shop/cup", "folder": "sale",
    });
    let refused = world.edit(mug, &world.admin, edit).await;
    refused.assert_status(StatusCode::BAD_REQUEST);
    let edit = json!({"folder": "mine"});
    let refused = world.edit(mug, &world.user, edit).await.body;
    assert_eq!(refused, json!([]), "somebody else's asset");
}

pub(super) async fn an_edit_is_pending_and_keeps_its_base(world: &World, mug: &CloudinaryResource) {
    let edit = json!({
        "tags": ["sale", "kept"], "context": {"alt": "a=b|c\\d", "owner": "Ann", "caption": ""},
        "metadata": {"sku": "M-2", "weight": 1.5, "sizes": []}, "display_name": "Cup", "folder": "sale",
        "cloudinary_public_id": "shop/cup", "description": "Only here",
    });
    let edited = world.edit(mug, &world.admin, edit).await;
    edited.assert_status(StatusCode::OK);
    let row = world.row_of(mug).await;
    assert_eq!(row["sync_status"], "pending", "{row}");
    assert_eq!(row["context"], json!({"alt": "a=b|c\\d", "owner": "Ann"}));
    assert_eq!(row["observed"]["context"]["caption"], "Mug");
}

pub(super) async fn cloudinary_follows(world: &World, mug: &CloudinaryResource) {
    world.drain().await;
    world
        .row_becomes("Cloudinary has followed", mug, is_settled)
        .await;
    let there = there(world, mug).await;
    assert_eq!(sorted(there.tags), ["kept", "sale"]);
    let context =
        [("alt", "a=b|c\\d"), ("owner", "Ann")].map(|(k, v)| (k.to_owned(), v.to_owned()));
    assert_eq!(there.context, Some(context.into()));
    let metadata = json!(there.metadata.expect("metadata"));
    assert_eq!(metadata, json!({"sku": "M-2", "weight": "1.5"}));
    let row = world.row_of(mug).await;
    assert_eq!(row["metadata"], metadata, "as the field's type has it");
    assert_eq!(there.display_name.as_deref(), Some("Cup"));
    assert_eq!(there.asset_folder.as_deref(), Some("sale"));
    assert_eq!(there.public_id.as_deref(), Some("shop/cup"));
}

pub(super) async fn the_trail_names_who_edited(world: &World) {
    for operation in ["edit_requested", "edit_confirmed"] {
        let sql = format!(
            "select count(*) from public.media_sync_log where operation = '{operation}' and actor is not null"
        );
        assert_eq!(world.value(&sql).await, 1, "{operation}");
    }
    let amiss = "select count(*) from public.media_sync_log where status = 'error' or operation = 'conflict'";
    assert_eq!(world.value(amiss).await, 0);
}
