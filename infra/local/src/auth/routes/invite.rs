//! Mails with links: invitations, recoveries, and links that an administrator asks for.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Query, State};
use bytes::Bytes;
use serde::Deserialize;
use serde_json::{Value, json};

use super::body::parameters;
use super::sign_up::{insert_with_identity, random_password};
use crate::auth::errors::Refusal;
use crate::auth::mails::{SentMail, redirect_of};
use crate::auth::pages;
use crate::auth::pkce::{Challenge, ChallengeAsked};
use crate::auth::store::Transaction;
use crate::auth::time::Time;
use crate::auth::users::{Metadata, User, merge};
use crate::auth::{AuthServer, email, passwords};

#[derive(Debug, Deserialize)]
pub(super) struct LinkAsked {
    #[serde(rename = "type")]
    kind: Option<String>,
    pub(super) email: Option<String>,
    password: Option<String>,
    data: Option<Metadata>,
    redirect_to: Option<String>,
    #[serde(flatten)]
    pub(super) pkce: ChallengeAsked,
}

/// Invites a new user, or once more a user who has not come yet.
pub(super) async fn invite(
    State(auth): State<Arc<AuthServer>>,
    Query(query): Query<pages::Query>,
    body: Bytes,
) -> Result<Json<Value>, Refusal> {
    let asked: LinkAsked = parameters(&body)?;
    let page = redirect_of(query.get("redirect_to").map(String::as_str));
    let (user, mail) = make_link(&auth, "invite", &asked, page, None).await?;
    auth.send(mail);
    Ok(Json(user.view()))
}

/// Mails a link to a user who has forgotten the password. The answer does not tell whether the user exists.
pub(super) async fn recover(
    State(auth): State<Arc<AuthServer>>,
    Query(query): Query<pages::Query>,
    body: Bytes,
) -> Result<Json<Value>, Refusal> {
    let asked: LinkAsked = parameters(&body)?;
    if asked.email.as_deref().unwrap_or_default().is_empty() {
        return Err(Refusal::invalid("Password recovery requires an email"));
    }
    let challenge = asked.pkce.challenge()?;
    let page = redirect_of(query.get("redirect_to").map(String::as_str));
    match make_link(&auth, "recovery", &asked, page, challenge).await {
        Ok((_, mail)) => auth.send(mail),
        Err(Refusal::UserNotFound) => {}
        Err(refusal) => return Err(refusal),
    }
    Ok(Json(json!({})))
}

/// Hands a link to the administrator instead of mailing it.
pub(super) async fn generate_link(
    State(auth): State<Arc<AuthServer>>,
    Query(query): Query<pages::Query>,
    body: Bytes,
) -> Result<Json<Value>, Refusal> {
    let asked: LinkAsked = parameters(&body)?;
    let kind = match asked.kind.as_deref().unwrap_or_default() {
        "signup" => "signup",
        "invite" => "invite",
        "magiclink" => "magiclink",
        "recovery" => "recovery",
        other @ ("email_change_current" | "email_change_new") => {
            return Err(Refusal::NotOffered(format!("links of type {other}")));
        }
        other => {
            return Err(Refusal::invalid(format!(
                "Invalid email action link type requested: {other}"
            )));
        }
    };
    let in_query = query.get("redirect_to").map(String::as_str);
    let page = redirect_of(asked.redirect_to.as_deref().or(in_query));
    let (user, mail) = make_link(&auth, kind, &asked, page, None).await?;
    let mut answer = user.view();
    for (name, value) in [
        ("action_link", mail.action_link),
        ("email_otp", mail.token),
        ("hashed_token", mail.token_hash),
        ("verification_type", mail.kind.to_owned()),
        ("redirect_to", mail.redirect_to),
    ] {
        answer[name] = json!(value);
    }
    Ok(Json(answer))
}

/// Finds or makes the user, and keeps the link's token with it. With a challenge the link belongs to a PKCE flow.
pub(super) async fn make_link(
    auth: &AuthServer,
    kind: &'static str,
    asked: &LinkAsked,
    page: Option<&str>,
    challenge: Option<Challenge>,
) -> Result<(User, SentMail), Refusal> {
    let address = email::parse(asked.email.as_deref().unwrap_or_default())?;
    let now = Time::now();
    let known = auth.begin().await?.user_by_email(&address).await?;
    let (kind, hash) = plan_link(kind, known.as_ref(), asked.password.as_deref())?;
    let hash = match hash {
        Some(password) => Some(passwords::hash(password).await?),
        None => None,
    };
    let database = auth.begin().await?;
    let known = database.user_by_email(&address).await?;
    let mut user = match known {
        Some(user) => user,
        None => insert(&database, &address, kind, hash, asked, now).await?,
    };
    if kind == "signup" {
        let data = asked.data.clone().unwrap_or_default();
        merge(&mut user.raw_user_meta_data, data);
    }
    let mut mail = SentMail::new(kind, &address, user.id, page, auth.issuer()?);
    if let Some(challenge) = challenge {
        auth.flows.begin(user.id, challenge, now);
        mail = mail.of_pkce();
    }
    keep_token(&mut user, &mail, now);
    database.save_user(&mut user, now).await?;
    database.commit().await?;
    Ok((user, mail))
}

/// The kind of link that the user can get, and a new user's password where one is needed.
fn plan_link(
    kind: &'static str,
    known: Option<&User>,
    password: Option<&str>,
) -> Result<(&'static str, Option<String>), Refusal> {
    match (kind, known) {
        ("invite" | "signup", Some(user)) if user.email_confirmed_at.is_some() => {
            Err(Refusal::EmailExists)
        }
        ("recovery", None) => Err(Refusal::UserNotFound),
        ("magiclink", None) => Ok(("signup", Some(random_password()))),
        ("signup", None) => {
            let password = password.unwrap_or_default();
            if password.is_empty() {
                return Err(Refusal::invalid("Signup requires a valid password"));
            }
            passwords::check(password)?;
            Ok((kind, Some(password.to_owned())))
        }
        _ => Ok((kind, None)),
    }
}

async fn insert(
    database: &Transaction,
    address: &str,
    kind: &str,
    hash: Option<String>,
    asked: &LinkAsked,
    now: Time,
) -> Result<User, Refusal> {
    if kind == "recovery" {
        return Err(Refusal::UserNotFound);
    }
    let data = asked.data.clone().unwrap_or_default();
    let mut user = User::with_email(address, data, now);
    user.encrypted_password = Some(hash.unwrap_or_default());
    insert_with_identity(database, &user, now).await
}

fn keep_token(user: &mut User, mail: &SentMail, now: Time) {
    match mail.kind {
        "recovery" | "magiclink" => {
            user.recovery_token.clone_from(&mail.token_hash);
            user.recovery_sent_at = Some(now);
        }
        _ => {
            user.confirmation_token.clone_from(&mail.token_hash);
            user.confirmation_sent_at = Some(now);
        }
    }
    if mail.kind == "invite" {
        user.invited_at = Some(now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_depend_on_whether_the_user_is_there() {
        let mut user = User::with_email("a@b.org", Metadata::new(), Time::now());
        let kind = |kind, user: Option<&User>, password| {
            plan_link(kind, user, password).map(|(kind, password)| (kind, password.is_some()))
        };
        assert!(matches!(kind("invite", None, None), Ok(("invite", false))));
        assert!(matches!(
            kind("magiclink", None, None),
            Ok(("signup", true))
        ));
        assert!(kind("signup", None, None).is_err());
        assert!(matches!(
            kind("recovery", None, None),
            Err(Refusal::UserNotFound)
        ));
        assert!(kind("invite", Some(&user), None).is_ok());
        user.confirm(Time::now());
        assert!(matches!(
            kind("invite", Some(&user), None),
            Err(Refusal::EmailExists)
        ));
        assert!(matches!(
            kind("magiclink", Some(&user), None),
            Ok(("magiclink", false))
        ));
    }
}
