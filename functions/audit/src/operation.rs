//! The words by which the audit trail tells what happened (pure).

use serde::{Deserialize, Serialize};

/// The subject of an entry. `docs/reference/outcomes.md` has the same words for people.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum EntryOperation {
    Created,
    Updated,
    Renamed,
    Deleted,
    Revived,
    Conflict,
    ValueKept,
    EditRequested,
    EditConfirmed,
    Edit,
    DeleteRequested,
    DeleteConfirmed,
    DeleteCancelled,
    Delete,
    RestoreRequested,
    RestoreConfirmed,
    RestoreCancelled,
    Restore,
    Described,
    RetryRequested,
    ReplayRequested,
    RedriveRequested,
    UploadRequested,
    UploadSigned,
    UploadFailed,
    DeletesAllowed,
    MassDeleteAllowed,
    Reconcile,
    DryRun,
    Purge,
    TriggersRepaired,
    OwnerChanged,
    CollectionsTransferred,
    SettingChanged,
    LibraryMarked,
    Forgotten,
    GlassBroken,
}

#[cfg(test)]
mod tests {
    use media_sync::http::words_of;

    use super::*;

    const PAGE: &str = include_str!("../../../docs/reference/outcomes.md");

    #[test]
    fn the_page_has_every_word() {
        let (_, table) = PAGE.split_once("| `operation` | meaning |").unwrap();
        let rows = table.lines().skip(2).take_while(|row| row.starts_with('|'));
        let words: Vec<&str> = rows.filter_map(|row| row.split('`').nth(1)).collect();
        assert_eq!(words, words_of::<EntryOperation>());
    }
}
