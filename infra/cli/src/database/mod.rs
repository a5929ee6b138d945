//! The way to a project's database: its address, TLS, the connection, and the mend when it fails.

pub mod address;
pub mod connect;
pub mod diagnosis;
mod tls;

pub use address::{AddressError, DatabaseAddress, DatabasePlace, SslMode};
pub use connect::connect;
