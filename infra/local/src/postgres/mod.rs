//! PostgreSQL 17 as npm delivers it, with the data of a Supabase project.

mod cluster;
mod prepared;
mod push;
mod server;

use std::collections::BTreeMap;

use serde_json::Value;
use tokio_postgres::Client;

use crate::StackError;
use crate::folders;
use crate::kept_project::KeptProject;
use crate::supervisor::{Process, Supervisor};
use crate::tools::Tools;

pub(crate) use prepared::Project;
pub(crate) use push::push;
use server::{DatabaseServer, connect, passwords};

#[derive(Debug)]
pub(crate) struct Postgres {
    server: DatabaseServer,
    password: String,
}

impl Postgres {
    /// A server with a copy of the kept data, or of the project's prepared ones, and passwords of its own.
    pub(crate) async fn start(
        supervisor: &Supervisor,
        tools: &Tools,
        project: Project,
        kept: Option<&KeptProject>,
    ) -> Result<Self, StackError> {
        let distribution = cluster::readable_distribution(supervisor, &tools.postgres()?).await?;
        let data = supervisor.unprivileged_folder().join("postgres");
        let former_password = if let Some(kept) = kept {
            folders::copy(&kept.database(), &data).await?;
            kept.database_password()?
        } else {
            let prepared = prepared::prepare(supervisor, tools, &distribution, project).await?;
            prepared.copy_to(&data).await?;
            prepared.password()?
        };
        let server = DatabaseServer::start(supervisor, "postgres", &distribution, &data).await?;
        let mut postgres = Self {
            server,
            password: former_password,
        };
        let password = uuid::Uuid::new_v4().simple().to_string();
        let client = postgres.connect_as("supabase_admin").await?;
        client
            .batch_execute(&passwords(&password))
            .await
            .map_err(StackError::database("giving the roles their passwords"))?;
        postgres.password = password;
        Ok(postgres)
    }

    /// On the same port, with the same data.
    pub(crate) async fn start_again(&mut self, supervisor: &Supervisor) -> Result<(), StackError> {
        self.server.start_again(supervisor).await
    }

    /// Ends the server, and copies its data.
    pub(crate) async fn keep(
        &self,
        supervisor: &Supervisor,
        kept: &KeptProject,
    ) -> Result<(), StackError> {
        cluster::end(supervisor, &self.server).await?;
        folders::copy(&self.server.data, &kept.database()).await
    }

    pub(crate) fn password(&self) -> &str {
        &self.password
    }

    pub(crate) fn process(&self) -> &Process {
        &self.server.process
    }

    pub(crate) fn url_for(&self, role: &str) -> String {
        self.server.url(role, &self.password)
    }

    /// Writes settings as `mediasync config set` does.
    pub(crate) async fn set(&self, settings: &BTreeMap<String, Value>) -> Result<(), StackError> {
        if settings.is_empty() {
            return Ok(());
        }
        let client = self.connect_as("postgres").await?;
        for (name, value) in settings {
            client
                .query(
                    "select public.media_sync_set_setting($1, $2)",
                    &[name, value],
                )
                .await
                .map_err(StackError::database("writing a setting"))?;
        }
        Ok(())
    }

    async fn connect_as(&self, role: &str) -> Result<Client, StackError> {
        connect(&self.url_for(role)).await
    }
}
