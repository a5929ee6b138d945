//! Judges the status of a stack (pure).

/// The next step for a stack in some status.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Standing {
    /// There is none, or only its name.
    Absent,
    /// It can be changed.
    Ready,
    /// CloudFormation works on it.
    Busy,
    /// Its creation failed: only its deletion is possible.
    Broken,
    /// A change and its way back failed.
    Stuck,
}

impl Standing {
    /// Judges a status (pure).
    pub(crate) fn of(status: &str) -> Self {
        match status {
            "REVIEW_IN_PROGRESS" | "DELETE_COMPLETE" => Self::Absent,
            "ROLLBACK_COMPLETE" | "ROLLBACK_FAILED" | "CREATE_FAILED" | "DELETE_FAILED" => {
                Self::Broken
            }
            "UPDATE_ROLLBACK_FAILED" => Self::Stuck,
            status if status.ends_with("_IN_PROGRESS") => Self::Busy,
            _ => Self::Ready,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn status_tells_what_can_be_done_with_a_stack() {
        for (status, expected) in [
            ("REVIEW_IN_PROGRESS", Standing::Absent),
            ("DELETE_COMPLETE", Standing::Absent),
            ("CREATE_COMPLETE", Standing::Ready),
            ("UPDATE_COMPLETE", Standing::Ready),
            ("UPDATE_ROLLBACK_COMPLETE", Standing::Ready),
            ("CREATE_IN_PROGRESS", Standing::Busy),
            ("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", Standing::Busy),
            ("DELETE_IN_PROGRESS", Standing::Busy),
            ("ROLLBACK_COMPLETE", Standing::Broken),
            ("CREATE_FAILED", Standing::Broken),
            ("DELETE_FAILED", Standing::Broken),
            ("UPDATE_ROLLBACK_FAILED", Standing::Stuck),
        ] {
            assert_eq!(Standing::of(status), expected, "{status}");
        }
    }
}
