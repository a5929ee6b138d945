//! Deletes that are asked for here.

use end_to_end::{World, id_of};
use media_sync::cloudinary::CloudinaryResource;
use reqwest::Method;
use serde_json::{Value, json};

const MEDIA: &str = "/api/cloudinary/media";

/// Three assets, of which a page uses one.
struct Shop {
    world: World,
    mug: CloudinaryResource,
    cup: CloudinaryResource,
    used: CloudinaryResource,
}

#[tokio::test]
async fn a_delete_is_seen_at_once_and_carried_out_in_cloudinary() {
    let shop = Shop::open().await;
    shop.somebody_elses_asset_is_not_deleted().await;
    // Cloudinary does not answer for a while, so that the moment in between can be seen.
    let outage = json!({"operation": "*", "status": 503});
    shop.world.cloud.fault(outage).await;
    shop.a_delete_is_told_item_by_item().await;
    shop.the_deleted_are_pending_and_not_listed().await;
    shop.world.cloud.clear_faults().await;
    shop.the_deletes_are_confirmed().await;
    shop.world.assert_mirrored().await;
    shop.world.stack.stop().await;
}

impl Shop {
    async fn open() -> Self {
        let world = World::start().await;
        let shop = Self {
            mug: world.mirrored("shop/mug", 1).await,
            cup: world.mirrored("shop/cup, blue", 2).await,
            used: world.mirrored("shop/used", 3).await,
            world,
        };
        let row = shop.world.row_of(&shop.used).await;
        let refer = "insert into public.media_usage (asset_id, usage_type, table_name, record_id)
            values ($1::text::uuid, 'hero', 'pages', '1') returning id";
        shop.world.rows(refer, &[&row["id"].as_str()]).await;
        shop
    }

    async fn somebody_elses_asset_is_not_deleted(&self) {
        let path = format!("{MEDIA}?public_ids=shop/mug");
        let user = Some(self.world.user.as_str());
        let call = self.world.call(Method::DELETE, &path, user, None);
        let answer = call.await.ok();
        assert_eq!(answer["deleted"], json!([]));
        assert_eq!(answer["failed"][0]["error"], "not yours to change");
    }

    async fn a_delete_is_told_item_by_item(&self) {
        let body =
            json!({"public_ids": ["shop/mug", "shop/cup, blue", "shop/used", "shop/nothing"]});
        let admin = Some(self.world.admin.as_str());
        let call = self.world.call(Method::DELETE, MEDIA, admin, Some(body));
        let answer = call.await.ok();
        assert_eq!(answer["deleted"], json!(["shop/mug", "shop/cup, blue"]));
        let failed = answer["failed"].as_array().expect("a list");
        assert_eq!(failed.len(), 2, "{failed:?}");
        let named = |name: &str| failed.iter().find(|item| item["public_id"] == name);
        let nothing = named("shop/nothing").expect("it is told");
        assert_eq!(nothing["error"], "not found");
        assert!(named("shop/used").is_some(), "{failed:?}");
    }

    async fn the_deleted_are_pending_and_not_listed(&self) {
        let row = self.world.row_of(&self.mug).await;
        assert_eq!(row["sync_status"], "pending");
        assert!(!row["deleted_at"].is_null());
        assert!(!row["deleted_by"].is_null());
        let listed = self.world.get(MEDIA).await.body;
        assert_eq!(listed["items"].as_array().expect("a list").len(), 1);
        assert_eq!(listed["sync_status"]["pending_operations"], 2);
    }

    async fn the_deletes_are_confirmed(&self) {
        let is_deleted = |row: &Value| {
            row["sync_status"] == "synced"
                && !row["deleted_at"].is_null()
                && row["intent"].is_null()
        };
        let world = &self.world;
        for asset in [&self.mug, &self.cup] {
            world
                .row_becomes("the delete is confirmed", asset, is_deleted)
                .await;
            assert!(!world.cloud.has(id_of(asset)).await);
        }
        assert!(world.cloud.has(id_of(&self.used)).await);
        let confirmed =
            "select count(*) from public.media_sync_log where operation = 'delete_confirmed'";
        assert_eq!(world.value(confirmed).await, 2);
    }
}

#[tokio::test]
async fn a_newer_upload_cancels_a_delete() {
    let world = World::start().await;
    let mug = world.mirrored("shop/mug", 1).await;
    // The worker cannot reach Cloudinary while the delete is asked for and the content replaced.
    world
        .cloud
        .fault(json!({"operation": "by_asset_ids", "status": 503}))
        .await;
    world.cloud.set(json!({"notifications_paused": true})).await;
    let answer = world
        .call(
            Method::DELETE,
            &format!("{MEDIA}?public_ids=shop/mug"),
            Some(&world.admin),
            None,
        )
        .await;
    assert_eq!(answer.body["deleted"], json!(["shop/mug"]));
    // A version counts seconds: the newer upload needs a newer second.
    end_to_end::eventually("the next second begins", async || {
        Some(end_to_end::now()) > mug.version
    })
    .await;
    let newer = world.cloud.upload("shop/mug", 2).await;
    world.cloud.clear_faults().await;

    world
        .row_becomes("the delete is cancelled", &mug, |row| {
            row["deleted_at"].is_null()
                && row["cloudinary_version"] == json!(newer.version)
                && row["intent"].is_null()
        })
        .await;
    world
        .cloud
        .set(json!({"notifications_paused": false}))
        .await;
    world.assert_mirrored().await;
    assert!(
        world.cloud.has(id_of(&mug)).await,
        "content is not destroyed by a stale decision"
    );
    let cancelled =
        "select count(*) from public.media_sync_log where operation = 'delete_cancelled'";
    assert_eq!(world.value(cancelled).await, 1);
    world.stack.stop().await;
}
