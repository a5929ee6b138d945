//! The values that people edit on either side.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::observation::ValuePairs;

/// The values of one asset that can be edited here and in Cloudinary, named as the columns are.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct EditableValues {
    #[serde(rename = "cloudinary_public_id")]
    pub public_id: String,
    pub folder: String,
    pub display_name: Option<String>,
    /// A set, in the order of its bytes: Cloudinary tells one asset's tags in several orders.
    pub tags: BTreeSet<String>,
    pub context: ValuePairs,
    pub metadata: ValuePairs,
}
