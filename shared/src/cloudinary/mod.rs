//! Cloudinary: credentials, signatures, wire types and the client.
//!
//! [`credentials`], [`signature`], [`delivery`], [`download`], [`told_address`], [`resource`], [`clock`], [`escape`],
//! [`name_lists`] and [`trigger_plan`] are pure; the client is the only module here that talks to the network.

pub mod admin;
mod algorithm;
mod answer;
mod call;
pub mod client;
pub mod clock;
pub mod credentials;
pub mod delivery;
pub mod download;
pub mod error;
pub mod escape;
mod headers;
pub mod name_lists;
mod quota_reading;
pub mod resource;
pub mod search;
pub mod signature;
mod signed_form;
pub mod told_address;
pub mod trigger_plan;
pub mod triggers;
pub mod upload;

pub use admin::{ListPage, ListingPage, ResourceUpdate};
pub use answer::CloudinaryAnswer;
pub use client::CloudinaryClient;
pub use credentials::{ApiCredentials, CredentialsError};
pub use error::{CloudinaryError, RefusalKind, RefusedCall};
pub use quota_reading::QuotaReading;
pub use resource::CloudinaryResource;
pub use search::{SearchPage, SearchQuery, SortOrder};
pub use upload::DestroyOutcome;
