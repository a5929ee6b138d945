//! The stack as a whole: what starts when, what its addresses are, and how its parts are killed and revived.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Instant;

use serde_json::Value;
use tokio::sync::Mutex;

use crate::aws::{self, Aws, Deployment, Plan};
use crate::cloudinary::Cloudinary;
use crate::front_door::{Behind, FrontDoor};
use crate::gateway::Gateway;
use crate::keys::Keys;
use crate::migrations;
use crate::postgres::Postgres;
use crate::postgrest::PostgRest;
use crate::servers::Servers;
use crate::supervisor::{Process, Supervisor};
use crate::tools::Tools;
use crate::{Claims, Counts, Fault, Invocation, Options, Part, QueueDepth, StackError};

/// A running stack. Dropping it ends everything that it started and removes its folder.
#[derive(Debug)]
pub struct Stack {
    // The order is the order of the end: first no more requests, then no more processes.
    _servers: Servers,
    tools: Tools,
    keys: Arc<Keys>,
    gateway: Arc<Gateway>,
    gateway_address: SocketAddr,
    front_door: Arc<FrontDoor>,
    front_door_address: SocketAddr,
    database_url: String,
    cloudinary_urls: Option<(String, String)>,
    aws_endpoint: Option<String>,
    plan: Plan,
    deployment: RwLock<Deployment>,
    parts: Mutex<Parts>,
    supervisor: Supervisor,
}

#[derive(Debug)]
struct Parts {
    postgres: Postgres,
    postgrest: PostgRest,
    aws: Option<Aws>,
    cloudinary: Option<Cloudinary>,
}

impl Stack {
    /// Starts everything that the options do not leave out, and returns when all of it answers.
    ///
    /// # Errors
    /// Says which part failed and shows the end of its log; what was started already has ended then.
    pub async fn start(options: Options) -> Result<Self, StackError> {
        let began = Instant::now();
        let tools = Tools::of_this_project();
        let supervisor = Supervisor::start(&tools).await?;
        let servers = Servers::start()?;
        let keys = Arc::new(Keys::generate());
        let tell = |what: &str| {
            if options.verbose {
                eprintln!(
                    "local stack: {what} ({:.1} s)",
                    began.elapsed().as_secs_f32()
                );
            }
        };

        let gateway = Gateway::new(Arc::clone(&keys));
        let gateway_address = servers.serve(gateway.router()).await?;
        let front_door = FrontDoor::new();
        let front_door_address = servers.serve(front_door.router()).await?;

        let database = async {
            let postgres = Postgres::start(&supervisor, &tools).await?;
            migrations::apply(&mut postgres.connect().await?, &tools.migrations()).await?;
            tell("PostgreSQL is ready and migrated");
            let authenticator = postgres.url_for("authenticator");
            let postgrest = PostgRest::start(&supervisor, &tools, &authenticator, &keys).await?;
            gateway.lead_to(postgrest.authority());
            tell("PostgREST is ready");
            Ok::<_, StackError>((postgres, postgrest))
        };
        // The functions are deployed while the database is still being made: nothing calls them before we return.
        let cloud = async {
            let stand_in = Cloudinary::start(&supervisor, &options.cloudinary_arguments);
            let cloudinary = unless(options.without.contains(&Part::Cloudinary), stand_in);
            let aws = unless(
                options.without.contains(&Part::Aws),
                Aws::start(&supervisor, &tools),
            );
            let (aws, cloudinary) = tokio::try_join!(aws, cloudinary)?;
            let plan = Plan {
                template: options.template.clone().unwrap_or_else(|| tools.template()),
                parameters: options.parameters.clone(),
                config: configuration(&keys, gateway_address, cloudinary.as_ref(), &options.config),
            };
            let deployment = match &aws {
                Some(aws) => aws.deploy(&supervisor, &tools, &plan).await?,
                None => Deployment::default(),
            };
            tell("the cloud is ready");
            Ok((aws, cloudinary, plan, deployment))
        };
        let ((postgres, postgrest), (aws, cloudinary, plan, deployment)) =
            tokio::try_join!(database, cloud)?;

        let stack = Self {
            _servers: servers,
            plan,
            database_url: postgres.url_for("postgres"),
            cloudinary_urls: cloudinary
                .as_ref()
                .map(|part| (part.url(), part.base_url())),
            aws_endpoint: aws.as_ref().map(Aws::endpoint),
            deployment: RwLock::default(),
            tools,
            keys,
            gateway,
            gateway_address,
            front_door,
            front_door_address,
            parts: Mutex::new(Parts {
                postgres,
                postgrest,
                aws,
                cloudinary,
            }),
            supervisor,
        };
        stack.lead_to(deployment).await;
        stack.subscribe().await?;
        Ok(stack)
    }

    // --- Addresses and keys -----------------------------------------------------------------------

    /// The front door, without a slash at the end: `/api/...` and `/webhook` are below it.
    pub fn front_door_url(&self) -> String {
        format!("http://{}", self.front_door_address)
    }

    /// The HTTP API, as the routes of the contract are appended to it: `{api_url}/api/cloudinary/media`.
    pub fn api_url(&self) -> String {
        self.front_door_url()
    }

    /// What Cloudinary is told to notify.
    pub fn webhook_url(&self) -> String {
        format!("{}/webhook", self.front_door_url())
    }

    /// The Supabase project: the Data API is at `/rest/v1` of it.
    pub fn supabase_url(&self) -> String {
        format!("http://{}", self.gateway_address)
    }

    /// `sb_secret_...`.
    pub fn secret_key(&self) -> &str {
        &self.keys.secret
    }

    /// `sb_publishable_...`.
    pub fn publishable_key(&self) -> &str {
        &self.keys.publishable
    }

    /// The service_role key of older projects, a JWT.
    pub fn legacy_service_role_key(&self) -> &str {
        &self.keys.legacy_service_role
    }

    /// The anon key of older projects, a JWT.
    pub fn legacy_anon_key(&self) -> &str {
        &self.keys.legacy_anon
    }

    /// The shared secret that older projects sign tokens with.
    pub fn legacy_jwt_secret(&self) -> &str {
        &self.keys.legacy_secret
    }

    /// An access token for a user, ES256, good for an hour.
    pub fn token(&self, claims: &Claims) -> String {
        self.keys.token(claims, &self.issuer())
    }

    /// The same, HS256 with the shared secret.
    pub fn legacy_token(&self, claims: &Claims) -> String {
        self.keys.legacy_token(claims, &self.issuer())
    }

    /// Any claims at all, ES256: expired tokens, other audiences.
    pub fn sign(&self, claims: &Value) -> String {
        self.keys.sign(claims)
    }

    /// `iss` of the tokens.
    pub fn issuer(&self) -> String {
        format!("{}/auth/v1", self.supabase_url())
    }

    /// The database as superuser, for tests.
    pub fn database_url(&self) -> &str {
        &self.database_url
    }

    /// `CLOUDINARY_URL` of the stand-in.
    ///
    /// # Errors
    /// When the stack runs without it.
    pub fn cloudinary_url(&self) -> Result<&str, StackError> {
        let urls = self
            .cloudinary_urls
            .as_ref()
            .ok_or(StackError::Without(Part::Cloudinary))?;
        Ok(&urls.0)
    }

    /// The stand-in's base URL; its control plane is at `/_control` of it.
    ///
    /// # Errors
    /// When the stack runs without it.
    pub fn cloudinary_control(&self) -> Result<&str, StackError> {
        let urls = self
            .cloudinary_urls
            .as_ref()
            .ok_or(StackError::Without(Part::Cloudinary))?;
        Ok(&urls.1)
    }

    /// The emulator's endpoint; see also [`Stack::aws_environment`].
    ///
    /// # Errors
    /// When the stack runs without it.
    pub fn aws_endpoint(&self) -> Result<&str, StackError> {
        self.aws_endpoint
            .as_deref()
            .ok_or(StackError::Without(Part::Aws))
    }

    /// Endpoint, region and credentials, as an AWS SDK or tool reads them from its environment.
    ///
    /// # Errors
    /// When the stack runs without the emulator.
    pub fn aws_environment(&self) -> Result<[(&'static str, String); 4], StackError> {
        Ok([
            ("AWS_ENDPOINT_URL", self.aws_endpoint()?.to_owned()),
            ("AWS_DEFAULT_REGION", aws::REGION.to_owned()),
            ("AWS_ACCESS_KEY_ID", aws::ACCESS_KEY.to_owned()),
            ("AWS_SECRET_ACCESS_KEY", aws::SECRET_KEY.to_owned()),
        ])
    }

    /// The deployed stack's outputs, by their keys in the template.
    pub fn outputs(&self) -> BTreeMap<String, String> {
        self.deployment().outputs
    }

    /// Where each part writes its log.
    pub fn logs(&self) -> PathBuf {
        self.supervisor.logs()
    }

    // --- Looking in ----------------------------------------------------------------------------------

    /// Requests that came to the gateway since the last reset.
    pub fn gateway_counts(&self) -> Counts {
        self.gateway.counts()
    }

    /// Starts counting anew.
    pub fn reset_gateway_counts(&self) {
        self.gateway.reset_counts();
    }

    /// Makes the gateway fail, or with `None` work again.
    pub fn set_gateway_fault(&self, fault: Option<Fault>) {
        self.gateway.set_fault(fault);
    }

    /// Calls a function and waits for its answer. Its name is an output's key (`ReconcileFunctionName`), a
    /// logical id of the template (`Reconcile`) or its real name.
    ///
    /// # Errors
    /// When the emulator does not answer or refuses; a function's own failure is in the [`Invocation`].
    pub async fn invoke(&self, function: &str, payload: &Value) -> Result<Invocation, StackError> {
        let deployment = self.deployment();
        let parts = self.parts.lock().await;
        let aws = parts
            .aws
            .as_ref()
            .ok_or(StackError::Without(Part::Aws))?
            .clone();
        drop(parts);
        aws.invoke(deployment.function(function), payload).await
    }

    /// Messages in each queue, by the queue's logical id in the template.
    ///
    /// # Errors
    /// When the emulator does not answer.
    pub async fn queue_depths(&self) -> Result<BTreeMap<String, QueueDepth>, StackError> {
        let deployment = self.deployment();
        let parts = self.parts.lock().await;
        let aws = parts
            .aws
            .as_ref()
            .ok_or(StackError::Without(Part::Aws))?
            .clone();
        drop(parts);
        aws.queue_depths(&deployment).await
    }

    /// What a function, named as for [`Stack::invoke`], has logged so far.
    ///
    /// # Errors
    /// When the emulator does not answer.
    pub async fn function_log(&self, function: &str) -> Result<String, StackError> {
        let deployment = self.deployment();
        let parts = self.parts.lock().await;
        let aws = parts
            .aws
            .as_ref()
            .ok_or(StackError::Without(Part::Aws))?
            .clone();
        drop(parts);
        aws.function_log(deployment.function(function)).await
    }

    /// Applies migrations that are not recorded yet; returns their versions.
    ///
    /// # Errors
    /// Names the file and the line that does not apply.
    pub async fn migrate(&self) -> Result<Vec<String>, StackError> {
        let mut client = self.parts.lock().await.postgres.connect().await?;
        migrations::apply(&mut client, &self.tools.migrations()).await
    }

    // --- Trouble ---------------------------------------------------------------------------------------

    /// SIGKILL for a part and everything below it; returns when it is gone.
    ///
    /// # Errors
    /// When the stack runs without the part.
    pub async fn kill(&self, part: Part) -> Result<(), StackError> {
        let parts = self.parts.lock().await;
        if part == Part::AwsWorker {
            let emulator = parts.process(Part::Aws)?;
            return self
                .supervisor
                .kill_children(emulator, "bootstrap")
                .await
                .map(|_| ());
        }
        self.supervisor.kill(parts.process(part)?).await
    }

    /// Starts a killed part on its old port with its old data, and returns when it answers.
    ///
    /// The emulator keeps no data: everything is deployed into it anew, and messages that were in its queues
    /// are lost, which is what reconciliation is there to repair. [`Stack::outputs`] change with it.
    ///
    /// # Errors
    /// When the part does not start.
    pub async fn start_again(&self, part: Part) -> Result<(), StackError> {
        let mut parts = self.parts.lock().await;
        match part {
            Part::Postgres => parts.postgres.start_again(&self.supervisor).await?,
            Part::PostgREST => parts.postgrest.start_again(&self.supervisor).await?,
            Part::Cloudinary => {
                parts
                    .cloudinary
                    .as_mut()
                    .ok_or(StackError::Without(part))?
                    .start_again(&self.supervisor)
                    .await?;
            }
            Part::Aws => {
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
            Part::AwsWorker => return Ok(()),
        }
        if part == Part::Postgres {
            // PostgREST reconnects by itself; whoever comes next should not see it doing so.
            parts.postgrest.ready().await?;
        }
        Ok(())
    }

    /// Ends everything. Dropping the stack does the same.
    pub async fn stop(self) {
        // It waits for processes to end, which must not hold up the runtime.
        let _ = tokio::task::spawn_blocking(move || drop(self)).await;
    }

    // --- Within ------------------------------------------------------------------------------------------

    async fn deploy_again(&self) -> Result<(), StackError> {
        let aws = self.aws().await?;
        let deployment = aws
            .deploy(&self.supervisor, &self.tools, &self.plan)
            .await?;
        self.lead_to(deployment).await;
        Ok(())
    }

    async fn lead_to(&self, deployment: Deployment) {
        let authority = self
            .parts
            .lock()
            .await
            .aws
            .as_ref()
            .map(Aws::authority)
            .unwrap_or_default();
        let (api_host, webhook_host) = deployment.hosts(&authority);
        self.front_door.lead_to(Behind {
            authority,
            api_host,
            webhook_host,
            page: self.page(),
        });
        *self
            .deployment
            .write()
            .unwrap_or_else(PoisonError::into_inner) = deployment;
    }

    /// The stand-in remembers it, and the front door's address never changes: once is enough.
    async fn subscribe(&self) -> Result<(), StackError> {
        match &self.parts.lock().await.cloudinary {
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
            .ok_or(StackError::Without(Part::Aws))
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
    fn process(&self, part: Part) -> Result<&Process, StackError> {
        let process = match part {
            Part::Postgres => Some(self.postgres.process()),
            Part::PostgREST => Some(self.postgrest.process()),
            Part::Aws | Part::AwsWorker => self.aws.as_ref().map(Aws::process),
            Part::Cloudinary => self.cloudinary.as_ref().map(Cloudinary::process),
        };
        process.ok_or(StackError::Without(part))
    }
}

async fn unless<T>(
    skip: bool,
    start: impl Future<Output = Result<T, StackError>>,
) -> Result<Option<T>, StackError> {
    if skip {
        Ok(None)
    } else {
        start.await.map(Some)
    }
}

/// The configuration secret, by the names that the functions read.
fn configuration(
    keys: &Keys,
    gateway: SocketAddr,
    cloudinary: Option<&Cloudinary>,
    overrides: &BTreeMap<String, String>,
) -> BTreeMap<String, String> {
    let mut config = BTreeMap::from([
        ("SUPABASE_URL".to_owned(), format!("http://{gateway}")),
        ("SUPABASE_SECRET_KEY".to_owned(), keys.secret.clone()),
        (
            "SUPABASE_PUBLISHABLE_KEY".to_owned(),
            keys.publishable.clone(),
        ),
    ]);
    if let Some(cloudinary) = cloudinary {
        config.insert("CLOUDINARY_URL".to_owned(), cloudinary.url());
    }
    config.extend(overrides.clone());
    config
}
