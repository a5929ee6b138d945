//! A request, planned by the rules: nothing was recorded, signed or sent yet.

use lambda_http::Request;
use media_sync::asset::ResourceType;
use media_sync::cloudinary::upload::UploadSource;
use media_sync::http::Problem;
use media_sync::sync::uploads::WantedUpload;
use media_sync::upload::remote::{RemoteFile, parse_remote};
use media_sync::upload::signing::{SignableUpload, SigningRequest};
use media_sync::upload::{UploadRules, Uploader};
use uuid::Uuid;

use crate::plan::{plan_file, plan_url};
use crate::posted::{PostedUpload, SignRequest};
use crate::rules::file_limit;

/// An upload that the rules allow.
#[derive(Debug)]
pub(crate) enum PlannedUpload {
    Signed(Box<PlannedSignature>),
    /// The address was not looked up yet.
    Remote(RemoteFile, Box<WantedUpload>, UploadSource),
    File(Box<WantedUpload>, UploadSource),
}

/// An upload to be signed.
#[derive(Debug)]
pub(crate) struct PlannedSignature {
    pub(crate) signable: SignableUpload,
    pub(crate) resource_type: Option<ResourceType>,
}

impl PlannedUpload {
    /// Reads and plans a request.
    ///
    /// # Errors
    /// When its body cannot be used, or the rules refuse it.
    pub(crate) async fn plan(
        request: &Request,
        rules: &UploadRules,
        uploader: Uploader,
        id: Uuid,
    ) -> Result<Self, Problem> {
        match PostedUpload::read(request, file_limit(rules)).await? {
            PostedUpload::Sign(asked) => plan_signature(asked, rules, uploader, id),
            PostedUpload::Url(asked) => {
                let file = parse_remote(&asked.url, rules)?;
                let (wanted, source) = plan_url(&file, asked.options, rules, uploader, id)?;
                Ok(Self::Remote(file, Box::new(wanted), source))
            }
            PostedUpload::File(file) => {
                let (wanted, source) = plan_file(file, rules, uploader, id)?;
                Ok(Self::File(Box::new(wanted), source))
            }
        }
    }
}

/// True for refusals that other rules might not repeat. All of them come before anything is recorded or sent.
pub(crate) fn is_of_rules(problem: &Problem) -> bool {
    let codes = [
        "outside_prefix",
        "remote_uploads_off",
        "file_too_large",
        "format_not_allowed",
        "content_mismatch",
        "address_refused",
        "invalid_parameter",
    ];
    codes.contains(&problem.code())
}

fn plan_signature(
    asked: SignRequest,
    rules: &UploadRules,
    uploader: Uploader,
    id: Uuid,
) -> Result<PlannedUpload, Problem> {
    let request = SigningRequest {
        params: &asked.params,
        filename: asked.filename.as_deref(),
        resource_type: asked.resource_type,
    };
    Ok(PlannedUpload::Signed(Box::new(PlannedSignature {
        signable: request.plan(rules, uploader, id)?,
        resource_type: asked.resource_type,
    })))
}
