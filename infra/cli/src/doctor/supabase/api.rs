//! Calls to the project's gateway, each of which reads only.

use media_sync::supabase::ApiKey;
use reqwest::RequestBuilder;
use reqwest::header::HeaderMap;
use serde_json::Value;

use super::super::http::{ProbeAnswer, ProbeSilence, ask, send};
use super::super::{ProbeResult, SkipReason};
use crate::configuration::{ConfigurationValues, SUPABASE_SECRET_KEY, SUPABASE_URL};

/// A project's address and keys.
#[derive(Debug)]
pub(in super::super) struct Project<'a> {
    settings: &'a ConfigurationValues,
    http: &'a reqwest::Client,
}

/// The administrators among the users.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UserCensus {
    /// Users that were looked at.
    pub users: usize,
    /// True when there are more.
    pub cut: bool,
    /// Users with the role in `app_metadata`.
    pub administrators: usize,
    /// Ids of users with the role in `user_metadata` only, which counts for nothing.
    pub misplaced: Vec<String>,
}

impl<'a> Project<'a> {
    pub(in super::super) fn new(
        settings: &'a ConfigurationValues,
        http: &'a reqwest::Client,
    ) -> Self {
        Self { settings, http }
    }

    /// Without a slash at its end.
    pub(in super::super) fn url(&self) -> ProbeResult<&'a str> {
        Ok(address(self.settings)?.trim_end_matches('/'))
    }

    fn get(&self, path: &str) -> ProbeResult<RequestBuilder> {
        Ok(self.http.get(format!("{}{path}", self.url()?)))
    }

    /// With the headers that the functions send for this key.
    fn with_key(&self, request: RequestBuilder, name: &str) -> ProbeResult<RequestBuilder> {
        let key = ApiKey::parse(needed(self.settings, name)?)
            .map_err(|error| SkipReason::because(format!("{name} {error} (sb-keys)")))?;
        let mut headers = HeaderMap::new();
        key.authorize(None, &mut headers);
        Ok(request.headers(headers))
    }
}

/// The gateway refuses a call without a key: that it does is the sign of life.
pub(super) async fn reach(project: &Project<'_>) -> ProbeResult<Result<ProbeAnswer, ProbeSilence>> {
    Ok(send(project.get("/rest/v1/")?).await)
}

/// Reads no row. Only a refusal by the gateway itself matters, not one by the database.
pub(super) async fn ask_with_key(project: &Project<'_>, name: &str) -> ProbeResult<ProbeAnswer> {
    let request = project.get("/rest/v1/media_assets?select=asset_id&limit=0")?;
    ask("the Data API", project.with_key(request, name)?).await
}

pub(in super::super) async fn health(project: &Project<'_>) -> ProbeResult<ProbeAnswer> {
    let request = project.get("/rest/v1/rpc/media_sync_health")?;
    ask(
        "the Data API",
        project.with_key(request, SUPABASE_SECRET_KEY)?,
    )
    .await
}

/// Reads rows by a table with a query.
pub(in super::super) async fn rows(project: &Project<'_>, query: &str) -> ProbeResult<ProbeAnswer> {
    let request = project.get(&format!("/rest/v1/{query}"))?;
    ask(
        "the Data API",
        project.with_key(request, SUPABASE_SECRET_KEY)?,
    )
    .await
}

pub(super) async fn key_set(project: &Project<'_>) -> ProbeResult<ProbeAnswer> {
    ask("Auth", project.get("/auth/v1/.well-known/jwks.json")?).await
}

/// Page by page until an administrator is found.
pub(super) async fn users(project: &Project<'_>) -> ProbeResult<UserCensus> {
    const PAGES: usize = 20;
    const PAGE: usize = 500;
    let mut census = UserCensus::default();
    for page in 1..=PAGES {
        let request = project.get(&format!("/auth/v1/admin/users?page={page}&per_page={PAGE}"))?;
        let answer = ask("Auth", project.with_key(request, SUPABASE_SECRET_KEY)?).await?;
        let Some(users) = answer.body.get("users").and_then(Value::as_array) else {
            return Err(SkipReason::because(format!(
                "Auth refuses to list users: {}",
                answer.message()
            )));
        };
        census.count(users);
        if census.administrators > 0 || users.len() < PAGE {
            return Ok(census);
        }
    }
    census.cut = true;
    Ok(census)
}

impl UserCensus {
    fn count(&mut self, users: &[Value]) {
        let role = |user: &Value, metadata: &str| {
            user.pointer(&format!("/{metadata}/role"))
                .and_then(Value::as_str)
                == Some("admin")
        };
        self.users += users.len();
        for user in users {
            if role(user, "app_metadata") {
                self.administrators += 1;
            } else if role(user, "user_metadata") {
                let id = user.get("id").and_then(Value::as_str).unwrap_or_default();
                self.misplaced.push(id.to_owned());
            }
        }
    }
}

/// The setting's value, or the skip that asks for it.
fn needed<'a>(settings: &'a ConfigurationValues, name: &str) -> ProbeResult<&'a str> {
    settings.get(name).ok_or_else(|| SkipReason::needs(name))
}

fn address(settings: &ConfigurationValues) -> ProbeResult<&str> {
    needed(settings, SUPABASE_URL)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_metadata_of_the_server_makes_an_administrator() {
        let mut census = UserCensus::default();
        census.count(&[
            json!({"id": "a", "app_metadata": {"role": "admin"}, "user_metadata": {"role": "admin"}}),
            json!({"id": "b", "app_metadata": {"role": "owner"}, "user_metadata": {"role": "admin"}}),
            json!({"id": "c"}),
        ]);
        let expected = UserCensus {
            users: 3,
            cut: false,
            administrators: 1,
            misplaced: vec!["b".to_owned()],
        };
        assert_eq!(census, expected);
    }
}
