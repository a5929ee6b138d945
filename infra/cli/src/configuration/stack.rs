//! Asks AWS for the deployed stack: CloudFormation for its outputs, Secrets Manager for the secret it names.

use std::collections::BTreeMap;
use std::error::Error;

use aws_config::SdkConfig;
use aws_sdk_cloudformation::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_cloudformation::types::{Output, Parameter, Stack};
use media_sync::config;

use super::{ConfigurationValues, WEBHOOK_URL};
use crate::exit::Exit;
use crate::failure::Failure;

/// The first one that is given names the secret: the workers' holds every key that commands need.
const SECRET_PARAMETERS: [&str; 2] = ["WorkerSecretArn", "ConfigSecretArn"];
const WEBHOOK_OUTPUT: &str = "WebhookUrl";

/// A stack that could not be asked.
#[derive(Debug)]
pub(crate) struct Unknown {
    pub(crate) reason: String,
    pub(super) exit: Exit,
}

/// A deployed stack, as far as commands look at it.
#[derive(Debug)]
pub struct DeployedStack {
    /// The stack's name.
    pub(crate) name: String,
    /// The output `WebhookUrl`.
    pub(crate) webhook_url: Option<String>,
    /// The parameter that names the workers' secret, or the one for all.
    pub(crate) secret_arn: Option<String>,
    /// Every output, by its key in the template.
    pub(crate) outputs: BTreeMap<String, String>,
    /// Every parameter's value, by its name in the template.
    pub(crate) parameters: BTreeMap<String, String>,
}

impl Unknown {
    /// The failure of a command that cannot do without the stack.
    pub(crate) fn failure(&self, stack: &str) -> Failure {
        Failure::new(
            self.exit,
            format!("the stack {stack} cannot be used: {}", self.reason),
        )
        .mend(
            "set AWS_REGION and AWS's credentials, and --stack-name if the stack has another name",
        )
    }

    fn usage(reason: impl Into<String>) -> Self {
        Self {
            reason: reason.into(),
            exit: Exit::Usage,
        }
    }
}

/// Asks CloudFormation for a stack.
pub(crate) async fn locate(aws: &SdkConfig, name: &str) -> Result<DeployedStack, Unknown> {
    if aws.region().is_none_or(|region| region.as_ref().is_empty()) {
        return Err(Unknown::usage("not asked, because AWS_REGION is not set"));
    }
    let answer = aws_sdk_cloudformation::Client::new(aws)
        .describe_stacks()
        .stack_name(name)
        .send()
        .await
        .map_err(|error| unknown(&error))?;
    let stack = answer
        .stacks()
        .first()
        .ok_or_else(|| Unknown::usage("there is no such stack"))?;
    Ok(DeployedStack {
        name: name.to_owned(),
        webhook_url: webhook_url(stack),
        secret_arn: secret_arn(stack.parameters()).map(str::to_owned),
        outputs: outputs(stack),
        parameters: parameters(stack),
    })
}

/// The configuration of the deployed stack. The secret is read only when one of its keys is `missing`.
pub(super) async fn describe(name: &str, missing: &[&str]) -> Result<ConfigurationValues, Unknown> {
    let aws = config::aws().await;
    let deployed = locate(&aws, name).await?;
    let webhook = deployed.webhook_url.map(|url| (WEBHOOK_URL, url));
    let mut values: ConfigurationValues = webhook.into_iter().collect();
    if missing.iter().any(|key| *key != WEBHOOK_URL) {
        let arn = deployed
            .secret_arn
            .ok_or_else(|| Unknown::usage("its parameters name no secret"))?;
        let secret = aws_sdk_secretsmanager::Client::new(&aws)
            .get_secret_value()
            .secret_id(arn)
            .send()
            .await
            .map_err(|error| unknown(&error))?;
        let text = secret.secret_string().unwrap_or_default();
        let secret = ConfigurationValues::parse(text)
            .ok_or_else(|| Unknown::usage("its secret is not a JSON object"))?;
        values.complete(secret);
    }
    Ok(values)
}

fn outputs(stack: &Stack) -> BTreeMap<String, String> {
    let pair = |one: &Output| Some((one.output_key()?.to_owned(), one.output_value()?.to_owned()));
    stack.outputs().iter().filter_map(pair).collect()
}

fn parameters(stack: &Stack) -> BTreeMap<String, String> {
    let pair = |one: &Parameter| {
        let value = one.resolved_value().or(one.parameter_value())?;
        Some((one.parameter_key()?.to_owned(), value.to_owned()))
    };
    stack.parameters().iter().filter_map(pair).collect()
}

fn webhook_url(stack: &Stack) -> Option<String> {
    let mut outputs = stack.outputs().iter();
    let output = outputs.find(|output| output.output_key() == Some(WEBHOOK_OUTPUT))?;
    output.output_value().map(str::to_owned)
}

fn secret_arn(parameters: &[Parameter]) -> Option<&str> {
    let given = |name: &&str| {
        parameters
            .iter()
            .find(|one| one.parameter_key() == Some(*name))?
            .parameter_value()
            .filter(|arn| !arn.is_empty())
    };
    SECRET_PARAMETERS.iter().find_map(given)
}

/// The services' own words hold no secret; a missing one is told by its name.
fn unknown<E, R>(error: &SdkError<E, R>) -> Unknown
where
    E: ProvideErrorMetadata + Error + 'static,
    R: std::fmt::Debug,
{
    let code = error.code().unwrap_or_default();
    let reason = error.message().map_or_else(
        || match error {
            SdkError::TimeoutError(_) | SdkError::DispatchFailure(_) => {
                "AWS did not answer, or there are no credentials for it".to_owned()
            }
            _ => "AWS's answer cannot be read".to_owned(),
        },
        str::to_owned,
    );
    let denied = [
        "AccessDenied",
        "AccessDeniedException",
        "ExpiredToken",
        "InvalidClientTokenId",
    ];
    Unknown {
        reason,
        exit: match error {
            _ if denied.contains(&code) => Exit::NotAllowed,
            _ => Exit::Usage,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parameter(key: &str, value: &str) -> Parameter {
        Parameter::builder()
            .parameter_key(key)
            .parameter_value(value)
            .build()
    }

    #[test]
    fn secret_of_the_workers_counts_before_the_one_for_all() {
        let config = parameter("ConfigSecretArn", "config");
        let unused = parameter("WorkerSecretArn", "");
        let worker = parameter("WorkerSecretArn", "worker");
        let other = parameter("ReadingSecretArn", "reading");
        for (parameters, expected) in [
            (vec![config.clone(), unused.clone()], Some("config")),
            (vec![config, worker], Some("worker")),
            (vec![other, unused], None),
        ] {
            assert_eq!(secret_arn(&parameters), expected, "{parameters:?}");
        }
    }
}
