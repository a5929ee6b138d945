//! The account's notification triggers: where webhooks go.

use reqwest::Method;
use serde::Deserialize;
use serde_json::{Value, json};

use super::call::{Body, Call};
use super::{CloudinaryAnswer, CloudinaryClient, CloudinaryError};

/// One event type sent to one address.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Trigger {
    pub id: String,
    pub uri: String,
    /// `all` covers every type.
    pub event_type: String,
    #[serde(default)]
    pub uri_type: Option<String>,
    /// True if it fires beside a `notification_url` given with a call, instead of being replaced by
    /// it.
    #[serde(default)]
    pub additive: Option<bool>,
    /// `eddsa_v2` signs in a way of its own, without `X-Cld-Signature`.
    #[serde(default)]
    pub auth_scheme: Option<String>,
    /// Replaces the body of its notifications.
    #[serde(default)]
    pub payload_template: Option<Value>,
    /// Lets only some events through.
    #[serde(default)]
    pub filter: Option<Value>,
}

impl CloudinaryClient {
    /// All triggers, or those of one event type.
    ///
    /// # Errors
    /// See [`CloudinaryError`].
    pub async fn list_triggers(
        &self,
        event_type: Option<&str>,
    ) -> Result<CloudinaryAnswer<Vec<Trigger>>, CloudinaryError> {
        #[derive(Deserialize)]
        struct Triggers {
            triggers: Vec<Trigger>,
        }
        let mut call = Call::get("list triggers", ["triggers"]);
        if let Some(event_type) = event_type {
            call.query.push(("event_type", event_type.to_owned()));
        }
        let answer = self.call::<Triggers>(call).await?;
        Ok(answer.map(|triggers| triggers.triggers))
    }

    /// Sends one event type (or `all`) to `uri`, also where a call names an address of its own.
    ///
    /// # Errors
    /// See [`CloudinaryError`].
    pub async fn create_trigger(
        &self,
        uri: &str,
        event_type: &str,
    ) -> Result<CloudinaryAnswer<Trigger>, CloudinaryError> {
        let body = json!({ "uri": uri, "event_type": event_type, "additive": true });
        self.call(Call::new(
            format!("create a trigger for {event_type}"),
            Method::POST,
            ["triggers"],
            Body::Json(body),
            false,
        ))
        .await
    }

    /// Sends a trigger's events to another address.
    ///
    /// # Errors
    /// See [`CloudinaryError`].
    pub async fn update_trigger(
        &self,
        id: &str,
        new_uri: &str,
    ) -> Result<CloudinaryAnswer<()>, CloudinaryError> {
        let call = Call::new(
            format!("update trigger {id}"),
            Method::PUT,
            ["triggers", id],
            Body::Json(json!({ "new_uri": new_uri })),
            true,
        );
        Ok(self.call::<Value>(call).await?.map(drop))
    }

    /// Removes a trigger.
    ///
    /// # Errors
    /// See [`CloudinaryError`].
    pub async fn delete_trigger(&self, id: &str) -> Result<CloudinaryAnswer<()>, CloudinaryError> {
        let call = Call::new(
            format!("delete trigger {id}"),
            Method::DELETE,
            ["triggers", id],
            Body::None,
            false,
        );
        Ok(self.call::<Value>(call).await?.map(drop))
    }
}
