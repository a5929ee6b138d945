//! `make token`: an access token for anybody, from the Auth of the stack that `make run` has started.
//!
//! It makes the user if there is none of this address, and gives the role that is asked for.

use std::process::ExitCode;

use anyhow::{Context as _, Result, bail};
use local_stack::kept_environment;
use media_sync::config;
use reqwest::{Client, Method};
use serde_json::{Value, json};

const USAGE: &str = "usage: make token USER=ada@example.com [ROLE=admin|editor|reader]";
const ROLES: [&str; 3] = ["admin", "editor", "reader"];

#[tokio::main]
#[expect(clippy::print_stdout, reason = "what the command is for")]
async fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (email, role) = match arguments.as_slice() {
        [email] if email.contains('@') => (email, None),
        [email, role] if email.contains('@') && ROLES.contains(&role.as_str()) => {
            (email, Some(role))
        }
        _ => {
            eprintln!("{USAGE}");
            return ExitCode::from(2);
        }
    };
    match sign_in(email, role.map(String::as_str)).await {
        Ok(token) => {
            println!("{token}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("token: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Signs in by a link that the administration of Auth hands out, without a password.
async fn sign_in(email: &str, role: Option<&str>) -> Result<String> {
    let environment =
        kept_environment().context("no stack is running: start one with `make run`")?;
    let value = |name: &str| {
        let value = environment.get(name);
        value.with_context(|| format!("{name} is missing in .stack/env"))
    };
    let auth = Auth {
        http: config::http_client()?,
        base: format!("{}/auth/v1", value("SUPABASE_URL")?),
        key: value("SUPABASE_SECRET_KEY")?.clone(),
    };
    let asked = json!({ "type": "magiclink", "email": email });
    let link = auth
        .call(Method::POST, "/admin/generate_link", &asked)
        .await?;
    if let Some(role) = role {
        let id = link["id"].as_str().context("Auth names the user")?;
        let granted = json!({ "app_metadata": { "role": role } });
        auth.call(Method::PUT, &format!("/admin/users/{id}"), &granted)
            .await?;
    }
    let proof = json!({ "type": link["verification_type"], "token_hash": link["hashed_token"] });
    let session = auth.call(Method::POST, "/verify", &proof).await?;
    let token = session["access_token"].as_str();
    Ok(token.context("Auth answers a session")?.to_owned())
}

struct Auth {
    http: Client,
    base: String,
    key: String,
}

impl Auth {
    async fn call(&self, method: Method, path: &str, body: &Value) -> Result<Value> {
        let request = self.http.request(method, format!("{}{path}", self.base));
        let sent = request.header("apikey", &self.key).json(body).send().await;
        let response = sent.context("the stack does not answer: is `make run` still running?")?;
        let status = response.status();
        let text = response.text().await?;
        if !status.is_success() {
            bail!("Auth answers {status}: {text}");
        }
        serde_json::from_str(&text).with_context(|| format!("Auth answers {text}"))
    }
}
