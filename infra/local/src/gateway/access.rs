//! The role of a request, by its keys, as Supabase's gateway decides it.

use std::borrow::Cow;

use http::HeaderMap;
use http::header::AUTHORIZATION;

use crate::keys::{ApiKeys, KeyStanding};

/// The consequence of a request's keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Access {
    /// `Authorization` goes on as it came; the service behind the gateway verifies it.
    AsSent,
    /// The API key alone speaks; it stands for this role.
    AsRole(&'static str),
    /// 401.
    Denied {
        message: &'static str,
        hint: Cow<'static, str>,
    },
}

/// SDKs repeat the API key in `Authorization` while nobody is signed in. Supabase's gateway compares this
/// very prefix, upper and lower case included.
const REPEATED_KEY: &[u8] = b"Bearer sb_";

/// `apikey` names the project and the role; an `Authorization` header names somebody else.
///
/// A key that is repeated in `Authorization` counts as absent, even if it differs from the one in `apikey`:
/// <https://github.com/supabase/supabase/blob/master/docker/volumes/api/kong-entrypoint.sh>.
pub(super) fn decide(keys: &ApiKeys, headers: &HeaderMap, query: Option<&str>) -> Access {
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
            hint: "No `apikey` request header or url param was found.".into(),
        };
    };
    let role = match keys.standing(api_key) {
        KeyStanding::Valid(role) => role,
        KeyStanding::LegacyOff(since) => return legacy_off(since),
        KeyStanding::Unknown => {
            return Access::Denied {
                message: "Invalid API key",
                hint: "Double check the API key of your Supabase project.".into(),
            };
        }
    };
    match headers.get(AUTHORIZATION) {
        Some(value) if !value.as_bytes().starts_with(REPEATED_KEY) => Access::AsSent,
        _ => Access::AsRole(role),
    }
}

/// In the words of the hosted platform.
fn legacy_off(since: jiff::Timestamp) -> Access {
    let since = since.strftime("%Y-%m-%dT%H:%M:%S%.6f+00:00");
    let hint = format!(
        "Your legacy API keys (anon, service_role) were disabled on {since}. Re-enable them in the Supabase \
         dashboard, or use the new publishable and secret API keys."
    );
    Access::Denied {
        message: "Legacy API keys are disabled",
        hint: hint.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::{ApiKeyKind, Keys, TokenClaims};

    #[test]
    fn keys_are_treated_as_the_table_says() {
        let keys = Keys::generate();
        let user = keys.token(
            &TokenClaims::user("u@example.com"),
            "http://project/auth/v1",
        );
        let (secret, publishable) = (keys.secret.as_str(), keys.publishable.as_str());
        let (service, anon) = (keys.legacy_service_role.as_str(), keys.legacy_anon.as_str());
        let other_secret = Keys::generate().secret;
        let bearer = |token: &str| Some(format!("Bearer {token}"));
        // apikey, Authorization, what follows
        let table: [(Option<&str>, Option<String>, &str); 19] = [
            (None, None, "No API key found in request"),
            (None, bearer(&user), "No API key found in request"),
            (None, bearer(secret), "No API key found in request"),
            (Some("nonsense"), None, "Invalid API key"),
            (Some("nonsense"), bearer(secret), "Invalid API key"),
            (Some(&other_secret), None, "Invalid API key"),
            (Some(&user), None, "Invalid API key"),
            (Some(secret), None, "service_role"),
            (Some(publishable), None, "anon"),
            (Some(publishable), bearer(&user), "as sent"),
            (Some(secret), Some(format!("bearer {user}")), "as sent"),
            (Some(secret), bearer(secret), "service_role"),
            (Some(publishable), bearer(publishable), "anon"),
            // The one in `apikey` decides.
            (Some(publishable), bearer(secret), "anon"),
            (Some(secret), bearer(&other_secret), "service_role"),
            (Some(service), None, "service_role"),
            (Some(anon), None, "anon"),
            (Some(service), bearer(service), "as sent"),
            (Some(anon), Some(format!("bearer {secret}")), "as sent"),
        ];
        for (api_key, authorization, expected) in table {
            let mut headers = HeaderMap::new();
            if let Some(key) = api_key {
                headers.insert("apikey", key.parse().unwrap());
            }
            if let Some(value) = &authorization {
                headers.insert(AUTHORIZATION, value.parse().unwrap());
            }
            let outcome = match decide(&ApiKeys::of(&keys), &headers, None) {
                Access::AsSent => "as sent",
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
            decide(&ApiKeys::of(&keys), &HeaderMap::new(), Some(&query)),
            Access::AsRole("anon")
        );
    }

    #[test]
    fn a_key_is_let_in_from_its_making_to_its_revocation() {
        let keys = Keys::generate();
        let mut api_keys = ApiKeys::of(&keys);
        let access = |api_keys: &ApiKeys, key: &str| {
            let headers = HeaderMap::from_iter([(
                http::HeaderName::from_static("apikey"),
                key.parse().unwrap(),
            )]);
            decide(api_keys, &headers, None)
        };
        let new = api_keys.add(ApiKeyKind::Secret);
        for key in [&keys.secret, &new] {
            assert_eq!(access(&api_keys, key), Access::AsRole("service_role"));
        }
        api_keys.revoke(&keys.secret);
        assert_eq!(access(&api_keys, &new), Access::AsRole("service_role"));
        assert!(matches!(
            access(&api_keys, &keys.secret),
            Access::Denied { .. }
        ));
        let public = api_keys.add(ApiKeyKind::Publishable);
        assert_eq!(access(&api_keys, &public), Access::AsRole("anon"));
    }

    #[test]
    fn legacy_keys_are_refused_while_they_are_switched_off() {
        let keys = Keys::generate();
        let mut api_keys = ApiKeys::of(&keys);
        let access = |api_keys: &ApiKeys, key: &str| {
            let query = format!("apikey={key}");
            decide(api_keys, &HeaderMap::new(), Some(&query))
        };
        api_keys.switch_legacy(false);
        for key in [&keys.legacy_service_role, &keys.legacy_anon] {
            let Access::Denied { message, hint } = access(&api_keys, key) else {
                panic!("a key that is switched off was let in");
            };
            assert_eq!(message, "Legacy API keys are disabled");
            assert!(hint.contains("were disabled on 20"), "{hint}");
        }
        for (key, role) in [(&keys.secret, "service_role"), (&keys.publishable, "anon")] {
            assert_eq!(access(&api_keys, key), Access::AsRole(role));
        }
        api_keys.switch_legacy(true);
        assert_eq!(access(&api_keys, &keys.legacy_anon), Access::AsRole("anon"));
    }
}
