//! The limits of one user, as the setting `USER_LIMITS` says them (pure).
//!
//! The database keeps them: `media_sync.changes_per_hour`, `media_sync.uploads_per_hour` and
//! `media_sync.time_between_rounds` have the same defaults.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// A user who may change or upload nothing within an hour is a reader.
const FEWEST_CHANGES: u32 = 1;

/// An hour: a wish that waits longer would look lost.
const LONGEST_WAIT: u32 = 3_600;

/// The limits of one user. Everything has a default; a misspelt key is a mistake.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct UserLimits {
    /// Edits, deletes and restores that one user may ask for within an hour.
    pub changes_per_hour: u32,
    /// Uploads that one user may begin within an hour, signatures that nobody used among them.
    pub uploads_per_hour: u32,
    /// The time between two rounds of calls to Cloudinary for one asset, once ten have followed each other. 0 is none.
    pub seconds_between_rounds: u32,
}

impl Default for UserLimits {
    fn default() -> Self {
        Self {
            changes_per_hour: 1_000,
            uploads_per_hour: 1_000,
            seconds_between_rounds: 120,
        }
    }
}

impl UserLimits {
    /// Reads the setting's JSON text.
    ///
    /// # Errors
    /// With the fault, to be read behind the setting's name.
    pub fn parse(text: &str) -> Result<Self, String> {
        // A list would pass for an object whose fields are all left out.
        let limits = serde_json::from_str::<Map<String, Value>>(text)
            .and_then(|fields| Self::deserialize(Value::Object(fields)))
            .map_err(|error| format!("does not have the form of limits: {error}"))?;
        if limits.changes_per_hour < FEWEST_CHANGES {
            return Err(format!("has changes_per_hour below {FEWEST_CHANGES}"));
        }
        if limits.uploads_per_hour < FEWEST_CHANGES {
            return Err(format!("has uploads_per_hour below {FEWEST_CHANGES}"));
        }
        if limits.seconds_between_rounds > LONGEST_WAIT {
            return Err(format!("has seconds_between_rounds above {LONGEST_WAIT}"));
        }
        Ok(limits)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_said_has_its_default_and_what_makes_no_sense_is_refused() {
        assert_eq!(UserLimits::parse("{}"), Ok(UserLimits::default()));
        for wrong in [
            "[]",
            r#"{"changes_per_hour": 0}"#,
            r#"{"changes_per_hour": -1}"#,
            r#"{"uploads_per_hour": 0}"#,
            r#"{"changes": 5}"#,
            r#"{"seconds_between_rounds": 3601}"#,
        ] {
            assert!(UserLimits::parse(wrong).is_err(), "{wrong}");
        }
    }
}
