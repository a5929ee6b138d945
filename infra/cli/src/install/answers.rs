//! The answers that an installation needs: options, environment, a file, the stack's secret, or a person.

use std::collections::BTreeMap;
use std::path::PathBuf;

use clap::Args;
use media_sync::config::{self, Config, ConfigError};

use super::ask;
use super::keys::{ADMIN_EMAIL, DATABASE_URL, STACK_NAME, is_email};
use crate::configuration::{
    CLOUDINARY_URL, ConfigurationValues, SUPABASE_PUBLISHABLE_KEY, SUPABASE_SECRET_KEY,
    SUPABASE_URL, WEBHOOK_URL,
};
use crate::database::DatabaseAddress;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::Output;

/// Keys of the file that are no keys of the secret.
const BESIDE: [&str; 4] = [DATABASE_URL, ADMIN_EMAIL, STACK_NAME, WEBHOOK_URL];

/// The answers without which there is no installation, in the order in which a person is asked.
const NEEDED: [&str; 6] = [
    CLOUDINARY_URL,
    SUPABASE_URL,
    SUPABASE_SECRET_KEY,
    SUPABASE_PUBLISHABLE_KEY,
    DATABASE_URL,
    ADMIN_EMAIL,
];

const DEFAULT_STACK: &str = "media-sync";

/// Where the answers are given.
#[derive(Debug, Args)]
pub(crate) struct AnswerOptions {
    /// JSON file of answers: the configuration's keys, DATABASE_URL, ADMIN_EMAIL, STACK_NAME
    ///
    /// Each answer may also be an environment variable, which counts first. Keys are taken from both and from no
    /// option: other users of the machine can read options. Missing values are asked for on a terminal.
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Name of the CloudFormation stack [default: media-sync]
    #[arg(long, value_name = "NAME", env = "STACK_NAME", hide_env_values = true)]
    stack_name: Option<String>,
    /// Address of the Supabase project: https://PROJECT.supabase.co
    #[arg(long, value_name = "URL", env = "SUPABASE_URL", hide_env_values = true)]
    supabase_url: Option<String>,
    /// Address of the database (dashboard: Connect, Session pooler); its password may stand in PGPASSWORD
    #[arg(long, value_name = "URL", env = "DATABASE_URL", hide_env_values = true)]
    database_url: Option<String>,
    /// E-mail address of the first administrator
    #[arg(
        long,
        value_name = "EMAIL",
        env = "ADMIN_EMAIL",
        hide_env_values = true
    )]
    admin_email: Option<String>,
    /// Address of the webhook, where it is another than the stack's output WebhookUrl
    #[arg(long, value_name = "URL", env = "WEBHOOK_URL", hide_env_values = true)]
    webhook_url: Option<String>,
}

/// Answers as they were given, unchecked.
#[derive(Debug, Clone)]
pub(crate) struct Raw {
    values: ConfigurationValues,
    pub(crate) stack_name: String,
}

/// Answers in their forms. They hold secrets; no text shows one.
#[derive(Debug, Clone)]
pub(crate) struct Answers {
    /// The keys of the secret.
    pub(crate) settings: ConfigurationValues,
    pub(crate) database: DatabaseAddress,
    pub(crate) admin: String,
    pub(crate) stack_name: String,
    pub(crate) webhook: Option<String>,
    all: ConfigurationValues,
}

impl Answers {
    /// The database's address as it was given, with its password: for commands that are steps of this one.
    pub(crate) fn database_url(&self) -> &str {
        self.all.get(DATABASE_URL).unwrap_or_default()
    }
}

impl AnswerOptions {
    /// Reads options, environment and file.
    pub(crate) fn read(&self, output: &Output) -> Result<Raw, Failure> {
        let options = [
            (STACK_NAME, &self.stack_name),
            (SUPABASE_URL, &self.supabase_url),
            (DATABASE_URL, &self.database_url),
            (ADMIN_EMAIL, &self.admin_email),
            (WEBHOOK_URL, &self.webhook_url),
        ];
        let given = options.into_iter();
        let mut values: ConfigurationValues = given
            .filter_map(|(key, value)| Some((key, value.clone()?)))
            .collect();
        values.complete(ConfigurationValues::of_environment(&config::KEYS));
        if let Some(file) = &self.config {
            let file = ConfigurationValues::of_file(file)?;
            let is_unknown = |key: &&String| {
                !config::KEYS.contains(&key.as_str()) && !BESIDE.contains(&key.as_str())
            };
            let unknown: Vec<&str> = file
                .as_map()
                .keys()
                .filter(is_unknown)
                .map(String::as_str)
                .collect();
            if !unknown.is_empty() {
                output.warn(&format!(
                    "the file has keys that mean nothing here: {}",
                    unknown.join(", ")
                ));
            }
            values.complete(file);
        }
        let stack_name = values.get(STACK_NAME).unwrap_or(DEFAULT_STACK).to_owned();
        if !is_stack_name(&stack_name) {
            return Err(Failure::new(
                Exit::Usage,
                "a stack's name begins with a letter and has letters, digits and hyphens only",
            ));
        }
        Ok(Raw { values, stack_name })
    }
}

fn is_stack_name(text: &str) -> bool {
    text.len() <= 100
        && text.starts_with(|first: char| first.is_ascii_alphabetic())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

impl Raw {
    /// Adds the values of the secret that an installed stack has.
    pub(crate) fn complete(&mut self, secret: ConfigurationValues) {
        self.values.complete(secret);
    }

    /// Asks a person for missing values, and brings everything into its form.
    pub(crate) fn finish(mut self, output: &Output) -> Result<Answers, Failure> {
        let missing = self.missing();
        if !missing.is_empty() && output.is_interactive() {
            for key in missing {
                let answer = ask::ask(key)?;
                self.values.complete([(key, answer)].into_iter().collect());
            }
        }
        let missing = self.missing();
        if !missing.is_empty() {
            return Err(
                Failure::new(Exit::Usage, format!("the answers lack {}", missing.join(", "))).mend(
                    "write them into a JSON file (--config FILE) or the environment, or run this on a terminal, which asks",
                ),
            );
        }
        self.parse()
    }

    fn missing(&self) -> Vec<&'static str> {
        let needed = NEEDED.into_iter();
        needed
            .filter(|key| self.values.get(key).is_none())
            .collect()
    }

    fn parse(self) -> Result<Answers, Failure> {
        let get = |key: &str| self.values.get(key).unwrap_or_default();
        let mut problems = Vec::new();
        let settings = self.settings();
        match Config::from_map(settings.as_map()) {
            Err(ConfigError::Invalid(found)) => problems.extend(found),
            Err(other) => problems.push(other.to_string()),
            Ok(_) => {}
        }
        problems.extend(wrapped(settings.as_map()));
        if !is_email(get(ADMIN_EMAIL)) {
            problems.push(format!("{ADMIN_EMAIL} is no e-mail address"));
        }
        let database = DatabaseAddress::parse(get(DATABASE_URL), std::env::var("PGPASSWORD").ok());
        match (problems.is_empty(), database) {
            (true, Ok(database)) => Ok(Answers {
                settings,
                database,
                admin: get(ADMIN_EMAIL).to_owned(),
                webhook: self.values.get(WEBHOOK_URL).map(str::to_owned),
                stack_name: self.stack_name,
                all: self.values,
            }),
            (true, Err(error)) => Err(error.into()),
            (false, database) => {
                problems.extend(database.err().map(|error| error.to_string()));
                Err(Failure::new(Exit::Usage, problems.join("; "))
                    .mend("nothing was made; correct the answers"))
            }
        }
    }

    fn settings(&self) -> ConfigurationValues {
        let values = config::KEYS.into_iter();
        values
            .filter_map(|key| Some((key, self.values.get(key)?.to_owned())))
            .collect()
    }
}

/// Values with blanks or quotes around them, as shells and copying leave them.
fn wrapped(values: &BTreeMap<String, String>) -> Vec<String> {
    let is_wrapped = |text: &str| text.trim() != text || text.starts_with(['"', '\'']);
    values
        .iter()
        .filter(|(_, value)| is_wrapped(value))
        .map(|(key, _)| format!("{key} has blanks or quotes around it"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: [(&str, &str); 6] = [
        (CLOUDINARY_URL, "cloudinary://1:hush-hush@demo"),
        (SUPABASE_URL, "https://project.example"),
        (SUPABASE_SECRET_KEY, "sb_secret_hush"),
        (SUPABASE_PUBLISHABLE_KEY, "sb_publishable_x"),
        (
            DATABASE_URL,
            "postgresql://postgres:hush@127.0.0.1:5432/postgres",
        ),
        (ADMIN_EMAIL, "boss@example.com"),
    ];

    fn raw(changes: &[(&str, &str)]) -> Raw {
        let mut values: BTreeMap<String, String> = GOOD
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .into();
        for (key, value) in changes {
            values.insert((*key).to_owned(), (*value).to_owned());
        }
        Raw {
            values: values.into_iter().collect(),
            stack_name: "media-sync".to_owned(),
        }
    }

    #[test]
    fn answers_keep_the_secrets_keys_apart() {
        let answers = raw(&[("UNKNOWN", "x")]).parse().unwrap();
        let keys: Vec<&String> = answers.settings.as_map().keys().collect();
        assert_eq!(keys.len(), 4, "{keys:?}");
        assert_eq!(answers.admin, "boss@example.com");
        assert!(!format!("{answers:?}").contains("hush"));
    }

    #[test]
    fn every_wrong_answer_is_named_at_once_and_not_shown() {
        let failure = raw(&[
            (CLOUDINARY_URL, "\"cloudinary://1:hush-hush@demo\""),
            (SUPABASE_SECRET_KEY, "sb_publishable_hush"),
            (ADMIN_EMAIL, "boss"),
            (DATABASE_URL, "mysql://hush"),
        ])
        .parse()
        .unwrap_err();
        assert_eq!(failure.exit, Exit::Usage);
        for words in [
            CLOUDINARY_URL,
            SUPABASE_SECRET_KEY,
            ADMIN_EMAIL,
            "postgresql://",
        ] {
            assert!(failure.message.contains(words), "{words}: {failure:?}");
        }
        assert!(!format!("{failure:?}").contains("hush"));

        let pooler =
            "postgresql://postgres.x:hush@aws-0-eu-west-1.pooler.supabase.com:6543/postgres";
        let failure = raw(&[(DATABASE_URL, pooler)]).parse().unwrap_err();
        assert!(
            failure.message.contains("transaction pooler"),
            "{failure:?}"
        );
    }

    #[test]
    fn names_and_addresses_have_their_forms() {
        for (text, expected) in [
            ("media-sync", true),
            ("a1", true),
            ("1a", false),
            ("a_b", false),
            ("", false),
        ] {
            assert_eq!(is_stack_name(text), expected, "{text}");
        }
        for (text, expected) in [
            ("a@b.c", true),
            ("a@b@c", false),
            ("@b", false),
            ("a b@c", false),
            ("a", false),
        ] {
            assert_eq!(is_email(text), expected, "{text}");
        }
    }
}
