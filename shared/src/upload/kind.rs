//! The ways in which a file comes to Cloudinary (plain data).

use serde::{Deserialize, Serialize};

/// The sender of the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum UploadKind {
    /// The browser, with a signature.
    Signed,
    /// A function, which was given the file.
    File,
    /// Cloudinary fetches it from an address that a function gives it.
    Url,
}
