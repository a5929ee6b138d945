//! Seeded stories on the whole stack. People edit both sides while notifications are lost, doubled
//! and overtaken. Calls fail before and after their effect, and parts of the stack are killed.
//! `make chaos-stack SEEDS=50` plays more of them.

#![expect(
    clippy::print_stdout,
    reason = "seeds and what became of them are what is reported"
)]

use chaos::people;
use end_to_end::{World, eventually, eventually_or_tell, now};
use local_stack::StackPart;
use media_sync::asset::{AssetId, DeliveryName, ResourceType};
use media_sync::cloudinary::ResourceUpdate;
use media_sync::cloudinary::upload::{
    BulkTargets, ContextCommand, RenameRequest, TagCommand, UploadOptions,
};
use media_sync::row::AssetRow;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};
use reqwest::StatusCode;
use serde_json::{Value, json};

const EVENTS: usize = 40;
const NAMES: [&str; 6] = ["mug", "cup", "jar", "pot", "pan", "lid"];
const TAGS: [&str; 4] = ["red", "blue", "new", "old"];

#[tokio::test]
async fn stories_of_mischief_end_with_both_sides_equal() {
    let number = |name: &str| {
        std::env::var(name)
            .ok()
            .and_then(|value| value.parse().ok())
    };
    let seeds: u64 = number("CHAOS_SEEDS").unwrap_or(1);
    let from: u64 = number("CHAOS_FROM").unwrap_or_else(|| rand::random::<u32>().into());
    for seed in from..from + seeds {
        println!("seed {seed}; again: make chaos-stack SEEDS=1 FROM={seed}");
        let mut story = Story {
            world: World::start().await,
            rng: StdRng::seed_from_u64(seed),
            uploaded: 0,
        };
        story.play(seed).await;
        story.world.stack.stop().await;
    }
}

struct Story {
    world: World,
    rng: StdRng,
    /// When something was last uploaded, in Unix seconds.
    uploaded: i64,
}

impl Story {
    async fn play(&mut self, seed: u64) {
        self.world
            .cloud
            .chaos(json!({
                "seed": seed, "drop": self.rng.random_range(0.0..0.4), "duplicate": self.rng.random_range(0.0..0.3),
                "delay_ms": 400, "reorder": 0.3, "reorder_window_ms": 800,
            }))
            .await;
        self.world
            .cloud
            .set(json!({
                "asset_id_reused_after_backup": self.rng.random_bool(0.5),
                // People write into fields that nobody has defined here.
                "any_metadata_field": true,
            }))
            .await;
        for _ in 0..EVENTS {
            match self.rng.random_range(0..20) {
                0..9 => self.change_there().await,
                9..15 => self.decide_here().await,
                15 => self.world.drain().await,
                16 => self.fail_some_calls().await,
                17 => self.kill_a_part().await,
                18 => drop(self.world.sync(json!({"mode": "incremental"})).await),
                _ => drop(self.world.sync(json!({})).await),
            }
        }
        self.calm_down().await;
    }

    fn name(&mut self) -> String {
        (*NAMES.choose(&mut self.rng).expect("there are names")).to_owned()
    }

    fn tag(&mut self) -> String {
        (*TAGS.choose(&mut self.rng).expect("there are tags")).to_owned()
    }

    /// Changes something in Cloudinary. A refusal is nobody's concern here.
    async fn change_there(&mut self) {
        let name = self.name();
        match self.rng.random_range(0..10) {
            0..3 => self.upload_there(&name).await,
            3 => {
                if let Some(id) = self.some_id().await {
                    let _refused = self.world.cloud.api().destroy(&id, true).await;
                }
            }
            4 => {
                if let Some(id) = self.some_id().await {
                    let _refused = self.world.cloud.api().restore(&[id]).await;
                }
            }
            5 => self.rename_there(name).await,
            6 | 7 => self.tag_there(&name).await,
            8 => self.describe_there(&name).await,
            _ => self.move_there().await,
        }
    }

    async fn upload_there(&mut self, name: &str) {
        let options = UploadOptions {
            tags: vec![self.tag()],
            ..UploadOptions::default()
        };
        let colour = self.rng.random();
        self.await_another_second().await;
        self.world.cloud.upload_with(name, colour, options).await;
        self.uploaded = now();
    }

    async fn rename_there(&mut self, name: String) {
        let from = DeliveryName {
            resource_type: ResourceType::Image,
            delivery_type: "upload".to_owned(),
            public_id: name,
        };
        let rename = RenameRequest {
            from: &from,
            to_public_id: &self.name(),
            to_type: None,
            overwrite: false,
            invalidate: false,
        };
        let _refused = self.world.cloud.api().rename(&rename).await;
    }

    async fn tag_there(&mut self, name: &str) {
        let adds = self.rng.random_bool(0.6);
        let command = if adds {
            TagCommand::Add
        } else {
            TagCommand::Remove
        };
        let tags = [self.tag()];
        let names = [name.to_owned()];
        let api = self.world.cloud.api();
        let _refused = api.update_tags(images(&names), command, &tags).await;
    }

    async fn describe_there(&mut self, name: &str) {
        let value = format!("theirs-{}", self.rng.random::<u16>());
        let pairs = [("alt".to_owned(), value)].into();
        let names = [name.to_owned()];
        let command = ContextCommand::Add(&pairs);
        let api = self.world.cloud.api();
        let _refused = api.update_context(images(&names), command).await;
    }

    /// Gives an asset another folder and display name.
    async fn move_there(&mut self) {
        let Some(id) = self.some_id().await else {
            return;
        };
        let update = ResourceUpdate {
            asset_folder: Some("shop".to_owned()),
            display_name: Some(format!("theirs {}", self.rng.random::<u16>())),
            ..ResourceUpdate::default()
        };
        let _refused = self.world.cloud.api().update_resource(&id, &update).await;
    }

    /// Two uploads within a second share a version. Then only the second one's notification tells
    /// that its bytes are others. No story that loses it could end well.
    async fn await_another_second(&self) {
        let last = self.uploaded;
        eventually("another second has begun", async || now() > last).await;
    }

    async fn some_row(&mut self) -> Option<AssetRow> {
        let rows = self
            .world
            .rows(
                "select * from public.media_assets order by created_at, id",
                &[],
            )
            .await;
        let row = rows.choose(&mut self.rng)?;
        Some(serde_json::from_value(row.clone()).expect("rows are readable"))
    }

    async fn some_id(&mut self) -> Option<AssetId> {
        Some(self.some_row().await?.cloudinary_asset_id)
    }

    /// Through the Data API, which may be dead, or refuse it.
    async fn decide_here(&mut self) {
        let Some(row) = self.some_row().await else {
            return;
        };
        let decision = people::decision(&mut self.rng, &row);
        let admin = &self.world.admin;
        let answer = match decision.item(row.id) {
            Some(item) => {
                let items = json!({"p_items": [item]});
                self.world.request("media_request_edit", admin, items).await
            }
            None => {
                let url = format!("cloudinary_asset_id=eq.{}", row.cloudinary_asset_id);
                self.world.write(&url, admin, decision.columns()).await
            }
        };
        let fine = [
            StatusCode::OK,
            StatusCode::CONFLICT,
            StatusCode::BAD_REQUEST,
        ];
        assert!(
            fine.contains(&answer.status),
            "{decision:?}: {} {}",
            answer.status,
            answer.body
        );
    }

    async fn fail_some_calls(&mut self) {
        let times = self.rng.random_range(1..4);
        let mut fault = json!({"operation": "*", "times": times});
        match self.rng.random_range(0..3) {
            0 => fault["status"] = json!(503),
            1 => fault["drop_connection"] = json!("before"),
            _ => fault["drop_connection"] = json!("after"),
        }
        // Only what the workers call: the people of the story want to be heard.
        let operation = [
            "by_asset_ids",
            "tags",
            "context",
            "metadata",
            "asset_destroy",
            "update_by_asset_id",
        ];
        fault["operation"] = json!(operation.choose(&mut self.rng));
        self.world.cloud.fault(fault).await;
    }

    async fn kill_a_part(&mut self) {
        let part = *[
            StackPart::PostgREST,
            StackPart::AwsWorker,
            StackPart::Cloudinary,
        ]
        .choose(&mut self.rng)
        .expect("there are parts");
        self.world.stack.kill(part).await.expect("it can be killed");
        if part != StackPart::AwsWorker {
            self.world
                .stack
                .start_again(part)
                .await
                .expect("it comes back");
        }
    }

    /// Everybody stops; then one full run.
    async fn calm_down(&self) {
        self.world.cloud.clear_faults().await;
        self.world.cloud.chaos(json!({})).await;
        // The first run finds assets of which no news came. Until then a rename to the name of one is refused for ever.
        for _ in 0..2 {
            eventually("a full run succeeds", async || {
                self.world.sync(json!({"mode": "full"})).await.body["status"] == "succeeded"
            })
            .await;
            self.rest().await;
        }
        self.world.assert_mirrored().await;
        let counts = self
            .world
            .rows(
                "select operation, count(*) from public.media_sync_log group by 1 order by 1",
                &[],
            )
            .await;
        let told = |row: &Value| {
            format!(
                "{} {}",
                row["operation"].as_str().unwrap_or("?"),
                row["count"]
            )
        };
        println!(
            "  {}",
            counts.iter().map(told).collect::<Vec<_>>().join(", ")
        );
    }

    /// Nothing is on its way any more; refused decisions are tried again.
    async fn rest(&self) {
        self.world.cloud.quiet().await;
        let open =
            "select to_jsonb(m) as row from public.media_assets m where sync_status <> 'synced'";
        let open = async || self.world.rows(open, &[]).await;
        // What waits minutes for its next attempt, or for the drain to send it again, waits seconds.
        let sooner = "update public.media_assets set sync_next_attempt_at = now() + interval '10 seconds'
            where intent is not null and sync_next_attempt_at > now() + interval '20 seconds' returning id";
        let rests = async || {
            let retry = self
                .world
                .request("media_request_retry", &self.world.admin, json!({}))
                .await;
            assert_eq!(retry.status, StatusCode::OK, "{}", retry.body);
            self.world.rows(sooner, &[]).await;
            self.world.drain().await;
            self.world.cloud.quiet().await;
            self.world.waiting_messages().await.is_empty() && open().await.is_empty()
        };
        let standing = async || {
            let waiting = self.world.waiting_messages().await;
            format!("nothing waits; {waiting:?}, {:?}", open().await)
        };
        eventually_or_tell(rests, standing).await;
    }
}

fn images(names: &[String]) -> BulkTargets<'_> {
    BulkTargets {
        resource_type: ResourceType::Image,
        delivery_type: "upload",
        public_ids: names,
    }
}
