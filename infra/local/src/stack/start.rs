//! The order of a start: the database and the cloud at the same time.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, RwLock};
use std::time::Instant;

use tokio::sync::{Mutex, oneshot};

use super::{LocalStack, Parts};
use crate::auth::{AuthServer, AuthSettings};
use crate::aws::{Aws, Deployment, DeploymentPlan};
use crate::cloudinary::Cloudinary;
use crate::freshness;
use crate::front_door::FrontDoor;
use crate::gateway::{self, Gateway};
use crate::kept_project::{KeptProject, ProjectSecrets};
use crate::keys::Keys;
use crate::ports;
use crate::postgres::{Postgres, Project};
use crate::postgrest::PostgRest;
use crate::realtime;
use crate::servers::Servers;
use crate::supervisor::Supervisor;
use crate::tools::Tools;
use crate::{StackError, StackOptions, StackPart};

impl LocalStack {
    /// Starts everything that the options do not leave out, and returns when all of it answers.
    ///
    /// # Errors
    /// Says which part failed and shows the end of its log; parts that were started have ended then.
    pub async fn start(options: StackOptions) -> Result<Self, StackError> {
        Self::start_in(None, options).await
    }

    /// Starts another stack with a database and a library of its own, deployed into this one's AWS account. The
    /// emulator stays this one's: kill it here only, since the other deployments are lost with it.
    ///
    /// # Errors
    /// As [`LocalStack::start`], and when this stack runs without the emulator.
    pub async fn start_beside(&self, options: StackOptions) -> Result<Self, StackError> {
        Self::start_in(Some(self.aws().await?), options).await
    }

    async fn start_in(emulator: Option<Aws>, options: StackOptions) -> Result<Self, StackError> {
        let tools = Tools::of_this_project();
        let supervisor = Supervisor::start(&tools).await?;
        let servers = Servers::start()?;
        let kept = match &options.kept {
            Some(folder) => KeptProject::find(folder, &project(&options).key(&tools)?)?,
            None => None,
        };
        let secrets = match &kept {
            Some(kept) => kept.secrets()?,
            None => ProjectSecrets::generate(),
        };
        let keys = Arc::new(Keys::of(&secrets.keys));
        let auth = AuthServer::new(Arc::clone(&keys), users_settings(&options));
        let gateway = Gateway::new(Arc::clone(&keys), auth);
        let gateway_address = servers
            .serve(
                options.usual_port(ports::SUPABASE),
                gateway::router(&gateway),
            )
            .await?;
        let issuer = format!("http://{gateway_address}/auth/v1");
        gateway.auth().issue_as(issuer);
        let front_door = FrontDoor::new();
        let front_door_address = servers
            .serve(options.usual_port(ports::FRONT_DOOR), front_door.router())
            .await?;

        // The functions are deployed while the database is still being made: nothing calls them before we return.
        let start = Start {
            began: Instant::now(),
            emulator,
            options,
            tools,
            supervisor,
            keys,
            secrets,
            kept,
        };
        let (database, cloud) =
            tokio::try_join!(start.database(&gateway), start.cloud(gateway_address))?;
        let (postgres, postgrest) = database;
        if start.options.realtime {
            let messages = postgres.url_for("supabase_admin");
            let (listening, listens) = oneshot::channel();
            servers.run(realtime::follow(
                Arc::clone(gateway.realtime()),
                messages,
                listening,
            ));
            listens
                .await
                .map_err(|_| StackError::Supervisor("Realtime has ended".to_owned()))?;
        }
        let Cloud {
            aws,
            cloudinary,
            plan,
            deployment,
        } = cloud;

        let stack = Self {
            _servers: servers,
            plan,
            undeployed: start.options.undeployed,
            database_url: postgres.url_for("postgres"),
            supabase_admin_url: postgres.url_for("supabase_admin"),
            cloudinary_urls: cloudinary
                .as_ref()
                .map(|part| (part.url(), part.base_url())),
            aws_endpoint: aws.as_ref().map(Aws::endpoint),
            deployment: RwLock::default(),
            project: project(&start.options),
            tools: start.tools,
            keys: start.keys,
            secrets: start.secrets,
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
            rotated: std::sync::Mutex::default(),
            supervisor: start.supervisor,
        };
        stack.lead_to(deployment).await;
        stack.subscribe().await?;
        Ok(stack)
    }
}

/// The needs of both halves of a start.
struct Start {
    began: Instant,
    /// Another stack's, to deploy into.
    emulator: Option<Aws>,
    options: StackOptions,
    tools: Tools,
    supervisor: Supervisor,
    keys: Arc<Keys>,
    secrets: ProjectSecrets,
    kept: Option<KeptProject>,
}

struct Cloud {
    aws: Option<Aws>,
    cloudinary: Option<Cloudinary>,
    plan: DeploymentPlan,
    deployment: Deployment,
}

impl Start {
    async fn database(&self, gateway: &Gateway) -> Result<(Postgres, PostgRest), StackError> {
        let postgres = Postgres::start(
            &self.supervisor,
            &self.tools,
            project(&self.options),
            self.kept.as_ref(),
        )
        .await?;
        postgres.set(&self.options.settings).await?;
        self.tell("PostgreSQL is ready");
        let authenticator = postgres.url_for("authenticator");
        let postgrest =
            PostgRest::start(&self.supervisor, &self.tools, &authenticator, &self.keys).await?;
        gateway.lead_to(postgrest.authority());
        let users = postgres.url_for("supabase_auth_admin");
        gateway.auth().keep_users_in(users);
        self.tell("PostgREST is ready");
        Ok((postgres, postgrest))
    }

    async fn cloud(&self, gateway: SocketAddr) -> Result<Cloud, StackError> {
        if self.options.template.is_none() && !self.options.without.contains(&StackPart::Aws) {
            freshness::check(&self.tools.root)?;
        }
        let usual_port = self.options.usual_port(ports::CLOUDINARY);
        let more = &self.options.cloudinary_arguments;
        let stand_in = Cloudinary::start(
            &self.supervisor,
            usual_port,
            &self.secrets.cloudinary,
            self.kept.as_ref(),
            more,
        );
        let (aws, cloudinary) = tokio::try_join!(
            self.unless_without(StackPart::Aws, self.aws()),
            self.unless_without(StackPart::Cloudinary, stand_in),
        )?;
        let name = match self.emulator {
            None => "media-sync",
            Some(_) => "media-sync-beside",
        };
        let plan = DeploymentPlan {
            stack: name.to_owned(),
            template: self
                .options
                .template
                .clone()
                .unwrap_or_else(|| self.tools.template()),
            parameters: self.options.parameters.clone(),
            config: configuration(
                &self.keys,
                gateway,
                cloudinary.as_ref(),
                &self.options.config,
            ),
        };
        let deployment = match &aws {
            Some(_) if self.options.undeployed => Deployment::default(),
            Some(aws) => aws.deploy(&self.supervisor, &self.tools, &plan).await?,
            None => Deployment::default(),
        };
        self.tell("the cloud is ready");
        Ok(Cloud {
            aws,
            cloudinary,
            plan,
            deployment,
        })
    }

    async fn aws(&self) -> Result<Aws, StackError> {
        match &self.emulator {
            None => Aws::start(&self.supervisor, &self.tools).await,
            Some(emulator) => Ok(emulator.clone()),
        }
    }

    async fn unless_without<T>(
        &self,
        part: StackPart,
        start: impl Future<Output = Result<T, StackError>>,
    ) -> Result<Option<T>, StackError> {
        if self.options.without.contains(&part) {
            Ok(None)
        } else {
            start.await.map(Some)
        }
    }

    fn tell(&self, what: &str) {
        if self.options.verbose {
            eprintln!(
                "local stack: {what} ({:.1} s)",
                self.began.elapsed().as_secs_f32()
            );
        }
    }
}

fn project(options: &StackOptions) -> Project {
    Project {
        realtime: options.realtime,
        open_grants: options.open_grants,
        migrated: !options.unmigrated,
    }
}

fn users_settings(options: &StackOptions) -> AuthSettings {
    AuthSettings {
        sign_up_disabled: options.sign_up_disabled,
        anonymous_sign_ins: options.anonymous_sign_ins,
        other_sign_in: options.other_sign_in,
        legacy_signing: options.legacy_signing,
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
