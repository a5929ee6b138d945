//! News of changes for browsers: Broadcast's messages, and the publication's stream.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

mod page;
mod rights;
mod told;

use end_to_end::replication::StreamPosition;
use end_to_end::{DataApiCaller, database};
use local_stack::{LocalStack, StackOptions, TokenClaims};
use reqwest::Method;
use serde_json::{Value, json};
use tokio_postgres::Client;

#[tokio::test]
async fn changes_are_told_with_what_is_shown_and_without_a_flood() {
    let stage = told::Stage::start().await;
    stage.a_new_asset_is_told_with_what_is_shown().await;
    stage.bookkeeping_is_not_told().await;
    stage.an_edit_is_told().await;
    stage.a_delete_and_its_undoing_are_told().await;
    stage.edit_and_delete_are_published_as_updates().await;
    stage.a_page_of_an_import_is_one_message().await;
    stage
        .an_asset_too_large_for_a_message_is_told_without_its_values()
        .await;
    stage.the_rest_of_many_statements_is_one_message().await;
    stage.runs_have_a_topic_of_their_own().await;
    stage.realtime_reads_its_messages_from_a_stream().await;
    rights::signed_in_users_listen_and_nobody_sends(&stage.client).await;
    rights::a_message_that_cannot_be_kept_undoes_nothing(&stage).await;
    rights::a_message_that_raises_undoes_nothing(&stage).await;
    stage.stack.stop().await;
}

#[tokio::test]
async fn a_project_without_realtime_works_and_may_get_it_later() {
    let stack = LocalStack::start(StackOptions::database_only())
        .await
        .unwrap();
    let client = database::connect(stack.database_url()).await;
    let service = DataApiCaller::service(&stack);
    let found = client
        .query_one("select to_regnamespace('realtime') is null", &[])
        .await
        .unwrap();
    assert!(
        found.get::<_, bool>(0),
        "the migrations have applied to a project without it"
    );
    apply(&service, json!({"inserts": [asset(1)]})).await;

    let server = database::connect(stack.supabase_admin_url()).await;
    server
        .batch_execute(include_str!(
            "../../../infra/local/sql/supabase_realtime.sql"
        ))
        .await
        .unwrap();
    for _ in 0..2 {
        client
            .batch_execute("select media_sync.offer_live_updates()")
            .await
            .unwrap();
    }
    let rows = StreamPosition::begin(&client, "supabase_realtime").await;
    let admin = DataApiCaller::user(&stack, &TokenClaims::admin("admin@example.com"));
    change(&admin, 1, &json!({"folder": "shop"})).await;
    assert_eq!(only(messages(&server).await)["event"], "UPDATE");
    assert_eq!(
        rows.read(&client).await[0].columns["folder"].as_deref(),
        Some("shop")
    );

    // A publication of everything has it already, and takes no single table. Only a superuser makes one.
    for everything in ["all tables", "tables in schema public"] {
        let sql = format!(
            "drop publication supabase_realtime; create publication supabase_realtime for {everything}"
        );
        server.batch_execute(&sql).await.unwrap();
        client
            .batch_execute("select media_sync.offer_live_updates()")
            .await
            .unwrap();
    }
    stack.stop().await;
}

fn asset_id(number: u32) -> String {
    format!("{number:032x}")
}

fn asset(number: u32) -> Value {
    json!({
        "id": uuid::Uuid::from_u128(number.into()), "cloudinary_asset_id": asset_id(number),
        "cloudinary_public_id": format!("mug-{number}"), "resource_type": "image", "delivery_type": "upload", "folder": "",
        "tags": [], "context": {}, "metadata": {}, "sync_status": "synced", "sync_retry_count": 0, "clocks": {},
    })
}

async fn apply(service: &DataApiCaller, plan: Value) {
    let answer = service
        .rpc("media_sync_apply", &json!({"p_change": plan}))
        .await;
    assert!(answer.status.is_success(), "{}", answer.body);
}

async fn change(caller: &DataApiCaller, number: u32, columns: &Value) {
    let path = format!(
        "/media_assets?cloudinary_asset_id=eq.{}&select=id",
        asset_id(number)
    );
    let headers = [("prefer", "return=representation")];
    let answer = caller
        .call(Method::PATCH, &path, &headers, Some(columns))
        .await;
    assert_eq!(
        answer.body.as_array().map(Vec::len),
        Some(1),
        "{}",
        answer.body
    );
}

/// The messages since the last look, taken by Realtime's own server: nobody else may remove one.
async fn messages(server: &Client) -> Vec<Value> {
    let sql =
        "select topic, event, payload, private from realtime.messages order by inserted_at, id";
    let found = database::rows(server, sql, &[]).await;
    server
        .batch_execute("delete from realtime.messages")
        .await
        .unwrap();
    found
}

fn only(messages: Vec<Value>) -> Value {
    let [message]: [Value; 1] = messages
        .try_into()
        .unwrap_or_else(|other| panic!("one message: {other:#?}"));
    message
}
