//! Values of Cloudinary's headers (pure).

use std::time::Duration;

use http::HeaderMap;

use crate::time::Timestamp;

pub(super) fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

pub(super) fn http_date(headers: &HeaderMap, name: &str) -> Option<Timestamp> {
    let moment = jiff::fmt::rfc2822::DateTimeParser::new()
        .parse_timestamp(text(headers, name)?)
        .ok()?;
    Some(Timestamp::from_micros(moment.as_microsecond()))
}

pub(super) fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    Some(Duration::from_secs(
        text(headers, "retry-after")?.parse().ok()?,
    ))
}
