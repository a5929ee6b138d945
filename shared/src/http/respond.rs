//! From a request to an answer: every function of the API is an outcome turned into a response.

use http::Response;
use lambda_http::{Body, Request, RequestExt};

use super::Problem;

/// Answers a request with what `answer` makes of it; a problem carries the request's id.
pub async fn respond(
    request: Request,
    answer: impl AsyncFnOnce(&Request) -> Result<Response<Body>, Problem>,
) -> Response<Body> {
    match answer(&request).await {
        Ok(response) => response,
        Err(problem) => {
            let id = request
                .lambda_context_ref()
                .map(|context| context.request_id.as_str());
            problem.into_response(id.unwrap_or_default())
        }
    }
}
