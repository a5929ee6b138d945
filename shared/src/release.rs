//! Which release this is: the version, the build, and the database that it was written for.

use std::cmp::Ordering;

/// As `Cargo.toml` has it.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The commit that `make build` was run at; `dev` for every other build.
pub const BUILD: &str = match option_env!("MEDIA_SYNC_BUILD") {
    Some(build) => build,
    None => "dev",
};

/// The newest migration that this code knows: the timestamp in its file's name.
pub const SCHEMA_VERSION: &str = "20261127081200";

/// Where the database stands beside the code.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SchemaState {
    Current,
    /// Migrations are missing.
    Behind,
    /// A newer release has migrated it.
    Ahead,
}

/// Compares the newest migration that the database records with the newest that the code knows.
pub fn compare_schema(recorded: Option<&str>) -> SchemaState {
    match recorded.map_or(Ordering::Less, |version| version.cmp(SCHEMA_VERSION)) {
        Ordering::Less => SchemaState::Behind,
        Ordering::Equal => SchemaState::Current,
        Ordering::Greater => SchemaState::Ahead,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn schema_version_is_that_of_the_newest_migration() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../infra/supabase/migrations");
        let newest = std::fs::read_dir(folder)
            .unwrap()
            .map(|file| file.unwrap().file_name().into_string().unwrap())
            .max()
            .unwrap();
        assert_eq!(
            newest.split_once('_').unwrap().0,
            SCHEMA_VERSION,
            "{newest}"
        );
    }

    #[test]
    fn versions_are_compared_as_the_timestamps_that_they_are() {
        assert_eq!(compare_schema(None), SchemaState::Behind);
        assert_eq!(compare_schema(Some("20261127080000")), SchemaState::Behind);
        assert_eq!(compare_schema(Some(SCHEMA_VERSION)), SchemaState::Current);
        assert_eq!(compare_schema(Some("20991231000000")), SchemaState::Ahead);
    }
}
