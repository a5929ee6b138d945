//! The running stack, and the ways in which the demo acts on it and looks at it.

use std::collections::BTreeSet;

use anyhow::{Context as _, Result, ensure};
use local_stack::LocalStack;
use media_sync::asset::{AssetId, DeliveryName, ResourceType};
use media_sync::cloudinary::upload::BulkTargets;
use media_sync::cloudinary::{ApiCredentials, CloudinaryClient};
use media_sync::config;
use reqwest::Method;
use serde_json::{Value, json};

use crate::answer::answer;
use crate::people::{People, Person};

/// The functions whose logs explain a failure.
const FUNCTIONS: [&str; 10] = [
    "Webhook",
    "NotificationWorker",
    "OutboundWorker",
    "Reconcile",
    "Maintenance",
    "MediaList",
    "MediaUpdate",
    "MediaDelete",
    "MediaRestore",
    "Sync",
];

const TAIL_LINES: usize = 8;

#[derive(Debug)]
pub(crate) struct World {
    pub(crate) stack: LocalStack,
    /// The production client, used here as any other program that works with the library would.
    pub(crate) cloudinary: CloudinaryClient,
    pub(crate) people: People,
    http: reqwest::Client,
}

/// An asset as the stand-in's control plane lists it.
#[derive(Debug, Clone)]
pub(crate) struct Listed {
    pub(crate) asset_id: AssetId,
    pub(crate) name: DeliveryName,
}

impl World {
    pub(crate) async fn of(stack: LocalStack) -> Result<Self> {
        let http = config::http_client()?;
        let credentials = ApiCredentials::parse(stack.cloudinary_url()?)?;
        let world = Self {
            people: People::sign_up(&stack, &http).await?,
            cloudinary: CloudinaryClient::new(http.clone(), credentials),
            http,
            stack,
        };
        // Cloudinary repeats an unanswered notification after minutes; nobody wants to watch that.
        world
            .control(Method::PUT, "settings", json!({"retry_factor": 0.01}))
            .await?;
        Ok(world)
    }

    /// A call of the HTTP API as administrator, through the front door.
    pub(crate) async fn api(
        &self,
        method: Method,
        path: &str,
        body: Option<Value>,
    ) -> Result<Value> {
        self.api_as(&self.people.administrator, method, path, body)
            .await
    }

    pub(crate) async fn api_as(
        &self,
        person: &Person,
        method: Method,
        path: &str,
        body: Option<Value>,
    ) -> Result<Value> {
        let url = format!("{}{path}", self.stack.api_url());
        let request = self.http.request(method, url).bearer_auth(&person.token);
        let request = match body {
            Some(body) => request.json(&body),
            None => request,
        };
        answer(request).await
    }

    /// `GET /api/cloudinary/media` with these parameters: the items.
    pub(crate) async fn media(&self, parameters: &[(&str, &str)]) -> Result<Vec<Value>> {
        let url = format!("{}/api/cloudinary/media", self.stack.api_url());
        let request = self
            .http
            .get(url)
            .bearer_auth(&self.people.administrator.token)
            .query(parameters);
        let found = answer(request).await?;
        let items = found["items"].as_array();
        Ok(items.context("the answer has items")?.clone())
    }

    /// Rows as the Data API shows them to a server: with the secret key, tombstones included.
    pub(crate) async fn rows(&self, ids: &[AssetId]) -> Result<Vec<Value>> {
        let ids: Vec<&str> = ids.iter().map(AssetId::as_str).collect();
        let request = self
            .http
            .get(format!(
                "{}/rest/v1/media_assets",
                self.stack.supabase_url()
            ))
            .header("apikey", self.stack.secret_key())
            .query(&[("cloudinary_asset_id", format!("in.({})", ids.join(",")))]);
        let rows = answer(request).await?;
        Ok(rows.as_array().context("rows come as an array")?.clone())
    }

    /// Writes through the Data API as this person, and answers what was written.
    pub(crate) async fn data(&self, person: &Person, path: &str, body: &Value) -> Result<Value> {
        let url = format!("{}/rest/v1/{path}", self.stack.supabase_url());
        let request = self.http.request(Method::POST, url).json(body);
        let request = request
            .header("apikey", self.stack.publishable_key())
            .header("prefer", "return=representation")
            .bearer_auth(&person.token);
        answer(request).await
    }

    /// Calls the stand-in past Cloudinary's own APIs.
    pub(crate) async fn control(&self, method: Method, path: &str, body: Value) -> Result<Value> {
        let url = format!("{}/_control/{path}", self.stack.cloudinary_control()?);
        answer(self.http.request(method, url).json(&body)).await
    }

    /// Live assets in Cloudinary, as its own storage knows them.
    pub(crate) async fn library(&self) -> Result<Vec<Listed>> {
        let state = self
            .control(Method::GET, "state/assets?limit=50000", json!({}))
            .await?;
        ensure!(
            state["next_after"].is_null(),
            "the library is larger than a page"
        );
        let assets = state["assets"].as_array();
        let assets = assets.context("the stand-in lists its assets")?;
        assets.iter().map(Listed::read).collect()
    }

    pub(crate) async fn library_ids(&self) -> Result<BTreeSet<AssetId>> {
        let assets = self.library().await?;
        Ok(assets.into_iter().map(|asset| asset.asset_id).collect())
    }

    /// The first `count` live assets below `folder/`, after skipping some.
    pub(crate) async fn pick(
        &self,
        folder: &str,
        skip: usize,
        count: usize,
    ) -> Result<Vec<Listed>> {
        let prefix = format!("{folder}/");
        let assets = self.library().await?;
        let below = assets
            .into_iter()
            .filter(|asset| asset.name.public_id.starts_with(&prefix));
        let picked: Vec<Listed> = below.skip(skip).take(count).collect();
        ensure!(
            picked.len() == count,
            "{folder} does not hold {count} assets"
        );
        Ok(picked)
    }

    /// From now on Cloudinary's notifications get lost, or no longer do.
    pub(crate) async fn lose_notifications(&self, lose: bool) -> Result<()> {
        let share = if lose { 1.0 } else { 0.0 };
        self.control(Method::PUT, "chaos", json!({"drop": share}))
            .await?;
        Ok(())
    }

    /// Waits until no notification of Cloudinary's is under way.
    pub(crate) async fn quiet(&self) -> Result<()> {
        let quiet = self
            .control(Method::GET, "quiet?timeout_ms=60000", json!({}))
            .await?;
        ensure!(
            quiet["quiet"] == true,
            "notifications are still under way after a minute: {quiet}"
        );
        Ok(())
    }

    /// The last lines of each function's log; its warnings and errors, where it has any.
    pub(crate) async fn explain(&self) -> Vec<(String, String)> {
        let mut tails = Vec::new();
        for function in FUNCTIONS {
            // The emulator may be what has failed.
            let log = self.stack.function_log(function).await.unwrap_or_default();
            let complaints: Vec<&str> = log.lines().filter(|line| is_complaint(line)).collect();
            let lines: Vec<&str> = log.lines().filter(|line| says_something(line)).collect();
            let told = if complaints.is_empty() {
                lines
            } else {
                complaints
            };
            let tail = told[told.len().saturating_sub(TAIL_LINES)..].join("\n");
            if !tail.is_empty() {
                tails.push((function.to_owned(), tail));
            }
        }
        tails
    }
}

impl Listed {
    fn read(asset: &Value) -> Result<Self> {
        let text = |name: &str| {
            asset[name]
                .as_str()
                .context("the stand-in names its assets")
        };
        Ok(Self {
            asset_id: AssetId::parse(text("asset_id")?)?,
            name: DeliveryName {
                resource_type: text("resource_type")?.parse::<ResourceType>()?,
                delivery_type: text("type")?.to_owned(),
                public_id: text("public_id")?.to_owned(),
            },
        })
    }
}

pub(crate) fn public_ids(assets: &[Listed]) -> Vec<String> {
    let ids = assets.iter().map(|asset| asset.name.public_id.clone());
    ids.collect()
}

pub(crate) fn asset_ids(assets: &[Listed]) -> Vec<AssetId> {
    assets.iter().map(|asset| asset.asset_id.clone()).collect()
}

/// Uploaded pictures, for the demo to edit.
pub(crate) fn pictures(public_ids: &[String]) -> BulkTargets<'_> {
    BulkTargets {
        resource_type: ResourceType::Image,
        delivery_type: "upload",
        public_ids,
    }
}

fn is_complaint(line: &str) -> bool {
    line.contains("\"ERROR\"") || line.contains("\"WARN\"") || line.contains("panicked")
}

/// Lambda frames each call with lines of its own.
fn says_something(line: &str) -> bool {
    let frames = ["START RequestId", "END RequestId", "REPORT RequestId"];
    !line.is_empty() && !frames.iter().any(|frame| line.starts_with(frame))
}
