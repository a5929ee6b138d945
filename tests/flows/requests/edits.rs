//! Edits of several assets, some of them somebody else's.

use end_to_end::{World, id_of};
use media_sync::cloudinary::CloudinaryResource;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::{MEDIA, ask, asked_for, failures, settled};

/// A mug that nobody owns, and two assets of the user.
pub(super) struct Shop<'a> {
    world: &'a World,
    mug: CloudinaryResource,
    cup: CloudinaryResource,
    pot: CloudinaryResource,
}

impl<'a> Shop<'a> {
    pub(super) async fn open(world: &'a World) -> Self {
        let shop = Self {
            mug: world.mirrored("shop/mug", 1).await,
            cup: world.mirrored("shop/cup, blue", 2).await,
            pot: world.mirrored("shop/pot", 3).await,
            world,
        };
        for asset in [&shop.cup, &shop.pot] {
            world.give(asset, &world.user_id).await;
        }
        shop
    }

    async fn edit(&self, token: &str, edit: Value) -> Value {
        ask(self.world, Method::PATCH, MEDIA, token, edit).await
    }

    /// That can be edited.
    pub(super) async fn one_edit_changes_everything(&self) {
        let edit = json!({
            "asset_id": id_of(&self.mug), "tags": ["sale", "new"], "context": {"alt": "a=b|c\\d", "owner": "Ann"},
            "metadata": {"sku": "M-2"}, "display_name": "Beaker", "folder": "/sale/", "public_id": "shop/beaker",
            "description": "Only here",
        });
        let answer = self.edit(&self.world.admin, edit).await;
        let asset = json!({
            "asset_id": id_of(&self.mug), "public_id": "shop/beaker", "sync_status": "pending",
            "etag": answer["assets"][0]["etag"],
        });
        assert_eq!(
            answer,
            json!({
                "updated": ["shop/beaker"], "failed": [], "assets": [asset],
                "message": "1 updated here; Cloudinary follows.",
            })
        );
        self.cloudinary_has_the_edit().await;
    }

    async fn cloudinary_has_the_edit(&self) {
        settled(self.world, "Cloudinary has the edit", &self.mug, true).await;
        let there = self.world.cloud.fetch(id_of(&self.mug)).await;
        let there = there.expect("the asset is there");
        assert_eq!(there.public_id.as_deref(), Some("shop/beaker"));
        assert_eq!(there.asset_folder.as_deref(), Some("sale"));
        assert_eq!(there.display_name.as_deref(), Some("Beaker"));
        assert_eq!(there.tags.expect("tags").len(), 2);
        assert_eq!(there.context.expect("context")["alt"], "a=b|c\\d");
        assert_eq!(there.metadata.expect("metadata")["sku"], "M-2");
    }

    /// Only one is possible; only what is named changes.
    pub(super) async fn of_several_edits_the_possible_ones_are_done(&self) {
        let unknown = "0123456789abcdef0123456789abcdef";
        let items = json!({"items": [
            {"asset_id": id_of(&self.cup), "tags": ["mine"]},
            {"asset_id": id_of(&self.mug), "tags": ["stolen"]},
            {"asset_id": unknown, "tags": ["nobody's"]},
            {"asset_id": id_of(&self.pot), "public_id": "shop/beaker", "tags": ["all or nothing"]},
        ]});
        let answer = self.edit(&self.world.user, items).await;
        assert_eq!(answer["updated"], json!(["shop/cup, blue"]));
        assert_eq!(
            failures(&answer),
            [
                ("shop/beaker", "forbidden"),
                (unknown, "not_found"),
                ("shop/pot", "name_taken")
            ]
        );
        settled(self.world, "Cloudinary has the tag", &self.cup, true).await;
        let there = self.world.cloud.fetch(id_of(&self.cup)).await;
        let there = there.expect("the asset is there");
        assert_eq!(there.tags, Some(vec!["mine".to_owned()]));
        assert_eq!(self.world.row_of(&self.pot).await["tags"], json!([]));
    }

    pub(super) async fn what_only_this_side_knows_waits_for_nobody(&self) {
        let world = self.world;
        world.settle().await;
        world.cloud.reset_requests().await;
        let edit =
            json!({"asset_id": id_of(&self.cup), "description": "Blue", "alt_text": "A blue cup"});
        let answer = self.edit(&world.user, edit).await;
        assert_eq!(answer["assets"][0]["sync_status"], "synced", "{answer}");
        let message = "1 updated; Cloudinary has nothing to do.";
        assert_eq!(answer["message"], message);
        let row = world.row_of(&self.cup).await;
        assert_eq!(
            (&row["description"], &row["tags"]),
            (&json!("Blue"), &json!(["mine"]))
        );
        assert!(row["intent"].is_null(), "{row}");
        assert_eq!(row["sync_status"], "synced", "{row}");
        assert!(world.waiting_messages().await.is_empty(), "nothing is sent");
        assert_eq!(world.cloud.requests().await, json!({}), "and nobody called");
        let by_user = |operation: &str| json!({"operation": operation, "source": "api", "actor": world.user_id});
        assert_eq!(
            asked_for(world, &self.cup).await,
            [by_user("edit_requested"), by_user("described")]
        );
    }

    /// A faulty request is refused by name before anything is done.
    pub(super) async fn a_wrong_request_changes_nothing(&self) {
        let wrong = json!({"items": [
            {"asset_id": id_of(&self.cup), "tags": ["never"]}, {"asset_id": id_of(&self.pot), "tags": ["a,b"]},
        ]});
        let user = Some(self.world.user.as_str());
        let call = self.world.call(Method::PATCH, MEDIA, user, Some(wrong));
        let answer = call.await.body_with(StatusCode::BAD_REQUEST);
        assert_eq!(answer["parameter"], "items[1].tags[0]", "{answer}");
        assert_eq!(self.world.row_of(&self.cup).await["tags"], json!(["mine"]));
    }
}
