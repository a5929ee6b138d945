//! Requests about one asset: its id in the path, and the state that the caller wants it to have (pure).

use http::{HeaderMap, HeaderValue, header};
use lambda_http::{Request, RequestExt as _};

use serde::Serialize;

use crate::asset::AssetKey;
use crate::parameter::ParameterError;

const PARAMETER: &str = "asset_id";

/// The asset of a path, as the database's functions take it.
#[derive(Debug, PartialEq, Serialize)]
pub struct OneAsset {
    pub asset_id: AssetKey,
    /// The states that it may have; any, if there are none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub if_match: Option<Vec<String>>,
}

impl OneAsset {
    /// Reads the path and `If-Match`.
    ///
    /// # Errors
    /// When either cannot be used.
    pub fn of_request(request: &Request) -> Result<Self, ParameterError> {
        Ok(Self {
            asset_id: asset_of_path(request)?,
            if_match: wanted_states(request.headers())?,
        })
    }
}

/// Tells whether the route names an asset.
pub fn names_one_asset(request: &Request) -> bool {
    let parameters = request.path_parameters_ref();
    parameters.is_some_and(|parameters| parameters.first(PARAMETER).is_some())
}

/// The asset in the path.
///
/// # Errors
/// When it is no id.
pub fn asset_of_path(request: &Request) -> Result<AssetKey, ParameterError> {
    let parameters = request.path_parameters_ref();
    let text = parameters.and_then(|parameters| parameters.first(PARAMETER));
    AssetKey::parse(text.unwrap_or_default())
        .map_err(|wanted| ParameterError::new(PARAMETER, wanted.to_string()))
}

/// The tags of `If-Match`, one of which the asset's state must have; `None` without the header, and for `*`. A weak tag
/// matches nothing (RFC 9110, section 13.1.1).
///
/// # Errors
/// When a tag is not written as `ETag` writes it.
fn wanted_states(headers: &HeaderMap) -> Result<Option<Vec<String>>, ParameterError> {
    let values: Vec<&HeaderValue> = headers.get_all(header::IF_MATCH).iter().collect();
    if values.is_empty() || matches!(values[..], [any] if any == "*") {
        return Ok(None);
    }
    let mut states = Vec::new();
    for value in values {
        let text = value.to_str().map_err(|_| bad_tag())?;
        for tag in text.split(',') {
            states.extend(strong_tag(tag.trim()).ok_or_else(bad_tag)?);
        }
    }
    Ok(Some(states))
}

/// The text of a tag, which is nothing for a weak one; `None` for what is no tag.
fn strong_tag(tag: &str) -> Option<Option<String>> {
    let quoted = tag.strip_prefix("W/").unwrap_or(tag);
    let text = quoted.strip_prefix('"')?.strip_suffix('"')?;
    let is_text = text
        .bytes()
        .all(|byte| byte.is_ascii_graphic() && byte != b'"');
    is_text.then(|| (quoted == tag).then(|| text.to_owned()))
}

/// Refuses `If-Match` where a request may change several assets: it would be of no effect.
///
/// # Errors
/// When the header is there.
pub(super) fn refuse_wanted_states(headers: &HeaderMap) -> Result<(), ParameterError> {
    if headers.contains_key(header::IF_MATCH) {
        let reason = "belongs to the routes of one asset, `/media/{asset_id}`; an item of an edit takes `if_match`";
        return Err(ParameterError::new("If-Match", reason));
    }
    Ok(())
}

fn bad_tag() -> ParameterError {
    ParameterError::new(
        "If-Match",
        "must be `*`, or tags in quotes as `ETag` has them",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn states(values: &[&str]) -> Result<Option<Vec<String>>, ParameterError> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(header::IF_MATCH, value.parse().unwrap());
        }
        wanted_states(&headers)
    }

    #[test]
    fn tags_are_read_as_they_were_told() {
        let tags = |tags: &[&str]| Ok(Some(tags.iter().map(|&tag| tag.to_owned()).collect()));
        assert_eq!(states(&[]), Ok(None));
        assert_eq!(states(&["*"]), Ok(None));
        assert_eq!(states(&["\"a\""]), tags(&["a"]));
        assert_eq!(states(&["\"a\" , \"b\"", "\"c\""]), tags(&["a", "b", "c"]));
        assert_eq!(states(&["W/\"a\", \"b\""]), tags(&["b"]));
        assert_eq!(states(&["W/\"a\""]), tags(&[]), "no state will do");
        for value in [
            "",
            "a",
            "\"a",
            "\"",
            "\"a\"b\"",
            "\"a\" \"b\"",
            "w/\"a\"",
            "*, \"a\"",
            "\"a b\"",
        ] {
            let error = states(&[value]).unwrap_err();
            assert_eq!(error.name, "If-Match", "{value}");
        }
    }

    #[test]
    fn several_assets_have_no_state_in_common() {
        let mut headers = HeaderMap::new();
        assert_eq!(refuse_wanted_states(&headers), Ok(()));
        headers.insert(header::IF_MATCH, "*".parse().unwrap());
        assert_eq!(refuse_wanted_states(&headers).unwrap_err().name, "If-Match");
    }
}
