//! Signed calls of AWS's REST services: the few of S3 and Lambda that `init` makes.
//!
//! Their SDKs would be most of the command's size and build time; AWS's own signer is linked anyway.

use std::time::{Duration, SystemTime};

use aws_config::SdkConfig;
use aws_sdk_sts::config::{Credentials, ProvideCredentials as _};
use aws_sigv4::http_request::{
    PayloadChecksumKind, PercentEncodingMode, SignableBody, SignableRequest, SigningSettings,
    UriPathNormalizationMode, sign,
};
use aws_sigv4::sign::v4;
use media_sync::config::http_client;
use reqwest::Method;

use super::error::refused;
use crate::exit::Exit;
use crate::failure::{Failure, chain};

/// The longest time for one call: code of some megabytes over a slow line.
const CALL_LIMIT: Duration = Duration::from_secs(300);
const ATTEMPTS: u32 = 3;

/// A client for one service in one region.
#[derive(Debug, Clone)]
pub(crate) struct SignedCalls {
    sdk: SdkConfig,
    http: reqwest::Client,
    service: &'static str,
    region: String,
    endpoint: String,
}

/// An answer of any status.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) body: Vec<u8>,
}

/// A request before its signature.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Call<'a> {
    pub(crate) method: &'a Method,
    /// With its slash, and already encoded.
    pub(crate) path: &'a str,
    pub(crate) headers: &'a [(&'a str, &'a str)],
    pub(crate) body: &'a [u8],
}

impl SignedCalls {
    /// A client; `AWS_ENDPOINT_URL_<SERVICE>` and `AWS_ENDPOINT_URL` lead elsewhere, as they do for the SDKs.
    pub(crate) fn new(
        sdk: &SdkConfig,
        service: &'static str,
        region: &str,
    ) -> Result<Self, Failure> {
        let own = std::env::var(format!("AWS_ENDPOINT_URL_{}", service.to_uppercase())).ok();
        let given = own.or_else(|| sdk.endpoint_url().map(str::to_owned));
        let endpoint = given.unwrap_or_else(|| {
            let suffix = if region.starts_with("cn-") {
                "amazonaws.com.cn"
            } else {
                "amazonaws.com"
            };
            format!("https://{service}.{region}.{suffix}")
        });
        Ok(Self {
            sdk: sdk.clone(),
            http: http_client().map_err(|error| Failure::new(Exit::Failed, chain(&error)))?,
            service,
            region: region.to_owned(),
            endpoint: endpoint.trim_end_matches('/').to_owned(),
        })
    }

    /// Sends a call, again when it gets no answer or 5xx: every call of ours may be repeated.
    pub(crate) async fn send(&self, doing: &str, call: Call<'_>) -> Result<Reply, Failure> {
        let mut attempt = 1;
        loop {
            let answer = self.send_once(doing, call).await;
            let passes = match &answer {
                Ok(reply) => reply.status >= 500,
                Err(failure) => failure.exit == Exit::TryAgain,
            };
            if !passes || attempt == ATTEMPTS {
                return answer;
            }
            tokio::time::sleep(Duration::from_millis(500 * u64::from(attempt))).await;
            attempt += 1;
        }
    }

    async fn send_once(&self, doing: &str, call: Call<'_>) -> Result<Reply, Failure> {
        let url = format!("{}{}", self.endpoint, call.path);
        let credentials = self.credentials(doing).await?;
        let request = Signature {
            credentials,
            service: self.service,
            region: &self.region,
            time: SystemTime::now(),
        };
        let signed = request
            .headers(&url, call)
            .map_err(|problem| Failure::new(Exit::Failed, format!("{doing} failed: {problem}")))?;
        let mut sending = self
            .http
            .request(call.method.clone(), url)
            .timeout(CALL_LIMIT);
        for (name, value) in call.headers {
            sending = sending.header(*name, *value);
        }
        for (name, value) in signed {
            sending = sending.header(name, value);
        }
        let silent = |error: reqwest::Error| {
            Failure::new(Exit::TryAgain, format!("{doing} failed: AWS does not answer"))
                .detail("cause", Some(chain(&error.without_url())))
                .mend("check the network and the name of the region (AWS_REGION, --region), then run this again")
        };
        let response = sending
            .body(call.body.to_vec())
            .send()
            .await
            .map_err(silent)?;
        let status = response.status().as_u16();
        let body = response.bytes().await.map_err(silent)?.to_vec();
        Ok(Reply { status, body })
    }

    async fn credentials(&self, doing: &str) -> Result<Credentials, Failure> {
        let missing = |cause: String| {
            Failure::new(
                Exit::NotAllowed,
                format!("{doing} failed: there are no AWS credentials"),
            )
            .detail("cause", Some(cause))
        };
        let provider = self.sdk.credentials_provider();
        let provider = provider.ok_or_else(|| missing("no provider".to_owned()))?;
        let found = provider.provide_credentials().await;
        found.map_err(|error| missing(chain(&error)))
    }
}

impl Reply {
    /// The failure that an answer of an unexpected status is. S3 tells its code in XML, Lambda its message in JSON.
    pub(crate) fn refusal(&self, doing: &str) -> Failure {
        let text = String::from_utf8_lossy(&self.body);
        let tagged = |tag: &str| {
            let (_, rest) = text.split_once(&format!("<{tag}>"))?;
            Some(rest.split_once("</")?.0.to_owned())
        };
        let json: serde_json::Value = serde_json::from_slice(&self.body).unwrap_or_default();
        let told = |name: &str| Some(json.get(name)?.as_str()?.to_owned());
        let by_status = match self.status {
            403 => "AccessDenied".to_owned(),
            status if status >= 500 => "ServiceUnavailable".to_owned(),
            status => format!("status {status}"),
        };
        let code = tagged("Code").or_else(|| told("Type")).unwrap_or(by_status);
        let message = tagged("Message")
            .or_else(|| told("Message"))
            .or_else(|| told("message"));
        refused(doing, &code, &message.unwrap_or_default())
    }
}

/// The parts of a signature.
pub(crate) struct Signature<'a> {
    pub(crate) credentials: Credentials,
    pub(crate) service: &'a str,
    pub(crate) region: &'a str,
    pub(crate) time: SystemTime,
}

impl Signature<'_> {
    /// The headers to add to a request.
    pub(crate) fn headers(
        self,
        url: &str,
        call: Call<'_>,
    ) -> Result<Vec<(String, String)>, String> {
        let mut settings = SigningSettings::default();
        if self.service == "s3" {
            // S3 signs the path as it is sent, and the body's checksum with the headers.
            settings.percent_encoding_mode = PercentEncodingMode::Single;
            settings.payload_checksum_kind = PayloadChecksumKind::XAmzSha256;
            settings.uri_path_normalization_mode = UriPathNormalizationMode::Disabled;
        }
        let identity = self.credentials.into();
        let parameters = v4::SigningParams::builder()
            .identity(&identity)
            .region(self.region)
            .name(self.service)
            .time(self.time)
            .settings(settings)
            .build()
            .map_err(|error| error.to_string())?
            .into();
        let headers = call.headers.iter().copied();
        let body = SignableBody::Bytes(call.body);
        let request = SignableRequest::new(call.method.as_str(), url, headers, body)
            .map_err(|error| error.to_string())?;
        let (instructions, _) = sign(request, &parameters)
            .map_err(|error| error.to_string())?
            .into_parts();
        let added = instructions.headers();
        Ok(added
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The examples of "Signature Calculations for the Authorization Header" in S3's documentation.
    #[test]
    fn signatures_are_those_of_s3s_own_examples() {
        let authorization = |call: Call<'_>| {
            let signature = Signature {
                credentials: Credentials::new(
                    "AKIAIOSFODNN7EXAMPLE",
                    "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
                    None,
                    None,
                    "test",
                ),
                service: "s3",
                region: "us-east-1",
                // 20130524T000000Z
                time: SystemTime::UNIX_EPOCH + Duration::from_secs(1_369_353_600),
            };
            let url = format!("https://examplebucket.s3.amazonaws.com{}", call.path);
            let headers = signature.headers(&url, call).unwrap();
            let found = headers
                .into_iter()
                .find(|(name, _)| name == "authorization");
            found.unwrap().1
        };
        let get = authorization(Call {
            method: &Method::GET,
            path: "/test.txt",
            headers: &[("range", "bytes=0-9")],
            body: b"",
        });
        let expected = "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41";
        assert!(get.ends_with(&format!("Signature={expected}")), "{get}");
        let put = authorization(Call {
            method: &Method::PUT,
            path: "/test%24file.text",
            headers: &[
                ("date", "Fri, 24 May 2013 00:00:00 GMT"),
                ("x-amz-storage-class", "REDUCED_REDUNDANCY"),
            ],
            body: b"Welcome to Amazon S3.",
        });
        let expected = "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd";
        assert!(put.ends_with(&format!("Signature={expected}")), "{put}");
    }

    #[test]
    fn refusals_are_read_from_xml_and_json() {
        let reply = |status, body: &str| Reply {
            status,
            body: body.as_bytes().to_vec(),
        };
        let s3 = reply(
            403,
            "<Error><Code>AccessDenied</Code><Message>no &lt;</Message></Error>",
        );
        assert_eq!(s3.refusal("asking").exit, Exit::NotAllowed);
        let lambda = reply(404, r#"{"Type":"User","Message":"Function not found"}"#);
        assert_eq!(
            lambda.refusal("asking").message,
            "asking failed: Function not found"
        );
        assert_eq!(reply(403, "").refusal("asking").exit, Exit::NotAllowed);
        assert_eq!(reply(503, "").refusal("asking").exit, Exit::TryAgain);
    }
}
