//! Runs that did not succeed, as failures with their mends.

use super::RunDescription;
use crate::exit::Exit;
use crate::failure::Failure;

impl RunDescription {
    /// The failure that a run which has failed or was stopped is.
    pub(crate) fn failure(&self) -> Failure {
        let code = self.error_code.as_deref().unwrap_or("unknown");
        let message = self
            .error_message
            .as_deref()
            .unwrap_or("it does not say why");
        let failure = Failure::new(Exit::Failed, format!("the run did not succeed: {message}"))
            .detail("code", Some(code))
            .detail("run", Some(self.run_id.to_string()));
        match code {
            "mass_delete" | "empty_listing" => failure.mend(
                "mediasync sync --full --dry-run shows what is missing in Cloudinary; if that is right: \
                 mediasync sync --full --allow-mass-delete",
            ),
            "values_refused" => {
                failure.mend("change the assets that the message names in Cloudinary, and run it again")
            }
            _ => failure.mend("mediasync doctor; the log of the function reconcile has the whole error"),
        }
    }
}
