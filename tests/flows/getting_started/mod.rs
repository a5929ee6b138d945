//! The tutorial: its calls, run by a shell as they stand, in their order.

use std::path::Path;
use std::process::Command;

use end_to_end::{World, eventually};
use serde_json::{Value, json};

const PAGE: &str = include_str!("../../../docs/getting-started.md");

/// Printed before the answers of a block.
const STEP: &str = "--- step";

#[tokio::test(flavor = "multi_thread")]
async fn the_calls_of_the_tutorial_do_what_it_says() {
    let world = World::start().await;
    let mug = world.cloud.upload("products/mug", 1).await;
    world
        .row_becomes("the mug is there", &mug, |row| row["deleted_at"].is_null())
        .await;
    let run_before = world.sync(json!({"mode": "full"})).await;
    assert_eq!(run_before.body["status"], "succeeded");
    let id = end_to_end::id_of(&mug).to_string();

    let answers = run(&world).await;
    let [found, edited, told, changed, known] = &answers[..] else {
        panic!("the tutorial has five steps: {answers:#?}");
    };
    assert_eq!(found[0]["items"][0]["cloudinary_asset_id"], id);
    assert_eq!(edited[0]["updated"], json!(["products/mug"]), "{edited:?}");
    assert_eq!(told[0]["asset"]["tags"], json!(["sale"]), "{told:?}");
    assert!(told[0]["explanation"]["why"].is_string(), "{told:?}");
    assert_eq!(
        changed[0]["deleted"],
        json!(["products/mug"]),
        "{changed:?}"
    );
    assert_eq!(
        changed[1]["restored"],
        json!(["products/mug"]),
        "{changed:?}"
    );
    assert_eq!(known[0]["status"], "ok", "{known:?}");
    assert!(
        known[1]["items"]
            .as_array()
            .is_some_and(|items| !items.is_empty()),
        "{known:?}"
    );
    assert!(known[2]["drift"].is_object(), "{known:?}");

    eventually("Cloudinary has the edit", async || {
        let asset = world.cloud.fetch(end_to_end::id_of(&mug)).await;
        asset.is_some_and(|asset| asset.tags.unwrap_or_default() == ["sale"])
    })
    .await;
    world.settle().await;
    world.assert_mirrored().await;
    world.stack.stop().await;
}

/// The answers of each block.
async fn run(world: &World) -> Vec<Vec<Value>> {
    let (_, calls) = PAGE.split_once("## Use it").expect("the section");
    let mut script = "set -eu\ncurl() { python3 \"$CURL\" \"$@\"; }\n".to_owned();
    for block in calls.split("```sh\n").skip(1) {
        let (code, _) = block.split_once("```").expect("the block ends");
        script.push_str(&format!("echo '{STEP}'\n{code}"));
    }
    let mut command = Command::new("sh");
    command
        .args(["-c", &script])
        .env(
            "CURL",
            Path::new(env!("CARGO_MANIFEST_DIR")).join("flows/getting_started/curl.py"),
        )
        .env("API", world.stack.front_door_url())
        .env("TOKEN", &world.admin)
        .env("NO_PROXY", "127.0.0.1");
    let output = tokio::task::spawn_blocking(move || command.output());
    let output = output.await.expect("it runs").expect("a shell");
    let printed = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success(),
        "{printed}{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let answers = |step: &str| {
        step.lines()
            .filter_map(|line| serde_json::from_str(line).ok())
            .collect()
    };
    printed.split(STEP).skip(1).map(answers).collect()
}
