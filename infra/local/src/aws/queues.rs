//! The deployed queues: their depths, their settings, and messages put into them.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{Aws, Deployment, api};
use crate::StackError;

/// The number of messages that a queue holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct QueueDepth {
    /// Waiting to be received.
    pub visible: u64,
    /// Received and not yet deleted.
    pub in_flight: u64,
    /// Not yet to be received.
    pub delayed: u64,
}

impl QueueDepth {
    /// All messages, wherever they are.
    pub fn total(&self) -> u64 {
        self.visible + self.in_flight + self.delayed
    }
}

impl Aws {
    /// By the queue's logical id in the template.
    pub(crate) async fn queue_depths(
        &self,
        deployment: &Deployment,
    ) -> Result<BTreeMap<String, QueueDepth>, StackError> {
        let mut depths = BTreeMap::new();
        for (name, url) in deployment.queues() {
            let request = json!({ "QueueUrl": url, "AttributeNames": ["All"] });
            let answer = self
                .api
                .json("sqs", "AmazonSQS.GetQueueAttributes", &request)
                .await?;
            let count = |attribute: &str| {
                answer["Attributes"][attribute]
                    .as_str()
                    .and_then(|number| number.parse().ok())
                    .unwrap_or(0)
            };
            let depth = QueueDepth {
                visible: count("ApproximateNumberOfMessages"),
                in_flight: count("ApproximateNumberOfMessagesNotVisible"),
                delayed: count("ApproximateNumberOfMessagesDelayed"),
            };
            depths.insert(name.to_owned(), depth);
        }
        Ok(depths)
    }

    /// Sets the time for which a queue, by its logical id, hides its messages.
    pub(crate) async fn hide_messages_for(
        &self,
        deployment: &Deployment,
        queue: &str,
        seconds: u32,
    ) -> Result<(), StackError> {
        let url = deployment.queue(queue);
        let attributes = json!({ "VisibilityTimeout": seconds.to_string() });
        self.set_attributes(url, &attributes).await
    }

    /// Lets so many seconds of a delay pass in one, in a queue named by its logical id.
    pub(crate) async fn hurry(
        &self,
        deployment: &Deployment,
        queue: &str,
        seconds: u32,
    ) -> Result<(), StackError> {
        let url = deployment.queue(queue);
        let request = json!({ "QueueUrl": url, "Tags": { "hurry": seconds.to_string() } });
        self.api
            .json("sqs", "AmazonSQS.TagQueue", &request)
            .await
            .map(drop)
    }

    /// Has a queue, named by its logical id, give up a message that was received so often.
    pub(crate) async fn give_up_after(
        &self,
        deployment: &Deployment,
        queue: &str,
        receives: u32,
    ) -> Result<(), StackError> {
        let url = deployment.queue(queue);
        let request = json!({ "QueueUrl": url, "AttributeNames": ["RedrivePolicy"] });
        let target = "AmazonSQS.GetQueueAttributes";
        let answer = self.api.json("sqs", target, &request).await?;
        let policy = answer["Attributes"]["RedrivePolicy"].as_str();
        let mut policy = api::parse(target, policy.unwrap_or_default().as_bytes())?;
        policy["maxReceiveCount"] = json!(receives);
        let attributes = json!({ "RedrivePolicy": policy.to_string() });
        self.set_attributes(url, &attributes).await
    }

    /// Puts a body into a queue, named by its logical id, as it is.
    pub(crate) async fn send_message(
        &self,
        deployment: &Deployment,
        queue: &str,
        body: &str,
    ) -> Result<(), StackError> {
        let url = deployment.queue(queue);
        let request = json!({ "QueueUrl": url, "MessageBody": body });
        self.api
            .json("sqs", "AmazonSQS.SendMessage", &request)
            .await
            .map(drop)
    }

    async fn set_attributes(
        &self,
        url: Option<&str>,
        attributes: &Value,
    ) -> Result<(), StackError> {
        let request = json!({ "QueueUrl": url, "Attributes": attributes });
        self.api
            .json("sqs", "AmazonSQS.SetQueueAttributes", &request)
            .await
            .map(drop)
    }
}
