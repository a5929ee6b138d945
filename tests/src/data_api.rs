//! The Data API as one caller reaches it.

use local_stack::{LocalStack, TokenClaims};
use reqwest::Method;
use serde_json::Value;

use crate::HttpAnswer;

/// Somebody who calls PostgREST through the gateway.
#[derive(Debug, Clone)]
pub struct DataApiCaller {
    base: String,
    key: String,
    token: Option<String>,
    http: reqwest::Client,
}

impl DataApiCaller {
    /// Nobody in particular: the publishable key, which is in every browser.
    pub fn anonymous(stack: &LocalStack) -> Self {
        Self::new(stack, stack.publishable_key(), None)
    }

    /// A user who has signed in.
    pub fn user(stack: &LocalStack, claims: &TokenClaims) -> Self {
        Self::new(stack, stack.publishable_key(), Some(stack.token(claims)))
    }

    /// Somebody with any token at all.
    pub fn with_token(stack: &LocalStack, token: String) -> Self {
        Self::new(stack, stack.publishable_key(), Some(token))
    }

    /// A server of ours: the secret key.
    pub fn service(stack: &LocalStack) -> Self {
        Self::new(stack, stack.secret_key(), None)
    }

    fn new(stack: &LocalStack, key: &str, token: Option<String>) -> Self {
        Self {
            base: format!("{}/rest/v1", stack.supabase_url()),
            key: key.to_owned(),
            token,
            http: media_sync::config::http_client().expect("a client without special roots"),
        }
    }

    /// `path` begins with a slash and holds the query.
    pub async fn call(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<&Value>,
    ) -> HttpAnswer {
        let mut request = self
            .http
            .request(method, format!("{}{path}", self.base))
            .header("apikey", &self.key);
        if let Some(token) = &self.token {
            request = request.bearer_auth(token);
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if let Some(body) = body {
            request = request.json(body);
        }
        HttpAnswer::read(request).await
    }

    /// Calls a function.
    pub async fn rpc(&self, function: &str, arguments: &Value) -> HttpAnswer {
        self.call(
            Method::POST,
            &format!("/rpc/{function}"),
            &[],
            Some(arguments),
        )
        .await
    }
}

/// Posts to the Data API with an API key.
pub async fn post(url: &str, key: &str, body: &Value) -> HttpAnswer {
    let http = media_sync::config::http_client().expect("a client without special roots");
    HttpAnswer::read(http.post(url).header("apikey", key).json(body)).await
}

/// Has Auth add a person who has confirmed the e-mail address: its answer.
pub async fn add_person(stack: &LocalStack, mut person: Value) -> Value {
    let url = format!("{}/auth/v1/admin/users", stack.supabase_url());
    person["email_confirm"] = true.into();
    let added: Value = post(&url, stack.secret_key(), &person).await.ok();
    assert_eq!(added["email"], person["email"]);
    added
}
