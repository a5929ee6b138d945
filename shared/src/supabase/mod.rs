//! Supabase: keys, tokens and PostgREST.

mod built_query;
mod error;
pub mod jwt;
pub mod keys;
mod refusal;
pub mod transport;

pub use error::SupabaseError;
pub use keys::ApiKey;
pub use refusal::RefusalCause;
pub use transport::{DataApi, DataReply};
