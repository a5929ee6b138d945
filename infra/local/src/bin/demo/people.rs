//! Three people to sign in as. Each has an account in Auth.

use anyhow::{Context as _, Result};
use local_stack::LocalStack;
use reqwest::{Client, Method};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::answer::answer;

/// The lifetime of their tokens, in seconds: long enough to look around. An hour is Supabase's default.
pub(crate) const TOKEN_LIFETIME: u64 = 8 * 3600;

/// Everybody's. The stack listens on this machine only.
pub(crate) const PASSWORD: &str = "local-stack";

/// Somebody with an account.
#[derive(Debug)]
pub(crate) struct Person {
    pub(crate) email: &'static str,
    /// The rights in a few words.
    pub(crate) can: &'static str,
    pub(crate) token: String,
}

/// The people of the demo.
#[derive(Debug)]
pub(crate) struct People {
    pub(crate) administrator: Person,
    pub(crate) owner: Person,
    pub(crate) visitor: Person,
}

impl People {
    pub(crate) async fn sign_up(stack: &LocalStack, http: &Client) -> Result<Self> {
        let with = Accounts { stack, http };
        Ok(Self {
            administrator: with
                .make("admin@example.com", Some("admin"), "may do everything")
                .await?,
            owner: with
                .make(
                    "owner@example.com",
                    None,
                    "uploads, and edits what they have uploaded",
                )
                .await?,
            visitor: with
                .make(
                    "visitor@example.com",
                    Some("reader"),
                    "looks, and changes nothing",
                )
                .await?,
        })
    }

    pub(crate) fn all(&self) -> [&Person; 3] {
        [&self.administrator, &self.owner, &self.visitor]
    }
}

struct Accounts<'a> {
    stack: &'a LocalStack,
    http: &'a Client,
}

impl Accounts<'_> {
    async fn make(
        &self,
        email: &'static str,
        role: Option<&str>,
        can: &'static str,
    ) -> Result<Person> {
        let app_metadata = role.map_or(json!({}), |role| json!({ "role": role }));
        let url = format!("{}/auth/v1/admin/users", self.stack.supabase_url());
        let user = json!({
            "email": email, "password": PASSWORD, "email_confirm": true, "app_metadata": app_metadata,
        });
        let request = self.http.request(Method::POST, &url).json(&user);
        let made = answer(request.header("apikey", self.stack.secret_key())).await;
        let user = match made {
            Ok(user) => user,
            // Of the kept data.
            Err(refused) => self.find(&url, email).await?.ok_or(refused)?,
        };
        let id: Uuid = user["id"]
            .as_str()
            .context("Auth names the user")?
            .parse()?;
        Ok(Person {
            email,
            can,
            token: self.token(id, email, &app_metadata),
        })
    }

    async fn find(&self, url: &str, email: &str) -> Result<Option<Value>> {
        let request = self.http.request(Method::GET, url);
        let listed = answer(request.header("apikey", self.stack.secret_key())).await?;
        let mut users = listed["users"].as_array().into_iter().flatten();
        Ok(users.find(|user| user["email"] == email).cloned())
    }

    fn token(&self, id: Uuid, email: &str, app_metadata: &Value) -> String {
        let now = media_sync::time::Timestamp::now().micros() / 1_000_000;
        let expires = u64::try_from(now).unwrap_or(0) + TOKEN_LIFETIME;
        self.stack.sign(&json!({
            "iss": self.stack.issuer(), "aud": "authenticated", "role": "authenticated", "sub": id,
            "email": email, "iat": now, "exp": expires, "is_anonymous": false,
            "session_id": Uuid::new_v4(), "app_metadata": app_metadata, "user_metadata": {},
        }))
    }
}
