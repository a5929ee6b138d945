//! A stack's change by a change set.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_cloudformation::types::{Capability, ChangeSetStatus, ChangeSetType, Parameter, Tag};
use uuid::Uuid;

use super::{Formation, PAUSE};
use crate::aws::failure;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::Output;

/// A change to bring about.
#[derive(Debug)]
pub(crate) struct Change<'a> {
    /// The template's address in S3.
    pub(crate) template_url: &'a str,
    /// Parameters with their values.
    pub(crate) parameters: &'a BTreeMap<String, String>,
    /// Parameters that keep the values that the stack has.
    pub(crate) kept: &'a BTreeSet<String>,
    /// True for a stack that is not there.
    pub(crate) is_new: bool,
}

impl Formation {
    /// Brings a change about; false when there was nothing to change.
    pub(crate) async fn apply(
        &self,
        change: &Change<'_>,
        output: &Output,
    ) -> Result<bool, Failure> {
        let name = format!("media-sync-{}", Uuid::new_v4().simple());
        let Some(id) = self.prepare(&name, change).await? else {
            return Ok(false);
        };
        let seen = self.seen_so_far(&id).await?;
        self.client
            .execute_change_set()
            .stack_name(&self.name)
            .change_set_name(&name)
            .client_request_token(&name)
            .send()
            .await
            .map_err(|error| failure("executing the change set", &error))?;
        let (stack, first_failure) = self.watch(&id, seen, output).await?;
        match stack.status.as_str() {
            "CREATE_COMPLETE" | "UPDATE_COMPLETE" => Ok(true),
            status => Err(failed_change(&self.name, status, first_failure)),
        }
    }

    /// Makes a change set and waits for it; the answer is the stack's id, if there is anything to change.
    async fn prepare(&self, name: &str, change: &Change<'_>) -> Result<Option<String>, Failure> {
        let set = |key: &String| Parameter::builder().parameter_key(key);
        let given = change
            .parameters
            .iter()
            .map(|(key, value)| set(key).parameter_value(value).build());
        let kept = change
            .kept
            .iter()
            .map(|key| set(key).use_previous_value(true).build());
        let kind = match change.is_new {
            true => ChangeSetType::Create,
            false => ChangeSetType::Update,
        };
        let made = self
            .client
            .create_change_set()
            .stack_name(&self.name)
            .change_set_name(name)
            .change_set_type(kind)
            .template_url(change.template_url)
            .set_parameters(Some(given.chain(kept).collect()))
            .capabilities(Capability::CapabilityIam)
            .capabilities(Capability::CapabilityAutoExpand)
            .tags(Tag::builder().key("project").value("media-sync").build())
            .send()
            .await
            .map_err(|error| failure("making a change set", &error))?;
        loop {
            let set = self
                .client
                .describe_change_set()
                .stack_name(&self.name)
                .change_set_name(name)
                .send()
                .await
                .map_err(|error| failure("reading the change set", &error))?;
            match set.status() {
                Some(ChangeSetStatus::CreateComplete) => {
                    return Ok(made.stack_id().map(str::to_owned));
                }
                Some(ChangeSetStatus::Failed) => {
                    let reason = set.status_reason().unwrap_or_default().to_owned();
                    self.forget(name).await;
                    return if is_nothing(&reason) {
                        Ok(None)
                    } else {
                        Err(refused_change(&reason))
                    };
                }
                _ => tokio::time::sleep(PAUSE).await,
            }
        }
    }

    /// A change set that failed is of no more use; one that stays harms nothing.
    async fn forget(&self, name: &str) {
        let forgetting = self.client.delete_change_set().stack_name(&self.name);
        let _ = forgetting.change_set_name(name).send().await;
    }
}

/// A change set without a change fails, with one of these reasons.
fn is_nothing(reason: &str) -> bool {
    reason.contains("didn't contain changes") || reason.contains("No updates are to be performed")
}

fn refused_change(reason: &str) -> Failure {
    Failure::new(
        Exit::Failed,
        format!("CloudFormation refuses the change: {reason}"),
    )
    .mend("nothing was changed; see the names and values of --parameter and --parameters-file")
}

fn failed_change(name: &str, status: &str, reason: Option<String>) -> Failure {
    let mend = match reason.as_deref() {
        Some(reason) if reason.contains("UnreservedConcurrentExecution") => {
            "this account has no copies of functions to reserve: leave WebhookConcurrency at 0, or ask AWS for a higher \
             limit (Service Quotas, Lambda, Concurrent executions)"
        }
        Some(reason) if reason.contains("not authorized") || reason.contains("AccessDenied") => {
            "give the identity this right (infra/deployer-policy.json lists those that are needed)"
        }
        _ => {
            "remove the named cause, then run this again; with --yes a half-made stack is made anew"
        }
    };
    Failure::new(
        Exit::Failed,
        format!("the deployment of the stack {name} failed: {status}"),
    )
    .detail("reason", reason)
    .mend(mend)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reason_of_a_failed_change_leads_to_its_mend() {
        for (reason, mend) in [
            (
                Some("Webhook: decreases account's UnreservedConcurrentExecution"),
                "WebhookConcurrency",
            ),
            (
                Some("Role: not authorized to perform: iam:CreateRole"),
                "this right",
            ),
            (None, "run this again"),
        ] {
            let reason = reason.map(str::to_owned);
            let failure = failed_change("media-sync", "ROLLBACK_COMPLETE", reason);
            assert!(failure.mend.unwrap().contains(mend), "{mend}");
        }
    }

    #[test]
    fn empty_change_set_is_told_from_a_refused_one() {
        assert!(is_nothing(
            "The submitted information didn't contain changes. Submit different"
        ));
        assert!(is_nothing("No updates are to be performed."));
        assert!(!is_nothing("Parameters: [X] do not exist in the template"));
    }
}
