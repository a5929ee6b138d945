//! Identities of deployers: users of the emulated account with one policy and keys of their own.

use uuid::Uuid;

use super::Aws;
use super::api::first;
use crate::StackError;

/// The version of IAM's query protocol.
const VERSION: (&str, &str) = ("Version", "2010-05-08");

/// The keys by which AWS knows a caller.
#[derive(Debug, Clone)]
pub(crate) struct AccessKey {
    pub(crate) id: String,
    pub(crate) secret: String,
}

impl Aws {
    /// Makes a user who may do what the policy allows, and nothing else.
    pub(crate) async fn make_user(&self, policy: &str) -> Result<AccessKey, StackError> {
        let name = format!("deployer-{}", Uuid::new_v4().simple());
        let user = ("UserName", name.as_str());
        let query = async |form: &[(&str, &str)]| {
            let form = [form, &[VERSION]].concat();
            self.api.query("iam", &form).await
        };
        query(&[("Action", "CreateUser"), user]).await?;
        let document = ("PolicyDocument", policy);
        let made = query(&[("Action", "CreatePolicy"), ("PolicyName", &name), document]).await?;
        let arn = first(&made, "Arn")?;
        query(&[("Action", "AttachUserPolicy"), user, ("PolicyArn", &arn)]).await?;
        let key = query(&[("Action", "CreateAccessKey"), user]).await?;
        Ok(AccessKey {
            id: first(&key, "AccessKeyId")?,
            secret: first(&key, "SecretAccessKey")?,
        })
    }
}
