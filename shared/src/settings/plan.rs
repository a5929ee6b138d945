//! Chooses between the database's value of a setting and the one that an old secret holds (pure).

use super::database::StoredSetting;
use super::user_limits::UserLimits;
use crate::access_rules::AccessRules;
use crate::config::{ACCESS_RULES, USER_LIMITS};
use crate::upload::UploadRules;

/// The rules that count, and where they come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RulesPlan {
    /// The rules as they are written: a JSON object that keeps the setting's own rules.
    pub text: String,
    pub origin: RulesOrigin,
}

/// The place that the rules come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RulesOrigin {
    Database,
    /// The secret, since the database was never given any: they are to be imported.
    Secret,
    /// Nobody has given any.
    Default,
}

/// Holds a setting's text to its own rules.
///
/// # Errors
/// Its faults, without its values.
pub fn check_setting(name: &str, text: &str) -> Result<(), String> {
    match name {
        ACCESS_RULES => AccessRules::parse(text).map(drop),
        USER_LIMITS => UserLimits::parse(text).map(drop),
        _ => UploadRules::parse(text).map(drop),
    }
}

/// Chooses a setting's rules. The secret's value counts only if the database was never given one.
///
/// # Errors
/// The place of the rules that should count, and their fault.
pub fn plan_rules(
    name: &str,
    stored: Option<&StoredSetting>,
    in_secret: Option<&str>,
) -> Result<RulesPlan, (RulesOrigin, String)> {
    let (text, origin) = match (stored, in_secret) {
        (Some(stored), _) => (stored.text(), RulesOrigin::Database),
        (None, Some(text)) => (text.to_owned(), RulesOrigin::Secret),
        (None, None) => ("{}".to_owned(), RulesOrigin::Default),
    };
    match check_setting(name, &text) {
        Ok(()) => Ok(RulesPlan { text, origin }),
        Err(fault) => Err((origin, fault)),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::config::UPLOAD_RULES;
    use crate::time::Timestamp;

    fn stored(value: Option<Value>) -> StoredSetting {
        StoredSetting {
            value,
            changed_at: Timestamp::now(),
        }
    }

    #[test]
    fn the_database_counts_before_the_secret_even_where_its_rules_were_taken_back() {
        let in_database = stored(Some(json!({"max_bytes": 5})));
        let taken_back = stored(None);
        let secret = r#"{"max_bytes": 7}"#;
        let default = UploadRules::default().max_bytes;
        for (stored, in_secret, origin, bytes) in [
            (Some(&in_database), None, RulesOrigin::Database, 5),
            (Some(&in_database), Some(secret), RulesOrigin::Database, 5),
            (Some(&in_database), Some("broken"), RulesOrigin::Database, 5),
            (
                Some(&taken_back),
                Some(secret),
                RulesOrigin::Database,
                default,
            ),
            (None, Some(secret), RulesOrigin::Secret, 7),
            (None, None, RulesOrigin::Default, default),
        ] {
            let plan = plan_rules(UPLOAD_RULES, stored, in_secret).unwrap();
            let rules = UploadRules::parse(&plan.text).unwrap();
            assert_eq!(
                (plan.origin, rules.max_bytes),
                (origin, bytes),
                "{in_secret:?}"
            );
        }
    }

    #[test]
    fn rules_that_cannot_be_read_are_a_fault_and_no_default() {
        let misspelt = stored(Some(json!({"max_byte": 5})));
        let (origin, fault) = plan_rules(UPLOAD_RULES, Some(&misspelt), None).unwrap_err();
        assert_eq!(origin, RulesOrigin::Database);
        assert!(fault.contains("max_byte"), "{fault}");
        let (origin, _) = plan_rules(UPLOAD_RULES, None, Some("{")).unwrap_err();
        assert_eq!(origin, RulesOrigin::Secret);
        let (_, fault) = plan_rules(USER_LIMITS, Some(&misspelt), None).unwrap_err();
        assert!(
            fault.contains("max_byte"),
            "each setting has its own: {fault}"
        );
    }

    #[test]
    fn each_setting_has_rules_of_its_own() {
        let access = stored(Some(json!({"admin_aal": "aal2"})));
        assert!(plan_rules(ACCESS_RULES, Some(&access), None).is_ok());
        assert!(plan_rules(UPLOAD_RULES, Some(&access), None).is_err());
    }
}
