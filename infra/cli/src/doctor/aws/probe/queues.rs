//! The queues: their times, and the number of their messages.

use std::collections::BTreeMap;

use futures::future::try_join_all;
use serde_json::json;

use super::super::QueueEvidence;
use super::deployment::Deployment;
use crate::doctor::{ProbeResult, SkipReason};

impl Deployment<'_> {
    pub(super) async fn queues(&self) -> ProbeResult<BTreeMap<String, QueueEvidence>> {
        let queues = self.of_kind("AWS::SQS::Queue").map(async |queue| {
            let body = json!({"QueueUrl": queue.physical, "AttributeNames": ["All"]});
            let answer = self
                .api
                .json("sqs", "AmazonSQS.GetQueueAttributes", &body)
                .await?;
            let number = |name: &str| answer["Attributes"][name].as_str()?.parse::<u64>().ok();
            let waiting = [
                "ApproximateNumberOfMessages",
                "ApproximateNumberOfMessagesNotVisible",
                "ApproximateNumberOfMessagesDelayed",
            ];
            let visibility = number("VisibilityTimeout")
                .ok_or_else(|| SkipReason::because("SQS tells no visibility timeout"))?;
            let messages = waiting.into_iter().filter_map(number).sum();
            Ok((
                queue.logical.clone(),
                QueueEvidence {
                    visibility,
                    messages,
                },
            ))
        });
        try_join_all(queues).await.map(BTreeMap::from_iter)
    }
}
