//! The topics that alarms ring in, and their subscribers.

use futures::future::try_join_all;

use super::super::TopicEvidence;
use super::super::api::skip;
use super::deployment::Deployment;
use crate::aws::calls::all_texts;
use crate::doctor::ProbeResult;

impl Deployment<'_> {
    /// The stack's own topics, and the one that its parameter names.
    pub(super) async fn topics(&self) -> ProbeResult<Vec<TopicEvidence>> {
        let given = self.stack.parameters.get("AlarmTopicArn");
        let given = given.filter(|arn| !arn.is_empty());
        let own = self.of_kind("AWS::SNS::Topic").map(|topic| &topic.physical);
        try_join_all(own.chain(given).map(async |arn| self.topic(arn).await)).await
    }

    async fn topic(&self, arn: &str) -> ProbeResult<TopicEvidence> {
        let form = [
            ("Action", "ListSubscriptionsByTopic"),
            ("Version", "2010-03-31"),
            ("TopicArn", arn),
        ];
        let confirmed = match self.api.query("sns", &form).await? {
            Ok(xml) => {
                let arns = all_texts(&xml, "SubscriptionArn");
                Some(arns.iter().map(|arn| arn.starts_with("arn:")).collect())
            }
            Err(refused) if refused.code.starts_with("NotFound") => None,
            Err(refused) => return Err(skip("sns", &refused)),
        };
        Ok(TopicEvidence {
            arn: arn.to_owned(),
            confirmed,
        })
    }
}
