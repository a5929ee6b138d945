//! Stacks in CloudFormation: created from a template, and their resources.

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;

use super::api::{self, Api};
use super::plan::{BUCKET, DeploymentPlan};
use crate::StackError;
use crate::supervisor::Process;

/// A second is usual.
const DEPLOY_LIMIT: Duration = Duration::from_secs(60);

/// The deployed resources and their names.
#[derive(Debug, Clone, Default)]
pub(crate) struct Deployment {
    pub(crate) outputs: BTreeMap<String, String>,
    /// Logical id to type and physical id.
    resources: BTreeMap<String, (String, String)>,
}

impl Deployment {
    /// A function's real name, from an output's key, a logical id, or the real name itself.
    pub(crate) fn function<'a>(&'a self, name: &'a str) -> &'a str {
        let by_id = self.resources.get(name).map(|(_, physical)| physical);
        self.outputs
            .get(name)
            .or(by_id)
            .map_or(name, String::as_str)
    }

    /// Logical id and real name of every function.
    pub(crate) fn functions(&self) -> impl Iterator<Item = (&str, &str)> {
        self.of_type("AWS::Lambda::Function")
    }

    /// Logical id and URL of every queue.
    pub(super) fn queues(&self) -> impl Iterator<Item = (&str, &str)> {
        self.of_type("AWS::SQS::Queue")
    }

    /// An alarm's real name, from its logical id.
    pub(super) fn alarm<'a>(&'a self, name: &'a str) -> &'a str {
        let mut alarms = self.of_type("AWS::CloudWatch::Alarm");
        let found = alarms.find(|(logical, _)| *logical == name);
        found.map_or(name, |(_, physical)| physical)
    }

    /// A queue's URL, from its logical id.
    pub(super) fn queue(&self, name: &str) -> Option<&str> {
        self.queues()
            .find_map(|(logical, url)| (logical == name).then_some(url))
    }

    /// `Host` headers of the HTTP API, below the host name that the emulator was told to have, and of
    /// the webhook's function URL.
    pub(crate) fn hosts(&self, authority: &str) -> (Option<String>, Option<String>) {
        let api = self
            .of_type("AWS::ApiGatewayV2::Api")
            .next()
            .map(|(_, id)| {
                format!(
                    "{id}.execute-api.{}",
                    authority.replace("127.0.0.1", "localhost")
                )
            });
        let webhook = self
            .outputs
            .get("WebhookUrl")
            .and_then(|url| url::Url::parse(url).ok());
        (
            api,
            webhook.and_then(|url| url.host_str().map(str::to_owned)),
        )
    }

    pub(super) fn of_type<'a>(
        &'a self,
        wanted: &'static str,
    ) -> impl Iterator<Item = (&'a str, &'a str)> {
        let matching = self
            .resources
            .iter()
            .filter(move |(_, (kind, _))| kind == wanted);
        matching.map(|(logical, (_, physical))| (logical.as_str(), physical.as_str()))
    }
}

/// Creates the resources of a transformed template, as `sam deploy` has CloudFormation do in its last step.
pub(super) async fn create(
    process: &Process,
    api: &Api,
    plan: &DeploymentPlan,
    parameters: &BTreeMap<String, String>,
    template: String,
) -> Result<(), StackError> {
    let name = format!("{}.json", plan.stack);
    api.put_object(BUCKET, &name, Bytes::from(template)).await?;
    let mut form = vec![
        ("Action".to_owned(), "CreateStack".to_owned()),
        ("StackName".to_owned(), plan.stack.clone()),
        (
            "TemplateURL".to_owned(),
            format!("{}/{BUCKET}/{name}", api.endpoint()),
        ),
        (
            "Capabilities.member.1".to_owned(),
            "CAPABILITY_IAM".to_owned(),
        ),
    ];
    for (at, (key, value)) in parameters.iter().enumerate() {
        let member = format!("Parameters.member.{}", at + 1);
        form.push((format!("{member}.ParameterKey"), key.clone()));
        form.push((format!("{member}.ParameterValue"), value.clone()));
    }
    let form: Vec<(&str, &str)> = form
        .iter()
        .map(|(key, value)| (key.as_str(), value.as_str()))
        .collect();
    api.query("cloudformation", &form).await?;
    let status = async || {
        let form = [("Action", "DescribeStacks"), ("StackName", &plan.stack)];
        let answer = api.query("cloudformation", &form).await?;
        api::first(&answer, "StackStatus")
    };
    process
        .until("done with the deployment", DEPLOY_LIMIT, || async {
            !status()
                .await
                .is_ok_and(|status| status.ends_with("_IN_PROGRESS"))
        })
        .await?;
    match status().await?.as_str() {
        "CREATE_COMPLETE" => Ok(()),
        other => Err(process.problem(format!("the deployment ended as {other}"))),
    }
}

/// The template of a deployed stack, without what SAM's transform replaces.
pub(super) async fn transformed_template(api: &Api, stack: &str) -> Result<String, StackError> {
    let form = [
        ("Action", "GetTemplate"),
        ("StackName", stack),
        ("TemplateStage", "Processed"),
    ];
    api::first(&api.query("cloudformation", &form).await?, "TemplateBody")
}

/// The resources of a deployed stack.
pub(super) async fn describe(api: &Api, stack: &str) -> Result<Deployment, StackError> {
    let stacks = api
        .query(
            "cloudformation",
            &[("Action", "DescribeStacks"), ("StackName", stack)],
        )
        .await?;
    let outputs = api::records(&stacks, "Outputs", ["OutputKey", "OutputValue"])?;
    let resources = api
        .query(
            "cloudformation",
            &[("Action", "DescribeStackResources"), ("StackName", stack)],
        )
        .await?;
    let types = api::records(
        &resources,
        "StackResources",
        ["LogicalResourceId", "ResourceType"],
    )?;
    let physical = api::records(
        &resources,
        "StackResources",
        ["LogicalResourceId", "PhysicalResourceId"],
    )?;
    let physical: BTreeMap<String, String> = physical
        .into_iter()
        .map(|[logical, id]| (logical, id))
        .collect();
    let resource = |[logical, kind]: [String; 2]| {
        let id = physical.get(&logical).cloned().unwrap_or_default();
        (logical, (kind, id))
    };
    Ok(Deployment {
        outputs: outputs
            .into_iter()
            .map(|[key, value]| (key, value))
            .collect(),
        resources: types.into_iter().map(resource).collect(),
    })
}
