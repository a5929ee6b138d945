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
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(tag = "fault", rename_all = "snake_case")]
pub enum GatewayFault {
    /// The next `times` requests are answered with this status, in the gateway's own form.
    Status {
        /// An HTTP status code.
        status: u16,
        /// The number of requests.
        times: u32,
    },
    /// Some requests are answered with these very words, such as a page of the network in front or an error of
    /// the database.
    Answer(FaultAnswer),
    /// Every request is answered 503 until the fault is cleared.
    Down,
    /// Requests that come before the fault is cleared are never answered.
    Silent,
}

/// An answer in place of PostgREST's, and the requests that get it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct FaultAnswer {
    /// An HTTP status code.
    pub status: u16,
    /// JSON if it begins with a brace, else HTML.
    #[serde(default)]
    pub body: String,
    /// The end of the paths that are meant, such as `rpc/apply_page`; all if it is empty.
    #[serde(default)]
    pub path: String,
    /// So many of these requests are let through first.
    #[serde(default)]
    pub after: u32,
    /// So many are answered then.
    pub times: u32,
}

impl FaultAnswer {
    /// Takes the answer for a request, and counts it down.
    fn take(&mut self, path: &str) -> Option<Effect> {
        if !path.ends_with(&self.path) || self.times == 0 {
            return None;
        }
        if self.after > 0 {
            self.after -= 1;
            return None;
        }
        self.times -= 1;
        Some(Effect::Answer(status_of(self.status), self.body.clone()))
    }
}

/// The effect of a fault on a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Effect {
    /// The gateway's own words with this status.
    Status(StatusCode),
    Answer(StatusCode, String),
    Silence,
}

#[derive(Debug, Default)]
pub(super) struct Control {
    pub(super) counts: CallCounts,
    pub(super) fault: Option<GatewayFault>,
}

impl Control {
    /// Takes the failure for this request, and counts it down.
    pub(super) fn take_fault(&mut self, path: &str) -> Option<Effect> {
        match self.fault.as_mut()? {
            GatewayFault::Silent => Some(Effect::Silence),
            GatewayFault::Down => Some(Effect::Status(StatusCode::SERVICE_UNAVAILABLE)),
            GatewayFault::Answer(answer) => answer.take(path),
            GatewayFault::Status { times: 0, .. } => None,
            GatewayFault::Status { status, times } => {
                *times -= 1;
                Some(Effect::Status(status_of(*status)))
            }
        }
    }
}

fn status_of(status: u16) -> StatusCode {
    StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn control(fault: GatewayFault) -> Control {
        Control {
            fault: Some(fault),
            ..Control::default()
        }
    }

    #[test]
    fn status_fault_ends_after_its_times() {
        let mut control = control(GatewayFault::Status {
            status: 502,
            times: 2,
        });
        let answers: Vec<_> = (0..3).map(|_| control.take_fault("/x")).collect();
        let bad = Some(Effect::Status(StatusCode::BAD_GATEWAY));
        assert_eq!(answers, [bad.clone(), bad, None]);
    }

    #[test]
    fn an_answer_meets_the_requests_that_are_meant() {
        let mut control = control(GatewayFault::Answer(FaultAnswer {
            status: 520,
            body: "<html>".to_owned(),
            path: "rpc/write".to_owned(),
            after: 1,
            times: 1,
        }));
        let write = "/rest/v1/rpc/write";
        let asked = [write, "/rest/v1/rpc/read", write, write];
        let answers = asked.map(|path| control.take_fault(path));
        let status = StatusCode::from_u16(520).unwrap();
        let page = Some(Effect::Answer(status, "<html>".to_owned()));
        assert_eq!(answers, [None, None, page, None]);
    }

    #[test]
    fn down_lasts_until_cleared() {
        let mut control = control(GatewayFault::Down);
        let down = Some(Effect::Status(StatusCode::SERVICE_UNAVAILABLE));
        assert!((0..3).all(|_| control.take_fault("/x") == down));
    }
}
