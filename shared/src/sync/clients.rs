//! The clients of both sides.

use super::store::MirrorStore;
use crate::cloudinary::CloudinaryClient;
use crate::deadline::{Deadline, TO_HAND_ON, TO_WRITE};

/// Cloudinary and the database, as the flows call them.
#[derive(Clone, Debug)]
pub struct SyncClients {
    pub cloudinary: CloudinaryClient,
    pub store: MirrorStore,
}

impl SyncClients {
    /// The same, for one invocation: calls to Cloudinary end while there is time to write, and the
    /// writing ends while there is time to answer.
    #[must_use]
    pub fn until(&self, end: Deadline) -> Self {
        Self {
            cloudinary: self.cloudinary.until(end.earlier(TO_WRITE)),
            store: self.store.until(end.earlier(TO_HAND_ON)),
        }
    }
}
