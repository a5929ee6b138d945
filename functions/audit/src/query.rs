//! The parameters of the audit trail, read into types (pure).

use media_sync::asset::AssetKey;
use media_sync::http::QueryParameters;
use media_sync::parameter::ParameterError;
use media_sync::time::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::operation::EntryOperation;

const PARAMETERS: &[&str] = &[
    "operation",
    "status",
    "source",
    "actor",
    "asset_id",
    "public_id",
    "run_id",
    "error_code",
    "date_from",
    "date_to",
    "include",
    "limit",
    "cursor",
];

/// Longer than any public id that Cloudinary takes.
const LONGEST_ID: usize = 1_024;

/// Longer than any name of an error.
const LONGEST_NAME: usize = 100;

/// A request for one page.
#[derive(Debug)]
pub(crate) struct PageRequest {
    pub(crate) query: AuditQuery,
    pub(crate) cursor: Option<String>,
}

/// The arguments of `media_audit`, without the position.
#[derive(Debug, Serialize)]
pub(crate) struct AuditQuery {
    #[serde(skip_serializing_if = "Option::is_none")]
    operation: Option<EntryOperation>,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<EntryStatus>,
    #[serde(skip_serializing_if = "Option::is_none")]
    source: Option<EntrySource>,
    #[serde(skip_serializing_if = "Option::is_none")]
    actor: Option<Uuid>,
    #[serde(skip_serializing_if = "Option::is_none")]
    asset_id: Option<AssetKey>,
    #[serde(skip_serializing_if = "Option::is_none")]
    public_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    run_id: Option<Uuid>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error_code: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    date_from: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    date_to: Option<Timestamp>,
    /// The summary [`AuditSummary::Trends`].
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    error_trends: bool,
    /// The summary [`AuditSummary::Activity`].
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    activity: bool,
    pub(crate) limit: i64,
}

/// The end of what an entry tells of.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum EntryStatus {
    Success,
    Failed,
}

/// The part that wrote an entry.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum EntrySource {
    Webhook,
    Reconcile,
    Outbound,
    Api,
    Database,
}

/// A summary on request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum AuditSummary {
    Trends,
    Activity,
}

impl PageRequest {
    /// Reads a query string.
    ///
    /// # Errors
    /// Naming the parameter that cannot be used.
    pub(crate) fn parse(query: Option<&str>) -> Result<Self, ParameterError> {
        let query = QueryParameters::parse(query, PARAMETERS)?;
        let text = |name, longest| Ok(query.text(name, longest)?.map(str::to_owned));
        let summaries: Vec<AuditSummary> = query.words("include")?;
        let (date_from, date_to) = query.period("date_from", "date_to")?;
        let asked = AuditQuery {
            public_id: text("public_id", LONGEST_ID)?,
            error_code: text("error_code", LONGEST_NAME)?,
            operation: query.word("operation")?,
            status: query.word("status")?,
            source: query.word("source")?,
            actor: query.uuid("actor")?,
            run_id: query.uuid("run_id")?,
            asset_id: query.asset_key("asset_id")?,
            date_from,
            date_to,
            error_trends: summaries.contains(&AuditSummary::Trends),
            activity: summaries.contains(&AuditSummary::Activity),
            limit: query.integer("limit", 1..=200)?.unwrap_or(50),
        };
        Ok(Self {
            query: asked,
            cursor: text("cursor", 4096)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use media_sync::http::words_of;
    use serde_json::{Value, json};

    use super::*;

    const EVENT: &str = include_str!("../events/http_api.json");
    const DOCUMENT: &str = include_str!("../../../docs/reference/openapi.json");

    fn parse(query: Option<&str>) -> Value {
        json!(PageRequest::parse(query).unwrap().query)
    }

    #[test]
    fn the_query_of_an_event_is_understood() {
        let request = lambda_http::request::from_str(EVENT).unwrap();
        let expected = json!({
            "operation": "renamed", "date_from": "2026-01-01T00:00:00.000000Z", "limit": 20,
            "error_trends": true, "activity": true,
        });
        assert_eq!(parse(request.uri().query()), expected);
    }

    #[test]
    fn without_parameters_the_newest_fifty_are_asked_for() {
        assert_eq!(parse(None), json!({"limit": 50}));
    }

    #[test]
    fn every_filter_is_passed_as_a_value() {
        let id = "0123456789abcdef0123456789abcdef";
        let uuid = "00000000-0000-0000-0000-000000000007";
        let asked = parse(Some(&format!(
            "status=failed&source=outbound&actor={uuid}&run_id={uuid}&asset_id={id}&public_id=a%27b&error_code=x&date_to=2026-02-01"
        )));
        for (name, value) in [
            ("status", "failed"),
            ("source", "outbound"),
            ("actor", uuid),
            ("run_id", uuid),
            ("asset_id", id),
            ("public_id", "a'b"),
            ("error_code", "x"),
            ("date_to", "2026-02-01T23:59:59.999999Z"),
        ] {
            assert_eq!(asked[name], value, "{name}");
        }
    }

    #[test]
    fn what_cannot_be_used_is_named() {
        for (query, name) in [
            ("limit=0", "limit"),
            ("limit=201", "limit"),
            ("operation=delet", "operation"),
            ("status=ok", "status"),
            ("source=cron", "source"),
            ("actor=me", "actor"),
            ("run_id=7", "run_id"),
            ("asset_id=mug", "asset_id"),
            ("date_from=yesterday", "date_from"),
            ("date_from=2026-02-01&date_to=2026-01-01", "date_from"),
            ("include=everything", "include"),
            ("include=trends,everything", "include"),
            ("page=2", "page"),
        ] {
            assert_eq!(
                PageRequest::parse(Some(query)).unwrap_err().name,
                name,
                "{query}"
            );
        }
    }

    #[test]
    fn the_document_has_these_parameters_and_words() {
        let document: Value = serde_json::from_str(DOCUMENT).unwrap();
        let documented = document["paths"]["/api/cloudinary/audit"]["get"]["parameters"]
            .as_array()
            .unwrap();
        let names: Vec<_> = documented.iter().map(|one| &one["name"]).collect();
        assert_eq!(names, PARAMETERS);
        let schema =
            |name: &str| &documented.iter().find(|one| one["name"] == name).unwrap()["schema"];
        assert_eq!(
            schema("operation")["enum"],
            json!(words_of::<EntryOperation>())
        );
        assert_eq!(schema("status")["enum"], json!(words_of::<EntryStatus>()));
        assert_eq!(schema("source")["enum"], json!(words_of::<EntrySource>()));
        let summaries = json!(words_of::<AuditSummary>());
        assert_eq!(schema("include")["items"]["enum"], summaries);
    }
}
