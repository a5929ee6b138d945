//! `GET /api/openapi.json`: the document that this very version was built with. And every request that no route of the
//! API takes: it is told the routes that there are.

use std::sync::LazyLock;

use lambda_http::http::Method;
use lambda_http::request::RequestContext;
use lambda_http::{Body, Request, RequestExt, Response};
use media_sync::http::{Problem, reply, respond};

use crate::routes::RouteTable;

const DOCUMENT: &str = include_str!("../../../docs/reference/openapi.json");

/// The gateway's name for requests without a route.
const DEFAULT_ROUTE: &str = "$default";

static ROUTES: LazyLock<RouteTable> = LazyLock::new(|| RouteTable::of_document(DOCUMENT));

pub(crate) async fn handle(request: Request) -> Response<Body> {
    respond(request, async |request| {
        if is_without_route(request) {
            return Err(ROUTES.explain(request.method().as_str(), request.raw_http_path()));
        }
        if request.method() != Method::GET {
            return Err(Problem::method_not_allowed("GET"));
        }
        Ok(reply::document(DOCUMENT))
    })
    .await
}

fn is_without_route(request: &Request) -> bool {
    match request.request_context_ref() {
        Some(RequestContext::ApiGatewayV2(context)) => {
            context.route_key.as_deref() == Some(DEFAULT_ROUTE)
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    const EVENT: &str = include_str!("../events/default.json");

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

    async fn unrouted(method: &str, path: &str) -> (u16, Option<String>, Value) {
        let mut event: Value = serde_json::from_str(EVENT).unwrap();
        event["rawPath"] = path.into();
        event["requestContext"]["http"]["method"] = method.into();
        event["requestContext"]["http"]["path"] = path.into();
        let request = lambda_http::request::from_str(&event.to_string()).unwrap();
        let response = handle(request).await;
        let allow = response.headers().get("allow");
        let allow = allow.map(|allow| allow.to_str().unwrap().to_owned());
        let body = serde_json::from_slice(response.body()).unwrap();
        (response.status().as_u16(), allow, body)
    }

    #[tokio::test]
    async fn a_request_without_a_route_is_told_the_routes() {
        let (status, _, body) = unrouted("GET", "/api/cloudinary/medias").await;
        assert_eq!((status, &body["code"]), (404, &json!("not_found")));
        let routes = body["routes"].as_array().unwrap();
        assert!(
            routes.contains(&json!("GET /api/cloudinary/media")),
            "{body}"
        );

        let media = "/api/cloudinary/media";
        let (status, allow, body) = unrouted("PUT", media).await;
        assert_eq!((status, &body["code"]), (405, &json!("method_not_allowed")));
        assert_eq!(allow.as_deref(), Some("DELETE, GET, PATCH"));
        let (status, allow, _) = unrouted("PUT", &format!("{media}/abc")).await;
        assert_eq!(
            (status, allow.as_deref()),
            (405, Some("DELETE, GET, PATCH"))
        );
        let (status, allow, _) = unrouted("GET", &format!("{media}/abc/restore")).await;
        assert_eq!((status, allow.as_deref()), (405, Some("POST")));

        let (status, _, body) = unrouted("GET", &format!("{media}/")).await;
        let detail = body["detail"].as_str().unwrap();
        assert_eq!(status, 404);
        assert!(detail.contains("`/api/cloudinary/media`"), "{detail}");
    }

    #[tokio::test]
    async fn a_hostile_path_is_not_repeated() {
        let (status, _, body) = unrouted("GET", "/%3Cscript%3E/").await;
        assert_eq!(status, 404);
        assert!(!body.to_string().contains("script"), "{body}");
    }
}
