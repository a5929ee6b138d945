//! Judges the statement timeouts of the roles (pure).

use super::super::{CheckJudgement, CheckVerdict, SkipReason};
use super::SupabaseEvidence;

/// Supabase's own default, for which the functions measure their writes.
const NEEDED_MS: u64 = 8_000;

/// The roles have the time that the functions count on.
pub(super) fn timeouts(evidence: &SupabaseEvidence) -> CheckJudgement {
    let catalog = evidence.catalog.as_ref().map_err(SkipReason::clone)?;
    let of = |role: &str| catalog.timeouts.get(role).map(String::as_str);
    // A role without a timeout of its own keeps that of the role that logged in.
    let login = of("authenticator");
    let service = of("service_role").or(login);
    let users = of("authenticated").or(login);
    for (role, timeout, matters) in [
        ("service_role", service, "the workers' writes"),
        ("authenticated", users, "users' calls"),
    ] {
        let Some(text) = timeout else { continue };
        let milliseconds = milliseconds(text).ok_or_else(|| {
            SkipReason::because(format!(
                "the statement_timeout of {role} is not understood: {text}"
            ))
        })?;
        if milliseconds != 0 && milliseconds < NEEDED_MS {
            return Ok(CheckVerdict::failure(
                format!("{matters} ({role}) end after {text}; they need 8s"),
                format!(
                    "dashboard, SQL Editor:\nalter role {role} set statement_timeout = '8s';\nnotify pgrst, 'reload config';"
                ),
            ));
        }
    }
    Ok(CheckVerdict::ok(format!(
        "service_role has {}, authenticated {}",
        service.unwrap_or("no limit"),
        users.unwrap_or("no limit")
    )))
}

/// PostgreSQL's form of a duration: a number of milliseconds, or one with a unit.
fn milliseconds(text: &str) -> Option<u64> {
    let text = text.trim().trim_matches('"');
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    let factor = match unit.trim() {
        "" | "ms" => 1,
        "s" => 1_000,
        "min" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => return None,
    };
    number.parse::<u64>().ok()?.checked_mul(factor)
}

#[cfg(test)]
mod tests {
    use super::super::super::FindingGrade;
    use super::super::tests::evidence;
    use super::*;

    #[test]
    fn durations_are_read_as_postgresql_writes_them() {
        for (text, expected) in [
            ("8s", Some(8_000)),
            ("8000", Some(8_000)),
            ("8000ms", Some(8_000)),
            ("2min", Some(120_000)),
            ("0", Some(0)),
            ("soon", None),
        ] {
            assert_eq!(milliseconds(text), expected, "{text}");
        }
    }

    #[test]
    fn workers_have_the_timeout_of_the_login_unless_they_have_their_own() {
        for (login, service, grade) in [
            ("8s", None, FindingGrade::Ok),
            ("3s", None, FindingGrade::Failure),
            ("3s", Some("1min"), FindingGrade::Ok),
            ("0", None, FindingGrade::Ok),
            ("8s", Some("7999"), FindingGrade::Failure),
        ] {
            let mut evidence = evidence();
            let timeouts = &mut evidence.catalog.as_mut().unwrap().timeouts;
            timeouts.insert("authenticator".to_owned(), login.to_owned());
            if let Some(service) = service {
                timeouts.insert("service_role".to_owned(), service.to_owned());
            }
            let verdict = super::timeouts(&evidence).unwrap();
            assert_eq!(verdict.grade, grade, "{login} {service:?}: {verdict:?}");
        }
    }
}
