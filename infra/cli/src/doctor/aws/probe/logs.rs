//! The log groups and their retention.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::super::LogGroup;
use super::deployment::Deployment;
use crate::doctor::ProbeResult;

impl Deployment<'_> {
    /// The stack's log groups, and those that Lambda makes by itself for its functions.
    pub(super) async fn logs(&self) -> ProbeResult<Vec<LogGroup>> {
        let own: BTreeSet<String> = self
            .of_kind("AWS::Logs::LogGroup")
            .map(|group| group.physical.clone())
            .collect();
        let implicit: BTreeSet<String> = self
            .of_kind("AWS::Lambda::Function")
            .map(|function| format!("/aws/lambda/{}", function.physical))
            .collect();
        let mut groups = Vec::new();
        for names in [own, implicit] {
            let listed = self.log_groups(common_prefix(&names)).await?;
            groups.extend(
                listed
                    .into_iter()
                    .filter(|group| names.contains(&group.name)),
            );
        }
        Ok(groups)
    }

    async fn log_groups(&self, prefix: &str) -> ProbeResult<Vec<LogGroup>> {
        let mut groups = Vec::new();
        let mut body = json!({"logGroupNamePrefix": prefix, "limit": 50});
        loop {
            let answer = self
                .api
                .json("logs", "Logs_20140328.DescribeLogGroups", &body)
                .await?;
            let page = answer["logGroups"].as_array().cloned().unwrap_or_default();
            groups.extend(page.iter().filter_map(|group| {
                Some(LogGroup {
                    name: group["logGroupName"].as_str()?.to_owned(),
                    retention: group["retentionInDays"].as_u64(),
                })
            }));
            match &answer["nextToken"] {
                Value::Null => return Ok(groups),
                token => body["nextToken"] = token.clone(),
            }
        }
    }
}

/// The beginning of all names.
fn common_prefix(names: &BTreeSet<String>) -> &str {
    let (Some(first), Some(last)) = (names.first(), names.last()) else {
        return "";
    };
    // In order, the first and the last differ most.
    let same = first
        .bytes()
        .zip(last.bytes())
        .take_while(|(one, other)| one == other);
    first.get(..same.count()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_one_stack_begin_alike() {
        let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        let of_stack: BTreeSet<String> = names(&[
            "media-sync-ApiLogs-1",
            "media-sync-WebhookLogs-2",
            "media-sync-AuditLogs-3",
        ]);
        assert_eq!(common_prefix(&of_stack), "media-sync-");
        assert_eq!(common_prefix(&names(&["one"])), "one");
        assert_eq!(common_prefix(&names(&[])), "");
    }
}
