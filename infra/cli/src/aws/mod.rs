//! AWS as `init`, `config` and `destroy` use it: the account, the secret, the bucket of code and the stack.

pub(crate) mod bucket;
pub(crate) mod calls;
pub(crate) mod error;
pub(crate) mod formation;
pub(crate) mod functions;
pub(crate) mod secret;

use aws_config::SdkConfig;
use clap::Args;
use media_sync::config::{self, http_client};

use self::calls::SignedCalls;
pub(crate) use self::error::failure;
use crate::exit::Exit;
use crate::failure::{Failure, chain};

/// The AWS account of a command, beside AWS's usual environment.
#[derive(Debug, Args)]
pub(crate) struct Access {
    /// Profile of AWS's shared configuration
    #[arg(long, value_name = "NAME")]
    profile: Option<String>,
    /// AWS region, instead of AWS_REGION or the profile's
    #[arg(long, value_name = "NAME")]
    region: Option<String>,
}

/// An account with our verified identity.
#[derive(Debug, Clone)]
pub(crate) struct Account {
    pub(crate) sdk: SdkConfig,
    /// Twelve digits.
    pub(crate) id: String,
    pub(crate) region: String,
    /// The role or user that acts.
    pub(crate) identity: String,
}

impl Access {
    /// Reads region and credentials. Commands that are run afterwards take the same.
    pub(crate) async fn configuration(&self) -> SdkConfig {
        if let Some(profile) = self.profile.as_deref().filter(|name| !name.is_empty()) {
            config::use_aws_profile(profile);
        }
        let region = self.region.as_deref().filter(|name| !name.is_empty());
        if let Some(region) = region {
            config::use_aws_region(region);
        }
        config::aws().await
    }
}

impl Account {
    /// Asks AWS for our identity.
    pub(crate) async fn find(sdk: SdkConfig) -> Result<Self, Failure> {
        let region = sdk.region().map(|region| region.as_ref().to_owned());
        let Some(region) = region.filter(|region| is_region(region)) else {
            return Err(Failure::new(
                Exit::Usage,
                "no AWS region is named, or it has not the form of one",
            )
            .mend("set AWS_REGION or give --region, such as eu-central-1"));
        };
        let caller = aws_sdk_sts::Client::new(&sdk)
            .get_caller_identity()
            .send()
            .await
            .map_err(|error| failure("asking AWS for our identity", &error))?;
        Ok(Self {
            id: caller.account().unwrap_or_default().to_owned(),
            identity: caller.arn().unwrap_or_default().to_owned(),
            region,
            sdk,
        })
    }

    /// The client of services without an SDK.
    pub(crate) fn calls(&self) -> Result<SignedCalls, Failure> {
        let http = http_client().map_err(|error| Failure::new(Exit::Failed, chain(&error)))?;
        Ok(SignedCalls::new(&self.sdk, http))
    }
}

/// `eu-central-1`, `us-gov-west-1`: the name becomes a part of hosts' names.
fn is_region(text: &str) -> bool {
    let mut parts = text.rsplit('-');
    let number = parts.next().unwrap_or_default();
    let is_word =
        |word: &str| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_lowercase());
    !number.is_empty()
        && number.bytes().all(|byte| byte.is_ascii_digit())
        && parts.clone().count() >= 2
        && parts.all(is_word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn region_has_the_form_of_one() {
        for (text, expected) in [
            ("eu-central-1", true),
            ("us-gov-west-1", true),
            ("ap-southeast-12", true),
            ("eu-central", false),
            ("Frankfurt", false),
            ("eu-central-1.example.com/", false),
            ("", false),
        ] {
            assert_eq!(is_region(text), expected, "{text}");
        }
    }
}
