//! Verifies users' access tokens: by the project's published keys, or by its legacy secret.

mod claims;
mod error;
mod published_keys;
mod token;
mod verifier;

pub use self::error::TokenError;
pub use self::token::ApiCaller;
pub use self::verifier::TokenVerifier;
