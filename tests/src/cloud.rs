//! The Cloudinary side: the production client for people's actions, the control plane for the rest.

use media_sync::asset::{AssetId, DeliveryName, ResourceType};
use media_sync::cloudinary::upload::{
    BulkTargets, ContextCommand, RenameRequest, TagCommand, UploadOptions, UploadSource,
};
use media_sync::cloudinary::{ApiCredentials, CloudinaryClient, CloudinaryResource};
use media_sync::config;
use media_sync::queue::{NotificationMessage, RawBody};
use media_sync::time::Timestamp;
use serde_json::{Value, json};

/// A picture of one pixel, told from others by its colour.
pub fn picture(colour: u8) -> Vec<u8> {
    const HEAD: &[u8] = b"GIF89a\x01\x00\x01\x00\x80\x00\x00";
    const TAIL: &[u8] = b"\x00\x00\x00,\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02D\x01\x00;";
    [HEAD, &[colour, colour, colour], TAIL].concat()
}

/// The notification that the tags of a row's asset were changed, as if it had arrived now.
pub fn tags_changed(row: &Value, triggered_at: Timestamp) -> NotificationMessage {
    let body = json!({
        "notification_type": "resource_tags_changed",
        "resources": [{
            "asset_id": row["cloudinary_asset_id"], "public_id": row["cloudinary_public_id"], "resource_type": "image",
            "type": "upload", "added": ["sale"], "removed": [],
        }],
        "notification_context": {"triggered_at": triggered_at},
    });
    NotificationMessage {
        received_at: Timestamp::now(),
        signature_timestamp: Timestamp::now(),
        replayed: false,
        algorithm: None,
        body: RawBody::new(body.to_string().into_bytes()),
    }
}

/// Cloudinary, as its users and its operators see it.
#[derive(Debug, Clone)]
pub struct CloudinaryAccount {
    client: CloudinaryClient,
    credentials: ApiCredentials,
    control: String,
    http: reqwest::Client,
}

impl CloudinaryAccount {
    pub(crate) fn new(cloudinary_url: &str, control: &str) -> Self {
        let http = config::http_client().expect("a client without special roots");
        let credentials = ApiCredentials::parse(cloudinary_url).expect("the stack's own address");
        Self {
            client: CloudinaryClient::new(http.clone(), credentials.clone()),
            credentials,
            control: control.trim_end_matches('/').to_owned(),
            http,
        }
    }

    /// The API as a program of the account uses it, refusals included.
    pub fn api(&self) -> &CloudinaryClient {
        &self.client
    }

    /// Uploads a small picture under this public id; another colour is another content.
    pub async fn upload(&self, public_id: &str, colour: u8) -> CloudinaryResource {
        self.upload_with(public_id, colour, UploadOptions::default())
            .await
    }

    pub async fn upload_with(
        &self,
        public_id: &str,
        colour: u8,
        options: UploadOptions,
    ) -> CloudinaryResource {
        let source = UploadSource::Bytes {
            data: picture(colour).into(),
            filename: "picture.gif".to_owned(),
        };
        let options = UploadOptions {
            resource_type: Some(ResourceType::Image),
            public_id: Some(public_id.to_owned()),
            ..options
        };
        self.client
            .upload(source, &options)
            .await
            .expect("the upload is taken")
            .value
    }

    pub async fn add_tag(&self, public_id: &str, tag: &str) {
        self.change_tag(public_id, TagCommand::Add, tag).await;
    }

    pub async fn remove_tag(&self, public_id: &str, tag: &str) {
        self.change_tag(public_id, TagCommand::Remove, tag).await;
    }

    async fn change_tag(&self, public_id: &str, command: TagCommand, tag: &str) {
        let ids = [public_id.to_owned()];
        let targets = BulkTargets {
            resource_type: ResourceType::Image,
            delivery_type: "upload",
            public_ids: &ids,
        };
        let tags = [tag.to_owned()];
        let answer = self.client.update_tags(targets, command, &tags).await;
        let tagged = answer.expect("the tag is taken").value.public_ids;
        assert_eq!(tagged, ids, "Cloudinary skips what it does not know");
    }

    pub async fn merge_context(&self, public_id: &str, pairs: &[(&str, &str)]) {
        let ids = [public_id.to_owned()];
        let targets = BulkTargets {
            resource_type: ResourceType::Image,
            delivery_type: "upload",
            public_ids: &ids,
        };
        let owned = |(key, value): &(&str, &str)| ((*key).to_owned(), (*value).to_owned());
        let pairs = pairs.iter().map(owned).collect();
        let answer = self
            .client
            .update_context(targets, ContextCommand::Add(&pairs))
            .await;
        let changed = answer.expect("the context is taken").value.public_ids;
        assert_eq!(changed, ids, "Cloudinary skips what it does not know");
    }

    /// Defines a field of structured metadata.
    pub async fn define_field(&self, external_id: &str, kind: &str) {
        let account = self.client.credentials().await;
        let url = format!(
            "{}v1_1/{}/metadata_fields",
            account.upload_prefix(),
            account.cloud_name()
        );
        let field = json!({"external_id": external_id, "label": external_id, "type": kind});
        let request = self.http.post(url).json(&field);
        let request = request.basic_auth(account.api_key(), Some(account.api_secret()));
        let defined = request.send().await.expect("the Admin API answers");
        assert!(defined.status().is_success(), "{defined:?}");
    }

    /// Decides on a picture as a moderator does.
    pub async fn moderate(&self, public_id: &str, status: &str) {
        let account = self.client.credentials().await;
        let url = format!(
            "{}v1_1/{}/resources/image/upload/{public_id}",
            account.upload_prefix(),
            account.cloud_name()
        );
        let request = self.http.post(url);
        let request = request.basic_auth(account.api_key(), Some(account.api_secret()));
        let decided = request.json(&json!({"moderation_status": status})).send();
        let decided = decided.await.expect("the Admin API answers");
        assert!(decided.status().is_success(), "{decided:?}");
    }

    pub async fn rename(&self, from: &str, to: &str) {
        let name = DeliveryName {
            resource_type: ResourceType::Image,
            delivery_type: "upload".to_owned(),
            public_id: from.to_owned(),
        };
        let rename = RenameRequest {
            from: &name,
            to_public_id: to,
            to_type: None,
            overwrite: false,
            invalidate: false,
        };
        self.client.rename(&rename).await.expect("the name is free");
    }

    pub async fn destroy(&self, asset: &CloudinaryResource) {
        let id = asset.asset_id.as_ref().expect("uploads have ids");
        self.client
            .destroy(id, true)
            .await
            .expect("the asset is there");
    }

    pub async fn destroy_id(&self, id: &str) {
        let id = AssetId::parse(id).expect("an asset id");
        self.client
            .destroy(&id, true)
            .await
            .expect("the asset is there");
    }

    /// Asks if Cloudinary delivers this asset.
    pub async fn has(&self, id: &AssetId) -> bool {
        self.fetch(id).await.is_some()
    }

    /// The asset as Cloudinary tells it, if it is there.
    pub async fn fetch(&self, id: &AssetId) -> Option<CloudinaryResource> {
        let found = self
            .client
            .fetch_resource(id)
            .await
            .expect("the Admin API answers");
        found.value.filter(|asset| !asset.is_placeholder())
    }

    /// Makes `count` assets of these types that are there already when the story begins.
    pub async fn seed(&self, count: u64, resource_types: &[&str], prefix: &str) {
        let body = json!({"count": count, "resource_types": resource_types, "prefix": prefix, "spread_seconds": 86400});
        self.control("POST", "seed", &body).await;
    }

    /// The same in a folder.
    pub async fn seed_folder(&self, count: u64, folder: &str) {
        let body = json!({"count": count, "resource_types": ["image"], "prefix": "in-", "folder": folder, "spread_seconds": 86400});
        self.control("POST", "seed", &body).await;
    }

    /// Makes files of other places, which Cloudinary keeps under their addresses.
    pub async fn seed_fetched(&self, count: u64, address: &str) {
        let body = json!({"count": count, "resource_types": ["image"], "type": "fetch", "prefix": address});
        self.control("POST", "seed", &body).await;
    }

    /// Renames a folder, as the Media Library does.
    pub async fn rename_folder(&self, from: &str, to: &str) {
        let (base, cloud) = (
            self.credentials.upload_prefix(),
            self.credentials.cloud_name(),
        );
        let base = base.as_str().trim_end_matches('/');
        let url = format!("{base}/v1_1/{cloud}/folders/{from}");
        let call = self.http.put(url).json(&json!({"to_folder": to}));
        let call = call.basic_auth(
            self.credentials.api_key(),
            Some(self.credentials.api_secret()),
        );
        let answer = call.send().await.expect("the stand-in answers");
        assert!(answer.status().is_success(), "{from}: {}", answer.status());
    }

    pub async fn set(&self, settings: Value) {
        self.control("PUT", "settings", &settings).await;
    }

    /// Sets the fate of notifications on their way.
    pub async fn chaos(&self, chaos: Value) {
        self.control("PUT", "chaos", &chaos).await;
    }

    pub async fn fault(&self, fault: Value) {
        self.control("POST", "fault", &fault).await;
    }

    pub async fn clear_faults(&self) {
        self.control("DELETE", "faults", &json!({})).await;
    }

    /// Counts the calls of each operation since the counts were reset.
    pub async fn requests(&self) -> Value {
        self.control("GET", "requests", &json!({})).await["operations"].clone()
    }

    pub async fn reset_requests(&self) {
        self.control("DELETE", "requests", &json!({})).await;
    }

    pub async fn notifications(&self) -> Value {
        self.control("GET", "notifications", &json!({})).await
    }

    /// Waits until every notification has been delivered or given up.
    pub async fn quiet(&self) {
        let quiet = self
            .control("GET", "quiet?timeout_ms=120000", &json!({}))
            .await;
        assert_eq!(
            quiet["quiet"], true,
            "notifications are still under way: {quiet}"
        );
    }

    async fn control(&self, method: &str, path: &str, body: &Value) -> Value {
        let method = method.parse().expect("a method");
        let mut request = self
            .http
            .request(method, format!("{}/_control/{path}", self.control));
        if body.as_object().is_some_and(|fields| !fields.is_empty()) {
            request = request.json(body);
        }
        let response = request.send().await.expect("the control plane answers");
        let status = response.status();
        let answer: Value = response
            .json()
            .await
            .expect("the control plane answers JSON");
        assert!(status.is_success(), "{path}: {status} {answer}");
        answer
    }
}
