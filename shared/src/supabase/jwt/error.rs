//! Reasons to refuse a token.

/// Reasons why a token is refused.
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    #[error("the token is longer than 8 KB")]
    TooLarge,
    #[error("the token is not a JWT")]
    Malformed,
    #[error("an API key is not a token: send the access token of a signed-in user")]
    ApiKey,
    #[error("the token is signed by an algorithm that is not accepted")]
    Algorithm,
    #[error("the token is signed by an unknown key")]
    UnknownKey,
    #[error("the token's signature is wrong")]
    Signature,
    #[error("the token has expired")]
    Expired,
    #[error("the token is not valid yet")]
    NotYetValid,
    #[error("the token is meant for another audience")]
    Audience,
    #[error("the token was issued by somebody else")]
    Issuer,
    #[error("a claim of the token is of another kind than Supabase Auth writes")]
    Claims,
    #[error("the token is a service's, not a user's")]
    Role,
    #[error("the token names no user")]
    Subject,
    /// Our fault or the project's, not the caller's.
    #[error("the keys that verify tokens could not be fetched")]
    KeysUnavailable(#[source] Option<reqwest::Error>),
}

impl TokenError {
    /// A stable word for the problem document.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::TooLarge => "token_too_large",
            Self::Malformed => "token_malformed",
            Self::ApiKey => "token_is_api_key",
            Self::Algorithm => "token_algorithm",
            Self::UnknownKey => "token_key_unknown",
            Self::Signature => "token_signature",
            Self::Expired => "token_expired",
            Self::NotYetValid => "token_not_yet_valid",
            Self::Audience => "token_audience",
            Self::Issuer => "token_issuer",
            Self::Claims => "token_claims",
            Self::Role => "token_role",
            Self::Subject => "token_subject",
            Self::KeysUnavailable(_) => "token_keys_unavailable",
        }
    }

    /// Tells whether the same token may be accepted later.
    pub const fn is_transient(&self) -> bool {
        matches!(self, Self::KeysUnavailable(_))
    }
}
