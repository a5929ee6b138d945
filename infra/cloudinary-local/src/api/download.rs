//! `download`: the file of one asset, as stored, for whoever holds signed parameters.

use axum::response::{IntoResponse, Response};
use http::{HeaderValue, header};

use crate::app::App;
use crate::delivery::content_type;
use crate::error::ApiError;
use crate::model::ResourceType;
use crate::params::Params;

/// Files of every delivery type, the type `upload` where none is named. Nothing is converted: another format than the
/// stored one is refused, in Cloudinary's words for a format that it does not know.
pub(crate) async fn download(
    app: &App,
    kind: ResourceType,
    params: &Params,
) -> Result<Response, ApiError> {
    let public_id = params.required("public_id")?.to_owned();
    let name = (kind, params.delivery_type("type")?, public_id);
    let asset = app.store.read(|state| state.live_by_name(&name).cloned());
    let asset = asset.ok_or_else(|| ApiError::not_found(&name.2))?;
    let stored = asset.media.format.as_deref();
    if let Some(format) = params.filled("format")
        && kind != ResourceType::Raw
        && stored != Some(format)
    {
        let message = format!("Invalid extension in transformation: {format}");
        return Err(ApiError::bad_request(message));
    }
    let bytes = app.files.read(&asset.media.content).await;
    let bytes = bytes.map_err(|error| ApiError::internal(error.to_string()))?;
    let kind = content_type(kind, stored, &asset.public_id);
    let mut response = ([(header::CONTENT_TYPE, kind)], bytes).into_response();
    let headers = response.headers_mut();
    headers.insert(
        header::CACHE_CONTROL,
        HeaderValue::from_static("private, max-age=0"),
    );
    if params.is_set("attachment") {
        let attachment = HeaderValue::from_static("attachment");
        headers.insert(header::CONTENT_DISPOSITION, attachment);
    }
    Ok(response)
}
