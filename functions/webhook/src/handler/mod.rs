//! One notification: size, signature, queue, answer, and nothing else.
//!
//! It serves the function URL and `POST /api/cloudinary/webhook` alike; both speak payload 2.0.

use std::sync::Mutex;
use std::time::{Duration, Instant};

use lambda_http::http::{Method, StatusCode};
use lambda_http::{Body, Request, Response};
use media_sync::cloudinary::signature::{
    NotificationVerifier, SignatureAlgorithm, SignatureRejection,
};
use media_sync::deadline::Deadline;
use media_sync::http::{Problem, body, reply, respond_to_strangers};
use media_sync::queue::{
    NotificationMessage, RawBody, RefusalTally, RefusedNotifications, SqsQueue,
};
use media_sync::rotation::LiveValue;
use media_sync::telemetry::{self, metrics};
use media_sync::time::Timestamp;
use serde::Serialize;

/// Twice the size of the largest notifications, and still one SQS message when written as base64.
pub(crate) const BODY_LIMIT: usize = 512 * 1024;

/// Kept free after the wait for a new key, to hand the notification to SQS.
const TO_SEND: Duration = Duration::from_secs(4);

/// The handler's dependencies.
#[derive(Debug)]
pub(crate) struct Webhook {
    verifier: LiveValue<NotificationVerifier>,
    queue: SqsQueue,
    refusals: Mutex<RefusalTally>,
}

#[derive(Serialize)]
struct Accepted {
    success: bool,
    processing_time_ms: u64,
    message: &'static str,
}

impl Webhook {
    pub(crate) fn new(verifier: LiveValue<NotificationVerifier>, queue: SqsQueue) -> Self {
        Self {
            verifier,
            queue,
            refusals: Mutex::default(),
        }
    }

    /// Answers 200 exactly when SQS has the notification; Cloudinary repeats after anything else.
    pub(crate) async fn handle(&self, request: Request) -> Response<Body> {
        let begun = Instant::now();
        respond_to_strangers(request, async |request| {
            let outcome = self.accept(request, Timestamp::now()).await;
            count(&outcome);
            outcome?;
            let accepted = Accepted {
                success: true,
                processing_time_ms: u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX),
                message: "Notification accepted",
            };
            Ok(reply::json(StatusCode::OK, &accepted))
        })
        .await
    }

    /// The worker judges the body's shape. If it were refused here, Cloudinary would send the same
    /// bytes three times more and then forget them.
    async fn accept(&self, request: &Request, now: Timestamp) -> Result<(), Problem> {
        if request.method() != Method::POST {
            return Err(Problem::method_not_allowed("POST"));
        }
        let raw = body::bytes(request.body(), BODY_LIMIT)?;
        let queue = self.queue.until(Deadline::of_request(request));
        let signature = header(request, "x-cld-signature");
        let signed_at = match self.verify(request, raw, now).await {
            Ok(signed_at) => signed_at,
            Err(rejection) => {
                let refused = (rejection, raw, signature);
                self.tell_of_refusal(&queue, refused, now).await;
                return Err(rejection.into());
            }
        };
        let notification = NotificationMessage {
            received_at: now,
            signature_timestamp: signed_at,
            replayed: false,
            algorithm: signature.and_then(SignatureAlgorithm::of_signature),
            body: RawBody::new(raw.to_vec()),
        };
        Ok(queue.send(&notification).await?)
    }

    /// A signature that is not known may be a new key's: it is verified again with the secret's
    /// present content.
    async fn verify(
        &self,
        request: &Request,
        raw: &[u8],
        now: Timestamp,
    ) -> Result<Timestamp, SignatureRejection> {
        let timestamp = header(request, "x-cld-timestamp");
        let signature = header(request, "x-cld-signature");
        let deadline = Deadline::of_request(request).earlier(TO_SEND);
        let mut verifier = self.verifier.current().await;
        loop {
            let rejection = match verifier.verify(raw, timestamp, signature, now) {
                Err(rejection @ SignatureRejection::WrongSignature) => rejection,
                outcome => return outcome,
            };
            match self
                .verifier
                .renewed_for_stranger(&verifier, deadline)
                .await
            {
                Some(newer) => verifier = newer,
                None => return Err(rejection),
            }
        }
    }

    /// Has the worker record that notifications are refused: a wrong key would be noticed by nobody else. The answer is
    /// the same whether that succeeds or not.
    async fn tell_of_refusal(
        &self,
        queue: &SqsQueue,
        (rejection, raw, signature): (SignatureRejection, &[u8], Option<&str>),
        now: Timestamp,
    ) {
        let due = self
            .refusals
            .lock()
            .ok()
            .and_then(|mut tally| tally.note(now));
        let Some(count) = due else { return };
        let refused = RefusedNotifications::describe(rejection, raw, signature, count, now);
        if let Err(error) = queue.send(&refused).await {
            telemetry::log_error("a refusal is not recorded", &error);
        }
    }
}

fn header<'a>(request: &'a Request, name: &str) -> Option<&'a str> {
    request.headers().get(name)?.to_str().ok()
}

fn count(outcome: &Result<(), Problem>) {
    match outcome {
        Ok(()) => metrics::record(&[(&metrics::NOTIFICATIONS_ACCEPTED, 1.0)]),
        Err(problem) if problem.status().is_server_error() => {
            metrics::count_for(&metrics::NOTIFICATIONS_FAILED, problem.code());
        }
        Err(problem) => metrics::count_for(&metrics::NOTIFICATIONS_REFUSED, problem.code()),
    }
}

#[cfg(test)]
mod tests;
