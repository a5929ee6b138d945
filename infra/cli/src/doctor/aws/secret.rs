//! Judges the configuration's secret (pure).

use std::collections::BTreeMap;

use media_sync::config::{Config, ConfigError, SETTINGS};
use serde_json::Value;

use super::super::verdict::first_few;
use super::super::{CheckJudgement, CheckVerdict, ConfigurationSecret, SkipReason};
use super::AwsEvidence;
use crate::configuration::ConfigurationValues;

/// The functions can read it, and every value has the right form.
pub(super) fn secret(evidence: &AwsEvidence) -> CheckJudgement {
    const PUT: &str =
        "aws secretsmanager put-secret-value --secret-id NAME --secret-string file://config.json";
    let text = match evidence.secret.as_ref().map_err(SkipReason::clone)? {
        ConfigurationSecret::Text(text) => text,
        ConfigurationSecret::Missing(name) => {
            return Ok(CheckVerdict::failure(
                format!("there is no secret {name}"),
                format!(
                    "aws secretsmanager create-secret --name {name} --secret-string file://config.json"
                ),
            ));
        }
    };
    let Some(map) = ConfigurationValues::parse(text) else {
        return Ok(CheckVerdict::failure(
            "the secret is not a JSON object",
            PUT,
        ));
    };
    let mut problems = wrapped(text);
    match Config::from_map(map.as_map()) {
        Err(ConfigError::Invalid(found)) => problems.extend(found),
        Err(other) => problems.push(other.to_string()),
        Ok(_) => {}
    }
    if problems.is_empty()
        && let Some(name) = SETTINGS.iter().find(|name| map.get(name).is_some())
    {
        return Ok(CheckVerdict::warning(
            format!("the secret still holds {name}, which the database keeps now"),
            format!("mediasync config unset --leftover {name}"),
        ));
    }
    if problems.is_empty() {
        return Ok(CheckVerdict::ok("every value has the right form"));
    }
    Ok(CheckVerdict::failure(first_few(&problems), PUT))
}

/// Values with blanks or quotes around them, as shells and copying leave them.
fn wrapped(text: &str) -> Vec<String> {
    let object: BTreeMap<String, Value> = serde_json::from_str(text).unwrap_or_default();
    let is_wrapped = |text: &str| text.trim() != text || text.starts_with(['"', '\'']);
    object
        .iter()
        .filter(|(name, _)| !SETTINGS.contains(&name.as_str()))
        .filter(|(_, value)| value.as_str().is_some_and(is_wrapped))
        .map(|(name, _)| format!("{name} has blanks or quotes around it"))
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::super::FindingGrade;
    use super::*;

    fn judge(text: &str) -> CheckVerdict {
        secret_of(ConfigurationSecret::Text(text.to_owned()))
    }

    fn secret_of(secret: ConfigurationSecret) -> CheckVerdict {
        let evidence = AwsEvidence {
            secret: Ok(secret),
            ..AwsEvidence::without(&SkipReason::needs("x"))
        };
        super::secret(&evidence).unwrap()
    }

    #[test]
    fn every_mistake_is_told_at_once_and_no_value_is() {
        let good = json!({
            "CLOUDINARY_URL": "cloudinary://1:hush@demo", "SUPABASE_URL": "https://p.example",
            "SUPABASE_SECRET_KEY": "sb_secret_hush", "SUPABASE_PUBLISHABLE_KEY": "sb_publishable_x",
        });
        assert_eq!(judge(&good.to_string()).grade, FindingGrade::Ok);

        let mut old = good.clone();
        old["UPLOAD_RULES"] = json!(" {broken ");
        let verdict = judge(&old.to_string());
        assert_eq!(verdict.grade, FindingGrade::Warning);
        assert!(
            verdict
                .mend
                .unwrap()
                .contains("config unset --leftover UPLOAD_RULES")
        );

        let mut bad = good.clone();
        bad["CLOUDINARY_URL"] = json!("\"cloudinary://1:hush@demo\"");
        bad["SUPABASE_SECRET_KEY"] = json!("sb_publishable_hush");
        bad["SUPABASE_URL"] = json!(null);
        let verdict = judge(&bad.to_string());
        assert_eq!(verdict.grade, FindingGrade::Failure);
        for words in [
            "CLOUDINARY_URL has blanks or quotes around it",
            "SUPABASE_SECRET_KEY holds a Publishable key",
            "SUPABASE_URL is missing",
        ] {
            assert!(verdict.seen.contains(words), "{words}: {verdict:?}");
        }
        assert!(!verdict.seen.contains("hush"), "{verdict:?}");

        assert!(judge("hush").seen.contains("not a JSON object"));
        let verdict = secret_of(ConfigurationSecret::Missing("x/config".to_owned()));
        assert!(verdict.mend.unwrap().contains("--name x/config"));
        assert!(!format!("{:?}", ConfigurationSecret::Text("hush".to_owned())).contains("hush"));
    }
}
