//! How far a run has come: its stages, and what it has counted (pure).

use serde::{Deserialize, Serialize};

use crate::asset::ResourceType;
use crate::sync::plan::Tally;
use crate::sync::store::Mode;

/// Where a run goes on.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(tag = "stage", rename_all = "snake_case")]
pub(super) enum Stage {
    /// Read everything, one resource type after the other.
    Listing {
        resource_type: ResourceType,
        cursor: Option<String>,
    },
    /// Read what the search index says has changed.
    Changes { cursor: Option<String> },
    /// Look at live rows that the listing has not shown.
    Suspects { after: String, cleared: bool },
    /// Nothing is left but to say so.
    Done,
}

/// What a run has done so far.
#[derive(Clone, Copy, Default, Debug, Serialize, Deserialize)]
#[serde(default)]
pub struct Counters {
    pub listed: u64,
    pub pages: u64,
    pub suspects: u64,
    pub cloudinary_calls: u64,
    #[serde(flatten)]
    pub tally: Tally,
}

impl Stage {
    /// Where a run of this mode begins.
    pub(super) fn first(mode: Mode) -> Stage {
        match mode {
            Mode::Full => Stage::Listing {
                resource_type: ResourceType::ALL[0],
                cursor: None,
            },
            Mode::Incremental => Stage::Changes { cursor: None },
        }
    }

    /// What follows when a resource type is listed to its end.
    pub(super) fn after_listing(resource_type: ResourceType) -> Stage {
        let mut types = ResourceType::ALL
            .into_iter()
            .skip_while(|kind| *kind != resource_type);
        match types.nth(1) {
            Some(resource_type) => Stage::Listing {
                resource_type,
                cursor: None,
            },
            None => Stage::Suspects {
                after: String::new(),
                cleared: false,
            },
        }
    }
}
