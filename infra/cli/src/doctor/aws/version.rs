//! Judges which release is deployed (pure).

use std::cmp::Ordering;

use media_sync::release::{SchemaState, VERSION, compare_schema};

use super::super::verdict::first_few;
use super::super::{CheckJudgement, CheckVerdict, SkipReason};
use super::{AwsEvidence, ReleaseEvidence, StackResource};

const TEMPLATE: &str = include_str!("../../../../../template.yaml");

/// Code and template are those of this command's release.
pub(super) fn version(evidence: &AwsEvidence) -> CheckJudgement {
    const DEPLOY: &str = "make deploy";
    let release = evidence.release.as_ref().map_err(SkipReason::clone)?;
    let resources = evidence.resources.as_ref().map_err(SkipReason::clone)?;
    let older = older(release);
    if !older.is_empty() {
        return Ok(CheckVerdict::failure(older, DEPLOY));
    }
    let lacking = lacking(resources);
    if !lacking.is_empty() {
        return Ok(CheckVerdict::failure(
            format!(
                "the deployed template is older, for it lacks {}",
                first_few(&lacking)
            ),
            DEPLOY,
        ));
    }
    if is_newer(release) {
        return Ok(CheckVerdict::warning(
            format!(
                "the functions are of release {}, which is newer than this command's {VERSION}",
                release.version
            ),
            "build this command from the release that is deployed: make cli",
        ));
    }
    Ok(CheckVerdict::ok(format!(
        "release {} is deployed",
        release.version
    )))
}

/// The reason for which the functions are older, or nothing.
fn older(release: &ReleaseEvidence) -> String {
    let deployed = &release.version;
    if compare_versions(deployed, VERSION) == Ordering::Less {
        return format!("the functions are of release {deployed}, and this is {VERSION}");
    }
    match release.schema.as_deref() {
        None => {
            format!("the functions of release {deployed} do not tell which migrations they know")
        }
        Some(schema) if compare_schema(Some(schema)) == SchemaState::Behind => {
            format!("the functions know the migrations up to {schema} only")
        }
        Some(_) => String::new(),
    }
}

fn is_newer(release: &ReleaseEvidence) -> bool {
    compare_versions(&release.version, VERSION) == Ordering::Greater
        || compare_schema(release.schema.as_deref()) == SchemaState::Ahead
}

/// By the numbers; of the same numbers a release is newer than its pre-releases.
fn compare_versions(one: &str, other: &str) -> Ordering {
    let parts = |text: &str| -> (Vec<u64>, bool) {
        let (numbers, rest) = text.split_once('-').unwrap_or((text, ""));
        let numbers = numbers.split('.').map(|part| part.parse().unwrap_or(0));
        (numbers.collect(), rest.is_empty())
    };
    parts(one).cmp(&parts(other))
}

/// The resources of this checkout's template that the stack does not have. One with a condition may be left out.
fn lacking(resources: &[StackResource]) -> Vec<&'static str> {
    let has = |logical: &str| resources.iter().any(|one| one.logical == logical);
    unconditional()
        .into_iter()
        .filter(|logical| !has(logical))
        .collect()
}

fn unconditional() -> Vec<&'static str> {
    let after = TEMPLATE.split("\nResources:\n").nth(1).unwrap_or_default();
    let resources = after.split("\nOutputs:\n").next().unwrap_or_default();
    let mut names = Vec::new();
    for line in resources.lines() {
        let entry = line
            .strip_prefix("  ")
            .filter(|rest| rest.starts_with(|first: char| first.is_ascii_uppercase()));
        if let Some(name) = entry.and_then(|entry| entry.strip_suffix(':')) {
            names.push(name);
        } else if line.starts_with("    Condition:") {
            names.pop();
        }
    }
    names
}

#[cfg(test)]
mod tests {
    use media_sync::release::SCHEMA_VERSION;

    use super::super::super::FindingGrade;
    use super::*;

    fn judge(version: &str, schema: Option<&str>, without: &str) -> CheckVerdict {
        let resource = |logical: &&str| StackResource {
            logical: (*logical).to_owned(),
            kind: String::new(),
            physical: String::new(),
        };
        let names = unconditional();
        let deployed = names.iter().filter(|name| **name != without);
        let evidence = AwsEvidence {
            release: Ok(ReleaseEvidence {
                version: version.to_owned(),
                schema: schema.map(str::to_owned),
            }),
            resources: Ok(deployed.map(resource).collect()),
            ..AwsEvidence::without(&SkipReason::needs("x"))
        };
        super::version(&evidence).unwrap()
    }

    #[test]
    fn older_code_and_an_older_template_are_failures() {
        for (version, schema, without, grade, words) in [
            (VERSION, Some(SCHEMA_VERSION), "", FindingGrade::Ok, VERSION),
            (
                "0.1.9",
                Some(SCHEMA_VERSION),
                "",
                FindingGrade::Failure,
                "release 0.1.9",
            ),
            (
                VERSION,
                Some("20250101000000"),
                "",
                FindingGrade::Failure,
                "up to 20250101000000",
            ),
            (VERSION, None, "", FindingGrade::Failure, "do not tell"),
            (
                VERSION,
                Some(SCHEMA_VERSION),
                "Health",
                FindingGrade::Failure,
                "lacks Health",
            ),
            (
                "99.0.0",
                Some(SCHEMA_VERSION),
                "",
                FindingGrade::Warning,
                "newer",
            ),
            (
                VERSION,
                Some("20991231000000"),
                "",
                FindingGrade::Warning,
                "newer",
            ),
        ] {
            let verdict = judge(version, schema, without);
            assert_eq!(verdict.grade, grade, "{verdict:?}");
            assert!(verdict.seen.contains(words), "{verdict:?}");
        }
    }

    #[test]
    fn release_is_newer_than_what_led_to_it() {
        for (one, other, expected) in [
            ("0.2.0", "0.2.0-dev", Ordering::Greater),
            ("0.2.0", "0.10.0", Ordering::Less),
            ("1.0.0", "1.0.0", Ordering::Equal),
        ] {
            assert_eq!(compare_versions(one, other), expected, "{one} {other}");
        }
    }

    #[test]
    fn resources_are_read_from_the_template() {
        let names = unconditional();
        for name in ["Api", "Webhook", "NotificationDeadLetterQueue", "Health"] {
            assert!(names.contains(&name), "{name}");
        }
        for name in ["AlarmTopic", "Domain", "ApiUrl", "ConfigSecretArn"] {
            assert!(!names.contains(&name), "{name}");
        }
    }
}
