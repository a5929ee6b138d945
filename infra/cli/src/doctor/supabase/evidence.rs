//! Evidence about the project (plain data).

use super::super::http::{ProbeAnswer, ProbeSilence};
use super::super::verdict::{ProbeResult, SkipReason};
use super::api::UserCensus;
use super::catalog::DatabaseCatalog;
use crate::configuration::{SUPABASE_PUBLISHABLE_KEY, SUPABASE_SECRET_KEY};

/// Evidence about the project.
#[derive(Debug)]
pub struct SupabaseEvidence {
    /// The project's address.
    pub url: ProbeResult<String>,
    /// One call without a key.
    pub reach: ProbeResult<Result<ProbeAnswer, ProbeSilence>>,
    /// The secret key and the answer to a call with it.
    pub secret: KeyEvidence,
    /// The publishable key and the answer to a call with it.
    pub publishable: KeyEvidence,
    /// The function that tells how the mirror stands.
    pub health: ProbeResult<ProbeAnswer>,
    /// The published keys that verify tokens.
    pub key_set: ProbeResult<ProbeAnswer>,
    /// True when the legacy secret is configured.
    pub has_jwt_secret: bool,
    /// The users, as far as administrators matter.
    pub users: ProbeResult<UserCensus>,
    /// The database's own word.
    pub catalog: ProbeResult<DatabaseCatalog>,
}

/// An API key's form, and the project's answer to it.
#[derive(Debug)]
pub struct KeyEvidence {
    /// The setting that holds it.
    pub name: &'static str,
    /// Its kind by its form; an error is the reason why it is none.
    pub form: ProbeResult<Result<KeyForm, String>>,
    /// The answer to a call with it.
    pub answer: ProbeResult<ProbeAnswer>,
}

/// The use of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyForm {
    /// For the workers.
    Secret,
    /// For everybody.
    Publishable,
}

impl SupabaseEvidence {
    /// Of a project that nobody asked.
    pub(in super::super) fn without(skip: &SkipReason) -> Self {
        let key = |name| KeyEvidence {
            name,
            form: Err(skip.clone()),
            answer: Err(skip.clone()),
        };
        Self {
            url: Err(skip.clone()),
            reach: Err(skip.clone()),
            secret: key(SUPABASE_SECRET_KEY),
            publishable: key(SUPABASE_PUBLISHABLE_KEY),
            health: Err(skip.clone()),
            key_set: Err(skip.clone()),
            has_jwt_secret: false,
            users: Err(skip.clone()),
            catalog: Err(skip.clone()),
        }
    }
}
