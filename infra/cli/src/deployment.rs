//! The deployed stack as commands work with it: its outputs, schedules, queues and functions.

use std::collections::BTreeMap;
use std::time::Duration;

use aws_config::SdkConfig;
use media_sync::config;
use media_sync::sync::health::{RunSchedules, parse_rate};
use reqwest::Method;
use serde_json::Value;

use crate::aws::calls::{Call, CallError, Reply, SignedCalls};
use crate::configuration::stack;
use crate::exit::Exit;
use crate::failure::{Failure, chain};

/// The longest time for an invocation: that of the functions themselves, and something for the way.
const INVOCATION_LIMIT: Duration = Duration::from_secs(75);

/// A function that commands call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeployedFunction {
    /// Makes runs.
    Reconcile,
    /// Replays notifications.
    Maintenance,
}

impl DeployedFunction {
    const fn output(self) -> &'static str {
        match self {
            Self::Reconcile => "ReconcileFunctionName",
            Self::Maintenance => "MaintenanceFunctionName",
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Reconcile => "reconcile",
            Self::Maintenance => "maintenance",
        }
    }
}

/// A stack that was found.
#[derive(Debug)]
pub struct Deployment {
    /// Region and credentials.
    pub aws: SdkConfig,
    calls: SignedCalls,
    outputs: BTreeMap<String, String>,
    parameters: BTreeMap<String, String>,
}

impl Deployment {
    /// Asks CloudFormation for the stack.
    ///
    /// # Errors
    /// When there is none of this name, or AWS does not let us ask.
    pub async fn find(stack_name: &str) -> Result<Self, Failure> {
        let aws = config::aws().await;
        let found = stack::locate(&aws, stack_name)
            .await
            .map_err(|unknown| unknown.failure(stack_name))?;
        let http =
            config::http_client().map_err(|error| Failure::new(Exit::Failed, chain(&error)))?;
        Ok(Self {
            calls: SignedCalls::new(&aws, http),
            aws,
            outputs: found.outputs,
            parameters: found.parameters,
        })
    }

    /// An output of the stack.
    ///
    /// # Errors
    /// When the stack has none of this key: it is another one, or an old one.
    pub fn output(&self, key: &str) -> Result<&str, Failure> {
        let value = self.outputs.get(key).map(String::as_str);
        value.ok_or_else(|| {
            Failure::new(Exit::Failed, format!("the stack has no output {key}"))
                .mend("deploy this release, or name the right stack with --stack-name")
        })
    }

    /// The periods of runs, where the stack's parameters tell them.
    pub fn schedules(&self) -> RunSchedules {
        let period = |name| parse_rate(self.parameters.get(name)?);
        RunSchedules {
            incremental: period("ReconcileSchedule"),
            full: period("FullReconcileSchedule"),
        }
    }

    /// Calls a function and waits for its answer.
    ///
    /// # Errors
    /// When AWS does not answer or refuses, or the function fails. A call whose answer was lost may have had its effect.
    pub async fn invoke(
        &self,
        function: DeployedFunction,
        event: &Value,
    ) -> Result<Value, Failure> {
        let reply = self.call(function, event, "RequestResponse").await?;
        match reply.headers.contains_key("x-amz-function-error") {
            false => Ok(reply.json()),
            true => Err(broken(function, &reply.json())),
        }
    }

    /// Hands an event to a function; Lambda calls it soon.
    ///
    /// # Errors
    /// When AWS does not answer or refuses.
    pub async fn invoke_later(
        &self,
        function: DeployedFunction,
        event: &Value,
    ) -> Result<(), Failure> {
        self.call(function, event, "Event").await.map(drop)
    }

    /// A second attempt could start the work twice, so there is none.
    async fn call(
        &self,
        function: DeployedFunction,
        event: &Value,
        invocation_type: &str,
    ) -> Result<Reply, Failure> {
        let name = self.output(function.output())?;
        let doing = format!("calling the function {}", function.name());
        let event = event.to_string();
        let call = Call {
            service: "lambda",
            method: Method::POST,
            path: &format!("/2015-03-31/functions/{name}/invocations"),
            headers: &[("x-amz-invocation-type", invocation_type)],
            body: event.as_bytes(),
            limit: INVOCATION_LIMIT,
        };
        let reply = self.calls.send_once(call).await;
        let reply = reply.map_err(|error| unanswered(&doing, &error))?;
        match reply.is_success() {
            true => Ok(reply),
            false => Err(reply.refused().failure(&doing)),
        }
    }
}

/// The region's name was good when the stack was found, so that silence has another cause.
fn unanswered(doing: &str, error: &CallError) -> Failure {
    match error {
        CallError::Silent { .. } => {
            Failure::new(Exit::TryAgain, format!("{doing} failed: {}", chain(error)))
        }
        other => other.failure(doing),
    }
}

/// The runtime reports `{"errorType", "errorMessage"}`.
fn broken(function: DeployedFunction, payload: &Value) -> Failure {
    let name = function.name();
    let words = payload["errorMessage"]
        .as_str()
        .unwrap_or("it says nothing");
    Failure::new(Exit::Failed, format!("the function {name} failed: {words}")).mend(format!(
        "read the log of the function {name}; mediasync doctor looks for causes"
    ))
}
