//! The Admin API's quota, as answers tell it (pure).

use http::HeaderMap;
use serde::{Deserialize, Serialize};

use super::headers::{http_date, text};
use crate::time::Timestamp;

/// The Admin API's hourly quota, which everybody who uses the product environment shares, as one
/// answer told it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct QuotaReading {
    pub limit: u32,
    pub remaining: u32,
    /// When `remaining` is `limit` again, on Cloudinary's clock.
    pub reset: Timestamp,
    /// When that was so, on Cloudinary's clock, and not later.
    pub seen_at: Timestamp,
}

impl QuotaReading {
    /// Of two readings the newer one holds; of two of one moment, the one that has counted more.
    #[must_use]
    pub fn newer(self, other: Self) -> Self {
        let order = |reading: &Self| (reading.seen_at, std::cmp::Reverse(reading.remaining));
        std::cmp::max_by_key(self, other, order)
    }

    /// Reads an answer's headers.
    pub(super) fn of_headers(headers: &HeaderMap, seen_at: Timestamp) -> Option<Self> {
        let number = |name| text(headers, name)?.parse().ok();
        Some(Self {
            seen_at,
            limit: number("x-featureratelimit-limit")?,
            remaining: number("x-featureratelimit-remaining")?,
            reset: http_date(headers, "x-featureratelimit-reset")?,
        })
    }
}
