//! The same rows by a bare PostgREST request: one `GET` of the table with the caller's own token.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use local_stack::LocalStack;
use serde_json::Value;

/// The SQLSTATE of a statement that took longer than its role may.
const STOPPED: &str = "57014";

/// The columns of an item.
const COLUMNS: &str = "id,cloudinary_asset_id,cloudinary_public_id,cloudinary_version,cloudinary_etag,resource_type,\
    delivery_type,original_filename,display_name,file_size,mime_type,format,width,height,duration,folder,tags,context,\
    metadata,description,alt_text,secure_url,url,access_mode,moderation,uploaded_by,cloudinary_created_at,sync_status,\
    sync_error_message,sync_retry_count,last_synced_at,created_at,updated_at";

#[derive(Debug)]
pub(crate) struct Bare {
    http: reqwest::Client,
    url: String,
    key: String,
    token: String,
}

impl Bare {
    pub(crate) fn new(stack: &LocalStack, token: String) -> Result<Self> {
        Ok(Self {
            http: media_sync::config::http_client()?,
            url: format!(
                "{}/rest/v1/media_assets?select={COLUMNS}&deleted_at=is.null",
                stack.supabase_url()
            ),
            key: stack.publishable_key().to_owned(),
            token,
        })
    }

    /// With a total as PostgREST counts it, exact up to a thousand rows and the planner's beyond, or without one.
    /// No rows where the database stopped the query at its time limit.
    pub(crate) async fn list(
        &self,
        query: &str,
        with_total: bool,
    ) -> Result<(Duration, Option<Vec<Value>>)> {
        let mut request = self
            .http
            .get(format!("{}&{query}", self.url))
            .header("apikey", &self.key)
            .bearer_auth(&self.token);
        if with_total {
            request = request.header("prefer", "count=estimated");
        }
        let begun = Instant::now();
        let response = request.send().await?;
        let status = response.status();
        let body = response.bytes().await?;
        let took = begun.elapsed();
        if !status.is_success() {
            let text = String::from_utf8_lossy(&body);
            if text.contains(STOPPED) {
                return Ok((took, None));
            }
            bail!("{query}: {status} {text}");
        }
        let rows = serde_json::from_slice(&body).context("rows are JSON")?;
        Ok((took, Some(rows)))
    }
}
