//! News of changes for browsers: Broadcast's messages, and the publication's stream.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

use std::collections::BTreeSet;

use end_to_end::replication::StreamPosition;
use end_to_end::{DataApiCaller, database};
use local_stack::{Claims, Options, Stack};
use reqwest::Method;
use serde_json::{Value, json};
use tokio_postgres::Client;

/// The columns that a screen shows.
const SHOWN: [&str; 34] = [
    "access_mode",
    "alt_text",
    "cloudinary_asset_id",
    "cloudinary_created_at",
    "cloudinary_etag",
    "cloudinary_public_id",
    "cloudinary_version",
    "context",
    "created_at",
    "deleted_at",
    "delivery_type",
    "description",
    "display_name",
    "duration",
    "file_size",
    "folder",
    "format",
    "height",
    "id",
    "last_synced_at",
    "metadata",
    "mime_type",
    "moderation",
    "original_filename",
    "resource_type",
    "secure_url",
    "sync_error_message",
    "sync_retry_count",
    "sync_status",
    "tags",
    "updated_at",
    "uploaded_by",
    "url",
    "width",
];

#[tokio::test]
async fn changes_are_told_with_what_is_shown_and_without_a_flood() {
    let options = Options {
        realtime: true,
        ..Options::database_only()
    };
    let stack = Stack::start(options).await.unwrap();
    let client = database::connect(stack.database_url()).await;
    let server = database::connect(stack.supabase_admin_url()).await;
    let rows = StreamPosition::begin(&client, "supabase_realtime").await;
    let sent = StreamPosition::begin(&client, "supabase_realtime_messages_publication").await;
    let service = DataApiCaller::service(&stack);
    let admin = DataApiCaller::user(&stack, &Claims::admin("admin@example.com"));

    // A new asset.
    apply(&service, json!({"inserts": [asset(1)]})).await;
    let message = only(messages(&server).await);
    assert_eq!(message["topic"], "media");
    assert_eq!(message["event"], "INSERT");
    assert_eq!(message["private"], true);
    let payload = &message["payload"];
    assert_eq!(
        (&payload["table"], &payload["operation"]),
        (&json!("media_assets"), &json!("INSERT"))
    );
    assert_eq!(names(&payload["record"]), BTreeSet::from(SHOWN));
    assert_eq!(payload["record"]["cloudinary_public_id"], "mug-1");
    assert_eq!(payload["old_record"], Value::Null);
    let [published] = &rows.read(&client).await[..] else {
        panic!("one change");
    };
    assert_eq!(
        (published.table.as_str(), published.operation),
        ("public.media_assets", 'I')
    );
    let columns: BTreeSet<&str> = published.columns.keys().map(String::as_str).collect();
    assert_eq!(columns, BTreeSet::from(SHOWN));
    assert_eq!(
        published.columns["cloudinary_public_id"].as_deref(),
        Some("mug-1")
    );

    // Bookkeeping: a row like the old one with other clocks.
    let mut observed = asset(1);
    observed["clocks"] = json!({"alive": 7});
    observed["revision"] = json!(0);
    apply(&service, json!({"updates": [observed]})).await;
    assert_eq!(messages(&server).await, Vec::<Value>::new());

    // An edit by somebody, and a delete.
    let edit = json!({"tags": ["sale"]});
    change(&admin, 1, &edit).await;
    let message = only(messages(&server).await);
    assert_eq!(message["event"], "UPDATE");
    let record = &message["payload"]["record"];
    assert_eq!(record["tags"], json!(["sale"]));
    assert_eq!(record["sync_status"], "pending");
    assert_eq!(
        message["payload"]["old_record"],
        json!({"id": record["id"]})
    );
    change(&admin, 1, &json!({"deleted_at": "2026-01-01T00:00:00Z"})).await;
    let message = only(messages(&server).await);
    assert_eq!(message["event"], "DELETE");
    assert_eq!(message["payload"]["record"], Value::Null);
    assert_eq!(
        message["payload"]["old_record"],
        json!({"id": record["id"]})
    );
    change(&admin, 1, &json!({"deleted_at": null})).await;
    assert_eq!(only(messages(&server).await)["event"], "INSERT");
    let stream = rows.read(&client).await;
    let edited = stream
        .iter()
        .find(|change| change.columns["tags"].as_deref() == Some("{sale}"))
        .expect("the edit is published");
    assert_eq!(edited.operation, 'U');
    assert_eq!(edited.columns["sync_status"].as_deref(), Some("pending"));
    let deleted = |change: &&_| {
        let change: &end_to_end::replication::PublishedChange = change;
        change.columns["deleted_at"].is_some()
    };
    assert_eq!(
        stream.iter().filter(deleted).count(),
        1,
        "a soft delete is an update"
    );

    // A page of an import is one message, and so is the rest of many small statements.
    let page: Vec<Value> = (100..600).map(asset).collect();
    apply(&service, json!({"inserts": page})).await;
    let message = only(messages(&server).await);
    assert_eq!(
        (&message["topic"], &message["event"]),
        (&json!("media"), &json!("REFRESH"))
    );
    let items: Vec<Value> = (100..150)
        .map(|number| json!({"asset_id": asset_id(number)}))
        .collect();
    let answer = admin
        .rpc("media_request_delete", &json!({"p_items": items}))
        .await;
    assert_eq!(
        answer.body["done"].as_array().unwrap().len(),
        50,
        "{}",
        answer.body
    );
    let told = messages(&server).await;
    assert_eq!(
        told.iter()
            .filter(|message| message["event"] == "DELETE")
            .count(),
        20
    );
    assert_eq!(
        told.iter()
            .filter(|message| message["event"] == "REFRESH")
            .count(),
        1
    );
    assert_eq!(told.len(), 21);

    // Runs have a topic of their own.
    let answer = service.rpc("media_sync_lead_run", &json!({})).await;
    assert_eq!(answer.body["outcome"], "started", "{}", answer.body);
    let told = messages(&server).await;
    let run = &told[0]["payload"]["record"];
    assert_eq!(told[0]["topic"], "media_sync");
    assert_eq!(run["status"], "running");
    assert!(run.get("lease").is_none() && run.get("checkpoint").is_none());

    // Realtime reads its messages from a stream as well.
    let stream = sent.read(&client).await;
    let refreshes = stream
        .iter()
        .filter(|message| message.columns["event"].as_deref() == Some("REFRESH"));
    assert_eq!(refreshes.count(), 2);
    signed_in_users_listen_and_nobody_sends(&client).await;
    a_message_that_cannot_be_kept_undoes_nothing(&client, &server, &admin).await;
    stack.stop().await;
}

/// As Realtime asks row level security for leave: in the name of the joining user, in that topic.
async fn signed_in_users_listen_and_nobody_sends(client: &Client) {
    client
        .batch_execute("select realtime.send('{}', 'REFRESH', 'media')")
        .await
        .unwrap();
    let listen = async |role: &str, topic: &str| -> i64 {
        let sql = format!(
            "begin; set local role {role}; select set_config('realtime.topic', '{topic}', true)"
        );
        client.batch_execute(&sql).await.unwrap();
        let row = client
            .query_one("select count(*) from realtime.messages", &[])
            .await
            .unwrap();
        client.batch_execute("rollback").await.unwrap();
        row.get(0)
    };
    assert!(listen("authenticated", "media").await > 0);
    assert!(listen("authenticated", "media_sync").await > 0);
    assert_eq!(listen("authenticated", "something_else").await, 0);
    assert_eq!(listen("anon", "media").await, 0);
    let send = "begin; set local role authenticated; select set_config('realtime.topic', 'media', true);
        insert into realtime.messages (topic, extension, event) values ('media', 'broadcast', 'REFRESH')";
    let error = client.batch_execute(send).await.unwrap_err();
    assert_eq!(error.code().unwrap().code(), "42501");
    client.batch_execute("rollback").await.unwrap();
}

async fn a_message_that_cannot_be_kept_undoes_nothing(
    client: &Client,
    server: &Client,
    admin: &DataApiCaller,
) {
    server
        .batch_execute("drop table realtime.messages_default")
        .await
        .unwrap();
    change(admin, 200, &json!({"alt_text": "A mug"})).await;
    let found = database::rows(
        client,
        "select alt_text from public.media_assets where alt_text is not null",
        &[],
    )
    .await;
    assert_eq!(found, [json!({"alt_text": "A mug"})]);
}

#[tokio::test]
async fn a_project_without_realtime_works_and_may_get_it_later() {
    let stack = Stack::start(Options::database_only()).await.unwrap();
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
        .batch_execute(include_str!("../../infra/local/sql/supabase_realtime.sql"))
        .await
        .unwrap();
    for _ in 0..2 {
        client
            .batch_execute("select media_sync.offer_live_updates()")
            .await
            .unwrap();
    }
    let rows = StreamPosition::begin(&client, "supabase_realtime").await;
    let admin = DataApiCaller::user(&stack, &Claims::admin("admin@example.com"));
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

fn names(record: &Value) -> BTreeSet<&str> {
    let record = record.as_object().unwrap();
    record.keys().map(String::as_str).collect()
}
