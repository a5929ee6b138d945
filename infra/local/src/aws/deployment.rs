//! Secret, `sam deploy`, routes, and where everything ended up.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use bytes::Bytes;
use serde_json::json;

use super::api::{self, Api};
use super::package::Package;
use super::routes;
use super::sam::Sam;
use crate::StackError;
use crate::supervisor::{Process, Supervisor};
use crate::tools::Tools;

/// One for all stacks: a kept packaged template names it.
pub(super) const BUCKET: &str = "deployments";
/// A second is usual.
const DEPLOY_LIMIT: Duration = Duration::from_secs(60);

/// The plan of a deployment.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    /// The name in CloudFormation.
    pub(crate) stack: String,
    pub(crate) template: PathBuf,
    /// Besides `ConfigSecretArn` and `Architecture`.
    pub(crate) parameters: BTreeMap<String, String>,
    /// The configuration secret.
    pub(crate) config: BTreeMap<String, String>,
}

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

    fn of_type<'a>(&'a self, wanted: &'static str) -> impl Iterator<Item = (&'a str, &'a str)> {
        let matching = self
            .resources
            .iter()
            .filter(move |(_, (kind, _))| kind == wanted);
        matching.map(|(logical, (_, physical))| (logical.as_str(), physical.as_str()))
    }
}

pub(super) async fn deploy(
    supervisor: &Supervisor,
    tools: &Tools,
    emulator: (&Process, &Api),
    plan: &Plan,
) -> Result<Deployment, StackError> {
    let (process, api) = emulator;
    let programs = built_functions(&plan.template)?;
    let secret_arn = create_secret(api, plan).await?;
    let parameters = parameters(plan, &secret_arn);
    // Made here because `--resolve-s3` deploys a stack of its own for it, which takes longer than ours.
    api.create_bucket(BUCKET).await?;
    // What a test brings is deployed once and never again.
    let package = (plan.template == tools.template())
        .then(|| {
            let makers = tools.package_makers();
            Package::of(&tools.package_cache(), &plan.template, &programs, &makers)
        })
        .transpose()?;
    let kept = package.as_ref().map(Package::template).transpose()?;
    if let (Some(package), Some(template)) = (&package, kept.flatten()) {
        package.upload(api, BUCKET).await?;
        create(process, api, plan, &parameters, template).await?;
    } else {
        let sam = Sam {
            supervisor,
            program: tools.sam()?,
            endpoint: api.endpoint(),
        };
        sam.deploy(plan, &parameters).await?;
        if let Some(package) = package {
            let transformed = transformed_template(api, &plan.stack).await?;
            package.keep(api, BUCKET, &transformed).await?;
        }
    }
    adopt(api, &plan.stack, &plan.parameters).await
}

/// Creates the resources of a transformed template, as `sam deploy` has CloudFormation do in its last step.
async fn create(
    process: &Process,
    api: &Api,
    plan: &Plan,
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

/// Every parameter's value.
fn parameters(plan: &Plan, secret_arn: &str) -> BTreeMap<String, String> {
    let mut parameters = plan.parameters.clone();
    parameters.insert("ConfigSecretArn".to_owned(), secret_arn.to_owned());
    if std::fs::read_to_string(&plan.template).is_ok_and(|text| text.contains("\n  Architecture:"))
    {
        let architecture = if cfg!(target_arch = "aarch64") {
            "arm64"
        } else {
            "x86_64"
        };
        parameters.insert("Architecture".to_owned(), architecture.to_owned());
    }
    parameters
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

/// Makes the routes of a deployed stack, and lists its resources.
pub(super) async fn adopt(
    api: &Api,
    stack: &str,
    parameters: &BTreeMap<String, String>,
) -> Result<Deployment, StackError> {
    let deployment = describe(api, stack).await?;
    let functions = deployment.of_type("AWS::Lambda::Function").collect();
    let apis = deployment.of_type("AWS::ApiGatewayV2::Api").collect();
    routes::import(api, stack, &functions, &apis, parameters).await?;
    Ok(deployment)
}

/// Every `bootstrap` that the template deploys. `sam` would zip an empty folder happily; say first which
/// function was not built.
fn built_functions(template: &Path) -> Result<Vec<PathBuf>, StackError> {
    let text = std::fs::read_to_string(template).map_err(StackError::file(template))?;
    let folder = template.parent().unwrap_or(Path::new("."));
    let mut programs = Vec::new();
    for code in text
        .lines()
        .filter_map(|line| line.trim().strip_prefix("CodeUri:"))
    {
        let path = folder.join(code.trim()).join("bootstrap");
        if !path.is_file() {
            let what = "a built function".to_owned();
            return Err(StackError::Missing {
                what,
                path,
                remedy: "make build-local",
            });
        }
        programs.push(path);
    }
    Ok(programs)
}

/// The name of a stack's configuration secret.
pub(super) fn secret_name(stack: &str) -> String {
    format!("{stack}/config")
}

async fn create_secret(api: &Api, plan: &Plan) -> Result<String, StackError> {
    let config = json!(plan.config).to_string();
    let request = json!({ "Name": secret_name(&plan.stack), "SecretString": config });
    let answer = api
        .json("secretsmanager", "secretsmanager.CreateSecret", &request)
        .await?;
    Ok(answer["ARN"].as_str().unwrap_or_default().to_owned())
}

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
