//! The check of the whole way: from Cloudinary through the webhook, the queue and the worker into the database.

use std::time::Duration;

use super::check::{Check, CheckGroup, CheckTopic};
use super::{CheckJudgement, CheckVerdict, EvidenceSources, ProbeResult, SkipReason};
use crate::canary::{Canary, CanaryProof};
use crate::configuration::{
    CLOUDINARY_URL, Configuration, SUPABASE_SECRET_KEY, SUPABASE_URL, WEBHOOK_URL,
};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::Output;

/// The only one that plants something, and only if it is asked for.
pub const CHECKS: &[Check<PathEvidence>] = &[Check {
    topic: CheckTopic {
        id: "path-canary",
        group: CheckGroup::Path,
        title: "a test asset in Cloudinary does not reach the database, or does not leave it again",
        why: "Changes made in Cloudinary are not mirrored, although each part may look well.",
        reads: "an asset of one pixel that `--canary` uploads, waits for and removes",
    },
    judgement: |evidence| judge(&evidence.canary),
}];

/// Evidence about the way.
#[derive(Debug)]
pub struct PathEvidence {
    /// The times that both events took, or the leg on which one was lost.
    pub canary: ProbeResult<Result<CanaryProof, Failure>>,
}

impl PathEvidence {
    /// Plants the canary if that is asked for.
    pub async fn gather(sources: &EvidenceSources<'_>, output: &Output) -> Self {
        Self {
            canary: plant(sources, output).await,
        }
    }

    pub(super) fn without(skip: &SkipReason) -> Self {
        Self {
            canary: Err(skip.clone()),
        }
    }
}

async fn plant(
    sources: &EvidenceSources<'_>,
    output: &Output,
) -> ProbeResult<Result<CanaryProof, Failure>> {
    let limit = sources
        .canary
        .ok_or_else(|| SkipReason::needs("--canary"))?;
    let canary = canary(sources, limit)?;
    Ok(canary.prove(output).await)
}

fn canary(sources: &EvidenceSources<'_>, limit: Duration) -> ProbeResult<Canary> {
    let webhook = sources.webhook.map(|url| (WEBHOOK_URL, url.to_owned()));
    let mut values: crate::configuration::ConfigurationValues = webhook.into_iter().collect();
    values.complete(sources.settings.clone());
    let needed = [
        CLOUDINARY_URL,
        SUPABASE_URL,
        SUPABASE_SECRET_KEY,
        WEBHOOK_URL,
    ];
    if let Some(missing) = needed.into_iter().find(|key| values.get(key).is_none()) {
        return Err(SkipReason::needs(missing));
    }
    let unusable = |failure: Failure| SkipReason::because(failure.message);
    let configuration = Configuration::of(values, sources.http.clone());
    Ok(Canary {
        cloudinary: configuration.cloudinary().map_err(unusable)?,
        supabase: configuration.supabase().map_err(unusable)?,
        webhook: configuration.webhook_url().map_err(unusable)?,
        http: sources.http.clone(),
        limit,
    })
}

fn judge(canary: &ProbeResult<Result<CanaryProof, Failure>>) -> CheckJudgement {
    match canary.as_ref().map_err(SkipReason::clone)? {
        Ok(proof) => Ok(CheckVerdict::ok(format!(
            "the upload came round in {:.1} s, its end in {:.1} s",
            proof.upload.as_secs_f32(),
            proof.delete.as_secs_f32()
        ))),
        Err(failure) if failure.exit == Exit::Failed => {
            let details = failure.details.iter();
            let details = details.map(|(label, text)| format!("; {label}: {text}"));
            let seen = format!("{}{}", failure.message, details.collect::<String>());
            let mend = failure.mend.as_deref();
            let mend =
                mend.unwrap_or("read the logs of the functions webhook and notification_worker");
            Ok(CheckVerdict::failure(seen, mend))
        }
        // Cloudinary or the database refuse, or do not answer: their own checks say so.
        Err(failure) => Err(SkipReason::because(failure.message.clone())),
    }
}

#[cfg(test)]
mod tests {
    use super::super::FindingGrade;
    use super::*;

    #[test]
    fn lost_notification_names_its_leg_and_what_mends_it() {
        let second = Duration::from_secs(1);
        let proof = CanaryProof {
            upload: second,
            delete: second,
        };
        assert_eq!(judge(&Ok(Ok(proof))).unwrap().grade, FindingGrade::Ok);
        let lost = Failure::new(Exit::Failed, "lost")
            .detail("leg", Some("not_processed"))
            .mend("look");
        let verdict = judge(&Ok(Err(lost))).unwrap();
        assert_eq!(
            verdict,
            CheckVerdict::failure("lost; leg: not_processed", "look")
        );
        let silent = Failure::new(Exit::TryAgain, "no answer");
        assert_eq!(judge(&Ok(Err(silent))).unwrap_err().reason(), "no answer");
        assert!(judge(&Err(SkipReason::needs("--canary"))).is_err());
    }
}
