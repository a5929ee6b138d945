//! The parameters of menus of filters, read into types (pure).

use media_sync::http::{FILTER_PARAMETERS, MediaFilters, QueryParameters};
use media_sync::parameter::ParameterError;
use serde::{Deserialize, Serialize};

/// The arguments of `media_facets`: the filters of `media_list` for assets that live.
#[derive(Debug, Serialize)]
#[serde(transparent)]
pub(crate) struct FacetsQuery(MediaFilters<DateField>);

/// The date that the period is about.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
enum DateField {
    #[serde(rename = "created_at")]
    Created,
    #[serde(rename = "updated_at")]
    Updated,
    #[serde(rename = "cloudinary_created_at")]
    CreatedInCloudinary,
}

impl FacetsQuery {
    /// Reads a query string.
    ///
    /// # Errors
    /// Naming the parameter that cannot be used.
    pub(crate) fn parse(query: Option<&str>) -> Result<Self, ParameterError> {
        let query = QueryParameters::parse(query, &FILTER_PARAMETERS)?;
        MediaFilters::read(&query).map(Self)
    }
}

#[cfg(test)]
mod tests {
    use media_sync::http::words_of;
    use serde_json::{Value, json};

    use super::*;

    const EVENT: &str = include_str!("../events/http_api.json");
    const DOCUMENT: &str = include_str!("../../../docs/reference/openapi.json");

    #[test]
    fn the_query_of_an_event_is_understood() {
        let request = lambda_http::request::from_str(EVENT).unwrap();
        let asked = FacetsQuery::parse(request.uri().query()).unwrap();
        let expected =
            json!({"below": "shop", "resource_type": ["image", "raw"], "tags": ["sale"]});
        assert_eq!(json!(asked), expected);
    }

    #[test]
    fn all_assets_are_asked_for_without_a_filter() {
        assert_eq!(json!(FacetsQuery::parse(None).unwrap()), json!({}));
    }

    #[test]
    fn parameters_of_pages_and_of_deleted_assets_are_refused() {
        for (query, name) in [
            ("deleted=only", "deleted"),
            ("date_field=deleted_at", "date_field"),
            ("limit=5", "limit"),
            ("sort_by=created_at", "sort_by"),
            ("cursor=x", "cursor"),
            ("format=a&format=b", "format"),
        ] {
            let refusal = FacetsQuery::parse(Some(query)).unwrap_err();
            assert_eq!(refusal.name, name, "{query}");
        }
    }

    #[test]
    fn the_document_has_these_parameters_and_words() {
        let document: Value = serde_json::from_str(DOCUMENT).unwrap();
        let operation = &document["paths"]["/api/cloudinary/media/facets"]["get"];
        let documented: Vec<&Value> = operation["parameters"]
            .as_array()
            .unwrap()
            .iter()
            .map(|one| match one["$ref"].as_str() {
                Some(reference) => document.pointer(&reference[1..]).unwrap(),
                None => one,
            })
            .collect();
        let names: Vec<_> = documented.iter().map(|one| &one["name"]).collect();
        assert_eq!(names, FILTER_PARAMETERS);
        let date_field = documented.iter().find(|one| one["name"] == "date_field");
        let words = &date_field.unwrap()["schema"]["enum"];
        assert_eq!(*words, json!(words_of::<DateField>()));
    }
}
