//! HTTP answers, problems, authentication and typed requests.
//!
//! Functions build their answers here, so that every answer carries the same security headers and
//! every error the same shape.

pub mod auth;
pub mod body;
pub mod catalogue;
mod event;
mod media_filters;
pub mod media_request;
pub mod named_assets;
pub mod one_asset;
pub mod problem;
pub mod query;
pub mod reply;
pub mod respond;
mod word;

pub use event::mend_event;
pub use media_filters::{FILTER_PARAMETERS, MediaFilters, TagsMatch};
pub use media_request::{MediaRequests, RequestedChange};
pub use named_assets::{NamedAsset, NamedAssets};
pub use one_asset::{OneAsset, asset_of_path, names_one_asset};
pub use problem::Problem;
pub use query::QueryParameters;
pub use respond::{respond, respond_to_strangers};
pub use word::words_of;
