//! Signatures of calls (pure).

use std::time::SystemTime;

use aws_sdk_sts::config::Credentials;
use aws_sigv4::http_request::{
    PayloadChecksumKind, PercentEncodingMode, SignableBody, SignableRequest, SigningSettings,
    UriPathNormalizationMode, sign,
};
use aws_sigv4::sign::v4;

use super::call::Call;

/// The parts of a signature.
pub(super) struct Signature<'a> {
    pub(super) credentials: Credentials,
    pub(super) region: &'a str,
    pub(super) time: SystemTime,
}

impl Signature<'_> {
    /// The headers to add to a request.
    pub(super) fn headers(
        self,
        url: &str,
        call: Call<'_>,
    ) -> Result<Vec<(String, String)>, String> {
        let mut settings = SigningSettings::default();
        if call.service == "s3" {
            // S3 signs the path as it is sent, and the body's checksum with the headers.
            settings.percent_encoding_mode = PercentEncodingMode::Single;
            settings.payload_checksum_kind = PayloadChecksumKind::XAmzSha256;
            settings.uri_path_normalization_mode = UriPathNormalizationMode::Disabled;
        }
        let identity = self.credentials.into();
        let parameters = v4::SigningParams::builder()
            .identity(&identity)
            .region(self.region)
            .name(call.service)
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
    use std::time::Duration;

    use reqwest::Method;

    use super::*;

    fn authorization(call: Call<'_>, host: &str, secret: &str, key: &str, time: u64) -> String {
        let signature = Signature {
            credentials: Credentials::new(key, secret, None, None, "test"),
            region: "us-east-1",
            time: SystemTime::UNIX_EPOCH + Duration::from_secs(time),
        };
        let headers = signature
            .headers(&format!("https://{host}{}", call.path), call)
            .unwrap();
        let mut headers = headers.into_iter();
        headers.find(|(name, _)| name == "authorization").unwrap().1
    }

    /// The examples of "Signature Calculations for the Authorization Header" in S3's documentation.
    #[test]
    fn signatures_are_those_of_s3s_own_examples() {
        for (call, expected) in [
            (
                Call {
                    service: "s3",
                    path: "/test.txt",
                    headers: &[("range", "bytes=0-9")],
                    ..Call::default()
                },
                "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41",
            ),
            (
                Call {
                    service: "s3",
                    method: Method::PUT,
                    path: "/test%24file.text",
                    headers: &[
                        ("date", "Fri, 24 May 2013 00:00:00 GMT"),
                        ("x-amz-storage-class", "REDUCED_REDUNDANCY"),
                    ],
                    body: b"Welcome to Amazon S3.",
                    ..Call::default()
                },
                "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd",
            ),
        ] {
            let found = authorization(
                call,
                "examplebucket.s3.amazonaws.com",
                "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
                "AKIAIOSFODNN7EXAMPLE",
                // 20130524T000000Z
                1_369_353_600,
            );
            assert!(found.ends_with(&format!("Signature={expected}")), "{found}");
        }
    }

    /// `get-vanilla` of AWS's signing test suite, which signs for the service `service`.
    #[test]
    fn signature_is_that_of_aws_own_suite() {
        let call = Call {
            service: "service",
            path: "/",
            ..Call::default()
        };
        let found = authorization(
            call,
            "example.amazonaws.com",
            "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
            "AKIDEXAMPLE",
            // 20150830T123600Z
            1_440_938_160,
        );
        let expected = "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31";
        assert!(found.ends_with(&format!("Signature={expected}")), "{found}");
    }
}
