//! One name, three assets.

use end_to_end::{World, id_of};
use media_sync::asset::ResourceType;
use media_sync::cloudinary::CloudinaryResource;
use reqwest::Method;
use serde_json::{Value, json};

use super::harm::ask;
use super::{MEDIA, RESTORE, upload};

/// Assets with the public id `twin`.
pub(super) struct Twins<'a> {
    world: &'a World,
    image: CloudinaryResource,
    private: CloudinaryResource,
    raw: CloudinaryResource,
}

/// Names them, and says more about the one that is meant.
fn named(more: &[(&str, &str)]) -> Value {
    let mut body = json!({"public_ids": ["twin"]});
    for (field, value) in more {
        body[*field] = json!(value);
    }
    body
}

impl<'a> Twins<'a> {
    pub(super) async fn upload(world: &'a World) -> Self {
        Self {
            image: upload(world, "twin", ResourceType::Image, "upload").await,
            private: upload(world, "twin", ResourceType::Image, "private").await,
            raw: upload(world, "twin", ResourceType::Raw, "upload").await,
            world,
        }
    }

    async fn delete(&self, body: Value) -> Value {
        ask(self.world, Method::DELETE, MEDIA, body).await
    }

    async fn restore(&self, body: Value) -> Value {
        ask(self.world, Method::POST, RESTORE, body).await
    }

    /// The answer says what to add, and which assets they are.
    pub(super) async fn a_shared_name_is_ambiguous(&self) {
        let answer = self.delete(named(&[])).await;
        let failed = &answer["failed"][0];
        assert_eq!(
            (&failed["public_id"], &failed["code"]),
            (&json!("twin"), &json!("ambiguous"))
        );
        let add = "several assets have this public id: add resource_type and delivery_type, or use asset_ids";
        assert_eq!(failed["error"], add);
        let candidates = failed["candidates"].as_array().expect("a list");
        assert_eq!(candidates.len(), 3, "{failed}");
        let answer = self.delete(named(&[("resource_type", "image")])).await;
        let add = "several assets have this public id: add delivery_type, or use asset_ids";
        assert_eq!(answer["failed"][0]["error"], add, "{answer}");
    }

    pub(super) async fn a_full_name_deletes_one(&self) {
        let one = named(&[("resource_type", "image"), ("delivery_type", "private")]);
        assert_eq!(self.delete(one).await["deleted"], json!(["twin"]));
        let is_deleted = |row: &Value| row["intent"].is_null() && !row["deleted_at"].is_null();
        self.world
            .row_becomes("it is deleted", &self.private, is_deleted)
            .await;
        for asset in [&self.image, &self.raw] {
            assert!(self.world.row_of(asset).await["deleted_at"].is_null());
        }
    }

    /// Which one, somebody has to say.
    pub(super) async fn several_deleted_ones_are_ambiguous_too(&self) {
        let fill = "insert into public.media_assets
                (cloudinary_asset_id, cloudinary_public_id, resource_type, delivery_type, deleted_at, clocks)
            select md5(n::text), 'twin', 'image', 'private', now() - n * interval '1 day', '{}' from generate_series(1, 2) n
            returning id";
        self.world.rows(fill, &[]).await;
        let one = named(&[("resource_type", "image"), ("delivery_type", "private")]);
        let answer = self.restore(one).await;
        let failed = &answer["failed"][0];
        let error = "several deleted assets had this public id: use asset_ids";
        assert_eq!(failed["error"], error);
        let candidates = failed["candidates"].as_array().expect("a list");
        assert_eq!(candidates.len(), 3);
        let private = json!(id_of(&self.private));
        assert_eq!(candidates[0]["asset_id"], private, "the latest comes first");
        let answer = self.restore(json!({"asset_ids": [private]})).await;
        assert_eq!(answer["restored"], json!(["twin"]));
    }

    /// Its delete has not been carried out, so the name alone means it.
    pub(super) async fn the_one_that_still_has_the_name_comes_back(&self) {
        let world = self.world;
        let is_back = |row: &Value| row["intent"].is_null() && row["deleted_at"].is_null();
        world
            .row_becomes("it is back", &self.private, is_back)
            .await;
        let outage = json!({"operation": "by_asset_ids", "status": 503});
        world.cloud.fault(outage).await;
        let one = named(&[("delivery_type", "private")]);
        assert_eq!(self.delete(one.clone()).await["deleted"], json!(["twin"]));
        let answer = self.restore(one).await;
        let restored = &answer["assets"][0]["asset_id"];
        assert_eq!(restored, &json!(id_of(&self.private)), "{answer}");
        world.cloud.clear_faults().await;
        world.drain().await;
        world.assert_mirrored().await;
        assert!(world.cloud.has(id_of(&self.private)).await);
    }
}
