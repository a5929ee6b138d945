//! Tags that are added and removed one by one.

use end_to_end::{World, id_of};
use futures::future::join_all;
use media_sync::cloudinary::CloudinaryResource;
use serde_json::{Value, json};

use super::{is_settled, sorted, there};

/// Asks for these changes of tags.
async fn ask(world: &World, asset: &CloudinaryResource, mut item: Value) -> Value {
    item["asset_id"] = json!(id_of(asset));
    let items = json!({"p_items": [item]});
    let answer = world.request("media_request_edit", &world.admin, items);
    answer.await.ok()
}

/// Each has read the asset before any of them writes.
pub(super) async fn many_people_add_tags_at_once_and_none_is_lost(
    world: &World,
    mug: &CloudinaryResource,
) {
    let names: Vec<String> = (0..8).map(|number| format!("of-{number}")).collect();
    let asked = names
        .iter()
        .map(|name| ask(world, mug, json!({"add_tags": [name]})));
    for answer in join_all(asked).await {
        assert_eq!(answer["failed"], json!([]), "{answer}");
    }
    let removed = ask(
        world,
        mug,
        json!({"add_tags": ["more"], "remove_tags": ["old", "of-0"]}),
    )
    .await;
    let mut expected = vec!["kept", "more"];
    expected.extend(names[1..].iter().map(String::as_str));
    assert_eq!(removed["done"][0]["asset"]["tags"], json!(expected));
    world.drain().await;
    world
        .row_becomes("Cloudinary has all of them", mug, is_settled)
        .await;
    assert_eq!(sorted(there(world, mug).await.tags), expected);
}

/// The row shows the tags as they are wanted; in Cloudinary they have changed, and nobody has told.
pub(super) async fn what_is_asked_for_holds_though_its_news_had_not_come(
    world: &World,
    mug: &CloudinaryResource,
) {
    world.cloud.chaos(json!({"drop": 1.0})).await;
    world.cloud.remove_tag("shop/mug", "kept").await;
    world.cloud.add_tag("shop/mug", "stray").await;
    let shown = world.row_of(mug).await["tags"].clone();
    let answer = ask(
        world,
        mug,
        json!({"add_tags": ["kept"], "remove_tags": ["stray"]}),
    )
    .await;
    assert_eq!(answer["done"][0]["sync_status"], "pending");
    assert_eq!(
        answer["done"][0]["asset"]["tags"], shown,
        "it looked so before"
    );
    world.drain().await;
    world
        .row_becomes("both sides have it so", mug, is_settled)
        .await;
    let row = world.row_of(mug).await;
    assert_eq!(row["tags"], shown);
    assert_eq!(json!(sorted(there(world, mug).await.tags)), shown);
    let entry = "select details -> 'asked_tags' from public.media_sync_log
        where operation = 'edit_requested' order by id desc limit 1";
    assert_eq!(
        world.value(entry).await,
        json!({"kept": true, "stray": false})
    );
    world.cloud.chaos(json!({"drop": 0.0})).await;
}

pub(super) async fn contradictions_are_refused(world: &World, mug: &CloudinaryResource) {
    for (item, error) in [
        (
            json!({"tags": [], "add_tags": ["a"]}),
            "tags names all tags",
        ),
        (
            json!({"add_tags": ["a"], "remove_tags": ["a"]}),
            "in add_tags and in remove_tags",
        ),
        (json!({"add_tags": "a"}), "add_tags must be: array"),
        (
            json!({"remove_tags": [1]}),
            "remove_tags must be a list of texts",
        ),
        (json!({"add_tags": ["a,b"]}), "comma"),
    ] {
        let answer = ask(world, mug, item.clone()).await;
        let failed = &answer["failed"][0];
        assert_eq!(failed["code"], "invalid", "{item}: {answer}");
        let told = failed["error"].as_str().expect("a text");
        assert!(told.contains(error), "{item}: {told}");
    }
    world.row_becomes("nothing waits", mug, is_settled).await;
}
