//! The checks that there are: one table for the command, the page and the tests.

use super::finding::{Finding, Judgement};
use super::{Evidence, aws, cloudinary, path, supabase};

/// The side that a check looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Group {
    /// The deployment in AWS.
    Aws,
    /// The Supabase project: API, Auth and database.
    Supabase,
    /// The Cloudinary product environment.
    Cloudinary,
    /// The way from Cloudinary to the database.
    Path,
}

impl Group {
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

/// One check. Its id is a contract with scripts.
#[derive(Debug)]
pub struct Check {
    /// `sb-paused` and its like.
    pub id: &'static str,
    /// The side that it looks at.
    pub group: Group,
    /// The fault, in a few words.
    pub title: &'static str,
    /// The consequence of the fault.
    pub why: &'static str,
    /// The evidence that it reads.
    pub reads: &'static str,
    /// Pure: evidence in, verdict out.
    pub judgement: fn(&Evidence) -> Judgement,
}

impl Check {
    pub(super) fn judge(&'static self, evidence: &Evidence) -> Finding {
        Finding::new(self, (self.judgement)(evidence))
    }
}

const GROUPS: [&[Check]; 4] = [
    aws::CHECKS,
    supabase::CHECKS,
    cloudinary::CHECKS,
    path::CHECKS,
];

/// All of them, by group.
pub fn checks() -> impl Iterator<Item = &'static Check> {
    GROUPS.into_iter().flatten()
}

/// The checks that ids name, or all; the error is the first unknown id.
pub fn select(ids: &[String]) -> Result<Vec<&'static Check>, &str> {
    if let Some(unknown) = ids.iter().find(|id| checks().all(|check| check.id != **id)) {
        return Err(unknown);
    }
    let wanted = |check: &&Check| ids.is_empty() || ids.iter().any(|id| id == check.id);
    Ok(checks().filter(wanted).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_unique_and_begin_with_their_group() {
        for (at, check) in checks().enumerate() {
            let prefix = match check.group {
                Group::Aws => "aws-",
                Group::Supabase => "sb-",
                Group::Cloudinary => "cld-",
                Group::Path => "path-",
            };
            assert!(check.id.starts_with(prefix), "{}", check.id);
            assert!(
                checks().take(at).all(|other| other.id != check.id),
                "{} stands twice",
                check.id
            );
        }
    }

    #[test]
    fn selection_keeps_the_order_and_names_an_unknown_id() {
        let ids = |ids: &[&str]| ids.iter().map(|id| (*id).to_owned()).collect::<Vec<_>>();
        let selected = ids(&["sb-keys", "sb-paused"]);
        let found: Vec<&str> = select(&selected)
            .unwrap()
            .iter()
            .map(|check| check.id)
            .collect();
        assert_eq!(found, ["sb-paused", "sb-keys"]);
        assert_eq!(
            select(&ids(&["sb-keys", "sb-nonsense"])).unwrap_err(),
            "sb-nonsense"
        );
        assert_eq!(select(&[]).unwrap().len(), checks().count());
    }
}
