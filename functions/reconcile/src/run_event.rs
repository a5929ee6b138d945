//! The event of a run: from a schedule, or by hand (pure).

use std::collections::BTreeSet;

use media_sync::sync::reconcile::{RunOptions, checked_names};
use media_sync::sync::store::{RunMode, RunRequest, RunTrigger};
use serde::Deserialize;
use serde_json::{Map, Value, json};

/// The event of a schedule, as template.yaml says. By hand, a run's options may stand beside the
/// mode, and the names of assets beside the mode `named`.
#[derive(Debug, PartialEq, Deserialize)]
#[serde(try_from = "Map<String, Value>")]
pub(crate) struct RunEvent {
    mode: RunMode,
    public_ids: Option<Vec<String>>,
    options: RunOptions,
}

/// The work that an event asks for.
#[derive(Debug)]
pub(crate) enum RunWork {
    /// The pages of a listing, all or those that changed.
    Pages(RunRequest),
    /// Only these assets.
    Named(BTreeSet<String>, RunRequest, RunOptions),
}

impl TryFrom<Map<String, Value>> for RunEvent {
    type Error = serde_json::Error;

    /// By hand, since a flattened struct would let misspelt options pass.
    fn try_from(mut fields: Map<String, Value>) -> Result<Self, Self::Error> {
        let mode = fields.remove("mode").unwrap_or_default();
        let public_ids = fields.remove("public_ids").unwrap_or_default();
        Ok(Self {
            mode: RunMode::deserialize(mode)?,
            public_ids: Option::deserialize(public_ids)?,
            options: RunOptions::deserialize(Value::Object(fields))?,
        })
    }
}

impl RunEvent {
    /// The work that the event asks for.
    ///
    /// # Errors
    /// With the option that cannot be used.
    pub(crate) fn wanted(self) -> Result<RunWork, String> {
        let options = self
            .options
            .checked()
            .map_err(|reason| format!("batch_size {reason}"))?;
        let is_schedule = options == RunOptions::default() && self.public_ids.is_none();
        let request = RunRequest {
            force: false,
            mode: self.mode,
            trigger: if is_schedule {
                RunTrigger::Schedule
            } else {
                RunTrigger::Invocation
            },
            requested_by: None,
            options: json!(options),
        };
        match (self.mode, self.public_ids) {
            (RunMode::Named, names) => {
                let names = checked_names(names.unwrap_or_default());
                let names = names.map_err(|reason| format!("public_ids {reason}"))?;
                Ok(RunWork::Named(names, request, options))
            }
            (_, None) => Ok(RunWork::Pages(request)),
            (_, Some(_)) => Err("public_ids go with the mode `named`".to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run_event(event: Value) -> Result<RunEvent, serde_json::Error> {
        RunEvent::deserialize(event)
    }

    #[test]
    fn the_schedules_of_the_template_are_understood() {
        for (input, mode) in [
            ("incremental", RunMode::Incremental),
            ("full", RunMode::Full),
        ] {
            let wanted = run_event(json!({"mode": input})).unwrap().wanted().unwrap();
            let RunWork::Pages(run) = wanted else {
                panic!("a run is wanted");
            };
            assert_eq!((run.mode, run.trigger), (mode, RunTrigger::Schedule));
            assert_eq!(run.options, json!(RunOptions::default()));
        }
    }

    #[test]
    fn options_stand_beside_the_mode_and_misspelt_ones_are_refused() {
        let asked = json!({"mode": "full", "dry_run": true, "quota_reserve": 5});
        let asked = run_event(asked).unwrap();
        assert!(asked.options.dry_run);
        assert_eq!(asked.options.quota_reserve, Some(5));
        let RunWork::Pages(run) = asked.wanted().unwrap() else {
            panic!("a run is wanted");
        };
        assert_eq!(run.trigger, RunTrigger::Invocation);
        assert!(run_event(json!({"mode": "full", "dryrun": true})).is_err());
        let large = run_event(json!({"mode": "full", "batch_size": 501})).unwrap();
        assert!(large.wanted().is_err());
    }

    #[test]
    fn names_go_with_their_mode_only() {
        let named = json!({"mode": "named", "public_ids": ["b", "a", "b"], "dry_run": true});
        let RunWork::Named(names, run, options) = run_event(named).unwrap().wanted().unwrap()
        else {
            panic!("names are understood");
        };
        assert_eq!(Vec::from_iter(names), ["a", "b"]);
        assert_eq!(
            (run.mode, run.trigger),
            (RunMode::Named, RunTrigger::Invocation)
        );
        assert!(options.dry_run);
        for event in [
            json!({"mode": "named"}),
            json!({"mode": "named", "public_ids": []}),
            json!({"mode": "full", "public_ids": ["a"]}),
        ] {
            assert!(
                run_event(event.clone()).unwrap().wanted().is_err(),
                "{event}"
            );
        }
    }
}
