//! Judges the recipients of the alarms (pure).

use super::super::verdict::first_few;
use super::super::{CheckJudgement, CheckVerdict, SkipReason};
use super::{AwsEvidence, TopicEvidence};

/// Somebody is told.
pub(super) fn alarms(evidence: &AwsEvidence) -> CheckJudgement {
    let topics = evidence.topics.as_ref().map_err(SkipReason::clone)?;
    if topics.is_empty() {
        return Ok(CheckVerdict::warning(
            "the stack names nobody to tell of alarms",
            "make deploy PARAMETERS='AlarmEmail=you@example.com', or AlarmTopicArn=ARN for a topic of yours",
        ));
    }
    let silent: Vec<String> = topics.iter().filter_map(problem).collect();
    if silent.is_empty() {
        return Ok(CheckVerdict::ok(
            "every subscription to the alarms is confirmed",
        ));
    }
    Ok(CheckVerdict::failure(
        first_few(&silent),
        "confirm the subscription by the link in AWS's mail; a new link: aws sns subscribe --topic-arn ARN \
         --protocol email --notification-endpoint you@example.com",
    ))
}

fn problem(topic: &TopicEvidence) -> Option<String> {
    let arn = &topic.arn;
    let Some(confirmed) = &topic.confirmed else {
        return Some(format!("there is no topic {arn}"));
    };
    let pending = confirmed.iter().filter(|one| !**one).count();
    match (confirmed.len(), pending) {
        (0, _) => Some(format!("nobody has subscribed to {arn}")),
        (_, 0) => None,
        (all, pending) => Some(format!(
            "{pending} of {all} subscriptions to {arn} are not confirmed"
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::FindingGrade;
    use super::*;

    #[test]
    fn every_topic_has_a_confirmed_listener() {
        for (topics, grade) in [
            (vec![], FindingGrade::Warning),
            (vec![Some(vec![true])], FindingGrade::Ok),
            (vec![Some(vec![])], FindingGrade::Failure),
            (vec![Some(vec![false])], FindingGrade::Failure),
            (vec![Some(vec![true, false])], FindingGrade::Failure),
            (vec![Some(vec![true]), None], FindingGrade::Failure),
        ] {
            let topic = |confirmed| TopicEvidence {
                arn: "arn:aws:sns:x:1:alarms".to_owned(),
                confirmed,
            };
            let evidence = AwsEvidence {
                topics: Ok(topics.into_iter().map(topic).collect()),
                ..AwsEvidence::without(&SkipReason::needs("x"))
            };
            let verdict = alarms(&evidence).unwrap();
            assert_eq!(verdict.grade, grade, "{verdict:?}");
        }
    }
}
