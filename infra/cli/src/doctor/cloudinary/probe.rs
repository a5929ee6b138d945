//! Calls to the Admin API and to delivery, each of which reads only.

use jiff::Timestamp;
use media_sync::cloudinary::ApiCredentials;
use media_sync::sync::marker::MARKER_NAME;
use reqwest::RequestBuilder;
use reqwest::header::{DATE, HeaderMap};
use serde_json::{Value, json};

use super::super::http::send_whole;
use super::super::{ProbeResult, SkipReason, limited};
use super::{AdminAnswer, CloudinaryEvidence, FileDelivery, HourlyQuota};

/// The one that lists show: `media_sync::cloudinary` makes the same.
const THUMBNAIL: &str = "c_fill,f_auto,g_auto,h_300,q_auto,w_300";

struct Account<'a> {
    http: &'a reqwest::Client,
    credentials: &'a ApiCredentials,
}

/// Asks for everything, and counts the calls.
pub(super) async fn ask(
    http: &reqwest::Client,
    credentials: &ApiCredentials,
) -> CloudinaryEvidence {
    let account = Account { http, credentials };
    let ping = limited("Cloudinary", account.get(&["ping"], &[])).await;
    if let Some(skip) = super::accepted(&ping).err() {
        return CloudinaryEvidence {
            ping,
            ..CloudinaryEvidence::without(&skip)
        };
    }
    let triggers = limited("Cloudinary", account.get(&["triggers"], &[])).await;
    let pictures = limited("Cloudinary", account.pictures()).await;
    let picture = limited("Cloudinary", account.picture(&pictures)).await;
    let pdfs = limited("Cloudinary", account.pdfs()).await;
    let settings = [("settings", "true")];
    let config = limited("Cloudinary", account.get(&["config"], &settings)).await;
    let marker = ["resources", "raw", "upload", MARKER_NAME];
    let marker = limited("Cloudinary", account.get(&marker, &[])).await;
    let last = limited("Cloudinary", account.get(&["ping"], &[])).await;
    let made = [
        &triggers, &pictures, &picture, &pdfs, &config, &marker, &last,
    ];
    let calls = made.iter().filter(|call| call.is_ok()).count();
    let calls = u32::try_from(calls).unwrap_or(u32::MAX);
    let thumbnail = thumbnail_of(&picture);
    let (thumbnail, pdf) = tokio::join!(
        limited("delivery", account.head(thumbnail)),
        limited(
            "delivery",
            account.head(address(&pdfs, "a PDF in the library"))
        ),
    );
    CloudinaryEvidence {
        ping,
        triggers,
        config,
        picture,
        thumbnail,
        pdf,
        marker,
        last: last.map(|call| (call, calls)),
        ..CloudinaryEvidence::without(&SkipReason::needs("the settings"))
    }
}

impl Account<'_> {
    fn request(&self, method: reqwest::Method, path: &[&str]) -> RequestBuilder {
        let url = self.credentials.api_url(path);
        let (key, secret) = (self.credentials.api_key(), self.credentials.api_secret());
        self.http.request(method, url).basic_auth(key, Some(secret))
    }

    async fn get(&self, path: &[&str], query: &[(&str, &str)]) -> ProbeResult<AdminAnswer> {
        self.call(self.request(reqwest::Method::GET, path).query(query))
            .await
    }

    async fn call(&self, request: RequestBuilder) -> ProbeResult<AdminAnswer> {
        let sent = Timestamp::now().as_second();
        let (answer, headers) = send_whole("Cloudinary", request).await?;
        Ok(AdminAnswer {
            answer,
            between: (sent, Timestamp::now().as_second()),
            date: moment(&headers, DATE.as_str()),
            quota: quota(&headers),
        })
    }

    /// A PDF has the type of a picture, too.
    async fn pictures(&self) -> ProbeResult<AdminAnswer> {
        self.search("resource_type:image AND type:upload AND NOT format:pdf")
            .await
    }

    async fn pdfs(&self) -> ProbeResult<AdminAnswer> {
        self.search("format:pdf AND type:upload").await
    }

    async fn search(&self, expression: &str) -> ProbeResult<AdminAnswer> {
        let body = json!({"expression": expression, "max_results": 1});
        let request = self.request(reqwest::Method::POST, &["resources", "search"]);
        self.call(request.json(&body)).await
    }

    async fn picture(&self, listed: &ProbeResult<AdminAnswer>) -> ProbeResult<AdminAnswer> {
        let name = first(listed, "public_id", "a picture in the library")?;
        let path = ["resources", "image", "upload", name.as_str()];
        self.get(&path, &[("versions", "true")]).await
    }

    async fn head(&self, address: ProbeResult<String>) -> ProbeResult<FileDelivery> {
        let (answer, headers) = send_whole("delivery", self.http.head(address?)).await?;
        let error = headers
            .get("x-cld-error")
            .and_then(|value| value.to_str().ok());
        Ok(FileDelivery {
            status: answer.status,
            error: error.map(str::to_owned),
        })
    }
}

/// A member of the first listed asset.
fn first(listed: &ProbeResult<AdminAnswer>, name: &str, needed: &str) -> ProbeResult<String> {
    let call = super::accepted(listed)?;
    let first = call.answer.body.pointer(&format!("/resources/0/{name}"));
    let text = first.and_then(Value::as_str).map(str::to_owned);
    text.ok_or_else(|| SkipReason::needs(needed))
}

fn address(listed: &ProbeResult<AdminAnswer>, needed: &str) -> ProbeResult<String> {
    first(listed, "secure_url", needed)
}

fn thumbnail_of(picture: &ProbeResult<AdminAnswer>) -> ProbeResult<String> {
    let call = super::accepted(picture)?;
    let address = call.answer.text("secure_url");
    let parts = address.and_then(|address| address.split_once("/upload/"));
    let (before, after) = parts.ok_or_else(|| SkipReason::needs("a picture in the library"))?;
    Ok(format!("{before}/upload/{THUMBNAIL}/{after}"))
}

fn quota(headers: &HeaderMap) -> Option<HourlyQuota> {
    let number = |name| headers.get(name)?.to_str().ok()?.parse().ok();
    Some(HourlyQuota {
        limit: number("x-featureratelimit-limit")?,
        remaining: number("x-featureratelimit-remaining")?,
        reset: moment(headers, "x-featureratelimit-reset")?,
    })
}

/// A moment in the form of `Date`, in seconds.
fn moment(headers: &HeaderMap, name: &str) -> Option<i64> {
    let text = headers.get(name)?.to_str().ok()?;
    Some(
        jiff::fmt::rfc2822::parse(text)
            .ok()?
            .timestamp()
            .as_second(),
    )
}
