//! Sign-in on another's page. The page is GitHub's in name: it lists the accounts that are here, and takes people at their
//! word.

use std::sync::Arc;

use axum::extract::{Query, State};
use axum::response::{Html, IntoResponse as _, Response};
use http::StatusCode;
use http::header::LOCATION;
use serde::Deserialize;

use crate::auth::errors::Refusal;
use crate::auth::mails::{SITE_URL, redirect_of};
use crate::auth::pkce::ChallengeAsked;
use crate::auth::store::UsersAsked;
use crate::auth::time::Time;
use crate::auth::{AuthServer, email};

/// The only one.
pub(super) const PROVIDER: &str = "github";

#[derive(Debug, Deserialize)]
pub(super) struct Asked {
    #[serde(default)]
    provider: String,
    redirect_to: Option<String>,
    /// The account that was chosen on the page.
    email: Option<String>,
    #[serde(flatten)]
    pkce: ChallengeAsked,
}

/// Leads to the provider's page.
pub(super) async fn authorize(
    State(auth): State<Arc<AuthServer>>,
    Query(asked): Query<Asked>,
) -> Result<Html<String>, Refusal> {
    if asked.provider != PROVIDER || !auth.settings.other_sign_in {
        return Err(Refusal::invalid(
            "Unsupported provider: provider is not enabled",
        ));
    }
    let Some(challenge) = asked.pkce.challenge()? else {
        return Err(Refusal::NotOffered("sign-in without PKCE".to_owned()));
    };
    let everybody = UsersAsked {
        offset: 0,
        limit: 100,
        oldest_first: true,
        filter: String::new(),
    };
    let people = auth.begin().await?.users(&everybody).await?;
    let accounts: String = people
        .users
        .iter()
        .map(|user| {
            let query = url::form_urlencoded::Serializer::new(String::new())
                .append_pair("email", user.address())
                .append_pair(
                    "redirect_to",
                    asked.redirect_to.as_deref().unwrap_or(SITE_URL),
                )
                .extend_pairs(challenge.parameters())
                .finish();
            // An address that `email::parse` has taken holds no markup but `&`, and the query is percent-encoded.
            let shown = user.address().replace('&', "&amp;");
            format!(
                "<p><a href=\"callback?{}\">{shown}</a>",
                query.replace('&', "&amp;")
            )
        })
        .collect();
    Ok(Html(format!(
        "<!doctype html><html lang=\"en\"><title>Stand-in of GitHub</title><h1>Continue as</h1>{accounts}"
    )))
}

/// The provider's answer: leads back to the application with a code.
pub(super) async fn callback(
    State(auth): State<Arc<AuthServer>>,
    Query(asked): Query<Asked>,
) -> Result<Response, Refusal> {
    let address = email::parse(asked.email.as_deref().unwrap_or_default())?;
    let challenge = asked.pkce.challenge()?.ok_or(Refusal::FlowNotFound)?;
    let known = auth.begin().await?.user_by_email(&address).await?;
    let user = known.ok_or(Refusal::UserNotFound)?;
    auth.flows.begin(user.id, challenge, Time::now());
    let code = auth.flows.code(user.id)?;
    let page = redirect_of(asked.redirect_to.as_deref()).unwrap_or(SITE_URL);
    let joint = if page.contains('?') { '&' } else { '?' };
    let target = format!("{page}{joint}code={code}");
    Ok((StatusCode::FOUND, [(LOCATION, target)]).into_response())
}
