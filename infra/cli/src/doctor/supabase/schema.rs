//! Judges migrations, grants, row level security and live updates (pure).

use std::collections::BTreeSet;

use super::super::http::ProbeAnswer;
use super::super::verdict::first_few;
use super::super::{CheckJudgement, CheckVerdict, SkipReason};
use super::access::awake;
use super::{DatabaseCatalog, SupabaseEvidence};
use crate::migrations::{self, Migration};

/// The grants, row level security and policies of a new installation. A test writes them from a migrated database.
pub const EXPECTED: &str = include_str!("expected.txt");

/// The triggers that tell of changes.
pub(super) const TRIGGERS: [&str; 3] = ["broadcast_delete", "broadcast_insert", "broadcast_update"];

const MIGRATE: &str = "mediasync migrate --database-url \"$DATABASE_URL\"";
const UPDATE: &str = "take the release of media-sync that migrated the database, for this command and for the functions";
const RELOAD: &str = "dashboard, SQL Editor: notify pgrst, 'reload schema';";

/// The database has the migrations of this release, and the Data API knows them.
pub(super) fn migrations(evidence: &SupabaseEvidence) -> CheckJudgement {
    let ours = migrations::embedded();
    let Ok(catalog) = &evidence.catalog else {
        return by_the_api(evidence, &ours);
    };
    if let Some(verdict) = difference(&ours, &catalog.ledger) {
        return Ok(verdict);
    }
    if awake(evidence).is_ok() && evidence.health.as_ref().is_ok_and(is_unknown) {
        return Ok(CheckVerdict::failure(
            "the database has every migration, and the Data API does not know them (PGRST202): its schema cache is stale",
            RELOAD,
        ));
    }
    Ok(CheckVerdict::ok(format!(
        "all {} migrations are applied",
        ours.len()
    )))
}

fn difference(ours: &[Migration], ledger: &[String]) -> Option<CheckVerdict> {
    let unknown: Vec<&String> = ledger
        .iter()
        .filter(|version| ours.iter().all(|ours| ours.version != **version))
        .collect();
    if !unknown.is_empty() {
        return Some(CheckVerdict::failure(
            format!(
                "the database has migrations that this release does not know: {}",
                first_few(&unknown)
            ),
            UPDATE,
        ));
    }
    let missing: Vec<String> = ours
        .iter()
        .filter(|ours| !ledger.contains(&ours.version))
        .map(|ours| ours.file_name().trim_end_matches(".sql").to_owned())
        .collect();
    (!missing.is_empty())
        .then(|| CheckVerdict::failure(format!("missing: {}", first_few(&missing)), MIGRATE))
}

/// Without the database itself, the newest version that the Data API tells has to do.
fn by_the_api(evidence: &SupabaseEvidence, ours: &[Migration]) -> CheckJudgement {
    awake(evidence)?;
    let answer = evidence.health.as_ref().map_err(SkipReason::clone)?;
    if is_unknown(answer) {
        return Ok(CheckVerdict::failure(
            "the Data API does not know media_sync_health (PGRST202): migrations are missing, or its schema cache is stale",
            format!("{MIGRATE}\nwhere nothing is missing: {RELOAD}"),
        ));
    }
    let Some(recorded) = answer.text("schema_version") else {
        return Err(SkipReason::because(format!(
            "needs DATABASE_URL: the Data API does not say it ({})",
            answer.message()
        )));
    };
    let newest = ours
        .last()
        .map_or("", |migration| migration.version.as_str());
    Ok(match recorded.cmp(newest) {
        std::cmp::Ordering::Less => CheckVerdict::failure(
            format!("the newest migration is {recorded}; this release has {newest}"),
            MIGRATE,
        ),
        std::cmp::Ordering::Equal => {
            CheckVerdict::ok(format!("the newest migration is {recorded}"))
        }
        std::cmp::Ordering::Greater => CheckVerdict::failure(
            format!(
                "the newest migration is {recorded}; this release knows {newest} as the newest"
            ),
            UPDATE,
        ),
    })
}

fn is_unknown(answer: &ProbeAnswer) -> bool {
    answer.status == 404 && answer.text("code") == Some("PGRST202")
}

/// A catalog that the expectations hold for.
fn current(evidence: &SupabaseEvidence) -> Result<&DatabaseCatalog, SkipReason> {
    let catalog = evidence.catalog.as_ref().map_err(SkipReason::clone)?;
    match difference(&migrations::embedded(), &catalog.ledger) {
        None => Ok(catalog),
        Some(_) => Err(SkipReason::needs(
            "the migrations of this release (sb-migrations)",
        )),
    }
}

/// Roles have the grants of a new installation.
pub(super) fn grants(evidence: &SupabaseEvidence) -> CheckJudgement {
    let catalog = current(evidence)?;
    let expected = lines("grant ");
    let missing: Vec<&str> = expected
        .iter()
        .copied()
        .filter(|line| !catalog.access.contains(*line))
        .collect();
    if !missing.is_empty() {
        return Ok(CheckVerdict::failure(
            format!("lost: {}", first_few(&missing)),
            format!("dashboard, SQL Editor:\n{};", missing.join(";\n")),
        ));
    }
    let more: Vec<&str> = additional(catalog, &expected);
    if !more.is_empty() {
        let revoke: Vec<String> = more.iter().map(|line| revoked(line)).collect();
        return Ok(CheckVerdict::warning(
            format!("not of this release: {}", first_few(&more)),
            format!(
                "where nobody meant it, dashboard, SQL Editor:\n{};",
                revoke.join(";\n")
            ),
        ));
    }
    Ok(CheckVerdict::ok(format!(
        "{} grants are as they should be",
        expected.len()
    )))
}

fn lines(beginning: &str) -> BTreeSet<&'static str> {
    EXPECTED
        .lines()
        .filter(|line| line.starts_with(beginning))
        .collect()
}

/// Grants on objects of ours that a new installation does not have.
fn additional<'a>(catalog: &'a DatabaseCatalog, expected: &BTreeSet<&str>) -> Vec<&'a str> {
    let objects: BTreeSet<&str> = EXPECTED.lines().filter_map(object).collect();
    let is_ours = |line: &str| object(line).is_some_and(|object| objects.contains(object));
    let found = catalog.access.iter().map(String::as_str);
    found
        .filter(|line| line.starts_with("grant ") && !expected.contains(line) && is_ours(line))
        .collect()
}

/// `grant … on OBJECT to ROLE`, `alter table OBJECT enable …`.
fn object(line: &str) -> Option<&str> {
    if let Some(rest) = line.strip_prefix("alter table ") {
        return Some(rest.split_once(" enable ")?.0);
    }
    let (_, rest) = line.strip_prefix("grant ")?.split_once(" on ")?;
    Some(rest.rsplit_once(" to ")?.0)
}

fn revoked(grant: &str) -> String {
    let grant = grant.strip_prefix("grant ").unwrap_or(grant);
    match grant.rsplit_once(" to ") {
        Some((what, role)) => format!("revoke {what} from {role}"),
        None => grant.to_owned(),
    }
}

/// Tables have row level security and their policies.
pub(super) fn row_level_security(evidence: &SupabaseEvidence) -> CheckJudgement {
    let catalog = current(evidence)?;
    let absent = |beginning| -> Vec<&str> {
        let expected = lines(beginning).into_iter();
        expected
            .filter(|line| !catalog.access.contains(*line))
            .collect()
    };
    let open = absent("alter table ");
    if !open.is_empty() {
        let tables: Vec<&str> = open.iter().filter_map(|line| object(line)).collect();
        return Ok(CheckVerdict::failure(
            format!("row level security is off: {}", first_few(&tables)),
            format!("dashboard, SQL Editor:\n{};", open.join(";\n")),
        ));
    }
    let policies = absent("policy ");
    if !policies.is_empty() {
        return Ok(CheckVerdict::failure(
            format!("missing: {}", first_few(&policies)),
            "run `create policy …` of these names from infra/supabase/migrations in the dashboard's SQL Editor",
        ));
    }
    Ok(CheckVerdict::ok(format!(
        "{} tables have row level security and their policies",
        lines("alter table ").len()
    )))
}

/// Live updates reach those who listen.
pub(super) fn realtime(evidence: &SupabaseEvidence) -> CheckJudgement {
    const OFFER: &str = "dashboard, SQL Editor: select media_sync.offer_live_updates();";
    let catalog = current(evidence)?;
    let found = &catalog.realtime;
    if !found.offered {
        return Err(SkipReason::needs(
            "Realtime in the project (dashboard, Realtime; then select media_sync.offer_live_updates())",
        ));
    }
    let off: Vec<&str> = TRIGGERS
        .into_iter()
        .filter(|name| found.triggers.iter().all(|found| found != name))
        .collect();
    Ok(if !off.is_empty() {
        CheckVerdict::failure(
            format!(
                "triggers of public.media_assets are missing or switched off: {}",
                first_few(&off)
            ),
            "switched off, dashboard, SQL Editor: alter table public.media_assets enable trigger NAME; \
             missing: see 20261127081000_media_live_updates.sql",
        )
    } else if !found.policy {
        CheckVerdict::failure(
            "the policy media_sync_listen on realtime.messages is missing: private channels are refused",
            OFFER,
        )
    } else if !found.publication {
        CheckVerdict::failure(
            "the publication supabase_realtime is missing",
            format!("dashboard, SQL Editor: create publication supabase_realtime;\n{OFFER}"),
        )
    } else if !found.published {
        CheckVerdict::failure(
            "the publication supabase_realtime leaves out public.media_assets",
            OFFER,
        )
    } else {
        CheckVerdict::ok("triggers, policy and publication are there")
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::super::FindingGrade;
    use super::super::RealtimeParts;
    use super::super::tests::evidence;
    use super::*;

    fn with(change: impl FnOnce(&mut DatabaseCatalog)) -> SupabaseEvidence {
        let mut evidence = evidence();
        change(evidence.catalog.as_mut().unwrap());
        evidence
    }

    #[track_caller]
    fn assert_failure(judgement: CheckJudgement, words: &str) -> String {
        let verdict = judgement.unwrap();
        assert_eq!(verdict.grade, FindingGrade::Failure, "{verdict:?}");
        assert!(verdict.seen.contains(words), "{verdict:?}");
        verdict.mend.unwrap()
    }

    #[test]
    fn ledger_is_compared_with_this_release() {
        let missing = with(|catalog| drop(catalog.ledger.pop()));
        assert!(
            assert_failure(migrations(&missing), "missing: 2026").contains("mediasync migrate")
        );
        for judge in [grants, row_level_security, realtime] {
            assert!(
                judge(&missing)
                    .unwrap_err()
                    .reason()
                    .contains("sb-migrations")
            );
        }
        let newer = with(|catalog| catalog.ledger.push("20991231000000".to_owned()));
        assert_failure(migrations(&newer), "20991231000000");
    }

    #[test]
    fn without_the_database_the_data_api_tells() {
        let with = |status, body| {
            let mut evidence = evidence();
            evidence.catalog = Err(SkipReason::needs("DATABASE_URL"));
            evidence.health = Ok(ProbeAnswer { status, body });
            migrations(&evidence)
        };
        assert_failure(with(404, json!({"code": "PGRST202"})), "does not know");
        assert_failure(
            with(200, json!({"schema_version": "20200101000000"})),
            "20200101000000",
        );
        assert_failure(
            with(200, json!({"schema_version": "20991231000000"})),
            "as the newest",
        );
        assert!(
            with(401, json!({}))
                .unwrap_err()
                .reason()
                .contains("needs DATABASE_URL")
        );
        let current = json!({"schema_version": media_sync::release::SCHEMA_VERSION});
        assert_eq!(with(200, current).unwrap().grade, FindingGrade::Ok);
    }

    #[test]
    fn stale_cache_is_told_from_missing_migrations() {
        let mut stale = evidence();
        stale.health = Ok(ProbeAnswer {
            status: 404,
            body: json!({"code": "PGRST202"}),
        });
        assert!(assert_failure(migrations(&stale), "stale").contains("reload schema"));
    }

    #[test]
    fn lost_grant_is_given_back_by_its_mend_and_an_additional_one_is_a_warning() {
        let line = "grant select on public.media_assets to service_role";
        let lost = with(|catalog| assert!(catalog.access.remove(line)));
        assert!(assert_failure(grants(&lost), line).contains(&format!("{line};")));

        let more = with(|catalog| {
            catalog
                .access
                .insert("grant delete on public.media_assets to anon".to_owned());
            catalog
                .access
                .insert("grant delete on public.orders to anon".to_owned());
        });
        let verdict = grants(&more).unwrap();
        assert_eq!(verdict.grade, FindingGrade::Warning);
        assert_eq!(
            verdict.seen,
            "not of this release: grant delete on public.media_assets to anon"
        );
        assert!(
            verdict
                .mend
                .unwrap()
                .contains("revoke delete on public.media_assets from anon;")
        );
    }

    #[test]
    fn open_table_and_missing_policy_are_found() {
        let line = "alter table public.media_assets enable row level security";
        let open = with(|catalog| assert!(catalog.access.remove(line)));
        assert!(
            assert_failure(row_level_security(&open), "off: public.media_assets").contains(line)
        );
        let line = "policy media_assets_read on public.media_assets for select";
        let without = with(|catalog| assert!(catalog.access.remove(line)));
        assert_failure(row_level_security(&without), line);
    }

    #[test]
    fn each_part_of_live_updates_is_looked_at() {
        let with_realtime = |change: fn(&mut RealtimeParts)| {
            realtime(&with(|catalog| change(&mut catalog.realtime)))
        };
        assert_failure(
            with_realtime(|found| found.triggers.truncate(2)),
            "broadcast_update",
        );
        assert_failure(
            with_realtime(|found| found.policy = false),
            "media_sync_listen",
        );
        assert_failure(
            with_realtime(|found| found.publication = false),
            "is missing",
        );
        assert_failure(with_realtime(|found| found.published = false), "leaves out");
        assert!(with_realtime(|found| found.offered = false).is_err());
    }
}
