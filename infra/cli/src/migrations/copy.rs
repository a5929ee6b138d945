//! Copies the migrations into a team's own folder, behind everything that is there.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use jiff::civil::DateTime;
use jiff::{SignedDuration, ToSpan as _};

use super::{FolderError, Migration, sql_files};
use crate::exit::Exit;
use crate::failure::{Failure, chain};

/// One migration and its copy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MigrationCopy<'a> {
    /// Ours.
    pub migration: &'a Migration,
    /// The copy's file name in the team's folder.
    pub file: String,
}

/// The copies that a folder has, and those that it needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CopyPlan<'a> {
    /// Copies to make, in this order.
    pub new: Vec<MigrationCopy<'a>>,
    /// Copies that are there.
    pub already: Vec<MigrationCopy<'a>>,
    /// Those of `already` whose text is not ours.
    pub altered: Vec<MigrationCopy<'a>>,
}

/// The reason for which no copies were made.
#[derive(Debug, thiserror::Error)]
pub enum CopyError {
    /// The folder cannot be read.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// The folder is a Supabase project's, not that of its migrations.
    #[error("{} is a Supabase project's folder, not that of its migrations", .0.display())]
    Project(PathBuf),
    /// No valid timestamp sorts behind the folder's last file.
    #[error("no timestamp sorts after {0}, the last migration of the folder")]
    NoTimestamp(String),
    /// A file cannot be written.
    #[error("{} cannot be written", path.display())]
    Write {
        /// Which one.
        path: PathBuf,
        /// The cause.
        #[source]
        source: std::io::Error,
    },
}

/// Plans the copies: `there` are the names and texts of the folder's files, `now` is in UTC.
///
/// # Errors
/// The folder's last file has a version behind which no timestamp sorts.
pub fn plan_copies<'a>(
    ours: &'a [Migration],
    there: &[(String, String)],
    now: DateTime,
) -> Result<CopyPlan<'a>, CopyError> {
    let mut plan = CopyPlan {
        new: Vec::new(),
        already: Vec::new(),
        altered: Vec::new(),
    };
    let mut missing = Vec::new();
    for migration in ours {
        match there.iter().find(|(_, text)| is_copy(migration, text)) {
            None => missing.push(migration),
            Some((file, text)) => {
                let copy = MigrationCopy {
                    migration,
                    file: file.clone(),
                };
                if !same_text(&migration.text, text) {
                    plan.altered.push(copy.clone());
                }
                plan.already.push(copy);
            }
        }
    }
    let mut stamp = now;
    for migration in missing {
        stamp = timestamp_after(there, stamp)?;
        plan.new.push(MigrationCopy {
            migration,
            file: format!("{}_media_sync_{}.sql", text_of(stamp), migration.name),
        });
        stamp = second_after(stamp).ok_or_else(|| CopyError::NoTimestamp(text_of(stamp)))?;
    }
    Ok(plan)
}

/// Recognises a copy by the version that it records, under any file name.
fn is_copy(migration: &Migration, text: &str) -> bool {
    let records = format!("begin_migration('{}'", migration.version);
    text.contains(&records) || same_text(&migration.text, text)
}

/// Git may change the ends of lines.
fn same_text(ours: &str, theirs: &str) -> bool {
    ours.trim_end().lines().eq(theirs.trim_end().lines())
}

const FORMAT: &str = "%Y%m%d%H%M%S";

fn text_of(stamp: DateTime) -> String {
    stamp.strftime(FORMAT).to_string()
}

fn second_after(stamp: DateTime) -> Option<DateTime> {
    stamp.checked_add(1.second()).ok()
}

/// The first timestamp from `earliest` on that the Supabase CLI sorts behind every file: it compares texts.
fn timestamp_after(there: &[(String, String)], earliest: DateTime) -> Result<DateTime, CopyError> {
    let version = |name: &str| {
        let digits = name.split_once('_').map_or("", |(digits, _)| digits);
        let is_version = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
        is_version.then(|| digits.to_owned())
    };
    let last = there
        .iter()
        .filter_map(|(name, _)| version(name).map(|version| (version, name)))
        .max();
    match last {
        Some((version, name)) if text_of(earliest) <= version => {
            DateTime::strptime(FORMAT, &version)
                .ok()
                .and_then(second_after)
                .filter(|stamp| text_of(*stamp) > version)
                .ok_or_else(|| CopyError::NoTimestamp(name.clone()))
        }
        _ => Ok(earliest),
    }
}

/// The moment in UTC, in whole seconds: the next one, if a second has begun.
pub fn now() -> DateTime {
    let now = jiff::Timestamp::now();
    let rest = SignedDuration::from_nanos(i64::from(now.subsec_nanosecond()));
    let whole = SignedDuration::from_secs(i64::from(!rest.is_zero())) - rest;
    jiff::tz::Offset::UTC.to_datetime(now + whole)
}

/// Reads a team's folder of migrations.
///
/// # Errors
/// It cannot be read, or it is the folder above.
pub fn read_team_folder(folder: &Path) -> Result<Vec<(String, String)>, CopyError> {
    if folder.join("config.toml").is_file() {
        return Err(CopyError::Project(folder.to_owned()));
    }
    Ok(sql_files(folder)?)
}

/// Writes the new copies; none overwrites a file.
///
/// # Errors
/// A file cannot be written. The copies before it are whole, and the next call goes on behind them.
pub fn write_copies(folder: &Path, plan: &CopyPlan<'_>) -> Result<(), CopyError> {
    for copy in &plan.new {
        let path = folder.join(&copy.file);
        write_whole(&path, &copy.migration.text)
            .map_err(|source| CopyError::Write { path, source })?;
    }
    Ok(())
}

fn write_whole(path: &Path, text: &str) -> std::io::Result<()> {
    let mut file = std::fs::File::create_new(path)?;
    let written = file.write_all(text.as_bytes());
    if written.is_err() {
        // Half a migration must not be pushed.
        let _ = std::fs::remove_file(path);
    }
    written
}

impl From<CopyError> for Failure {
    fn from(error: CopyError) -> Self {
        let failed = |exit| Self::new(exit, chain(&error));
        match &error {
            CopyError::Folder(FolderError::Read { source, .. })
                if source.kind() == std::io::ErrorKind::NotFound =>
            {
                failed(Exit::Usage)
                    .mend("name an existing folder: usually it is supabase/migrations")
            }
            CopyError::Project(folder) => failed(Exit::Usage).mend(format!(
                "mediasync migrations copy {}",
                folder.join("migrations").display()
            )),
            CopyError::NoTimestamp(_) => {
                failed(Exit::Failed).mend("give that file a timestamp, YYYYMMDDHHMMSS, that exists")
            }
            CopyError::Folder(_) | CopyError::Write { .. } => failed(Exit::Failed),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn ours() -> Vec<Migration> {
        ["first", "second", "third"]
            .iter()
            .enumerate()
            .map(|(index, name)| {
                let version = format!("2026112208000{index}");
                Migration {
                    text: format!("select media_sync.begin_migration('{version}', '{name}');\n"),
                    version,
                    name: (*name).to_owned(),
                }
            })
            .collect()
    }

    fn at(text: &str) -> DateTime {
        DateTime::strptime(FORMAT, text).unwrap()
    }

    fn names<'a>(copies: &'a [MigrationCopy<'a>]) -> Vec<&'a str> {
        copies.iter().map(|copy| copy.file.as_str()).collect()
    }

    fn empty_files(names: &[&str]) -> Vec<(String, String)> {
        names
            .iter()
            .map(|name| ((*name).to_owned(), String::new()))
            .collect()
    }

    #[test]
    fn copies_follow_now_and_the_latest_file_of_the_folder() {
        let ours = ours();
        for (there, first, last) in [
            (vec![], "20270131235958", "20270201000000"),
            (
                vec!["20260101000000_a.sql"],
                "20270131235958",
                "20270201000000",
            ),
            (vec!["001_a.sql"], "20270131235958", "20270201000000"),
            (
                vec!["20270131235958_a.sql"],
                "20270131235959",
                "20270201000001",
            ),
            (
                vec!["20291231235959_a.sql", "20280101000000_b.sql"],
                "20300101000000",
                "20300101000002",
            ),
            (
                vec!["20270131_short.sql", "notes.sql"],
                "20270131235958",
                "20270201000000",
            ),
        ] {
            let plan = plan_copies(&ours, &empty_files(&there), at("20270131235958")).unwrap();
            let names = names(&plan.new);
            assert_eq!(
                names[0],
                format!("{first}_media_sync_first.sql"),
                "{there:?}"
            );
            assert_eq!(
                names[2],
                format!("{last}_media_sync_third.sql"),
                "{there:?}"
            );
        }
    }

    #[test]
    fn folder_whose_last_file_has_no_timestamp_is_refused() {
        for name in ["99999999999999_a.sql", "20271301000000_a.sql", "9_a.sql"] {
            let (ours, there) = (ours(), empty_files(&[name]));
            let refused = plan_copies(&ours, &there, at("20270101000000"));
            assert!(
                matches!(&refused, Err(CopyError::NoTimestamp(file)) if file == name),
                "{refused:?}"
            );
        }
    }

    #[test]
    fn copies_are_recognised_by_their_text_and_altered_ones_are_told() {
        let ours = ours();
        let there = vec![
            (
                "20270101000000_renamed.sql".to_owned(),
                ours[0].text.replace('\n', "\r\n"),
            ),
            (
                "20270101000001_edited.sql".to_owned(),
                format!("-- ours\n{}", ours[1].text),
            ),
        ];
        let plan = plan_copies(&ours, &there, at("20270101000000")).unwrap();
        assert_eq!(names(&plan.new), ["20270101000002_media_sync_third.sql"]);
        assert_eq!(
            names(&plan.already),
            ["20270101000000_renamed.sql", "20270101000001_edited.sql"]
        );
        assert_eq!(names(&plan.altered), ["20270101000001_edited.sql"]);
    }

    #[test]
    fn now_is_a_whole_second_that_is_not_past() {
        let before = jiff::tz::Offset::UTC.to_datetime(jiff::Timestamp::now());
        let now = now();
        assert!(now >= before);
        assert_eq!(now.subsec_nanosecond(), 0);
    }

    proptest! {
        #[test]
        fn copies_sort_behind_everything_and_are_made_once(
            stamps in prop::collection::vec(0_i64..4_000_000_000, 0..6), now in 1_000_000_000_i64..3_000_000_000
        ) {
            let civil = |seconds| {
                let moment = jiff::Timestamp::from_second(seconds).unwrap();
                jiff::tz::Offset::UTC.to_datetime(moment)
            };
            let mut there: Vec<(String, String)> = stamps
                .iter()
                .map(|stamp| (format!("{}_theirs.sql", text_of(civil(*stamp))), String::new()))
                .collect();
            let ours = ours();
            let plan = plan_copies(&ours, &there, civil(now)).unwrap();
            prop_assert_eq!(plan.new.len(), ours.len());
            let mut last = there.iter().map(|(name, _)| name[..14].to_owned()).max().unwrap_or_default();
            for copy in &plan.new {
                prop_assert!(copy.file[..14] > *last);
                prop_assert!(DateTime::strptime(FORMAT, &copy.file[..14]).unwrap() >= civil(now));
                last = copy.file[..14].to_owned();
                there.push((copy.file.clone(), copy.migration.text.clone()));
            }
            let again = plan_copies(&ours, &there, civil(now)).unwrap();
            prop_assert!(again.new.is_empty() && again.altered.is_empty());
        }
    }
}
