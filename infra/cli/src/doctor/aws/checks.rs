//! The checks of the deployment in AWS, in the order of the report.

use super::super::check::{Check, CheckGroup, CheckTopic};
use super::evidence::AwsEvidence;
use super::{alarms, functions, key, logs, queues, secret, version};

/// In the order of the report.
pub const CHECKS: &[Check<AwsEvidence>] = &[
    Check {
        topic: CheckTopic {
            id: "aws-secret",
            group: CheckGroup::Aws,
            title: "the secret is missing, not JSON, or has a missing, wrong or unused value",
            why: "The functions find no usable configuration, and every call fails.",
            reads: "the secret that the deployed stack or `--secret` names",
        },
        judgement: secret::secret,
    },
    Check {
        topic: CheckTopic {
            id: "aws-kms",
            group: CheckGroup::Aws,
            title: "a secret is under a key of yours that the functions may not use",
            why: "The functions cannot read their configuration, and every call fails.",
            reads: "`describe-secret`, and the policies of roles that read secrets",
        },
        judgement: key::key,
    },
    Check {
        topic: CheckTopic {
            id: "aws-version",
            group: CheckGroup::Aws,
            title: "deployed code or template is older than this command, or than the migrations expect",
            why: "Functions of another release misread the database, and mended faults are still there.",
            reads: "the answer of the function Health, and the stack's resources beside `template.yaml`",
        },
        judgement: version::version,
    },
    Check {
        topic: CheckTopic {
            id: "aws-architecture",
            group: CheckGroup::Aws,
            title: "the functions were built for another processor than the stack says",
            why: "No function starts.",
            reads: "the header of the function Webhook's `bootstrap`, and its architecture",
        },
        judgement: functions::architecture,
    },
    Check {
        topic: CheckTopic {
            id: "aws-concurrency",
            group: CheckGroup::Aws,
            title: "no copy of functions is reserved for the webhook, or the account has none to reserve",
            why: "The webhook's function URL has no throttle. A flood there stops every function of the account in the region, \
              this stack's API and queue workers too.",
            reads: "`lambda get-account-settings`, and the function Webhook's reservation",
        },
        judgement: functions::concurrency,
    },
    Check {
        topic: CheckTopic {
            id: "aws-visibility",
            group: CheckGroup::Aws,
            title: "a queue shows a message again while its function still works on it",
            why: "Messages are handled twice and given up too early.",
            reads: "the queues' attributes and their functions' timeouts",
        },
        judgement: queues::visibility,
    },
    Check {
        topic: CheckTopic {
            id: "aws-dlq",
            group: CheckGroup::Aws,
            title: "messages wait in a dead-letter queue",
            why: "Their work stands still until somebody sends them again.",
            reads: "the dead-letter queues' attributes",
        },
        judgement: queues::dead_letters,
    },
    Check {
        topic: CheckTopic {
            id: "aws-alarms",
            group: CheckGroup::Aws,
            title: "nobody hears the alarms: no topic, no subscription, or an unconfirmed one",
            why: "Nobody learns of a fault that a person has to mend.",
            reads: "`list-subscriptions-by-topic` of the stack's topics",
        },
        judgement: alarms::alarms,
    },
    Check {
        topic: CheckTopic {
            id: "aws-logs",
            group: CheckGroup::Aws,
            title: "a log group keeps its lines for ever",
            why: "It costs more every month.",
            reads: "`describe-log-groups`",
        },
        judgement: logs::logs,
    },
];
