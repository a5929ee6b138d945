//! From a bearer token to a verified caller, or a 401 that says why.

use http::{HeaderMap, header};

use super::Problem;
use crate::supabase::jwt::{ApiCaller, TokenVerifier};
use crate::telemetry;
use crate::time::Timestamp;
use crate::user_role::UserRole;

/// The token of an `Authorization: Bearer` header.
///
/// # Errors
/// 401 when the header is missing, repeated or of another scheme.
pub fn bearer(headers: &HeaderMap) -> Result<&str, Problem> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let value = values.next().ok_or_else(Problem::token_missing)?;
    // API Gateway joins repeated headers by commas, of which no token has any.
    if values.next().is_some() || value.as_bytes().contains(&b',') {
        return Err(Problem::unauthorized(
            "token_repeated",
            "Send one Authorization header.",
        ));
    }
    let (scheme, token) = value
        .to_str()
        .ok()
        .and_then(|text| text.trim().split_once(' '))
        .ok_or_else(Problem::token_missing)?;
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Err(Problem::token_missing());
    }
    Ok(token.trim_start())
}

/// The caller of a request. Its log lines name the caller from now on.
///
/// # Errors
/// 401 with the reason, or 503 when the keys that would decide are not to be had.
pub async fn authenticate(
    verifier: &TokenVerifier,
    headers: &HeaderMap,
    now: Timestamp,
) -> Result<ApiCaller, Problem> {
    let caller = verifier.verify(bearer(headers)?, now).await?;
    telemetry::note_user(&caller.sub);
    Ok(caller)
}

/// Lets everybody pass who has an account. The database lets anonymous users in or not; this is for requests that do
/// not ask it in the caller's name.
///
/// # Errors
/// 403 for anonymous users.
pub fn require_account(caller: &ApiCaller) -> Result<(), Problem> {
    match caller.user_role {
        UserRole::Anonymous => Err(Problem::anonymous_user()),
        _ => Ok(()),
    }
}

/// Lets only administrators pass.
///
/// # Errors
/// 403 for everybody else.
pub fn require_admin(caller: &ApiCaller) -> Result<(), Problem> {
    require_account(caller)?;
    if caller.user_role.is_admin() {
        return Ok(());
    }
    Err(Problem::forbidden("Only administrators may do that."))
}

/// Lets everybody pass who may write anything.
///
/// # Errors
/// 403 for readers.
pub fn require_writer(caller: &ApiCaller) -> Result<(), Problem> {
    require_account(caller)?;
    if caller.user_role.writes() {
        return Ok(());
    }
    Err(Problem::forbidden(
        "You have the role `reader`, which writes nothing. An administrator can give you another one.",
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(values: &[&str]) -> Result<String, &'static str> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(header::AUTHORIZATION, value.parse().unwrap());
        }
        bearer(&headers)
            .map(str::to_owned)
            .map_err(|problem| problem.code())
    }

    #[test]
    fn only_one_bearer_header_is_taken() {
        assert_eq!(code(&["Bearer a.b.c"]), Ok("a.b.c".to_owned()));
        assert_eq!(code(&["bearer a.b.c"]), Ok("a.b.c".to_owned()));
        for values in [&[][..], &["Basic a"], &["Bearer"], &[""]] {
            assert_eq!(code(values), Err("token_missing"), "{values:?}");
        }
        for values in [&["Bearer a", "Bearer b"][..], &["Bearer a,Bearer b"]] {
            assert_eq!(code(values), Err("token_repeated"), "{values:?}");
        }
    }
}
