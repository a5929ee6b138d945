//! Decisions that have not got out when a full run comes.

use end_to_end::{World, id_of};
use media_sync::cloudinary::CloudinaryResource;
use reqwest::StatusCode;
use serde_json::json;

use super::{is_settled, request, shop_mug};

/// One is to come back, one is to go, one is to have another name.
pub(super) struct Shop<'a> {
    world: &'a World,
    mug: CloudinaryResource,
    cup: CloudinaryResource,
    jug: CloudinaryResource,
}

impl<'a> Shop<'a> {
    pub(super) async fn open(world: &'a World) -> Self {
        Self {
            mug: shop_mug(world).await,
            cup: world.mirrored("shop/cup", 2).await,
            jug: world.mirrored("shop/jug", 3).await,
            world,
        }
    }

    pub(super) async fn three_decisions_do_not_get_out(&self) {
        let world = self.world;
        request(world, "media_request_delete", &self.mug).await;
        world.drain().await;
        world
            .row_becomes("it is deleted", &self.mug, is_settled)
            .await;
        let outage = json!({"operation": "rename", "status": 503});
        world.cloud.fault(outage).await;
        request(world, "media_request_restore", &self.mug).await;
        request(world, "media_request_delete", &self.cup).await;
        let edit = json!({"cloudinary_public_id": "shop/vase"});
        let edited = world.edit(&self.jug, &world.admin, edit).await;
        edited.assert_status(StatusCode::OK);
        // The run would send what waits, so it is not due yet.
        let later =
            "update public.media_assets set sync_next_attempt_at = now() + interval '1 hour'
            where intent is not null returning id";
        world.rows(later, &[]).await;
    }

    pub(super) async fn a_full_run_counts_them(&self) {
        let run = self.world.sync(json!({})).await.body;
        assert_eq!(run["status"], "succeeded", "{run}");
        assert_eq!(run["deleted_items"], 0, "{run}");
        assert_eq!(run["updated_items"], 0, "{run}");
        let verification = "select verification from public.sync_runs where is_good";
        let verification = self.world.value(verification).await;
        assert_eq!(verification["returning"], 1, "{verification}");
        assert_eq!(verification["gone"], 1, "{verification}");
    }

    pub(super) async fn all_stay_as_they_are_wanted(&self) {
        let world = self.world;
        assert!(world.row_of(&self.mug).await["deleted_at"].is_null());
        assert!(!world.row_of(&self.cup).await["deleted_at"].is_null());
        let row = world.row_of(&self.jug).await;
        assert_eq!(row["cloudinary_public_id"], "shop/vase");
    }

    pub(super) async fn cloudinary_follows(&self) {
        let world = self.world;
        world.cloud.clear_faults().await;
        world.drain().await;
        for asset in [&self.mug, &self.cup, &self.jug] {
            world
                .row_becomes("Cloudinary has followed", asset, is_settled)
                .await;
        }
        assert!(world.cloud.has(id_of(&self.mug)).await);
        assert!(!world.cloud.has(id_of(&self.cup)).await);
    }
}
