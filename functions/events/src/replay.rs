//! The two shapes of a replay that is asked for, read into types (pure).

use lambda_http::Request;
use media_sync::asset::AssetId;
use media_sync::http::{Problem, QueryParameters, body};
use media_sync::parameter::ParameterError;
use media_sync::time::Timestamp;
use serde::{Deserialize, Serialize};

/// The most events of one request. The database has the same bound.
const MOST_IDS: usize = 20;

/// The arguments of `media_request_replay`.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ReplayRequest {
    /// These events.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    ids: Option<Vec<String>>,
    /// Or those received since then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    since: Option<Timestamp>,
    /// Of those, the ones about this asset.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    asset_id: Option<AssetId>,
}

impl ReplayRequest {
    /// Reads a request.
    ///
    /// # Errors
    /// Naming the field that cannot be used.
    pub(crate) fn parse(request: &Request) -> Result<Self, Problem> {
        QueryParameters::parse(request.uri().query(), &[])?;
        let asked: Self = body::json(request)?;
        asked.check()?;
        Ok(asked)
    }

    fn check(&self) -> Result<(), ParameterError> {
        match (&self.ids, &self.since) {
            (Some(ids), None) if self.asset_id.is_none() => check_ids(ids),
            (None, Some(_)) => Ok(()),
            (None, None) => Err(ParameterError::new("since", "is wanted, or ids")),
            (Some(_), _) => Err(ParameterError::new(
                "ids",
                "cannot be combined with since or asset_id",
            )),
        }
    }
}

fn check_ids(ids: &[String]) -> Result<(), ParameterError> {
    let is_digest = |id: &String| {
        id.len() == 64
            && id
                .bytes()
                .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
    };
    if !(1..=MOST_IDS).contains(&ids.len()) || !ids.iter().all(is_digest) {
        let wanted = format!("must be 1 to {MOST_IDS} ids of events, each of 64 hex digits");
        return Err(ParameterError::new("ids", wanted));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    const EVENT: &str = include_str!("../events/http_api.json");

    fn check(body: Value) -> Result<(), ParameterError> {
        serde_json::from_value::<ReplayRequest>(body)
            .unwrap()
            .check()
    }

    #[test]
    fn the_request_of_an_event_is_understood() {
        let request = lambda_http::request::from_str(EVENT).unwrap();
        let asked = ReplayRequest::parse(&request).unwrap();
        let expected = json!({"since": "2026-01-31T12:00:00.000000Z"});
        assert_eq!(json!(asked), expected);
    }

    #[test]
    fn a_replay_names_events_or_a_moment() {
        let (id, since) = ("0a".repeat(32), "2026-01-31T12:00:00Z");
        let asset = "0123456789abcdef0123456789abcdef";
        assert!(check(json!({"ids": [id]})).is_ok());
        assert!(check(json!({"since": since, "asset_id": asset})).is_ok());
        for (body, name) in [
            (json!({}), "since"),
            (json!({"asset_id": asset}), "since"),
            (json!({"ids": [], }), "ids"),
            (json!({"ids": vec![&id; 21]}), "ids"),
            (json!({"ids": ["mug"]}), "ids"),
            (json!({"ids": [id], "since": since}), "ids"),
            (json!({"ids": [id], "asset_id": asset}), "ids"),
        ] {
            assert_eq!(check(body.clone()).unwrap_err().name, name, "{body}");
        }
    }
}
