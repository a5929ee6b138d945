//! The checks of a Supabase project: its API, Auth and database.

mod access;
pub(super) mod api;
mod catalog;
mod checks;
mod evidence;
mod gather;
mod schema;
mod timeouts;

pub use api::Census;
pub use catalog::{Catalog, Realtime, read as read_catalog};
pub use checks::CHECKS;
pub use evidence::{Form, Key, SupabaseEvidence};
pub use gather::gather;
pub use schema::EXPECTED;

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::Grade;
    use super::super::http::Answer;
    use super::*;
    use crate::configuration::{SUPABASE_PUBLISHABLE_KEY, SUPABASE_SECRET_KEY};
    use crate::migrations;

    /// Of a project without a fault.
    pub(super) fn evidence() -> SupabaseEvidence {
        let answer = |body| Ok(Answer { status: 200, body });
        let key = |name, form| Key {
            name,
            form: Ok(Ok(form)),
            answer: answer(json!([])),
        };
        SupabaseEvidence {
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
        let evidence = evidence();
        for check in CHECKS {
            let verdict = (check.judgement)(&evidence).unwrap();
            assert_eq!(verdict.grade, Grade::Ok, "{}: {verdict:?}", check.topic.id);
        }
    }
}
