//! Looking into a running stack: counts, mails, queues, logs; setting the gateway's faults and rotating keys.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::LocalStack;
use crate::{
    AlarmReading, ApiKeyKind, CallCounts, FunctionInvocation, GatewayFault, QueueDepth, SentMail,
    StackError, StackPart, postgres,
};

impl LocalStack {
    /// Requests that came to the gateway since the last reset.
    pub fn gateway_counts(&self) -> CallCounts {
        self.gateway.counts()
    }

    /// Bytes of the Data API's answers since the stack started.
    pub fn gateway_sent_bytes(&self) -> u64 {
        self.gateway.sent_bytes()
    }

    /// Starts counting anew.
    pub fn reset_gateway_counts(&self) {
        self.gateway.reset_counts();
    }

    /// Makes the gateway fail, or with `None` work again.
    pub fn set_gateway_fault(&self, fault: Option<GatewayFault>) {
        self.gateway.set_fault(fault);
    }

    /// The mails that Auth would have sent, the oldest first.
    pub fn mails(&self) -> Vec<SentMail> {
        self.gateway.auth().mails()
    }

    /// Calls a function and waits for its answer. Its name is an output's key (`ReconcileFunctionName`), a
    /// logical id of the template (`Reconcile`) or its real name.
    ///
    /// # Errors
    /// When the emulator does not answer or refuses; a function's own failure is in the [`FunctionInvocation`].
    pub async fn invoke(
        &self,
        function: &str,
        payload: &Value,
    ) -> Result<FunctionInvocation, StackError> {
        let deployment = self.deployment();
        let aws = self.aws().await?;
        aws.invoke(deployment.function(function), payload).await
    }

    /// Defines a field of structured metadata that takes any text, as an administrator of the library does.
    ///
    /// # Errors
    /// When the stack runs without the Cloudinary stand-in, or the field is defined already.
    pub async fn define_text_field(&self, external_id: &str) -> Result<(), StackError> {
        let parts = self.parts.lock().await;
        let cloudinary = parts.cloudinary.as_ref();
        let cloudinary = cloudinary.ok_or(StackError::Without(StackPart::Cloudinary))?;
        cloudinary.define_text_field(external_id).await
    }

    /// Messages in each queue, by the queue's logical id in the template.
    ///
    /// # Errors
    /// When the emulator does not answer.
    pub async fn queue_depths(&self) -> Result<BTreeMap<String, QueueDepth>, StackError> {
        let deployment = self.deployment();
        let aws = self.aws().await?;
        aws.queue_depths(&deployment).await
    }

    /// Sets the time for which a queue, by its logical id, hides its messages. The template says minutes; so the
    /// messages of a killed function come back sooner.
    ///
    /// # Errors
    /// When the emulator does not answer, or there is no such queue.
    pub async fn hide_messages_for(&self, queue: &str, seconds: u32) -> Result<(), StackError> {
        let aws = self.aws().await?;
        let deployment = self.deployment();
        aws.hide_messages_for(&deployment, queue, seconds).await
    }

    /// Lets so many seconds of a delay pass in one, for messages that are sent to a queue from now on.
    ///
    /// # Errors
    /// When the emulator does not answer, or there is no such queue.
    pub async fn hurry(&self, queue: &str, seconds: u32) -> Result<(), StackError> {
        let aws = self.aws().await?;
        let deployment = self.deployment();
        aws.hurry(&deployment, queue, seconds).await
    }

    /// Has a queue, by its logical id, give up a message that was received so often, instead of as often as the
    /// template says.
    ///
    /// # Errors
    /// When the emulator does not answer, or there is no such queue.
    pub async fn give_up_after(&self, queue: &str, receives: u32) -> Result<(), StackError> {
        let aws = self.aws().await?;
        let deployment = self.deployment();
        aws.give_up_after(&deployment, queue, receives).await
    }

    /// Puts a body into a queue, by its logical id, as it is.
    ///
    /// # Errors
    /// When the emulator does not answer, or there is no such queue.
    pub async fn send_message(&self, queue: &str, body: &str) -> Result<(), StackError> {
        let aws = self.aws().await?;
        let deployment = self.deployment();
        aws.send_message(&deployment, queue, body).await
    }

    /// Lets so many copies of a function, named as for [`LocalStack::invoke`], run at once, and turns other calls away;
    /// with `None` the account's limit is the only one.
    ///
    /// # Errors
    /// When the emulator does not answer, or there is no such function.
    pub async fn reserve(&self, function: &str, copies: Option<u32>) -> Result<(), StackError> {
        let aws = self.aws().await?;
        let deployment = self.deployment();
        aws.reserve(deployment.function(function), copies).await
    }

    /// Reads an alarm of the template, by its logical id, beside the numbers that it looks at.
    ///
    /// # Errors
    /// When the emulator does not answer, or there is no such alarm.
    pub async fn alarm(&self, alarm: &str) -> Result<AlarmReading, StackError> {
        let aws = self.aws().await?;
        let deployment = self.deployment();
        aws.read_alarm(&deployment, alarm).await
    }

    /// Reads the log of a function, named as for [`LocalStack::invoke`].
    ///
    /// # Errors
    /// When the emulator does not answer.
    pub async fn function_log(&self, function: &str) -> Result<String, StackError> {
        let deployment = self.deployment();
        let aws = self.aws().await?;
        aws.function_log(deployment.function(function)).await
    }

    /// Puts a new version of the configuration secret with these keys changed, as an operator does who rotates keys.
    /// Nothing takes a key away. Functions that run take it in within five minutes, or after a refusal.
    ///
    /// # Errors
    /// When the emulator does not answer.
    pub async fn change_secret(&self, changes: &[(&str, Option<&str>)]) -> Result<(), StackError> {
        for (key, value) in changes {
            self.note_secret(key, value.unwrap_or_default());
        }
        self.aws().await?.change_secret(&self.plan, changes).await
    }

    /// One more API key of the project; those that there are go on.
    pub fn add_api_key(&self, kind: ApiKeyKind) -> String {
        let key = self.gateway.add_key(kind);
        if kind == ApiKeyKind::Secret {
            self.note_secret("a new API key", &key);
        }
        key
    }

    /// Has the gateway refuse an API key from now on. [`LocalStack::secret_key`] and [`LocalStack::publishable_key`] go on
    /// naming those that the project began with.
    pub fn revoke_api_key(&self, key: &str) {
        self.gateway.revoke_key(key);
    }

    /// Switches the `anon` and `service_role` keys of older projects off or on, both at once, as the dashboard does.
    pub fn switch_legacy_keys(&self, on: bool) {
        self.gateway.switch_legacy_keys(on);
    }

    /// Runs `supabase db push` with the migrations of a folder; returns the CLI's words.
    ///
    /// # Errors
    /// When the CLI refuses or a migration fails, with the CLI's last words.
    pub async fn push(&self, migrations: &Path) -> Result<String, StackError> {
        postgres::push(
            &self.supervisor,
            &self.tools,
            migrations,
            &self.database_url,
        )
        .await
    }

    /// The project's own migrations.
    pub fn migrations(&self) -> PathBuf {
        self.tools.migrations()
    }
}
