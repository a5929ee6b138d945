//! One stack with somebody to act in it.

mod requests;
mod rows;

use local_stack::{LocalStack, StackOptions, TokenClaims};
use media_sync::asset::AssetId;
use media_sync::cloudinary::{CloudinaryClient, CloudinaryResource};
use media_sync::config::Config;
use media_sync::sync::store::MirrorStore;
use serde_json::{Value, json};

use crate::CloudinaryAccount;
use crate::database::Connections;

/// A running stack, an administrator and an ordinary user.
#[derive(Debug)]
pub struct World {
    pub stack: LocalStack,
    pub cloud: CloudinaryAccount,
    pub admin: String,
    pub user: String,
    pub user_id: String,
    http: reqwest::Client,
    connections: Connections,
}

impl World {
    /// A whole stack, with nothing in it.
    pub async fn start() -> Self {
        Self::start_with(StackOptions::default()).await
    }

    /// The same, with further options.
    pub async fn start_with(options: StackOptions) -> Self {
        let stack = LocalStack::start(Self::options(options)).await;
        Self::of(stack.unwrap_or_else(|error| panic!("{error}"))).await
    }

    /// A second world in the same AWS account, with a database and a library of its own.
    pub async fn start_beside(&self) -> Self {
        let options = Self::options(StackOptions::default());
        let stack = self.stack.start_beside(options).await;
        Self::of(stack.unwrap_or_else(|error| panic!("{error}"))).await
    }

    fn options(mut options: StackOptions) -> StackOptions {
        // As often as the template allows: a failure costs a test seconds, not minutes.
        let retries = ("RetrySeconds".to_owned(), "20".to_owned());
        options.parameters.extend([retries]);
        // As in production: what tells browsers of a change must not be in the way of it.
        options.realtime = true;
        options
    }

    async fn of(stack: LocalStack) -> Self {
        // So does a worker that is killed.
        for queue in ["NotificationQueue", "OutboundQueue"] {
            let hidden = stack.hide_messages_for(queue, 20).await;
            hidden.expect("the queue takes its setting");
        }
        let cloudinary = stack.cloudinary_url().expect("the stand-in runs");
        let control = stack.cloudinary_control().expect("the stand-in runs");
        let cloud = CloudinaryAccount::new(cloudinary, control);
        // Minutes between attempts become tenths of seconds.
        cloud.set(json!({"retry_factor": 0.001})).await;
        for field in ["sku", "weight", "sizes"] {
            let defined = stack.define_text_field(field).await;
            defined.expect("the stand-in takes the field");
        }
        let user = TokenClaims::user("user@example.com");
        Self {
            admin: stack.token(&TokenClaims::admin("admin@example.com")),
            user: stack.token(&user),
            user_id: user.sub.to_string(),
            http: media_sync::config::http_client().expect("a client without special roots"),
            connections: Connections::default(),
            cloud,
            stack,
        }
    }

    /// Cloudinary, used with another key of the account.
    pub fn cloud_with(&self, key: &str, secret: &str) -> CloudinaryAccount {
        let url = self.cloudinary_url_with(key, secret);
        let control = self.stack.cloudinary_control();
        CloudinaryAccount::new(&url, control.expect("the stand-in runs"))
    }

    /// `CLOUDINARY_URL` with another key of the account.
    pub fn cloudinary_url_with(&self, key: &str, secret: &str) -> String {
        let url = self.stack.cloudinary_url().expect("the stand-in runs");
        let (_, place) = url.split_once('@').expect("cloudinary://key:secret@cloud");
        format!("cloudinary://{key}:{secret}@{place}")
    }

    /// The workers' clients, for a flow that a test drives by itself.
    pub fn clients(&self) -> (CloudinaryClient, MirrorStore) {
        let cloudinary = self.stack.cloudinary_url().expect("the stand-in runs");
        let keys = [
            ("CLOUDINARY_URL", cloudinary.to_owned()),
            ("SUPABASE_URL", self.stack.supabase_url()),
            ("SUPABASE_SECRET_KEY", self.stack.secret_key().to_owned()),
            (
                "SUPABASE_PUBLISHABLE_KEY",
                self.stack.publishable_key().to_owned(),
            ),
        ];
        let keys = keys.map(|(key, value)| (key.to_owned(), value)).into();
        let config = Config::from_map(&keys).expect("the stack's own configuration");
        let store = MirrorStore::new(config.supabase.service(&self.http));
        (config.cloudinary.client(&self.http), store)
    }

    /// Invokes a function, and gives its answer.
    ///
    /// # Panics
    /// When the function fails.
    pub async fn invoke(&self, function: &str, event: Value) -> Value {
        let invoked = self.stack.invoke(function, &event).await;
        let invoked = invoked.expect("the emulator answers");
        assert!(invoked.error.is_none(), "{event}: {invoked:?}");
        invoked.payload
    }

    /// The same for `reconcile`.
    pub async fn reconcile(&self, event: Value) -> Value {
        self.invoke("ReconcileFunctionName", event).await
    }

    /// Sends all decisions that wait, as if their time had come, and the scheduler's too.
    pub async fn drain(&self) {
        self.rows(
            // In the order in which claims lock them.
            "with due as (
                select id from public.media_assets
                where sync_next_attempt_at is not null and intent is not null order by id for update
            )
            update public.media_assets a set sync_next_attempt_at = now() from due where a.id = due.id returning a.id",
            &[],
        )
        .await;
        self.invoke("MaintenanceFunctionName", json!({"action": "drain"}))
            .await;
    }
}

/// An uploaded asset's id.
pub fn id_of(asset: &CloudinaryResource) -> &AssetId {
    asset.asset_id.as_ref().expect("uploads have ids")
}

/// Now, in Unix seconds.
pub fn now() -> i64 {
    media_sync::time::Timestamp::now().micros() / 1_000_000
}
