//! The events that ask for maintenance (pure).

use serde::Deserialize;
use serde_json::Value;

use crate::asset::AssetId;
use crate::queue::ReplayMessage;
use crate::time::Timestamp;

/// One thing to do.
#[derive(Debug, PartialEq)]
pub enum MaintenanceTask {
    /// Send decisions that nobody has sent; end uploads that nobody has ended.
    Drain,
    /// Remove records that are too old.
    Purge,
    /// Repair Cloudinary's triggers.
    Triggers,
    /// Apply recorded notifications again.
    Replay(ReplayMessage),
}

/// `{"action": "drain"}`, as schedules send it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Act {
    action: Action,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Action {
    Drain,
    Purge,
    Triggers,
}

/// `{"replay": {"since": "2026-01-31T12:00:00Z", "asset_id": "..."}}`, by hand.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ReplayEvent {
    replay: ReplayWanted,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ReplayWanted {
    since: Timestamp,
    asset_id: Option<AssetId>,
}

impl MaintenanceTask {
    /// Reads an event; `None` is one that asks for something else.
    ///
    /// # Errors
    /// When it asks for maintenance of a kind that there is not.
    pub fn read(event: &Value, now: Timestamp) -> Result<Option<Self>, serde_json::Error> {
        if event.get("action").is_some() {
            let task = match Act::deserialize(event)?.action {
                Action::Drain => Self::Drain,
                Action::Purge => Self::Purge,
                Action::Triggers => Self::Triggers,
            };
            return Ok(Some(task));
        }
        if event.get("replay").is_some() {
            let wanted = ReplayEvent::deserialize(event)?.replay;
            return Ok(Some(Self::Replay(wanted.until(now))));
        }
        Ok(None)
    }
}

impl ReplayWanted {
    /// Notifications received from now on are not replayed, so that a replay ends.
    fn until(self, now: Timestamp) -> ReplayMessage {
        ReplayMessage {
            since: self.since,
            until: now,
            asset_id: self.asset_id,
            after: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);

    fn read(event: Value) -> Result<Option<MaintenanceTask>, serde_json::Error> {
        MaintenanceTask::read(&event, NOW)
    }

    #[test]
    fn the_schedules_of_the_template_are_understood() {
        let template = include_str!("../../../template.yaml");
        for (action, expected) in [
            ("drain", MaintenanceTask::Drain),
            ("purge", MaintenanceTask::Purge),
            ("triggers", MaintenanceTask::Triggers),
        ] {
            let event = json!({ "action": action });
            assert!(template.contains(&format!("Input: '{event}'")), "{event}");
            assert_eq!(read(event).unwrap(), Some(expected));
        }
        assert!(read(json!({"action": "reboot"})).is_err());
    }

    #[test]
    fn a_replay_names_its_beginning() {
        let event = json!({"replay": {"since": "2026-01-31T12:00:00Z"}});
        let Some(MaintenanceTask::Replay(replay)) = read(event).unwrap() else {
            panic!("no replay");
        };
        assert_eq!((replay.asset_id, replay.until), (None, NOW));
        assert!(read(json!({"replay": {}})).is_err());
        let misspelt = json!({"replay": {"since": "2026-01-31T12:00:00Z", "asset": "x"}});
        assert!(read(misspelt).is_err());
    }

    #[test]
    fn a_run_is_no_maintenance() {
        assert_eq!(read(json!({"mode": "full"})).unwrap(), None);
    }
}
