//! Delivery: stored bytes under the addresses that answers name, scaled when asked.

mod address;
mod transform;

use std::sync::Arc;

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::{HeaderMap, Method, Request, StatusCode, header};
use sha2::{Digest, Sha256};

use crate::app::App;
use crate::model::{Asset, Content, DeliveryType, ResourceType};
use address::Address;
use transform::Wanted;
pub(crate) use transform::{content_type, convert};

/// A refusal to deliver; the reason travels in `X-Cld-Error`.
struct Refused(StatusCode, String);

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let mut response = self.0.into_response();
        if let Ok(reason) = self.1.parse() {
            response.headers_mut().insert("x-cld-error", reason);
        }
        response
    }
}

pub(crate) async fn handle(app: &App, path: &str, request: Request<Body>) -> Response {
    if request.method() != Method::GET && request.method() != Method::HEAD {
        return StatusCode::METHOD_NOT_ALLOWED.into_response();
    }
    match deliver(app, path, request.headers()).await {
        Ok(response) => response,
        Err(refused) => refused.into_response(),
    }
}

async fn deliver(app: &App, path: &str, headers: &HeaderMap) -> Result<Response, Refused> {
    let missing = |what: &str| {
        Refused(
            StatusCode::NOT_FOUND,
            format!("Resource not found - {what}"),
        )
    };
    let address = Address::parse(path, &app.account.cloud).ok_or_else(|| missing(path))?;
    let (asset, reading) = find(app, &address).ok_or_else(|| missing(&address.rest.join("/")))?;
    // Of a private asset only the original is guarded.
    let is_guarded = match asset.delivery_type {
        DeliveryType::Authenticated => true,
        DeliveryType::Private => reading.transformation.is_empty(),
        _ => false,
    };
    if is_guarded && !is_signed(app, &address) {
        return Err(Refused(
            StatusCode::UNAUTHORIZED,
            "Invalid signature".to_owned(),
        ));
    }
    let format = reading
        .extension
        .as_deref()
        .or(asset.media.format.as_deref());
    if let Some(reason) = restriction(app, &address, &reading, format) {
        return Err(Refused(StatusCode::UNAUTHORIZED, reason));
    }
    let wanted = Wanted::parse(&reading.transformation, format, headers)
        .map_err(|reason| Refused(StatusCode::BAD_REQUEST, reason))?;
    let (bytes, kind) = render(app, &asset, wanted).await?;
    Ok((
        [
            (header::CONTENT_TYPE, kind),
            (header::CACHE_CONTROL, "public, max-age=2592000".to_owned()),
            (
                header::ETAG,
                format!("\"{}\"", crate::model::md5_hex(&bytes)),
            ),
            (header::ACCESS_CONTROL_ALLOW_ORIGIN, "*".to_owned()),
        ],
        bytes,
    )
        .into_response())
}

/// One reading of an address.
struct Reading {
    transformation: Vec<String>,
    /// The format that the address asks for, where it names one.
    extension: Option<String>,
}

/// The reason for which the account's security settings refuse this address.
fn restriction(
    app: &App,
    address: &Address,
    reading: &Reading,
    format: Option<&str>,
) -> Option<String> {
    let settings = app.settings();
    if !settings.pdf_delivery && format == Some("pdf") {
        return Some("deny or ACL failure".to_owned());
    }
    let transformed = !reading.transformation.is_empty();
    (settings.strict_transformations && transformed && !is_signed(app, address)).then(|| {
        let transformation = reading.transformation.join("/");
        format!("Transformation {transformation} is not allowed")
    })
}

/// `s--XXXXXXXX--`: the first characters of a hash over transformation, name and secret.
fn is_signed(app: &App, address: &Address) -> bool {
    let Some(signature) = &address.signature else {
        return false;
    };
    let settings = app.settings();
    let keys = || app.account.access_keys(&settings);
    let texts = address.signed_texts();
    let mut texts = texts.flat_map(|text| keys().map(move |(_, secret)| format!("{text}{secret}")));
    texts.any(|text| {
        let sha256 = || Sha256::digest(text.as_bytes()).to_vec();
        let digests = match signature.len() {
            8 => vec![
                <sha1::Sha1 as sha1::Digest>::digest(text.as_bytes()).to_vec(),
                sha256(),
            ],
            _ => vec![sha256()],
        };
        digests
            .into_iter()
            .any(|digest| URL_SAFE_NO_PAD.encode(digest).get(..signature.len()) == Some(signature))
    })
}

/// Tries the longest transformation first, then gives segments back to the public id.
fn find(app: &App, address: &Address) -> Option<(Arc<Asset>, Reading)> {
    address.readings().find_map(|(transformation, source)| {
        let name = |public_id: &str| (address.kind, address.delivery, public_id.to_owned());
        let (stem, extension) = match source.rsplit_once('.') {
            Some((stem, extension)) if !extension.contains('/') => {
                (stem, Some(extension.to_owned()))
            }
            _ => (source.as_str(), None),
        };
        let by_stem =
            (address.kind != ResourceType::Raw && extension.is_some()).then_some((stem, extension));
        let tries = by_stem.into_iter().chain([(source.as_str(), None)]);
        app.store.read(|state| {
            tries.into_iter().find_map(|(public_id, extension)| {
                let asset = state.live_by_name(&name(public_id))?.clone();
                let reading = Reading {
                    transformation: transformation.clone(),
                    extension,
                };
                Some((asset, reading))
            })
        })
    })
}

async fn render(app: &App, asset: &Asset, wanted: Wanted) -> Result<(Vec<u8>, String), Refused> {
    let failed = |reason: String| Refused(StatusCode::INTERNAL_SERVER_ERROR, reason);
    let stored = asset.media.format.as_deref();
    let scalable = match asset.resource_type {
        ResourceType::Image => stored.is_some_and(transform::is_readable),
        // A film's poster: nothing here can read a frame, so a picture stands in for it.
        ResourceType::Video => wanted.format.as_deref().is_some_and(transform::is_readable),
        ResourceType::Raw => false,
    };
    if !scalable || !wanted.changes(stored) {
        let bytes = app
            .files
            .read(&asset.media.content)
            .await
            .map_err(|error| failed(error.to_string()))?;
        return Ok((
            bytes,
            transform::content_type(asset.resource_type, stored, &asset.public_id),
        ));
    }
    let content = match asset.resource_type {
        ResourceType::Video => Content::Generated {
            kind: ResourceType::Image,
            seed: (asset.media.version_id.0 & u128::from(u64::MAX)) as u64,
        },
        _ => asset.media.content.clone(),
    };
    let key = hex::encode(Sha256::digest(format!("{content:?} {wanted:?}")));
    let bytes = match app.files.derived(&key).await {
        Some(bytes) => bytes,
        None => {
            let original = app
                .files
                .read(&content)
                .await
                .map_err(|error| failed(error.to_string()))?;
            let plan = wanted.clone();
            let made = tokio::task::spawn_blocking(move || plan.apply(&original)).await;
            let made = made
                .map_err(|error| failed(error.to_string()))?
                .map_err(failed)?;
            app.files
                .keep_derived(&key, &made)
                .await
                .map_err(|error| failed(error.to_string()))?;
            made
        }
    };
    // What `f_auto` chose is seen in the bytes.
    let format = crate::model::sniff(&bytes).format;
    Ok((
        bytes,
        transform::content_type(ResourceType::Image, format.as_deref(), ""),
    ))
}
