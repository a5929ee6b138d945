//! A CloudFormation stack: how it stands, and its change by a change set, with its events.

mod change;
mod events;
mod standing;

use std::collections::BTreeMap;
use std::time::Duration;

use aws_sdk_cloudformation::Client;
use aws_sdk_cloudformation::config::timeout::TimeoutConfig;
use aws_sdk_cloudformation::error::ProvideErrorMetadata as _;

pub(crate) use self::change::Change;
pub(crate) use self::standing::Standing;
use super::{Account, failure};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::Output;

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
            .mend("remove the named cause, then run this again")),
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
