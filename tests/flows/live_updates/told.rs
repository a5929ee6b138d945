//! Changes, each with its message and its place in the stream.

use std::collections::BTreeSet;

use end_to_end::replication::{PublishedChange, StreamPosition};
use end_to_end::{DataApiCaller, database};
use local_stack::{LocalStack, StackOptions, TokenClaims};
use serde_json::{Value, json};
use tokio_postgres::Client;

use super::{apply, asset, asset_id, change, messages, only};

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

/// A database with Realtime, and everybody who takes part.
pub(super) struct Stage {
    pub(super) stack: LocalStack,
    /// The database's owner.
    pub(super) client: Client,
    /// Realtime's own server.
    pub(super) server: Client,
    pub(super) admin: DataApiCaller,
    service: DataApiCaller,
    rows: StreamPosition,
    sent: StreamPosition,
}

impl Stage {
    pub(super) async fn start() -> Self {
        let options = StackOptions {
            realtime: true,
            ..StackOptions::database_only()
        };
        let stack = LocalStack::start(options).await.unwrap();
        let client = database::connect(stack.database_url()).await;
        Self {
            server: database::connect(stack.supabase_admin_url()).await,
            rows: StreamPosition::begin(&client, "supabase_realtime").await,
            sent: StreamPosition::begin(&client, "supabase_realtime_messages_publication").await,
            service: DataApiCaller::service(&stack),
            admin: DataApiCaller::user(&stack, &TokenClaims::admin("admin@example.com")),
            client,
            stack,
        }
    }

    async fn messages(&self) -> Vec<Value> {
        messages(&self.server).await
    }

    async fn message(&self) -> Value {
        only(self.messages().await)
    }

    async fn published(&self) -> Vec<PublishedChange> {
        self.rows.read(&self.client).await
    }

    pub(super) async fn a_new_asset_is_told_with_what_is_shown(&self) {
        apply(&self.service, json!({"inserts": [asset(1)]})).await;
        let message = self.message().await;
        assert_eq!(message["topic"], "media_sync:assets");
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
        self.assert_insert_is_published().await;
    }

    async fn assert_insert_is_published(&self) {
        let [published] = &self.published().await[..] else {
            panic!("one change");
        };
        assert_eq!(
            (published.table.as_str(), published.operation),
            ("public.media_assets", 'I')
        );
        let columns: BTreeSet<&str> = published.columns.keys().map(String::as_str).collect();
        assert_eq!(columns, BTreeSet::from(SHOWN));
        let public_id = published.columns["cloudinary_public_id"].as_deref();
        assert_eq!(public_id, Some("mug-1"));
    }

    /// A row like the old one with other clocks.
    pub(super) async fn bookkeeping_is_not_told(&self) {
        let mut observed = asset(1);
        observed["clocks"] = json!({"alive": 7});
        observed["revision"] = json!(0);
        apply(&self.service, json!({"updates": [observed]})).await;
        assert_eq!(self.messages().await, Vec::<Value>::new());
    }

    pub(super) async fn an_edit_is_told(&self) {
        change(&self.admin, 1, &json!({"tags": ["sale"]})).await;
        let message = self.message().await;
        assert_eq!(message["event"], "UPDATE");
        let record = &message["payload"]["record"];
        assert_eq!(record["tags"], json!(["sale"]));
        assert_eq!(record["sync_status"], "pending");
        assert_eq!(record["id"], asset(1)["id"]);
        let old = &message["payload"]["old_record"];
        assert_eq!(old, &json!({"id": record["id"]}));
    }

    pub(super) async fn a_delete_and_its_undoing_are_told(&self) {
        let deleted = json!({"deleted_at": "2026-01-01T00:00:00Z"});
        change(&self.admin, 1, &deleted).await;
        let message = self.message().await;
        assert_eq!(message["event"], "DELETE");
        assert_eq!(message["payload"]["record"], Value::Null);
        let old = &message["payload"]["old_record"];
        assert_eq!(old, &json!({"id": asset(1)["id"]}));
        change(&self.admin, 1, &json!({"deleted_at": null})).await;
        assert_eq!(self.message().await["event"], "INSERT");
    }

    pub(super) async fn edit_and_delete_are_published_as_updates(&self) {
        let stream = self.published().await;
        let edited = stream
            .iter()
            .find(|change| change.columns["tags"].as_deref() == Some("{sale}"))
            .expect("the edit is published");
        assert_eq!(edited.operation, 'U');
        assert_eq!(edited.columns["sync_status"].as_deref(), Some("pending"));
        let deleted = stream
            .iter()
            .filter(|change| change.columns["deleted_at"].is_some());
        assert_eq!(deleted.count(), 1, "a soft delete is an update");
    }

    pub(super) async fn a_page_of_an_import_is_one_message(&self) {
        let page: Vec<Value> = (100..600).map(asset).collect();
        apply(&self.service, json!({"inserts": page})).await;
        let message = self.message().await;
        assert_eq!(
            (&message["topic"], &message["event"]),
            (&json!("media_sync:assets"), &json!("REFRESH"))
        );
    }

    pub(super) async fn an_asset_too_large_for_a_message_is_told_without_its_values(&self) {
        let mut large = asset(900);
        large["tags"] = json!(vec!["x".repeat(1_000); 200]);
        apply(&self.service, json!({"inserts": [large]})).await;
        let message = self.message().await;
        assert_eq!(message["event"], "REFRESH");
        assert_eq!(message["payload"]["record"], Value::Null);
    }

    pub(super) async fn the_rest_of_many_statements_is_one_message(&self) {
        let item = |number| json!({"asset_id": asset_id(number)});
        let items: Vec<Value> = (100..150).map(item).collect();
        let delete = json!({"p_items": items});
        let answer = self.admin.rpc("media_request_delete", &delete).await.body;
        assert_eq!(answer["done"].as_array().unwrap().len(), 50, "{answer}");
        let told = self.messages().await;
        let events = |event: &str| told.iter().filter(|told| told["event"] == event).count();
        assert_eq!(events("DELETE"), 20);
        assert_eq!(events("REFRESH"), 1);
        assert_eq!(told.len(), 21);
    }

    pub(super) async fn runs_have_a_topic_of_their_own(&self) {
        let answer = self.service.rpc("media_sync_lead_run", &json!({})).await;
        assert_eq!(answer.body["outcome"], "started", "{}", answer.body);
        let told = self.messages().await;
        let run = &told[0]["payload"]["record"];
        assert_eq!(told[0]["topic"], "media_sync:runs");
        assert_eq!(run["status"], "running");
        assert_eq!(run.get("lease"), None);
        assert_eq!(run.get("checkpoint"), None);
    }

    pub(super) async fn realtime_reads_its_messages_from_a_stream(&self) {
        let stream = self.sent.read(&self.client).await;
        let refreshes = stream
            .iter()
            .filter(|message| message.columns["event"].as_deref() == Some("REFRESH"));
        assert_eq!(refreshes.count(), 3);
    }
}

fn names(record: &Value) -> BTreeSet<&str> {
    let record = record.as_object().unwrap();
    record.keys().map(String::as_str).collect()
}
