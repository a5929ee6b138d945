//! One notification: size, signature, queue, answer, and nothing else.
//!
//! It serves the function URL and `POST /api/cloudinary/webhook` alike; both speak payload 2.0.

use std::time::Instant;

use lambda_http::http::{Method, StatusCode};
use lambda_http::{Body, Request, Response};
use media_sync::cloudinary::signature::NotificationVerifier;
use media_sync::http::{Problem, body, reply, respond};
use media_sync::queue::{Notification, Queue, RawBody};
use media_sync::time::Timestamp;
use serde::Serialize;

/// Twice what the largest notifications hold, and still one SQS message when written as base64.
pub(crate) const BODY_LIMIT: usize = 512 * 1024;

/// What the handler works with.
#[derive(Debug)]
pub(crate) struct Webhook {
    verifier: NotificationVerifier,
    queue: Queue,
}

#[derive(Serialize)]
struct Accepted {
    success: bool,
    processing_time_ms: u64,
    message: &'static str,
}

impl Webhook {
    pub(crate) fn new(verifier: NotificationVerifier, queue: Queue) -> Self {
        Self { verifier, queue }
    }

    /// Answers 200 exactly when SQS has the notification; Cloudinary repeats after anything else.
    pub(crate) async fn handle(&self, request: Request) -> Response<Body> {
        let begun = Instant::now();
        respond(request, async |request| {
            self.accept(request, Timestamp::now()).await?;
            let accepted = Accepted {
                success: true,
                processing_time_ms: u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX),
                message: "Notification accepted",
            };
            Ok(reply::json(StatusCode::OK, &accepted))
        })
        .await
    }

    /// Whether the body is a notification of a known shape is the worker's to say: refusing it here
    /// would make Cloudinary send the same bytes three times more and then forget them.
    async fn accept(&self, request: &Request, now: Timestamp) -> Result<(), Problem> {
        if request.method() != Method::POST {
            return Err(Problem::method_not_allowed("POST"));
        }
        let raw = body::bytes(request.body(), BODY_LIMIT)?;
        let header = |name| {
            request
                .headers()
                .get(name)
                .and_then(|value| value.to_str().ok())
        };
        let signed_at = self.verifier.verify(
            raw,
            header("x-cld-timestamp"),
            header("x-cld-signature"),
            now,
        )?;
        let notification = Notification {
            received_at: now,
            signature_timestamp: signed_at,
            body: RawBody::new(raw.to_vec()),
        };
        Ok(self.queue.send(&notification).await?)
    }
}

#[cfg(test)]
mod tests;
