//! Judges processors and concurrent executions (pure).

use super::super::{CheckJudgement, CheckVerdict, SkipReason};
use super::{AwsEvidence, FunctionEvidence};
use crate::aws::functions::USUAL_RESERVATION;

/// The program is for the processor that the function runs on.
pub(super) fn architecture(evidence: &AwsEvidence) -> CheckJudgement {
    let declared = webhook(evidence)?.architecture.as_str();
    let mend = |built: &str| {
        format!(
            "make deploy ARCH={built}, or build anew: make build ARCH={declared} && make deploy ARCH={declared}"
        )
    };
    Ok(
        match evidence.machine.as_ref().map_err(SkipReason::clone)? {
            Ok(built) if *built == declared => {
                CheckVerdict::ok(format!("the functions are built for {built}"))
            }
            Ok(built) => CheckVerdict::failure(
                format!(
                    "the function Webhook was built for {built} and is deployed for {declared}"
                ),
                mend(built),
            ),
            Err(problem) => CheckVerdict::failure(
                format!("the function Webhook cannot run: {problem}"),
                format!("make build ARCH={declared} && make deploy ARCH={declared}"),
            ),
        },
    )
}

/// The webhook has copies of its own, beyond which a flood takes none.
pub(super) fn concurrency(evidence: &AwsEvidence) -> CheckJudgement {
    let limits = *evidence.concurrency.as_ref().map_err(SkipReason::clone)?;
    let limit = limits.limit;
    let reserved = webhook(evidence)?.reserved;
    if reserved > 0 {
        return Ok(CheckVerdict::ok(format!(
            "{reserved} of the account's {limit} copies are reserved for the webhook; a flood there takes no other"
        )));
    }
    let seen = format!(
        "none of the {limit} copies that this account may run at once is reserved for the webhook; a flood there would stop \
         all functions of the account in this region, this stack's API and queue workers included"
    );
    let reserve = format!("mediasync init --parameter WebhookConcurrency={USUAL_RESERVATION}");
    let mend = match limits.usual_reservation() {
        0 => format!(
            "ask for a higher limit: aws service-quotas request-service-quota-increase --service-code lambda \
             --quota-code L-B99A9384 --desired-value 1000; once it is granted: {reserve}"
        ),
        _ => reserve,
    };
    Ok(CheckVerdict::warning(seen, mend))
}

fn webhook(evidence: &AwsEvidence) -> Result<&FunctionEvidence, SkipReason> {
    let functions = evidence.functions.as_ref().map_err(SkipReason::clone)?;
    let webhook = functions.get("Webhook");
    webhook.ok_or_else(|| SkipReason::because("Lambda does not describe the function Webhook"))
}

#[cfg(test)]
mod tests {
    use super::super::super::FindingGrade;
    use super::super::AccountConcurrency;
    use super::*;

    fn nothing() -> AwsEvidence {
        AwsEvidence::without(&SkipReason::needs("x"))
    }

    fn deployed(architecture: &str, reserved: u64) -> FunctionEvidence {
        FunctionEvidence {
            timeout: 20,
            architecture: architecture.to_owned(),
            reserved,
        }
    }

    #[test]
    fn program_and_function_have_to_agree() {
        for (built, declared, grade) in [
            (Ok("arm64"), "arm64", FindingGrade::Ok),
            (Ok("x86_64"), "x86_64", FindingGrade::Ok),
            (Ok("x86_64"), "arm64", FindingGrade::Failure),
            (
                Err("the program is no Linux program"),
                "arm64",
                FindingGrade::Failure,
            ),
        ] {
            let evidence = AwsEvidence {
                functions: Ok([("Webhook".to_owned(), deployed(declared, 0))].into()),
                machine: Ok(built),
                ..nothing()
            };
            assert_eq!(
                architecture(&evidence).unwrap().grade,
                grade,
                "{built:?} {declared}"
            );
        }
        assert!(architecture(&nothing()).is_err());
    }

    fn with_copies(limit: u64, unreserved: u64, reserved: u64) -> AwsEvidence {
        AwsEvidence {
            concurrency: Ok(AccountConcurrency { limit, unreserved }),
            functions: Ok([("Webhook".to_owned(), deployed("arm64", reserved))].into()),
            ..nothing()
        }
    }

    #[test]
    fn reservation_is_there_or_can_be_made_or_needs_a_higher_limit() {
        const RESERVE: &str = "mediasync init --parameter WebhookConcurrency=50";
        for (limit, unreserved, reserved, mend) in [
            (1_000, 950, 50, None),
            (1_000, 100, 5, None),
            (1_000, 1_000, 0, Some("mediasync init")),
            (1_000, 150, 0, Some("mediasync init")),
            (1_000, 149, 0, Some("ask for a higher limit")),
            (10, 10, 0, Some("ask for a higher limit")),
        ] {
            let verdict = concurrency(&with_copies(limit, unreserved, reserved)).unwrap();
            let grade = if mend.is_some() {
                FindingGrade::Warning
            } else {
                FindingGrade::Ok
            };
            assert_eq!(verdict.grade, grade, "{verdict:?}");
            if let Some(beginning) = mend {
                let told = verdict.mend.unwrap();
                assert!(
                    told.starts_with(beginning) && told.ends_with(RESERVE),
                    "{told}"
                );
            }
        }
    }

    #[test]
    fn flood_is_told_with_what_it_would_stop() {
        let without = concurrency(&with_copies(1_000, 1_000, 0)).unwrap();
        assert_eq!(
            without.seen,
            "none of the 1000 copies that this account may run at once is reserved for the webhook; a flood there would \
             stop all functions of the account in this region, this stack's API and queue workers included"
        );
        let with = concurrency(&with_copies(1_000, 950, 50)).unwrap();
        assert_eq!(
            with.seen,
            "50 of the account's 1000 copies are reserved for the webhook; a flood there takes no other"
        );
        assert!(concurrency(&nothing()).is_err());
    }
}
