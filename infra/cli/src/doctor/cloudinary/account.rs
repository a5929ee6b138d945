//! Judges credentials, region, clock and quota (pure).

use media_sync::sync::quota::reserve;

use super::super::{CheckJudgement, CheckVerdict, SkipReason};
use super::{AdminAnswer, CloudinaryEvidence, HourlyQuota, accepted};

/// The largest difference of our clock that is no fault.
const MOST_OFF: i64 = 60;

/// The account takes the credentials.
pub(super) fn credentials(evidence: &CloudinaryEvidence) -> CheckJudgement {
    const MEND: &str = "copy the whole API environment variable from https://console.cloudinary.com (Settings, API Keys) \
        into CLOUDINARY_URL; cloud name, key and secret have to be of one product environment";
    let credentials = match evidence.credentials.as_ref().map_err(SkipReason::clone)? {
        Ok(credentials) => credentials,
        Err(reason) => {
            return Ok(CheckVerdict::failure(
                format!("CLOUDINARY_URL {reason}"),
                MEND,
            ));
        }
    };
    let call = evidence.ping.as_ref().map_err(SkipReason::clone)?;
    let cloud = credentials.cloud_name();
    Ok(match call.answer.status {
        _ if other_region(call).is_some() => {
            return Err(SkipReason::because(
                "the account is at another region (cld-region)",
            ));
        }
        200 => CheckVerdict::ok(format!("Cloudinary takes the credentials of {cloud}")),
        401 | 403 | 404 => CheckVerdict::failure(
            format!(
                "Cloudinary refuses the credentials of {cloud}: {}",
                call.answer.message()
            ),
            MEND,
        ),
        420 | 429 => CheckVerdict::ok(format!(
            "Cloudinary takes the credentials of {cloud}; its quota is used up"
        )),
        _ => return accepted(&evidence.ping).map(|_| CheckVerdict::ok("")),
    })
}

/// The account is at the API that is called.
pub(super) fn region(evidence: &CloudinaryEvidence) -> CheckJudgement {
    let call = evidence.ping.as_ref().map_err(SkipReason::clone)?;
    if let Some(host) = other_region(call) {
        return Ok(CheckVerdict::failure(
            format!(
                "the account belongs to another region: {}",
                call.answer.message()
            ),
            format!("add ?upload_prefix=https://{host} to CLOUDINARY_URL"),
        ));
    }
    accepted(&evidence.ping)?;
    Ok(CheckVerdict::ok("the account is at this API"))
}

/// `Cloud demo belongs to eu geo, please access via api-eu.cloudinary.com`.
fn other_region(call: &AdminAnswer) -> Option<String> {
    let message = call.answer.message();
    let (_, host) = message
        .split_once("belongs to ")?
        .1
        .split_once("access via ")?;
    let host = host.split_whitespace().next()?.trim_end_matches('.');
    let is_host = host
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.'));
    is_host.then(|| host.to_owned())
}

/// Our clock and Cloudinary's agree.
pub(super) fn clock(evidence: &CloudinaryEvidence) -> CheckJudgement {
    let call = evidence.ping.as_ref().map_err(SkipReason::clone)?;
    let date = call
        .date
        .ok_or_else(|| SkipReason::because("the answer has no Date"))?;
    let (sent, received) = call.between;
    // `Date` is cut to whole seconds, and the answer left at some moment in between.
    let (behind, ahead) = (date - received, sent - date - 1);
    let (off, word) = if behind > ahead {
        (behind, "behind")
    } else {
        (ahead, "ahead of")
    };
    if off > MOST_OFF {
        return Ok(CheckVerdict::failure(
            format!("this machine's clock is {off} seconds {word} Cloudinary's"),
            "set the clock, best by NTP: timedatectl set-ntp true",
        ));
    }
    Ok(CheckVerdict::ok(
        "this machine's clock is right within a minute",
    ))
}

/// The quota lasts for this hour.
pub(super) fn quota(evidence: &CloudinaryEvidence) -> CheckJudgement {
    let first = evidence.ping.as_ref().map_err(SkipReason::clone)?;
    let told = |call: &AdminAnswer| {
        call.quota
            .ok_or_else(|| SkipReason::because("Cloudinary tells no quota"))
    };
    if let (Some(quota), 420 | 429) = (first.quota, first.answer.status) {
        return Ok(low(&quota));
    }
    accepted(&evidence.ping)?;
    let before = told(first)?;
    let (last, calls) = evidence.last.as_ref().map_err(SkipReason::clone)?;
    let after = told(last)?;
    let keep = reserve(after.limit, None);
    if after.remaining < keep {
        return Ok(low(&after));
    }
    let seconds = (last.between.1 - first.between.0).max(1);
    let others = i64::from(before.remaining) - i64::from(after.remaining) - i64::from(*calls);
    let until_reset = (after.reset - last.between.1).max(0);
    // A new hour between the two makes the difference negative.
    let wanted = others.max(0) * until_reset / seconds;
    if wanted > i64::from(after.remaining - keep) {
        return Ok(CheckVerdict::warning(
            format!(
                "{} of {} calls are left; others made {others} calls in {seconds} s, which uses them up before the hour ends",
                after.remaining, after.limit
            ),
            "find the other program with this account's key (console, Settings, API Keys), or ask Cloudinary for a higher limit",
        ));
    }
    Ok(CheckVerdict::ok(format!(
        "{} of {} calls are left",
        after.remaining, after.limit
    )))
}

fn low(quota: &HourlyQuota) -> CheckVerdict {
    let HourlyQuota {
        limit, remaining, ..
    } = quota;
    let keep = reserve(*limit, None);
    CheckVerdict::failure(
        format!("{remaining} of {limit} calls are left in this hour; runs keep {keep} for people"),
        "wait for the next hour; if it comes again, ask Cloudinary for a higher limit, or reconcile less often",
    )
}

#[cfg(test)]
mod tests {
    use media_sync::cloudinary::ApiCredentials;
    use serde_json::{Value, json};

    use super::super::super::FindingGrade;
    use super::super::super::http::ProbeAnswer;
    use super::*;

    fn call(status: u16, body: Value) -> AdminAnswer {
        AdminAnswer {
            answer: ProbeAnswer { status, body },
            between: (1_000, 1_001),
            date: Some(1_000),
            quota: None,
        }
    }

    fn evidence(ping: AdminAnswer) -> CloudinaryEvidence {
        CloudinaryEvidence {
            credentials: Ok(ApiCredentials::parse("cloudinary://1:hush@demo")
                .map_err(|error| error.to_string())),
            ping: Ok(ping),
            ..CloudinaryEvidence::without(&SkipReason::needs("x"))
        }
    }

    fn refused(status: u16, message: &str) -> CloudinaryEvidence {
        evidence(call(status, json!({"error": {"message": message}})))
    }

    #[test]
    fn account_of_another_region_is_told_from_wrong_credentials() {
        let elsewhere = refused(
            400,
            "Cloud demo belongs to eu geo, please access via api-eu.cloudinary.com",
        );
        let verdict = region(&elsewhere).unwrap();
        assert_eq!(verdict.grade, FindingGrade::Failure);
        assert!(
            verdict
                .mend
                .unwrap()
                .contains("?upload_prefix=https://api-eu.cloudinary.com")
        );
        assert!(credentials(&elsewhere).is_err());

        let wrong = refused(401, "api_secret mismatch");
        let verdict = credentials(&wrong).unwrap();
        assert!(verdict.seen.contains("api_secret mismatch"), "{verdict:?}");
        assert!(region(&wrong).is_err());

        let mut no_url = refused(401, "");
        no_url.credentials = Ok(Err("has an empty API key".to_owned()));
        assert_eq!(credentials(&no_url).unwrap().grade, FindingGrade::Failure);
        assert!(credentials(&refused(503, "")).is_err());
    }

    #[test]
    fn clock_may_be_off_by_a_minute() {
        for (date, grade) in [
            (1_000, FindingGrade::Ok),
            (1_061, FindingGrade::Ok),
            (1_062, FindingGrade::Failure),
            (939, FindingGrade::Ok),
            (938, FindingGrade::Failure),
        ] {
            let mut ping = call(200, json!({}));
            ping.date = Some(date);
            assert_eq!(clock(&evidence(ping)).unwrap().grade, grade, "{date}");
        }
    }

    #[test]
    fn quota_is_judged_by_what_is_left_and_by_what_others_use() {
        let told = |remaining, between| AdminAnswer {
            quota: Some(HourlyQuota {
                limit: 1_000,
                remaining,
                reset: 2_000,
            }),
            between,
            ..call(200, json!({}))
        };
        // The reserve is 100; a thousand seconds are left, of which the calls took ten.
        for (before, after, grade) in [
            (900, 895, FindingGrade::Ok),
            (900, 890, FindingGrade::Ok),
            (900, 880, FindingGrade::Warning),
            (104, 99, FindingGrade::Failure),
            (3, 1_000, FindingGrade::Ok),
        ] {
            let mut evidence = evidence(told(before, (990, 991)));
            evidence.last = Ok((told(after, (999, 1_000)), 5));
            assert_eq!(quota(&evidence).unwrap().grade, grade, "{before} {after}");
        }
        assert!(quota(&evidence(call(200, json!({})))).is_err());
    }
}
