//! Checks, and their findings.

use serde_json::{Value, json};

use super::verdict::{CheckJudgement, CheckVerdict, FindingGrade};

/// The side that a check looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CheckGroup {
    /// The deployment in AWS.
    Aws,
    /// The Supabase project: API, Auth and database.
    Supabase,
    /// The Cloudinary product environment.
    Cloudinary,
    /// The way from Cloudinary to the database.
    Path,
}

impl CheckGroup {
    /// Its heading.
    pub fn title(self) -> &'static str {
        match self {
            Self::Aws => "AWS",
            Self::Supabase => "Supabase",
            Self::Cloudinary => "Cloudinary",
            Self::Path => "The whole way",
        }
    }
}

/// The subject of a check. Its id is a contract with scripts.
#[derive(Debug)]
pub struct CheckTopic {
    /// `sb-paused` and its like.
    pub id: &'static str,
    /// The side that it looks at.
    pub group: CheckGroup,
    /// The fault, in a few words.
    pub title: &'static str,
    /// The consequence of the fault.
    pub why: &'static str,
    /// The evidence that it reads.
    pub reads: &'static str,
}

/// One check of a group's evidence.
#[derive(Debug)]
pub struct Check<E> {
    /// Its subject.
    pub topic: CheckTopic,
    /// Pure: evidence in, verdict out.
    pub judgement: fn(&E) -> CheckJudgement,
}

impl<E> Check<E> {
    pub(super) fn judge(&'static self, evidence: &E) -> Finding {
        Finding::new(&self.topic, (self.judgement)(evidence))
    }
}

/// A check's answer with the check that gave it.
#[derive(Debug, Clone)]
pub struct Finding {
    /// The check.
    pub check: &'static CheckTopic,
    /// The severity.
    pub grade: FindingGrade,
    /// The facts, or the reason for not looking.
    pub seen: String,
    /// The command or the click.
    pub mend: Option<String>,
}

impl Finding {
    pub(super) fn new(check: &'static CheckTopic, judgement: CheckJudgement) -> Self {
        match judgement {
            Ok(CheckVerdict { grade, seen, mend }) => Self {
                check,
                grade,
                seen,
                mend,
            },
            Err(skip) => Self {
                check,
                grade: FindingGrade::Skipped,
                seen: skip.reason().to_owned(),
                mend: None,
            },
        }
    }

    /// An entry of `findings`.
    pub fn to_json(&self) -> Value {
        json!({
            "id": self.check.id,
            "grade": self.grade.word(),
            "seen": self.seen,
            "mend": self.mend,
        })
    }
}
