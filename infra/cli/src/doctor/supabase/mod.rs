//! The checks of a Supabase project: its API, Auth and database.

mod access;
pub(super) mod api;
mod catalog;
mod checks;
mod evidence;
mod gather;
mod schema;
mod timeouts;

pub use api::UserCensus;
pub use catalog::{DatabaseCatalog, RealtimeParts, read as read_catalog};
pub use checks::CHECKS;
pub use evidence::{KeyEvidence, KeyForm, SupabaseEvidence};
pub use gather::gather;
pub use schema::EXPECTED;

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::FindingGrade;
    use super::super::http::ProbeAnswer;
    use super::*;
    use crate::configuration::{SUPABASE_PUBLISHABLE_KEY, SUPABASE_SECRET_KEY};
    use crate::migrations;

    /// Of a project without a fault.
    pub(super) fn evidence() -> SupabaseEvidence {
        let answer = |body| Ok(ProbeAnswer { status: 200, body });
        let key = |name, form| KeyEvidence {
            name,
            form: Ok(Ok(form)),
            answer: answer(json!([])),
        };
        SupabaseEvidence {
            url: Ok("https://project.example".to_owned()),
            reach: Ok(Ok(ProbeAnswer {
                status: 401,
                body: json!({}),
            })),
            secret: key(SUPABASE_SECRET_KEY, KeyForm::Secret),
            publishable: key(SUPABASE_PUBLISHABLE_KEY, KeyForm::Publishable),
            health: answer(json!({"schema_version": media_sync::release::SCHEMA_VERSION})),
            key_set: answer(json!({"keys": [{}]})),
            has_jwt_secret: false,
            users: Ok(UserCensus {
                users: 1,
                administrators: 1,
                ..UserCensus::default()
            }),
            catalog: Ok(catalog()),
        }
    }

    fn catalog() -> DatabaseCatalog {
        let ours = migrations::embedded();
        DatabaseCatalog {
            ledger: ours
                .into_iter()
                .map(|migration| migration.version)
                .collect(),
            access: EXPECTED.lines().map(str::to_owned).collect(),
            realtime: RealtimeParts {
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
            assert_eq!(
                verdict.grade,
                FindingGrade::Ok,
                "{}: {verdict:?}",
                check.topic.id
            );
        }
    }
}
