//! The columns that users can read, each with the reason why they may. Columns that only workers need stand in the
//! schema `media_sync`: a single column of a table in `public` cannot be hidden, since `select=*` would fail.

use std::collections::{BTreeMap, BTreeSet};

use end_to_end::{DataApiCaller, HttpAnswer, database};
use local_stack::{LocalStack, StackOptions, TokenClaims};
use reqwest::Method;
use serde_json::{Value, json};
use tokio_postgres::Client;

use super::catalog::names;

/// The columns of an asset that people see in lists, live updates and collections.
const ASSET: &str = "cloudinary_public_id cloudinary_version cloudinary_etag resource_type delivery_type \
    original_filename display_name file_size mime_type format width height duration folder tags context metadata \
    secure_url url access_mode moderation cloudinary_created_at description alt_text uploaded_by sync_status \
    sync_error_message sync_retry_count last_synced_at created_at updated_at cloudinary_asset_id";

/// Relation, columns, reason.
const READABLE: [(&str, &str, &str); 24] = [
    ("media_assets", ASSET, "shown"),
    (
        "media_assets",
        "id deleted_at deleted_by",
        "shown; a tombstone tells when it went and by whom",
    ),
    (
        "media_assets",
        "cloudinary_signature cloudinary_version_id",
        "Cloudinary's, and named by its API",
    ),
    (
        "media_assets",
        "sync_error_code sync_next_attempt_at",
        "why something waits, and until when",
    ),
    (
        "media_assets",
        "intent intent_revision observed",
        "what was decided and is not done; a check ties it to sync_status",
    ),
    (
        "media_assets",
        "clocks",
        "how fresh each group is; every comparison of a run reads it with its row",
    ),
    (
        "media_assets",
        "revision",
        "whether a row has changed; every write compares it",
    ),
    (
        "media_stats",
        "shard resource_type sync_status live assets bytes",
        "the statistics, summed by who asks",
    ),
    (
        "media_sync_log",
        "id occurred_at operation status source actor run_id",
        "the audit trail, for administrators",
    ),
    (
        "media_sync_log",
        "asset_row_id cloudinary_asset_id cloudinary_public_id resource_type",
        "what an entry is about",
    ),
    (
        "media_sync_log",
        "error_code error_message processing_time_ms details repeated_at",
        "how it went",
    ),
    (
        "media_notifications",
        "digest notification_type signature_timestamp signature_algorithm triggered_at received_at \
        processed_at replays asset_ids verdict reason body body_is_base64",
        "notifications, for administrators",
    ),
    (
        "media_uploads",
        "id kind uploader public_id overwrite begun_at open_until outcome ended_at asset_row_id \
        error_code error_message",
        "a user's own uploads",
    ),
    (
        "media_uploads",
        "since_version until_version proof bounds",
        "which versions of the asset are the upload's, what proves it, and its bounds",
    ),
    (
        "sync_runs",
        "id mode trigger requested_by options dry_run status is_good error_code error_message",
        "a run",
    ),
    (
        "sync_runs",
        "counters quota_remaining verification drift plan",
        "what a run has counted and found",
    ),
    (
        "sync_runs",
        "started_at heartbeat_at finished_at resume_at predicted_end",
        "how far a run is",
    ),
    (
        "cloudinary_quota",
        "singleton quota_limit remaining reset_at seen_at",
        "the quota, which everybody shares",
    ),
    (
        "media_usage",
        "id asset_id usage_type table_name record_id created_by created_at",
        "people's own",
    ),
    (
        "media_collections",
        "id name description is_public owner created_at updated_at",
        "people's own",
    ),
    (
        "media_collection_items",
        "collection_id asset_id position added_at",
        "people's own",
    ),
    ("media_collection_assets", ASSET, "shown"),
    (
        "media_collection_assets",
        "collection_id position added_at",
        "the place in the collection",
    ),
    ("media_collection_assets", "asset_id", "the asset's id"),
];

#[tokio::test]
async fn users_read_the_columns_that_are_listed_with_a_reason_and_no_other() {
    let options = StackOptions {
        realtime: true,
        ..StackOptions::database_only()
    };
    let stack = LocalStack::start(options).await.unwrap();
    let client = database::connect(stack.database_url()).await;
    let user = TokenClaims::user("user@example.com");
    let rows = include_str!("rows.sql").replace("{user}", &user.sub.to_string());
    client.batch_execute(&rows).await.unwrap();

    assert_granted_is_listed(&client).await;
    let owner = DataApiCaller::user(&stack, &user);
    assert_every_column_is_read(&owner).await;
    assert_an_edit_answers_the_row(&owner).await;
    assert_a_tale_hides_the_workers_columns(&owner).await;
    assert_live_updates_show_an_asset(&client).await;
    stack.stop().await;
}

async fn assert_granted_is_listed(client: &Client) {
    let granted = names(
        client,
        "select format('%s.%s', c.relname, a.attname) from pg_class c
            join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
         where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p', 'v', 'm', 'f')
            and has_column_privilege('authenticated', c.oid, a.attnum, 'select')",
    )
    .await;
    let granted: BTreeSet<String> = granted.into_iter().collect();
    let listed = listed();
    let wanted = listed
        .iter()
        .flat_map(|(relation, columns)| columns.iter().map(move |it| format!("{relation}.{it}")));
    assert_eq!(
        granted,
        wanted.collect(),
        "columns that only workers need belong into the schema media_sync"
    );
}

async fn assert_every_column_is_read(owner: &DataApiCaller) {
    let listed = listed();
    for relation in ["media_assets", "sync_runs", "media_collection_assets"] {
        let path = format!("/{relation}?select=*&limit=1");
        let answer = owner.call(Method::GET, &path, &[], None).await;
        assert_eq!(columns(&answer), listed[relation], "select=*: {relation}");
    }
}

async fn assert_an_edit_answers_the_row(owner: &DataApiCaller) {
    let edited = owner
        .call(
            Method::PATCH,
            "/media_assets?cloudinary_public_id=eq.live",
            &[("prefer", "return=representation")],
            Some(&json!({"tags": ["sale"]})),
        )
        .await;
    assert_eq!(
        columns(&edited),
        listed()["media_assets"],
        "an edit answers the row"
    );
}

async fn assert_a_tale_hides_the_workers_columns(owner: &DataApiCaller) {
    let asset = json!({"p_row_id": "00000000-0000-4000-8000-0000000000a1"});
    let told = owner.rpc("media_get", &asset).await.body.to_string();
    for hidden in [
        "claim_until",
        "lease",
        "checkpoint",
        "clocks",
        "observed",
        "revision",
    ] {
        assert!(!told.contains(hidden), "media_get tells {hidden}: {told}");
    }
}

async fn assert_live_updates_show_an_asset(client: &Client) {
    let published = names(
        client,
        "select unnest(attnames)::text from pg_publication_tables where pubname = 'supabase_realtime'",
    )
    .await;
    let shown: BTreeSet<&str> = ASSET
        .split_whitespace()
        .chain(["id", "deleted_at"])
        .collect();
    assert_eq!(
        published
            .iter()
            .map(String::as_str)
            .collect::<BTreeSet<_>>(),
        shown
    );
}

fn listed() -> BTreeMap<&'static str, BTreeSet<String>> {
    let mut listed: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    for (relation, columns, reason) in READABLE {
        assert!(!reason.is_empty());
        let columns = columns.split_whitespace().map(str::to_owned);
        listed.entry(relation).or_default().extend(columns);
    }
    listed
}

/// The names of the first row's columns.
fn columns(answer: &HttpAnswer) -> BTreeSet<String> {
    let Some(Value::Object(row)) = answer.body.get(0) else {
        panic!("a row: {} {}", answer.status, answer.body);
    };
    row.keys().cloned().collect()
}
