//! Judges whether the project answers, its keys, its tokens and its administrators (pure).

use media_sync::supabase::ApiKey;
use media_sync::supabase::keys::KeyKind;
use serde_json::Value;

use super::super::http::{ProbeAnswer, ProbeSilence};
use super::super::verdict::first_few;
use super::super::{CheckJudgement, CheckVerdict, SkipReason};
use super::{KeyEvidence, KeyForm, SupabaseEvidence};

const DASHBOARD: &str = "open https://supabase.com/dashboard";

const BOTH_KEYS: &str = "copy the keys from the dashboard (Project Settings, API Keys): sb_secret_… into SUPABASE_SECRET_KEY, \
    sb_publishable_… into SUPABASE_PUBLISHABLE_KEY";

const VALID_KEY: &str = "copy the key that is valid now from the dashboard (Project Settings, API Keys) into the deployment's secret";

/// The project is there and awake.
pub(super) fn paused(evidence: &SupabaseEvidence) -> CheckJudgement {
    let url = evidence.url.as_ref().map_err(SkipReason::clone)?;
    let answer = match evidence.reach.as_ref().map_err(SkipReason::clone)? {
        Ok(answer) => answer,
        Err(ProbeSilence::Name) => return Ok(unresolved(url)),
        Err(ProbeSilence::Other(reason)) => {
            return Ok(CheckVerdict::failure(
                format!("{url} does not answer: {reason}"),
                format!(
                    "compare SUPABASE_URL with the dashboard (Project Settings, Data API); {DASHBOARD}"
                ),
            ));
        }
    };
    Ok(match answer.status {
        540 => CheckVerdict::failure(
            format!("{url} answers 540: the project is paused"),
            format!("{DASHBOARD}, choose the project, Restore project"),
        ),
        status @ 500..=599 => CheckVerdict::failure(
            format!("{url} answers {status}: {}", answer.message()),
            format!(
                "try again in a minute; if it stays, {DASHBOARD} and look at the project's health"
            ),
        ),
        404 => CheckVerdict::failure(
            format!("{url} has no Data API (404)"),
            "compare SUPABASE_URL with the dashboard (Project Settings, Data API)",
        ),
        _ => CheckVerdict::ok(format!("{url} answers")),
    })
}

/// A project's own name is 20 letters; a paused or deleted one loses it after a while.
fn unresolved(url: &str) -> CheckVerdict {
    let host = url.split("://").nth(1).unwrap_or(url);
    let reference = host.strip_suffix(".supabase.co");
    let is_reference = reference
        .is_some_and(|text| text.len() == 20 && text.bytes().all(|byte| byte.is_ascii_lowercase()));
    let seen = format!("the name {host} does not resolve");
    if is_reference {
        CheckVerdict::failure(
            format!(
                "{seen}: the project is paused or deleted, or this machine has no name service"
            ),
            format!("{DASHBOARD}, choose the project, Restore project"),
        )
    } else {
        CheckVerdict::failure(
            seen,
            "set SUPABASE_URL to the address in the dashboard (Project Settings, Data API): https://<20 letters>.supabase.co",
        )
    }
}

/// Later checks of the API say nothing of their own while the project does not answer.
pub(super) fn awake(evidence: &SupabaseEvidence) -> Result<(), SkipReason> {
    match evidence.reach.as_ref().map_err(SkipReason::clone)? {
        Ok(answer) if answer.status < 500 && answer.status != 404 => Ok(()),
        _ => Err(SkipReason::because(
            "the project does not answer (sb-paused)",
        )),
    }
}

/// Reads a key's form. The error never holds a part of the key.
pub(super) fn form(text: &str) -> Result<KeyForm, String> {
    if text.trim() != text || text.starts_with(['"', '\'']) {
        return Err("has blanks or quotes around it".to_owned());
    }
    let key = ApiKey::parse(text).map_err(|error| error.to_string())?;
    match (key.kind(), key.legacy_role().as_deref()) {
        (KeyKind::Secret, _) | (_, Some("service_role")) => Ok(KeyForm::Secret),
        (KeyKind::Publishable, _) | (_, Some("anon")) => Ok(KeyForm::Publishable),
        _ => Err("is a token of neither anon nor service_role".to_owned()),
    }
}

/// Each key has the right form, and the project takes it.
pub(super) fn keys(evidence: &SupabaseEvidence) -> CheckJudgement {
    let keys = [
        (&evidence.secret, KeyForm::Secret),
        (&evidence.publishable, KeyForm::Publishable),
    ];
    let wrong: Vec<String> = keys
        .iter()
        .filter_map(|(key, wanted)| misfit(key, *wanted))
        .collect();
    if !wrong.is_empty() {
        return Ok(CheckVerdict::failure(first_few(&wrong), BOTH_KEYS));
    }
    awake(evidence)?;
    let refused: Vec<String> = keys.iter().filter_map(|(key, _)| refusal(key)).collect();
    if !refused.is_empty() {
        let are_off = keys.iter().any(|(key, _)| is_switched_off(key));
        let mend = if are_off { BOTH_KEYS } else { VALID_KEY };
        return Ok(CheckVerdict::failure(first_few(&refused), mend));
    }
    for (key, _) in keys {
        key.answer.as_ref().map_err(SkipReason::clone)?;
    }
    Ok(CheckVerdict::ok("the project takes both keys"))
}

fn misfit(key: &KeyEvidence, wanted: KeyForm) -> Option<String> {
    let name = key.name;
    match key.form.as_ref().ok()? {
        Err(reason) => Some(format!("{name} {reason}")),
        Ok(form) if *form == wanted => None,
        Ok(KeyForm::Secret) => Some(format!("{name} holds a secret key")),
        Ok(KeyForm::Publishable) => Some(format!("{name} holds a publishable key")),
    }
}

/// PostgREST names a code for each refusal; the gateway does not. PGRST30x are refusals of the key itself.
fn refusal(key: &KeyEvidence) -> Option<String> {
    let answer = key.answer.as_ref().ok()?;
    let of_the_key = answer
        .text("code")
        .is_none_or(|code| code.starts_with("PGRST30"));
    (matches!(answer.status, 401 | 403) && of_the_key)
        .then(|| format!("the project refuses {}: {}", key.name, answer.message()))
}

/// A project switches both keys of the older generation off at once: one new key alone is no mend.
fn is_switched_off(key: &KeyEvidence) -> bool {
    let answer = key.answer.as_ref();
    answer.is_ok_and(|answer| answer.message().starts_with("Legacy API keys are disabled"))
}

/// The functions can verify users' tokens, by one way only.
pub(super) fn tokens(evidence: &SupabaseEvidence) -> CheckJudgement {
    awake(evidence)?;
    let answer = evidence.key_set.as_ref().map_err(SkipReason::clone)?;
    let count = published(answer)?;
    Ok(match (count, evidence.has_jwt_secret) {
        (0, false) => CheckVerdict::failure(
            "the project publishes no keys: it signs tokens by its legacy secret, and SUPABASE_JWT_SECRET is not set",
            "better: dashboard, Project Settings, JWT Keys, migrate and rotate; or put the legacy secret into \
             SUPABASE_JWT_SECRET of the deployment's secret",
        ),
        (0, true) => {
            CheckVerdict::ok("the project signs tokens by its legacy secret, which is configured")
        }
        (_, true) => CheckVerdict::warning(
            "the project publishes its keys, and SUPABASE_JWT_SECRET is still set",
            "an hour after the rotation, when the last old token has expired: remove SUPABASE_JWT_SECRET from the \
             deployment's secret, and revoke the legacy secret (dashboard, Project Settings, JWT Keys)",
        ),
        (count, false) => {
            CheckVerdict::ok(format!("tokens are verified by published keys: {count}"))
        }
    })
}

fn published(answer: &ProbeAnswer) -> Result<usize, SkipReason> {
    let keys = answer.body.get("keys").and_then(Value::as_array);
    let keys = keys.filter(|_| answer.status == 200);
    keys.map(Vec::len).ok_or_else(|| {
        SkipReason::because(format!("Auth does not show its keys: {}", answer.message()))
    })
}

/// Somebody is an administrator, by the metadata that only the server writes.
pub(super) fn administrators(evidence: &SupabaseEvidence) -> CheckJudgement {
    const MEND: &str = "mediasync admin grant EMAIL (the user's next token carries the role)";
    awake(evidence)?;
    let census = evidence.users.as_ref().map_err(SkipReason::clone)?;
    let misplaced = first_few(&census.misplaced);
    if census.administrators > 0 {
        return Ok(CheckVerdict::ok("there is an administrator"));
    }
    if !census.misplaced.is_empty() {
        return Ok(CheckVerdict::failure(
            format!(
                "the role stands in user_metadata, where users write themselves and it counts for nothing: {misplaced}"
            ),
            MEND,
        ));
    }
    if census.cut {
        let users = census.users;
        return Err(SkipReason::because(format!(
            "no administrator among the newest {users} users"
        )));
    }
    Ok(CheckVerdict::failure(
        format!("none of {} users is an administrator", census.users),
        MEND,
    ))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::super::FindingGrade;
    use super::super::api::UserCensus;
    use super::super::tests::evidence;
    use super::*;

    fn answer(status: u16, body: Value) -> ProbeAnswer {
        ProbeAnswer { status, body }
    }

    #[track_caller]
    fn assert_verdict(judgement: CheckJudgement, grade: FindingGrade, words: &str) {
        match judgement {
            Ok(verdict) => {
                assert_eq!(verdict.grade, grade, "{verdict:?}");
                assert!(verdict.seen.contains(words), "{verdict:?}");
            }
            Err(skip) => {
                assert_eq!(grade, FindingGrade::Skipped, "{skip:?}");
                assert!(skip.reason().contains(words), "{skip:?}");
            }
        }
    }

    #[test]
    fn project_is_judged_by_how_it_answers() {
        use FindingGrade::{Failure, Ok as Fine};
        let host = "https://abcdefghijklmnopqrst.supabase.co";
        for (url, reach, grade, words) in [
            (host, Ok(answer(401, json!({}))), Fine, "answers"),
            (host, Ok(answer(540, json!(null))), Failure, "paused"),
            (host, Ok(answer(522, json!(null))), Failure, "answers 522"),
            (host, Ok(answer(404, json!(null))), Failure, "no Data API"),
            (host, Err(ProbeSilence::Name), Failure, "paused or deleted"),
            (
                "https://abc.example",
                Err(ProbeSilence::Name),
                Failure,
                "does not resolve",
            ),
            (
                host,
                Err(ProbeSilence::Other("timed out".into())),
                Failure,
                "timed out",
            ),
        ] {
            let mut evidence = evidence();
            evidence.url = Ok(url.to_owned());
            evidence.reach = Ok(reach);
            assert_verdict(paused(&evidence), grade, words);
            if grade == Failure {
                for later in [
                    keys(&evidence),
                    tokens(&evidence),
                    administrators(&evidence),
                ] {
                    assert_verdict(later, FindingGrade::Skipped, "sb-paused");
                }
            }
        }
    }

    #[test]
    fn keys_are_told_by_their_form() {
        // {"alg":"HS256"}.{"role":…}.x
        let legacy = |claims| format!("eyJhbGciOiJIUzI1NiJ9.{claims}.x");
        for (text, expected) in [
            ("sb_secret_x".to_owned(), Ok(KeyForm::Secret)),
            ("sb_publishable_x".to_owned(), Ok(KeyForm::Publishable)),
            (
                legacy("eyJyb2xlIjoic2VydmljZV9yb2xlIn0"),
                Ok(KeyForm::Secret),
            ),
            (legacy("eyJyb2xlIjoiYW5vbiJ9"), Ok(KeyForm::Publishable)),
        ] {
            assert_eq!(form(&text), expected, "{text}");
        }
        for text in ["hush", " sb_secret_hush", "\"sb_secret_hush\"", "a.hush.c"] {
            let reason = form(text).unwrap_err();
            assert!(!reason.contains("hush"), "{reason}");
        }
    }

    #[test]
    fn keys_are_judged_by_form_first_and_then_by_the_answer() {
        let mut swapped = evidence();
        swapped.secret.form = Ok(Ok(KeyForm::Publishable));
        assert_verdict(
            keys(&swapped),
            FindingGrade::Failure,
            "SUPABASE_SECRET_KEY holds a publishable key",
        );

        let refuse = |status, body| {
            let mut evidence = evidence();
            evidence.publishable.answer = Ok(answer(status, body));
            keys(&evidence)
        };
        let off = refuse(401, json!({"message": "Legacy API keys are disabled"}));
        assert_eq!(off.as_ref().unwrap().mend.as_deref(), Some(BOTH_KEYS));
        assert_verdict(
            off,
            FindingGrade::Failure,
            "SUPABASE_PUBLISHABLE_KEY: Legacy API keys",
        );
        let stale = json!({"code": "PGRST301", "message": "JWSError"});
        assert_verdict(refuse(401, stale), FindingGrade::Failure, "JWSError");
        let denied = json!({"code": "42501", "message": "permission denied"});
        assert_verdict(refuse(401, denied), FindingGrade::Ok, "both keys");

        let mut without = evidence();
        without.publishable.answer = Err(SkipReason::needs("SUPABASE_PUBLISHABLE_KEY"));
        assert_verdict(
            keys(&without),
            FindingGrade::Skipped,
            "needs SUPABASE_PUBLISHABLE_KEY",
        );
    }

    #[test]
    fn tokens_are_verified_by_one_way() {
        for (count, secret, grade) in [
            (0, false, FindingGrade::Failure),
            (0, true, FindingGrade::Ok),
            (2, true, FindingGrade::Warning),
            (2, false, FindingGrade::Ok),
        ] {
            let mut evidence = evidence();
            evidence.key_set = Ok(answer(200, json!({"keys": vec![json!({}); count]})));
            evidence.has_jwt_secret = secret;
            assert_verdict(tokens(&evidence), grade, "");
        }
        let mut without = evidence();
        without.key_set = Ok(answer(404, json!(null)));
        assert_verdict(
            tokens(&without),
            FindingGrade::Skipped,
            "does not show its keys",
        );
    }

    #[test]
    fn somebody_has_to_be_an_administrator() {
        let with = |administrators, misplaced: &[&str], cut| {
            let mut evidence = evidence();
            evidence.users = Ok(UserCensus {
                users: 9,
                cut,
                administrators,
                misplaced: misplaced.iter().map(|id| (*id).to_owned()).collect(),
            });
            administrators_of(&evidence)
        };
        assert_verdict(with(1, &["a"], false), FindingGrade::Ok, "");
        assert_verdict(
            with(0, &[], false),
            FindingGrade::Failure,
            "none of 9 users",
        );
        assert_verdict(
            with(0, &["a"], true),
            FindingGrade::Failure,
            "user_metadata",
        );
        assert_verdict(with(0, &[], true), FindingGrade::Skipped, "newest 9 users");
    }

    fn administrators_of(evidence: &SupabaseEvidence) -> CheckJudgement {
        administrators(evidence)
    }
}
