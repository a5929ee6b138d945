//! The bucket that holds the functions' code: one for all stacks of an account and region.

use std::time::Duration;

use reqwest::Method;

use super::Account;
use super::calls::{Call, Reply, SignedCalls};
use crate::exit::Exit;
use crate::failure::Failure;

/// The longest time for one call: code of some megabytes over a slow line.
const CALL_LIMIT: Duration = Duration::from_secs(300);

/// A bucket of ours.
#[derive(Debug, Clone)]
pub(crate) struct Bucket {
    calls: SignedCalls,
    pub(crate) name: String,
    account: String,
    region: String,
}

impl Bucket {
    /// The bucket of that name, or the account's own.
    pub(crate) fn new(account: &Account, name: Option<&str>) -> Result<Self, Failure> {
        let own = || format!("media-sync-{}-{}", account.id, account.region);
        Ok(Self {
            calls: account.calls()?,
            name: name.map_or_else(own, str::to_owned),
            account: account.id.clone(),
            region: account.region.clone(),
        })
    }

    /// Makes the bucket, unless it is there. New buckets are closed to the public.
    pub(crate) async fn ensure(&self) -> Result<bool, Failure> {
        let doing = format!("looking for the bucket {}", self.name);
        let found = self.call(&doing, Method::HEAD, "", b"").await?;
        match found.status {
            200 => return Ok(false),
            404 => {}
            301 => {
                return Err(Failure::new(
                    Exit::Failed,
                    format!("the bucket {} is in another region", self.name),
                )
                .mend("give another one: --bucket NAME"));
            }
            403 => {
                return Err(Failure::new(
                    Exit::NotAllowed,
                    format!(
                        "the bucket {} is somebody else's, or closed to this identity",
                        self.name
                    ),
                )
                .mend("give the identity s3:* on it, or name another one: --bucket NAME"));
            }
            _ => return Err(found.refused().failure(&doing)),
        }
        let doing = format!("making the bucket {}", self.name);
        // Only the oldest region takes no constraint.
        let body = match self.region.as_str() {
            "us-east-1" => String::new(),
            region => format!(
                "<CreateBucketConfiguration xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">\
                 <LocationConstraint>{region}</LocationConstraint></CreateBucketConfiguration>"
            ),
        };
        let path = self.path("");
        let made = self
            .send(&doing, Method::PUT, &path, &[], body.as_bytes())
            .await?;
        match made.status {
            200 => Ok(true),
            _ => Err(made.refused().failure(&doing)),
        }
    }

    /// Uploads the missing files: a key is named after its content.
    pub(crate) async fn put(&self, key: &str, bytes: &[u8]) -> Result<bool, Failure> {
        let doing = format!("uploading {key}");
        if self.call(&doing, Method::HEAD, key, b"").await?.status == 200 {
            return Ok(false);
        }
        let put = self.call(&doing, Method::PUT, key, bytes).await?;
        match put.status {
            200 => Ok(true),
            _ => Err(put.refused().failure(&doing)),
        }
    }

    /// The form that a template refers to an object by.
    pub(crate) fn uri(&self, key: &str) -> String {
        format!("s3://{}/{key}", self.name)
    }

    /// The address by which CloudFormation reads a template.
    pub(crate) fn url(&self, key: &str) -> String {
        let suffix = if self.region.starts_with("cn-") {
            "amazonaws.com.cn"
        } else {
            "amazonaws.com"
        };
        format!("https://s3.{}.{suffix}/{}/{key}", self.region, self.name)
    }

    fn path(&self, key: &str) -> String {
        match key {
            "" => format!("/{}", self.name),
            key => format!("/{}/{key}", self.name),
        }
    }

    /// The owner is named, so that code never goes into a bucket that somebody else made under this name.
    async fn call(
        &self,
        doing: &str,
        method: Method,
        key: &str,
        body: &[u8],
    ) -> Result<Reply, Failure> {
        let owner = [("x-amz-expected-bucket-owner", self.account.as_str())];
        self.send(doing, method, &self.path(key), &owner, body)
            .await
    }

    async fn send(
        &self,
        doing: &str,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Result<Reply, Failure> {
        let call = Call {
            service: "s3",
            method,
            path,
            headers,
            body,
            limit: CALL_LIMIT,
        };
        let reply = self.calls.send(call).await;
        reply.map_err(|error| error.failure(doing))
    }
}
