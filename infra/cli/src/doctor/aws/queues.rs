//! Judges queues and dead-letter queues (pure).

use super::super::verdict::first_few;
use super::super::{CheckJudgement, CheckVerdict, SkipReason};
use super::AwsEvidence;

/// Each queue, and the function that its messages start.
pub(super) const CONSUMERS: [(&str, &str); 3] = [
    ("NotificationQueue", "NotificationWorker"),
    ("OutboundQueue", "OutboundWorker"),
    ("ReconcileQueue", "Reconcile"),
];

/// AWS's own advice: a batch may be throttled and tried again within it.
const TIMEOUTS: u64 = 6;

/// A queue hides a message for six times as long as its function may work.
pub(super) fn visibility(evidence: &AwsEvidence) -> CheckJudgement {
    let queues = evidence.queues.as_ref().map_err(SkipReason::clone)?;
    let functions = evidence.functions.as_ref().map_err(SkipReason::clone)?;
    let mut short = Vec::new();
    for (queue, function) in CONSUMERS {
        let (Some(attributes), Some(worker)) = (queues.get(queue), functions.get(function)) else {
            return Err(SkipReason::because(format!(
                "the stack has no {queue} or no {function}"
            )));
        };
        let (visibility, needed) = (attributes.visibility, worker.timeout * TIMEOUTS);
        if visibility < needed {
            let timeout = worker.timeout;
            short.push(format!(
                "{queue} hides a message for {visibility} s, and {function} may work for {timeout} s: {needed} s are needed"
            ));
        }
    }
    if short.is_empty() {
        return Ok(CheckVerdict::ok(
            "every queue hides its messages long enough",
        ));
    }
    Ok(CheckVerdict::failure(
        first_few(&short),
        "make deploy, which sets VisibilityTimeout and Timeout as template.yaml says",
    ))
}

/// Nothing was given up.
pub(super) fn dead_letters(evidence: &AwsEvidence) -> CheckJudgement {
    let queues = evidence.queues.as_ref().map_err(SkipReason::clone)?;
    let waiting: Vec<String> = queues
        .iter()
        .filter(|(name, queue)| name.ends_with("DeadLetterQueue") && queue.messages > 0)
        .map(|(name, queue)| format!("{} in {name}", queue.messages))
        .collect();
    if waiting.is_empty() {
        return Ok(CheckVerdict::ok("no message was given up"));
    }
    Ok(CheckVerdict::failure(
        format!("messages wait: {}", first_few(&waiting)),
        "find the cause in the worker's log, mend it, then send them again: mediasync redrive",
    ))
}

#[cfg(test)]
mod tests {
    use super::super::super::FindingGrade;
    use super::super::{FunctionEvidence, QueueEvidence};
    use super::*;

    fn evidence(visibility: u64, dead: u64) -> AwsEvidence {
        let function = |timeout| FunctionEvidence {
            timeout,
            architecture: "arm64".to_owned(),
            reserved: 0,
        };
        let queue = |visibility, messages| QueueEvidence {
            visibility,
            messages,
        };
        let functions = [
            ("NotificationWorker", 20),
            ("OutboundWorker", 20),
            ("Reconcile", 60),
        ];
        let queues = [
            ("NotificationQueue", queue(visibility, 9)),
            ("OutboundQueue", queue(121, 9)),
            ("ReconcileQueue", queue(360, 9)),
            ("OutboundDeadLetterQueue", queue(30, dead)),
        ];
        AwsEvidence {
            functions: Ok(functions
                .map(|(name, timeout)| (name.to_owned(), function(timeout)))
                .into()),
            queues: Ok(queues.map(|(name, queue)| (name.to_owned(), queue)).into()),
            ..AwsEvidence::without(&SkipReason::needs("x"))
        }
    }

    #[test]
    fn message_is_hidden_for_six_timeouts() {
        assert_eq!(
            visibility(&evidence(120, 0)).unwrap().grade,
            FindingGrade::Ok
        );
        let short = visibility(&evidence(119, 0)).unwrap();
        assert_eq!(short.grade, FindingGrade::Failure);
        assert!(
            short
                .seen
                .contains("NotificationQueue hides a message for 119 s"),
            "{short:?}"
        );
    }

    #[test]
    fn only_dead_letters_are_a_fault() {
        assert_eq!(
            dead_letters(&evidence(120, 0)).unwrap().grade,
            FindingGrade::Ok
        );
        let given_up = dead_letters(&evidence(120, 2)).unwrap();
        assert_eq!(given_up.grade, FindingGrade::Failure);
        assert_eq!(given_up.seen, "messages wait: 2 in OutboundDeadLetterQueue");
    }
}
