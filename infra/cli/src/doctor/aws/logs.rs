//! Judges how long logs are kept (pure).

use super::super::verdict::first_few;
use super::super::{Judgement, Skip, Verdict};
use super::AwsEvidence;

/// Every log group forgets.
pub(super) fn logs(evidence: &AwsEvidence) -> Judgement {
    let groups = evidence.logs.as_ref().map_err(Skip::clone)?;
    if groups.is_empty() {
        return Err(Skip::because(
            "CloudWatch Logs lists no log group of the stack",
        ));
    }
    let kept: Vec<&str> = groups
        .iter()
        .filter(|group| group.retention.is_none())
        .map(|group| group.name.as_str())
        .collect();
    let Some(first) = kept.first() else {
        return Ok(Verdict::ok(format!(
            "all {} log groups have a retention",
            groups.len()
        )));
    };
    let mend =
        format!("aws logs put-retention-policy --retention-in-days 30 --log-group-name '{first}'");
    Ok(Verdict::warning(
        format!("kept for ever: {}", first_few(&kept)),
        mend,
    ))
}

#[cfg(test)]
mod tests {
    use super::super::super::Grade;
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
            ..AwsEvidence::without(&Skip::needs("x"))
        };
        assert_eq!(logs(&evidence(Some(1))).unwrap().grade, Grade::Ok);
        let verdict = logs(&evidence(None)).unwrap();
        assert_eq!(verdict.grade, Grade::Warning);
        assert_eq!(verdict.seen, "kept for ever: /aws/lambda/x");
    }
}
