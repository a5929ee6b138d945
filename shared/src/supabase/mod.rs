//! Supabase: keys, tokens and PostgREST.

mod built_query;
mod error;
pub mod jwt;
pub mod keys;
pub mod transport;

pub use error::SupabaseError;
pub use keys::ApiKey;
pub use transport::{DataApi, DataReply};
