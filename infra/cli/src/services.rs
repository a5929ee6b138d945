//! Failures of the services that commands call, as they are shown.

use media_sync::cloudinary::{CloudinaryError, RefusalKind};
use media_sync::supabase::{RefusalCause, SupabaseError};

use crate::exit::Exit;
use crate::failure::{Failure, chain};

impl From<CloudinaryError> for Failure {
    fn from(error: CloudinaryError) -> Self {
        let failure = |exit| Self::new(exit, chain(&error));
        match error.refusal() {
            Some(RefusalKind::Unauthorized) => failure(Exit::NotAllowed).mend(
                "check CLOUDINARY_URL: copy it from Cloudinary's console, Settings, API Keys",
            ),
            Some(RefusalKind::Forbidden) => failure(Exit::NotAllowed)
                .mend("give the API key of CLOUDINARY_URL this permission, or take another key"),
            _ if error.is_transient() => failure(Exit::TryAgain),
            _ => failure(Exit::Failed),
        }
    }
}

impl From<SupabaseError> for Failure {
    fn from(error: SupabaseError) -> Self {
        let failure = |exit| Self::new(exit, chain(&error));
        let is_outage = error.cause() == Some(RefusalCause::Outage);
        match error.status() {
            Some(401 | 403) if !is_outage => failure(Exit::NotAllowed).mend(SECRET_KEY_MEND),
            Some(404) => failure(Exit::Failed).mend(
                "check SUPABASE_URL, and that the database has every migration: mediasync migrate",
            ),
            _ if error.is_transient() => failure(Exit::TryAgain),
            _ => failure(Exit::Failed),
        }
    }
}

pub(crate) const SECRET_KEY_MEND: &str =
    "SUPABASE_SECRET_KEY has to be this project's secret key: dashboard, Settings, API Keys";
