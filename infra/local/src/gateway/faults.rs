//! The gateway's counters, and its fault switch.

use std::collections::BTreeMap;

use http::{Method, StatusCode};
use serde::{Deserialize, Serialize};

/// Requests by method and path without query, such as `POST /rest/v1/rpc/apply_page`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct CallCounts(BTreeMap<String, u64>);

impl CallCounts {
    /// Counts the requests of a kind, such as `POST /rest/v1/rpc/x`.
    pub fn of(&self, request: &str) -> u64 {
        self.0.get(request).copied().unwrap_or(0)
    }

    /// All requests together.
    pub fn total(&self) -> u64 {
        self.0.values().sum()
    }

    /// Each request and how often it came in.
    pub fn iter(&self) -> impl Iterator<Item = (&str, u64)> {
        self.0
            .iter()
            .map(|(request, count)| (request.as_str(), *count))
    }

    pub(super) fn count(&mut self, method: &Method, path: &str) {
        *self.0.entry(format!("{method} {path}")).or_default() += 1;
    }
}

/// A failure that the gateway shall show.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(tag = "fault", rename_all = "snake_case")]
pub enum GatewayFault {
    /// The next `times` requests are answered with this status.
    Status {
        /// An HTTP status code.
        status: u16,
        /// The number of requests.
        times: u32,
    },
    /// Every request is answered 503 until the fault is cleared.
    Down,
    /// Requests that come before the fault is cleared are never answered.
    Silent,
}

/// The effect of a fault on a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Effect {
    Answer(StatusCode),
    Silence,
}

#[derive(Debug, Default)]
pub(super) struct Control {
    pub(super) counts: CallCounts,
    pub(super) fault: Option<GatewayFault>,
}

impl Control {
    /// Takes the failure for this request, and counts it down.
    pub(super) fn take_fault(&mut self) -> Option<Effect> {
        match self.fault? {
            GatewayFault::Silent => Some(Effect::Silence),
            GatewayFault::Down => Some(Effect::Answer(StatusCode::SERVICE_UNAVAILABLE)),
            GatewayFault::Status { times: 0, .. } => None,
            GatewayFault::Status { status, times } => {
                self.fault = (times > 1).then_some(GatewayFault::Status {
                    status,
                    times: times - 1,
                });
                let status = StatusCode::from_u16(status);
                let status = status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
                Some(Effect::Answer(status))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn status_fault_ends_after_its_times() {
        let mut control = Control {
            fault: Some(GatewayFault::Status {
                status: 502,
                times: 2,
            }),
            ..Control::default()
        };
        let answers: Vec<Option<Effect>> = (0..3).map(|_| control.take_fault()).collect();
        let bad = Some(Effect::Answer(StatusCode::BAD_GATEWAY));
        assert_eq!(answers, [bad, bad, None]);
    }

    #[test]
    fn down_lasts_until_cleared() {
        let mut control = Control {
            fault: Some(GatewayFault::Down),
            ..Control::default()
        };
        let down = Some(Effect::Answer(StatusCode::SERVICE_UNAVAILABLE));
        assert!((0..3).all(|_| control.take_fault() == down));
    }
}
