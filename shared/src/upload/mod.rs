//! Rules for uploads: content, sender, name and signature (pure).

pub mod active;
mod bounds;
pub mod content;
mod encoding;
pub mod format;
mod host_rule;
mod kind;
pub mod name;
pub mod passive;
pub mod proof;
mod public_address;
mod recognition;
pub mod refusal;
pub mod remote;
pub mod rules;
pub mod signing;

pub use bounds::UploadBounds;
pub use kind::UploadKind;
pub use name::{ChosenName, NamingWishes};
pub use proof::UploadProof;
pub use refusal::UploadRefusal;
pub use rules::{UploadRules, Uploader};
