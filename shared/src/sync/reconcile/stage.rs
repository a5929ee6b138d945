//! The progress of a run: its stages and counters (pure).

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::drift::DriftReport;
use super::refusals::Refusals;
use crate::asset::ResourceType;
use crate::sync::plan::ChangeTally;
use crate::sync::store::RunMode;

/// Where a run goes on.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(tag = "stage", rename_all = "snake_case")]
pub(super) enum Stage {
    /// Read everything, one resource type after the other.
    Listing {
        resource_type: ResourceType,
        cursor: Option<String>,
    },
    /// Read the changes that the search index tells.
    Changes { cursor: Option<String> },
    /// Look at live rows that the listing has not shown.
    Suspects { after: String, cleared: bool },
    /// Nothing is left but to say so.
    Done,
}

/// A run's checkpoint.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub(super) struct State {
    #[serde(flatten)]
    pub(super) stage: Stage,
    /// The findings before the present listing. A dry run goes back to them when the listing's
    /// cursor expires, so that nothing is counted twice.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) drift_before: Option<DriftReport>,
    #[serde(default, skip_serializing_if = "Refusals::is_empty")]
    pub(super) refusals: Refusals,
    /// Assets of a page, once a page as large as was asked for was too much for the database.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) page_size: Option<u16>,
}

impl State {
    pub(super) fn of(stage: Stage) -> Self {
        Self {
            stage,
            drift_before: None,
            refusals: Refusals::default(),
            page_size: None,
        }
    }
}

/// The counts of a run so far.
#[derive(Clone, Copy, Default, Debug, Serialize, Deserialize)]
#[serde(default)]
pub struct RunCounters {
    pub listed: u64,
    pub pages: u64,
    pub suspects: u64,
    pub cloudinary_calls: u64,
    /// Milliseconds spent on steps, rests left out.
    pub worked_ms: u64,
    #[serde(flatten)]
    pub tally: ChangeTally,
}

impl Stage {
    /// Where a run of this mode begins.
    pub(super) fn first(mode: RunMode) -> Stage {
        match mode {
            RunMode::Full => Stage::Listing {
                resource_type: ResourceType::ALL[0],
                cursor: None,
            },
            RunMode::Incremental => Stage::Changes { cursor: None },
            // It has no steps: what it would have to walk is nothing.
            RunMode::Named => Stage::Done,
        }
    }

    /// Tells whether this is a further page of what `earlier`.
    pub(super) fn continues(&self, earlier: &Stage) -> bool {
        match (self, earlier) {
            (
                Self::Listing { resource_type, .. },
                Self::Listing {
                    resource_type: same,
                    ..
                },
            ) => resource_type == same,
            (Self::Changes { .. }, Self::Changes { .. }) => true,
            _ => false,
        }
    }

    /// The stage that follows when a resource type is listed to its end.
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

/// Plain data as JSON.
pub(super) fn to_value(value: &impl Serialize) -> Value {
    serde_json::to_value(value).expect("plain data serialises")
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use serde_json::Value;

    use super::super::RunOptions;
    use super::*;

    /// Runs of earlier versions rest in the database during an upgrade. A file of the folder is
    /// never changed; a new shape gets a new file.
    #[test]
    fn a_run_that_an_earlier_version_began_is_read() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/checkpoints");
        let mut read = 0;
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let run: Value = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
            let name = path.display();
            let state = State::deserialize(&run["checkpoint"]);
            let state = state.unwrap_or_else(|error| panic!("{name}: {error}"));
            RunOptions::deserialize(&run["options"]).unwrap_or_else(|e| panic!("{name}: {e}"));
            let counters = RunCounters::deserialize(&run["counters"]);
            let counters = counters.unwrap_or_else(|error| panic!("{name}: {error}"));
            Option::<DriftReport>::deserialize(&run["drift"])
                .unwrap_or_else(|e| panic!("{name}: {e}"));
            // What was counted before the upgrade counts on.
            assert_eq!(counters.listed, run["counters"]["listed"], "{name}");
            // This version's own writing of it loses nothing.
            let written = serde_json::to_value(&state).unwrap();
            assert_eq!(written, run["checkpoint"], "{name}");
            read += 1;
        }
        assert!(read > 0, "the folder is not empty");
    }

    #[test]
    fn every_stage_is_kept_as_an_earlier_version_wrote_it() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/checkpoints");
        let texts: String = fs::read_dir(folder)
            .unwrap()
            .map(|entry| fs::read_to_string(entry.unwrap().path()).unwrap())
            .collect();
        let stages = [
            Stage::first(RunMode::Full),
            Stage::first(RunMode::Incremental),
            Stage::after_listing(ResourceType::ALL[2]),
            Stage::Done,
        ];
        for stage in stages {
            let tag = serde_json::to_value(&stage).unwrap()["stage"].clone();
            assert!(texts.contains(&format!("\"stage\": {tag}")), "{tag}");
        }
    }
}
