//! Getting the bytes of an upload: sent along, inline as a data URI, or from an address.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::HeaderMap;
use percent_encoding::percent_decode_str;

use crate::app::App;
use crate::error::ApiError;
use crate::params::Params;

/// A whole file, and the name it came under.
#[derive(Debug)]
pub(super) struct Incoming {
    pub(super) bytes: Bytes,
    pub(super) filename: Option<String>,
}

/// The amount of a file that is there so far.
#[derive(Debug)]
pub(super) struct Chunk {
    pub(super) upload: String,
    pub(super) bytes: u64,
    pub(super) filename: Option<String>,
}

#[derive(Debug)]
pub(super) enum Received {
    Whole(Incoming),
    Part(Chunk),
}

/// The largest file taken from an address, so that a mistake does not fill the memory.
const REMOTE_AT_MOST: usize = 200 << 20;

pub(super) async fn receive(
    app: &App,
    params: &Params,
    headers: &HeaderMap,
) -> Result<Received, ApiError> {
    let incoming = match (&params.file, params.filled("file")) {
        (Some(file), _) => Incoming {
            bytes: file.bytes.clone(),
            filename: file.name.clone(),
        },
        (None, Some(text)) if text.starts_with("data:") => Incoming {
            bytes: data_uri(text)?,
            filename: Some("file".to_owned()),
        },
        (None, Some(text)) => fetch(app, text).await?,
        (None, None) => return Err(ApiError::missing("file")),
    };
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let (Some(upload), Some(range)) = (header("x-unique-upload-id"), header("content-range"))
    else {
        return Ok(Received::Whole(incoming));
    };
    let range =
        ContentRange::parse(range).ok_or_else(|| ApiError::bad_request("Invalid Content-Range"))?;
    if range.end + 1 - range.start != incoming.bytes.len() as u64 {
        return Err(ApiError::bad_request(
            "Content-Range does not match the size of the chunk",
        ));
    }
    let whole = app
        .files
        .chunk(upload, range.start, range.total, &incoming.bytes)
        .await
        .map_err(|error| storage(&error))?;
    Ok(match whole {
        Some(bytes) => Received::Whole(Incoming {
            bytes: bytes.into(),
            filename: incoming.filename,
        }),
        None => Received::Part(Chunk {
            upload: upload.to_owned(),
            bytes: range.end + 1,
            filename: incoming.filename,
        }),
    })
}

pub(super) fn storage(error: &std::io::Error) -> ApiError {
    tracing::error!(%error, "uploaded bytes could not be stored");
    ApiError::internal("General Error")
}

#[derive(Debug, PartialEq)]
struct ContentRange {
    start: u64,
    end: u64,
    /// Unknown until the last chunk of a stream (`*` or `-1`).
    total: Option<u64>,
}

impl ContentRange {
    /// `bytes 0-99/1000`
    fn parse(text: &str) -> Option<Self> {
        let (range, total) = text.strip_prefix("bytes ")?.split_once('/')?;
        let (start, end) = range.split_once('-')?;
        let (start, end): (u64, u64) = (start.trim().parse().ok()?, end.trim().parse().ok()?);
        let total = match total.trim() {
            "*" | "-1" => None,
            total => Some(total.parse().ok()?),
        };
        (start <= end && total.is_none_or(|total| end < total)).then_some(Self {
            start,
            end,
            total,
        })
    }
}

fn data_uri(text: &str) -> Result<Bytes, ApiError> {
    let refused = || ApiError::bad_request("Invalid data URI");
    let (head, body) = text["data:".len()..].split_once(',').ok_or_else(refused)?;
    if head.ends_with(";base64") {
        let compact: String = body.chars().filter(|c| !c.is_ascii_whitespace()).collect();
        return Ok(STANDARD.decode(compact).map_err(|_| refused())?.into());
    }
    Ok(percent_decode_str(body).collect::<Vec<u8>>().into())
}

async fn fetch(app: &App, address: &str) -> Result<Incoming, ApiError> {
    let url = reqwest::Url::parse(address)
        .ok()
        .filter(|url| ["http", "https"].contains(&url.scheme()))
        .ok_or_else(|| ApiError::bad_request(format!("Unsupported source URL: {address}")))?;
    let failed = |why: &dyn std::fmt::Display| {
        ApiError::bad_request(format!("Error in loading {address} - {why}"))
    };
    let filename = url
        .path_segments()
        .and_then(|mut parts| parts.next_back())
        .map(|name| percent_decode_str(name).decode_utf8_lossy().into_owned());
    let mut answer = app
        .client
        .get(url)
        .send()
        .await
        .map_err(|error| failed(&error))?;
    if answer.status().as_u16() == 404 {
        return Err(ApiError::not_found(address));
    }
    if !answer.status().is_success() {
        return Err(failed(&answer.status()));
    }
    let mut bytes = Vec::new();
    while let Some(chunk) = answer.chunk().await.map_err(|error| failed(&error))? {
        if bytes.len() + chunk.len() > REMOTE_AT_MOST {
            return Err(failed(&"File size too large"));
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(Incoming {
        bytes: bytes.into(),
        filename,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_ranges_are_read_as_both_clients_write_them() {
        let range = |start, end, total| Some(ContentRange { start, end, total });
        assert_eq!(
            ContentRange::parse("bytes 0-99/250"),
            range(0, 99, Some(250))
        );
        assert_eq!(
            ContentRange::parse("bytes 100-199/-1"),
            range(100, 199, None)
        );
        for bad in ["0-99/250", "bytes 9-3/20", "bytes 0-20/20", "bytes x-3/20"] {
            assert_eq!(ContentRange::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn data_uris_are_read_in_both_encodings() {
        assert_eq!(data_uri("data:text/plain;base64,aGk=").unwrap(), "hi");
        assert_eq!(data_uri("data:text/plain,h%20i").unwrap(), "h i");
        assert!(data_uri("data:text/plain;base64,###").is_err());
    }
}
