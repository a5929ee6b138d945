//! Calls to AWS, each of which reads only.

mod deployment;
mod functions;
mod keys;
mod logs;
mod queues;
mod resources;
mod topics;

use self::deployment::Deployment;
use self::functions::{concurrency, functions_of};
use self::resources::list_resources;
use super::AwsEvidence;
use super::api::Api;
use crate::aws::calls::SignedCalls;
use crate::configuration::stack::DeployedStack;
use crate::doctor::{EvidenceSources, SkipReason, limited};

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
