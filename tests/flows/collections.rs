//! Collections and uses: the examples of their page, run as they stand, and the page's other promises.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

use std::path::{Path, PathBuf};
use std::process::Command;

use end_to_end::{DataApiCaller, database};
use local_stack::{Claims, Options, Stack};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

const PAGE: &str = include_str!("../../docs/guides/collections.md");

#[tokio::test]
async fn the_examples_of_the_page_do_what_it_says() {
    let stack = Stack::start(Options::database_only()).await.unwrap();
    let user = Claims::user("user@example.com");
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

/// The page's blocks as one module, where Node.js finds the SDK.
fn program() -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("collections");
    std::fs::create_dir_all(&folder).unwrap();
    let modules = Path::new(env!("CARGO_MANIFEST_DIR")).join("../.tools/node/node_modules");
    assert!(
        modules.join("@supabase/supabase-js").exists(),
        "supabase-js is missing: run `make setup`"
    );
    let link = folder.join("node_modules");
    let _made_before = std::fs::remove_file(&link);
    std::os::unix::fs::symlink(modules, link).unwrap();
    // The SDK looks for it when it starts; browsers have it, and Node.js from 22 on.
    let mut module = "globalThis.WebSocket ??= class {}\n".to_owned();
    for block in PAGE.split("```js\n").skip(1) {
        let (code, _) = block.split_once("```").unwrap();
        module.push_str(code);
    }
    let file = folder.join("page.mjs");
    std::fs::write(&file, module).unwrap();
    file
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
    let stack = Stack::start(Options::database_only()).await.unwrap();
    let (user, other) = (Claims::user("user@example.com"), Claims::user("o@x.org"));
    let names: Vec<String> = (0..24).map(|number| number.to_string()).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let assets = add_assets(&stack, &user, &names).await;
    let (admin, visitor) = (Claims::admin("admin@example.com"), other.clone());
    let (user, other) = (
        DataApiCaller::user(&stack, &user),
        DataApiCaller::user(&stack, &other),
    );
    let admin = DataApiCaller::user(&stack, &admin);
    let collection = add_collection(&user).await;

    // Everybody at once, at the beginning and at the end.
    let adding: Vec<_> = assets
        .chunks(2)
        .enumerate()
        .map(|(number, two)| {
            let place = (number % 2 == 0).then_some(1);
            let body = json!({"p_collection": collection, "p_assets": two, "p_position": place});
            let user = user.clone();
            tokio::spawn(async move { user.rpc("media_collection_add", &body).await })
        })
        .collect();
    for added in adding {
        let answer = added.await.unwrap();
        assert_eq!(
            answer.body["done"].as_array().map(Vec::len),
            Some(2),
            "{}",
            answer.body
        );
    }
    let order = listed(&user, &collection).await;
    assert_eq!(order.len(), 24);
    let client = database::connect(stack.database_url()).await;
    let positions = database::rows(
        &client,
        "select position from public.media_collection_items order by 1",
        &[],
    )
    .await;
    let counted: Vec<Value> = (1..=24).map(|place| json!({"position": place})).collect();
    assert_eq!(positions, counted);
    for two in assets.chunks(2) {
        let place = |asset: &String| order.iter().position(|listed| listed == asset).unwrap();
        assert_eq!(
            place(&two[0]) + 1,
            place(&two[1]),
            "what was added together stands together"
        );
    }

    // A place is counted as people see the list: a deleted asset is not counted, and keeps its own.
    set_deleted(&client, &order[0], "now()").await;
    let body = json!({"p_collection": collection, "p_assets": [order[23]], "p_position": 1});
    user.rpc("media_collection_reorder", &body).await;
    let mut expected = order.clone();
    let moved = expected.pop().unwrap();
    expected[0] = moved.clone();
    assert_eq!(listed(&user, &collection).await, expected);
    set_deleted(&client, &order[0], "null").await;
    assert_eq!(
        listed(&user, &collection).await[..2],
        [order[0].clone(), moved]
    );

    // Somebody else: a private collection is not there, a public one is to be seen and not to be changed.
    let body = json!({"p_collection": collection, "p_assets": [order[3]]});
    for function in [
        "media_collection_add",
        "media_collection_remove",
        "media_collection_reorder",
    ] {
        assert_eq!(
            other.rpc(function, &body).await.status,
            StatusCode::NOT_FOUND
        );
    }
    assert!(listed(&other, &collection).await.is_empty());
    let path = format!("/media_collections?id=eq.{collection}");
    update(&user, &path, &json!({"is_public": true})).await;
    assert_eq!(listed(&other, &collection).await.len(), 24);
    for function in [
        "media_collection_add",
        "media_collection_remove",
        "media_collection_reorder",
    ] {
        assert_eq!(
            other.rpc(function, &body).await.status,
            StatusCode::FORBIDDEN
        );
    }
    let given_away = update(&user, &path, &json!({"owner": visitor.sub})).await;
    assert_eq!(
        given_away.status,
        StatusCode::FORBIDDEN,
        "only administrators give collections to others"
    );
    let removed = admin.rpc("media_collection_remove", &body).await;
    assert_eq!(removed.body["done"].as_array().map(Vec::len), Some(1));

    // What cannot be understood is told.
    let many = vec![order[3].clone(); 1001];
    for wrong in [
        json!({"p_collection": collection, "p_assets": many}),
        json!({"p_collection": collection, "p_assets": [order[3]], "p_position": 0}),
    ] {
        let answer = user.rpc("media_collection_add", &wrong).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{}", answer.body);
    }

    // Uses belong to who has recorded them.
    let mut used = json!({"p_assets": [order[5]], "p_usage_type": "cover", "p_table_name": "articles", "p_record_id": "1"});
    user.rpc("media_usage_record", &used).await;
    let twice = other.rpc("media_usage_record", &used).await;
    assert_eq!(twice.body["failed"], json!([]), "known is as good as new");
    let dropped = other.rpc("media_usage_drop", &used).await;
    assert_eq!(
        dropped.body["failed"][0]["error"], "not yours to change",
        "{}",
        dropped.body
    );
    let dropped = user.rpc("media_usage_drop", &used).await;
    assert_eq!(dropped.body["done"].as_array().map(Vec::len), Some(1));
    used["p_record_id"] = json!("");
    let empty = user.rpc("media_usage_record", &used).await;
    assert_eq!(empty.status, StatusCode::BAD_REQUEST, "{}", empty.body);
    stack.stop().await;
}

/// Assets of this user, by their display names; their rows' ids.
async fn add_assets(stack: &Stack, owner: &Claims, names: &[&str]) -> Vec<String> {
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

async fn set_deleted(client: &tokio_postgres::Client, id: &str, when: &str) {
    let sql = format!("update public.media_assets set deleted_at = {when} where id = '{id}'");
    assert_eq!(client.execute(&sql, &[]).await.unwrap(), 1);
}

async fn add_collection(caller: &DataApiCaller) -> String {
    let answer = caller
        .call(
            Method::POST,
            "/media_collections",
            &[("prefer", "return=representation")],
            Some(&json!({"name": "Summer"})),
        )
        .await;
    answer.body[0]["id"].as_str().unwrap().to_owned()
}

async fn update(caller: &DataApiCaller, path: &str, columns: &Value) -> end_to_end::HttpAnswer {
    caller.call(Method::PATCH, path, &[], Some(columns)).await
}

async fn listed(caller: &DataApiCaller, collection: &str) -> Vec<String> {
    let path = format!(
        "/media_collection_assets?select=asset_id&collection_id=eq.{collection}&order=position"
    );
    let answer = caller.call(Method::GET, &path, &[], None).await;
    let items = answer.body.as_array().unwrap();
    items
        .iter()
        .map(|item| item["asset_id"].as_str().unwrap().to_owned())
        .collect()
}
