//! Sends a request, and reads the JSON of its answer.

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

pub(crate) async fn answer(request: reqwest::RequestBuilder) -> Result<Value> {
    let (client, request) = request.build_split();
    let request = request?;
    let name = format!("{} {}", request.method(), request.url());
    let response = client
        .execute(request)
        .await
        .with_context(|| name.clone())?;
    let status = response.status();
    let body = response.text().await.with_context(|| name.clone())?;
    if !status.is_success() {
        bail!("{name}: {status} {body}");
    }
    serde_json::from_str(&body).with_context(|| format!("{name}: {status} {body}"))
}
