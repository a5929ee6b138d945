//! Plain values of an asset that only Cloudinary changes (pure).
//!
//! Each is a column of its own, with a clock of its own. Another one is added here, to
//! [`CloudinaryResource`], to the table and to the document of the API.

use serde::{Deserialize, Serialize};

use super::absence::AbsenceMeaning;
use super::newer::replace_if_newer;
use crate::cloudinary::CloudinaryResource;

/// The columns of [`AssetAttributes`].
pub const ATTRIBUTE_COLUMNS: [&str; 2] = ["access_mode", "moderation"];

/// The values, named as the columns are.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct AssetAttributes {
    /// `public` or `authenticated`.
    pub access_mode: Option<String>,
    /// `approved`, `queued`, `pending`, `aborted` or `rejected`.
    pub moderation: Option<String>,
}

impl Default for AssetAttributes {
    /// An asset of which nothing is told: everybody may fetch it, and nobody moderates it.
    fn default() -> Self {
        Self {
            access_mode: Some("public".to_owned()),
            moderation: None,
        }
    }
}

/// The values that a source tells; `None` where it does not speak of one.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct ToldAttributes {
    pub access_mode: Option<Option<String>>,
    pub moderation: Option<Option<String>>,
}

/// When each was last observed: microseconds on Cloudinary's clock.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct AttributeClocks {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub access_mode: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub moderation: Option<i64>,
}

impl ToldAttributes {
    pub(super) fn of_resource(resource: &CloudinaryResource, told: AbsenceMeaning) -> Self {
        let everything = told == AbsenceMeaning::Everything;
        Self {
            // Some accounts are never told of it.
            access_mode: resource.access_mode.clone().map(Some),
            moderation: resource
                .moderation
                .clone()
                .map(Some)
                .or_else(|| everything.then_some(None)),
        }
    }
}

impl AssetAttributes {
    /// Takes in what was told at a moment.
    pub fn observe(&mut self, clocks: &mut AttributeClocks, at: i64, told: &ToldAttributes) {
        let Self {
            access_mode,
            moderation,
        } = self;
        replace_if_newer(access_mode, &mut clocks.access_mode, at, &told.access_mode);
        replace_if_newer(moderation, &mut clocks.moderation, at, &told.moderation);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn told(resource: serde_json::Value, told: AbsenceMeaning) -> ToldAttributes {
        ToldAttributes::of_resource(&serde_json::from_value(resource).unwrap(), told)
    }

    #[test]
    fn columns_are_those_of_the_values() {
        let row = serde_json::to_value(AssetAttributes::default()).unwrap();
        let names: Vec<_> = row.as_object().unwrap().keys().cloned().collect();
        assert_eq!(names, ATTRIBUTE_COLUMNS);
    }

    #[test]
    fn the_worst_of_several_moderations_counts() {
        let of = |statuses: &[&str]| {
            let moderations: Vec<_> = statuses
                .iter()
                .map(|status| json!({"kind": "manual", "status": status}))
                .collect();
            let resource = json!({"moderation": moderations});
            told(resource, AbsenceMeaning::Everything)
                .moderation
                .unwrap()
        };
        assert_eq!(of(&[]), None);
        assert_eq!(of(&["approved"]).unwrap(), "approved");
        assert_eq!(of(&["approved", "pending"]).unwrap(), "pending");
        assert_eq!(of(&["rejected", "approved"]).unwrap(), "rejected");
        assert_eq!(of(&["rejected", "escalated"]).unwrap(), "escalated");
    }

    #[test]
    fn an_answer_that_tells_everything_tells_that_there_is_no_moderation() {
        assert_eq!(
            told(json!({}), AbsenceMeaning::Everything).moderation,
            Some(None)
        );
        assert_eq!(
            told(json!({}), AbsenceMeaning::WhatIsThere).moderation,
            None
        );
        let mut row = AssetAttributes::default();
        let mut clocks = AttributeClocks::default();
        let pending = json!({"moderation": [{"kind": "manual", "status": "pending"}]});
        row.observe(&mut clocks, 5, &told(pending, AbsenceMeaning::WhatIsThere));
        row.observe(&mut clocks, 4, &told(json!({}), AbsenceMeaning::Everything));
        assert_eq!(row.moderation.as_deref(), Some("pending"), "older news");
        row.observe(&mut clocks, 6, &told(json!({}), AbsenceMeaning::Everything));
        assert_eq!(row.moderation, None);
    }
}
