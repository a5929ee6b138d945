//! Judges how long logs are kept (pure).

use super::super::verdict::first_few;
use super::super::{CheckJudgement, CheckVerdict, SkipReason};
use super::AwsEvidence;

/// Every log group forgets.
pub(super) fn logs(evidence: &AwsEvidence) -> CheckJudgement {
    let groups = evidence.logs.as_ref().map_err(SkipReason::clone)?;
    if groups.is_empty() {
        return Err(SkipReason::because(
            "CloudWatch Logs lists no log group of the stack",
        ));
    }
    let kept: Vec<&str> = groups
        .iter()
        .filter(|group| group.retention.is_none())
        .map(|group| group.name.as_str())
        .collect();
    let Some(first) = kept.first() else {
        return Ok(CheckVerdict::ok(format!(
            "all {} log groups have a retention",
            groups.len()
        )));
    };
    let mend =
        format!("aws logs put-retention-policy --retention-in-days 30 --log-group-name '{first}'");
    Ok(CheckVerdict::warning(
        format!("kept for ever: {}", first_few(&kept)),
        mend,
    ))
}

#[cfg(test)]
mod tests {
    use super::super::super::FindingGrade;
    use super::super::LogGroup;
    use super::*;

    #[test]
    fn group_without_retention_is_named() {
        let group = |name: &str, retention| LogGroup {
            name: name.to_owned(),
            retention,
        };
        let evidence = |second| AwsEvidence {
            logs: Ok(vec![
                group("media-sync-ApiLogs-1", Some(30)),
                group("/aws/lambda/x", second),
            ]),
            ..AwsEvidence::without(&SkipReason::needs("x"))
        };
        assert_eq!(logs(&evidence(Some(1))).unwrap().grade, FindingGrade::Ok);
        let verdict = logs(&evidence(None)).unwrap();
        assert_eq!(verdict.grade, FindingGrade::Warning);
        assert_eq!(verdict.seen, "kept for ever: /aws/lambda/x");
    }
}
