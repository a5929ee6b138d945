//! The few HTTP requests that the stack itself makes of its parts, all on the loopback interface.

use bytes::Bytes;
use http::{HeaderMap, Request};
use http_body_util::{BodyExt as _, Full};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;

use crate::StackError;

/// Keeps no connection: a stack may be asked from several runtimes in turn, and a kept connection would
/// belong to one of them.
#[derive(Debug, Clone)]
pub(crate) struct HttpClient(Client<HttpConnector, Full<Bytes>>);

/// A successful answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl HttpClient {
    pub(crate) fn new() -> Self {
        Self(
            Client::builder(TokioExecutor::new())
                .pool_max_idle_per_host(0)
                .build_http(),
        )
    }

    /// Anything but a success is an error that shows the answer.
    pub(crate) async fn get(&self, url: &str) -> Result<Answer, StackError> {
        let request = Request::get(url)
            .body(Bytes::new())
            .map_err(|error| failed(url, &error))?;
        self.send(request).await
    }

    /// Anything but a success is an error that shows the answer.
    pub(crate) async fn send(&self, request: Request<Bytes>) -> Result<Answer, StackError> {
        let name = format!("{} {}", request.method(), request.uri());
        let answer = self
            .0
            .request(request.map(Full::new))
            .await
            .map_err(|error| failed(&name, &chain(&error)))?;
        let (parts, body) = answer.into_parts();
        let body = body
            .collect()
            .await
            .map_err(|error| failed(&name, &error))?
            .to_bytes();
        if parts.status.is_success() {
            return Ok(Answer {
                headers: parts.headers,
                body,
            });
        }
        Err(failed(
            &name,
            &format!("{}: {}", parts.status, String::from_utf8_lossy(&body)),
        ))
    }
}

fn failed(request: &str, problem: &dyn std::fmt::Display) -> StackError {
    StackError::Http {
        request: request.to_owned(),
        problem: problem.to_string(),
    }
}

fn chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |cause| cause.source());
    causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}
