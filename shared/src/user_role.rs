//! Roles of users in this application: `app_metadata.role`, which only servers can write (pure).
//!
//! The database judges by the same words (`media_sync.caller_role`). `docs/reference/permissions.md` shows what each of
//! them may do, and a test holds both sides to it.

use serde::Serialize;

/// The role of a user in this application.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum UserRole {
    /// May do everything.
    Admin,
    /// Edits every asset, and names assets anywhere.
    Editor,
    /// Edits own assets, which lie below the own prefix. Users without a role, or with a word of another application.
    #[default]
    User,
    /// Writes nothing.
    Reader,
    /// Has signed in without an account: a reader where the database's `ACCESS_RULES` say so, and otherwise nobody.
    Anonymous,
}

impl UserRole {
    /// The role that a token names.
    pub fn parse(word: Option<&str>) -> Self {
        match word {
            Some("admin") => Self::Admin,
            Some("editor") => Self::Editor,
            Some("reader") => Self::Reader,
            _ => Self::User,
        }
    }

    /// True for administrators.
    pub const fn is_admin(self) -> bool {
        matches!(self, Self::Admin)
    }

    /// True if assets of others may be edited too, and no prefix binds the names.
    pub const fn edits_all(self) -> bool {
        matches!(self, Self::Admin | Self::Editor)
    }

    /// True if anything may be written.
    pub const fn writes(self) -> bool {
        !matches!(self, Self::Reader | Self::Anonymous)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_anonymous_user_has_no_power() {
        let role = UserRole::Anonymous;
        assert!(!role.is_admin() && !role.edits_all() && !role.writes());
    }

    #[test]
    fn a_role_is_known_by_its_word_and_any_other_word_is_none() {
        for (word, role, edits_all, writes) in [
            (Some("admin"), UserRole::Admin, true, true),
            (Some("editor"), UserRole::Editor, true, true),
            (Some("reader"), UserRole::Reader, false, false),
            (Some("Admin"), UserRole::User, false, true),
            (Some("staff"), UserRole::User, false, true),
            (None, UserRole::User, false, true),
        ] {
            let parsed = UserRole::parse(word);
            assert_eq!(parsed, role, "{word:?}");
            assert_eq!((parsed.edits_all(), parsed.writes()), (edits_all, writes));
            assert_eq!(parsed.is_admin(), word == Some("admin"));
        }
    }
}
