//! Where everything is, and the keys and tokens to get in with.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde_json::Value;

use super::LocalStack;
use crate::{StackError, StackPart, TokenClaims, aws};

impl LocalStack {
    /// The front door, without a slash at the end: `/api/...` and `/webhook` are below it.
    pub fn front_door_url(&self) -> String {
        format!("http://{}", self.front_door_address)
    }

    /// The HTTP API, as the routes of the contract are appended to it: `{api_url}/api/cloudinary/media`.
    pub fn api_url(&self) -> String {
        self.front_door_url()
    }

    /// The address that Cloudinary is told to notify.
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
    pub fn token(&self, claims: &TokenClaims) -> String {
        self.keys.token(claims, &self.issuer())
    }

    /// The same, HS256 with the shared secret.
    pub fn legacy_token(&self, claims: &TokenClaims) -> String {
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

    /// The database as `postgres`: the access of a hosted project's owner, no superuser.
    pub fn database_url(&self) -> &str {
        &self.database_url
    }

    /// The database as `supabase_admin`, which at Supabase nobody but its own services is.
    pub fn supabase_admin_url(&self) -> &str {
        &self.supabase_admin_url
    }

    /// `CLOUDINARY_URL` of the stand-in.
    ///
    /// # Errors
    /// When the stack runs without it.
    pub fn cloudinary_url(&self) -> Result<&str, StackError> {
        let urls = self
            .cloudinary_urls
            .as_ref()
            .ok_or(StackError::Without(StackPart::Cloudinary))?;
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
            .ok_or(StackError::Without(StackPart::Cloudinary))?;
        Ok(&urls.1)
    }

    /// The emulator's endpoint; see also [`LocalStack::aws_environment`].
    ///
    /// # Errors
    /// When the stack runs without it.
    pub fn aws_endpoint(&self) -> Result<&str, StackError> {
        self.aws_endpoint
            .as_deref()
            .ok_or(StackError::Without(StackPart::Aws))
    }

    /// Endpoint, region and credentials, as an AWS SDK or tool reads them from its environment.
    ///
    /// # Errors
    /// When the stack runs without the emulator.
    pub fn aws_environment(&self) -> Result<[(&'static str, String); 4], StackError> {
        self.environment_of(aws::ACCESS_KEY, aws::SECRET_KEY)
    }

    /// The same for a new user, who may do what this policy allows.
    ///
    /// # Errors
    /// When the stack runs without the emulator, or the emulator refuses the policy.
    pub async fn aws_environment_under(
        &self,
        policy: &str,
    ) -> Result<[(&'static str, String); 4], StackError> {
        let key = self.aws().await?.make_user(policy).await?;
        self.environment_of(&key.id, &key.secret)
    }

    fn environment_of(
        &self,
        id: &str,
        secret: &str,
    ) -> Result<[(&'static str, String); 4], StackError> {
        Ok([
            ("AWS_ENDPOINT_URL", self.aws_endpoint()?.to_owned()),
            ("AWS_DEFAULT_REGION", aws::REGION.to_owned()),
            ("AWS_ACCESS_KEY_ID", id.to_owned()),
            ("AWS_SECRET_ACCESS_KEY", secret.to_owned()),
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
}
