//! The exit codes, which are a contract with scripts.

use std::process::ExitCode;

use tokio_postgres::error::SqlState;

/// The end of a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// Everything that was asked for is done.
    Ok = 0,
    /// It failed, and will fail again until somebody changes something.
    Failed = 1,
    /// The arguments or the environment make no sense together.
    Usage = 2,
    /// Two sides that should be equal differ.
    Difference = 3,
    /// A password, a role or a network rule does not allow it.
    NotAllowed = 4,
    /// The fault passes by itself: the same command may succeed later.
    TryAgain = 5,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

impl Exit {
    /// Judges an error of PostgreSQL by its SQLSTATE.
    pub fn of_sql_state(state: &SqlState) -> Self {
        const PASSING_CLASSES: [&str; 3] = [
            "08", // connection exceptions
            "53", // insufficient resources: connections, memory, disk
            "57", // operator intervention: shutdown, starting up, timeouts
        ];
        let code = state.code();
        let passing = [
            SqlState::LOCK_NOT_AVAILABLE,
            SqlState::T_R_SERIALIZATION_FAILURE,
            SqlState::T_R_DEADLOCK_DETECTED,
            SqlState::READ_ONLY_SQL_TRANSACTION,
            SqlState::IO_ERROR,
        ];
        if passing.contains(state) || PASSING_CLASSES.iter().any(|class| code.starts_with(class)) {
            Self::TryAgain
        } else if *state == SqlState::INSUFFICIENT_PRIVILEGE || code.starts_with("28") {
            Self::NotAllowed
        } else {
            Self::Failed
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sql_states_tell_faults_that_pass_from_those_that_stay() {
        for (code, exit) in [
            ("55P03", Exit::TryAgain),
            ("40P01", Exit::TryAgain),
            ("57014", Exit::TryAgain),
            ("57P03", Exit::TryAgain),
            ("53300", Exit::TryAgain),
            ("25006", Exit::TryAgain),
            ("08006", Exit::TryAgain),
            ("58030", Exit::TryAgain),
            ("58P01", Exit::Failed),
            ("28P01", Exit::NotAllowed),
            ("28000", Exit::NotAllowed),
            ("42501", Exit::NotAllowed),
            ("42P07", Exit::Failed),
            ("42601", Exit::Failed),
            ("P0001", Exit::Failed),
        ] {
            assert_eq!(
                Exit::of_sql_state(&SqlState::from_code(code)),
                exit,
                "{code}"
            );
        }
    }
}
