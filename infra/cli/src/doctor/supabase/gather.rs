//! Gathers the evidence about the project.

use super::super::http::ProbeAnswer;
use super::super::{EvidenceSources, ProbeResult, SkipReason, limited};
use super::evidence::{KeyEvidence, SupabaseEvidence};
use super::{access, api, catalog};
use crate::configuration::{
    ConfigurationValues, SUPABASE_JWT_SECRET, SUPABASE_PUBLISHABLE_KEY, SUPABASE_SECRET_KEY,
};
use crate::output::Output;

/// Asks the project and its database, all at once.
pub async fn gather(sources: &EvidenceSources<'_>, output: &Output) -> SupabaseEvidence {
    let settings = sources.settings;
    let project = api::Project::new(settings, &sources.http);
    let ask = |name| api::ask_with_key(&project, name);
    let (reach, secret, publishable, health, key_set, users, catalog) = tokio::join!(
        api::reach(&project),
        limited("the Data API", ask(SUPABASE_SECRET_KEY)),
        limited("the Data API", ask(SUPABASE_PUBLISHABLE_KEY)),
        limited("the Data API", api::health(&project)),
        limited("Auth", api::key_set(&project)),
        limited("Auth", api::users(&project)),
        limited("the database", catalog::read(sources.database, output)),
    );
    SupabaseEvidence {
        url: project.url().map(str::to_owned),
        reach,
        secret: key(settings, SUPABASE_SECRET_KEY, secret),
        publishable: key(settings, SUPABASE_PUBLISHABLE_KEY, publishable),
        health,
        key_set,
        has_jwt_secret: settings.get(SUPABASE_JWT_SECRET).is_some(),
        users,
        catalog,
    }
}

fn key(
    settings: &ConfigurationValues,
    name: &'static str,
    answer: ProbeResult<ProbeAnswer>,
) -> KeyEvidence {
    let text = settings.get(name).ok_or_else(|| SkipReason::needs(name));
    KeyEvidence {
        name,
        form: text.map(access::form),
        answer,
    }
}
