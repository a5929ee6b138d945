//! The parameters of the list of events, read into types (pure).

use media_sync::asset::AssetKey;
use media_sync::http::QueryParameters;
use media_sync::parameter::ParameterError;
use media_sync::time::Timestamp;
use serde::{Deserialize, Serialize};

const PARAMETERS: &[&str] = &[
    "verdict",
    "asset_id",
    "date_from",
    "date_to",
    "limit",
    "cursor",
];

/// A request for one page.
#[derive(Debug)]
pub(crate) struct PageRequest {
    pub(crate) query: EventsQuery,
    pub(crate) cursor: Option<String>,
}

/// The arguments of `media_events`, without the position.
#[derive(Debug, Serialize)]
pub(crate) struct EventsQuery {
    #[serde(skip_serializing_if = "Option::is_none")]
    verdict: Option<Verdict>,
    #[serde(skip_serializing_if = "Option::is_none")]
    asset_id: Option<AssetKey>,
    #[serde(skip_serializing_if = "Option::is_none")]
    date_from: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    date_to: Option<Timestamp>,
    pub(crate) limit: i64,
}

/// The end of a notification.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Verdict {
    Applied,
    Superseded,
    Parked,
}

impl PageRequest {
    /// Reads a query string.
    ///
    /// # Errors
    /// Naming the parameter that cannot be used.
    pub(crate) fn parse(query: Option<&str>) -> Result<Self, ParameterError> {
        let query = QueryParameters::parse(query, PARAMETERS)?;
        let (date_from, date_to) = query.period("date_from", "date_to")?;
        let asked = EventsQuery {
            verdict: query.word("verdict")?,
            asset_id: query.asset_key("asset_id")?,
            date_from,
            date_to,
            limit: query.integer("limit", 1..=200)?.unwrap_or(50),
        };
        Ok(Self {
            query: asked,
            cursor: query.text("cursor", 4096)?.map(str::to_owned),
        })
    }
}

#[cfg(test)]
mod tests {
    use media_sync::http::words_of;
    use serde_json::{Value, json};

    use super::*;

    const DOCUMENT: &str = include_str!("../../../docs/reference/openapi.json");

    #[test]
    fn filters_are_passed_as_values() {
        let asked = |query| json!(PageRequest::parse(query).unwrap().query);
        assert_eq!(asked(None), json!({"limit": 50}));
        let id = "0123456789abcdef0123456789abcdef";
        let query = format!("verdict=parked&asset_id={id}&date_from=2026-01-31&limit=2");
        let expected = json!({
            "verdict": "parked", "asset_id": id, "date_from": "2026-01-31T00:00:00.000000Z", "limit": 2,
        });
        assert_eq!(asked(Some(query.as_str())), expected);
    }

    #[test]
    fn what_cannot_be_used_is_named() {
        for (query, name) in [
            ("verdict=lost", "verdict"),
            ("asset_id=mug", "asset_id"),
            ("limit=201", "limit"),
            ("page=2", "page"),
        ] {
            let refusal = PageRequest::parse(Some(query)).unwrap_err();
            assert_eq!(refusal.name, name, "{query}");
        }
    }

    #[test]
    fn the_document_has_these_parameters_and_words() {
        let document: Value = serde_json::from_str(DOCUMENT).unwrap();
        let operation = &document["paths"]["/api/cloudinary/events"]["get"];
        let documented = operation["parameters"].as_array().unwrap();
        let names: Vec<_> = documented.iter().map(|one| &one["name"]).collect();
        assert_eq!(names, PARAMETERS);
        let words = &documented[0]["schema"]["enum"];
        assert_eq!(*words, json!(words_of::<Verdict>()));
    }
}
