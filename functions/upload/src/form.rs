//! A multipart form with one file, read within limits.

use std::collections::HashSet;
use std::convert::Infallible;
use std::future::ready;

use bytes::Bytes;
use futures::stream::once;
use lambda_http::Body;
use lambda_http::http::StatusCode;
use media_sync::http::{Problem, body};
use media_sync::parameter::ParameterError;
use media_sync::upload::UploadRefusal;
use multer::{Constraints, Field, Multipart, SizeLimit};

use crate::options::{UploadOptions, parse_resource_type, unknown_field};

/// Lambda's limit of 6 MB, of which API Gateway's base64 leaves three quarters, less the rest of
/// the event.
pub(crate) const BODY_LIMIT: usize = 4_500_000;

/// Bytes of one field that is not the file.
const TEXT_LIMIT: u64 = 16 * 1024;

/// The way for files that do not fit.
const DIRECTLY: &str =
    " For larger ones ask for a signature (`paramsToSign`), and send them to Cloudinary directly.";

/// A file, and the fields beside it.
#[derive(Debug)]
pub(crate) struct FileUpload {
    pub(crate) bytes: Bytes,
    pub(crate) filename: String,
    pub(crate) options: UploadOptions,
}

/// Reads a form with a `file`, and with fields about it.
///
/// # Errors
/// 413 when it is too large, 400 naming the field that is wrong.
pub(crate) async fn read(
    body: &Body,
    content_type: &str,
    file_limit: u64,
) -> Result<FileUpload, Problem> {
    let bytes = body::bytes(body, usize::MAX)?;
    if bytes.len() > BODY_LIMIT {
        let detail = format!("A form may have {BODY_LIMIT} bytes in all.{DIRECTLY}");
        let status = StatusCode::PAYLOAD_TOO_LARGE;
        return Err(Problem::new(status, "body_too_large", detail));
    }
    let boundary = multer::parse_boundary(content_type).map_err(|error| malformed(&error))?;
    let too_large = UploadRefusal::TooLarge {
        limit: file_limit,
        hint: DIRECTLY,
    };
    let limits = SizeLimit::new()
        .per_field(TEXT_LIMIT)
        .for_field("file", file_limit);
    let whole = once(ready(Ok::<_, Infallible>(Bytes::copy_from_slice(bytes))));
    let constraints = Constraints::new().size_limit(limits);
    let mut form = Multipart::with_constraints(whole, boundary, constraints);

    let mut options = UploadOptions::default();
    let mut file = None;
    let mut given = HashSet::new();
    while let Some(field) = form.next_field().await.map_err(|error| malformed(&error))? {
        let name = field.name().unwrap_or_default().to_owned();
        // Forms send a list as one field for each of its items.
        if name != "tags" && !given.insert(name.clone()) {
            return Err(ParameterError::new(name, "may be given once").into());
        }
        if name == "file" {
            let filename = field.file_name().unwrap_or_default().to_owned();
            let bytes = field.bytes().await.map_err(|error| match error {
                multer::Error::FieldSizeExceeded { .. } => too_large.clone().into(),
                error => malformed(&error),
            })?;
            file = Some((bytes, filename));
        } else {
            take(&mut options, &name, field).await?;
        }
    }
    let Some((bytes, filename)) = file else {
        return Err(ParameterError::new("file", "is missing from the form").into());
    };
    options.check()?;
    Ok(FileUpload {
        bytes,
        filename,
        options,
    })
}

async fn take(options: &mut UploadOptions, name: &str, field: Field<'_>) -> Result<(), Problem> {
    let text = match field.text().await {
        Ok(text) => text,
        Err(multer::Error::FieldSizeExceeded { .. }) => {
            let reason = format!("may have {TEXT_LIMIT} bytes at most");
            return Err(ParameterError::new(name, reason).into());
        }
        Err(error) => return Err(malformed(&error)),
    };
    let filled = Some(text.clone()).filter(|text| !text.is_empty());
    match name {
        "public_id" => options.public_id = filled,
        "folder" => options.folder = filled,
        "display_name" => options.display_name = filled,
        "tags" => options.tags.extend(parse_tags(&text)),
        "context" => {
            options.context = serde_json::from_str(&text).map_err(|_| {
                ParameterError::new(
                    "context",
                    "must be a JSON object of texts, such as {\"alt\": \"A mug\"}",
                )
            })?;
        }
        "resource_type" => options.resource_type = parse_resource_type(&text)?,
        _ => return Err(unknown_field(name).into()),
    }
    Ok(())
}

/// A JSON array, as elsewhere in this API, or a list separated by commas, as Cloudinary's own forms
/// have it.
fn parse_tags(text: &str) -> Vec<String> {
    serde_json::from_str(text).unwrap_or_else(|_| {
        let tags = text.split(',').map(str::trim).filter(|tag| !tag.is_empty());
        tags.map(str::to_owned).collect()
    })
}

fn malformed(error: &multer::Error) -> Problem {
    Problem::invalid_body(format!(
        "The body is not the form that its Content-Type announces: {error}."
    ))
}

#[cfg(test)]
mod tests {
    use media_sync::asset::ResourceType;

    use super::*;

    const TYPE: &str = "multipart/form-data; boundary=X";

    fn part(name: &str, filename: Option<&str>, text: &str) -> String {
        let filename = filename.map_or(String::new(), |name| format!("; filename=\"{name}\""));
        format!(
            "--X\r\nContent-Disposition: form-data; name=\"{name}\"{filename}\r\n\r\n{text}\r\n"
        )
    }

    async fn read_parts(parts: &[String]) -> Result<FileUpload, (u16, &'static str)> {
        let body = Body::Binary(format!("{}--X--\r\n", parts.concat()).into_bytes());
        let read = read(&body, TYPE, 100).await;
        read.map_err(|problem| (problem.status().as_u16(), problem.code()))
    }

    #[tokio::test]
    async fn a_file_and_what_is_said_about_it_are_read() {
        let read = read_parts(&[
            part("tags", None, "a, b,,"),
            part("tags", None, r#"["c", "d"]"#),
            part("context", None, r#"{"alt": "A mug"}"#),
            part("file", Some("mug.png"), "bytes\r\n--not the end"),
            part("resource_type", None, "raw"),
            part("public_id", None, ""),
        ])
        .await
        .unwrap();
        assert_eq!(&read.bytes[..], b"bytes\r\n--not the end");
        assert_eq!(read.filename, "mug.png");
        assert_eq!(read.options.tags, ["a", "b", "c", "d"]);
        assert_eq!(read.options.context["alt"], "A mug");
        assert_eq!(read.options.resource_type, Some(ResourceType::Raw));
        assert_eq!(read.options.public_id, None);
    }

    #[tokio::test]
    async fn what_is_missing_wrong_or_too_large_is_said() {
        let file = part("file", Some("a.txt"), "hello");
        let large = "x".repeat(101);
        for (parts, expected) in [
            (vec![], (400, "invalid_parameter")),
            (vec![part("tags", None, "a")], (400, "invalid_parameter")),
            (vec![file.clone(), file.clone()], (400, "invalid_parameter")),
            (
                vec![
                    part("folder", None, "a"),
                    part("folder", None, "b"),
                    file.clone(),
                ],
                (400, "invalid_parameter"),
            ),
            (
                vec![file.clone(), part("overwrite", None, "1")],
                (400, "invalid_parameter"),
            ),
            (
                vec![file.clone(), part("context", None, "alt=x")],
                (400, "invalid_parameter"),
            ),
            (
                vec![file.clone(), part("folder", None, &"x".repeat(17_000))],
                (400, "invalid_parameter"),
            ),
            (
                vec![part("file", Some("a.txt"), &large)],
                (413, "file_too_large"),
            ),
        ] {
            assert_eq!(read_parts(&parts).await.unwrap_err(), expected, "{parts:?}");
        }
        for (body, content_type) in [
            ("no form", TYPE),
            (
                "--X\r\nContent-Disposition: form-data; name=\"file\"\r\n\r\ncut off",
                TYPE,
            ),
            ("--X--\r\n", "multipart/form-data"),
        ] {
            let problem = read(&Body::from(body), content_type, 100)
                .await
                .unwrap_err();
            assert_eq!(problem.code(), "invalid_body", "{body}");
        }
        let whole = Body::Binary(vec![0; BODY_LIMIT + 1]);
        let problem = read(&whole, TYPE, 100).await.unwrap_err();
        assert_eq!(problem.code(), "body_too_large");
    }
}
