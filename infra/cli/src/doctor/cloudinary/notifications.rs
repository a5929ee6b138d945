//! Judges how notifications are signed (pure).

use media_sync::cloudinary::ApiCredentials;
use media_sync::cloudinary::signature::{SignatureAlgorithm, SignatureRejection};
use media_sync::sync::store::RefusalSummary;

use super::super::{CheckJudgement, CheckVerdict, SkipReason};
use super::{CloudinaryEvidence, NotificationRecords};

/// The key that signs notifications is known.
pub(super) fn key(evidence: &CloudinaryEvidence) -> CheckJudgement {
    let told = evidence.notifications.as_ref().map_err(SkipReason::clone)?;
    let own = own(evidence)?;
    let wrong = SignatureRejection::WrongSignature.code();
    let Some(refusal) = told.refusals.iter().find(|one| one.reason == wrong) else {
        return Err(SkipReason::because(
            "no notification was refused for its signature",
        ));
    };
    if told
        .last_accepted
        .is_some_and(|accepted| accepted >= refusal.at)
    {
        return Ok(CheckVerdict::ok(
            "notifications are accepted since the last that was refused",
        ));
    }
    let is_known = |key: &String| key == own.api_key() || evidence.notification_keys.contains(key);
    let (claim, mend) = match &refusal.signature_key {
        None => (
            "names no key".to_owned(),
            "compare the keys of the console (Settings, API Keys) with the secret's CLOUDINARY_URL"
                .to_owned(),
        ),
        Some(key) if is_known(key) => (
            format!("names the key {key}, and the secret that is configured for it is another"),
            format!(
                "copy the secret of the key {key} from the console (Settings, API Keys) into the stack's secret"
            ),
        ),
        Some(key) => (
            format!("names the key {key}, which is not configured"),
            format!(
                "add CLOUDINARY_NOTIFICATION_SECRETS={{\"{key}\": \"ITS SECRET\"}} to the stack's secret; the functions read it within five minutes"
            ),
        ),
    };
    Ok(CheckVerdict::failure(seen(refusal, &claim), mend))
}

fn seen(refusal: &RefusalSummary, claim: &str) -> String {
    let RefusalSummary { at, count, .. } = refusal;
    format!(
        "about {count} notifications were refused, the last at {}, and none is accepted since; it {claim}",
        at.to_the_second()
    )
}

/// The account signs with the hash that is configured.
pub(super) fn algorithm(evidence: &CloudinaryEvidence) -> CheckJudgement {
    let told = evidence.notifications.as_ref().map_err(SkipReason::clone)?;
    let ours = own(evidence)?.algorithm();
    let NotificationRecords { algorithm, .. } = told;
    let theirs =
        algorithm.ok_or_else(|| SkipReason::because("no recorded notification tells it yet"))?;
    let (word, other) = (theirs.word(), ours.word());
    if theirs == ours {
        return Ok(CheckVerdict::ok(format!(
            "the account signs with {word}, as CLOUDINARY_URL says"
        )));
    }
    let seen = format!("the account signs with {word}, and CLOUDINARY_URL says {other}");
    let mend = format!("write signature_algorithm={word} into CLOUDINARY_URL, behind its ? or &");
    Ok(match theirs {
        // An account may be closed to the older hash; none is closed to the newer one.
        SignatureAlgorithm::Sha256 => CheckVerdict::failure(seen, mend),
        SignatureAlgorithm::Sha1 => CheckVerdict::warning(seen, mend),
    })
}

fn own(evidence: &CloudinaryEvidence) -> Result<&ApiCredentials, SkipReason> {
    let credentials = evidence.credentials.as_ref().map_err(SkipReason::clone)?;
    let unusable = |_| SkipReason::because("CLOUDINARY_URL cannot be used (cld-credentials)");
    credentials.as_ref().map_err(unusable)
}

#[cfg(test)]
mod tests {
    use media_sync::time::Timestamp;

    use super::super::super::FindingGrade;
    use super::*;

    const NOW: Timestamp = Timestamp::from_secs(1_767_225_600);

    fn evidence(url: &str, notifications: NotificationRecords) -> CloudinaryEvidence {
        CloudinaryEvidence {
            credentials: Ok(ApiCredentials::parse(url).map_err(|error| error.to_string())),
            notifications: Ok(notifications),
            notification_keys: vec!["222".to_owned()],
            ..CloudinaryEvidence::without(&SkipReason::needs("x"))
        }
    }

    fn refused(reason: &str, key: Option<&str>) -> Vec<RefusalSummary> {
        vec![RefusalSummary {
            at: NOW,
            first_at: NOW,
            reason: reason.to_owned(),
            signature_key: key.map(str::to_owned),
            algorithm: None,
            count: 3,
        }]
    }

    #[test]
    fn refused_signature_is_a_failure_until_one_is_accepted() {
        let judge = |reason, key_name, accepted: Option<i64>| {
            let notifications = NotificationRecords {
                last_accepted: accepted.map(|seconds| NOW.offset(seconds * 1_000_000)),
                refusals: refused(reason, key_name),
                ..NotificationRecords::default()
            };
            key(&evidence("cloudinary://111:hush@demo", notifications))
        };
        for (key_name, words) in [
            (Some("333"), "names the key 333, which is not configured"),
            (Some("222"), "names the key 222, and the secret"),
            (Some("111"), "names the key 111, and the secret"),
            (None, "names no key"),
        ] {
            for accepted in [None, Some(-1)] {
                let verdict = judge("signature_wrong", key_name, accepted).unwrap();
                assert_eq!(verdict.grade, FindingGrade::Failure);
                assert!(verdict.seen.contains(words), "{verdict:?}");
            }
            let mended = judge("signature_wrong", key_name, Some(0)).unwrap();
            assert_eq!(mended.grade, FindingGrade::Ok);
        }
        assert!(judge("notification_stale", Some("333"), None).is_err());
        let none = evidence("cloudinary://111:hush@demo", NotificationRecords::default());
        assert!(key(&none).is_err());
    }

    #[test]
    fn hash_of_the_account_and_of_the_configuration_are_compared() {
        let judge = |url, algorithm| {
            let notifications = NotificationRecords {
                algorithm,
                ..NotificationRecords::default()
            };
            super::algorithm(&evidence(url, notifications))
        };
        let (older, newer) = (
            "cloudinary://111:hush@demo",
            "cloudinary://111:hush@demo?signature_algorithm=sha256",
        );
        for (url, algorithm, grade) in [
            (older, SignatureAlgorithm::Sha1, FindingGrade::Ok),
            (newer, SignatureAlgorithm::Sha256, FindingGrade::Ok),
            (older, SignatureAlgorithm::Sha256, FindingGrade::Failure),
            (newer, SignatureAlgorithm::Sha1, FindingGrade::Warning),
        ] {
            let verdict = judge(url, Some(algorithm)).unwrap();
            assert_eq!(verdict.grade, grade, "{verdict:?}");
        }
        assert!(judge(older, None).is_err());
    }
}
