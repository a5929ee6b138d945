//! Endpoints of services, and the regions that calls are signed for.

use aws_config::SdkConfig;

/// Endpoint and region of a service. `AWS_ENDPOINT_URL_<SERVICE>` and `AWS_ENDPOINT_URL` lead elsewhere, as they do for
/// the SDKs.
pub(super) fn find(sdk: &SdkConfig, service: &str, region: &str) -> (String, String) {
    let own = std::env::var(format!("AWS_ENDPOINT_URL_{}", variable(service))).ok();
    let given = own.or_else(|| sdk.endpoint_url().map(str::to_owned));
    match given.filter(|url| !url.is_empty()) {
        Some(url) => (url.trim_end_matches('/').to_owned(), region.to_owned()),
        None => usual(service, region),
    }
}

/// The service's id as the SDKs write it.
fn variable(service: &str) -> String {
    match service {
        "logs" => "CLOUDWATCH_LOGS".to_owned(),
        "secretsmanager" => "SECRETS_MANAGER".to_owned(),
        other => other.to_uppercase(),
    }
}

/// IAM has one place for all regions of a partition (pure).
fn usual(service: &str, region: &str) -> (String, String) {
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

#[cfg(test)]
mod tests {
    use super::*;

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
                usual(service, region),
                (host.to_owned(), signed_for.to_owned())
            );
        }
    }

    #[test]
    fn variables_have_the_sdks_names() {
        for (service, expected) in [
            ("s3", "S3"),
            ("lambda", "LAMBDA"),
            ("logs", "CLOUDWATCH_LOGS"),
            ("secretsmanager", "SECRETS_MANAGER"),
        ] {
            assert_eq!(variable(service), expected);
        }
    }
}
