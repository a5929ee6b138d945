//! Signed calls: the few of Lambda, SNS, SQS, CloudWatch Logs and IAM that the checks read, and the invocation of functions.
//!
//! Their SDKs would be most of the command's size and build time; AWS's own signer is linked anyway.

use std::time::SystemTime;

use aws_config::SdkConfig;
use aws_sdk_cloudformation::config::{Credentials, ProvideCredentials as _};
use reqwest::Method;
use serde_json::Value;

use super::{Probe, Skip};
use crate::aws::signed::{self, Signature};
use crate::failure::chain;

/// AWS's services in one region.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Api<'a> {
    pub(crate) sdk: &'a SdkConfig,
    pub(crate) http: &'a reqwest::Client,
}

/// A request before its signature.
pub(crate) struct Call<'a> {
    pub(crate) service: &'static str,
    pub(crate) method: Method,
    /// With its slash, and encoded.
    pub(crate) path: &'a str,
    pub(crate) headers: Vec<(&'static str, &'a str)>,
    pub(crate) body: String,
}

/// A refusal: the service's code for it and its words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refused {
    pub(crate) code: String,
    pub(crate) message: String,
}

impl Api<'_> {
    /// The JSON protocol: one path, the operation in a header.
    pub(super) async fn json(
        &self,
        service: &'static str,
        target: &str,
        body: &Value,
    ) -> Probe<Value> {
        let call = Call {
            service,
            method: Method::POST,
            path: "/",
            headers: vec![
                ("content-type", "application/x-amz-json-1.1"),
                ("x-amz-target", target),
            ],
            body: body.to_string(),
        };
        self.accepted(call).await.map(|text| json(&text))
    }

    /// The REST protocol without a body.
    pub(super) async fn get(&self, service: &'static str, path: &str) -> Probe<Value> {
        let call = Call {
            service,
            method: Method::GET,
            path,
            headers: Vec::new(),
            body: String::new(),
        };
        self.accepted(call).await.map(|text| json(&text))
    }

    /// The REST protocol with a JSON body.
    pub(super) async fn post(
        &self,
        service: &'static str,
        path: &str,
        body: &Value,
    ) -> Probe<Value> {
        let headers = vec![("content-type", "application/json")];
        let call = Call {
            service,
            method: Method::POST,
            path,
            headers,
            body: body.to_string(),
        };
        self.accepted(call).await.map(|text| json(&text))
    }

    /// The query protocol: a form in, XML out.
    pub(super) async fn query(
        &self,
        service: &'static str,
        form: &[(&str, &str)],
    ) -> Probe<Result<String, Refused>> {
        let body = url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs(form)
            .finish();
        let headers = vec![("content-type", "application/x-www-form-urlencoded")];
        self.send(Call {
            service,
            method: Method::POST,
            path: "/",
            headers,
            body,
        })
        .await
    }

    async fn accepted(&self, call: Call<'_>) -> Probe<String> {
        let service = call.service;
        self.send(call)
            .await?
            .map_err(|refused| refused.skip(service))
    }

    async fn send(&self, call: Call<'_>) -> Probe<Result<String, Refused>> {
        let service = call.service;
        let silent = |error: reqwest::Error| {
            Skip::because(format!(
                "{service} does not answer: {}",
                chain(&error.without_url())
            ))
        };
        let response = self.signed(call).await?.send().await.map_err(silent)?;
        let status = response.status();
        let text = response.text().await.map_err(silent)?;
        Ok(if status.is_success() {
            Ok(text)
        } else {
            Err(refusal(status.as_u16(), &text))
        })
    }

    /// A request with its signature.
    pub(crate) async fn signed(&self, call: Call<'_>) -> Probe<reqwest::RequestBuilder> {
        let service = call.service;
        let (endpoint, region) = self.place(service)?;
        let url = format!("{endpoint}{}", call.path);
        let signed = sign_call(
            &call,
            &url,
            &region,
            self.credentials().await?,
            SystemTime::now(),
        )
        .map_err(|problem| {
            Skip::because(format!("a call of {service} cannot be signed: {problem}"))
        })?;
        let mut request = self.http.request(call.method, url).body(call.body);
        for (name, value) in call.headers {
            request = request.header(name, value);
        }
        for (name, value) in signed {
            request = request.header(name, value);
        }
        Ok(request)
    }

    /// Endpoint and region of a service. `AWS_ENDPOINT_URL_<SERVICE>` and `AWS_ENDPOINT_URL` lead elsewhere, as they do
    /// for the SDKs. IAM has one place for all regions of a partition.
    fn place(&self, service: &str) -> Probe<(String, String)> {
        let region = self.sdk.region().map(|region| region.as_ref().to_owned());
        let region = region.filter(|region| !region.is_empty());
        let region = region.ok_or_else(|| Skip::needs("AWS_REGION"))?;
        let name = match service {
            "logs" => "CLOUDWATCH_LOGS".to_owned(),
            other => other.to_uppercase(),
        };
        let own = std::env::var(format!("AWS_ENDPOINT_URL_{name}")).ok();
        let given = own.or_else(|| self.sdk.endpoint_url().map(str::to_owned));
        Ok(match given.filter(|url| !url.is_empty()) {
            Some(url) => (url.trim_end_matches('/').to_owned(), region),
            None => usual_place(service, &region),
        })
    }

    async fn credentials(&self) -> Probe<Credentials> {
        let provider = self.sdk.credentials_provider();
        let provider = provider.ok_or_else(|| Skip::needs("AWS's credentials"))?;
        let found = provider.provide_credentials().await;
        found.map_err(|error| {
            Skip::because(format!("there are no AWS credentials: {}", chain(&error)))
        })
    }
}

impl Refused {
    pub(super) fn skip(&self, service: &str) -> Skip {
        Skip::because(format!("{service} refuses: {} {}", self.code, self.message))
    }
}

fn usual_place(service: &str, region: &str) -> (String, String) {
    let (suffix, first) = match region {
        china if china.starts_with("cn-") => ("amazonaws.com.cn", "cn-north-1"),
        government if government.starts_with("us-gov-") => ("amazonaws.com", "us-gov-west-1"),
        _ => ("amazonaws.com", "us-east-1"),
    };
    match (service, first) {
        ("iam", "us-east-1") => (format!("https://iam.{suffix}"), first.to_owned()),
        ("iam", "us-gov-west-1") => (format!("https://iam.us-gov.{suffix}"), first.to_owned()),
        ("iam", _) => (format!("https://iam.{first}.{suffix}"), first.to_owned()),
        _ => (
            format!("https://{service}.{region}.{suffix}"),
            region.to_owned(),
        ),
    }
}

/// The headers that make a call ours.
fn sign_call(
    call: &Call<'_>,
    url: &str,
    region: &str,
    credentials: Credentials,
    time: SystemTime,
) -> Result<Vec<(String, String)>, String> {
    let signature = Signature {
        credentials,
        service: call.service,
        region,
        time,
    };
    signature.headers(
        url,
        signed::Call {
            method: &call.method,
            path: call.path,
            headers: &call.headers,
            body: call.body.as_bytes(),
        },
    )
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_default()
}

/// The services tell code and message in XML or in JSON, each by names of its own.
pub(crate) fn refusal(status: u16, text: &str) -> Refused {
    let object = json(text);
    let told = |names: [&str; 3]| {
        let in_json = names.iter().find_map(|name| object.get(name)?.as_str());
        in_json
            .map(str::to_owned)
            .or_else(|| names.iter().find_map(|name| first_text(text, name)))
    };
    let code = told(["__type", "Code", "code"]).unwrap_or_else(|| format!("status {status}"));
    let code = code.rsplit('#').next().unwrap_or_default().to_owned();
    let message = told(["message", "Message", "errorMessage"]).unwrap_or_default();
    Refused {
        code,
        message: message.chars().take(200).collect(),
    }
}

/// The text of the first element of this name.
pub(super) fn first_text(xml: &str, name: &str) -> Option<String> {
    let document = roxmltree::Document::parse(xml).ok()?;
    let node = document
        .descendants()
        .find(|node| node.tag_name().name() == name)?;
    Some(node.text().unwrap_or_default().to_owned())
}

/// The texts of all elements of this name, in order.
pub(super) fn all_texts(xml: &str, name: &str) -> Vec<String> {
    let Ok(document) = roxmltree::Document::parse(xml) else {
        return Vec::new();
    };
    let nodes = document
        .descendants()
        .filter(|node| node.tag_name().name() == name);
    nodes
        .map(|node| node.text().unwrap_or_default().to_owned())
        .collect()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    /// `get-vanilla` of AWS's signing test suite, which signs for the service `service`.
    #[test]
    fn signature_is_that_of_aws_own_suite() {
        let call = Call {
            service: "service",
            method: Method::GET,
            path: "/",
            headers: Vec::new(),
            body: String::new(),
        };
        let credentials = Credentials::new(
            "AKIDEXAMPLE",
            "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
            None,
            None,
            "test",
        );
        // 20150830T123600Z
        let time = SystemTime::UNIX_EPOCH + Duration::from_secs(1_440_938_160);
        let headers = sign_call(
            &call,
            "https://example.amazonaws.com/",
            "us-east-1",
            credentials,
            time,
        )
        .unwrap();
        let found = headers.iter().find(|(name, _)| name == "authorization");
        let expected = "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31";
        assert!(
            found.unwrap().1.ends_with(&format!("Signature={expected}")),
            "{headers:?}"
        );
    }

    #[test]
    fn services_are_called_where_the_region_has_them() {
        for (service, region, host, signed_for) in [
            (
                "lambda",
                "eu-central-1",
                "https://lambda.eu-central-1.amazonaws.com",
                "eu-central-1",
            ),
            (
                "logs",
                "cn-north-1",
                "https://logs.cn-north-1.amazonaws.com.cn",
                "cn-north-1",
            ),
            (
                "iam",
                "eu-central-1",
                "https://iam.amazonaws.com",
                "us-east-1",
            ),
            (
                "iam",
                "cn-northwest-1",
                "https://iam.cn-north-1.amazonaws.com.cn",
                "cn-north-1",
            ),
            (
                "iam",
                "us-gov-east-1",
                "https://iam.us-gov.amazonaws.com",
                "us-gov-west-1",
            ),
        ] {
            assert_eq!(
                usual_place(service, region),
                (host.to_owned(), signed_for.to_owned())
            );
        }
    }

    #[test]
    fn refusals_are_read_from_xml_and_json() {
        let refused = |code: &str, message: &str| Refused {
            code: code.to_owned(),
            message: message.to_owned(),
        };
        let xml = r#"<ErrorResponse xmlns="http://x/"><Error><Code>NotFound</Code><Message>no &lt;topic&gt;</Message></Error></ErrorResponse>"#;
        assert_eq!(refusal(404, xml), refused("NotFound", "no <topic>"));
        let json = r#"{"__type":"com.amazonaws.logs#AccessDeniedException","message":"no"}"#;
        assert_eq!(refusal(400, json), refused("AccessDeniedException", "no"));
        assert_eq!(refusal(503, "<html>"), refused("status 503", ""));
        assert_eq!(all_texts("<a><b>1</b><c><b>2</b></c></a>", "b"), ["1", "2"]);
    }
}
