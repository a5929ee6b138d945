//! `GET /api/openapi.json`: the document that this very version was built with.

use lambda_http::http::Method;
use lambda_http::{Body, Request, Response};
use media_sync::http::{Problem, reply, respond};

const DOCUMENT: &str = include_str!("../../../docs/reference/openapi.json");

pub(crate) async fn handle(request: Request) -> Response<Body> {
    respond(request, async |request| {
        if request.method() != Method::GET {
            return Err(Problem::method_not_allowed("GET"));
        }
        Ok(reply::document(DOCUMENT))
    })
    .await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_document_is_served_as_it_is_and_may_be_kept_a_while() {
        let response = handle(Request::new(Body::Empty)).await;
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], "application/json");
        assert_eq!(response.headers()["cache-control"], "public, max-age=300");
        assert_eq!(response.body().as_ref(), DOCUMENT.as_bytes());
    }

    #[tokio::test]
    async fn nothing_else_is_served() {
        let mut request = Request::new(Body::Empty);
        *request.method_mut() = Method::POST;
        let response = handle(request).await;
        assert_eq!(response.status(), 405);
        assert_eq!(response.headers()["allow"], "GET");
    }
}
