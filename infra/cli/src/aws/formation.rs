//! A CloudFormation stack: how it stands, and its change by a change set, with its events.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use aws_sdk_cloudformation::Client;
use aws_sdk_cloudformation::config::timeout::TimeoutConfig;
use aws_sdk_cloudformation::error::ProvideErrorMetadata as _;
use aws_sdk_cloudformation::types::{
    Capability, ChangeSetStatus, ChangeSetType, Parameter, StackEvent, Tag,
};
use uuid::Uuid;

use super::{Account, failure};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::{Output, Progress};

/// Between two looks at something that CloudFormation works on.
const PAUSE: Duration = Duration::from_millis(1500);

/// A stack by its name.
#[derive(Debug, Clone)]
pub(crate) struct Formation {
    client: Client,
    pub(crate) name: String,
}

/// A stack that is there.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Stack {
    /// Its ARN, by which it is found after its deletion too.
    pub(crate) id: String,
    /// `CREATE_COMPLETE` and its like.
    pub(crate) status: String,
    pub(crate) parameters: BTreeMap<String, String>,
    pub(crate) outputs: BTreeMap<String, String>,
}

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

/// The next step for a stack in some status.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Standing {
    /// There is none, or only its name.
    Absent,
    /// It can be changed.
    Ready,
    /// CloudFormation works on it.
    Busy,
    /// Its creation failed: only its deletion is possible.
    Broken,
    /// A change and its way back failed.
    Stuck,
}

impl Standing {
    /// Judges a status (pure).
    pub(crate) fn of(status: &str) -> Self {
        match status {
            "REVIEW_IN_PROGRESS" | "DELETE_COMPLETE" => Self::Absent,
            "ROLLBACK_COMPLETE" | "ROLLBACK_FAILED" | "CREATE_FAILED" | "DELETE_FAILED" => {
                Self::Broken
            }
            "UPDATE_ROLLBACK_FAILED" => Self::Stuck,
            status if status.ends_with("_IN_PROGRESS") => Self::Busy,
            _ => Self::Ready,
        }
    }
}

/// The events that were shown already.
#[derive(Debug, Default)]
struct Seen {
    ids: BTreeSet<String>,
    /// The first failure, which the others follow from.
    first_failure: Option<String>,
}

impl Formation {
    pub(crate) fn new(account: &Account, name: &str) -> Self {
        // A change set waits for the transform, which takes seconds.
        let timeouts = TimeoutConfig::builder()
            .operation_attempt_timeout(Duration::from_secs(60))
            .operation_timeout(Duration::from_secs(120))
            .build();
        let config = aws_sdk_cloudformation::config::Builder::from(&account.sdk)
            .timeout_config(timeouts)
            .build();
        Self {
            client: Client::from_conf(config),
            name: name.to_owned(),
        }
    }

    /// Reads the stack, if there is one.
    pub(crate) async fn read(&self) -> Result<Option<Stack>, Failure> {
        self.read_by(&self.name).await
    }

    async fn read_by(&self, name: &str) -> Result<Option<Stack>, Failure> {
        let answer = match self.client.describe_stacks().stack_name(name).send().await {
            Err(error)
                if error
                    .message()
                    .is_some_and(|text| text.contains("does not exist")) =>
            {
                return Ok(None);
            }
            answer => answer.map_err(|error| failure("looking for the stack", &error))?,
        };
        Ok(answer.stacks().first().map(Stack::of))
    }

    /// Waits until CloudFormation has ended its work on the stack, and shows the events meanwhile.
    pub(crate) async fn settle(&self, output: &Output) -> Result<Option<Stack>, Failure> {
        let seen = self.seen_so_far(&self.name).await?;
        let Some(stack) = self.read().await? else {
            return Ok(None);
        };
        Ok(Some(self.watch(&stack.id, seen, output).await?.0))
    }

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

    /// Deletes the stack and waits for the end. No stack is a deleted one.
    pub(crate) async fn delete(&self, output: &Output) -> Result<(), Failure> {
        let Some(stack) = self.read().await? else {
            return Ok(());
        };
        let seen = self.seen_so_far(&stack.id).await?;
        self.client
            .delete_stack()
            .stack_name(&self.name)
            .send()
            .await
            .map_err(|error| failure("deleting the stack", &error))?;
        let (stack, first_failure) = self.watch(&stack.id, seen, output).await?;
        match stack.status.as_str() {
            // A name without a stack vanishes, and leaves no status behind.
            "DELETE_COMPLETE" | "REVIEW_IN_PROGRESS" => Ok(()),
            status => Err(Failure::new(
                Exit::Failed,
                format!("the stack {} could not be deleted: {status}", self.name),
            )
            .detail("reason", first_failure)
            .mend("remove what the reason names, then run this again")),
        }
    }

    /// The stack's retained and other resources: logical id, type and real name.
    pub(crate) async fn resources(&self) -> Result<Vec<[String; 3]>, Failure> {
        let answer = self
            .client
            .describe_stack_resources()
            .stack_name(&self.name)
            .send()
            .await
            .map_err(|error| failure("listing the stack's resources", &error))?;
        let text = |text: Option<&str>| text.unwrap_or_default().to_owned();
        let resources = answer.stack_resources().iter();
        Ok(resources
            .map(|one| {
                [
                    text(one.logical_resource_id()),
                    text(one.resource_type()),
                    text(one.physical_resource_id()),
                ]
            })
            .collect())
    }

    async fn seen_so_far(&self, id: &str) -> Result<Seen, Failure> {
        let mut seen = Seen::default();
        seen.take(&self.events(id, &seen).await?);
        seen.first_failure = None;
        Ok(seen)
    }

    /// Shows events until the stack rests.
    async fn watch(
        &self,
        id: &str,
        mut seen: Seen,
        output: &Output,
    ) -> Result<(Stack, Option<String>), Failure> {
        let progress = output.progress();
        loop {
            // The status first: events that come before its end are then all there.
            let stack = self.read_by(id).await?;
            let events = self.events(id, &seen).await?;
            for event in seen.take(&events) {
                show(&event, &progress);
            }
            let Some(stack) = stack else {
                let gone = Stack {
                    status: "DELETE_COMPLETE".to_owned(),
                    ..Stack::default()
                };
                return Ok((gone, seen.first_failure));
            };
            if Standing::of(&stack.status) != Standing::Busy {
                return Ok((stack, seen.first_failure));
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// The events that were not seen, oldest first.
    async fn events(&self, id: &str, seen: &Seen) -> Result<Vec<StackEvent>, Failure> {
        let mut events = Vec::new();
        let mut next = None;
        loop {
            let page = match self
                .client
                .describe_stack_events()
                .stack_name(id)
                .set_next_token(next)
                .send()
                .await
            {
                Err(error)
                    if error
                        .message()
                        .is_some_and(|text| text.contains("does not exist")) =>
                {
                    break;
                }
                page => page.map_err(|error| failure("reading the stack's events", &error))?,
            };
            let is_known =
                |event: &StackEvent| event.event_id().is_some_and(|id| seen.ids.contains(id));
            let new: Vec<StackEvent> = page
                .stack_events()
                .iter()
                .filter(|one| !is_known(one))
                .cloned()
                .collect();
            let reached = new.len() < page.stack_events().len();
            events.extend(new);
            next = page.next_token().map(str::to_owned);
            if reached || next.is_none() {
                break;
            }
        }
        events.reverse();
        Ok(events)
    }
}

impl Seen {
    /// Remembers events, and returns the texts of those that say something.
    fn take(&mut self, events: &[StackEvent]) -> Vec<String> {
        let mut texts = Vec::new();
        for event in events {
            self.ids.extend(event.event_id().map(str::to_owned));
            let status = event.resource_status().map_or("", |status| status.as_str());
            let (name, kind) = (
                event.logical_resource_id().unwrap_or_default(),
                event.resource_type().unwrap_or_default(),
            );
            let reason = event.resource_status_reason().unwrap_or_default();
            if status.ends_with("_FAILED") {
                texts.push(format!("{status} {kind} {name}: {reason}"));
                // What was cancelled failed for another's sake.
                if !reason.contains("cancelled") && kind != "AWS::CloudFormation::Stack" {
                    self.first_failure
                        .get_or_insert(format!("{name}: {reason}"));
                }
            } else if status.ends_with("_COMPLETE") {
                texts.push(format!("{status} {kind} {name}"));
            }
        }
        texts
    }
}

fn show(text: &str, progress: &Progress) {
    if text.contains("_FAILED") {
        progress.keep(text);
    } else {
        progress.advance(text);
    }
}

impl Stack {
    fn of(stack: &aws_sdk_cloudformation::types::Stack) -> Self {
        let text = |text: Option<&str>| text.unwrap_or_default().to_owned();
        Self {
            id: text(stack.stack_id()),
            status: stack
                .stack_status()
                .map_or(String::new(), |status| status.as_str().to_owned()),
            parameters: stack
                .parameters()
                .iter()
                .map(|one| (text(one.parameter_key()), text(one.parameter_value())))
                .collect(),
            outputs: stack
                .outputs()
                .iter()
                .map(|one| (text(one.output_key()), text(one.output_value())))
                .collect(),
        }
    }

    /// The ARN of the secret that the workers read.
    pub(crate) fn secret_arn(&self) -> Option<&str> {
        ["WorkerSecretArn", "ConfigSecretArn"]
            .iter()
            .find_map(|name| self.parameters.get(*name).filter(|arn| !arn.is_empty()))
            .map(String::as_str)
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
            "give the identity this right (docs/install.md lists those that are needed)"
        }
        _ => {
            "mend what the reason names, then run this again; a stack that was half made is made anew with --yes"
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
    fn status_tells_what_can_be_done_with_a_stack() {
        for (status, expected) in [
            ("REVIEW_IN_PROGRESS", Standing::Absent),
            ("DELETE_COMPLETE", Standing::Absent),
            ("CREATE_COMPLETE", Standing::Ready),
            ("UPDATE_COMPLETE", Standing::Ready),
            ("UPDATE_ROLLBACK_COMPLETE", Standing::Ready),
            ("CREATE_IN_PROGRESS", Standing::Busy),
            ("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", Standing::Busy),
            ("DELETE_IN_PROGRESS", Standing::Busy),
            ("ROLLBACK_COMPLETE", Standing::Broken),
            ("CREATE_FAILED", Standing::Broken),
            ("DELETE_FAILED", Standing::Broken),
            ("UPDATE_ROLLBACK_FAILED", Standing::Stuck),
        ] {
            assert_eq!(Standing::of(status), expected, "{status}");
        }
    }

    #[test]
    fn first_failure_that_is_no_consequence_is_the_reason() {
        let event = |id: &str, status: &str, kind: &str, reason: &str| {
            StackEvent::builder()
                .event_id(id)
                .logical_resource_id(id)
                .resource_type(kind)
                .resource_status(status.into())
                .resource_status_reason(reason)
                .build()
        };
        let mut seen = Seen::default();
        let texts = seen.take(&[
            event("A", "CREATE_IN_PROGRESS", "T", ""),
            event("B", "CREATE_COMPLETE", "T", ""),
            event("C", "CREATE_FAILED", "T", "Resource creation cancelled"),
            event(
                "D",
                "CREATE_FAILED",
                "T",
                "decreases account's UnreservedConcurrentExecution",
            ),
            event("E", "CREATE_FAILED", "T", "later"),
        ]);
        assert_eq!(texts.len(), 4);
        let reason = seen.first_failure.clone();
        assert!(reason.as_deref().unwrap().starts_with("D: "));
        let failure = failed_change("media-sync", "ROLLBACK_COMPLETE", reason);
        assert!(failure.mend.unwrap().contains("WebhookConcurrency"));
        assert_eq!(seen.ids.len(), 5);
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
