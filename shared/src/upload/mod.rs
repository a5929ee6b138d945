//! What may be uploaded, by whom, under which name, and how it is signed (pure).

pub mod content;
pub mod format;
mod host_rule;
pub mod name;
mod public_address;
pub mod refusal;
pub mod remote;
pub mod rules;
pub mod signing;

pub use name::{Named, Naming};
pub use refusal::UploadRefusal;
pub use rules::{UploadRules, Uploader};
