//! Cloudinary: credentials, signatures, wire types and the client.
//!
//! [`credentials`], [`signature`], [`delivery`], [`resource`], [`clock`], [`escape`] and [`trigger_plan`]
//! are pure; the client is the only module here that talks to the network.

pub mod admin;
mod algorithm;
mod call;
pub mod client;
pub mod clock;
pub mod credentials;
pub mod delivery;
pub mod error;
pub mod escape;
pub mod resource;
pub mod search;
pub mod signature;
pub mod trigger_plan;
pub mod triggers;
pub mod upload;

pub use admin::{ListPage, ListingPage, ResourceUpdate};
pub use client::{CloudinaryAnswer, CloudinaryClient, QuotaReading};
pub use credentials::{ApiCredentials, CredentialsError};
pub use error::{CloudinaryError, RefusalKind, RefusedCall};
pub use resource::CloudinaryResource;
pub use search::{SearchPage, SearchQuery, SortOrder};
pub use upload::DestroyOutcome;
