//! New users: by their own sign-up, without credentials, by an invitation or by an administrator.

use std::sync::Arc;

use axum::extract::State;
use bytes::Bytes;
use rand::Rng as _;
use serde::Deserialize;
use uuid::Uuid;

use super::body::parameters;
use crate::auth::errors::Refusal;
use crate::auth::store::Transaction;
use crate::auth::time::Time;
use crate::auth::tokens::{SessionAnswer, begin_session};
use crate::auth::users::{Metadata, User, email_identity};
use crate::auth::{AuthServer, email, passwords};

#[derive(Debug, Deserialize)]
pub(super) struct SignUp {
    email: Option<String>,
    phone: Option<String>,
    password: Option<String>,
    data: Option<Metadata>,
}

/// Signs up by e-mail and password, or anonymously when neither an address nor a number is given.
pub(super) async fn sign_up(
    State(auth): State<Arc<AuthServer>>,
    body: Bytes,
) -> Result<SessionAnswer, Refusal> {
    let asked: SignUp = parameters(&body)?;
    let given = |text: &Option<String>| text.as_ref().is_some_and(|text| !text.is_empty());
    let anonymous = !given(&asked.email) && !given(&asked.phone);
    if anonymous && !auth.settings.anonymous_sign_ins {
        return Err(Refusal::AnonymousDisabled);
    }
    if auth.settings.sign_up_disabled {
        return Err(Refusal::SignUpDisabled);
    }
    if anonymous {
        return sign_up_anonymously(&auth, asked.data.unwrap_or_default()).await;
    }
    let password = asked.password.unwrap_or_default();
    if password.is_empty() {
        return Err(Refusal::invalid("Signup requires a valid password"));
    }
    passwords::check(&password)?;
    let email = match (asked.email, given(&asked.phone)) {
        (Some(email), false) => email::parse(&email)?,
        (Some(email), true) if !email.is_empty() => {
            let message =
                "Only an email address or phone number should be provided on signup.".to_owned();
            return Err(Refusal::Invalid(message));
        }
        _ => return Err(Refusal::PhoneDisabled("signups")),
    };
    let hash = passwords::hash(password).await?;
    sign_up_by_email(&auth, &email, hash, asked.data.unwrap_or_default()).await
}

/// Confirms the address at once, as the Supabase CLI's projects do.
async fn sign_up_by_email(
    auth: &AuthServer,
    email: &str,
    hash: String,
    data: Metadata,
) -> Result<SessionAnswer, Refusal> {
    let now = Time::now();
    let database = auth.begin().await?;
    let mut user = match database.user_by_email(email).await? {
        Some(user) if user.email_confirmed_at.is_some() => return Err(Refusal::AlreadyRegistered),
        // Nothing says that it is the same person: neither password nor metadata is taken over.
        Some(user) => user,
        None if database.email_is_taken(email, None).await? => {
            return Err(Refusal::AlreadyRegistered);
        }
        None => {
            let mut user = User::with_email(email, Metadata::new(), now);
            user.encrypted_password = Some(hash);
            user.raw_user_meta_data = Some(profile(user.id, email, data));
            insert_with_identity(&database, &user, now).await?
        }
    };
    user.confirm(now);
    let answer = begin_session(auth, &database, &mut user, "password", now).await?;
    database.commit().await?;
    Ok(answer)
}

/// A sign-up's metadata: the identity's data, and whatever else the user brought. Null is nothing.
fn profile(id: Uuid, email: &str, data: Metadata) -> Metadata {
    let mut profile = email_identity(id, email, false);
    for (key, value) in data {
        if !value.is_null() {
            profile.entry(key).or_insert(value);
        }
    }
    profile
}

async fn sign_up_anonymously(auth: &AuthServer, data: Metadata) -> Result<SessionAnswer, Refusal> {
    let now = Time::now();
    let database = auth.begin().await?;
    let mut user = User::new(Uuid::new_v4(), now);
    user.is_anonymous = true;
    user.raw_user_meta_data = Some(data);
    let mut user = database.insert_user(&user).await?;
    let answer = begin_session(auth, &database, &mut user, "anonymous", now).await?;
    database.commit().await?;
    Ok(answer)
}

/// Writes a new user with an address, and the identity by e-mail.
pub(super) async fn insert_with_identity(
    database: &Transaction,
    user: &User,
    now: Time,
) -> Result<User, Refusal> {
    let mut user = database.insert_user(user).await?;
    let data = email_identity(user.id, user.address(), false);
    database.put_email_identity(&mut user, data, now).await?;
    Ok(user)
}

/// A password that nobody knows: the user is to choose another one.
pub(super) fn random_password() -> String {
    rand::rng()
        .sample_iter(rand::distr::Alphanumeric)
        .take(64)
        .map(char::from)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    #[test]
    fn profile_cannot_claim_a_verified_address() {
        let data = json!({ "name": "Ada", "email_verified": true, "empty": null });
        let id = Uuid::new_v4();
        let profile = profile(id, "a@b.org", data.as_object().cloned().unwrap());
        assert_eq!(
            Value::Object(profile),
            json!({
                "sub": id, "email": "a@b.org", "email_verified": false, "phone_verified": false, "name": "Ada"
            })
        );
    }
}
