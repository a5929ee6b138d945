//! Mails that Auth would send: they are kept for tests to read, and their links work.

use serde::Serialize;
use sha2::{Digest as _, Sha224};
use uuid::Uuid;

use super::pkce;

/// Links lead back here unless a request names another page; the Supabase CLI's default.
pub(super) const SITE_URL: &str = "http://127.0.0.1:3000";

/// One mail that nobody sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SentMail {
    /// `invite`, `signup`, `recovery`, `magiclink` or `email_change`; `verifyOtp` takes it as `type`.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// The address.
    pub to: String,
    /// The user that it concerns.
    pub user_id: Uuid,
    /// The six digits that a user types in.
    pub token: String,
    /// The same in the link.
    pub token_hash: String,
    /// The link.
    pub action_link: String,
    /// The page that the link leads to in the end.
    pub redirect_to: String,
}

impl SentMail {
    pub(super) fn new(
        kind: &'static str,
        to: &str,
        user_id: Uuid,
        redirect_to: Option<&str>,
        issuer: &str,
    ) -> Self {
        let token = format!("{:06}", rand::random_range(0..1_000_000));
        let token_hash = hash(to, &token);
        let redirect_to = redirect_to.unwrap_or(SITE_URL);
        let query = url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs([
                ("token", token_hash.as_str()),
                ("type", kind),
                ("redirect_to", redirect_to),
            ])
            .finish();
        Self {
            kind,
            to: to.to_owned(),
            user_id,
            token,
            token_hash,
            action_link: format!("{issuer}/verify?{query}"),
            redirect_to: redirect_to.to_owned(),
        }
    }

    /// The mail whose link leads to a code instead of a session.
    pub(super) fn of_pkce(mut self) -> Self {
        let hash = pkce::with_prefix(&self.token_hash);
        self.action_link = self.action_link.replace(&self.token_hash, &hash);
        self.token_hash = hash;
        self
    }
}

/// The form in which the database keeps a mailed token.
pub(super) fn hash(address: &str, token: &str) -> String {
    hex::encode(Sha224::digest(format!("{address}{token}")))
}

/// The page that a request wants links to lead to. Only pages of this machine are taken, others are left out silently.
pub(super) fn redirect_of(asked: Option<&str>) -> Option<&str> {
    let url = url::Url::parse(asked?).ok()?;
    matches!(url.host_str(), Some("127.0.0.1" | "localhost" | "[::1]"))
        .then_some(asked)
        .flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn link_carries_the_hash_of_the_digits() {
        let mail = SentMail::new("invite", "a@b.org", Uuid::nil(), None, "http://p/auth/v1");
        assert_eq!(mail.token.len(), 6);
        assert_eq!(mail.token_hash, hash("a@b.org", &mail.token));
        assert!(
            mail.action_link
                .starts_with("http://p/auth/v1/verify?token=")
        );
        assert!(mail.action_link.contains(&mail.token_hash));
    }

    #[test]
    fn links_lead_to_pages_of_this_machine_alone() {
        let page = Some("http://localhost:5173/welcome");
        assert_eq!(redirect_of(page), page);
        assert_eq!(redirect_of(Some("https://elsewhere.example")), None);
        assert_eq!(redirect_of(Some("nonsense")), None);
    }
}
