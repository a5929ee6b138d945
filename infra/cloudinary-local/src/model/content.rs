//! Bytes of an asset: stored as a file, or generated from a seed whenever they are wanted.

use serde::{Deserialize, Serialize};

use super::ResourceType;
use super::generated;

/// Where an asset's bytes come from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Content {
    /// A file named by the SHA-256 of its bytes.
    Stored {
        sha256: String,
        md5: String,
        bytes: u64,
    },
    /// Bytes that follow from a number.
    Generated { kind: ResourceType, seed: u64 },
}

impl Content {
    pub(crate) fn bytes(&self) -> u64 {
        match self {
            Self::Stored { bytes, .. } => *bytes,
            Self::Generated { kind, seed } => generated::length(*kind, *seed),
        }
    }

    /// MD5 of the bytes, in hex.
    pub(crate) fn etag(&self) -> String {
        match self {
            Self::Stored { md5, .. } => md5.clone(),
            Self::Generated { kind, seed } => md5_hex(&generated::bytes(*kind, *seed)),
        }
    }

    /// The bytes, when they need no file.
    pub(crate) fn generate(&self) -> Option<Vec<u8>> {
        match self {
            Self::Stored { .. } => None,
            Self::Generated { kind, seed } => Some(generated::bytes(*kind, *seed)),
        }
    }
}

pub(crate) fn md5_hex(bytes: &[u8]) -> String {
    use md5::Digest;
    hex::encode(md5::Md5::digest(bytes))
}

/// The type of a file by its first bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Image,
    Video,
    Other,
}

/// The facts that a file's bytes tell.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Sniffed {
    pub(crate) kind: Kind,
    pub(crate) format: Option<String>,
    pub(crate) width: Option<u32>,
    pub(crate) height: Option<u32>,
}

/// Recognises a file by its content; a name or a claimed type is not believed.
pub(crate) fn sniff(bytes: &[u8]) -> Sniffed {
    if let Some(image) = sniff_image(bytes).or_else(|| sniff_bitmap(bytes)) {
        return image;
    }
    let (kind, format) = match sniff_other(bytes) {
        Some((kind, format)) => (kind, Some(format.to_owned())),
        None => (Kind::Other, None),
    };
    Sniffed {
        kind,
        format,
        width: None,
        height: None,
    }
}

fn sniff_image(bytes: &[u8]) -> Option<Sniffed> {
    let reader = image::ImageReader::new(std::io::Cursor::new(bytes))
        .with_guessed_format()
        .ok()?;
    let format = match reader.format()? {
        image::ImageFormat::Jpeg => "jpg",
        image::ImageFormat::Png => "png",
        image::ImageFormat::Gif => "gif",
        image::ImageFormat::WebP => "webp",
        _ => return None,
    };
    let (width, height) = reader.into_dimensions().ok()?;
    Some(Sniffed {
        kind: Kind::Image,
        format: Some(format.to_owned()),
        width: Some(width),
        height: Some(height),
    })
}

/// Bitmaps and icons, which have their size at a fixed place.
fn sniff_bitmap(bytes: &[u8]) -> Option<Sniffed> {
    let number = |at: usize| Some(i32::from_le_bytes(bytes.get(at..at + 4)?.try_into().ok()?));
    let (format, width, height) = if bytes.starts_with(b"BM") {
        // The height of a bitmap that begins at the top is negative.
        let (width, height) = (number(18)?, number(22)?);
        ("bmp", width.unsigned_abs(), height.unsigned_abs())
    } else if bytes.starts_with(&[0, 0, 1, 0]) && bytes.len() >= 22 {
        // 0 stands for 256.
        let side = |side: u8| if side == 0 { 256 } else { side.into() };
        ("ico", side(bytes[6]), side(bytes[7]))
    } else {
        return None;
    };
    Some(Sniffed {
        kind: Kind::Image,
        format: Some(format.to_owned()),
        width: Some(width),
        height: Some(height),
    })
}

fn sniff_other(bytes: &[u8]) -> Option<(Kind, &'static str)> {
    let at = |offset: usize, magic: &[u8]| bytes.get(offset..offset + magic.len()) == Some(magic);
    let text = String::from_utf8_lossy(&bytes[..bytes.len().min(512)]);
    let text = text.trim_start();
    let found = if at(0, b"%PDF-") {
        (Kind::Image, "pdf")
    } else if text.starts_with("<svg") || (text.starts_with("<?xml") && text.contains("<svg")) {
        (Kind::Image, "svg")
    } else if at(0, b"II*\0") || at(0, b"MM\0*") {
        (Kind::Image, "tiff")
    } else if at(4, b"ftypavif") {
        (Kind::Image, "avif")
    } else if at(4, b"ftypqt") {
        (Kind::Video, "mov")
    } else if at(4, b"ftyp") {
        (Kind::Video, "mp4")
    } else if at(0, &[0x1a, 0x45, 0xdf, 0xa3]) {
        (Kind::Video, "webm")
    } else if at(0, b"OggS") {
        (Kind::Video, "ogg")
    } else if at(0, b"RIFF") && at(8, b"WAVE") {
        (Kind::Video, "wav")
    } else if at(0, b"RIFF") && at(8, b"AVI ") {
        (Kind::Video, "avi")
    } else if at(0, b"fLaC") {
        (Kind::Video, "flac")
    } else if at(0, b"ID3") || at(0, &[0xff, 0xfb]) {
        (Kind::Video, "mp3")
    } else {
        return None;
    };
    Some(found)
}
