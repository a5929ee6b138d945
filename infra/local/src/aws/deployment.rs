//! Secret, `sam deploy`, routes, and where everything ended up.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::json;

use super::api::Api;
use super::formation::{Deployment, create, describe, transformed_template};
use super::package::Package;
use super::plan::{BUCKET, DeploymentPlan};
use super::routes;
use super::sam::Sam;
use crate::StackError;
use crate::supervisor::{Process, Supervisor};
use crate::tools::Tools;

pub(super) async fn deploy(
    supervisor: &Supervisor,
    tools: &Tools,
    emulator: (&Process, &Api),
    plan: &DeploymentPlan,
) -> Result<Deployment, StackError> {
    let (process, api) = emulator;
    let programs = built_functions(&plan.template)?;
    let secret_arn = create_secret(api, plan).await?;
    let parameters = plan.parameters(&secret_arn);
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

async fn create_secret(api: &Api, plan: &DeploymentPlan) -> Result<String, StackError> {
    let config = json!(plan.config).to_string();
    let request = json!({ "Name": plan.secret_name(), "SecretString": config });
    let answer = api
        .json("secretsmanager", "secretsmanager.CreateSecret", &request)
        .await?;
    Ok(answer["ARN"].as_str().unwrap_or_default().to_owned())
}
