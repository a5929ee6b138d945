//! Keys of the answers that are no keys of the secret, and the form of an address.

pub(crate) const DATABASE_URL: &str = "DATABASE_URL";
pub(crate) const ADMIN_EMAIL: &str = "ADMIN_EMAIL";
pub(crate) const STACK_NAME: &str = "STACK_NAME";

pub(super) fn is_email(text: &str) -> bool {
    let is_part = |part: &str| !part.is_empty() && !part.contains(char::is_whitespace);
    text.split_once('@')
        .is_some_and(|(user, host)| is_part(user) && is_part(host) && !host.contains('@'))
}
