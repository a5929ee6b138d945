//! Settings that the database keeps: written, taken back, and what an old secret still holds of them.

use media_sync::settings::{
    RulesOrigin, StoredSetting, check_setting, fetch_settings, plan_rules, write_setting,
};
use serde_json::{Value, json};

use super::place::ReadSecret;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::Output;

/// Writes a setting into the database.
pub(super) async fn set(
    read: &ReadSecret,
    name: &str,
    text: &str,
    output: &Output,
) -> Result<Exit, Failure> {
    let value = checked(name, text)?;
    let changed = write_setting(&read.supabase()?, name, Some(&value), false).await?;
    output.say(&match changed {
        true => format!(
            "wrote {name} to the database; its triggers follow it at once, the functions within five minutes, or at once \
             after a refusal"
        ),
        false => format!("{name} has this value already"),
    });
    if read.leftover(name).is_some() {
        output.warn(&unused(name));
    }
    output.data(
        &json!({"key": name, "changed": changed, "place": "database"}),
        &[],
    );
    Ok(Exit::Ok)
}

/// Takes a setting back: the defaults count from now on.
pub(super) async fn unset(read: &ReadSecret, name: &str, output: &Output) -> Result<Exit, Failure> {
    // First the database: from then on a secret's value is not imported any more.
    let in_database = write_setting(&read.supabase()?, name, None, false).await?;
    let in_secret = read.remove(name).await?;
    output.say(&format!("{name} is not set any more: its defaults count"));
    output.data(
        &json!({"key": name, "changed": in_database || in_secret}),
        &[],
    );
    Ok(Exit::Ok)
}

/// Takes a setting out of the secret only. One that the database was never given is imported first.
pub(super) async fn unset_leftover(
    read: &ReadSecret,
    name: &str,
    output: &Output,
) -> Result<Exit, Failure> {
    let Some(text) = read.leftover(name) else {
        output.say(&format!("the secret holds no {name}"));
        output.data(&json!({"key": name, "changed": false}), &[]);
        return Ok(Exit::Ok);
    };
    let supabase = read.supabase()?;
    if !fetch_settings(&supabase).await?.contains_key(name) {
        let value = checked(name, &text).map_err(|failure| {
            failure.mend(format!(
                "the secret's {name} cannot be imported: write a better one with `mediasync config set {name}` first"
            ))
        })?;
        if write_setting(&supabase, name, Some(&value), true).await? {
            output.say(&format!("imported {name} into the database"));
        }
    }
    read.remove(name).await?;
    output.say(&format!("took {name} out of the secret"));
    output.data(&json!({"key": name, "changed": true}), &[]);
    Ok(Exit::Ok)
}

/// The warning about a value that nothing reads.
pub(super) fn unused(name: &str) -> String {
    format!(
        "the database keeps {name}, and nothing reads the secret's any more: `mediasync config unset --leftover {name}` \
         removes it"
    )
}

/// A setting as `print` shows it: its value, its place, and a warning.
pub(super) fn shown(
    name: &str,
    stored: Option<&StoredSetting>,
    leftover: Option<&str>,
) -> (String, &'static str, Option<String>) {
    match plan_rules(name, stored, leftover) {
        Ok(plan) => match plan.origin {
            RulesOrigin::Database => {
                let warning = leftover.map(|_| unused(name));
                match stored.is_some_and(|stored| stored.value.is_some()) {
                    true => (plan.text, "database", warning),
                    false => ("(not set)".to_owned(), "default", warning),
                }
            }
            RulesOrigin::Secret => (
                plan.text,
                "secret",
                Some(format!(
                    "the secret's {name} was not imported into the database yet: the function Upload or Maintenance does it, \
                     or `mediasync config unset --leftover {name}`"
                )),
            ),
            RulesOrigin::Default => ("(not set)".to_owned(), "default", None),
        },
        Err((origin, fault)) => {
            let place = match origin {
                RulesOrigin::Secret => "secret",
                _ => "database",
            };
            let warning =
                format!("{name} {fault}: `mediasync config set {name}` writes a better one");
            ("(unusable)".to_owned(), place, Some(warning))
        }
    }
}

/// The value, held to the functions' own rules.
fn checked(name: &str, text: &str) -> Result<Value, Failure> {
    let refuse = |fault: &str| {
        Failure::new(Exit::Usage, format!("{name} {fault}")).mend("nothing was written")
    };
    check_setting(name, text).map_err(|fault| refuse(&fault))?;
    serde_json::from_str(text).map_err(|error| refuse(&error.to_string()))
}

#[cfg(test)]
mod tests {
    use media_sync::config::{UPLOAD_RULES, USER_LIMITS};
    use media_sync::time::Timestamp;

    use super::*;

    fn stored(value: Value) -> StoredSetting {
        StoredSetting {
            value: Some(value).filter(|value| !value.is_null()),
            changed_at: Timestamp::now(),
        }
    }

    #[test]
    fn a_misspelt_rule_is_refused_with_its_name() {
        let failure = checked(UPLOAD_RULES, r#"{"max_byte": 5}"#).unwrap_err();
        assert_eq!(failure.exit, Exit::Usage);
        assert!(failure.message.contains("max_byte"), "{failure:?}");
        assert!(checked(UPLOAD_RULES, "{").is_err());
        assert_eq!(checked(UPLOAD_RULES, "{}").unwrap(), json!({}));
        assert!(checked(USER_LIMITS, r#"{"changes_per_hour": 0}"#).is_err());
    }

    #[test]
    fn each_place_of_a_setting_is_told_and_what_nothing_reads_is_warned_of() {
        let (given, taken_back) = (stored(json!({"max_bytes": 5})), stored(Value::Null));
        let old = Some(r#"{"max_bytes": 7}"#);
        for (stored, leftover, value, place, words) in [
            (Some(&given), None, r#"{"max_bytes":5}"#, "database", None),
            (
                Some(&given),
                old,
                r#"{"max_bytes":5}"#,
                "database",
                Some("unset --leftover"),
            ),
            (
                Some(&taken_back),
                old,
                "(not set)",
                "default",
                Some("unset --leftover"),
            ),
            (
                None,
                old,
                r#"{"max_bytes": 7}"#,
                "secret",
                Some("not imported"),
            ),
            (None, None, "(not set)", "default", None),
            (None, Some("{"), "(unusable)", "secret", Some("config set")),
        ] {
            let (seen, from, warning) = shown(UPLOAD_RULES, stored, leftover);
            assert_eq!((seen.as_str(), from), (value, place));
            match words {
                None => assert_eq!(warning, None),
                Some(words) => assert!(warning.is_some_and(|it| it.contains(words)), "{words}"),
            }
        }
    }
}
