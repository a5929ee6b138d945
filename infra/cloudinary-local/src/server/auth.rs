//! The caller's credentials: Basic, signed parameters, or an unsigned upload by preset.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::HeaderMap;
use subtle::ConstantTimeEq;

use super::route::{Access, Operation};
use crate::account::Account;
use crate::error::ApiError;
use crate::moment::Moment;
use crate::params::Params;
use crate::settings::ServerSettings;
use crate::signature;

/// Never part of the signed text.
const UNSIGNED: [&str; 5] = [
    "file",
    "cloud_name",
    "resource_type",
    "api_key",
    "signature",
];
/// Left out as well where many assets are edited at once.
const UNSIGNED_IN_BULK: [&str; 7] = [
    "file",
    "cloud_name",
    "resource_type",
    "api_key",
    "signature",
    "notification_url",
    "batch_id",
];

const STALE_AFTER_SECONDS: i64 = 3600;

/// Checks the caller, and completes the parameters of an upload from its preset.
pub(super) fn authorize(
    operation: &Operation,
    params: &mut Params,
    headers: &HeaderMap,
    account: &Account,
    settings: &ServerSettings,
    now: Moment,
) -> Result<(), ApiError> {
    let access = operation.access();
    match access {
        Access::Token => return Ok(()),
        Access::Admin => return basic(headers, account, settings),
        Access::Download => return signed(access, params, account, settings, now),
        Access::Upload | Access::UploadBulk => (),
    }
    let is_upload = matches!(operation, Operation::Upload { .. });
    let preset = params.filled("upload_preset").filter(|_| is_upload);
    let preset = match preset {
        Some(name) => Some(
            settings
                .upload_presets
                .get(name)
                .ok_or_else(|| ApiError::bad_request("Upload preset not found"))?
                .clone(),
        ),
        None => None,
    };
    if params.filled("signature").is_some() {
        signed(access, params, account, settings, now)?;
    } else if headers.contains_key(http::header::AUTHORIZATION) && settings.basic_auth_on_upload {
        basic(headers, account, settings)?;
    } else if is_upload {
        let allowed = preset
            .as_ref()
            .and_then(|preset| preset.get("unsigned"))
            .is_some_and(|on| *on == true);
        if preset.is_none() {
            return Err(ApiError::bad_request(
                "Upload preset must be specified when using unsigned upload",
            ));
        }
        if !allowed {
            return Err(ApiError::bad_request(
                "Upload preset must be whitelisted for unsigned uploads",
            ));
        }
        params.add("overwrite", "0".to_owned());
    } else {
        return Err(ApiError::unauthorized("Must supply api_key"));
    }
    if let Some(mut preset) = preset {
        preset.remove("unsigned");
        params.default_from(&preset);
    }
    Ok(())
}

pub(super) fn basic(
    headers: &HeaderMap,
    account: &Account,
    settings: &ServerSettings,
) -> Result<(), ApiError> {
    let header = headers
        .get(http::header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok());
    let header = header.ok_or_else(|| ApiError::unauthorized("Must supply api_key"))?;
    let (scheme, encoded) = header.split_once(' ').unwrap_or((header, ""));
    if !scheme.eq_ignore_ascii_case("basic") {
        return Err(ApiError::unauthorized("Invalid token"));
    }
    let decoded = STANDARD
        .decode(encoded.trim())
        .ok()
        .and_then(|bytes| String::from_utf8(bytes).ok());
    let decoded = decoded.ok_or_else(|| ApiError::unauthorized("Invalid credentials"))?;
    let (key, secret) = decoded
        .split_once(':')
        .ok_or_else(|| ApiError::unauthorized("Invalid credentials"))?;
    let known = secret_of(key, account, settings)?;
    if bool::from(secret.as_bytes().ct_eq(known.as_bytes())) {
        Ok(())
    } else {
        Err(ApiError::unauthorized("api_secret mismatch"))
    }
}

fn secret_of<'a>(
    key: &str,
    account: &'a Account,
    settings: &'a ServerSettings,
) -> Result<&'a str, ApiError> {
    let secret = account.secret_of(key, settings);
    secret.ok_or_else(|| ApiError::unauthorized(format!("Unknown API key {key}")))
}

fn signed(
    access: Access,
    params: &Params,
    account: &Account,
    settings: &ServerSettings,
    now: Moment,
) -> Result<(), ApiError> {
    let secret = secret_of(params.required("api_key")?, account, settings)?;
    let given = params.required("signature")?;
    let except: &[&str] = if access == Access::UploadBulk {
        &UNSIGNED_IN_BULK
    } else {
        &UNSIGNED
    };
    let pairs = params.to_sign(except);
    if !signature::verify_params(&pairs, given, secret) {
        let text = signature::string_to_sign(&pairs, signature::Version::Two);
        return Err(ApiError::unauthorized(format!(
            "Invalid Signature {given}. String to sign - '{text}'"
        )));
    }
    let reported = seconds(params.required("timestamp")?, "timestamp")?;
    if access == Access::Download
        && let Some(ends) = params.filled("expires_at")
    {
        return refuse_expired(seconds(ends, "expires_at")?, settings, now);
    }
    if now.seconds() - reported > STALE_AFTER_SECONDS {
        let reported = Moment(reported * 1_000_000).plain();
        let message = format!(
            "Stale request - reported time is {reported} +0000 which is more than 1 hour ago"
        );
        return Err(ApiError::new(settings.stale_status, message));
    }
    Ok(())
}

/// Cloudinary's words for an expired address are not known.
fn refuse_expired(ends: i64, settings: &ServerSettings, now: Moment) -> Result<(), ApiError> {
    if now.seconds() < ends {
        return Ok(());
    }
    let ended = Moment(ends * 1_000_000).plain();
    let message = format!("Stale request - expired at {ended} +0000");
    Err(ApiError::new(settings.stale_status, message))
}

fn seconds(text: &str, name: &str) -> Result<i64, ApiError> {
    let seconds = text.parse::<i64>().ok();
    seconds
        .filter(|seconds| seconds.unsigned_abs() < 100_000_000_000)
        .ok_or_else(|| ApiError::invalid(name))
}
