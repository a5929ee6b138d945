//! `mediasync config`: shows the deployed configuration without its secrets, and changes one value of it.

mod place;
mod settings;

use std::collections::BTreeMap;
use std::io::{self, IsTerminal as _, Read as _};

use clap::{Args, Subcommand};
use dialoguer::Password;
use media_sync::config::{self, Config, ConfigError};
use media_sync::settings::{StoredSetting, fetch_settings};
use serde_json::{Map, Value, json};

use self::place::{Place, ReadSecret};
use crate::configuration::ConfigurationValues;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::{self, Output};

/// Keys whose values are no secrets.
const OPEN: [&str; 2] = ["SUPABASE_URL", "SUPABASE_PUBLISHABLE_KEY"];

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Show the deployed configuration and its places, with secrets hidden
    ///
    /// Keys are in the deployment's secret, settings such as UPLOAD_RULES in the database.
    #[command(visible_aliases = ["show", "get"])]
    Print(PrintArguments),
    /// Change one value of the deployed configuration
    ///
    /// The new configuration is held to the functions' own rules before it is written. Without VALUE it is asked for and
    /// not shown; - reads it from stdin. An empty value removes the key. Functions take it within five minutes, or at
    /// once after a refusal. Settings such as UPLOAD_RULES are written to the database.
    Set(SetArguments),
    /// Remove one value of the deployed configuration
    ///
    /// The defaults of a setting count from then on.
    Unset(UnsetArguments),
}

#[derive(Debug, Args)]
pub(super) struct PrintArguments {
    /// A single key or setting; by default all are shown
    key: Option<String>,
    #[command(flatten)]
    place: Place,
}

#[derive(Debug, Args)]
pub(super) struct SetArguments {
    /// A key of the configuration, such as CLOUDINARY_URL, or a setting: UPLOAD_RULES, ACCESS_RULES, USER_LIMITS
    #[arg(value_name = "KEY[=VALUE]")]
    key: String,
    /// Its value; other users of the machine can read it here, so take - for secrets
    #[arg(allow_hyphen_values = true)]
    value: Option<String>,
    #[command(flatten)]
    place: Place,
}

#[derive(Debug, Args)]
pub(super) struct UnsetArguments {
    /// A key of the configuration or a setting
    key: String,
    /// Remove only the unused copy of a setting that an old release left in the secret
    #[arg(long)]
    leftover: bool,
    #[command(flatten)]
    place: Place,
}

pub(super) async fn run(command: Command, output: &Output) -> Result<Exit, Failure> {
    match command {
        Command::Print(arguments) => print(&arguments, output).await,
        Command::Set(arguments) => set(arguments, output).await,
        Command::Unset(arguments) => unset(&arguments, output).await,
    }
}

/// A line of `print`.
struct Shown {
    value: String,
    place: &'static str,
}

async fn print(arguments: &PrintArguments, output: &Output) -> Result<Exit, Failure> {
    if let Some(key) = &arguments.key {
        check_key(key)?;
    }
    let read = arguments.place.read().await?;
    output.say(&format!("the secret {}", read.secret.name));
    let mut lines = secret_lines(&read.values);
    let mut warnings = problems(&read.text);
    match settings(&read).await {
        Ok(stored) => add_settings(&read, &stored, &mut lines, &mut warnings),
        Err(failure) => warnings.push(format!("the settings are not shown: {}", failure.message)),
    }
    lines.retain(|key, _| arguments.key.as_ref().is_none_or(|wanted| wanted == key));
    let rows: Vec<[String; 3]> = lines
        .iter()
        .map(|(key, line)| [key.clone(), line.value.clone(), line.place.to_owned()])
        .collect();
    let values: BTreeMap<&str, &str> = lines
        .iter()
        .map(|(key, line)| (key.as_str(), line.value.as_str()))
        .collect();
    let places: BTreeMap<&str, &str> = lines
        .iter()
        .map(|(key, line)| (key.as_str(), line.place))
        .collect();
    output.data(
        &json!({"secret": read.secret.name, "values": values, "places": places}),
        &output::table(["KEY", "VALUE", "PLACE"], &rows),
    );
    for problem in warnings {
        output.warn(&problem);
    }
    Ok(Exit::Ok)
}

fn secret_lines(values: &Map<String, Value>) -> BTreeMap<String, Shown> {
    let shown = redacted(values).into_iter();
    let keys = shown.filter(|(key, _)| !config::SETTINGS.contains(&key.as_str()));
    let line = |(key, value)| {
        let place = "secret";
        (key, Shown { value, place })
    };
    keys.map(line).collect()
}

async fn settings(read: &ReadSecret) -> Result<BTreeMap<String, StoredSetting>, Failure> {
    Ok(fetch_settings(&read.supabase()?).await?)
}

fn add_settings(
    read: &ReadSecret,
    stored: &BTreeMap<String, StoredSetting>,
    lines: &mut BTreeMap<String, Shown>,
    warnings: &mut Vec<String>,
) {
    for name in config::SETTINGS {
        let leftover = read.leftover(name);
        let (value, place, warning) = settings::shown(name, stored.get(name), leftover.as_deref());
        lines.insert(name.to_owned(), Shown { value, place });
        warnings.extend(warning);
    }
}

async fn set(arguments: SetArguments, output: &Output) -> Result<Exit, Failure> {
    let SetArguments { key, value, place } = arguments;
    let (key, value) = match (key.split_once('='), value) {
        (Some((key, value)), None) => (key.to_owned(), Some(value.to_owned())),
        (_, value) => (key, value),
    };
    check_key(&key)?;
    let value = given(&key, value, output)?;
    let read = place.read().await?;
    if config::SETTINGS.contains(&key.as_str()) {
        return match value.as_str() {
            "" => settings::unset(&read, &key, output).await,
            text => settings::set(&read, &key, text, output).await,
        };
    }
    set_in_secret(&read, &key, &value, output).await
}

async fn unset(arguments: &UnsetArguments, output: &Output) -> Result<Exit, Failure> {
    let UnsetArguments {
        key,
        leftover,
        place,
    } = arguments;
    check_key(key)?;
    let is_setting = config::SETTINGS.contains(&key.as_str());
    if *leftover && !is_setting {
        return Err(Failure::new(
            Exit::Usage,
            format!("{key} is a key of the secret, and no leftover"),
        ));
    }
    let read = place.read().await?;
    match (is_setting, leftover) {
        (false, _) => set_in_secret(&read, key, "", output).await,
        (true, false) => settings::unset(&read, key, output).await,
        (true, true) => settings::unset_leftover(&read, key, output).await,
    }
}

fn check_key(key: &str) -> Result<(), Failure> {
    let mut known = config::KEYS.iter().chain(&config::SETTINGS);
    if known.any(|known| *known == key) {
        return Ok(());
    }
    let known = [&config::KEYS[..], &config::SETTINGS].concat();
    Err(
        Failure::new(Exit::Usage, format!("the configuration has no key {key}"))
            .mend(format!("take one of {}", known.join(", "))),
    )
}

async fn set_in_secret(
    read: &ReadSecret,
    key: &str,
    value: &str,
    output: &Output,
) -> Result<Exit, Failure> {
    let new = changed(&read.values, key, value);
    if new == read.values {
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
    read.secret.put(&text).await?;
    output.say(&format!(
        "wrote {key}; the functions take it within five minutes, or at once after a refusal"
    ));
    output.data(
        &json!({"key": key, "changed": true, "place": "secret"}),
        &[],
    );
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
    use crate::aws::secret;

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
