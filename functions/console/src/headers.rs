//! Headers of the page: what it may load and call, and who may embed it.

use lambda_http::Body;
use lambda_http::http::{HeaderName, HeaderValue, Response, header};
use media_sync::config::ConsoleConfig;

/// Everything comes from here but pictures and films. Calls go here, to Supabase, and to Cloudinary for uploads.
pub(crate) fn content_security_policy(config: &ConsoleConfig) -> String {
    let delivery = config.delivery_origins.join(" ");
    let supabase = &config.supabase_origin;
    // `http` becomes `ws`, `https` becomes `wss`.
    let live = supabase.replacen("http", "ws", 1);
    let upload = &config.upload_origin;
    [
        "default-src 'none'".to_owned(),
        "script-src 'self'".to_owned(),
        "style-src 'self'".to_owned(),
        format!("img-src 'self' {delivery} blob: data:"),
        format!("media-src {delivery} blob:"),
        format!("connect-src 'self' {supabase} {live} {upload}"),
        "form-action 'none'".to_owned(),
        "base-uri 'none'".to_owned(),
        "frame-ancestors 'none'".to_owned(),
    ]
    .join("; ")
}

/// Sets the headers that every answer of the console carries.
pub(crate) fn guard(response: &mut Response<Body>, policy: &str) {
    let policy = HeaderValue::from_str(policy).expect("origins are plain text");
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    for (name, value) in [
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (
            HeaderName::from_static("cross-origin-opener-policy"),
            "same-origin",
        ),
        (
            HeaderName::from_static("cross-origin-resource-policy"),
            "same-origin",
        ),
        (header::STRICT_TRANSPORT_SECURITY, "max-age=31536000"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
}
