//! The parameter of the series by hour, read into a type (pure).

use media_sync::http::QueryParameters;
use media_sync::parameter::ParameterError;
use serde::Serialize;

const PARAMETERS: &[&str] = &["hours"];

/// A week. The database has the same bound.
const LONGEST: i64 = 168;

/// The arguments of `media_audit_series`.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(crate) struct SeriesQuery {
    /// The hours told, this one included.
    p_hours: i64,
}

impl SeriesQuery {
    /// Reads a query string.
    ///
    /// # Errors
    /// Naming the parameter that cannot be used.
    pub(crate) fn parse(query: Option<&str>) -> Result<Self, ParameterError> {
        let query = QueryParameters::parse(query, PARAMETERS)?;
        let p_hours = query.integer("hours", 1..=LONGEST)?.unwrap_or(24);
        Ok(Self { p_hours })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    const DOCUMENT: &str = include_str!("../../../docs/reference/openapi.json");

    #[test]
    fn a_day_is_told_unless_other_hours_are_asked_for() {
        let asked = |query| json!(SeriesQuery::parse(query).unwrap());
        assert_eq!(asked(None), json!({"p_hours": 24}));
        assert_eq!(asked(Some("hours=168")), json!({"p_hours": 168}));
    }

    #[test]
    fn hours_beyond_a_week_and_other_parameters_are_refused() {
        for (query, name) in [
            ("hours=0", "hours"),
            ("hours=169", "hours"),
            ("hours=day", "hours"),
            ("days=7", "days"),
        ] {
            let refusal = SeriesQuery::parse(Some(query)).unwrap_err();
            assert_eq!(refusal.name, name, "{query}");
        }
    }

    #[test]
    fn the_document_has_this_parameter_and_its_bounds() {
        let document: Value = serde_json::from_str(DOCUMENT).unwrap();
        let operation = &document["paths"]["/api/cloudinary/audit/series"]["get"];
        let parameter = &operation["parameters"][0];
        assert_eq!(parameter["name"], PARAMETERS[0]);
        assert_eq!(parameter["schema"]["maximum"], LONGEST);
        assert_eq!(parameter["schema"]["default"], 24);
    }
}
