//! The state of both sides, and waiting for it.

use std::collections::BTreeMap;

use media_sync::cloudinary::CloudinaryResource;
use reqwest::StatusCode;
use serde_json::{Value, json};
use tokio_postgres::types::ToSql;

use super::{World, id_of};
use crate::{HttpAnswer, eventually};

impl World {
    /// Rows of a query as JSON, asked of the database itself.
    pub async fn rows(&self, sql: &str, values: &[&(dyn ToSql + Sync)]) -> Vec<Value> {
        let url = self.stack.database_url();
        self.connections.rows(url, sql, values).await
    }

    /// A single value of a query, as JSON.
    pub async fn value(&self, sql: &str) -> Value {
        let rows = self.rows(&format!("select ({sql}) as value"), &[]).await;
        rows[0]["value"].clone()
    }

    /// The number that a counting query answers.
    ///
    /// # Panics
    /// When the query's value is not a count.
    pub async fn count(&self, sql: &str) -> u64 {
        let count = self.value(sql).await;
        count.as_u64().unwrap_or_else(|| panic!("{sql}: {count}"))
    }

    /// The asset's row, if there is one.
    pub async fn row(&self, asset: &CloudinaryResource) -> Option<Value> {
        let id = id_of(asset).to_string();
        let sql = "select * from public.media_assets where cloudinary_asset_id = $1";
        self.rows(sql, &[&id]).await.pop()
    }

    /// The asset's row.
    ///
    /// # Panics
    /// When there is none.
    pub async fn row_of(&self, asset: &CloudinaryResource) -> Value {
        let row = self.row(asset).await;
        row.unwrap_or_else(|| panic!("{} has no row", id_of(asset)))
    }

    /// Waits until the asset's row is as described.
    pub async fn row_becomes(
        &self,
        what: &str,
        asset: &CloudinaryResource,
        is: impl Fn(&Value) -> bool,
    ) {
        eventually(what, async || {
            self.row(asset).await.is_some_and(|row| is(&row))
        })
        .await;
    }

    /// Uploads a small picture under this public id, and waits until its row is here.
    pub async fn mirrored(&self, public_id: &str, colour: u8) -> CloudinaryResource {
        let asset = self.cloud.upload(public_id, colour).await;
        self.arrives(&asset).await;
        asset
    }

    /// Waits until an upload's row is here.
    pub async fn arrives(&self, asset: &CloudinaryResource) {
        self.row_becomes("the upload arrives", asset, |row| {
            row["sync_status"] == "synced"
        })
        .await;
    }

    /// Makes a user the owner of an asset.
    pub async fn give(&self, asset: &CloudinaryResource, user: &str) {
        let sql = "update public.media_assets set uploaded_by = $1::text::uuid where cloudinary_asset_id = $2 returning id";
        let given = self.rows(sql, &[&user, &id_of(asset).as_str()]).await;
        assert_eq!(given.len(), 1);
    }

    /// Waits until nothing is on its way: no notification, no message, no pending row.
    pub async fn settle(&self) {
        self.quiet().await;
        let proofs = "select count(*) from public.media_assets where intent -> 'context' ? 'media_sync_upload'";
        // Proofs of uploads go with the drain of a minute.
        if self.count(proofs).await > 0 {
            self.drain().await;
        }
        let pending = "select count(*) from public.media_assets where sync_status = 'pending'";
        eventually("no row is pending", async || {
            self.value(pending).await == json!(0)
        })
        .await;
        // Cloudinary tells of the calls that have ended the last of them.
        self.quiet().await;
    }

    async fn quiet(&self) {
        self.cloud.quiet().await;
        eventually("the queues are empty", async || {
            self.waiting_messages().await.is_empty()
        })
        .await;
    }

    /// Queues that hold messages, dead ones included. Of a run that rests, the message may wait for an hour.
    pub async fn waiting_messages(&self) -> BTreeMap<String, u64> {
        let depths = self
            .stack
            .queue_depths()
            .await
            .expect("the emulator answers");
        let waiting = depths.into_iter().map(|(queue, depth)| {
            let count = match queue.as_str() {
                "ReconcileQueue" => depth.visible + depth.in_flight,
                _ => depth.total(),
            };
            (queue, count)
        });
        waiting.filter(|(_, count)| *count > 0).collect()
    }

    /// Asks if a period's number is beyond an alarm's threshold; the alarm by its logical id.
    pub async fn is_breached(&self, alarm: &str) -> bool {
        let reading = self.stack.alarm(alarm).await;
        reading.expect("the emulator answers").is_breached
    }

    /// Takes the notification queue away, as an outage of SQS would.
    pub async fn delete_notification_queue(&self) {
        let endpoint = self.stack.aws_endpoint().expect("the emulator runs");
        let url = self.stack.outputs()["NotificationQueueUrl"].clone();
        let request = self
            .http
            .post(endpoint)
            .header("x-amz-target", "AmazonSQS.DeleteQueue")
            .header("content-type", "application/x-amz-json-1.0")
            .header(
                "authorization",
                "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/sqs/aws4_request",
            )
            .body(json!({"QueueUrl": url}).to_string());
        let answer = HttpAnswer::read(request).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
    }

    /// Both sides hold the same, record by record, and nothing waits anywhere.
    pub async fn assert_mirrored(&self) {
        self.settle().await;
        // Another attempt that turned out not to be needed may still be held back.
        eventually("no message is held back", async || {
            let depths = self.stack.queue_depths().await;
            let depths = depths.expect("the emulator answers");
            depths.values().all(|depth| depth.total() == 0)
        })
        .await;
        let compared = local_stack::compare::differences(&self.stack)
            .await
            .unwrap_or_else(|error| panic!("{error}"));
        assert!(
            compared.differences.is_empty(),
            "{:#?}",
            compared.differences
        );
        assert_eq!(compared.cloudinary, compared.database);
    }
}
