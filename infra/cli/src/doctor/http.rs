//! HTTP calls as evidence: an answer of any status, or why there was none.

use std::error::Error as _;

use reqwest::header::HeaderMap;
use serde_json::Value;

use super::{PROBE_LIMIT, ProbeResult, SkipReason};

/// An answer.
#[derive(Debug, Clone, PartialEq)]
pub struct ProbeAnswer {
    /// The status code.
    pub status: u16,
    /// The body, where it is JSON.
    pub body: Value,
}

/// The reason for which nobody answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ProbeSilence {
    /// The host's name does not resolve.
    Name,
    /// No connection, no TLS or no answer: the reason.
    Other(String),
}

impl ProbeAnswer {
    /// A text of the body's object.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.body.get(name)?.as_str()
    }

    /// The other side's own words: `message`, `msg` or `error.message`.
    pub fn message(&self) -> String {
        let nested = || self.body.pointer("/error/message")?.as_str();
        let said = self
            .text("message")
            .or_else(|| self.text("msg"))
            .or_else(nested);
        said.map_or_else(
            || format!("status {}", self.status),
            |said| said.chars().take(200).collect(),
        )
    }
}

/// Sends and reads. The request's address appears in no error.
pub async fn send(request: reqwest::RequestBuilder) -> Result<ProbeAnswer, ProbeSilence> {
    Ok(exchange(request).await?.0)
}

/// The same with the headers, where silence only means that nothing was learnt.
pub async fn send_whole(
    subject: &str,
    request: reqwest::RequestBuilder,
) -> ProbeResult<(ProbeAnswer, HeaderMap)> {
    exchange(request)
        .await
        .map_err(|silence| unlearnt(subject, silence))
}

async fn exchange(
    request: reqwest::RequestBuilder,
) -> Result<(ProbeAnswer, HeaderMap), ProbeSilence> {
    let response = request
        .timeout(PROBE_LIMIT)
        .send()
        .await
        .map_err(|error| silence(&error))?;
    let status = response.status().as_u16();
    let headers = response.headers().clone();
    let bytes = response.bytes().await.map_err(|error| silence(&error))?;
    let answer = ProbeAnswer {
        status,
        body: serde_json::from_slice(&bytes).unwrap_or_default(),
    };
    Ok((answer, headers))
}

/// The same, where silence only means that nothing was learnt.
pub async fn ask(subject: &str, request: reqwest::RequestBuilder) -> ProbeResult<ProbeAnswer> {
    send(request)
        .await
        .map_err(|silence| unlearnt(subject, silence))
}

fn unlearnt(subject: &str, silence: ProbeSilence) -> SkipReason {
    SkipReason::because(match silence {
        ProbeSilence::Name => format!("the name of {subject} does not resolve"),
        ProbeSilence::Other(reason) => format!("{subject} does not answer: {reason}"),
    })
}

fn silence(error: &reqwest::Error) -> ProbeSilence {
    let causes = std::iter::successors(error.source(), |cause| (*cause).source());
    let texts: Vec<String> = causes.map(ToString::to_string).collect();
    if texts.iter().any(|text| text.contains("dns error")) {
        return ProbeSilence::Name;
    }
    let reason = if error.is_timeout() {
        "timed out".to_owned()
    } else {
        texts
            .last()
            .cloned()
            .unwrap_or_else(|| "no connection".to_owned())
    };
    ProbeSilence::Other(reason)
}
