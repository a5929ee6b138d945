//! One stack with somebody to act in it.

use std::collections::BTreeMap;

use local_stack::{Claims, Options, Stack};
use media_sync::asset::AssetId;
use media_sync::cloudinary::{CloudinaryClient, CloudinaryResource};
use media_sync::config::Config;
use media_sync::sync::store::MirrorStore;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use sha1::{Digest, Sha1};
use tokio_postgres::types::ToSql;

use crate::database::Connections;
use crate::{CloudinaryAccount, eventually};

/// A running stack, an administrator and an ordinary user.
#[derive(Debug)]
pub struct World {
    pub stack: Stack,
    pub cloud: CloudinaryAccount,
    pub admin: String,
    pub user: String,
    pub user_id: String,
    http: reqwest::Client,
    connections: Connections,
}

/// An answer of the front door.
#[derive(Debug)]
pub struct HttpAnswer {
    pub status: StatusCode,
    pub headers: reqwest::header::HeaderMap,
    pub body: Value,
}

impl World {
    /// A whole stack, with nothing in it.
    pub async fn start() -> Self {
        Self::start_with(Options::default()).await
    }

    /// The same, with further options.
    pub async fn start_with(options: Options) -> Self {
        let stack = Stack::start(Self::options(options)).await;
        Self::of(stack.unwrap_or_else(|error| panic!("{error}"))).await
    }

    /// A second world in the same AWS account, with a database and a library of its own.
    pub async fn start_beside(&self) -> Self {
        let options = Self::options(Options::default());
        let stack = self.stack.start_beside(options).await;
        Self::of(stack.unwrap_or_else(|error| panic!("{error}"))).await
    }

    fn options(mut options: Options) -> Options {
        // As often as the template allows: a failure costs a test seconds, not minutes.
        let retries = ("RetrySeconds".to_owned(), "20".to_owned());
        options.parameters.extend([retries]);
        // As in production: what tells browsers of a change must not be in the way of it.
        options.realtime = true;
        options
    }

    async fn of(stack: Stack) -> Self {
        // So does a worker that is killed.
        for queue in ["NotificationQueue", "OutboundQueue"] {
            let hidden = stack.hide_messages_for(queue, 20).await;
            hidden.expect("the queue takes its setting");
        }
        let cloudinary = stack.cloudinary_url().expect("the stand-in runs");
        let control = stack.cloudinary_control().expect("the stand-in runs");
        let cloud = CloudinaryAccount::new(cloudinary, control);
        // Minutes between attempts become tenths of seconds.
        cloud.set(json!({"retry_factor": 0.001})).await;
        let user = Claims::user("user@example.com");
        Self {
            admin: stack.token(&Claims::admin("admin@example.com")),
            user: stack.token(&user),
            user_id: user.sub.to_string(),
            http: media_sync::config::http_client().expect("a client without special roots"),
            connections: Connections::default(),
            cloud,
            stack,
        }
    }

    /// Cloudinary, used with another key of the account.
    pub fn cloud_with(&self, key: &str, secret: &str) -> CloudinaryAccount {
        let url = self.cloudinary_url_with(key, secret);
        let control = self.stack.cloudinary_control();
        CloudinaryAccount::new(&url, control.expect("the stand-in runs"))
    }

    /// `CLOUDINARY_URL` with another key of the account.
    pub fn cloudinary_url_with(&self, key: &str, secret: &str) -> String {
        let url = self.stack.cloudinary_url().expect("the stand-in runs");
        let (_, place) = url.split_once('@').expect("cloudinary://key:secret@cloud");
        format!("cloudinary://{key}:{secret}@{place}")
    }

    /// The workers' clients, for a flow that a test drives by itself.
    pub fn clients(&self) -> (CloudinaryClient, MirrorStore) {
        let cloudinary = self.stack.cloudinary_url().expect("the stand-in runs");
        let keys = [
            ("CLOUDINARY_URL", cloudinary.to_owned()),
            ("SUPABASE_URL", self.stack.supabase_url()),
            ("SUPABASE_SECRET_KEY", self.stack.secret_key().to_owned()),
            (
                "SUPABASE_PUBLISHABLE_KEY",
                self.stack.publishable_key().to_owned(),
            ),
        ];
        let keys = keys.map(|(key, value)| (key.to_owned(), value)).into();
        let config = Config::from_map(&keys).expect("the stack's own configuration");
        let store = MirrorStore::new(config.supabase.service(&self.http));
        (config.cloudinary.client(&self.http), store)
    }

    pub async fn get(&self, path: &str) -> HttpAnswer {
        self.call(Method::GET, path, Some(&self.user), None).await
    }

    /// `POST /api/cloudinary/sync` by the administrator.
    pub async fn sync(&self, body: Value) -> HttpAnswer {
        let admin = Some(self.admin.as_str());
        self.call(Method::POST, "/api/cloudinary/sync", admin, Some(body))
            .await
    }

    /// Edits the asset's row through the Data API, as a user's browser may.
    pub async fn edit(&self, asset: &CloudinaryResource, token: &str, edit: Value) -> HttpAnswer {
        let which = format!("cloudinary_asset_id=eq.{}", id_of(asset));
        self.write(&which, token, edit).await
    }

    /// The same for the rows that a PostgREST filter names.
    pub async fn write(&self, which: &str, token: &str, edit: Value) -> HttpAnswer {
        let url = format!(
            "{}/rest/v1/media_assets?{which}&select=id",
            self.stack.supabase_url()
        );
        let request = self
            .http
            .patch(url)
            .header("prefer", "return=representation");
        self.data_api(request, token, &edit).await
    }

    /// Calls a function of the Data API, as a user's browser may.
    pub async fn request(&self, function: &str, token: &str, arguments: Value) -> HttpAnswer {
        let url = format!("{}/rest/v1/rpc/{function}", self.stack.supabase_url());
        self.data_api(self.http.post(url), token, &arguments).await
    }

    async fn data_api(
        &self,
        request: reqwest::RequestBuilder,
        token: &str,
        body: &Value,
    ) -> HttpAnswer {
        let request = request
            .header("apikey", self.stack.publishable_key())
            .bearer_auth(token)
            .json(body);
        Self::read(request).await
    }

    /// Sends all decisions that wait, as if their time had come, and the scheduler's too.
    pub async fn drain(&self) {
        self.rows(
            "update public.media_assets set sync_next_attempt_at = now()
                where sync_next_attempt_at is not null and intent is not null returning id",
            &[],
        )
        .await;
        let drained = self
            .stack
            .invoke("MaintenanceFunctionName", &json!({"action": "drain"}))
            .await
            .expect("the emulator answers");
        assert!(drained.error.is_none(), "{drained:?}");
    }

    pub async fn call(
        &self,
        method: Method,
        path: &str,
        token: Option<&str>,
        body: Option<Value>,
    ) -> HttpAnswer {
        Self::read(self.front_door(method, path, token, body)).await
    }

    /// The same, with an idempotency key.
    pub async fn call_once(
        &self,
        key: &str,
        method: Method,
        path: &str,
        token: &str,
        body: Value,
    ) -> HttpAnswer {
        let request = self.front_door(method, path, Some(token), Some(body));
        Self::read(request.header("idempotency-key", key)).await
    }

    /// `PATCH /api/cloudinary/media` by the administrator, with a correlation id.
    pub async fn edit_traced(&self, correlation: &str, edit: Value) -> HttpAnswer {
        let (path, admin) = ("/api/cloudinary/media", Some(self.admin.as_str()));
        let request = self.front_door(Method::PATCH, path, admin, Some(edit));
        Self::read(request.header("x-correlation-id", correlation)).await
    }

    fn front_door(
        &self,
        method: Method,
        path: &str,
        token: Option<&str>,
        body: Option<Value>,
    ) -> reqwest::RequestBuilder {
        let url = format!("{}{path}", self.stack.front_door_url());
        let mut request = self.http.request(method, url);
        if let Some(token) = token {
            request = request.bearer_auth(token);
        }
        if let Some(body) = body {
            request = request.json(&body);
        }
        request
    }

    /// Posts these exact bytes to the function URL, with these headers.
    pub async fn notify(&self, body: impl Into<Vec<u8>>, headers: &[(&str, String)]) -> HttpAnswer {
        let mut request = self.http.post(self.stack.webhook_url()).body(body.into());
        for (name, value) in headers {
            request = request.header(*name, value);
        }
        Self::read(request).await
    }

    /// The headers with which Cloudinary would send this body at `moment`, in Unix seconds.
    pub fn sign(&self, body: &str, moment: i64) -> Vec<(&'static str, String)> {
        let url = self.stack.cloudinary_url().expect("the stand-in runs");
        let secret = url
            .split(['@', ':'])
            .nth(2)
            .expect("cloudinary://key:secret@cloud");
        Self::sign_with(secret, body, moment)
    }

    /// The same with any secret.
    pub fn sign_with(secret: &str, body: &str, moment: i64) -> Vec<(&'static str, String)> {
        let signature = hex::encode(Sha1::digest(format!("{body}{moment}{secret}")));
        vec![
            ("x-cld-timestamp", moment.to_string()),
            ("x-cld-signature", signature),
        ]
    }

    pub(crate) async fn read(request: reqwest::RequestBuilder) -> HttpAnswer {
        let response = request.send().await.expect("the front door answers");
        let (status, headers) = (response.status(), response.headers().clone());
        let text = response.text().await.expect("a whole answer");
        HttpAnswer {
            body: serde_json::from_str(&text).unwrap_or(Value::String(text)),
            status,
            headers,
        }
    }

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

    pub async fn row(&self, asset: &CloudinaryResource) -> Option<Value> {
        let id = id_of(asset).to_string();
        let sql = "select * from public.media_assets where cloudinary_asset_id = $1";
        self.rows(sql, &[&id]).await.pop()
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
        self.row_becomes("the upload arrives", &asset, |row| {
            row["sync_status"] == "synced"
        })
        .await;
        asset
    }

    /// Waits until nothing is on its way: no notification, no message, no pending row.
    pub async fn settle(&self) {
        self.cloud.quiet().await;
        eventually("the queues are empty", async || {
            self.waiting_messages().await.is_empty()
        })
        .await;
        let pending = "select count(*) from public.media_assets where sync_status = 'pending'";
        eventually("no row is pending", async || {
            self.value(pending).await == json!(0)
        })
        .await;
    }

    /// Queues that hold messages, dead ones included.
    pub async fn waiting_messages(&self) -> BTreeMap<String, u64> {
        let depths = self
            .stack
            .queue_depths()
            .await
            .expect("the emulator answers");
        let waiting = depths
            .into_iter()
            .map(|(queue, depth)| (queue, depth.visible + depth.in_flight));
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
        let answer = Self::read(request).await;
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

/// An uploaded asset's id.
pub fn id_of(asset: &CloudinaryResource) -> &AssetId {
    asset.asset_id.as_ref().expect("uploads have ids")
}

/// Posts to the Data API with an API key.
pub async fn post(url: &str, key: &str, body: &Value) -> HttpAnswer {
    let http = media_sync::config::http_client().expect("a client without special roots");
    World::read(http.post(url).header("apikey", key).json(body)).await
}

/// Now, in Unix seconds.
pub fn now() -> i64 {
    media_sync::time::Timestamp::now().micros() / 1_000_000
}
