//! Requests to the API, to the Data API and to the webhook.

use media_sync::cloudinary::CloudinaryResource;
use reqwest::{Method, RequestBuilder};
use serde_json::Value;
use sha1::{Digest, Sha1};

use super::{World, id_of};
use crate::HttpAnswer;

impl World {
    pub async fn get(&self, path: &str) -> HttpAnswer {
        self.call(Method::GET, path, Some(&self.user), None).await
    }

    /// `POST /api/cloudinary/sync` by the administrator.
    pub async fn sync(&self, body: Value) -> HttpAnswer {
        let admin = Some(self.admin.as_str());
        self.call(Method::POST, "/api/cloudinary/sync", admin, Some(body))
            .await
    }

    /// Edits the asset's row through the Data API, as a user's browser may.
    pub async fn edit(&self, asset: &CloudinaryResource, token: &str, edit: Value) -> HttpAnswer {
        let which = format!("cloudinary_asset_id=eq.{}", id_of(asset));
        self.write(&which, token, edit).await
    }

    /// The same for the rows that a PostgREST filter names.
    pub async fn write(&self, which: &str, token: &str, edit: Value) -> HttpAnswer {
        let url = format!(
            "{}/rest/v1/media_assets?{which}&select=id",
            self.stack.supabase_url()
        );
        let request = self
            .http
            .patch(url)
            .header("prefer", "return=representation");
        self.data_api(request, token, &edit).await
    }

    /// Calls a function of the Data API, as a user's browser may.
    pub async fn request(&self, function: &str, token: &str, arguments: Value) -> HttpAnswer {
        let url = format!("{}/rest/v1/rpc/{function}", self.stack.supabase_url());
        self.data_api(self.http.post(url), token, &arguments).await
    }

    async fn data_api(&self, request: RequestBuilder, token: &str, body: &Value) -> HttpAnswer {
        let request = request
            .header("apikey", self.stack.publishable_key())
            .bearer_auth(token)
            .json(body);
        HttpAnswer::read(request).await
    }

    pub async fn call(
        &self,
        method: Method,
        path: &str,
        token: Option<&str>,
        body: Option<Value>,
    ) -> HttpAnswer {
        HttpAnswer::read(self.front_door(method, path, token, body)).await
    }

    /// The same, with an idempotency key.
    pub async fn call_once(
        &self,
        key: &str,
        method: Method,
        path: &str,
        token: &str,
        body: Value,
    ) -> HttpAnswer {
        let request = self.front_door(method, path, Some(token), Some(body));
        HttpAnswer::read(request.header("idempotency-key", key)).await
    }

    /// The same, if the asset is still in the state that this tag names.
    pub async fn call_if(
        &self,
        state: &str,
        method: Method,
        path: &str,
        token: &str,
        body: Option<Value>,
    ) -> HttpAnswer {
        let request = self.front_door(method, path, Some(token), body);
        HttpAnswer::read(request.header("if-match", state)).await
    }

    /// `PATCH /api/cloudinary/media` by the administrator, with a correlation id.
    pub async fn edit_traced(&self, correlation: &str, edit: Value) -> HttpAnswer {
        let (path, admin) = ("/api/cloudinary/media", Some(self.admin.as_str()));
        let request = self.front_door(Method::PATCH, path, admin, Some(edit));
        HttpAnswer::read(request.header("x-correlation-id", correlation)).await
    }

    fn front_door(
        &self,
        method: Method,
        path: &str,
        token: Option<&str>,
        body: Option<Value>,
    ) -> RequestBuilder {
        let url = format!("{}{path}", self.stack.front_door_url());
        let mut request = self.http.request(method, url);
        if let Some(token) = token {
            request = request.bearer_auth(token);
        }
        if let Some(body) = body {
            request = request.json(&body);
        }
        request
    }

    /// Posts these exact bytes to the function URL, with these headers.
    pub async fn notify(&self, body: impl Into<Vec<u8>>, headers: &[(&str, String)]) -> HttpAnswer {
        let mut request = self.http.post(self.stack.webhook_url()).body(body.into());
        for (name, value) in headers {
            request = request.header(*name, value);
        }
        HttpAnswer::read(request).await
    }

    /// The headers with which Cloudinary would send this body at `moment`, in Unix seconds.
    pub fn sign(&self, body: &str, moment: i64) -> Vec<(&'static str, String)> {
        let url = self.stack.cloudinary_url().expect("the stand-in runs");
        let secret = url
            .split(['@', ':'])
            .nth(2)
            .expect("cloudinary://key:secret@cloud");
        Self::sign_with(secret, body, moment)
    }

    /// The same with any secret.
    pub fn sign_with(secret: &str, body: &str, moment: i64) -> Vec<(&'static str, String)> {
        let signature = hex::encode(Sha1::digest(format!("{body}{moment}{secret}")));
        vec![
            ("x-cld-timestamp", moment.to_string()),
            ("x-cld-signature", signature),
        ]
    }
}
