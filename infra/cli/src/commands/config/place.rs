//! The deployment's secret, and the database that its keys lead to.

use clap::Args;
use media_sync::config;
use media_sync::supabase::DataApi;
use serde_json::{Map, Value};

use crate::aws::formation::Formation;
use crate::aws::secret::{self, Secret, State};
use crate::aws::{Access, Account};
use crate::configuration::{Configuration, ConfigurationValues, StackArguments};
use crate::exit::Exit;
use crate::failure::{Failure, chain};

/// The secret.
#[derive(Debug, Args)]
pub(super) struct Place {
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

/// The secret as it was read.
pub(super) struct ReadSecret {
    pub(super) secret: Secret,
    pub(super) text: String,
    pub(super) values: Map<String, Value>,
}

impl Place {
    pub(super) async fn read(&self) -> Result<ReadSecret, Failure> {
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
            State::There { text, .. } => Ok(ReadSecret {
                values: secret::parse(&text)?,
                secret,
                text,
            }),
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

impl ReadSecret {
    /// The database, with the secret's own key.
    pub(super) fn supabase(&self) -> Result<DataApi, Failure> {
        let values = ConfigurationValues::parse(&self.text).unwrap_or_default();
        let http =
            config::http_client().map_err(|error| Failure::new(Exit::Failed, chain(&error)))?;
        Configuration::of(values, http).supabase()
    }

    /// The text of a setting that an old release left in the secret.
    pub(super) fn leftover(&self, name: &str) -> Option<String> {
        let values = ConfigurationValues::parse(&self.text)?;
        values.get(name).map(str::to_owned)
    }

    /// Takes a key out of the secret. Answers true if it was there.
    pub(super) async fn remove(&self, key: &str) -> Result<bool, Failure> {
        let mut new = self.values.clone();
        if new.remove(key).is_none() {
            return Ok(false);
        }
        self.secret.put(&Value::Object(new).to_string()).await?;
        Ok(true)
    }
}
