//! Decides which migrations a database needs.

use super::Migration;

/// An entry of `media_sync.schema_versions`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AppliedMigration {
    /// The migration's version.
    pub version: String,
    /// Its name.
    pub name: String,
    /// When it was applied, in ISO 8601 and UTC.
    pub applied_at: String,
}

/// The migrations in three lots, each oldest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MigrationPlan<'a> {
    /// Those that the ledger has.
    pub already: Vec<&'a Migration>,
    /// Those to apply, in this order.
    pub pending: Vec<&'a Migration>,
    /// Those of `pending` that are older than something applied.
    pub gaps: Vec<&'a Migration>,
}

/// Migrations that do not belong to that database.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    /// The ledger has versions that are newer than ours.
    #[error("the database is newer than this command: it has {}", .0.join(", "))]
    Newer(Vec<String>),
    /// The ledger has versions that are not ours, or other names for ours.
    #[error("the database has an older development history: it has {}", .0.join(", "))]
    OlderHistory(Vec<String>),
}

/// Compares the ledger with our migrations, which are sorted by version.
///
/// # Errors
/// The ledger has entries that we do not know.
pub fn plan_migrations<'a>(
    ours: &'a [Migration],
    ledger: &[AppliedMigration],
) -> Result<MigrationPlan<'a>, PlanError> {
    let (newer, foreign) = unknown(ours, ledger);
    if !foreign.is_empty() {
        return Err(PlanError::OlderHistory(foreign));
    }
    if !newer.is_empty() {
        return Err(PlanError::Newer(newer));
    }
    let (already, pending): (Vec<_>, Vec<_>) = ours
        .iter()
        .partition(|ours| ledger.iter().any(|theirs| theirs.version == ours.version));
    let newest = already.last().map(|migration| &migration.version);
    let gaps = pending
        .iter()
        .copied()
        .filter(|migration| Some(&migration.version) < newest)
        .collect();
    Ok(MigrationPlan {
        already,
        pending,
        gaps,
    })
}

/// Labels of the ledger's entries that we do not know: those newer than all of ours, and the others.
fn unknown(ours: &[Migration], ledger: &[AppliedMigration]) -> (Vec<String>, Vec<String>) {
    let newest = ours.last().map(|migration| migration.version.as_str());
    let is_ours = |theirs: &&AppliedMigration| {
        ours.iter()
            .any(|ours| ours.version == theirs.version && ours.name == theirs.name)
    };
    let (newer, foreign): (Vec<&AppliedMigration>, Vec<&AppliedMigration>) = ledger
        .iter()
        .filter(|theirs| !is_ours(theirs))
        .partition(|theirs| Some(theirs.version.as_str()) > newest);
    let labels = |entries: Vec<&AppliedMigration>| {
        entries
            .iter()
            .map(|entry| format!("{}_{}", entry.version, entry.name))
            .collect()
    };
    (labels(newer), labels(foreign))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn ours() -> Vec<Migration> {
        ["a", "b", "c", "d"]
            .iter()
            .enumerate()
            .map(|(index, name)| Migration {
                version: format!("2026112209{index:02}00"),
                name: (*name).to_owned(),
                text: String::new(),
            })
            .collect()
    }

    fn applied(version: &str, name: &str) -> AppliedMigration {
        AppliedMigration {
            version: version.to_owned(),
            name: name.to_owned(),
            applied_at: String::new(),
        }
    }

    fn entry(migration: &Migration) -> AppliedMigration {
        applied(&migration.version, &migration.name)
    }

    fn names(migrations: &[&Migration]) -> String {
        migrations.iter().map(|one| one.name.as_str()).collect()
    }

    #[test]
    fn ledger_decides_what_is_pending_and_what_is_a_gap() {
        let ours = ours();
        for (ledger, already, pending, gaps) in [
            ("", "", "abcd", ""),
            ("a", "a", "bcd", ""),
            ("abcd", "abcd", "", ""),
            ("ac", "ac", "bd", "b"),
            ("d", "d", "abc", "abc"),
        ] {
            let ledger: Vec<AppliedMigration> = ours
                .iter()
                .filter(|one| ledger.contains(&one.name))
                .map(entry)
                .collect();
            let plan = plan_migrations(&ours, &ledger).unwrap();
            assert_eq!(names(&plan.already), already);
            assert_eq!(names(&plan.pending), pending);
            assert_eq!(names(&plan.gaps), gaps);
        }
    }

    #[test]
    fn unknown_versions_say_whether_the_database_is_newer_or_of_another_history() {
        let ours = ours();
        let newer = applied("20270101000000", "later");
        let older = applied("20261122090030", "between");
        let renamed = applied("20261122090100", "formerly_b");
        assert_eq!(
            plan_migrations(&ours, std::slice::from_ref(&newer)),
            Err(PlanError::Newer(vec!["20270101000000_later".into()]))
        );
        assert_eq!(
            plan_migrations(&ours, &[entry(&ours[0]), older, newer]),
            Err(PlanError::OlderHistory(vec![
                "20261122090030_between".into()
            ]))
        );
        assert_eq!(
            plan_migrations(&ours, &[renamed]),
            Err(PlanError::OlderHistory(vec![
                "20261122090100_formerly_b".into()
            ]))
        );
    }

    proptest! {
        #[test]
        fn applying_a_plan_leaves_nothing_to_plan(applied in prop::collection::vec(any::<bool>(), 4)) {
            let ours = ours();
            let mut ledger: Vec<AppliedMigration> =
                ours.iter().zip(&applied).filter(|(_, is)| **is).map(|(one, _)| entry(one)).collect();
            let plan = plan_migrations(&ours, &ledger).unwrap();
            prop_assert_eq!(plan.already.len() + plan.pending.len(), ours.len());
            prop_assert!(plan.pending.windows(2).all(|pair| pair[0].version < pair[1].version));
            ledger.extend(plan.pending.iter().map(|one| entry(one)));
            prop_assert!(plan_migrations(&ours, &ledger).unwrap().pending.is_empty());
        }
    }
}
