//! Collections and uses: the examples of their page, run as they stand, and the page's other promises.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

mod ids;
mod shelf;
mod turns;

use std::path::PathBuf;
use std::process::Command;

use end_to_end::{database, node};
use local_stack::{LocalStack, StackOptions, TokenClaims};

const PAGE: &str = include_str!("../../../docs/guides/collections.md");

#[tokio::test]
async fn the_examples_of_the_page_do_what_it_says() {
    let stack = LocalStack::start(StackOptions::database_only())
        .await
        .unwrap();
    let user = TokenClaims::user("user@example.com");
    add_assets(&stack, &user, &["Film", "Mug", "Poster"]).await;
    let program = program();
    let environment = [
        ("SUPABASE_URL", stack.supabase_url()),
        (
            "SUPABASE_PUBLISHABLE_KEY",
            stack.publishable_key().to_owned(),
        ),
        ("ACCESS_TOKEN", stack.token(&user)),
        ("NO_PROXY", "127.0.0.1".to_owned()),
    ];
    let run = move || {
        Command::new("node")
            .arg(program)
            .envs(environment)
            .output()
            .unwrap()
    };
    let output = tokio::task::spawn_blocking(run).await.unwrap();
    let printed = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success(),
        "{printed}{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let printed: Vec<&str> = printed.lines().collect();
    assert_eq!(printed, promised());
    assert!(printed.len() > 10, "the page has examples");
    stack.stop().await;
}

/// The page's blocks as one module.
fn program() -> PathBuf {
    // The SDK looks for it when it starts; browsers have it, and Node.js from 22 on.
    let mut module = "globalThis.WebSocket ??= class {}\n".to_owned();
    module.push_str(&node::blocks(PAGE));
    node::module("collections", &module)
}

fn promised() -> Vec<&'static str> {
    let lines = PAGE.lines().filter(|line| line.starts_with("console.log"));
    lines
        .map(|line| {
            line.rsplit_once("  // ")
                .expect("each says what it prints")
                .1
        })
        .collect()
}

#[tokio::test]
async fn collections_keep_their_order_and_their_owner() {
    let shelf = shelf::Shelf::start().await;
    let order = shelf.everybody_adds_at_once().await;
    shelf.no_two_items_have_the_same_position().await;
    shelf.what_was_added_together_stands_together(&order);
    shelf
        .a_deleted_asset_is_not_counted_and_keeps_its_place(&order)
        .await;
    shelf.a_private_collection_is_not_there(&order[3]).await;
    shelf.a_public_collection_is_only_seen(&order[3]).await;
    shelf.only_administrators_give_collections_away().await;
    shelf.nobody_tells_the_time(&order[3]).await;
    shelf.administrators_change_any(&order[3]).await;
    shelf.bad_requests_are_told(&order[3]).await;
    shelf.uses_are_recorded_once_and_dropped(&order[5]).await;
    shelf.stack.stop().await;
}

#[tokio::test]
async fn a_move_within_a_collection_writes_the_moved_item_alone() {
    let shelf = shelf::Shelf::start().await;
    shelf.everybody_adds_at_once().await;
    shelf.moves_write_little_until_no_room_is_left().await;
    shelf.odd_positions_are_in_nobodys_way().await;
    shelf.stack.stop().await;
}

/// Assets of this user, by their display names; their rows' ids.
async fn add_assets(stack: &LocalStack, owner: &TokenClaims, names: &[&str]) -> Vec<String> {
    let client = database::connect(stack.database_url()).await;
    let mut ids = Vec::new();
    for name in names {
        let id = uuid::Uuid::new_v4();
        let (asset_id, owner) = (id.simple(), owner.sub);
        let sql = format!(
            "insert into public.media_assets
                (id, cloudinary_asset_id, cloudinary_public_id, display_name, resource_type, uploaded_by)
            values ('{id}', '{asset_id}', '{name}', '{name}', 'image', '{owner}')"
        );
        client.batch_execute(&sql).await.unwrap();
        ids.push(id.to_string());
    }
    ids
}
