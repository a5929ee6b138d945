//! Uploads that begin here: signed for a browser, from a form, from an address; and the fate of
//! those whose end nobody has seen.

mod attribution;
mod carried_out;
mod handed_over;
mod prefixed;
mod refused_later;
mod signed;

use end_to_end::{HttpAnswer, World, eventually, picture};
use local_stack::{StackOptions, TokenClaims};
use reqwest::multipart::{Form, Part};
use reqwest::{Client, Method, StatusCode};
use serde_json::{Map, Value, json};

const PATH: &str = "/api/cloudinary/upload";

/// A stack, and a second ordinary user.
struct Uploads {
    world: World,
    http: Client,
    other: String,
    other_id: String,
}

impl Uploads {
    async fn start() -> Self {
        Self::start_with(json!({
            // These users trust each other; `prefixed` and `boundary` are about those who do not.
            "prefix": "", "formats": ["gif", "png", "csv"], "max_bytes": 2_000_000,
            // The stand-in delivers from this machine, which has to be allowed by its very address.
            "remote_hosts": ["127.0.0.1:*", "localhost:*"], "remote_http": true,
        }))
        .await
    }

    async fn start_with(rules: Value) -> Self {
        let options = StackOptions {
            settings: [("UPLOAD_RULES".to_owned(), rules)].into(),
            ..StackOptions::default()
        };
        let world = World::start_with(options).await;
        let other = TokenClaims::user("other@example.com");
        Self {
            other: world.stack.token(&other),
            other_id: other.sub.to_string(),
            http: media_sync::config::http_client().expect("a client without special roots"),
            world,
        }
    }

    async fn post(&self, token: &str, body: Value) -> HttpAnswer {
        self.world
            .call(Method::POST, PATH, Some(token), Some(body))
            .await
    }

    /// Asks for a signature in the name of the user.
    async fn sign(&self, params: Value) -> HttpAnswer {
        let body = json!({"paramsToSign": params, "filename": "Blue mug.gif"});
        self.post(&self.world.user, body).await
    }

    /// Asks for a signature, and gives its parameters.
    async fn signed(&self, params: Value) -> Map<String, Value> {
        let Value::Object(signed) = self.sign(params).await.ok() else {
            panic!("an object is answered");
        };
        signed
    }

    async fn send_form(&self, url: String, token: Option<&str>, form: Form) -> HttpAnswer {
        let mut request = self.http.post(url).multipart(form);
        if let Some(token) = token {
            request = request.bearer_auth(token);
        }
        HttpAnswer::read(request).await
    }

    /// Sends a file to Cloudinary with the signed parameters, as a browser does.
    async fn send(&self, signed: &Map<String, Value>, file: Vec<u8>, name: &str) -> HttpAnswer {
        let (url, form) = signed_form(signed, file, name);
        self.send_form(url, None, form).await
    }

    /// The same in two parts, as the widget does with large files: each carries the signature.
    async fn send_in_parts(
        &self,
        signed: &Map<String, Value>,
        file: &[u8],
        name: &str,
    ) -> HttpAnswer {
        let (total, half) = (file.len(), file.len() / 2);
        let mut last = None;
        for (from, to) in [(0, half), (half, total)] {
            let (url, form) = signed_form(signed, file[from..to].to_vec(), name);
            let range = format!("bytes {from}-{}/{total}", to - 1);
            let request = self.http.post(url).multipart(form);
            let request = request.header("X-Unique-Upload-Id", name);
            last = Some(HttpAnswer::read(request.header("Content-Range", range)).await);
        }
        last.expect("two parts were sent")
    }

    /// Uploads a file through the API.
    async fn upload(
        &self,
        file: Vec<u8>,
        name: &str,
        fields: &[(&'static str, &str)],
    ) -> HttpAnswer {
        let url = format!("{}{PATH}", self.world.stack.front_door_url());
        let form = fields.iter().fold(Form::new(), |form, (name, value)| {
            form.text(*name, (*value).to_owned())
        });
        let part = Part::bytes(file).file_name(name.to_owned());
        self.send_form(url, Some(&self.world.user), form.part("file", part))
            .await
    }

    /// Uploads a picture through the API, under this public id.
    async fn upload_as(&self, public_id: &str, colour: u8) -> HttpAnswer {
        self.upload(picture(colour), "mug.gif", &[("public_id", public_id)])
            .await
    }

    /// Lets the next upload end in this way at Cloudinary.
    async fn fault(&self, mut fault: Value) {
        fault["operation"] = json!("upload");
        fault["times"] = json!(1);
        self.world.cloud.fault(fault).await;
    }

    /// Uploads a picture while the connection breaks `before` or `after` the effect; the upload's id.
    async fn lose(&self, when: &str, public_id: &str, colour: u8) -> Value {
        self.fault(json!({"drop_connection": when})).await;
        let answer = self.upload_as(public_id, colour).await;
        answer.body_with(StatusCode::ACCEPTED)["upload_id"].clone()
    }

    /// The rows that show this public id, live ones and others.
    async fn rows(&self, public_id: &str) -> Vec<Value> {
        let sql =
            "select * from public.media_assets where cloudinary_public_id = $1 order by created_at";
        self.world.rows(sql, &[&public_id]).await
    }

    /// A given name is proven by the context. The proof is taken away at once: no drain is needed.
    async fn assert_proven(&self, public_id: &str) {
        eventually("the row has its owner", async || {
            let rows = self.rows(public_id).await;
            let mut owners = rows.iter().map(|row| &row["uploaded_by"]);
            owners.any(|owner| *owner == self.world.user_id)
        })
        .await;
        self.assert_owned(public_id).await;
    }

    async fn assert_owned(&self, public_id: &str) {
        eventually("the row has its owner", async || {
            let rows = self.rows(public_id).await;
            rows.iter().any(|row| {
                row["sync_status"] == "synced" && row["uploaded_by"] == self.world.user_id
            })
        })
        .await;
        assert_eq!(self.rows(public_id).await.len(), 1);
    }

    /// As if the time of every upload were over, and the scheduler's had come.
    async fn drain_uploads(&self) {
        let due =
            "update public.media_uploads set open_until = now() where outcome is null returning id";
        self.world.rows(due, &[]).await;
        self.world.drain().await;
    }

    async fn outcome(&self, upload_id: &Value) -> Value {
        let sql = format!(
            "select outcome from public.media_uploads where id = '{}'",
            upload_id.as_str().expect("an id")
        );
        self.world.value(&sql).await
    }

    async fn audited(&self, operation: &str) -> i64 {
        let sql = format!(
            "select count(*) from public.media_sync_log where operation = '{operation}' and actor = '{}'",
            self.world.user_id
        );
        self.world.value(&sql).await.as_i64().expect("a count")
    }
}

/// The address and the form of a signed upload.
fn signed_form(signed: &Map<String, Value>, file: Vec<u8>, name: &str) -> (String, Form) {
    let url = signed["upload"]["url"].as_str().expect("an address");
    let texts = signed.iter().filter(|(name, _)| *name != "upload");
    let form = texts.fold(Form::new(), |form, (name, value)| {
        form.text(name.clone(), value.as_str().expect("a text").to_owned())
    });
    let part = Part::bytes(file).file_name(name.to_owned());
    (url.to_owned(), form.part("file", part))
}
