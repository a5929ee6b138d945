//! The customer's keys: under which the secrets are, and which roles may decrypt with them.

use futures::future::try_join_all;
use percent_encoding::percent_decode_str;
use serde_json::{Value, json};

use super::super::KeyUse;
use super::super::api::skip;
use super::super::key::decrypting;
use super::deployment::Deployment;
use crate::aws::calls::first_text;
use crate::doctor::{ProbeResult, SkipReason};

/// Each secret's parameter, and a role that reads it, whose policy has its name without `Role`.
const READERS: [(&str, &str); 4] = [
    ("ConfigSecretArn", "WebhookRole"),
    ("NotificationSecretArn", "WebhookRole"),
    ("ReadingSecretArn", "MediaUpdateRole"),
    ("WorkerSecretArn", "ReconcileRole"),
];

impl Deployment<'_> {
    pub(super) async fn keys(&self) -> ProbeResult<Vec<KeyUse>> {
        let given = READERS.into_iter().filter_map(|(parameter, role)| {
            let arn = self.stack.parameters.get(parameter)?;
            (!arn.is_empty()).then_some((parameter, arn, role))
        });
        let uses = given.map(async |(parameter, arn, role)| {
            let Some(key) = self.key_of(arn).await? else {
                return Ok(None);
            };
            let allowed = self.decrypts(role).await?;
            let (parameter, role) = (parameter.to_owned(), role.to_owned());
            Ok(Some(KeyUse {
                parameter,
                key,
                role,
                allowed,
            }))
        });
        let uses = try_join_all(uses).await?;
        Ok(uses.into_iter().flatten().collect())
    }

    /// The customer's key that a secret is under; nothing for AWS's own.
    async fn key_of(&self, arn: &str) -> ProbeResult<Option<String>> {
        let secret = json!({"SecretId": arn});
        let answer = self
            .api
            .json("secretsmanager", "secretsmanager.DescribeSecret", &secret)
            .await?;
        let key = answer["KmsKeyId"].as_str().filter(|key| !key.is_empty());
        Ok(key
            .filter(|key| !key.ends_with("alias/aws/secretsmanager"))
            .map(str::to_owned))
    }

    /// The keys with which a role may decrypt, by its policy in the template.
    async fn decrypts(&self, role: &str) -> ProbeResult<Vec<String>> {
        let form = [
            ("Action", "GetRolePolicy"),
            ("Version", "2010-05-08"),
            ("RoleName", self.find(role)?.physical.as_str()),
            ("PolicyName", role.trim_end_matches("Role")),
        ];
        let xml = self
            .api
            .query("iam", &form)
            .await?
            .map_err(|refused| skip("iam", &refused))?;
        let document = first_text(&xml, "PolicyDocument").unwrap_or_default();
        let document = percent_decode_str(&document).decode_utf8_lossy();
        let policy: Value = serde_json::from_str(&document)
            .map_err(|_| SkipReason::because(format!("the policy of {role} cannot be read")))?;
        Ok(decrypting(&policy))
    }
}
