//! Who a request speaks for, by its keys, as Supabase's gateway decides it.

use http::HeaderMap;
use http::header::AUTHORIZATION;

use crate::keys::Keys;

/// What follows from a request's keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Access {
    /// `Authorization` carries a JWT, which PostgREST verifies itself.
    AsUser,
    /// The API key alone speaks; it stands for this role.
    AsRole(&'static str),
    /// 401.
    Denied {
        message: &'static str,
        hint: &'static str,
    },
}

/// `apikey` says which project and how much is allowed at most without a user; `Authorization: Bearer` says
/// which user. Opaque keys (`sb_...`) are no JWTs and belong in `apikey` only.
pub(super) fn decide(keys: &Keys, headers: &HeaderMap, query: Option<&str>) -> Access {
    let in_query = || {
        query?
            .split('&')
            .find_map(|pair| pair.strip_prefix("apikey="))
    };
    let api_key = headers
        .get("apikey")
        .map(|value| value.to_str().unwrap_or_default())
        .or_else(in_query);
    let Some(api_key) = api_key else {
        return Access::Denied {
            message: "No API key found in request",
            hint: "No `apikey` request header or url param was found.",
        };
    };
    let Some(role) = role_of(keys, api_key) else {
        return Access::Denied {
            message: "Invalid API key",
            hint: "Double check the API key of your Supabase project.",
        };
    };
    match headers.get(AUTHORIZATION) {
        None => Access::AsRole(role),
        Some(value) => match bearer(value.to_str().unwrap_or_default()) {
            Some(token) if looks_like_jwt(token) => Access::AsUser,
            _ => Access::Denied {
                message: "Invalid JWT",
                hint: "Authorization takes `Bearer <JWT>`; publishable and secret keys go in `apikey` only.",
            },
        },
    }
}

fn role_of(keys: &Keys, api_key: &str) -> Option<&'static str> {
    [
        (&keys.secret, "service_role"),
        (&keys.publishable, "anon"),
        (&keys.legacy_service_role, "service_role"),
        (&keys.legacy_anon, "anon"),
    ]
    .into_iter()
    .find_map(|(known, role)| (known == api_key).then_some(role))
}

fn bearer(value: &str) -> Option<&str> {
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

fn looks_like_jwt(token: &str) -> bool {
    let parts: Vec<&str> = token.split('.').collect();
    parts.len() == 3 && parts.iter().all(|part| !part.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::Claims;

    #[test]
    fn keys_are_treated_as_the_table_says() {
        let keys = Keys::generate();
        let user = keys.token(&Claims::user("u@example.com"), "http://project/auth/v1");
        let (secret, publishable) = (keys.secret.as_str(), keys.publishable.as_str());
        let (service, anon) = (keys.legacy_service_role.as_str(), keys.legacy_anon.as_str());
        let other_secret = Keys::generate().secret;
        // apikey, Authorization, what follows
        let table: [(Option<&str>, Option<String>, &str); 15] = [
            (None, None, "No API key found in request"),
            (
                None,
                Some(format!("Bearer {user}")),
                "No API key found in request",
            ),
            (Some("nonsense"), None, "Invalid API key"),
            (Some(&other_secret), None, "Invalid API key"),
            (Some(&user), None, "Invalid API key"),
            (Some(secret), None, "service_role"),
            (Some(publishable), None, "anon"),
            (Some(publishable), Some(format!("Bearer {user}")), "user"),
            (Some(secret), Some(format!("bearer {user}")), "user"),
            (
                Some(secret),
                Some(format!("Bearer {secret}")),
                "Invalid JWT",
            ),
            (
                Some(publishable),
                Some(format!("Bearer {secret}")),
                "Invalid JWT",
            ),
            (Some(service), None, "service_role"),
            (Some(anon), None, "anon"),
            (Some(service), Some(format!("Bearer {service}")), "user"),
            (Some(anon), Some(format!("Basic {user}")), "Invalid JWT"),
        ];
        for (api_key, authorization, expected) in table {
            let mut headers = HeaderMap::new();
            if let Some(key) = api_key {
                headers.insert("apikey", key.parse().unwrap());
            }
            if let Some(value) = &authorization {
                headers.insert(AUTHORIZATION, value.parse().unwrap());
            }
            let outcome = match decide(&keys, &headers, None) {
                Access::AsUser => "user",
                Access::AsRole(role) => role,
                Access::Denied { message, .. } => message,
            };
            assert_eq!(
                outcome, expected,
                "apikey {api_key:?}, Authorization {authorization:?}"
            );
        }
    }

    #[test]
    fn key_may_come_as_query_parameter() {
        let keys = Keys::generate();
        let query = format!("select=id&apikey={}", keys.publishable);
        assert_eq!(
            decide(&keys, &HeaderMap::new(), Some(&query)),
            Access::AsRole("anon")
        );
    }
}
