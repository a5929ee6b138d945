//! The stack as a whole: its parts, deployments into them, and ways to kill and revive them.

mod addresses;
mod inspection;
mod secrets;
mod start;

use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, PoisonError, RwLock};

use tokio::sync::Mutex;

use crate::aws::{Aws, Deployment, DeploymentPlan};
use crate::cloudinary::Cloudinary;
use crate::front_door::{Behind, Elsewhere, FrontDoor};
use crate::gateway::Gateway;
use crate::kept_project::{KeptProject, ProjectSecrets};
use crate::keys::Keys;
use crate::postgres::{Postgres, Project};
use crate::postgrest::PostgRest;
use crate::servers::Servers;
use crate::supervisor::{Process, Signal, Supervisor};
use crate::tools::Tools;
use crate::{StackError, StackPart};

/// A running stack. Dropping it ends everything that it started and removes its folder.
#[derive(Debug)]
pub struct LocalStack {
    // The order is the order of the end: first no more requests, then no more processes.
    _servers: Servers,
    tools: Tools,
    project: Project,
    keys: Arc<Keys>,
    secrets: ProjectSecrets,
    gateway: Arc<Gateway>,
    gateway_address: SocketAddr,
    front_door: Arc<FrontDoor>,
    front_door_address: SocketAddr,
    database_url: String,
    supabase_admin_url: String,
    cloudinary_urls: Option<(String, String)>,
    aws_endpoint: Option<String>,
    plan: DeploymentPlan,
    undeployed: bool,
    deployment: RwLock<Deployment>,
    parts: Mutex<Parts>,
    /// Keys that came into play since the start.
    rotated: std::sync::Mutex<Vec<(String, String)>>,
    supervisor: Supervisor,
}

#[derive(Debug)]
struct Parts {
    postgres: Postgres,
    postgrest: PostgRest,
    aws: Option<Aws>,
    cloudinary: Option<Cloudinary>,
}

impl LocalStack {
    /// SIGKILL for a part and everything below it; returns when it is gone.
    ///
    /// # Errors
    /// When the stack runs without the part.
    pub async fn kill(&self, part: StackPart) -> Result<(), StackError> {
        let parts = self.parts.lock().await;
        if part == StackPart::AwsWorker {
            drop(parts);
            return self.signal_functions(Signal::Kill).await;
        }
        self.supervisor.kill(parts.process(part)?).await
    }

    /// Stops every running copy of a function where it is. It keeps its memory and its connections, and gets no time of
    /// the processor. AWS kills one that is at work then at its function's timeout.
    ///
    /// # Errors
    /// When the stack runs without the emulator.
    pub async fn freeze_functions(&self) -> Result<(), StackError> {
        self.signal_functions(Signal::Freeze).await
    }

    /// Lets the copies go on that [`LocalStack::freeze_functions`] has stopped.
    ///
    /// # Errors
    /// When the stack runs without the emulator.
    pub async fn thaw_functions(&self) -> Result<(), StackError> {
        self.signal_functions(Signal::Thaw).await
    }

    async fn signal_functions(&self, signal: Signal) -> Result<(), StackError> {
        let parts = self.parts.lock().await;
        let emulator = parts.process(StackPart::Aws)?;
        let signalled = self
            .supervisor
            .signal_children(emulator, "bootstrap", signal);
        signalled.await.map(drop)
    }

    /// Starts a killed part on its old port with its old data, and returns when it answers.
    ///
    /// The emulator keeps no data: everything is deployed into it anew, and messages in its queues are lost.
    /// Reconciliation repairs that. [`LocalStack::outputs`] change with it.
    ///
    /// # Errors
    /// When the part does not start.
    pub async fn start_again(&self, part: StackPart) -> Result<(), StackError> {
        let mut parts = self.parts.lock().await;
        match part {
            StackPart::Postgres => parts.postgres.start_again(&self.supervisor).await?,
            StackPart::PostgREST => parts.postgrest.start_again(&self.supervisor).await?,
            StackPart::Cloudinary => {
                parts
                    .cloudinary
                    .as_mut()
                    .ok_or(StackError::Without(part))?
                    .start_again(&self.supervisor)
                    .await?;
            }
            StackPart::Aws => {
                parts
                    .aws
                    .as_mut()
                    .ok_or(StackError::Without(part))?
                    .start_again(&self.supervisor)
                    .await?;
                drop(parts);
                return self.deploy_again().await;
            }
            // The emulator starts the next one with the next call.
            StackPart::AwsWorker => return Ok(()),
        }
        if part == StackPart::Postgres && parts.postgrest.process().is_running() {
            // PostgREST reconnects by itself; whoever comes next should not see it doing so.
            parts.postgrest.ready().await?;
        }
        Ok(())
    }

    /// Takes a stack that was deployed into the empty account for this stack's own, and makes its API's routes.
    ///
    /// # Errors
    /// When the stack runs without the emulator, or nothing of the usual name is deployed.
    pub async fn adopt(&self) -> Result<(), StackError> {
        let deployment = self.aws().await?.adopt(&self.plan).await?;
        self.lead_to(deployment).await;
        Ok(())
    }

    /// Copies the data of database and library into this folder, with the keys, for a start with the option `kept`. It
    /// ends the functions, the library and the database: nothing but [`LocalStack::stop`] is left to do then.
    ///
    /// # Errors
    /// When a part does not end, or the folder cannot be written. What was kept there before stays then.
    pub async fn keep(&self, folder: &Path) -> Result<(), StackError> {
        let parts = self.parts.lock().await;
        for part in [StackPart::Aws, StackPart::PostgREST, StackPart::Cloudinary] {
            if let Ok(process) = parts.process(part) {
                self.supervisor.kill(process).await?;
            }
        }
        let draft = KeptProject::draft(folder)?;
        parts.postgres.keep(&self.supervisor, &draft).await?;
        if let Some(cloudinary) = &parts.cloudinary {
            cloudinary.keep(&draft).await?;
        }
        let project = self.project.key(&self.tools)?;
        draft.finish(folder, (&project, parts.postgres.password()), &self.secrets)
    }

    /// Ends everything, and searches the logs. Dropping the stack ends it without a search.
    ///
    /// # Panics
    /// When a log holds a secret of the stack.
    pub async fn stop(self) {
        let found = self.secrets_in_logs().await;
        // It waits for processes to end, which must not hold up the runtime.
        let _ = tokio::task::spawn_blocking(move || drop(self)).await;
        assert!(found.is_empty(), "secrets were logged: {found:#?}");
    }

    async fn deploy_again(&self) -> Result<(), StackError> {
        let aws = self.aws().await?;
        let deployment = aws
            .deploy(&self.supervisor, &self.tools, &self.plan)
            .await?;
        self.lead_to(deployment).await;
        Ok(())
    }

    async fn lead_to(&self, deployment: Deployment) {
        let aws = self.parts.lock().await.aws.clone();
        let authority = aws.as_ref().map(Aws::authority).unwrap_or_default();
        let stack = self.plan.stack.clone();
        let elsewhere = aws
            .filter(|_| self.undeployed)
            .map(|aws| Elsewhere { aws, stack });
        let (api_host, webhook_host) = deployment.hosts(&authority);
        self.front_door.lead_to(Behind {
            authority,
            api_host,
            webhook_host,
            page: self.page(),
            elsewhere,
        });
        *self
            .deployment
            .write()
            .unwrap_or_else(PoisonError::into_inner) = deployment;
    }

    /// The stand-in remembers it, and the front door's address never changes: once is enough.
    async fn subscribe(&self) -> Result<(), StackError> {
        match &self.parts.lock().await.cloudinary {
            _ if self.undeployed => Ok(()),
            Some(cloudinary) => cloudinary.notify(&self.webhook_url()).await,
            None => Ok(()),
        }
    }

    async fn aws(&self) -> Result<Aws, StackError> {
        self.parts
            .lock()
            .await
            .aws
            .clone()
            .ok_or(StackError::Without(StackPart::Aws))
    }

    fn deployment(&self) -> Deployment {
        self.deployment
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    fn page(&self) -> String {
        let cloudinary = self
            .cloudinary_urls
            .as_ref()
            .map_or("not started", |urls| &urls.1);
        format!(
            "media-sync, local stack\n\nAPI        {0}/api/cloudinary/...\nwebhook    {0}/webhook\nSupabase   {1}\nCloudinary {cloudinary}\n\
             database   {2}\nAWS        {3}\n",
            self.front_door_url(),
            self.supabase_url(),
            self.database_url,
            self.aws_endpoint.as_deref().unwrap_or("not started"),
        )
    }
}

impl Parts {
    fn process(&self, part: StackPart) -> Result<&Process, StackError> {
        let process = match part {
            StackPart::Postgres => Some(self.postgres.process()),
            StackPart::PostgREST => Some(self.postgrest.process()),
            StackPart::Aws | StackPart::AwsWorker => self.aws.as_ref().map(Aws::process),
            StackPart::Cloudinary => self.cloudinary.as_ref().map(Cloudinary::process),
        };
        process.ok_or(StackError::Without(part))
    }
}
