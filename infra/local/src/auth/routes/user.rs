//! The signed-in user's own record.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Query, State};
use bytes::Bytes;
use http::HeaderMap;
use serde::Deserialize;
use serde_json::Value;

use super::body::{parameters, refuse_pkce};
use crate::auth::caller::{Caller, signed_in};
use crate::auth::errors::Refusal;
use crate::auth::mails::{SentMail, redirect_of};
use crate::auth::pages;
use crate::auth::store::Transaction;
use crate::auth::time::Time;
use crate::auth::users::{AUTHENTICATED, Metadata, User, email_identity, merge};
use crate::auth::{AuthServer, email, passwords};

#[derive(Debug, Deserialize)]
pub(super) struct UserChange {
    email: Option<String>,
    phone: Option<String>,
    password: Option<String>,
    data: Option<Metadata>,
    app_metadata: Option<Metadata>,
    code_challenge: Option<String>,
}

/// Shows the caller.
pub(super) async fn show(
    State(auth): State<Arc<AuthServer>>,
    headers: HeaderMap,
) -> Result<Json<Value>, Refusal> {
    let database = auth.begin().await?;
    let caller = signed_in(&auth.keys, &headers, &database).await?;
    if caller.claims["aud"] != AUTHENTICATED {
        return Err(Refusal::invalid(
            "Token audience doesn't match request audience",
        ));
    }
    Ok(Json(caller.user.view()))
}

/// Changes metadata, password and address of the caller. A new address waits for its confirmation.
pub(super) async fn change(
    State(auth): State<Arc<AuthServer>>,
    Query(query): Query<pages::Query>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Json<Value>, Refusal> {
    let (caller, asked, new_email) = read_change(&auth, &headers, &body).await?;
    let hash = new_hash(&caller.user, asked.password.as_deref()).await?;

    let now = Time::now();
    let database = auth.begin().await?;
    let mut user = database
        .user(caller.user.id)
        .await?
        .ok_or(Refusal::UserOfTokenGone)?;
    if let Some(hash) = hash {
        user.set_password(hash);
        let this_one = caller.session.map(|session| session.id);
        database.delete_sessions(user.id, this_one).await?;
    }
    if let Some(data) = asked.data {
        merge(&mut user.raw_user_meta_data, data);
    }
    let mut mails = Vec::new();
    if let Some(email) = new_email {
        user.email_change = email;
        if user.is_anonymous {
            take_new_email(&database, &mut user, now).await?;
        } else {
            let page = redirect_of(query.get("redirect_to").map(String::as_str));
            mails = ask_for_confirmation(&mut user, page, auth.issuer()?, now);
        }
    }
    database.save_user(&mut user, now).await?;
    database.commit().await?;
    mails.into_iter().for_each(|mail| auth.send(mail));
    Ok(Json(user.view()))
}

/// Checks a change against the caller; the last value is an address that differs from today's.
async fn read_change(
    auth: &AuthServer,
    headers: &HeaderMap,
    body: &[u8],
) -> Result<(Caller, UserChange, Option<String>), Refusal> {
    let database = auth.begin().await?;
    let caller = signed_in(&auth.keys, headers, &database).await?;
    let asked: UserChange = parameters(body)?;
    let email = match asked.email.as_deref() {
        None | Some("") => None,
        Some(address) => {
            refuse_pkce(asked.code_challenge.as_deref())?;
            Some(email::parse(address)?)
        }
    };
    if asked.phone.as_ref().is_some_and(|phone| !phone.is_empty()) {
        return Err(Refusal::NotOffered("phone numbers".to_owned()));
    }
    if let Some(password) = &asked.password {
        passwords::check(password)?;
    }
    if asked.app_metadata.is_some() {
        return Err(Refusal::NotAdmin);
    }
    if caller.user.is_anonymous && asked.password.is_some() && email.is_none() {
        return Err(Refusal::PasswordWithoutEmail);
    }
    let email = email.filter(|address| address != caller.user.address());
    if let Some(address) = &email
        && database
            .email_is_taken(address, Some(caller.user.id))
            .await?
    {
        return Err(Refusal::EmailExists);
    }
    Ok((caller, asked, email))
}

/// The hash of a new password, which must differ from the old one.
async fn new_hash(user: &User, password: Option<&str>) -> Result<Option<Option<String>>, Refusal> {
    let Some(password) = password else {
        return Ok(None);
    };
    if let Some(old) = user.password_hash()
        && passwords::fits(password.to_owned(), old.to_owned()).await?
    {
        return Err(Refusal::SamePassword);
    }
    let hash = passwords::hash(password.to_owned()).await?;
    Ok(Some(Some(hash)))
}

/// Both addresses get a mail; without confirmed sign-ups one confirmation is enough.
fn ask_for_confirmation(
    user: &mut User,
    page: Option<&str>,
    issuer: &str,
    now: Time,
) -> Vec<SentMail> {
    let to = |address: &str| SentMail::new("email_change", address, user.id, page, issuer);
    let new = to(&user.email_change);
    let current = (!user.address().is_empty()).then(|| to(user.address()));
    user.email_change_token_new.clone_from(&new.token_hash);
    if let Some(current) = &current {
        user.email_change_token_current
            .clone_from(&current.token_hash);
    }
    user.email_change_confirm_status = 0;
    user.email_change_sent_at = Some(now);
    [Some(new), current].into_iter().flatten().collect()
}

/// Makes the address in `email_change` the user's own, in the identity too; the caller saves the user.
pub(super) async fn take_new_email(
    database: &Transaction,
    user: &mut User,
    now: Time,
) -> Result<(), Refusal> {
    let data = email_identity(user.id, &user.email_change, true);
    database.put_email_identity(user, data, now).await?;
    user.take_new_email(now);
    Ok(())
}
