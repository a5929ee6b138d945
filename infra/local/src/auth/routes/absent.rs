//! Paths that are not served: features of GoTrue that are not here, and paths that are nowhere.

use axum::extract::Request;
use axum::response::{IntoResponse as _, Response};
use http::StatusCode;

use crate::auth::errors::Refusal;

/// GoTrue's features by the beginning of their paths, and their names in an answer.
const FEATURES: [(&str, &str); 16] = [
    ("/user/identities", "linked identities"),
    ("/user/oauth", "OAuth grants"),
    ("/magiclink", "magic links"),
    ("/resend", "repeated mails"),
    ("/reauthenticate", "reauthentication"),
    ("/factors", "multi-factor authentication"),
    ("/passkeys", "passkeys"),
    ("/sso", "single sign-on"),
    ("/scim", "SCIM"),
    ("/oauth", "the OAuth server"),
    ("/.well-known/openid-configuration", "the OAuth server"),
    (
        "/.well-known/oauth-authorization-server",
        "the OAuth server",
    ),
    ("/admin/audit", "the audit log"),
    ("/admin/sso", "single sign-on"),
    ("/admin/oauth", "the OAuth server"),
    ("/admin/custom-providers", "custom providers"),
];

pub(super) async fn answer(request: Request) -> Response {
    match feature(request.uri().path()) {
        Some(name) => Refusal::NotOffered(name.to_owned()).into_response(),
        None => (StatusCode::NOT_FOUND, "404 page not found\n").into_response(),
    }
}

fn feature(path: &str) -> Option<&'static str> {
    let below = |start: &str| {
        path.strip_prefix(start)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    let known = FEATURES.iter().find(|(start, _)| below(start));
    known.map(|(_, name)| *name).or_else(|| of_a_user(path))
}

/// `/admin/users/{id}/factors` and `/admin/users/{id}/passkeys`.
fn of_a_user(path: &str) -> Option<&'static str> {
    let (_, rest) = path.strip_prefix("/admin/users/")?.split_once('/')?;
    match rest.split('/').next()? {
        "factors" => Some("multi-factor authentication"),
        "passkeys" => Some("passkeys"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn features_are_told_from_paths_that_are_nowhere() {
        for path in [
            "/magiclink",
            "/factors/x/verify",
            "/admin/users/x/factors",
            "/sso",
        ] {
            assert!(feature(path).is_some(), "{path}");
        }
        for path in ["/", "/magiclinks", "/nowhere", "/admin", "/admin/users/x/y"] {
            assert_eq!(feature(path), None, "{path}");
        }
    }
}
