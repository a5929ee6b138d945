//! One local address for a person with curl: the API below `/api`, the console at `/console`,
//! Cloudinary's webhook at `/webhook`.

use std::sync::{Arc, PoisonError, RwLock};

use axum::Router;
use axum::extract::{Request, State};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{any, get};
use http::StatusCode;

use crate::aws::Aws;
use crate::proxy::{self, ProxyClient, Target};

/// Shared between the server and the stack, which tells it where the deployment is.
#[derive(Debug)]
pub(crate) struct FrontDoor {
    client: ProxyClient,
    behind: RwLock<Behind>,
}

/// The services behind the front door.
#[derive(Debug, Clone, Default)]
pub(crate) struct Behind {
    /// The emulator's address and port.
    pub(crate) authority: String,
    /// By which it knows the HTTP API.
    pub(crate) api_host: Option<String>,
    /// By which it knows the webhook's function URL.
    pub(crate) webhook_host: Option<String>,
    /// The page at `/`.
    pub(crate) page: String,
    /// Where to look for a deployment that is not this stack's.
    pub(crate) elsewhere: Option<Elsewhere>,
}

/// A stack that somebody else deploys into the emulator.
#[derive(Debug, Clone)]
pub(crate) struct Elsewhere {
    pub(crate) aws: Aws,
    pub(crate) stack: String,
}

impl FrontDoor {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self {
            client: proxy::client_without_kept_connections(),
            behind: RwLock::default(),
        })
    }

    pub(crate) fn lead_to(&self, behind: Behind) {
        *self.behind.write().unwrap_or_else(PoisonError::into_inner) = behind;
    }

    pub(crate) fn router(self: &Arc<Self>) -> Router {
        Router::new()
            .route("/", get(page))
            .route("/webhook", any(webhook))
            .route("/api/{*path}", any(api))
            .route("/console", any(api))
            .route("/console/{*path}", any(api))
            .with_state(Arc::clone(self))
    }

    fn behind(&self) -> Behind {
        self.behind
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    async fn pass(
        &self,
        request: Request,
        authority: String,
        host: Option<String>,
        path: String,
    ) -> Response {
        let Some(host) = host else {
            return (StatusCode::NOT_FOUND, "nothing is deployed here\n").into_response();
        };
        match proxy::forward(
            &self.client,
            request,
            &Target {
                authority,
                host,
                path,
            },
        )
        .await
        {
            Ok(response) => response,
            Err(error) => {
                tracing::debug!(%error, "the AWS emulator does not answer");
                (
                    StatusCode::SERVICE_UNAVAILABLE,
                    "the AWS emulator does not answer\n",
                )
                    .into_response()
            }
        }
    }
}

async fn page(State(door): State<Arc<FrontDoor>>) -> String {
    door.behind().page
}

async fn api(State(door): State<Arc<FrontDoor>>, request: Request) -> Response {
    let behind = door.behind();
    let path = request
        .uri()
        .path_and_query()
        .map_or("/", |path| path.as_str())
        .to_owned();
    door.pass(request, behind.authority, behind.api_host, path)
        .await
}

async fn webhook(State(door): State<Arc<FrontDoor>>, request: Request) -> Response {
    let mut behind = door.behind();
    if let (None, Some(elsewhere)) = (&behind.webhook_host, &behind.elsewhere) {
        // Without a stack there is nobody who could answer.
        let found = elsewhere.aws.find(&elsewhere.stack).await;
        behind.webhook_host = found
            .ok()
            .and_then(|deployment| deployment.hosts(&behind.authority).1);
    }
    let path = request
        .uri()
        .query()
        .map_or("/".to_owned(), |query| format!("/?{query}"));
    door.pass(request, behind.authority, behind.webhook_host, path)
        .await
}
