//! The example of the page, run as it stands by the official client, hears what happens in a library.

use std::process::Command;

use end_to_end::node;
use local_stack::{LocalStack, StackOptions, TokenClaims};
use serde_json::{Value, json};

use super::{apply, asset};
use end_to_end::DataApiCaller;

const PAGE: &str = include_str!("../../../docs/guides/live-updates.md");

/// A page's surroundings. `heard` waits for the next call of one of its functions.
const BEFORE: &str = r#"
import { createClient } from "@supabase/supabase-js";
import WebSocket from "ws";
const { SUPABASE_URL, SUPABASE_PUBLISHABLE_KEY, ACCESS_TOKEN } = process.env;
const supabase = createClient(SUPABASE_URL, SUPABASE_PUBLISHABLE_KEY, {
  accessToken: async () => ACCESS_TOKEN, realtime: { transport: WebSocket },
});
const calls = [];
let waiting = () => {};
const call = (name) => (value) => (calls.push({ name, value }), waiting());
const [show, hide, readThePageAgain] = [call("show"), call("hide"), call("readThePageAgain")];
async function heard() {
  while (calls.length === 0) await new Promise((again) => { waiting = again; });
  return calls.shift();
}
"#;

/// Joined, it edits, deletes and restores the asset, and edits more than a page shows one by one.
const AFTER: &str = r#"
const [channel] = supabase.getChannels();
while (channel.state !== "joined") await new Promise((again) => setTimeout(again, 10));
const assets = () => supabase.from("media_assets");
const id = "00000000-0000-0000-0000-000000000001";
const done = ({ data, error }) => { if (error) throw error; return data; };
done(await assets().update({ display_name: "A mug" }).eq("id", id));
const edited = await heard();
const item = [{ asset_id: "0".repeat(31) + "1" }];
done(await supabase.rpc("media_request_delete", { p_items: item }));
const deleted = await heard();
done(await supabase.rpc("media_request_restore", { p_items: item }));
const restored = await heard();
done(await assets().update({ display_name: "Many" }).gt("id", id));
const many = await heard();
console.log(JSON.stringify({ edited, deleted, restored, many }));
process.exit(0);
"#;

#[tokio::test(flavor = "multi_thread")]
async fn a_page_shows_what_the_example_hears() {
    let stack = LocalStack::start(StackOptions {
        realtime: true,
        ..StackOptions::database_only()
    })
    .await
    .unwrap();
    let service = DataApiCaller::service(&stack);
    let assets: Vec<Value> = (1..=30).map(asset).collect();
    apply(&service, json!({ "inserts": assets })).await;

    let program = [BEFORE, &node::blocks(PAGE), AFTER].concat();
    let mut command = Command::new("node");
    command
        .arg(node::module("live_updates", &program))
        .env("SUPABASE_URL", stack.supabase_url())
        .env("SUPABASE_PUBLISHABLE_KEY", stack.publishable_key())
        .env(
            "ACCESS_TOKEN",
            stack.token(&TokenClaims::admin("admin@example.com")),
        )
        .env("NO_PROXY", "127.0.0.1");
    let output = tokio::task::spawn_blocking(move || command.output());
    let output = output.await.unwrap().unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let told: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(told["edited"]["name"], "show", "{told}");
    assert_eq!(told["edited"]["value"]["display_name"], "A mug");
    let id = "00000000-0000-0000-0000-000000000001";
    assert_eq!(told["deleted"], json!({ "name": "hide", "value": id }));
    assert_eq!(told["restored"]["name"], "show", "{told}");
    assert_eq!(told["restored"]["value"]["id"], id);
    assert_eq!(told["many"]["name"], "readThePageAgain", "{told}");
    stack.stop().await;
}
