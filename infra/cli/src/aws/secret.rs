//! The deployment's secret: read, made, or brought up to date.

use std::collections::BTreeMap;

use aws_sdk_secretsmanager::Client;
use aws_sdk_secretsmanager::error::ProvideErrorMetadata as _;
use serde_json::Value;

use super::{Account, failure};
use crate::exit::Exit;
use crate::failure::Failure;

/// A secret by its name or ARN.
#[derive(Debug, Clone)]
pub(crate) struct Secret {
    client: Client,
    pub(crate) name: String,
}

/// The secret as it stands.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum State {
    /// There is none of that name.
    Missing,
    /// It waits for its deletion.
    Deleted,
    /// Its text.
    There {
        /// The name that the template takes.
        arn: String,
        /// A JSON object, if it is one of ours.
        text: String,
    },
}

impl Secret {
    pub(crate) fn new(account: &Account, name: &str) -> Self {
        Self {
            client: Client::new(&account.sdk),
            name: name.to_owned(),
        }
    }

    pub(crate) async fn read(&self) -> Result<State, Failure> {
        let answer = self
            .client
            .get_secret_value()
            .secret_id(&self.name)
            .send()
            .await;
        match answer {
            Ok(answer) => Ok(State::There {
                arn: answer.arn().unwrap_or(&self.name).to_owned(),
                text: answer.secret_string().unwrap_or_default().to_owned(),
            }),
            Err(error) if error.code() == Some("ResourceNotFoundException") => Ok(State::Missing),
            Err(error) if marked_deleted(error.code(), error.message()) => Ok(State::Deleted),
            Err(error) => Err(failure(
                &format!("reading the secret {}", self.name),
                &error,
            )),
        }
    }

    /// Makes the secret; the answer is its ARN.
    pub(crate) async fn create(&self, text: &str) -> Result<String, Failure> {
        let made = self
            .client
            .create_secret()
            .name(&self.name)
            .description("Configuration of media-sync")
            .secret_string(text)
            .send()
            .await
            .map_err(|error| failure(&format!("making the secret {}", self.name), &error))?;
        Ok(made.arn().unwrap_or(&self.name).to_owned())
    }

    /// Gives it another value, taking back its deletion if there was one; the answer is its ARN.
    pub(crate) async fn put(&self, text: &str) -> Result<String, Failure> {
        let put = self
            .client
            .put_secret_value()
            .secret_id(&self.name)
            .secret_string(text)
            .send()
            .await
            .map_err(|error| failure(&format!("writing the secret {}", self.name), &error))?;
        Ok(put.arn().unwrap_or(&self.name).to_owned())
    }

    /// Takes a deletion back.
    pub(crate) async fn restore(&self) -> Result<(), Failure> {
        let restored = self
            .client
            .restore_secret()
            .secret_id(&self.name)
            .send()
            .await;
        restored
            .map(drop)
            .map_err(|error| failure(&format!("restoring the secret {}", self.name), &error))
    }

    /// Deletes it after a week, in which it can be restored.
    pub(crate) async fn delete(&self) -> Result<(), Failure> {
        let deleted = self
            .client
            .delete_secret()
            .secret_id(&self.name)
            .recovery_window_in_days(7)
            .send()
            .await;
        match deleted {
            Ok(_) => Ok(()),
            Err(error) if error.code() == Some("ResourceNotFoundException") => Ok(()),
            Err(error) if marked_deleted(error.code(), error.message()) => Ok(()),
            Err(error) => Err(failure(
                &format!("deleting the secret {}", self.name),
                &error,
            )),
        }
    }
}

fn marked_deleted(code: Option<&str>, message: Option<&str>) -> bool {
    code == Some("InvalidRequestException") && message.is_some_and(|text| text.contains("delet"))
}

/// A secret's text as its object. Nothing of it is repeated in the error.
pub(crate) fn parse(text: &str) -> Result<serde_json::Map<String, Value>, Failure> {
    match serde_json::from_str(text) {
        Ok(Value::Object(object)) => Ok(object),
        _ => Err(Failure::new(Exit::Failed, "the secret is not a JSON object")
            .mend("write a JSON object of the configuration's keys into it, or delete it and let `mediasync init` make it")),
    }
}

/// The same values, in any order and with any spaces.
pub(crate) fn is_same(text: &str, values: &BTreeMap<String, String>) -> bool {
    crate::configuration::ConfigurationValues::parse(text)
        .is_some_and(|have| have.as_map() == values)
}

impl std::fmt::Debug for State {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Missing => "Missing",
            Self::Deleted => "Deleted",
            Self::There { .. } => "There([hidden])",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_count_and_not_their_order() {
        let values: BTreeMap<String, String> = [("A", "1"), ("B", r#"{"k":"s"}"#)]
            .map(|(k, v)| (k.to_owned(), v.to_owned()))
            .into();
        assert!(is_same(r#"{"B": {"k":"s"}, "A": "1", "C": null}"#, &values));
        assert!(!is_same(r#"{"A": "1"}"#, &values));
        assert!(!is_same("hush", &values));
        let hidden = State::There {
            arn: "arn".to_owned(),
            text: "hush".to_owned(),
        };
        assert!(!format!("{hidden:?}").contains("hush"));
    }
}
