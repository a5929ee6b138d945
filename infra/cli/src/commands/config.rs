//! `mediasync config`: shows the deployed configuration without its secrets, and changes one value of it.

use std::collections::BTreeMap;
use std::io::{self, IsTerminal as _, Read as _};

use clap::{Args, Subcommand};
use dialoguer::Password;
use media_sync::config::{self, Config, ConfigError};
use serde_json::{Map, Value, json};

use crate::aws::formation::Formation;
use crate::aws::secret::{self, Secret, State};
use crate::aws::{Access, Account};
use crate::configuration::{ConfigurationValues, StackArguments};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::{self, Output};

/// Keys whose values are no secrets.
const OPEN: [&str; 3] = ["SUPABASE_URL", "SUPABASE_PUBLISHABLE_KEY", "UPLOAD_RULES"];

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Show the deployed configuration, with secrets hidden
    Print(PrintArguments),
    /// Change one value of the deployed configuration
    ///
    /// The new configuration is held to the functions' own rules before it is written. Without VALUE it is asked for and
    /// not shown; - reads it from stdin. An empty value removes the key. Functions take it within five minutes, or at
    /// once after a refusal.
    Set(SetArguments),
}

#[derive(Debug, Args)]
pub(super) struct PrintArguments {
    #[command(flatten)]
    place: Place,
}

#[derive(Debug, Args)]
pub(super) struct SetArguments {
    /// A key of the configuration, such as CLOUDINARY_URL
    key: String,
    /// Its value; other users of the machine can read it here, so take - for secrets
    #[arg(allow_hyphen_values = true)]
    value: Option<String>,
    #[command(flatten)]
    place: Place,
}

/// The secret.
#[derive(Debug, Args)]
struct Place {
    /// Name or ARN of the secret; by default the deployed stack's
    #[arg(
        long,
        value_name = "ARN",
        env = "CONFIG_SECRET_ARN",
        hide_env_values = true
    )]
    secret: Option<String>,
    #[command(flatten)]
    stack: StackArguments,
    #[command(flatten)]
    access: Access,
}

impl Place {
    /// The secret with its text.
    async fn read(&self) -> Result<(Secret, String), Failure> {
        let account = Account::find(self.access.configuration().await).await?;
        let given = self.secret.clone().filter(|name| !name.is_empty());
        let name = match given {
            Some(name) => name,
            None => {
                let stack = Formation::new(&account, &self.stack.name).read().await?;
                let arn = stack.as_ref().and_then(|stack| stack.secret_arn());
                arn.map_or_else(|| format!("{}/config", self.stack.name), str::to_owned)
            }
        };
        let secret = Secret::new(&account, &name);
        match secret.read().await? {
            State::There { text, .. } => Ok((secret, text)),
            State::Deleted => Err(Failure::new(
                Exit::Failed,
                format!("the secret {name} waits for its deletion"),
            )
            .mend(format!(
                "aws secretsmanager restore-secret --secret-id {name}"
            ))),
            State::Missing => Err(
                Failure::new(Exit::Failed, format!("there is no secret {name}"))
                    .mend("mediasync init makes one; --stack-name and --secret name another"),
            ),
        }
    }
}

pub(super) async fn run(command: Command, output: &Output) -> Result<Exit, Failure> {
    match command {
        Command::Print(arguments) => print(&arguments, output).await,
        Command::Set(arguments) => set(arguments, output).await,
    }
}

async fn print(arguments: &PrintArguments, output: &Output) -> Result<Exit, Failure> {
    let (secret, text) = arguments.place.read().await?;
    let shown = redacted(&secret::parse(&text)?);
    output.say(&format!("the secret {}", secret.name));
    let rows: Vec<[String; 2]> = shown
        .iter()
        .map(|(key, value)| [key.clone(), value.clone()])
        .collect();
    output.data(
        &json!({"secret": secret.name, "values": shown}),
        &output::table(["KEY", "VALUE"], &rows),
    );
    for problem in problems(&text) {
        output.warn(&problem);
    }
    Ok(Exit::Ok)
}

async fn set(arguments: SetArguments, output: &Output) -> Result<Exit, Failure> {
    let SetArguments { key, value, place } = arguments;
    if !config::KEYS.contains(&key.as_str()) {
        return Err(
            Failure::new(Exit::Usage, format!("the configuration has no key {key}"))
                .mend(format!("take one of {}", config::KEYS.join(", "))),
        );
    }
    let value = given(&key, value, output)?;
    let (secret, text) = place.read().await?;
    let old = secret::parse(&text)?;
    let new = changed(&old, &key, &value);
    if new == old {
        output.say(&format!("{key} has this value already"));
        output.data(&json!({"key": key, "changed": false}), &[]);
        return Ok(Exit::Ok);
    }
    let text = Value::Object(new).to_string();
    let problems = problems(&text);
    if !problems.is_empty() {
        return Err(Failure::new(Exit::Usage, problems.join("; "))
            .mend("nothing was written: the functions could not use this configuration"));
    }
    secret.put(&text).await?;
    output.say(&format!(
        "wrote {key}; the functions take it within five minutes, or at once after a refusal"
    ));
    output.data(&json!({"key": key, "changed": true}), &[]);
    Ok(Exit::Ok)
}

/// The value from the command line, from stdin, or from a person.
fn given(key: &str, value: Option<String>, output: &Output) -> Result<String, Failure> {
    let is_stdin = value.as_deref() == Some("-");
    match value {
        Some(value) if !is_stdin => Ok(value),
        None if output.is_interactive() => Password::new()
            .with_prompt(format!("New value of {key}"))
            .allow_empty_password(true)
            .interact()
            .map(|text| text.trim().to_owned())
            .map_err(|error| {
                Failure::new(
                    Exit::Failed,
                    format!("the question was not answered: {error}"),
                )
            }),
        None if io::stdin().is_terminal() => {
            Err(Failure::new(Exit::Usage, format!("{key} has no value"))
                .mend(format!("mediasync config set {key} - reads it from stdin")))
        }
        _ => {
            let mut text = String::new();
            io::stdin().read_to_string(&mut text).map_err(|error| {
                Failure::new(Exit::Usage, format!("stdin cannot be read: {error}"))
            })?;
            Ok(text.trim().to_owned())
        }
    }
}

/// The configuration with one value changed; an empty one removes the key.
fn changed(old: &Map<String, Value>, key: &str, value: &str) -> Map<String, Value> {
    let mut new = old.clone();
    if value.is_empty() {
        new.remove(key);
    } else {
        new.insert(key.to_owned(), value.into());
    }
    new
}

/// The functions' own complaints, by key.
fn problems(text: &str) -> Vec<String> {
    let values = ConfigurationValues::parse(text).unwrap_or_default();
    match Config::from_map(values.as_map()) {
        Ok(_) => Vec::new(),
        Err(ConfigError::Invalid(found)) => found,
        Err(other) => vec![other.to_string()],
    }
}

fn redacted(object: &Map<String, Value>) -> BTreeMap<String, String> {
    object
        .iter()
        .map(|(key, value)| (key.clone(), shown(key, value)))
        .collect()
}

/// The value as it may be shown. Of Cloudinary's address the cloud's name and the options are no secrets.
fn shown(key: &str, value: &Value) -> String {
    let text = value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned);
    if OPEN.contains(&key) {
        return text;
    }
    let cloud = text
        .strip_prefix("cloudinary://")
        .and_then(|rest| rest.rsplit_once('@'));
    match cloud {
        Some((_, cloud)) if key == "CLOUDINARY_URL" => format!("cloudinary://...:...@{cloud}"),
        _ => "(hidden)".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_hidden_and_the_rest_is_shown() {
        let object = secret::parse(
            &json!({
                "CLOUDINARY_URL": "cloudinary://1:hush@demo?upload_prefix=https://api-eu.cloudinary.com",
                "CLOUDINARY_NOTIFICATION_SECRETS": {"1": "hush"},
                "SUPABASE_URL": "https://p.example",
                "SUPABASE_SECRET_KEY": "sb_secret_hush",
                "SOMETHING": "hush",
            })
            .to_string(),
        )
        .unwrap();
        let shown = redacted(&object);
        assert!(!format!("{shown:?}").contains("hush"));
        assert_eq!(
            shown["CLOUDINARY_URL"],
            "cloudinary://...:...@demo?upload_prefix=https://api-eu.cloudinary.com"
        );
        assert_eq!(shown["SUPABASE_URL"], "https://p.example");
        let wrong = secret::parse(r#"{"CLOUDINARY_URL": "hush@hush"}"#).unwrap();
        assert_eq!(redacted(&wrong)["CLOUDINARY_URL"], "(hidden)");
    }

    #[test]
    fn one_value_is_changed_and_the_others_stay() {
        let old = secret::parse(r#"{"A": {"1": "x"}, "B": "2"}"#).unwrap();
        let new = changed(&old, "B", "3");
        assert_eq!((&new["A"], &new["B"]), (&old["A"], &json!("3")));
        assert_eq!(changed(&old, "B", "").len(), 1);
        assert_eq!(changed(&old, "B", "2"), old);
    }
}
