//! The rules for uploads, as a client is told them (pure).

use media_sync::asset::ResourceType;
use media_sync::cloudinary::ApiCredentials;
use media_sync::upload::signing::SIGNABLE;
use media_sync::upload::{UploadRules, Uploader};
use serde_json::{Value, json};

use crate::form::BODY_LIMIT;

/// Describes the limits, and the parameters that may be signed.
pub(crate) fn describe(
    uploader: Uploader,
    rules: &UploadRules,
    credentials: &ApiCredentials,
) -> Value {
    let prefix = rules.prefix_of(uploader).map(|prefix| format!("{prefix}/"));
    json!({
        "cloud_name": credentials.cloud_name(),
        "limits": {
            "max_bytes": rules.max_bytes,
            "max_form_bytes": file_limit(rules),
            // Empty means any.
            "formats": rules.formats,
            "active_formats": rules.active_formats,
            "resource_types": rules.resource_types,
            "public_id_prefix": prefix,
        },
        "signing": {
            "parameters": SIGNABLE,
            "only": {"source": "uw", "type": "upload"},
            "valid_seconds": rules.valid_seconds,
            "added": ["timestamp", "public_id", "display_name", "overwrite", "invalidate", "asset_folder", "allowed_formats", "context"],
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
pub(crate) fn file_limit(rules: &UploadRules) -> u64 {
    rules.max_bytes.min(BODY_LIMIT as u64)
}

/// Where a browser sends a file with a signature.
pub(crate) fn address(resource_type: Option<ResourceType>, credentials: &ApiCredentials) -> String {
    let kind = resource_type.map_or("auto", ResourceType::as_str);
    let base = credentials.upload_prefix().as_str().trim_end_matches('/');
    format!("{base}/v1_1/{}/{kind}/upload", credentials.cloud_name())
}
