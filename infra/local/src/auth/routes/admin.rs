//! The admin API of users, for servers with the secret key.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, Query, State};
use bytes::Bytes;
use http::HeaderMap;
use jiff::SignedDuration;
use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;

use super::body::parameters;
use super::sign_up::{insert_with_identity, random_password};
use crate::auth::errors::Refusal;
use crate::auth::pages::{self, Page};
use crate::auth::store::Transaction;
use crate::auth::time::{Time, parse_duration};
use crate::auth::users::{AUTHENTICATED, Metadata, User, email_identity, merge};
use crate::auth::{AuthServer, email, passwords};

#[derive(Debug, Deserialize)]
pub(super) struct Asked {
    id: Option<String>,
    role: Option<String>,
    email: Option<String>,
    phone: Option<String>,
    password: Option<String>,
    password_hash: Option<String>,
    email_confirm: Option<bool>,
    user_metadata: Option<Metadata>,
    app_metadata: Option<Metadata>,
    ban_duration: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Removal {
    should_soft_delete: bool,
}

/// Lists users, the newest first. As with GoTrue, a list has no identities.
pub(super) async fn list(
    State(auth): State<Arc<AuthServer>>,
    Query(query): Query<pages::Query>,
) -> Result<(HeaderMap, Json<Value>), Refusal> {
    let page = Page::parse(&query)?;
    let found = auth.begin().await?.users(&page.asked(&query)?).await?;
    let users: Vec<Value> = found.users.iter().map(User::view).collect();
    let body = json!({ "users": users, "aud": AUTHENTICATED });
    Ok((page.headers(&query, found.total), Json(body)))
}

/// Shows one user.
pub(super) async fn show(
    State(auth): State<Arc<AuthServer>>,
    Path(id): Path<String>,
) -> Result<Json<Value>, Refusal> {
    let user = find(&auth.begin().await?, &id).await?;
    Ok(Json(user.view()))
}

/// Makes a user. Without a password nobody knows the one that it gets.
pub(super) async fn create(
    State(auth): State<Arc<AuthServer>>,
    body: Bytes,
) -> Result<Json<Value>, Refusal> {
    let asked: Asked = parameters(&body)?;
    let address = asked.email.as_deref().unwrap_or_default();
    refuse_phone(&asked)?;
    if address.is_empty() {
        return Err(Refusal::invalid(
            "Cannot create a user without either an email or phone",
        ));
    }
    let address = email::parse(address)?;
    if auth.begin().await?.email_is_taken(&address, None).await? {
        return Err(Refusal::EmailExists);
    }
    let now = Time::now();
    let data = asked.user_metadata.clone().unwrap_or_default();
    let mut user = User::with_email(&address, data, now);
    user.encrypted_password = Some(first_hash(&asked).await?);
    if let Some(id) = asked.id.as_deref().filter(|id| !id.is_empty()) {
        user.id = id
            .parse()
            .map_err(|_| Refusal::invalid("ID must conform to the uuid v4 format"))?;
        if user.id.is_nil() {
            return Err(Refusal::invalid("ID cannot be a nil uuid"));
        }
    }
    apply(&asked, &mut user, now)?;

    let database = auth.begin().await?;
    let user = insert_with_identity(&database, &user, now)
        .await
        .map_err(|refusal| refusal.while_doing("creating new user"))?;
    database.commit().await?;
    Ok(Json(user.view()))
}

/// Changes a user. Metadata is merged key by key, and null removes a key; a new address counts at once.
pub(super) async fn change(
    State(auth): State<Arc<AuthServer>>,
    Path(id): Path<String>,
    body: Bytes,
) -> Result<Json<Value>, Refusal> {
    find(&auth.begin().await?, &id).await?;
    let asked: Asked = parameters(&body)?;
    refuse_phone(&asked)?;
    let address = match asked.email.as_deref() {
        None | Some("") => None,
        Some(address) => Some(email::parse(address)?),
    };
    let hash = match &asked.password {
        None => None,
        Some(password) => {
            passwords::check(password)?;
            Some(passwords::hash(password.clone()).await?)
        }
    };
    let now = Time::now();
    let database = auth.begin().await?;
    let mut user = find(&database, &id).await?;
    if let Some(hash) = hash {
        user.set_password(Some(hash));
        database.delete_sessions(user.id, None).await?;
    }
    if let Some(address) = address {
        let confirmed = asked.email_confirm.unwrap_or(false);
        let data = email_identity(user.id, &address, confirmed);
        database.put_email_identity(&mut user, data, now).await?;
        user.is_anonymous &= !confirmed;
        user.email = Some(address);
    }
    if let Some(data) = asked.user_metadata.clone() {
        merge(&mut user.raw_user_meta_data, data);
    }
    apply(&asked, &mut user, now)?;
    database
        .save_user(&mut user, now)
        .await
        .map_err(|refusal| refusal.while_doing("updating user"))?;
    database.commit().await?;
    Ok(Json(user.view()))
}

/// Deletes a user, or with `should_soft_delete` everything but the row.
pub(super) async fn remove(
    State(auth): State<Arc<AuthServer>>,
    Path(id): Path<String>,
    body: Bytes,
) -> Result<Json<Value>, Refusal> {
    let now = Time::now();
    let database = auth.begin().await?;
    let mut user = find(&database, &id).await?;
    let removal: Removal = if body.is_empty() {
        Removal::default()
    } else {
        parameters(&body)?
    };
    if !removal.should_soft_delete {
        database.delete_user(user.id).await?;
    } else if user.deleted_at.is_none() {
        user.delete_softly(now);
        database.delete_identities(user.id).await?;
        database.delete_sessions(user.id, None).await?;
        database.save_user(&mut user, now).await?;
    }
    database.commit().await?;
    Ok(Json(json!({})))
}

async fn find(database: &Transaction, id: &str) -> Result<User, Refusal> {
    let id: Uuid = id.parse().map_err(|_| Refusal::UserIdNotUuid)?;
    database.user(id).await?.ok_or(Refusal::UserNotFound)
}

/// Applies the parameters that mean the same for new and for known users.
fn apply(asked: &Asked, user: &mut User, now: Time) -> Result<(), Refusal> {
    if let Some(role) = asked.role.as_deref().filter(|role| !role.is_empty()) {
        role.trim().clone_into(&mut user.role);
    }
    if let Some(data) = asked.app_metadata.clone() {
        merge(&mut user.raw_app_meta_data, data);
    }
    if asked.email_confirm == Some(true) {
        user.confirm(now);
    }
    match asked.ban_duration.as_deref() {
        None | Some("") => {}
        Some("none") => user.banned_until = None,
        Some(text) => user.banned_until = banned_until(text, now)?,
    }
    Ok(())
}

fn banned_until(text: &str, now: Time) -> Result<Option<Time>, Refusal> {
    let duration = parse_duration(text)
        .ok_or_else(|| Refusal::invalid(format!("invalid format for ban duration: {text:?}")))?;
    Ok((duration != SignedDuration::ZERO).then(|| now.plus(duration)))
}

async fn first_hash(asked: &Asked) -> Result<String, Refusal> {
    let password = asked.password.clone();
    match asked
        .password_hash
        .as_deref()
        .filter(|hash| !hash.is_empty())
    {
        Some(_) if password.is_some() => Err(Refusal::invalid(
            "Only a password or a password hash should be provided",
        )),
        Some(hash) => passwords::check_hash(hash).map(|()| hash.to_owned()),
        None => {
            let password = password.filter(|password| !password.is_empty());
            passwords::hash(password.unwrap_or_else(random_password)).await
        }
    }
}

fn refuse_phone(asked: &Asked) -> Result<(), Refusal> {
    match asked.phone.as_deref() {
        None | Some("") => Ok(()),
        Some(_) => Err(Refusal::NotOffered("phone numbers".to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(body: &Value) -> Asked {
        serde_json::from_value(body.clone()).unwrap()
    }

    #[test]
    fn role_in_app_metadata_joins_what_is_there() {
        let now = Time::now();
        let mut user = User::with_email("a@b.org", Metadata::new(), now);
        let body = json!({ "app_metadata": { "role": "admin" }, "email_confirm": true });
        apply(&asked(&body), &mut user, now).unwrap();
        assert_eq!(
            json!(user.raw_app_meta_data),
            json!({ "provider": "email", "providers": ["email"], "role": "admin" })
        );
        assert!(user.email_confirmed_at.is_some());
        assert_eq!(
            json!(user.raw_user_meta_data),
            json!({ "email_verified": true })
        );
    }

    #[test]
    fn bans_begin_and_end() {
        let now = Time::now();
        let mut user = User::with_email("a@b.org", Metadata::new(), now);
        apply(&asked(&json!({ "ban_duration": "1h" })), &mut user, now).unwrap();
        assert!(user.is_banned(now));
        assert!(apply(&asked(&json!({ "ban_duration": "soon" })), &mut user, now).is_err());
        apply(&asked(&json!({ "ban_duration": "none" })), &mut user, now).unwrap();
        assert!(!user.is_banned(now));
    }
}
