//! Failures of the services that commands call, as they are shown.

use std::error::Error;

use aws_sdk_sqs::error::{ProvideErrorMetadata, SdkError};
use media_sync::cloudinary::{CloudinaryError, Refusal};
use media_sync::supabase::SupabaseError;

use crate::exit::Exit;
use crate::failure::{Failure, chain};

impl From<CloudinaryError> for Failure {
    fn from(error: CloudinaryError) -> Self {
        let failure = |exit| Self::new(exit, chain(&error));
        match error.refusal() {
            Some(Refusal::Unauthorized) => failure(Exit::NotAllowed).mend(
                "check CLOUDINARY_URL: copy it from Cloudinary's console, Settings, API Keys",
            ),
            Some(Refusal::Forbidden) => failure(Exit::NotAllowed)
                .mend("give the API key of CLOUDINARY_URL this permission, or take another key"),
            _ if error.is_transient() => failure(Exit::TryAgain),
            _ => failure(Exit::Failed),
        }
    }
}

impl From<SupabaseError> for Failure {
    fn from(error: SupabaseError) -> Self {
        let failure = |exit| Self::new(exit, chain(&error));
        match error.status() {
            Some(401 | 403) => failure(Exit::NotAllowed).mend(SECRET_KEY_MEND),
            Some(404) => failure(Exit::Failed).mend(
                "check SUPABASE_URL, and that the database has every migration: mediasync migrate",
            ),
            _ if error.is_transient() => failure(Exit::TryAgain),
            _ => failure(Exit::Failed),
        }
    }
}

/// A call of AWS's that failed. The services' own words hold no secret.
pub(crate) fn aws_failure<E, R>(doing: &str, error: &SdkError<E, R>) -> Failure
where
    E: ProvideErrorMetadata + Error + 'static,
{
    match error {
        SdkError::TimeoutError(_) | SdkError::DispatchFailure(_) => Failure::new(
            Exit::TryAgain,
            format!("could not {doing}: AWS did not answer, or there are no credentials for it"),
        ),
        _ => refused_by_aws(
            doing,
            error.code().unwrap_or("nothing that can be read"),
            error.message().unwrap_or_default(),
        ),
    }
}

/// A refusal of AWS's by its code.
pub(crate) fn refused_by_aws(doing: &str, code: &str, message: &str) -> Failure {
    let text = format!("could not {doing}: AWS answered {code} {message}");
    let failure = |exit| Failure::new(exit, text.trim_end());
    if is_denied(code) {
        return failure(Exit::NotAllowed).mend(
            "let the role or user of AWS's credentials do that; docs/operate lists the permissions",
        );
    }
    match PASSING.iter().any(|word| code.contains(word)) {
        true => failure(Exit::TryAgain),
        false => failure(Exit::Failed),
    }
}

/// Parts of the codes of faults that pass by themselves.
const PASSING: [&str; 6] = [
    "status 5",
    "Throttl",
    "TooManyRequests",
    "ServiceException",
    "InternalFailure",
    "ServiceUnavailable",
];

fn is_denied(code: &str) -> bool {
    let denied = ["AccessDenied", "ExpiredToken", "InvalidClientTokenId"];
    denied.iter().any(|word| code.contains(word))
}

pub(crate) const SECRET_KEY_MEND: &str =
    "SUPABASE_SECRET_KEY has to be this project's secret key: dashboard, Settings, API Keys";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_of_aws_pass_stay_or_need_a_permission() {
        for (code, exit) in [
            ("AccessDeniedException", Exit::NotAllowed),
            ("ExpiredTokenException", Exit::NotAllowed),
            ("TooManyRequestsException", Exit::TryAgain),
            ("ThrottlingException", Exit::TryAgain),
            ("ServiceException", Exit::TryAgain),
            ("status 503", Exit::TryAgain),
            ("ResourceNotFoundException", Exit::Failed),
            ("AWS.SimpleQueueService.NonExistentQueue", Exit::Failed),
        ] {
            let failure = refused_by_aws("do it", code, "because");
            assert_eq!(failure.exit, exit, "{code}");
            let expected = format!("could not do it: AWS answered {code} because");
            assert_eq!(failure.message, expected);
        }
    }
}
