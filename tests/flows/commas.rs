//! Names that hold a comma. Cloudinary may split a list of names there, and mean other assets.

use end_to_end::{World, id_of};
use media_sync::cloudinary::CloudinaryResource;
use reqwest::Method;
use serde_json::{Value, json};

#[tokio::test]
async fn a_name_with_a_comma_means_its_own_asset_alone() {
    let world = World::start().await;
    world.cloud.define_field("stock", "integer").await;
    for splits in [true, false] {
        let switch = json!({"public_ids_split_at_commas": splits});
        world.cloud.set(switch).await;
        let trio = Trio::arrive(&world, &format!("splits-{splits}")).await;
        an_edit_reaches_its_asset_alone(&world, &trio).await;
        so_does_the_edit_of_what_is_there(&world, &trio).await;
        a_look_by_name_finds_it(&world, &trio).await;
        a_rename_and_a_delete_reach_it(&world, &trio).await;
    }
    world.assert_mirrored().await;
    world.stack.stop().await;
}

/// An asset whose name is that of two others, with a comma between.
struct Trio {
    whole: CloudinaryResource,
    parts: [CloudinaryResource; 2],
    name: String,
}

impl Trio {
    async fn arrive(world: &World, folder: &str) -> Self {
        let [first, second] = ["mug", "blue"].map(|part| format!("{folder}/{part}"));
        let name = format!("{first},{second}");
        Self {
            whole: world.mirrored(&name, 1).await,
            parts: [
                world.mirrored(&first, 2).await,
                world.mirrored(&second, 3).await,
            ],
            name,
        }
    }

    async fn assert_others_untouched(&self, world: &World) {
        for part in &self.parts {
            let now = world.cloud.fetch(id_of(part)).await;
            let now = now.expect("nobody deletes the others");
            assert_eq!(now.tags.unwrap_or_default(), Vec::<String>::new());
            assert_eq!(now.context.unwrap_or_default(), [].into());
            assert_eq!(now.metadata.unwrap_or_default(), serde_json::Map::new());
        }
    }
}

async fn edit(world: &World, trio: &Trio, edit: Value, is: impl Fn(&Value) -> bool) {
    let answer = world.edit(&trio.whole, &world.admin, edit).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    world.drain().await;
    let agrees = |row: &Value| row["sync_status"] == "synced" && is(row);
    world
        .row_becomes("both sides agree", &trio.whole, agrees)
        .await;
    trio.assert_others_untouched(world).await;
}

async fn an_edit_reaches_its_asset_alone(world: &World, trio: &Trio) {
    let wanted = json!({
        "tags": ["old", "sale"], "context": {"alt": "A mug", "note": "x"}, "metadata": {"stock": 7}, "folder": "shelf",
    });
    edit(world, trio, wanted.clone(), |row| {
        let fields = wanted.as_object().expect("an edit");
        fields.iter().all(|(field, value)| row[field] == *value)
    })
    .await;
}

/// The call replaces tags and context: what is not edited has to stay.
async fn so_does_the_edit_of_what_is_there(world: &World, trio: &Trio) {
    let wanted =
        json!({"tags": ["sale", "new"], "context": {"alt": "A cup"}, "metadata": {"stock": 8}});
    edit(world, trio, wanted, |row| {
        row["tags"] == json!(["new", "sale"])
            && row["context"] == json!({"alt": "A cup"})
            && row["metadata"] == json!({"stock": 8})
            && row["folder"] == "shelf"
    })
    .await;
}

async fn a_look_by_name_finds_it(world: &World, trio: &Trio) {
    world.cloud.chaos(json!({"drop": 1.0})).await;
    let unknown = format!("{}-unknown", trio.name);
    let asset = world.cloud.upload(&unknown, 4).await;
    let run = world
        .sync(json!({"public_ids": [trio.name, unknown]}))
        .await;
    assert_eq!(run.body["status"], "succeeded", "{}", run.body);
    assert_eq!(run.body["not_found"], json!([]), "{}", run.body);
    assert_eq!(world.row_of(&asset).await["sync_status"], "synced");
    world.cloud.quiet().await;
    world.cloud.chaos(json!({})).await;
}

async fn a_rename_and_a_delete_reach_it(world: &World, trio: &Trio) {
    let name = format!("{},again", trio.name);
    edit(world, trio, json!({"cloudinary_public_id": name}), |row| {
        row["cloudinary_public_id"] == *name
    })
    .await;
    let body = json!({"public_ids": [name]});
    let path = "/api/cloudinary/media";
    let answer = world.call(Method::DELETE, path, Some(&world.admin), Some(body));
    assert_eq!(answer.await.body["deleted"], json!([name]));
    world.drain().await;
    world.settle().await;
    assert!(!world.cloud.has(id_of(&trio.whole)).await);
    trio.assert_others_untouched(world).await;
}
