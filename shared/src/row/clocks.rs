//! When what was told (pure).

use serde::{Deserialize, Serialize};

use crate::observation::Changed;
use crate::time::Timestamp;

/// When each group of fields was last observed: microseconds on Cloudinary's clock.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug, Serialize, Deserialize)]
#[serde(default)]
pub struct Clocks {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub alive: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gone: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub content: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stored: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub folder: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub display_name: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tags: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub context: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub metadata: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub access_mode: Option<i64>,
    /// When groups were last changed, as far as anything told.
    #[serde(skip_serializing_if = "Changed::is_unknown")]
    pub changed: Changed,
}

impl Clocks {
    /// The newest moment that anything is known of this asset.
    pub fn newest(&self) -> Option<Timestamp> {
        self.alive
            .max(self.gone)
            .max(self.content)
            .map(Timestamp::from_micros)
    }
}
