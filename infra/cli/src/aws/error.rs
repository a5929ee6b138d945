//! Errors of AWS's services as failures with their mends.

use std::error::Error;

use aws_sdk_sts::error::{ProvideErrorMetadata, SdkError};

use crate::exit::Exit;
use crate::failure::{Failure, chain};

/// The account's own refusals, of any call.
const UNKNOWN_CALLER: [&str; 7] = [
    "AuthFailure",
    "ExpiredToken",
    "ExpiredTokenException",
    "IncompleteSignature",
    "InvalidClientTokenId",
    "SignatureDoesNotMatch",
    "UnrecognizedClientException",
];

/// The failure of a call; AWS's own words hold no secret.
pub(crate) fn failure<E, R>(doing: &str, error: &SdkError<E, R>) -> Failure
where
    E: ProvideErrorMetadata + Error + 'static,
    R: std::fmt::Debug,
{
    match error {
        SdkError::ServiceError(_) => refused(
            doing,
            error.code().unwrap_or("Unknown"),
            error.message().unwrap_or_default(),
        ),
        _ => unanswered(doing, &chain(error)),
    }
}

/// A refusal, by its code.
pub(crate) fn refused(doing: &str, code: &str, message: &str) -> Failure {
    let said = if message.is_empty() { code } else { message };
    let failure = |exit| {
        Failure::new(exit, format!("{doing} failed: {said}")).detail("code", Some(code.to_owned()))
    };
    if UNKNOWN_CALLER.contains(&code) {
        return failure(Exit::NotAllowed)
            .mend("AWS does not take the credentials: sign in again, or name others (AWS_PROFILE, --profile)");
    }
    if code.contains("AccessDenied") || code.starts_with("Unauthorized") || code == "Forbidden" {
        return failure(Exit::NotAllowed)
            .mend("give the identity this right (infra/deployer-policy.json lists those that are needed), or take another profile");
    }
    let passes = [
        "Throttl",
        "TooManyRequests",
        "RequestLimitExceeded",
        "ServiceUnavailable",
        "InternalFailure",
        "SlowDown",
    ];
    if passes.iter().any(|word| code.contains(word)) {
        return failure(Exit::TryAgain).mend("run this again in a minute");
    }
    failure(Exit::Failed)
}

/// No answer: the credentials are looked for first, then the host.
pub(crate) fn unanswered(doing: &str, causes: &str) -> Failure {
    let lower = causes.to_lowercase();
    if lower.contains("credential") || lower.contains("requires a feature") || lower.contains("sso")
    {
        return Failure::new(Exit::NotAllowed, format!("{doing} failed: there are no AWS credentials"))
            .detail("cause", Some(causes))
            .mend(
                "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or name a profile (--profile); of a profile with \
                 single sign-on: eval \"$(aws configure export-credentials --profile NAME --format env)\"",
            );
    }
    Failure::new(
        Exit::TryAgain,
        format!("{doing} failed: AWS does not answer"),
    )
    .detail("cause", Some(causes))
    .mend(
        "check the network and the name of the region (AWS_REGION, --region), then run this again",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_tell_rights_from_credentials_and_from_what_passes() {
        for (code, exit) in [
            ("InvalidClientTokenId", Exit::NotAllowed),
            ("ExpiredTokenException", Exit::NotAllowed),
            ("AccessDenied", Exit::NotAllowed),
            ("AccessDeniedException", Exit::NotAllowed),
            ("ThrottlingException", Exit::TryAgain),
            ("ValidationError", Exit::Failed),
        ] {
            let failure = refused("asking", code, "words");
            assert_eq!(failure.exit, exit, "{code}");
            assert!(failure.message.contains("words"));
        }
        assert_eq!(
            refused("asking", "AccessDenied", "").message,
            "asking failed: AccessDenied"
        );
    }

    #[test]
    fn silence_tells_missing_credentials_from_a_missing_host() {
        let none = unanswered(
            "asking",
            "dispatch failure: the credential provider was not enabled",
        );
        assert_eq!(none.exit, Exit::NotAllowed);
        let silent = unanswered(
            "asking",
            "dispatch failure: io error: dns error: no such name",
        );
        assert_eq!(silent.exit, Exit::TryAgain);
        assert!(silent.mend.unwrap().contains("AWS_REGION"));
    }
}
