//! The project's migrations: which there are, which a database needs, and how they get there.

pub mod apply;
pub mod copy;
mod error;
mod ledger;
mod locate;
pub mod plan;

use std::path::{Path, PathBuf};

pub use ledger::LedgerFacts;
pub use plan::AppliedMigration;

/// One file of `infra/supabase/migrations`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Migration {
    /// The timestamp that the file's name begins with: 14 digits.
    pub version: String,
    /// The rest of the file's name, without `.sql`.
    pub name: String,
    /// The SQL.
    pub text: String,
}

/// A folder of migrations that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    /// The folder or a file of it cannot be read.
    #[error("{} cannot be read", path.display())]
    Read {
        /// Which one.
        path: PathBuf,
        /// The cause.
        #[source]
        source: std::io::Error,
    },
    /// Two files have one version.
    #[error("{0} and {1} have the same version")]
    Twice(String, String),
}

impl Migration {
    /// Parses `<14 digits>_<name>.sql`; other names are no migrations.
    pub fn parse(file_name: &str, text: &str) -> Option<Self> {
        let (version, name) = file_name.strip_suffix(".sql")?.split_once('_')?;
        let is_version = version.len() == 14 && version.bytes().all(|byte| byte.is_ascii_digit());
        (is_version && !name.is_empty()).then(|| Self {
            version: version.to_owned(),
            name: name.to_owned(),
            text: text.to_owned(),
        })
    }

    /// The file's name in `infra/supabase/migrations`.
    pub fn file_name(&self) -> String {
        format!("{}_{}.sql", self.version, self.name)
    }
}

/// The migrations of this version of media-sync, oldest first.
pub fn embedded() -> Vec<Migration> {
    const FILES: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/migrations.rs"));
    FILES
        .iter()
        .filter_map(|(name, text)| Migration::parse(name, text))
        .collect()
}

/// The migrations of a folder, oldest first.
///
/// # Errors
/// The folder cannot be read, or two files have one version.
pub fn from_folder(folder: &Path) -> Result<Vec<Migration>, FolderError> {
    let mut migrations: Vec<Migration> = sql_files(folder)?
        .iter()
        .filter_map(|(name, text)| Migration::parse(name, text))
        .collect();
    migrations.sort_by(|a, b| a.version.cmp(&b.version));
    for pair in migrations.windows(2) {
        if pair[0].version == pair[1].version {
            return Err(FolderError::Twice(pair[0].file_name(), pair[1].file_name()));
        }
    }
    Ok(migrations)
}

/// The names and texts of a folder's SQL files, by name.
pub(crate) fn sql_files(folder: &Path) -> Result<Vec<(String, String)>, FolderError> {
    let read = |path: &Path| {
        let path = path.to_owned();
        move |source| FolderError::Read { path, source }
    };
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(read(folder))? {
        let path = entry.map_err(read(folder))?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if name.ends_with(".sql") && path.is_file() {
            let bytes = std::fs::read(&path).map_err(read(&path))?;
            // A team's file may have any encoding: only its name and our marks in it matter.
            let text = String::from_utf8_lossy(&bytes).into_owned();
            files.push((name.into_owned(), text));
        }
    }
    files.sort();
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_timestamped_sql_files_are_migrations() {
        let migration = Migration::parse("20260101000000_first_tables.sql", "select 1").unwrap();
        assert_eq!(migration.version, "20260101000000");
        assert_eq!(migration.name, "first_tables");
        assert_eq!(migration.file_name(), "20260101000000_first_tables.sql");
        for other in [
            "README.md",
            "seed.sql",
            "2026_first.sql",
            "20260101000000_.sql",
            "20260101000000_first.sql.orig",
            "2026010100000x_first.sql",
        ] {
            assert_eq!(Migration::parse(other, ""), None, "{other}");
        }
    }

    #[test]
    fn embedded_migrations_record_the_version_and_name_of_their_file() {
        for migration in embedded() {
            let Migration {
                version,
                name,
                text,
            } = &migration;
            let records = format!("media_sync.begin_migration('{version}', '{name}')");
            assert!(text.contains(&records), "{}", migration.file_name());
        }
    }

    #[test]
    fn embedded_migrations_are_in_order_and_of_distinct_versions() {
        let migrations = embedded();
        assert!(!migrations.is_empty());
        assert!(
            migrations
                .windows(2)
                .all(|pair| pair[0].version < pair[1].version)
        );
    }
}
