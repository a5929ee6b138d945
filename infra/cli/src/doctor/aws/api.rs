//! The protocols of AWS's services, as the checks ask by them. A call that fails skips the checks that need it.

use reqwest::Method;
use serde_json::Value;

use super::super::{ProbeResult, SkipReason};
use crate::aws::calls::{Call, CallError, Refused, Reply, SignedCalls};
use crate::failure::chain;

/// AWS's services in one region.
#[derive(Debug, Clone)]
pub(super) struct Api {
    pub(super) calls: SignedCalls,
}

impl Api {
    /// The JSON protocol: one path, the operation in a header.
    pub(super) async fn json(
        &self,
        service: &'static str,
        target: &str,
        body: &Value,
    ) -> ProbeResult<Value> {
        let headers = [
            ("content-type", "application/x-amz-json-1.1"),
            ("x-amz-target", target),
        ];
        self.accepted(Call {
            service,
            method: Method::POST,
            headers: &headers,
            body: body.to_string().as_bytes(),
            ..Call::default()
        })
        .await
    }

    /// The REST protocol without a body.
    pub(super) async fn get(&self, service: &'static str, path: &str) -> ProbeResult<Value> {
        self.accepted(Call {
            service,
            path,
            ..Call::default()
        })
        .await
    }

    /// The REST protocol with a JSON body.
    pub(super) async fn post(
        &self,
        service: &'static str,
        path: &str,
        body: &Value,
    ) -> ProbeResult<Value> {
        self.accepted(Call {
            service,
            method: Method::POST,
            path,
            headers: &[("content-type", "application/json")],
            body: body.to_string().as_bytes(),
            ..Call::default()
        })
        .await
    }

    /// The query protocol: a form in, XML out.
    pub(super) async fn query(
        &self,
        service: &'static str,
        form: &[(&str, &str)],
    ) -> ProbeResult<Result<String, Refused>> {
        let body = url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs(form)
            .finish();
        let reply = self
            .reply(Call {
                service,
                method: Method::POST,
                headers: &[("content-type", "application/x-www-form-urlencoded")],
                body: body.as_bytes(),
                ..Call::default()
            })
            .await?;
        Ok(match reply.is_success() {
            true => Ok(reply.text()),
            false => Err(reply.refused()),
        })
    }

    async fn accepted(&self, call: Call<'_>) -> ProbeResult<Value> {
        let service = call.service;
        let reply = self.reply(call).await?;
        match reply.is_success() {
            true => Ok(reply.json()),
            false => Err(skip(service, &reply.refused())),
        }
    }

    async fn reply(&self, call: Call<'_>) -> ProbeResult<Reply> {
        self.calls
            .send_once(call)
            .await
            .map_err(|error| match error {
                CallError::Region => SkipReason::needs("AWS_REGION"),
                CallError::Credentials(cause) => {
                    SkipReason::because(format!("there are no AWS credentials: {cause}"))
                }
                other => SkipReason::because(chain(&other)),
            })
    }
}

/// The reason that a refusal is for leaving a check out.
pub(super) fn skip(service: &str, refused: &Refused) -> SkipReason {
    SkipReason::because(format!(
        "{service} refuses: {} {}",
        refused.code, refused.message
    ))
}
