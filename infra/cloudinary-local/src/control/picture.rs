//! Pictures for others to upload: a library of them is worth looking at.

use std::io::Cursor;

use axum::response::{IntoResponse, Response};
use http::header::CONTENT_TYPE;
use image::{DynamicImage, ImageFormat};

use crate::error::ApiError;
use crate::model::landscape;
use crate::params::Params;

const LARGEST: i64 = 2_000;

/// A painted landscape of `width` by `height` that follows from `seed`, as a JPEG.
pub(super) fn picture(query: &Params) -> Result<Response, ApiError> {
    let number = |name: &str, usual| Ok::<_, ApiError>(query.number(name)?.unwrap_or(usual));
    let size = |name, usual| Ok::<_, ApiError>(number(name, usual)?.clamp(1, LARGEST) as u32);
    let seed = number("seed", 0)?.unsigned_abs();
    let landscape = landscape(seed, size("width", 960)?, size("height", 720)?);
    let mut bytes = Vec::new();
    DynamicImage::from(landscape)
        .write_to(&mut Cursor::new(&mut bytes), ImageFormat::Jpeg)
        .map_err(|error| ApiError::new(500, error.to_string()))?;
    Ok(([(CONTENT_TYPE, "image/jpeg")], bytes).into_response())
}
