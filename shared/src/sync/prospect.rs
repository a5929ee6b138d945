//! Tells which failures of a message pass by themselves (pure).

use std::sync::Arc;

use crate::cloudinary::CloudinaryError;
use crate::queue::{FailureProspect, MessageFailure};
use crate::supabase::SupabaseError;

impl MessageFailure for Arc<SupabaseError> {
    fn prospect(&self) -> FailureProspect {
        if self.is_transient() {
            FailureProspect::Passing(self.retry_after().unwrap_or_default())
        } else {
            FailureProspect::Counted
        }
    }
}

impl MessageFailure for Arc<CloudinaryError> {
    /// A key that is not let in is no message's fault.
    fn prospect(&self) -> FailureProspect {
        if self.is_transient() || self.is_about_credentials() {
            FailureProspect::Passing(self.retry_after().unwrap_or_default())
        } else {
            FailureProspect::Counted
        }
    }
}
