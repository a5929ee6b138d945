//! Evidence about the project (plain data).

use super::super::http::{Answer, Silence};
use super::super::verdict::{Probe, Skip};
use super::api::Census;
use super::catalog::Catalog;
use crate::configuration::{SUPABASE_PUBLISHABLE_KEY, SUPABASE_SECRET_KEY};

/// Evidence about the project.
#[derive(Debug)]
pub struct SupabaseEvidence {
    /// The project's address.
    pub url: Probe<String>,
    /// One call without a key.
    pub reach: Probe<Result<Answer, Silence>>,
    /// The secret key and the answer to a call with it.
    pub secret: Key,
    /// The publishable key and the answer to a call with it.
    pub publishable: Key,
    /// The function that tells how the mirror stands.
    pub health: Probe<Answer>,
    /// The published keys that verify tokens.
    pub key_set: Probe<Answer>,
    /// True when the legacy secret is configured.
    pub has_jwt_secret: bool,
    /// The users, as far as administrators matter.
    pub users: Probe<Census>,
    /// The database's own word.
    pub catalog: Probe<Catalog>,
}

/// An API key's form, and the project's answer to it.
#[derive(Debug)]
pub struct Key {
    /// The setting that holds it.
    pub name: &'static str,
    /// Its kind by its form; an error is the reason why it is none.
    pub form: Probe<Result<Form, String>>,
    /// The answer to a call with it.
    pub answer: Probe<Answer>,
}

/// The use of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// For the workers.
    Secret,
    /// For everybody.
    Publishable,
}

impl SupabaseEvidence {
    /// Of a project that nobody asked.
    pub(in super::super) fn without(skip: &Skip) -> Self {
        let key = |name| Key {
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
