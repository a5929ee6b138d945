//! All checks, by group.

use super::check::CheckTopic;
use super::{aws, cloudinary, path, supabase};

/// All of them, by group.
pub fn checks() -> impl Iterator<Item = &'static CheckTopic> {
    let aws = aws::CHECKS.iter().map(|check| &check.topic);
    let supabase = supabase::CHECKS.iter().map(|check| &check.topic);
    let cloudinary = cloudinary::CHECKS.iter().map(|check| &check.topic);
    let path = path::CHECKS.iter().map(|check| &check.topic);
    aws.chain(supabase).chain(cloudinary).chain(path)
}

/// The checks that ids name, or all; the error is the first unknown id.
pub fn select(ids: &[String]) -> Result<Vec<&'static CheckTopic>, &str> {
    if let Some(unknown) = ids.iter().find(|id| checks().all(|check| check.id != **id)) {
        return Err(unknown);
    }
    let wanted = |check: &&CheckTopic| ids.is_empty() || ids.iter().any(|id| id == check.id);
    Ok(checks().filter(wanted).collect())
}

#[cfg(test)]
mod tests {
    use super::super::CheckGroup;
    use super::*;

    #[test]
    fn ids_are_unique_and_begin_with_their_group() {
        for (at, check) in checks().enumerate() {
            let prefix = match check.group {
                CheckGroup::Aws => "aws-",
                CheckGroup::Supabase => "sb-",
                CheckGroup::Cloudinary => "cld-",
                CheckGroup::Path => "path-",
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
