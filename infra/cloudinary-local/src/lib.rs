//! A local stand-in for Cloudinary: Upload, Admin and Search API, delivery and webhooks, durable in
//! one directory, with a control plane for tests.
//!
//! ```no_run
//! # async fn run() -> Result<(), cloudinary_local::StartError> {
//! let server = cloudinary_local::Server::start(cloudinary_local::ServerConfig::local("data")).await?;
//! let cloudinary_url = server.cloudinary_url();
//! # Ok(()) }
//! ```

mod account;
mod admin;
mod api;
mod app;
mod control;
mod cursor;
mod delivery;
mod error;
mod model;
mod moment;
mod notify;
mod params;
mod search;
mod server;
mod settings;
mod signature;
mod store;
mod template;
mod traffic;
mod view;

pub use server::{Server, ServerConfig, StartError};
pub use settings::{
    ContextChangedShape, DeletedKey, Envelope, ExplicitEmits, FolderMode, NotificationChaos,
    RestoreEmits, ServerSettings,
};
pub use signature::SigningAlgorithm;
pub use store::JournalError;
