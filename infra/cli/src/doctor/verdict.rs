//! Verdicts: the grade, the facts, and the mend.

/// The severity.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FindingGrade {
    /// As it should be.
    Ok,
    /// Works, and deserves a look.
    Warning,
    /// Something does not work.
    Failure,
    /// Not looked at.
    Skipped,
}

impl FindingGrade {
    /// The word in JSON.
    pub fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warning => "warning",
            Self::Failure => "failure",
            Self::Skipped => "skipped",
        }
    }

    /// The sign before a line.
    pub fn sign(self) -> &'static str {
        match self {
            Self::Ok => "✓",
            Self::Warning => "!",
            Self::Failure => "✗",
            Self::Skipped => "-",
        }
    }
}

/// The result of looking: a grade, the facts without any secret, and the mend of a fault.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckVerdict {
    /// The severity; never [`FindingGrade::Skipped`].
    pub grade: FindingGrade,
    /// The facts.
    pub seen: String,
    /// The command or the click.
    pub mend: Option<String>,
}

impl CheckVerdict {
    /// All is well.
    pub fn ok(seen: impl Into<String>) -> Self {
        Self {
            grade: FindingGrade::Ok,
            seen: seen.into(),
            mend: None,
        }
    }

    /// Works, and deserves a look.
    pub fn warning(seen: impl Into<String>, mend: impl Into<String>) -> Self {
        Self {
            grade: FindingGrade::Warning,
            seen: seen.into(),
            mend: Some(mend.into()),
        }
    }

    /// Something does not work.
    pub fn failure(seen: impl Into<String>, mend: impl Into<String>) -> Self {
        Self {
            grade: FindingGrade::Failure,
            seen: seen.into(),
            mend: Some(mend.into()),
        }
    }
}

/// The reason for which a check was not made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SkipReason(String);

impl SkipReason {
    /// Something has to be given first.
    pub fn needs(subject: &str) -> Self {
        Self(format!("needs {subject}"))
    }

    /// Looking failed.
    pub fn because(reason: impl Into<String>) -> Self {
        Self(reason.into())
    }

    /// `needs X`, or the reason.
    pub fn reason(&self) -> &str {
        &self.0
    }
}

/// A probe's answer, or why there is none.
pub type ProbeResult<T> = Result<T, SkipReason>;

/// A check's answer.
pub type CheckJudgement = Result<CheckVerdict, SkipReason>;

/// Several facts in one sentence, the first five of them.
pub(crate) fn first_few<T: AsRef<str>>(facts: &[T]) -> String {
    const MOST: usize = 5;
    let shown: Vec<&str> = facts.iter().take(MOST).map(AsRef::as_ref).collect();
    let rest = facts.len().saturating_sub(MOST);
    let text = shown.join("; ");
    if rest == 0 {
        text
    } else {
        format!("{text}; and {rest} more")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_lists_are_cut_and_say_so() {
        assert_eq!(first_few(&["a", "b"]), "a; b");
        assert_eq!(first_few(&["a"; 7]), "a; a; a; a; a; and 2 more");
    }
}
