//! Supabase's API keys, whose form decides which header they may travel in (pure).

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::{HeaderMap, HeaderName, HeaderValue, header};

/// Supabase's own header for API keys.
const APIKEY: HeaderName = HeaderName::from_static("apikey");

/// The kind of an API key, told by its form.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum KeyKind {
    /// `sb_secret_…`: bypasses row level security; not a JWT.
    Secret,
    /// `sb_publishable_…`: names the project; not a JWT.
    Publishable,
    /// A legacy `anon` or `service_role` JWT, which is also its own token.
    LegacyJwt,
}

/// An API key. Its text appears in no log.
#[derive(Clone, PartialEq, Eq)]
pub struct ApiKey {
    text: HeaderValue,
    kind: KeyKind,
    /// The text as a bearer token, of a legacy key.
    token: Option<HeaderValue>,
}

/// A text that is no API key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("is neither an sb_secret_… or sb_publishable_… key nor a legacy JWT")]
pub struct InvalidApiKey;

/// A text that cannot be a bearer token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("is not a token that fits into a header")]
pub struct InvalidToken;

/// A user's access token, ready for the `Authorization` header.
#[derive(Clone)]
pub struct UserToken(HeaderValue);

impl ApiKey {
    /// Reads a key.
    ///
    /// # Errors
    /// When it has none of the known forms.
    pub fn parse(text: &str) -> Result<Self, InvalidApiKey> {
        let text = text.trim();
        let has_body = |prefix| {
            text.strip_prefix(prefix)
                .is_some_and(|rest: &str| !rest.is_empty())
        };
        let kind = if has_body("sb_secret_") {
            KeyKind::Secret
        } else if has_body("sb_publishable_") {
            KeyKind::Publishable
        } else if text.split('.').count() == 3 && text.split('.').all(|part| !part.is_empty()) {
            KeyKind::LegacyJwt
        } else {
            return Err(InvalidApiKey);
        };
        if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(InvalidApiKey);
        }
        let mut value = HeaderValue::from_str(text).map_err(|_| InvalidApiKey)?;
        value.set_sensitive(true);
        let token = match kind {
            KeyKind::LegacyJwt => Some(UserToken::parse(text).map_err(|_| InvalidApiKey)?.0),
            KeyKind::Secret | KeyKind::Publishable => None,
        };
        Ok(Self {
            text: value,
            kind,
            token,
        })
    }

    pub const fn kind(&self) -> KeyKind {
        self.kind
    }

    /// The role that a legacy key says it has. Nobody has verified it: good for telling a mistake, no more.
    pub fn legacy_role(&self) -> Option<String> {
        #[derive(serde::Deserialize)]
        struct Claims {
            role: String,
        }
        if self.kind != KeyKind::LegacyJwt {
            return None;
        }
        let claims = self.text.to_str().ok()?.split('.').nth(1)?;
        let bytes = URL_SAFE_NO_PAD.decode(claims).ok()?;
        Some(serde_json::from_slice::<Claims>(&bytes).ok()?.role)
    }

    /// The key itself, for deriving others from it.
    pub(crate) fn expose(&self) -> &[u8] {
        self.text.as_bytes()
    }

    /// Sets the headers of a request made with this key, on behalf of `user` if given.
    ///
    /// Keys of the new form in `Authorization` would be refused as malformed JWTs.
    pub fn authorize(&self, user: Option<&UserToken>, headers: &mut HeaderMap) {
        headers.insert(APIKEY, self.text.clone());
        let user = user.map(|UserToken(bearer)| bearer);
        if let Some(bearer) = user.or(self.token.as_ref()) {
            headers.insert(header::AUTHORIZATION, bearer.clone());
        }
    }
}

impl UserToken {
    /// Takes a token as it came from the user (already verified, or to be verified elsewhere).
    ///
    /// # Errors
    /// When it does not fit into a header.
    pub fn parse(token: &str) -> Result<Self, InvalidToken> {
        if token.is_empty() || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(InvalidToken);
        }
        let mut bearer =
            HeaderValue::from_str(&format!("Bearer {token}")).map_err(|_| InvalidToken)?;
        bearer.set_sensitive(true);
        Ok(Self(bearer))
    }
}

impl fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ApiKey({:?})", self.kind)
    }
}

impl fmt::Debug for UserToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("UserToken")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(key: &str, user: Option<&str>) -> (Option<String>, Option<String>) {
        let mut headers = HeaderMap::new();
        let user = user.map(|token| UserToken::parse(token).unwrap());
        ApiKey::parse(key)
            .unwrap()
            .authorize(user.as_ref(), &mut headers);
        let text = |name| {
            headers
                .get(name)
                .map(|value: &HeaderValue| value.to_str().unwrap().to_owned())
        };
        (text("apikey"), text("authorization"))
    }

    #[test]
    fn new_keys_travel_in_apikey_only() {
        for key in ["sb_secret_abc", "sb_publishable_abc"] {
            assert_eq!(headers(key, None), (Some(key.to_owned()), None));
        }
    }

    #[test]
    fn legacy_keys_travel_in_both_headers() {
        assert_eq!(
            headers("a.b.c", None),
            (Some("a.b.c".to_owned()), Some("Bearer a.b.c".to_owned()))
        );
    }

    #[test]
    fn user_token_takes_the_authorization_header() {
        for key in ["sb_publishable_abc", "a.b.c"] {
            assert_eq!(
                headers(key, Some("u.s.r")),
                (Some(key.to_owned()), Some("Bearer u.s.r".to_owned()))
            );
        }
    }

    #[test]
    fn other_texts_are_no_keys() {
        for text in [
            "",
            "sb_secret_",
            "service_role",
            "a.b",
            "a..c",
            "a.b.c.d",
            "sb_secret_a b",
            "a.b\u{e9}.c",
        ] {
            assert_eq!(ApiKey::parse(text), Err(InvalidApiKey), "{text}");
        }
        for token in ["", "a b", "a\nb"] {
            assert!(UserToken::parse(token).is_err(), "{token}");
        }
    }

    #[test]
    fn debug_shows_the_kind_and_not_the_key() {
        assert_eq!(
            format!("{:?}", ApiKey::parse("sb_secret_abc").unwrap()),
            "ApiKey(Secret)"
        );
    }
}
