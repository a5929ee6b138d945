//! Sign-in by a mail: six digits to type in, and a link.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Query, State};
use bytes::Bytes;
use serde::Deserialize;
use serde_json::{Value, json};

use super::body::parameters;
use super::invite::{LinkAsked, make_link};
use crate::auth::errors::Refusal;
use crate::auth::mails::redirect_of;
use crate::auth::{AuthServer, email, pages};

#[derive(Debug, Deserialize)]
struct OtpAsked {
    phone: Option<String>,
    create_user: Option<bool>,
    #[serde(flatten)]
    link: LinkAsked,
}

/// Mails digits and a link to a user, and to a new one unless the request forbids to make one.
pub(super) async fn send(
    State(auth): State<Arc<AuthServer>>,
    Query(query): Query<pages::Query>,
    body: Bytes,
) -> Result<Json<Value>, Refusal> {
    let asked: OtpAsked = parameters(&body)?;
    let address = asked.link.email.as_deref().unwrap_or_default();
    let by_phone = asked.phone.is_some_and(|phone| !phone.is_empty());
    match (address.is_empty(), by_phone) {
        (false, true) => {
            return Err(Refusal::invalid(
                "Only an email address or phone number should be provided",
            ));
        }
        (true, true) => return Err(Refusal::PhoneDisabled("logins")),
        (true, false) => return Err(Refusal::invalid("One of email or phone must be set")),
        (false, false) => {}
    }
    let challenge = asked.link.pkce.challenge()?;
    let address = email::parse(address)?;
    let known = auth.begin().await?.user_by_email(&address).await?;
    if known.is_none() && !asked.create_user.unwrap_or(true) {
        return Err(Refusal::OtpDisabled);
    }
    if known.is_none() && auth.settings.sign_up_disabled {
        return Err(Refusal::SignUpDisabled);
    }
    let page = redirect_of(query.get("redirect_to").map(String::as_str));
    let (_, mail) = make_link(&auth, "magiclink", &asked.link, page, challenge).await?;
    auth.send(mail);
    Ok(Json(json!({})))
}
