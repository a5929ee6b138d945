//! The request to move a queue's messages, read into a type (pure).

use lambda_http::Request;
use media_sync::http::{Problem, QueryParameters, body};
use media_sync::queue::QueueName;
use serde::Deserialize;

/// The body of a redrive.
#[derive(Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RedriveRequest {
    /// The queue that gave the messages up.
    pub(crate) queue: QueueName,
}

impl RedriveRequest {
    /// Reads a request.
    ///
    /// # Errors
    /// Naming the field that cannot be used.
    pub(crate) fn parse(request: &Request) -> Result<Self, Problem> {
        QueryParameters::parse(request.uri().query(), &[])?;
        body::json(request)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EVENT: &str = include_str!("../events/http_api.json");

    #[test]
    fn the_request_of_an_event_is_understood() {
        let request = lambda_http::request::from_str(EVENT).unwrap();
        let asked = RedriveRequest::parse(&request).unwrap();
        assert_eq!(asked.queue, QueueName::Notifications);
    }

    #[test]
    fn other_queues_and_fields_are_refused() {
        for body in [
            r#"{"queue":"NotificationQueue"}"#,
            "{}",
            r#"{"queue":"outbound","all":true}"#,
        ] {
            let mut request = lambda_http::request::from_str(EVENT).unwrap();
            *request.body_mut() = body.into();
            assert!(RedriveRequest::parse(&request).is_err(), "{body}");
        }
    }
}
