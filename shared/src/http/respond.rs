//! From a request to an answer: every function of the API is an outcome turned into a response.

use std::time::Instant;

use http::{HeaderName, HeaderValue, Response, StatusCode};
use lambda_http::request::RequestContext;
use lambda_http::{Body, Request, RequestExt};

use super::Problem;
use super::query::MAX_QUERY;
use crate::deadline::Deadline;
use crate::telemetry::{self, CorrelationId};

/// Names and values together. API Gateway's own limit is ten thousand; a function URL's is not told.
const MAX_HEADERS: usize = 16 * 1024;

/// Finds a request in the log; also in the body of every problem.
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Answers a request with what `answer` makes of it. A request that is too large is refused before,
/// and every answer carries the request's id. If no answer comes while there is time, a 503 says
/// so. The log has a line for each request, with its correlation id.
pub async fn respond(
    request: Request,
    answer: impl AsyncFnOnce(&Request) -> Result<Response<Body>, Problem>,
) -> Response<Body> {
    let correlation = CorrelationId::of_headers(request.headers());
    respond_as(correlation, request, answer).await
}

/// The same for requests of strangers, whose headers say nothing.
pub async fn respond_to_strangers(
    request: Request,
    answer: impl AsyncFnOnce(&Request) -> Result<Response<Body>, Problem>,
) -> Response<Body> {
    respond_as(None, request, answer).await
}

async fn respond_as(
    correlation: Option<CorrelationId>,
    request: Request,
    answer: impl AsyncFnOnce(&Request) -> Result<Response<Body>, Problem>,
) -> Response<Body> {
    let context = request.lambda_context_ref().cloned();
    let work = answer_and_tell(&request, answer);
    telemetry::invocation(context.as_ref(), correlation, work).await
}

async fn answer_and_tell(
    request: &Request,
    answer: impl AsyncFnOnce(&Request) -> Result<Response<Body>, Problem>,
) -> Response<Body> {
    let begun = Instant::now();
    let context = request.lambda_context_ref();
    let id = context.map_or("", |context| context.request_id.as_str());
    let outcome = match check_size(request) {
        Ok(()) => {
            let answered = Deadline::of_request(request).limit(answer(request));
            answered.await.unwrap_or_else(|| Err(out_of_time()))
        }
        Err(problem) => Err(problem),
    };
    let code = outcome.as_ref().err().map(Problem::code);
    let mut response = outcome.unwrap_or_else(|problem| problem.into_response(id));
    if let Ok(id) = HeaderValue::from_str(id)
        && !id.is_empty()
    {
        response.headers_mut().insert(REQUEST_ID, id);
    }
    tracing::info!(
        route = route(request),
        status = response.status().as_u16(),
        code,
        milliseconds = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX),
        "request answered"
    );
    response
}

/// The route as the template writes it. The path itself may hold anything that a stranger has
/// typed.
fn route(request: &Request) -> String {
    let key = match request.request_context_ref() {
        Some(RequestContext::ApiGatewayV2(context)) => context.route_key.clone(),
        _ => None,
    };
    key.unwrap_or_else(|| request.method().to_string())
}

fn out_of_time() -> Problem {
    #[derive(Debug, thiserror::Error)]
    #[error("the invocation was nearly over")]
    struct NearlyOver;
    Problem::unavailable("out_of_time", None, &NearlyOver)
}

fn check_size(request: &Request) -> Result<(), Problem> {
    let sizes = request
        .headers()
        .iter()
        .map(|(name, value)| name.as_str().len() + value.len());
    if sizes.sum::<usize>() > MAX_HEADERS {
        return Err(Problem::new(
            StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
            "headers_too_large",
            format!("The headers may have {MAX_HEADERS} bytes together."),
        ));
    }
    if request.uri().query().unwrap_or_default().len() > MAX_QUERY {
        return Err(Problem::new(
            StatusCode::URI_TOO_LONG,
            "query_too_long",
            format!("The query string may have {MAX_QUERY} bytes at most."),
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::reply;
    use super::*;

    fn request(query: &str, headers: &[(&str, &str)]) -> Request {
        let event = serde_json::json!({
            "version": "2.0", "routeKey": "GET /x", "rawPath": "/x", "rawQueryString": query,
            "headers": headers.iter().copied().collect::<std::collections::BTreeMap<_, _>>(),
            "requestContext": {
                "http": {"method": "GET", "path": "/x", "protocol": "HTTP/1.1", "sourceIp": "192.0.2.1"},
                "stage": "$default", "requestId": "gateway",
            },
            "isBase64Encoded": false,
        });
        let request = lambda_http::request::from_str(&event.to_string()).unwrap();
        let mut context = lambda_http::Context::default();
        context.request_id = "r-1".to_owned();
        request.with_lambda_context(context)
    }

    #[tokio::test]
    async fn an_answer_that_does_not_come_in_time_is_a_503() {
        // A context of its own making ended long ago.
        let response = respond(request("", &[]), async |_| std::future::pending().await).await;
        assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert!(response.headers().contains_key("retry-after"));
        let Body::Text(body) = response.body() else {
            panic!("a problem is text");
        };
        assert!(body.contains("out_of_time"), "{body}");
    }

    async fn status(query: &str, headers: &[(&str, &str)]) -> (u16, Option<String>, bool) {
        let mut reached = false;
        let response = respond(request(query, headers), async |_| {
            reached = true;
            Ok(reply::json(StatusCode::OK, &1))
        })
        .await;
        let id = response.headers().get(REQUEST_ID);
        let id = id.map(|id| id.to_str().unwrap().to_owned());
        (response.status().as_u16(), id, reached)
    }

    #[tokio::test]
    async fn what_is_too_large_is_refused_before_anything_looks_at_it() {
        let id = || Some("r-1".to_owned());
        assert_eq!(status("a=b", &[("x-a", "b")]).await, (200, id(), true));
        let long = "x".repeat(MAX_QUERY + 1);
        assert_eq!(status(&long, &[]).await, (414, id(), false));
        let half = "x".repeat(MAX_HEADERS / 2);
        let headers = [("x-a", half.as_str()), ("x-b", half.as_str())];
        assert_eq!(status("", &headers).await, (431, id(), false));
    }
}
