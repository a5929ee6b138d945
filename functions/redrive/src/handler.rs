//! `GET /api/cloudinary/events/redrive`: messages that were given up, queue by queue.
//! `POST /api/cloudinary/events/redrive` sends those of one queue to it again.

use std::time::Duration;

use futures::future::try_join_all;
use lambda_http::http::{Method, StatusCode};
use lambda_http::{Body, Request, Response};
use media_sync::deadline::Deadline;
use media_sync::http::auth::{authenticate, require_admin};
use media_sync::http::{Problem, QueryParameters, reply, respond};
use media_sync::queue::{MovedMessages, QueueName};
use media_sync::supabase::DataApi;
use media_sync::supabase::jwt::TokenVerifier;
use media_sync::time::Timestamp;
use serde_json::json;

use crate::queues::GivingQueue;
use crate::request::RedriveRequest;

/// The time kept to count what is left. A batch that it cuts off is hidden for a minute, and nothing of it is lost.
const TO_COUNT: Duration = Duration::from_secs(4);

/// Asks the database in the name of the caller, which lets administrators in.
#[derive(Debug)]
pub(crate) struct Redrive {
    pub(crate) verifier: TokenVerifier,
    pub(crate) database: DataApi,
    pub(crate) queues: Vec<GivingQueue>,
}

impl Redrive {
    pub(crate) async fn handle(&self, request: Request) -> Response<Body> {
        respond(request, async |request| self.answer(request).await).await
    }

    async fn answer(&self, request: &Request) -> Result<Response<Body>, Problem> {
        let caller = authenticate(&self.verifier, request.headers(), Timestamp::now()).await?;
        require_admin(&caller)?;
        let end = Deadline::of_request(request);
        let database = self.database.until(end).as_caller(&caller);
        match *request.method() {
            Method::GET => self.look(request, &database, end).await,
            Method::POST => self.redrive(request, &database, end).await,
            _ => Err(Problem::method_not_allowed("GET, POST")),
        }
    }

    async fn look(
        &self,
        request: &Request,
        database: &DataApi,
        end: Deadline,
    ) -> Result<Response<Body>, Problem> {
        QueryParameters::parse(request.uri().query(), &[])?;
        note(database, None, 0).await?;
        let items = try_join_all(self.queues.iter().map(|queue| queue.look(end))).await?;
        Ok(reply::json(StatusCode::OK, &json!({ "items": items })))
    }

    async fn redrive(
        &self,
        request: &Request,
        database: &DataApi,
        end: Deadline,
    ) -> Result<Response<Body>, Problem> {
        let RedriveRequest { queue: name } = RedriveRequest::parse(request)?;
        let queue = self.queues.iter().find(|queue| queue.name == name);
        let queue = queue.expect("every queue is there");
        let given_up = queue.count(end).await?.total();
        note(database, Some(name), given_up).await?;
        let moved = match given_up {
            0 => MovedMessages::default(),
            _ => queue.move_until(end.earlier(TO_COUNT)).await?,
        };
        let left = queue.count(end).await?.total();
        let answer = json!({ "queue": name, "sent": moved.sent, "kept": moved.kept, "left": left });
        Ok(reply::json(StatusCode::OK, &answer))
    }
}

/// Asks the database if the caller may. It leaves an entry in the trail where there are messages.
async fn note(database: &DataApi, queue: Option<QueueName>, messages: u64) -> Result<(), Problem> {
    let arguments = json!({ "p_queue": queue, "p_messages": messages });
    Ok(database.rpc("media_request_redrive", &arguments).await?)
}
