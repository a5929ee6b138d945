//! Failures of a stack, with the end of the failing part's log.

use std::path::{Path, PathBuf};

use crate::StackPart;

/// Reasons why a stack could not be started or asked.
#[derive(Debug, thiserror::Error)]
pub enum StackError {
    /// A tool of `.tools` or a built function is not there.
    #[error("{what} is missing ({}): run `{remedy}`", path.display())]
    Missing {
        /// The file or tool that was looked for.
        what: String,
        /// Where.
        path: PathBuf,
        /// The command that provides it.
        remedy: &'static str,
    },
    /// Data that were kept do not fit the migrations of now.
    #[error("{} was kept with other migrations: remove it, and begin anew", folder.display())]
    Outdated {
        /// The folder of the data.
        folder: PathBuf,
    },
    /// A function was built before its sources were changed.
    #[error("{function} is older than {}: run `make build-local`", source_file.display())]
    Stale {
        /// The function's name.
        function: String,
        /// The file that was changed since.
        source_file: PathBuf,
    },
    /// The process that watches over all others could not be used.
    #[error("the supervisor of the stack's processes: {0}")]
    Supervisor(String),
    /// A part's program ended, or did not answer in time.
    #[error("{part}: {problem}{log}")]
    Part {
        /// Which one.
        part: String,
        /// The failure in words.
        problem: String,
        /// True if its program ended, rather than failed to answer.
        ended: bool,
        /// The end of its log, ready to be shown.
        log: LogTail,
    },
    /// A migration does not apply.
    #[error("{}, line {line}: {message}", file.display())]
    Migration {
        /// The migration.
        file: PathBuf,
        /// Counted from 1; of the statement's error position, where the server names one.
        line: usize,
        /// The server's words.
        message: String,
    },
    /// The database refused a statement of the stack's own.
    #[error("database: {doing}")]
    Database {
        /// The step that failed.
        doing: String,
        /// The driver's error.
        #[source]
        source: tokio_postgres::Error,
    },
    /// An HTTP request between the stack and one of its parts failed.
    #[error("{request}: {problem}")]
    Http {
        /// Method and URL.
        request: String,
        /// Status and body, or the transport's error.
        problem: String,
    },
    /// The stack was started without this part.
    #[error("this stack runs without {0}")]
    Without(StackPart),
    /// A file of the stack's own folder could not be written or read.
    #[error("{}", path.display())]
    File {
        /// Which one.
        path: PathBuf,
        /// The cause.
        #[source]
        source: std::io::Error,
    },
}

impl StackError {
    pub(crate) fn file(path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        move |source| Self::File {
            path: path.to_owned(),
            source,
        }
    }

    pub(crate) fn database(doing: &str) -> impl FnOnce(tokio_postgres::Error) -> Self {
        move |source| Self::Database {
            doing: doing.to_owned(),
            source,
        }
    }
}

/// The last lines of a log file.
#[derive(Debug)]
pub struct LogTail(String);

const TAIL_LINES: usize = 25;

impl LogTail {
    pub(crate) fn of(path: &Path) -> Self {
        let text = std::fs::read(path)
            .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
            .unwrap_or_default();
        let lines: Vec<&str> = text.lines().collect();
        Self(lines[lines.len().saturating_sub(TAIL_LINES)..].join("\n"))
    }
}

impl std::fmt::Display for LogTail {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.0.is_empty() {
            Ok(())
        } else {
            write!(f, "; the end of its log:\n{}", self.0)
        }
    }
}
