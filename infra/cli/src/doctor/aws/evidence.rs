//! Evidence about the deployment (plain data).

use std::collections::BTreeMap;

use super::super::sources::ConfigurationSecret;
use super::super::verdict::{ProbeResult, SkipReason};
use crate::aws::functions::AccountConcurrency;

/// Evidence about the deployment.
#[derive(Debug)]
pub struct AwsEvidence {
    /// The configuration's secret.
    pub secret: ProbeResult<ConfigurationSecret>,
    /// The secrets under keys of the customer's.
    pub keys: ProbeResult<Vec<KeyUse>>,
    /// The stack's resources.
    pub resources: ProbeResult<Vec<StackResource>>,
    /// The functions that a check looks at, by logical id.
    pub functions: ProbeResult<BTreeMap<String, FunctionEvidence>>,
    /// The machine that the function Webhook was built for.
    pub machine: ProbeResult<Result<&'static str, &'static str>>,
    /// The account's concurrent executions.
    pub concurrency: ProbeResult<AccountConcurrency>,
    /// The queues, by logical id.
    pub queues: ProbeResult<BTreeMap<String, QueueEvidence>>,
    /// The topics of alarms.
    pub topics: ProbeResult<Vec<TopicEvidence>>,
    /// The log groups of the stack and of its functions.
    pub logs: ProbeResult<Vec<LogGroup>>,
    /// The release that is deployed.
    pub release: ProbeResult<ReleaseEvidence>,
}

/// A secret under a customer-managed key, and a role that reads it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyUse {
    /// The parameter that names the secret.
    pub parameter: String,
    /// The key: its id, its ARN, or an alias.
    pub key: String,
    /// The logical id of a role that reads the secret.
    pub role: String,
    /// The keys with which its policy lets it decrypt.
    pub allowed: Vec<String>,
}

/// A resource of the stack.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StackResource {
    /// The name in the template.
    pub logical: String,
    /// `AWS::SQS::Queue` and its like.
    pub kind: String,
    /// The name in AWS.
    pub physical: String,
}

/// A function, as deployed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FunctionEvidence {
    /// In seconds.
    pub timeout: u64,
    /// `arm64` or `x86_64`.
    pub architecture: String,
    /// Copies that are reserved for it.
    pub reserved: u64,
}

/// A queue's attributes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QueueEvidence {
    /// In seconds.
    pub visibility: u64,
    /// Messages that wait, are worked on, or are delayed.
    pub messages: u64,
}

/// A topic of alarms.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TopicEvidence {
    /// Its ARN.
    pub arn: String,
    /// True for every subscription that was confirmed; nothing where there is no such topic.
    pub confirmed: Option<Vec<bool>>,
}

/// A log group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogGroup {
    /// Its name.
    pub name: String,
    /// In days; nothing means for ever.
    pub retention: Option<u64>,
}

/// A release, as the function Health tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReleaseEvidence {
    /// The version.
    pub version: String,
    /// The newest migration that the code knows.
    pub schema: Option<String>,
}

impl AwsEvidence {
    /// Evidence of a deployment that nobody asked.
    pub(in super::super) fn without(skip: &SkipReason) -> Self {
        Self {
            secret: Err(skip.clone()),
            keys: Err(skip.clone()),
            resources: Err(skip.clone()),
            functions: Err(skip.clone()),
            machine: Err(skip.clone()),
            concurrency: Err(skip.clone()),
            queues: Err(skip.clone()),
            topics: Err(skip.clone()),
            logs: Err(skip.clone()),
            release: Err(skip.clone()),
        }
    }

    pub(super) fn with_secret(self, secret: &ProbeResult<ConfigurationSecret>) -> Self {
        Self {
            secret: secret.clone(),
            ..self
        }
    }
}
