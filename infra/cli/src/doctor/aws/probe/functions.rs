//! The functions: their settings, their code, and the release that one of them tells.

use std::collections::{BTreeMap, BTreeSet};

use futures::future::try_join_all;
use serde_json::Value;

use super::super::api::Api;
use super::super::{AccountConcurrency, FunctionEvidence, ReleaseEvidence, code, queues};
use super::deployment::Deployment;
use crate::aws::functions;
use crate::doctor::{ProbeResult, SkipReason};

/// The one whose code is read.
const WEBHOOK: &str = "Webhook";

pub(super) async fn concurrency(api: &Api) -> ProbeResult<AccountConcurrency> {
    let answer = api.get("lambda", functions::ACCOUNT_SETTINGS).await?;
    AccountConcurrency::read(&answer)
        .ok_or_else(|| SkipReason::because("Lambda tells no limit of concurrent executions"))
}

impl Deployment<'_> {
    /// Lambda's answers about the functions that checks look at.
    pub(super) async fn functions(&self) -> ProbeResult<BTreeMap<String, Value>> {
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
    pub(super) async fn machine(
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

    /// Calls Health as the gateway does for somebody without a token.
    pub(super) async fn release(&self) -> ProbeResult<ReleaseEvidence> {
        const CALL: &str = include_str!("../health_call.json");
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

pub(super) fn functions_of(
    described: &BTreeMap<String, Value>,
) -> BTreeMap<String, FunctionEvidence> {
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
