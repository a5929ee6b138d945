//! `GET /api/cloudinary/upload` tells the rules; `POST` signs, ingests an address, or uploads.

use std::net::{IpAddr, ToSocketAddrs};
use std::time::{Duration, Instant};

use lambda_http::http::{Method, StatusCode};
use lambda_http::{Body, Request, RequestExt, Response};
use media_sync::asset::ResourceType;
use media_sync::cloudinary::upload::UploadSource;
use media_sync::cloudinary::{ApiCredentials, CloudinaryClient};
use media_sync::deadline::{self, Deadline};
use media_sync::http::auth::authenticate;
use media_sync::http::{Problem, QueryParameters, reply, respond};
use media_sync::parameter::ParameterError;
use media_sync::rotation::LiveValue;
use media_sync::supabase::jwt::TokenVerifier;
use media_sync::sync::uploads::{NewUpload, UploadKind, UploadOutcome, Uploads, WantedUpload};
use media_sync::time::Timestamp;
use media_sync::upload::content::{check_allowed, check_file};
use media_sync::upload::format::{extension, known_format};
use media_sync::upload::remote::{RemoteFile, parse_remote};
use media_sync::upload::signing::{SIGNABLE, SigningRequest};
use media_sync::upload::{NamingWishes, UploadRefusal, UploadRules, Uploader};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::form::BODY_LIMIT;
use crate::posted::{About, File, Posted, Sign, Url};

/// Kept free at the end of an invocation, to write down the upload's outcome.
const MARGIN: Duration = Duration::from_secs(5);

/// The longest wait for a host's addresses.
const LOOK_UP: Duration = Duration::from_secs(4);

/// Signs and uploads in the name of the caller.
#[derive(Debug)]
pub(crate) struct Upload {
    pub(crate) verifier: TokenVerifier,
    pub(crate) rules: LiveValue<UploadRules>,
    pub(crate) uploads: Uploads,
}

impl Upload {
    pub(crate) async fn handle(&self, request: Request) -> Response<Body> {
        respond(request, async |request| {
            let caller = authenticate(&self.verifier, request.headers(), Timestamp::now()).await?;
            let uploader = Uploader {
                id: caller.sub,
                is_admin: caller.is_admin,
            };
            QueryParameters::parse(request.uri().query(), &[])?;
            match *request.method() {
                Method::GET => self.describe(uploader).await,
                Method::POST => {
                    let invocation = self.until(Deadline::of_request(request));
                    invocation.post(request, uploader).await
                }
                _ => Err(Problem::method_not_allowed("GET, POST")),
            }
        })
        .await
    }

    /// The same, for one invocation.
    fn until(&self, end: Deadline) -> Self {
        Self {
            verifier: self.verifier.clone(),
            rules: self.rules.clone(),
            uploads: self.uploads.until(end),
        }
    }

    async fn post(&self, request: &Request, uploader: Uploader) -> Result<Response<Body>, Problem> {
        let deadline = request.lambda_context_ref().map_or_else(
            || Instant::now() + MARGIN,
            |context| deadline::before_the_end(context, MARGIN),
        );
        let id = Uuid::new_v4();
        let rules = self.rules.current().await;
        match Posted::read(request, file_limit(&rules)).await? {
            Posted::Sign(asked) => self.sign(asked, &rules, uploader, id).await,
            Posted::Url(asked) => {
                let (wanted, source) = plan_url(asked, &rules, uploader, id).await?;
                self.carry_out(wanted, source, deadline).await
            }
            Posted::File(file) => {
                let (wanted, source) = plan_file(file, &rules, uploader, id)?;
                self.carry_out(wanted, source, deadline).await
            }
        }
    }

    async fn sign(
        &self,
        asked: Sign,
        rules: &UploadRules,
        uploader: Uploader,
        id: Uuid,
    ) -> Result<Response<Body>, Problem> {
        let signable = SigningRequest {
            params: &asked.params,
            filename: asked.filename.as_deref(),
            resource_type: asked.resource_type,
        }
        .plan(rules, uploader, id)?;
        let cloudinary = self.cloudinary();
        let now = cloudinary.cloud_now();
        let valid = rules.valid_seconds;
        let name = &signable.public_id;
        let beginning = NewUpload::new(id, uploader, name, signable.overwrite, now, valid);
        let begun = self.uploads.begin(&beginning).await?;
        let credentials = cloudinary.credentials().await;
        let mut answer = signable.sign(begun.overwrite, now, valid, &credentials);
        let expires_at = now.offset(i64::from(valid) * 1_000_000);
        answer.insert(
            "upload".to_owned(),
            json!({
                "id": id, "url": address(asked.resource_type, &credentials),
                "expires_at": expires_at, "max_bytes": rules.max_bytes,
            }),
        );
        Ok(reply::json(StatusCode::OK, &answer))
    }

    async fn carry_out(
        &self,
        wanted: WantedUpload,
        source: UploadSource,
        deadline: Instant,
    ) -> Result<Response<Body>, Problem> {
        let uploaded = self.uploads.upload(&wanted, source, deadline).await?;
        let (status, word, item) = match uploaded {
            UploadOutcome::Stored(item) => (StatusCode::CREATED, "stored", Some(item)),
            UploadOutcome::Pending(item) => (StatusCode::ACCEPTED, "pending", item),
        };
        let message = match word {
            "stored" => "The file is in Cloudinary and in the database.",
            _ => {
                "Cloudinary has not answered yet. The row becomes synced when the file is there, and goes if it does not come."
            }
        };
        let answer = json!({
            "upload_id": wanted.id, "status": word, "public_id": wanted.named.public_id,
            "item": item, "message": message,
        });
        Ok(reply::json(status, &answer))
    }

    fn cloudinary(&self) -> &CloudinaryClient {
        &self.uploads.clients.cloudinary
    }

    async fn describe(&self, uploader: Uploader) -> Result<Response<Body>, Problem> {
        let rules = self.rules.current().await;
        let credentials = self.cloudinary().credentials().await;
        let answer = describe(uploader, &rules, &credentials);
        Ok(reply::json(StatusCode::OK, &answer))
    }
}

fn describe(uploader: Uploader, rules: &UploadRules, credentials: &ApiCredentials) -> Value {
    let prefix = rules.prefix_of(uploader).map(|prefix| format!("{prefix}/"));
    json!({
        "cloud_name": credentials.cloud_name(),
        "limits": {
            "max_bytes": rules.max_bytes,
            "max_form_bytes": file_limit(rules),
            // Empty means any.
            "formats": rules.formats,
            "resource_types": rules.resource_types,
            "public_id_prefix": prefix,
        },
        "signing": {
            "parameters": SIGNABLE,
            "only": {"source": "uw", "type": "upload"},
            "valid_seconds": rules.valid_seconds,
            "added": ["timestamp", "public_id", "overwrite", "invalidate", "asset_folder", "allowed_formats"],
            "overwrite": "granted to the owner of the asset with that public id, and to administrators",
        },
        "remote": {
            "enabled": !rules.remote_hosts.is_empty(),
            "hosts": rules.remote_hosts,
            "schemes": if rules.remote_http { &["https", "http"][..] } else { &["https"] },
        },
    })
}

/// The limits of a form's file; a signed upload may have all that the rules allow.
fn file_limit(rules: &UploadRules) -> u64 {
    rules.max_bytes.min(BODY_LIMIT as u64)
}

/// Where a browser sends a file with a signature.
fn address(resource_type: Option<ResourceType>, credentials: &ApiCredentials) -> String {
    let kind = resource_type.map_or("auto", ResourceType::as_str);
    let base = credentials.upload_prefix().as_str().trim_end_matches('/');
    format!("{base}/v1_1/{}/{kind}/upload", credentials.cloud_name())
}

fn plan_file(
    file: File,
    rules: &UploadRules,
    uploader: Uploader,
    id: Uuid,
) -> Result<(WantedUpload, UploadSource), Problem> {
    let wanted = file.about.resource_type;
    let checked = check_file(&file.bytes, &file.filename, wanted, rules)?;
    let size = file.bytes.len() as u64;
    let named =
        name(&file.about, &file.filename, checked.resource_type).choose(rules, uploader, id)?;
    let wanted = WantedUpload {
        id,
        kind: UploadKind::File,
        uploader,
        named,
        resource_type: checked.resource_type,
        filename: stem(&file.filename),
        file_size: Some(size),
        format: checked
            .format
            .filter(|_| checked.resource_type != ResourceType::Raw),
        display_name: file.about.display_name,
        tags: file.about.tags,
        context: file.about.context,
    };
    let source = UploadSource::Bytes {
        data: file.bytes,
        filename: file.filename,
    };
    Ok((wanted, source))
}

async fn plan_url(
    asked: Url,
    rules: &UploadRules,
    uploader: Uploader,
    id: Uuid,
) -> Result<(WantedUpload, UploadSource), Problem> {
    let file = parse_remote(&asked.url, rules)?;
    let filename = file.filename().unwrap_or_default();
    let (resource_type, format) = plan_remote_type(&filename, asked.about.resource_type)?;
    check_allowed(resource_type, format.as_deref(), rules)?;
    let named = name(&asked.about, &filename, resource_type).choose(rules, uploader, id)?;
    look_up(&file).await?;
    let wanted = WantedUpload {
        id,
        kind: UploadKind::Url,
        uploader,
        named,
        resource_type,
        filename: stem(&filename),
        file_size: None,
        format: format.filter(|_| resource_type != ResourceType::Raw),
        display_name: asked.about.display_name,
        tags: asked.about.tags,
        context: asked.about.context,
    };
    Ok((wanted, UploadSource::Url(file.url.into())))
}

fn name<'a>(about: &'a About, filename: &'a str, resource_type: ResourceType) -> NamingWishes<'a> {
    NamingWishes {
        public_id: about.public_id.as_deref(),
        folder: about.folder.as_deref(),
        filename: Some(filename),
        resource_type: Some(resource_type),
    }
}

/// Cloudinary keeps a file's name without its extension.
fn stem(filename: &str) -> Option<String> {
    let name = filename.rsplit(['/', '\\']).next().unwrap_or_default();
    let stem = match extension(name) {
        Some(extension) => &name[..name.len() - extension.len() - 1],
        None => name,
    };
    let stem: String = stem.chars().filter(|c| !c.is_control()).collect();
    (!stem.is_empty()).then_some(stem)
}

/// A remote file is not seen here: its sender tells its type, or its name does. Cloudinary refuses
/// it if it is something else.
fn plan_remote_type(
    filename: &str,
    wanted: Option<ResourceType>,
) -> Result<(ResourceType, Option<String>), ParameterError> {
    let extension = extension(filename);
    let known = extension.as_deref().and_then(known_format);
    let format = known.map(|(name, _)| name.to_owned()).or(extension);
    let kind = wanted.or(known.map(|(_, kind)| kind)).ok_or_else(|| {
        let reason = "has to be said, since the address does not tell: image, video or raw";
        ParameterError::new("resource_type", reason)
    })?;
    Ok((kind, format))
}

/// Asks for the host's addresses, unless the rules name the very address.
async fn look_up(file: &RemoteFile) -> Result<(), UploadRefusal> {
    let Some(host) = file.host.clone() else {
        return Ok(());
    };
    let port = file.port;
    let asked = tokio::task::spawn_blocking(move || (host.as_str(), port).to_socket_addrs());
    let addresses: Vec<IpAddr> = match tokio::time::timeout(LOOK_UP, asked).await {
        Ok(Ok(Ok(found))) => found.map(|socket| socket.ip()).collect(),
        _ => Vec::new(),
    };
    file.check_addresses(&addresses)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_remote_files_type_is_said_or_told_by_its_name() {
        let image = (ResourceType::Image, Some("jpg".to_owned()));
        assert_eq!(plan_remote_type("mug.JPEG", None).unwrap(), image);
        let raw = (ResourceType::Raw, Some("csv".to_owned()));
        assert_eq!(
            plan_remote_type("prices.csv", Some(ResourceType::Raw)).unwrap(),
            raw
        );
        for filename in ["", "mug", "prices.csv"] {
            assert_eq!(
                plan_remote_type(filename, None).unwrap_err().name,
                "resource_type"
            );
        }
    }

    #[test]
    fn a_files_name_is_kept_without_its_extension() {
        assert_eq!(stem("C:\\a\\Blue mug.png").as_deref(), Some("Blue mug"));
        assert_eq!(stem("README").as_deref(), Some("README"));
        assert_eq!(stem(""), None);
    }
}
