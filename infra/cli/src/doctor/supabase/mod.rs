//! The checks of a Supabase project: its API, Auth and database.

mod access;
pub(super) mod api;
mod catalog;
mod schema;
mod timeouts;

use super::http::{Answer, Silence};
use super::registry::{Check, Group};
use super::{Probe, Skip, Sources, limited};
use crate::configuration::{
    SUPABASE_JWT_SECRET, SUPABASE_PUBLISHABLE_KEY, SUPABASE_SECRET_KEY, SUPABASE_URL, Values,
};
use crate::output::Output;

pub use api::Census;
pub use catalog::{Catalog, Realtime, read as read_catalog};
pub use schema::EXPECTED;

/// In the order of the report: a fault explains those below it.
pub const CHECKS: &[Check] = &[
    Check {
        id: "sb-paused",
        group: Group::Supabase,
        title: "project paused, deleted, or at another address",
        why: "Without the project there is no list, no edit and no record of Cloudinary's changes.",
        reads: "one call without a key",
        judgement: |evidence| access::paused(&evidence.supabase),
    },
    Check {
        id: "sb-keys",
        group: Group::Supabase,
        title: "wrong keys, swapped keys, legacy keys switched off",
        why: "Every call of the functions is refused, or users' calls bypass row level security.",
        reads: "the keys' forms, one call with each",
        judgement: |evidence| access::keys(&evidence.supabase),
    },
    Check {
        id: "sb-migrations",
        group: Group::Supabase,
        title: "migrations missing, newer than this command, or unknown to the Data API",
        why: "The functions call SQL functions that the database lacks.",
        reads: "`media_sync.schema_versions`, or without `DATABASE_URL` the function `media_sync_health`",
        judgement: |evidence| schema::migrations(&evidence.supabase),
    },
    Check {
        id: "sb-grants",
        group: Group::Supabase,
        title: "a table or function lost its grants, or has more than it should",
        why: "A lost grant stops callers or workers; an additional one opens closed data.",
        reads: "the catalog, beside the grants of a new installation",
        judgement: |evidence| schema::grants(&evidence.supabase),
    },
    Check {
        id: "sb-rls",
        group: Group::Supabase,
        title: "row level security is off, or a policy is missing",
        why: "Without it users read and change rows of others; without a policy they see none.",
        reads: "the catalog, beside the policies of a new installation",
        judgement: |evidence| schema::row_level_security(&evidence.supabase),
    },
    Check {
        id: "sb-realtime",
        group: Group::Supabase,
        title: "publication, triggers or policy of live updates missing",
        why: "Changes arrive, and open pages do not hear of them.",
        reads: "the catalog",
        judgement: |evidence| schema::realtime(&evidence.supabase),
    },
    Check {
        id: "sb-jwt",
        group: Group::Supabase,
        title: "tokens that nobody can verify, or a leftover secret",
        why: "Without the right key every user is refused. A leftover secret still lets its holder sign tokens.",
        reads: "the project's published keys, and whether `SUPABASE_JWT_SECRET` is set",
        judgement: |evidence| access::tokens(&evidence.supabase),
    },
    Check {
        id: "sb-admin",
        group: Group::Supabase,
        title: "nobody is an administrator, or the role stands in user_metadata",
        why: "Nobody can start a run, read the trail or restore other users' assets.",
        reads: "the users, through Auth's admin API",
        judgement: |evidence| access::administrators(&evidence.supabase),
    },
    Check {
        id: "sb-timeouts",
        group: Group::Supabase,
        title: "a role's statement timeout is lower than needed",
        why: "Each write of a large library's page is cut off.",
        reads: "`pg_roles.rolconfig`",
        judgement: |evidence| timeouts::timeouts(&evidence.supabase),
    },
];

/// Evidence about the project.
#[derive(Debug)]
pub struct Evidence {
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

impl Evidence {
    /// Asks the project and its database, all at once.
    pub async fn gather(sources: &Sources<'_>, output: &Output) -> Self {
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
        Self {
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

    /// Of a project that nobody asked.
    pub(super) fn without(skip: &Skip) -> Self {
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

fn key(settings: &Values, name: &'static str, answer: Probe<Answer>) -> Key {
    let text = settings.get(name).ok_or_else(|| Skip::needs(name));
    Key {
        name,
        form: text.map(access::form),
        answer,
    }
}

/// The setting's value, or the skip that asks for it.
fn needed<'a>(settings: &'a Values, name: &str) -> Probe<&'a str> {
    settings.get(name).ok_or_else(|| Skip::needs(name))
}

fn address(settings: &Values) -> Probe<&str> {
    needed(settings, SUPABASE_URL)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::migrations;

    /// Of a project without a fault.
    pub(super) fn evidence() -> Evidence {
        let answer = |body| Ok(Answer { status: 200, body });
        let key = |name, form| Key {
            name,
            form: Ok(Ok(form)),
            answer: answer(json!([])),
        };
        Evidence {
            url: Ok("https://project.example".to_owned()),
            reach: Ok(Ok(Answer {
                status: 401,
                body: json!({}),
            })),
            secret: key(SUPABASE_SECRET_KEY, Form::Secret),
            publishable: key(SUPABASE_PUBLISHABLE_KEY, Form::Publishable),
            health: answer(json!({"schema_version": media_sync::release::SCHEMA_VERSION})),
            key_set: answer(json!({"keys": [{}]})),
            has_jwt_secret: false,
            users: Ok(Census {
                users: 1,
                administrators: 1,
                ..Census::default()
            }),
            catalog: Ok(catalog()),
        }
    }

    fn catalog() -> Catalog {
        let ours = migrations::embedded();
        Catalog {
            ledger: ours
                .into_iter()
                .map(|migration| migration.version)
                .collect(),
            access: EXPECTED.lines().map(str::to_owned).collect(),
            realtime: Realtime {
                offered: true,
                policy: true,
                publication: true,
                published: true,
                triggers: schema::TRIGGERS.map(str::to_owned).to_vec(),
            },
            timeouts: [("authenticator", "8s"), ("authenticated", "8s")]
                .map(|(role, timeout)| (role.to_owned(), timeout.to_owned()))
                .into(),
        }
    }

    #[test]
    fn project_without_a_fault_passes_every_check() {
        let evidence = super::super::Evidence {
            aws: super::super::aws::Evidence::without(&Skip::needs("x")),
            supabase: evidence(),
            cloudinary: super::super::cloudinary::Evidence::without(&Skip::needs("x")),
            path: super::super::path::Evidence::without(&Skip::needs("x")),
        };
        for check in CHECKS {
            let verdict = (check.judgement)(&evidence).unwrap();
            assert_eq!(
                verdict.grade,
                super::super::Grade::Ok,
                "{}: {verdict:?}",
                check.id
            );
        }
    }
}
