//! Plain values of an asset that only Cloudinary changes (pure).
//!
//! Each is a column of its own, with a clock of its own. Another one is added here, to
//! [`Resource`], to the table and to the document of the API.

use serde::{Deserialize, Serialize};

use crate::cloudinary::Resource;

/// The values, named as the columns are. In a sighting `None` means that it is not told.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Attributes {
    pub access_mode: Option<String>,
}

/// When each was last observed: microseconds on Cloudinary's clock.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct AttributeClocks {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub access_mode: Option<i64>,
}

impl Attributes {
    pub(super) fn of_resource(resource: &Resource) -> Self {
        Self {
            access_mode: resource.access_mode.clone(),
        }
    }

    /// Takes in what was told at a moment.
    pub fn observe(&mut self, clocks: &mut AttributeClocks, at: i64, told: &Self) {
        replace_if_newer(
            &mut self.access_mode,
            &mut clocks.access_mode,
            at,
            &told.access_mode,
        );
    }
}

/// At equal moments the greater value stays, so that the order of arrival does not matter.
fn replace_if_newer<T: Clone + Ord>(
    value: &mut Option<T>,
    clock: &mut Option<i64>,
    at: i64,
    told: &Option<T>,
) {
    if told.is_some() {
        if (*clock, &*value) < (Some(at), told) {
            value.clone_from(told);
        }
        *clock = (*clock).max(Some(at));
    }
}
