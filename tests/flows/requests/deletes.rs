//! Deletes of assets that are used, and their undoing.

use end_to_end::{World, eventually, id_of};
use media_sync::cloudinary::CloudinaryResource;
use reqwest::Method;
use serde_json::{Value, json};

use super::{MEDIA, RESTORE, ask, asked_for, failures, settled};

/// A cup of the user, and a jug that twelve pages show.
pub(super) struct Shelf<'a> {
    world: &'a World,
    cup: CloudinaryResource,
    jug: CloudinaryResource,
    /// The id of the jug's row.
    jug_row: Value,
}

impl<'a> Shelf<'a> {
    pub(super) async fn open(world: &'a World) -> Self {
        let cup = world.mirrored("shop/cup, blue", 1).await;
        let jug = world.mirrored("shop/jug", 2).await;
        world.give(&cup, &world.user_id).await;
        let jug_row = world.row_of(&jug).await["id"].clone();
        let refer = "insert into public.media_usage (asset_id, usage_type, table_name, record_id, created_at)
            select $1::text::uuid, 'hero', 'pages', n::text, now() + n * interval '1 second' from generate_series(1, 12) n
            returning id";
        world.rows(refer, &[&jug_row.as_str()]).await;
        Self {
            world,
            cup,
            jug,
            jug_row,
        }
    }

    async fn delete(&self, token: &str, body: Value) -> Value {
        ask(self.world, Method::DELETE, MEDIA, token, body).await
    }

    async fn restore(&self, token: &str, body: Value) -> Value {
        ask(self.world, Method::POST, RESTORE, token, body).await
    }

    async fn settles(&self, what: &str, asset: &CloudinaryResource, live: bool) {
        settled(self.world, what, asset, live).await;
    }

    /// Nothing gets out while both are asked for.
    pub(super) async fn a_delete_is_undone_before_it_gets_out(&self) {
        let world = self.world;
        let outage = json!({"operation": "by_asset_ids", "status": 503});
        world.cloud.fault(outage).await;
        let names = json!({"public_ids": ["shop/cup, blue", "shop/jug", "shop/none"]});
        self.what_is_used_is_not_deleted(&names).await;
        self.what_is_deleted_takes_no_request().await;
        let refused = self.restore(&world.user, names).await;
        assert_eq!(
            failures(&refused),
            [
                ("shop/cup, blue", "forbidden"),
                ("shop/jug", "forbidden"),
                ("shop/none", "not_found")
            ],
            "an administrator has deleted the first; the second is somebody else's"
        );
        let cup = json!({"public_ids": ["shop/cup, blue"]});
        let restored = self.restore(&world.admin, cup).await;
        assert_eq!(restored["restored"], json!(["shop/cup, blue"]));
        world.cloud.clear_faults().await;
        world.drain().await;
        self.settles("nothing has happened", &self.cup, true).await;
    }

    async fn what_is_used_is_not_deleted(&self, names: &Value) {
        let answer = self.delete(&self.world.admin, names.clone()).await;
        assert_eq!(answer["deleted"], json!(["shop/cup, blue"]));
        assert_eq!(
            failures(&answer),
            [("shop/jug", "in_use"), ("shop/none", "not_found")]
        );
        let in_use = &answer["failed"][0];
        assert_eq!(in_use["asset_id"], json!(id_of(&self.jug)));
        assert_eq!(in_use["reference_count"], 12);
        let references = in_use["references"].as_array().expect("a list");
        assert_eq!(references.len(), 10);
        let first = json!({"table": "pages", "row": "1", "kind": "hero"});
        assert_eq!(references[0], first);
    }

    async fn what_is_deleted_takes_no_request(&self) {
        let user = &self.world.user;
        let again = json!({"asset_ids": [id_of(&self.cup)]});
        let again = self.delete(user, again).await;
        assert_eq!(failures(&again), [("shop/cup, blue", "deleted")]);
        let edit = json!({"asset_id": id_of(&self.cup), "tags": ["late"]});
        let edit = ask(self.world, Method::PATCH, MEDIA, user, edit).await;
        assert_eq!(failures(&edit), [("shop/cup, blue", "deleted")]);
    }

    /// From Cloudinary's backup: the same asset, the same row.
    pub(super) async fn a_forced_delete_is_undone_by_who_may(&self) {
        let world = self.world;
        let force = json!({"public_ids": ["shop/jug"], "force": true});
        let answer = self.delete(&world.admin, force).await;
        assert_eq!(answer["deleted"], json!(["shop/jug"]));
        self.settles("Cloudinary has deleted it", &self.jug, false)
            .await;
        let wanted = json!({"public_ids": ["shop/jug"], "resource_type": "image"});
        let answer = self.restore(&world.user, wanted.clone()).await;
        let failed = failures(&answer);
        assert_eq!(failed, [("shop/jug", "not_found")], "not the user's");
        let answer = self.restore(&world.admin, wanted).await;
        assert_eq!(answer["restored"], json!(["shop/jug"]), "{answer}");
        self.settles("it is back", &self.jug, true).await;
        assert_eq!(world.row_of(&self.jug).await["id"], self.jug_row);
    }

    pub(super) async fn what_is_live_is_not_restored(&self) {
        for live in [
            json!({"asset_ids": [id_of(&self.jug)]}),
            json!({"public_ids": ["shop/jug"]}),
        ] {
            let answer = self.restore(&self.world.admin, live).await;
            assert_eq!(failures(&answer), [("shop/jug", "not_deleted")]);
        }
    }

    pub(super) async fn named_in_two_ways_it_is_deleted_once(&self) {
        let admin = &self.world.admin;
        let twice = json!({"public_ids": ["shop/jug"], "asset_ids": [id_of(&self.jug)]});
        let mut force = twice.clone();
        force["force"] = json!(true);
        let answer = self.delete(admin, force).await;
        assert_eq!(
            (&answer["deleted"], &answer["failed"]),
            (&json!(["shop/jug"]), &json!([]))
        );
        self.settles("Cloudinary has deleted it", &self.jug, false)
            .await;
        let answer = self.restore(admin, twice).await;
        assert_eq!(answer["failed"], json!([]), "{answer}");
        self.settles("it is back", &self.jug, true).await;
    }

    /// Somebody else has it by now.
    pub(super) async fn a_name_that_is_taken_is_not_restored(&self) {
        let world = self.world;
        let gone = json!({"public_ids": ["shop/cup, blue"]});
        self.delete(&world.user, gone.clone()).await;
        self.settles("Cloudinary has deleted it", &self.cup, false)
            .await;
        world.cloud.rename("shop/jug", "shop/cup, blue").await;
        world
            .row_becomes("the other one has the name", &self.jug, |row| {
                row["cloudinary_public_id"] == "shop/cup, blue"
            })
            .await;
        let answer = self.restore(&world.user, gone).await;
        assert_eq!(failures(&answer), [("shop/cup, blue", "name_taken")]);
        assert_eq!(answer["message"], "Nothing was restored. 1 failed.");
        assert!(!world.row_of(&self.cup).await["deleted_at"].is_null());
    }

    pub(super) async fn every_request_is_in_the_trail(&self) {
        let operations = asked_for(self.world, &self.cup).await;
        let sources = operations.iter().map(|entry| &entry["source"]);
        let sources: Vec<_> = sources.collect();
        assert_eq!(sources, ["api", "api", "api"], "{operations:?}");
        eventually("nothing waits", async || {
            self.world.waiting_messages().await.is_empty()
        })
        .await;
    }
}
