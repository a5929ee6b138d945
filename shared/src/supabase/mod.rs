//! Supabase: keys, tokens and PostgREST.

pub mod jwt;
pub mod keys;
pub mod transport;

pub use keys::ApiKey;
pub use transport::{DataApi, DataReply, SupabaseError};
