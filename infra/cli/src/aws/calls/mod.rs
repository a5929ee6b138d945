//! Signed calls of AWS's services: the few that commands and the checks of `doctor` make.
//!
//! Their SDKs would be most of the command's size and build time; AWS's own signer is linked anyway.

mod call;
mod place;
mod reply;
mod signature;

use std::time::{Duration, SystemTime};

use aws_config::SdkConfig;
use aws_sdk_sts::config::{Credentials, ProvideCredentials as _};

pub(crate) use self::call::Call;
pub(crate) use self::reply::{Refused, Reply, all_texts, first_text};
use self::signature::Signature;
use crate::exit::Exit;
use crate::failure::{Failure, chain};

const ATTEMPTS: u32 = 3;

/// The client of all services, in the region of its configuration.
#[derive(Debug, Clone)]
pub(crate) struct SignedCalls {
    pub(crate) sdk: SdkConfig,
    pub(crate) http: reqwest::Client,
}

/// The reason for which a call has no answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CallError {
    #[error("no AWS region is named")]
    Region,
    #[error("there are no AWS credentials")]
    Credentials(String),
    #[error("a call of {service} cannot be signed: {problem}")]
    Signature {
        service: &'static str,
        problem: String,
    },
    #[error("{service} does not answer")]
    Silent {
        service: &'static str,
        #[source]
        error: reqwest::Error,
    },
}

impl SignedCalls {
    pub(crate) fn new(sdk: &SdkConfig, http: reqwest::Client) -> Self {
        Self {
            sdk: sdk.clone(),
            http,
        }
    }

    /// Sends a call that may be repeated, again when it gets no answer or 5xx.
    pub(crate) async fn send(&self, call: Call<'_>) -> Result<Reply, CallError> {
        let mut attempt = 1;
        loop {
            let answer = self.send_once(call.clone()).await;
            let passes = match &answer {
                Ok(reply) => reply.status >= 500,
                Err(error) => matches!(error, CallError::Silent { .. }),
            };
            if !passes || attempt == ATTEMPTS {
                return answer;
            }
            tokio::time::sleep(Duration::from_millis(500 * u64::from(attempt))).await;
            attempt += 1;
        }
    }

    /// Sends a call.
    pub(crate) async fn send_once(&self, call: Call<'_>) -> Result<Reply, CallError> {
        let service = call.service;
        let silent = |error: reqwest::Error| CallError::Silent {
            service,
            error: error.without_url(),
        };
        let response = self.signed(call).await?.send().await.map_err(silent)?;
        Ok(Reply {
            status: response.status().as_u16(),
            headers: response.headers().clone(),
            body: response.bytes().await.map_err(silent)?.to_vec(),
        })
    }

    async fn signed(&self, call: Call<'_>) -> Result<reqwest::RequestBuilder, CallError> {
        let service = call.service;
        let region = self.sdk.region().map(AsRef::as_ref).unwrap_or_default();
        if region.is_empty() {
            return Err(CallError::Region);
        }
        let (endpoint, region) = place::find(&self.sdk, service, region);
        let url = format!("{endpoint}{}", call.path);
        let signature = Signature {
            credentials: self.credentials().await?,
            region: &region,
            time: SystemTime::now(),
        };
        let signed = signature
            .headers(&url, call.clone())
            .map_err(|problem| CallError::Signature { service, problem })?;
        let mut request = self.http.request(call.method, url).timeout(call.limit);
        for (name, value) in call.headers {
            request = request.header(*name, *value);
        }
        for (name, value) in signed {
            request = request.header(name, value);
        }
        Ok(request.body(call.body.to_vec()))
    }

    async fn credentials(&self) -> Result<Credentials, CallError> {
        let missing = |cause: String| CallError::Credentials(cause);
        let provider = self.sdk.credentials_provider();
        let provider = provider.ok_or_else(|| missing("no provider".to_owned()))?;
        let found = provider.provide_credentials().await;
        found.map_err(|error| missing(chain(&error)))
    }
}

impl CallError {
    /// The failure of a command.
    pub(crate) fn failure(&self, doing: &str) -> Failure {
        let failure = |exit| Failure::new(exit, format!("{doing} failed: {self}"));
        match self {
            Self::Region => failure(Exit::Usage)
                .mend("set AWS_REGION or give --region, such as eu-central-1"),
            Self::Credentials(cause) => {
                failure(Exit::NotAllowed).detail("cause", Some(cause.clone()))
            }
            Self::Signature { .. } => failure(Exit::Failed),
            Self::Silent { error, .. } => {
                Failure::new(Exit::TryAgain, format!("{doing} failed: AWS does not answer"))
                    .detail("cause", Some(chain(error)))
                    .mend("check the network and the name of the region (AWS_REGION, --region), then run this again")
            }
        }
    }
}
