//! The AWS emulator with the project's template deployed into it by the command that production uses.

mod alarms;
mod api;
mod deployment;
mod formation;
mod identity;
mod package;
mod plan;
mod queues;
mod routes;
mod sam;

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::{Value, json};

use crate::StackError;
use crate::http_client::HttpClient;
use crate::ports;
use crate::supervisor::{Launch, Process, Supervisor, path_text};
use crate::tools::Tools;
pub use alarms::AlarmReading;
use api::Api;
pub(crate) use api::{ACCESS_KEY, REGION, SECRET_KEY};
pub(crate) use formation::Deployment;
pub(crate) use plan::DeploymentPlan;
pub use queues::QueueDepth;

const START_LIMIT: Duration = Duration::from_secs(60);

/// A function's answer.
#[derive(Debug, Clone, PartialEq)]
pub struct FunctionInvocation {
    /// The error type that Lambda names in `X-Amz-Function-Error`, if the function failed.
    pub error: Option<String>,
    /// The function's answer, or the description of its error.
    pub payload: Value,
}

/// The running emulator.
#[derive(Debug, Clone)]
pub(crate) struct Aws {
    python: PathBuf,
    script: PathBuf,
    port: u16,
    process: Process,
    api: Api,
}

impl Aws {
    pub(crate) async fn start(supervisor: &Supervisor, tools: &Tools) -> Result<Self, StackError> {
        let (python, script) = (tools.python()?, tools.emulator());
        ports::on_a_free_port(async |port| {
            let process = launch(supervisor, &python, &script, port).await?;
            let aws = Self {
                python: python.clone(),
                script: script.clone(),
                port,
                process,
                api: Api::new(port),
            };
            aws.ready().await.map(|()| aws)
        })
        .await
    }

    /// On the same port, but empty: the emulator writes its state down only when it ends in an orderly way. Deploy
    /// again; the messages in its queues are lost.
    pub(crate) async fn start_again(&mut self, supervisor: &Supervisor) -> Result<(), StackError> {
        ports::on_its_port(async || {
            self.process = launch(supervisor, &self.python, &self.script, self.port).await?;
            self.ready().await
        })
        .await
    }

    pub(crate) fn process(&self) -> &Process {
        &self.process
    }

    pub(crate) fn authority(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    pub(crate) fn endpoint(&self) -> String {
        format!("http://{}", self.authority())
    }

    pub(crate) async fn deploy(
        &self,
        supervisor: &Supervisor,
        tools: &Tools,
        plan: &DeploymentPlan,
    ) -> Result<Deployment, StackError> {
        deployment::deploy(supervisor, tools, (&self.process, &self.api), plan).await
    }

    /// A stack that somebody else has deployed, as far as the template tells of it.
    pub(crate) async fn find(&self, stack: &str) -> Result<Deployment, StackError> {
        formation::describe(&self.api, stack).await
    }

    /// The same, with the routes that the emulator has not made.
    pub(crate) async fn adopt(&self, plan: &DeploymentPlan) -> Result<Deployment, StackError> {
        deployment::adopt(&self.api, &plan.stack, &plan.parameters).await
    }

    pub(crate) async fn invoke(
        &self,
        function: &str,
        payload: &Value,
    ) -> Result<FunctionInvocation, StackError> {
        let path = format!("/2015-03-31/functions/{function}/invocations");
        let answer = self.api.rest("lambda", "POST", &path, payload).await?;
        let error = answer
            .headers
            .get("x-amz-function-error")
            .map(|kind| String::from_utf8_lossy(kind.as_bytes()).into_owned());
        let payload = if answer.body.is_empty() {
            Value::Null
        } else {
            api::parse(&path, &answer.body)?
        };
        Ok(FunctionInvocation { error, payload })
    }

    /// Lets so many copies of a function run at once and turns other calls away; with `None` as many as there are.
    pub(crate) async fn reserve(
        &self,
        function: &str,
        copies: Option<u32>,
    ) -> Result<(), StackError> {
        let path = format!("/2017-10-31/functions/{function}/concurrency");
        let (method, body) = match copies {
            Some(copies) => ("PUT", json!({ "ReservedConcurrentExecutions": copies })),
            None => ("DELETE", Value::Null),
        };
        self.api
            .rest("lambda", method, &path, &body)
            .await
            .map(drop)
    }

    /// Changes keys of a stack's configuration secret; nothing takes a key away.
    pub(crate) async fn change_secret(
        &self,
        plan: &DeploymentPlan,
        changes: &[(&str, Option<&str>)],
    ) -> Result<(), StackError> {
        let name = plan.secret_name();
        let target = "secretsmanager.GetSecretValue";
        let request = json!({ "SecretId": name });
        let answer = self.api.json("secretsmanager", target, &request).await?;
        let text = answer["SecretString"].as_str().unwrap_or_default();
        let mut config = api::parse(target, text.as_bytes())?;
        for (key, value) in changes {
            config[*key] = json!(value);
        }
        let request = json!({ "SecretId": name, "SecretString": config.to_string() });
        let target = "secretsmanager.PutSecretValue";
        self.api
            .json("secretsmanager", target, &request)
            .await
            .map(drop)
    }

    /// Reads a function's log, oldest line first.
    pub(crate) async fn function_log(&self, function: &str) -> Result<String, StackError> {
        let mut request =
            json!({ "logGroupName": self.log_group(function).await?, "limit": 10_000 });
        let mut lines = Vec::new();
        loop {
            let answer = self
                .api
                .json("logs", "Logs_20140328.FilterLogEvents", &request)
                .await;
            let answer = match answer {
                Ok(answer) => answer,
                // A function that was never called has no log group.
                Err(StackError::Http { problem, .. })
                    if problem.contains("ResourceNotFoundException") =>
                {
                    return Ok(String::new());
                }
                Err(error) => return Err(error),
            };
            let events = answer["events"].as_array().into_iter().flatten();
            lines.extend(events.filter_map(|event| event["message"].as_str().map(str::to_owned)));
            match answer["nextToken"].as_str() {
                Some(next) => request["nextToken"] = next.into(),
                None => return Ok(lines.join("\n")),
            }
        }
    }

    async fn log_group(&self, function: &str) -> Result<String, StackError> {
        let path = format!("/2015-03-31/functions/{function}/configuration");
        let answer = self.api.rest("lambda", "GET", &path, &Value::Null).await?;
        let configuration = api::parse(&path, &answer.body)?;
        let group = configuration["LoggingConfig"]["LogGroup"].as_str();
        Ok(group.unwrap_or_default().to_owned())
    }

    async fn ready(&self) -> Result<(), StackError> {
        let client = HttpClient::new();
        let url = format!("{}/_ministack/ready", self.endpoint());
        self.process
            .until("ready", START_LIMIT, || async {
                client.get(&url).await.is_ok()
            })
            .await
    }
}

async fn launch(
    supervisor: &Supervisor,
    python: &Path,
    script: &Path,
    port: u16,
) -> Result<Process, StackError> {
    let arguments = vec![path_text(script), format!("127.0.0.1:{port}")];
    let environment = vec![
        // The functions inherit this as their endpoint.
        ("AWS_ENDPOINT_URL", format!("http://127.0.0.1:{port}")),
        ("AWS_DEFAULT_REGION", REGION.to_owned()),
        ("MINISTACK_REGION", REGION.to_owned()),
        // A host that ends in a number is no host name: lambda_http refuses `id.execute-api.127.0.0.1`.
        ("MINISTACK_HOST", "localhost".to_owned()),
        ("GATEWAY_PORT", port.to_string()),
        // Neither is used, and the first would listen on a fixed port of every interface.
        ("IOT_MTLS_ENABLED", "0".to_owned()),
        ("SFTP_ENABLED", "0".to_owned()),
        ("LAMBDA_EXECUTOR", "local".to_owned()),
        // Functions may do what their roles allow, and nothing else.
        ("AUTH", "true".to_owned()),
        ("PYTHONUTF8", "1".to_owned()),
    ];
    let launch = Launch {
        name: "aws",
        program: python.to_owned(),
        arguments,
        environment,
        unprivileged: false,
        stop: "KILL",
    };
    supervisor.spawn(launch).await
}
