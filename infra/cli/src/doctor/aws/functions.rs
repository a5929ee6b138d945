//! Judges processors and concurrent executions (pure).

use super::super::{Judgement, Skip, Verdict};
use super::{Concurrency, Evidence};
use crate::aws::functions::kept_unreserved;

/// The program is for the processor that the function runs on.
pub(super) fn architecture(evidence: &Evidence) -> Judgement {
    let functions = evidence.functions.as_ref().map_err(Skip::clone)?;
    let webhook = functions.get("Webhook");
    let webhook =
        webhook.ok_or_else(|| Skip::because("Lambda does not describe the function Webhook"))?;
    let declared = webhook.architecture.as_str();
    let mend = |built: &str| {
        format!(
            "make deploy ARCH={built}, or build anew: make build ARCH={declared} && make deploy ARCH={declared}"
        )
    };
    Ok(match evidence.machine.as_ref().map_err(Skip::clone)? {
        Ok(built) if *built == declared => {
            Verdict::ok(format!("the functions are built for {built}"))
        }
        Ok(built) => Verdict::failure(
            format!("the function Webhook was built for {built} and is deployed for {declared}"),
            mend(built),
        ),
        Err(problem) => Verdict::failure(
            format!("the function Webhook cannot run: {problem}"),
            format!("make build ARCH={declared} && make deploy ARCH={declared}"),
        ),
    })
}

/// Something can be reserved.
pub(super) fn concurrency(evidence: &Evidence) -> Judgement {
    let Concurrency { limit, unreserved } = *evidence.concurrency.as_ref().map_err(Skip::clone)?;
    let kept = kept_unreserved(limit);
    if unreserved <= kept {
        return Ok(Verdict::warning(
            format!(
                "of {limit} concurrent executions {unreserved} are unreserved, and AWS keeps {kept} of them"
            ),
            "leave WebhookConcurrency at 0, and ask for a higher limit: aws service-quotas request-service-quota-increase \
             --service-code lambda --quota-code L-B99A9384 --desired-value 1000",
        ));
    }
    Ok(Verdict::ok(format!(
        "{} of {limit} concurrent executions can be reserved",
        unreserved - kept
    )))
}

#[cfg(test)]
mod tests {
    use super::super::super::Grade;
    use super::super::Function;
    use super::*;

    fn nothing() -> Evidence {
        Evidence::without(&Skip::needs("x"))
    }

    #[test]
    fn program_and_function_have_to_agree() {
        for (built, declared, grade) in [
            (Ok("arm64"), "arm64", Grade::Ok),
            (Ok("x86_64"), "x86_64", Grade::Ok),
            (Ok("x86_64"), "arm64", Grade::Failure),
            (
                Err("the program is no Linux program"),
                "arm64",
                Grade::Failure,
            ),
        ] {
            let function = Function {
                timeout: 20,
                architecture: declared.to_owned(),
            };
            let evidence = Evidence {
                functions: Ok([("Webhook".to_owned(), function)].into()),
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

    #[test]
    fn aws_keeps_some_executions_unreserved() {
        for (limit, unreserved, grade) in [
            (10, 10, Grade::Warning),
            (50, 20, Grade::Ok),
            (573, 100, Grade::Warning),
            (1_000, 1_000, Grade::Ok),
            (1_000, 101, Grade::Ok),
            (1_000, 100, Grade::Warning),
        ] {
            let evidence = Evidence {
                concurrency: Ok(Concurrency { limit, unreserved }),
                ..nothing()
            };
            assert_eq!(
                concurrency(&evidence).unwrap().grade,
                grade,
                "{limit} {unreserved}"
            );
        }
    }
}
