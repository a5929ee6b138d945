//! The checks of the deployment in AWS.

mod alarms;
mod api;
mod code;
mod functions;
mod key;
mod logs;
mod probe;
mod queues;
mod secret;
mod version;

use std::collections::BTreeMap;

use aws_sdk_secretsmanager::error::ProvideErrorMetadata as _;
use media_sync::config;

use super::registry::{Check, Group};
use super::{Probe, Skip, Sources, limited};
pub use crate::aws::functions::Concurrency;
use crate::failure::chain;

/// In the order of the report.
pub const CHECKS: &[Check] = &[
    Check {
        id: "aws-secret",
        group: Group::Aws,
        title: "the secret is missing, not JSON, or has a missing or wrong value",
        why: "The functions find no usable configuration, and every call fails.",
        reads: "the secret that the deployed stack or `--secret` names",
        judgement: |evidence| secret::secret(&evidence.aws),
    },
    Check {
        id: "aws-kms",
        group: Group::Aws,
        title: "a secret is under a key of yours that the functions may not use",
        why: "The functions cannot read their configuration, and every call fails.",
        reads: "`describe-secret`, and the policies of roles that read secrets",
        judgement: |evidence| key::key(&evidence.aws),
    },
    Check {
        id: "aws-version",
        group: Group::Aws,
        title: "deployed code or template is older than this command, or than the migrations expect",
        why: "Functions of another release misread the database, and mended faults are still there.",
        reads: "the answer of the function Health, and the stack's resources beside `template.yaml`",
        judgement: |evidence| version::version(&evidence.aws),
    },
    Check {
        id: "aws-architecture",
        group: Group::Aws,
        title: "the functions were built for another processor than the stack says",
        why: "No function starts.",
        reads: "the header of the function Webhook's `bootstrap`, and its architecture",
        judgement: |evidence| functions::architecture(&evidence.aws),
    },
    Check {
        id: "aws-concurrency",
        group: Group::Aws,
        title: "no copy of functions is reserved for the webhook, or the account has none to reserve",
        why: "The webhook's function URL has no throttle. A flood there stops every function of the account in the region, \
              this stack's API and queue workers too.",
        reads: "`lambda get-account-settings`, and the function Webhook's reservation",
        judgement: |evidence| functions::concurrency(&evidence.aws),
    },
    Check {
        id: "aws-visibility",
        group: Group::Aws,
        title: "a queue shows a message again while its function still works on it",
        why: "Messages are handled twice and given up too early.",
        reads: "the queues' attributes and their functions' timeouts",
        judgement: |evidence| queues::visibility(&evidence.aws),
    },
    Check {
        id: "aws-dlq",
        group: Group::Aws,
        title: "messages wait in a dead-letter queue",
        why: "Their work stands still until somebody sends them again.",
        reads: "the dead-letter queues' attributes",
        judgement: |evidence| queues::dead_letters(&evidence.aws),
    },
    Check {
        id: "aws-alarms",
        group: Group::Aws,
        title: "nobody hears the alarms: no topic, no subscription, or an unconfirmed one",
        why: "Nobody learns of a fault that a person has to mend.",
        reads: "`list-subscriptions-by-topic` of the stack's topics",
        judgement: |evidence| alarms::alarms(&evidence.aws),
    },
    Check {
        id: "aws-logs",
        group: Group::Aws,
        title: "a log group keeps its lines for ever",
        why: "It costs more every month.",
        reads: "`describe-log-groups`",
        judgement: |evidence| logs::logs(&evidence.aws),
    },
];

/// Evidence about the deployment.
#[derive(Debug)]
pub struct Evidence {
    /// The configuration's secret.
    pub secret: Probe<Secret>,
    /// The secrets under keys of the customer's.
    pub keys: Probe<Vec<KeyUse>>,
    /// The stack's resources.
    pub resources: Probe<Vec<Resource>>,
    /// The functions that a check looks at, by logical id.
    pub functions: Probe<BTreeMap<String, Function>>,
    /// The machine that the function Webhook was built for.
    pub machine: Probe<Result<&'static str, &'static str>>,
    /// The account's concurrent executions.
    pub concurrency: Probe<Concurrency>,
    /// The queues, by logical id.
    pub queues: Probe<BTreeMap<String, Queue>>,
    /// The topics of alarms.
    pub topics: Probe<Vec<Topic>>,
    /// The log groups of the stack and of its functions.
    pub logs: Probe<Vec<LogGroup>>,
    /// The release that is deployed.
    pub release: Probe<Release>,
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
pub struct Resource {
    /// The name in the template.
    pub logical: String,
    /// `AWS::SQS::Queue` and its like.
    pub kind: String,
    /// The name in AWS.
    pub physical: String,
}

/// A function, as deployed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Function {
    /// In seconds.
    pub timeout: u64,
    /// `arm64` or `x86_64`.
    pub architecture: String,
    /// Copies that are reserved for it.
    pub reserved: u64,
}

/// A queue's attributes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Queue {
    /// In seconds.
    pub visibility: u64,
    /// Messages that wait, are worked on, or are delayed.
    pub messages: u64,
}

/// A topic of alarms.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Topic {
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
pub struct Release {
    /// The version.
    pub version: String,
    /// The newest migration that the code knows.
    pub schema: Option<String>,
}

impl Evidence {
    /// Asks AWS about the deployed stack.
    pub async fn gather(sources: &Sources<'_>) -> Self {
        let unknown = Skip::needs("a deployed stack");
        match sources.stack {
            Some(stack) => probe::ask(sources, stack).await,
            None => Self::without(&unknown),
        }
        .with_secret(sources.secret)
    }

    pub(super) fn without(skip: &Skip) -> Self {
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

    fn with_secret(self, secret: &Probe<Secret>) -> Self {
        Self {
            secret: secret.clone(),
            ..self
        }
    }
}

/// The secret's text, which no text of this shows.
#[derive(Clone, PartialEq, Eq)]
pub enum Secret {
    /// There is none of that name.
    Missing(String),
    /// Its text.
    Text(String),
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Missing(name) => f.debug_tuple("Missing").field(name).finish(),
            Self::Text(_) => f.write_str("Text([hidden])"),
        }
    }
}

/// Reads the secret by its name or ARN, with AWS's usual environment.
///
/// # Errors
/// None is named, or it cannot be read.
pub async fn read_secret(name: Option<&str>) -> Probe<Secret> {
    let name =
        name.ok_or_else(|| Skip::needs("a deployed stack, --secret or CONFIG_SECRET_ARN"))?;
    limited("Secrets Manager", fetch(name)).await
}

async fn fetch(name: &str) -> Probe<Secret> {
    let client = aws_sdk_secretsmanager::Client::new(&config::aws().await);
    let answer = client.get_secret_value().secret_id(name).send().await;
    match answer {
        Ok(answer) => Ok(Secret::Text(
            answer.secret_string().unwrap_or_default().to_owned(),
        )),
        Err(error) if error.code() == Some("ResourceNotFoundException") => {
            Ok(Secret::Missing(name.to_owned()))
        }
        Err(error) => Err(Skip::because(format!(
            "the secret {name} cannot be read: {}",
            error.message().map_or_else(|| chain(&error), str::to_owned)
        ))),
    }
}
