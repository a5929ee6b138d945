//! Data that are kept when a stack ends, and a start that goes on from them.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeSet;
use std::path::Path;

use local_stack::{LocalStack, StackError, StackOptions, StackPart};
use serde_json::{Value, json};
use tokio_postgres::NoTls;

fn keeping(folder: &Path) -> StackOptions {
    StackOptions {
        without: BTreeSet::from([StackPart::Aws]),
        kept: Some(folder.to_owned()),
        ..StackOptions::default()
    }
}

async fn call(request: reqwest::RequestBuilder) -> Value {
    let response = request.send().await.unwrap();
    assert!(response.status().is_success(), "{}", response.status());
    response.json().await.unwrap()
}

/// The texts that stand in both sides and in Auth, as they are now.
async fn content(stack: &LocalStack, http: &reqwest::Client) -> Value {
    let (client, connection) = tokio_postgres::connect(stack.database_url(), NoTls)
        .await
        .unwrap();
    tokio::spawn(connection);
    let names = "select string_agg(cloudinary_public_id, ',') from public.media_assets";
    let rows: Option<String> = client.query_one(names, &[]).await.unwrap().get(0);
    let state = format!(
        "{}/_control/state/assets",
        stack.cloudinary_control().unwrap()
    );
    let library = call(http.get(state)).await;
    let users = format!("{}/auth/v1/admin/users", stack.supabase_url());
    let users = call(http.get(users).header("apikey", stack.secret_key())).await;
    json!({
        "rows": rows,
        "library": library["assets"].as_array().unwrap().iter().map(|asset| &asset["public_id"]).collect::<Vec<_>>(),
        "users": users["users"].as_array().unwrap().iter().map(|user| &user["email"]).collect::<Vec<_>>(),
        "key": stack.publishable_key(),
    })
}

async fn fill(stack: &LocalStack, http: &reqwest::Client) {
    let (client, connection) = tokio_postgres::connect(stack.database_url(), NoTls)
        .await
        .unwrap();
    tokio::spawn(connection);
    let row =
        "insert into public.media_assets (cloudinary_asset_id, cloudinary_public_id, resource_type)
        values (md5('kept'), 'kept-row', 'image')";
    client.batch_execute(row).await.unwrap();
    let seed = format!("{}/_control/seed", stack.cloudinary_control().unwrap());
    call(
        http.post(seed)
            .json(&json!({"count": 1, "prefix": "kept-"})),
    )
    .await;
    let users = format!("{}/auth/v1/admin/users", stack.supabase_url());
    let user = json!({"email": "kept@example.com", "password": "a long password"});
    call(
        http.post(users)
            .header("apikey", stack.secret_key())
            .json(&user),
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stack_goes_on_from_what_was_kept() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path().join("kept");
    let http = media_sync::config::http_client().unwrap();

    let first = LocalStack::start(keeping(&folder)).await.unwrap();
    fill(&first, &http).await;
    let before = content(&first, &http).await;
    assert_eq!(
        (&before["rows"], &before["users"]),
        (&json!("kept-row"), &json!(["kept@example.com"]))
    );
    assert_eq!(before["library"].as_array().unwrap().len(), 1);
    first.keep(&folder).await.unwrap();
    first.stop().await;

    // Twice: what goes on is kept anew.
    for _ in 0..2 {
        let next = LocalStack::start(keeping(&folder)).await.unwrap();
        assert_eq!(content(&next, &http).await, before);
        next.keep(&folder).await.unwrap();
        next.stop().await;
    }

    let secrets = folder.join("secrets.json");
    let text = std::fs::read_to_string(&secrets).unwrap();
    let mut kept: Value = serde_json::from_str(&text).unwrap();
    kept["project"] = json!("other migrations");
    std::fs::write(&secrets, kept.to_string()).unwrap();
    let refused = LocalStack::start(keeping(&folder)).await.unwrap_err();
    assert!(matches!(refused, StackError::Outdated { .. }), "{refused}");
}
