//! Calls to AWS, each of which reads only.

use std::collections::{BTreeMap, BTreeSet};

use futures::future::try_join_all;
use percent_encoding::percent_decode_str;
use serde_json::{Value, json};

use super::super::{EvidenceSources, ProbeResult, SkipReason, limited};
use super::api::{Api, skip};
use super::{
    AccountConcurrency, AwsEvidence, FunctionEvidence, KeyUse, LogGroup, QueueEvidence,
    ReleaseEvidence, StackResource, TopicEvidence, code, queues,
};
use crate::aws::calls::{SignedCalls, all_texts, first_text};
use crate::aws::functions;
use crate::configuration::stack::DeployedStack;

/// The one whose code is read.
const WEBHOOK: &str = "Webhook";

/// Each secret's parameter, and a role that reads it, whose policy has its name without `Role`.
const READERS: [(&str, &str); 4] = [
    ("ConfigSecretArn", "WebhookRole"),
    ("NotificationSecretArn", "WebhookRole"),
    ("ReadingSecretArn", "MediaListRole"),
    ("WorkerSecretArn", "ReconcileRole"),
];

struct Deployment<'a> {
    api: Api,
    stack: &'a DeployedStack,
    resources: Vec<StackResource>,
}

/// Asks for everything, at once where one answer does not need another.
pub(super) async fn ask(sources: &EvidenceSources<'_>, stack: &DeployedStack) -> AwsEvidence {
    let api = Api {
        calls: SignedCalls::new(sources.aws, sources.http.clone()),
    };
    let resources = limited("CloudFormation", list_resources(&api, stack)).await;
    let concurrency = limited("Lambda", concurrency(&api)).await;
    let resources = match resources {
        Ok(resources) => resources,
        Err(skip) => {
            return AwsEvidence {
                concurrency,
                ..AwsEvidence::without(&skip)
            };
        }
    };
    let deployment = Deployment {
        api,
        stack,
        resources,
    };
    let (described, keys, queues, topics, logs, release) = tokio::join!(
        limited("Lambda", deployment.functions()),
        limited("IAM", deployment.keys()),
        limited("SQS", deployment.queues()),
        limited("SNS", deployment.topics()),
        limited("CloudWatch Logs", deployment.logs()),
        limited("the function Health", deployment.release()),
    );
    let machine = limited("Lambda", deployment.machine(&described)).await;
    AwsEvidence {
        keys,
        functions: described
            .as_ref()
            .map(functions_of)
            .map_err(SkipReason::clone),
        machine,
        concurrency,
        queues,
        topics,
        logs,
        release,
        resources: Ok(deployment.resources),
        secret: Err(SkipReason::needs("the secret")),
    }
}

async fn list_resources(api: &Api, stack: &DeployedStack) -> ProbeResult<Vec<StackResource>> {
    let client = aws_sdk_cloudformation::Client::new(&api.calls.sdk);
    let mut pages = client
        .list_stack_resources()
        .stack_name(&stack.name)
        .into_paginator()
        .send();
    let mut resources = Vec::new();
    while let Some(page) = pages.next().await {
        let page = page.map_err(|error| {
            let reason = crate::failure::chain(&error);
            SkipReason::because(format!("the stack's resources cannot be listed: {reason}"))
        })?;
        let listed = page.stack_resource_summaries().iter();
        resources.extend(listed.filter_map(|one| {
            Some(StackResource {
                logical: one.logical_resource_id()?.to_owned(),
                kind: one.resource_type()?.to_owned(),
                physical: one.physical_resource_id()?.to_owned(),
            })
        }));
    }
    Ok(resources)
}

async fn concurrency(api: &Api) -> ProbeResult<AccountConcurrency> {
    let answer = api.get("lambda", functions::ACCOUNT_SETTINGS).await?;
    AccountConcurrency::read(&answer)
        .ok_or_else(|| SkipReason::because("Lambda tells no limit of concurrent executions"))
}

impl Deployment<'_> {
    fn find(&self, logical: &str) -> ProbeResult<&StackResource> {
        let found = self.resources.iter().find(|one| one.logical == logical);
        found.ok_or_else(|| SkipReason::because(format!("the stack has no {logical}")))
    }

    fn of_kind(&self, kind: &'static str) -> impl Iterator<Item = &StackResource> {
        self.resources.iter().filter(move |one| one.kind == kind)
    }

    /// Lambda's answers about the functions that checks look at.
    async fn functions(&self) -> ProbeResult<BTreeMap<String, Value>> {
        let wanted = queues::CONSUMERS.map(|(_, function)| function);
        let wanted: BTreeSet<&str> = wanted.into_iter().chain([WEBHOOK]).collect();
        let described = wanted.into_iter().map(async |logical| {
            let name = &self.find(logical)?.physical;
            let path = format!("/2015-03-31/functions/{name}");
            let answer = self.api.get("lambda", &path).await?;
            Ok((logical.to_owned(), answer))
        });
        try_join_all(described).await.map(BTreeMap::from_iter)
    }

    /// Reads the beginning of the Webhook's package from where Lambda says that it is.
    async fn machine(
        &self,
        described: &ProbeResult<BTreeMap<String, Value>>,
    ) -> ProbeResult<Result<&'static str, &'static str>> {
        let webhook = &described.as_ref().map_err(SkipReason::clone)?[WEBHOOK];
        let location = webhook["Code"]["Location"].as_str();
        let location = location
            .ok_or_else(|| SkipReason::because("Lambda does not tell where the code is"))?;
        let range = format!("bytes=0-{}", code::HEAD - 1);
        let silent = |error: reqwest::Error| {
            let reason = crate::failure::chain(&error.without_url());
            SkipReason::because(format!("the code cannot be read: {reason}"))
        };
        let request = self.api.calls.http.get(location).header("range", range);
        let mut response = request.send().await.map_err(silent)?;
        if !response.status().is_success() {
            let status = response.status().as_u16();
            return Err(SkipReason::because(format!(
                "the code cannot be read: status {status}"
            )));
        }
        let mut head = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(silent)? {
            head.extend_from_slice(&chunk);
            if head.len() >= code::HEAD {
                break;
            }
        }
        let unknown = || SkipReason::because("the package does not begin with the program");
        code::architecture(&head).ok_or_else(unknown)
    }

    async fn keys(&self) -> ProbeResult<Vec<KeyUse>> {
        let given = READERS.into_iter().filter_map(|(parameter, role)| {
            let arn = self.stack.parameters.get(parameter)?;
            (!arn.is_empty()).then_some((parameter, arn, role))
        });
        let uses = given.map(async |(parameter, arn, role)| {
            let Some(key) = self.key_of(arn).await? else {
                return Ok(None);
            };
            let allowed = self.decrypts(role).await?;
            let (parameter, role) = (parameter.to_owned(), role.to_owned());
            Ok(Some(KeyUse {
                parameter,
                key,
                role,
                allowed,
            }))
        });
        let uses = try_join_all(uses).await?;
        Ok(uses.into_iter().flatten().collect())
    }

    /// The customer's key that a secret is under; nothing for AWS's own.
    async fn key_of(&self, arn: &str) -> ProbeResult<Option<String>> {
        let secret = json!({"SecretId": arn});
        let answer = self
            .api
            .json("secretsmanager", "secretsmanager.DescribeSecret", &secret)
            .await?;
        let key = answer["KmsKeyId"].as_str().filter(|key| !key.is_empty());
        Ok(key
            .filter(|key| !key.ends_with("alias/aws/secretsmanager"))
            .map(str::to_owned))
    }

    /// The keys with which a role may decrypt, by its policy in the template.
    async fn decrypts(&self, role: &str) -> ProbeResult<Vec<String>> {
        let form = [
            ("Action", "GetRolePolicy"),
            ("Version", "2010-05-08"),
            ("RoleName", self.find(role)?.physical.as_str()),
            ("PolicyName", role.trim_end_matches("Role")),
        ];
        let xml = self
            .api
            .query("iam", &form)
            .await?
            .map_err(|refused| skip("iam", &refused))?;
        let document = first_text(&xml, "PolicyDocument").unwrap_or_default();
        let document = percent_decode_str(&document).decode_utf8_lossy();
        let policy: Value = serde_json::from_str(&document)
            .map_err(|_| SkipReason::because(format!("the policy of {role} cannot be read")))?;
        Ok(super::key::decrypting(&policy))
    }

    async fn queues(&self) -> ProbeResult<BTreeMap<String, QueueEvidence>> {
        let queues = self.of_kind("AWS::SQS::Queue").map(async |queue| {
            let body = json!({"QueueUrl": queue.physical, "AttributeNames": ["All"]});
            let answer = self
                .api
                .json("sqs", "AmazonSQS.GetQueueAttributes", &body)
                .await?;
            let number = |name: &str| answer["Attributes"][name].as_str()?.parse::<u64>().ok();
            let waiting = [
                "ApproximateNumberOfMessages",
                "ApproximateNumberOfMessagesNotVisible",
                "ApproximateNumberOfMessagesDelayed",
            ];
            let visibility = number("VisibilityTimeout")
                .ok_or_else(|| SkipReason::because("SQS tells no visibility timeout"))?;
            let messages = waiting.into_iter().filter_map(number).sum();
            Ok((
                queue.logical.clone(),
                QueueEvidence {
                    visibility,
                    messages,
                },
            ))
        });
        try_join_all(queues).await.map(BTreeMap::from_iter)
    }

    /// The stack's own topics, and the one that its parameter names.
    async fn topics(&self) -> ProbeResult<Vec<TopicEvidence>> {
        let given = self.stack.parameters.get("AlarmTopicArn");
        let given = given.filter(|arn| !arn.is_empty());
        let own = self.of_kind("AWS::SNS::Topic").map(|topic| &topic.physical);
        try_join_all(own.chain(given).map(async |arn| self.topic(arn).await)).await
    }

    async fn topic(&self, arn: &str) -> ProbeResult<TopicEvidence> {
        let form = [
            ("Action", "ListSubscriptionsByTopic"),
            ("Version", "2010-03-31"),
            ("TopicArn", arn),
        ];
        let confirmed = match self.api.query("sns", &form).await? {
            Ok(xml) => {
                let arns = all_texts(&xml, "SubscriptionArn");
                Some(arns.iter().map(|arn| arn.starts_with("arn:")).collect())
            }
            Err(refused) if refused.code.starts_with("NotFound") => None,
            Err(refused) => return Err(skip("sns", &refused)),
        };
        Ok(TopicEvidence {
            arn: arn.to_owned(),
            confirmed,
        })
    }

    /// The stack's log groups, and those that Lambda makes by itself for its functions.
    async fn logs(&self) -> ProbeResult<Vec<LogGroup>> {
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

    /// Calls Health as the gateway does for somebody without a token.
    async fn release(&self) -> ProbeResult<ReleaseEvidence> {
        const CALL: &str = include_str!("health_call.json");
        let name = &self.find("Health")?.physical;
        let path = format!("/2015-03-31/functions/{name}/invocations");
        let call = serde_json::from_str(CALL).unwrap_or_default();
        let answer = self.api.post("lambda", &path, &call).await?;
        let body = answer["body"].as_str().unwrap_or_default();
        let body: Value = serde_json::from_str(body).unwrap_or_default();
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let version = text(&body["version"]);
        Ok(ReleaseEvidence {
            version: version
                .ok_or_else(|| SkipReason::because("the function Health does not answer"))?,
            schema: text(&body["schema"]["expected"]),
        })
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

fn functions_of(described: &BTreeMap<String, Value>) -> BTreeMap<String, FunctionEvidence> {
    let functions = described.iter().filter_map(|(logical, answer)| {
        let configuration = &answer["Configuration"];
        let architecture = configuration["Architectures"][0]
            .as_str()
            .unwrap_or("x86_64");
        let function = FunctionEvidence {
            timeout: configuration["Timeout"].as_u64()?,
            architecture: architecture.to_owned(),
            reserved: answer["Concurrency"]["ReservedConcurrentExecutions"]
                .as_u64()
                .unwrap_or(0),
        };
        Some((logical.clone(), function))
    });
    functions.collect()
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
