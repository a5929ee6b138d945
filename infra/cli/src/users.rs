//! Users of Supabase Auth and their role, through the admin API.

use http::{Method, StatusCode};
use media_sync::supabase::ApiKey;
use media_sync::user_role::UserRole;
use reqwest::{Request, RequestBuilder};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};
use url::Url;

use crate::exit::Exit;
use crate::failure::{Failure, chain};
use crate::services::SECRET_KEY_MEND;

const PAGE: usize = 200;

/// A user, as far as administration needs one.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct ProjectUser {
    /// A UUID.
    pub id: String,
    /// Absent for anonymous users and those with a phone number only.
    #[serde(default)]
    pub email: Option<String>,
    /// When the user proved the address, or nobody has yet.
    #[serde(default)]
    pub email_confirmed_at: Option<String>,
    /// Absent before the first sign-in.
    #[serde(default)]
    pub last_sign_in_at: Option<String>,
    /// Written by servers only: permissions live here.
    #[serde(default)]
    pub app_metadata: Option<Map<String, Value>>,
    /// The user writes it, so it permits nothing.
    #[serde(default)]
    pub user_metadata: Option<Map<String, Value>>,
}

impl ProjectUser {
    /// The role that the next token gives.
    pub fn role(&self) -> UserRole {
        role_in(self.app_metadata.as_ref())
    }

    /// True when the next token makes the user an administrator.
    pub fn is_admin(&self) -> bool {
        self.role().is_admin()
    }

    /// True when the role stands where it has no effect.
    pub fn claims_to_be_admin(&self) -> bool {
        role_in(self.user_metadata.as_ref()).is_admin() && !self.is_admin()
    }

    /// True when somebody has proved to own the address.
    pub fn is_confirmed(&self) -> bool {
        self.email_confirmed_at.is_some()
    }

    /// The address, or the id where there is none.
    pub fn name(&self) -> &str {
        match self.email.as_deref() {
            None | Some("") => &self.id,
            Some(email) => email,
        }
    }

    /// True for the user's address, in any case of letters, and for the user's id.
    pub fn is_called(&self, name: &str) -> bool {
        let name = name.trim().to_lowercase();
        let own = self.email.as_deref().unwrap_or_default().to_lowercase();
        !name.is_empty() && (own == name || self.id == name)
    }
}

fn role_in(metadata: Option<&Map<String, Value>>) -> UserRole {
    UserRole::parse(metadata.and_then(|data| data.get("role")?.as_str()))
}

/// The admin API of a project's Auth.
#[derive(Debug, Clone)]
pub struct ProjectUsers {
    base: String,
    key: ApiKey,
    http: reqwest::Client,
}

impl ProjectUsers {
    /// The users of the project at `url`.
    pub fn new(url: &Url, key: ApiKey, http: reqwest::Client) -> Self {
        let base = format!("{}/auth/v1", url.as_str().trim_end_matches('/'));
        Self { base, key, http }
    }

    /// Reads all users, page by page.
    ///
    /// # Errors
    /// When Auth does not answer or refuses.
    pub async fn all(&self) -> Result<Vec<ProjectUser>, Failure> {
        #[derive(Deserialize)]
        struct Page {
            users: Vec<ProjectUser>,
        }
        let mut users: Vec<ProjectUser> = Vec::new();
        for page in 1_usize.. {
            let query = format!("/admin/users?page={page}&per_page={PAGE}&sort=created_at%20asc");
            let page: Page = self
                .call("list the users", Method::GET, &query, None)
                .await?;
            // A server may give shorter pages than were asked for: only an empty one is behind the last.
            if page.users.is_empty() {
                break;
            }
            // A user who is deleted meanwhile moves the pages, and one may come twice.
            let is_new = |user: &ProjectUser| users.iter().all(|known| known.id != user.id);
            let new: Vec<ProjectUser> = page.users.into_iter().filter(is_new).collect();
            users.extend(new);
        }
        Ok(users)
    }

    /// Sets the role in `app_metadata`, or removes it for [`UserRole::User`]. Auth keeps the other keys.
    ///
    /// # Errors
    /// When Auth does not answer or refuses.
    pub async fn set_role(
        &self,
        user: &ProjectUser,
        role: UserRole,
    ) -> Result<ProjectUser, Failure> {
        let role = Some(role).filter(|role| *role != UserRole::User);
        let path = format!("/admin/users/{}", user.id);
        let body = json!({"app_metadata": {"role": role}});
        let doing = format!("change the role of {}", user.name());
        self.call(&doing, Method::PUT, &path, Some(&body)).await
    }

    /// Invites a new user by mail.
    ///
    /// # Errors
    /// When Auth does not answer or refuses.
    pub async fn invite(&self, email: &str) -> Result<ProjectUser, Failure> {
        let doing = format!("invite {email}");
        let body = json!({"email": email});
        self.call(&doing, Method::POST, "/invite", Some(&body))
            .await
    }

    async fn call<T: DeserializeOwned>(
        &self,
        doing: &str,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<T, Failure> {
        let unreachable = |error: reqwest::Error| {
            let why = chain(&error.without_url());
            Failure::new(
                Exit::TryAgain,
                format!("could not {doing}: Supabase Auth did not answer: {why}"),
            )
            .mend("check SUPABASE_URL, and that the project is not paused")
        };
        let request = self.request(method, path, body).map_err(unreachable)?;
        let response = self.http.execute(request).await.map_err(unreachable)?;
        let status = response.status();
        let text = response.bytes().await.map_err(unreachable)?;
        if !status.is_success() {
            return Err(refused(doing, status, &text));
        }
        serde_json::from_slice(&text).map_err(|error| {
            Failure::new(
                Exit::Failed,
                format!("could not {doing}: the answer of Supabase Auth cannot be read: {error}"),
            )
            .mend("check SUPABASE_URL: it is the project's address, without a path")
        })
    }

    fn request(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<Request, reqwest::Error> {
        let url = format!("{}{path}", self.base);
        let mut request = self.http.request(method, url).timeout(TIMEOUT);
        if let Some(body) = body {
            request = RequestBuilder::json(request, body);
        }
        let mut request = request.build()?;
        self.key.authorize(None, request.headers_mut());
        Ok(request)
    }
}

const TIMEOUT: std::time::Duration = std::time::Duration::from_secs(30);

/// Reads a refusal: Auth's are `{code, error_code, msg}`, the gateway's `{message}`.
fn refused(doing: &str, status: StatusCode, body: &[u8]) -> Failure {
    #[derive(Deserialize, Default)]
    #[serde(default)]
    struct Problem {
        error_code: String,
        msg: String,
        message: String,
    }
    let problem: Problem = serde_json::from_slice(body).unwrap_or_default();
    let words = [problem.msg, problem.message].concat();
    let (exit, mend) = match (status.as_u16(), problem.error_code.as_str()) {
        (_, "over_email_send_rate_limit") => (
            Exit::TryAgain,
            Some(
                "the project sends few mails an hour without an SMTP server of its own: wait, or set one up",
            ),
        ),
        (_, "email_address_not_authorized") => (
            Exit::Failed,
            Some(
                "without an SMTP server of its own the project sends mails to its team only: set one up",
            ),
        ),
        (_, "email_address_invalid" | "validation_failed") => (Exit::Usage, None),
        (401 | 403, _) => (Exit::NotAllowed, Some(SECRET_KEY_MEND)),
        (404, _) => (
            Exit::Failed,
            Some("check SUPABASE_URL: it is the project's address, without a path"),
        ),
        (500, _) if words.contains("Database error") => (
            Exit::Failed,
            Some(
                "users inserted by SQL hold null where Auth needs '': confirmation_token, recovery_token, \
                  email_change_token_new and email_change of auth.users; otherwise see the project's Auth log",
            ),
        ),
        (408 | 429 | 500.., _) => (Exit::TryAgain, None),
        _ => (Exit::Failed, None),
    };
    let code = status.as_u16();
    let failure = Failure::new(
        exit,
        format!("could not {doing}: Supabase Auth answered {code} {words}")
            .trim_end()
            .to_owned(),
    );
    match mend {
        Some(mend) => failure.mend(mend),
        None => failure,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user(value: Value) -> ProjectUser {
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn only_the_role_that_servers_write_makes_an_administrator() {
        for (app, user_written, admin, claims) in [
            (json!({"role": "admin"}), json!({}), true, false),
            (
                json!({"role": "admin"}),
                json!({"role": "admin"}),
                true,
                false,
            ),
            (
                json!({"provider": "email"}),
                json!({"role": "admin"}),
                false,
                true,
            ),
            (json!({"role": "Admin"}), json!(null), false, false),
            (
                json!({"roles": ["admin"]}),
                json!({"admin": true}),
                false,
                false,
            ),
            (json!(null), json!(null), false, false),
        ] {
            let user = user(json!({"id": "1", "app_metadata": app, "user_metadata": user_written}));
            assert_eq!(user.is_admin(), admin, "{user:?}");
            assert_eq!(user.claims_to_be_admin(), claims, "{user:?}");
        }
    }

    #[test]
    fn user_is_found_by_address_in_any_case_or_by_id() {
        let boss = user(json!({"id": "1", "email": "boss@example.com"}));
        for (email, found) in [
            ("Boss@Example.com", true),
            (" boss@example.com ", true),
            ("1", true),
            ("oss@example.com", false),
            ("", false),
        ] {
            assert_eq!(boss.is_called(email), found, "{email}");
        }
        assert!(!user(json!({"id": "1", "email": ""})).is_called(""));
        assert!(!user(json!({"id": "1"})).is_called(""));
    }

    #[test]
    fn refusals_have_exit_codes_and_the_words_of_auth() {
        for (status, body, exit, words) in [
            (
                401,
                r#"{"message":"Invalid API key"}"#,
                Exit::NotAllowed,
                "401 Invalid API key",
            ),
            (
                403,
                r#"{"code":403,"error_code":"not_admin","msg":"User not allowed"}"#,
                Exit::NotAllowed,
                "403 User not allowed",
            ),
            (
                429,
                r#"{"code":429,"error_code":"over_email_send_rate_limit","msg":"email rate limit exceeded"}"#,
                Exit::TryAgain,
                "429 email rate limit exceeded",
            ),
            (
                400,
                r#"{"code":400,"error_code":"validation_failed","msg":"Unable to validate email address: invalid format"}"#,
                Exit::Usage,
                "invalid format",
            ),
            (
                422,
                r#"{"code":422,"error_code":"email_exists","msg":"taken"}"#,
                Exit::Failed,
                "422 taken",
            ),
            (
                500,
                r#"{"code":500,"error_code":"unexpected_failure","msg":"Database error finding users"}"#,
                Exit::Failed,
                "finding users",
            ),
            (502, "<html>", Exit::TryAgain, "answered 502"),
        ] {
            let status = StatusCode::from_u16(status).unwrap();
            let failure = refused("do it", status, body.as_bytes());
            assert_eq!(failure.exit, exit, "{body}");
            assert!(failure.message.contains(words), "{failure:?}");
        }
    }
}
