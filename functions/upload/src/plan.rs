//! The upload that a body asks for (pure).

use media_sync::asset::ResourceType;
use media_sync::cloudinary::upload::UploadSource;
use media_sync::http::Problem;
use media_sync::parameter::ParameterError;
use media_sync::sync::uploads::WantedUpload;
use media_sync::upload::content::{check_allowed, check_file};
use media_sync::upload::format::{extension, file_stem, known_format};
use media_sync::upload::remote::RemoteFile;
use media_sync::upload::{NamingWishes, UploadKind, UploadRules, Uploader};
use uuid::Uuid;

use crate::form::FileUpload;
use crate::options::UploadOptions;

/// Plans the upload of a posted file.
///
/// # Errors
/// When the rules refuse it, or its options cannot be used.
pub(crate) fn plan_file(
    file: FileUpload,
    rules: &UploadRules,
    uploader: Uploader,
    id: Uuid,
) -> Result<(WantedUpload, UploadSource), Problem> {
    let wanted = file.options.resource_type;
    let checked = check_file(&file.bytes, &file.filename, wanted, rules)?;
    let size = file.bytes.len() as u64;
    let named =
        name(&file.options, &file.filename, checked.resource_type).choose(rules, uploader, id)?;
    let display_name = file.options.display_name.or(named.display_name.clone());
    let wanted = WantedUpload {
        id,
        kind: UploadKind::File,
        uploader,
        named,
        resource_type: checked.resource_type,
        filename: file_stem(&file.filename),
        file_size: Some(size),
        format: checked
            .format
            .filter(|_| checked.resource_type != ResourceType::Raw),
        display_name,
        tags: file.options.tags,
        context: file.options.context,
        allowed_formats: allowed_formats(checked.resource_type, rules),
    };
    let source = UploadSource::Bytes {
        data: file.bytes,
        filename: file.filename,
    };
    Ok((wanted, source))
}

/// Plans the upload of a remote file, which Cloudinary is to fetch.
///
/// # Errors
/// When the rules refuse it, or its options cannot be used.
pub(crate) fn plan_url(
    file: &RemoteFile,
    options: UploadOptions,
    rules: &UploadRules,
    uploader: Uploader,
    id: Uuid,
) -> Result<(WantedUpload, UploadSource), Problem> {
    let filename = file.filename().unwrap_or_default();
    let (resource_type, format) = plan_remote_type(&filename, options.resource_type)?;
    check_allowed(resource_type, format.as_deref(), rules)?;
    let named = name(&options, &filename, resource_type).choose(rules, uploader, id)?;
    let display_name = options.display_name.or(named.display_name.clone());
    let wanted = WantedUpload {
        id,
        kind: UploadKind::Url,
        uploader,
        named,
        resource_type,
        filename: file_stem(&filename),
        file_size: None,
        format: format.filter(|_| resource_type != ResourceType::Raw),
        display_name,
        tags: options.tags,
        context: options.context,
        allowed_formats: match resource_type {
            ResourceType::Raw => Vec::new(),
            seen_by_cloudinary => rules.formats_of(seen_by_cloudinary),
        },
    };
    Ok((wanted, UploadSource::Url(file.url.clone().into())))
}

/// A raw file has no format but its extension, which was judged here.
fn allowed_formats(resource_type: ResourceType, rules: &UploadRules) -> Vec<String> {
    if resource_type == ResourceType::Raw {
        return Vec::new();
    }
    rules.formats.clone()
}

fn name<'a>(
    options: &'a UploadOptions,
    filename: &'a str,
    resource_type: ResourceType,
) -> NamingWishes<'a> {
    NamingWishes {
        public_id: options.public_id.as_deref(),
        folder: options.folder.as_deref(),
        filename: Some(filename),
        resource_type: Some(resource_type),
    }
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
}
