//! The type of a file, by its first bytes rather than by its name (pure).

use super::format::{extension, known_format};
use super::refusal::UploadRefusal;
use super::rules::UploadRules;
use crate::asset::ResourceType;

/// A file that may be uploaded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckedFile {
    pub resource_type: ResourceType,
    /// By its content, where that tells; a raw file's is its extension.
    pub format: Option<String>,
}

/// Checks a file against the rules; `wanted` is the sender's type for it.
///
/// # Errors
/// When it is empty, too large, not of the type that its name says, or not allowed here.
pub fn check_file(
    bytes: &[u8],
    filename: &str,
    wanted: Option<ResourceType>,
    rules: &UploadRules,
) -> Result<CheckedFile, UploadRefusal> {
    if bytes.is_empty() {
        return Err(UploadRefusal::Mismatch("The file is empty.".to_owned()));
    }
    if bytes.len() as u64 > rules.max_bytes {
        return Err(UploadRefusal::TooLarge {
            limit: rules.max_bytes,
            hint: "",
        });
    }
    let found = sniff(bytes);
    let extension = extension(filename);
    if wanted != Some(ResourceType::Raw)
        && let Some((claimed, kind)) = extension.as_deref().and_then(known_format)
        && found.is_none_or(|(_, found)| found != kind)
    {
        return Err(UploadRefusal::Mismatch(format!(
            "The file is named like {claimed}, and its content is something else. (To keep it as it is, ask for `resource_type` raw.)"
        )));
    }
    let resource_type = match (wanted, found) {
        (Some(ResourceType::Raw), _) | (None, None) => ResourceType::Raw,
        (None, Some((_, kind))) => kind,
        (Some(wanted), Some((_, kind))) if wanted == kind => kind,
        (Some(wanted), _) => {
            return Err(UploadRefusal::Mismatch(format!(
                "The file's content is no {wanted} that is known here."
            )));
        }
    };
    let format = found.map(|(name, _)| name.to_owned()).or(extension);
    check_allowed(resource_type, format.as_deref(), rules)?;
    Ok(CheckedFile {
        resource_type,
        format,
    })
}

/// Checks that the rules allow this type and format.
///
/// # Errors
/// Names the refused and the allowed ones.
pub fn check_allowed(
    resource_type: ResourceType,
    format: Option<&str>,
    rules: &UploadRules,
) -> Result<(), UploadRefusal> {
    check_allowed_type(resource_type, rules)?;
    let is_listed = |format: &str| rules.formats.iter().any(|listed| listed == format);
    if !rules.formats.is_empty() && !format.is_some_and(is_listed) {
        return Err(UploadRefusal::NotAllowed(format!(
            "Files of format {} are not taken here; allowed are {}.",
            format.unwrap_or("unknown"),
            rules.formats.join(", ")
        )));
    }
    Ok(())
}

/// Checks that the rules allow this type.
///
/// # Errors
/// Naming those that are allowed.
pub fn check_allowed_type(
    resource_type: ResourceType,
    rules: &UploadRules,
) -> Result<(), UploadRefusal> {
    if rules.resource_types.contains(&resource_type) {
        return Ok(());
    }
    let allowed = rules.resource_types.iter().map(|kind| kind.as_str());
    Err(UploadRefusal::NotAllowed(format!(
        "Files of type {resource_type} are not taken here; allowed are {}.",
        allowed.collect::<Vec<_>>().join(", ")
    )))
}

/// The format that the first bytes tell, and Cloudinary's type for it.
pub fn sniff(bytes: &[u8]) -> Option<(&'static str, ResourceType)> {
    known_format(sniff_name(bytes)?)
}

fn sniff_name(bytes: &[u8]) -> Option<&'static str> {
    let at = |offset: usize, magic: &[u8]| bytes.get(offset..offset + magic.len()) == Some(magic);
    if at(4, b"ftyp") {
        return Some(brand(bytes.get(8..12)?));
    }
    if at(0, b"RIFF") {
        return [(&b"WEBP"[..], "webp"), (b"WAVE", "wav"), (b"AVI ", "avi")]
            .into_iter()
            .find_map(|(magic, name)| at(8, magic).then_some(name));
    }
    const MAGIC: &[(&[u8], &str)] = &[
        (b"\xff\xd8\xff", "jpg"),
        (b"\x89PNG\r\n\x1a\n", "png"),
        (b"GIF87a", "gif"),
        (b"GIF89a", "gif"),
        (b"II*\0", "tiff"),
        (b"MM\0*", "tiff"),
        (b"8BPS", "psd"),
        (b"\0\0\x01\0", "ico"),
        (b"%PDF-", "pdf"),
        (b"\x1a\x45\xdf\xa3", "webm"),
        (b"OggS", "ogg"),
        (b"fLaC", "flac"),
        (b"ID3", "mp3"),
    ];
    let known = MAGIC.iter().find(|(magic, _)| at(0, magic));
    known
        .map(|(_, name)| *name)
        .or_else(|| (at(0, b"BM") && bytes.len() > 26).then_some("bmp"))
        .or_else(|| mpeg_audio(bytes))
        .or_else(|| is_svg(bytes).then_some("svg"))
}

/// ISO base media files name their content in their brand.
fn brand(brand: &[u8]) -> &'static str {
    match brand {
        b"avif" | b"avis" => "avif",
        b"heic" | b"heix" | b"hevc" | b"mif1" | b"msf1" | b"heim" | b"heis" => "heic",
        b"qt  " => "mov",
        b"M4A " | b"M4B " => "m4a",
        _ => "mp4",
    }
}

/// The eleven set bits of a frame, then version and layer: layer 3 is MP3, layer 0 is ADTS.
fn mpeg_audio(bytes: &[u8]) -> Option<&'static str> {
    let (first, second) = (*bytes.first()?, *bytes.get(1)?);
    match (first, second & 0xf6) {
        (0xff, 0xf0) => Some("aac"),
        (0xff, 0xf2) => Some("mp3"),
        (0xff, 0xe2) => Some("mp3"),
        _ => None,
    }
}

fn is_svg(bytes: &[u8]) -> bool {
    let text = String::from_utf8_lossy(&bytes[..bytes.len().min(1024)]);
    let text = text.trim_start_matches('\u{feff}').trim_start();
    text.starts_with("<svg")
        || (text.starts_with("<?xml")
            || text.starts_with("<!--")
            || text.starts_with("<!DOCTYPE svg"))
            && text.contains("<svg")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const PNG: &[u8] = b"\x89PNG\r\n\x1a\n and the rest";
    const MP4: &[u8] = b"\0\0\0\x20ftypisom and the rest";

    fn check(
        bytes: &[u8],
        filename: &str,
        wanted: Option<ResourceType>,
    ) -> Result<CheckedFile, &'static str> {
        let rules = UploadRules::default();
        check_file(bytes, filename, wanted, &rules).map_err(|refusal| refusal.code())
    }

    #[test]
    fn files_are_told_by_their_first_bytes() {
        let told: [(&[u8], &str); 14] = [
            (b"\xff\xd8\xff\xe0 JFIF", "jpg"),
            (PNG, "png"),
            (b"GIF89a", "gif"),
            (b"RIFF\x10\0\0\0WEBPVP8 ", "webp"),
            (b"\0\0\0\x20ftypavif", "avif"),
            (b"\0\0\0\x20ftypheic", "heic"),
            (b"%PDF-1.7", "pdf"),
            (b"<?xml version='1.0'?>\n<svg xmlns='...'>", "svg"),
            (MP4, "mp4"),
            (b"\0\0\0\x14ftypqt  ", "mov"),
            (b"\x1a\x45\xdf\xa3", "webm"),
            (b"RIFF\x10\0\0\0WAVEfmt ", "wav"),
            (b"\xff\xfb\x90\0", "mp3"),
            (b"\xff\xf1\x50\x80", "aac"),
        ];
        for (bytes, name) in told {
            assert_eq!(sniff(bytes).map(|(name, _)| name), Some(name));
        }
        for bytes in [
            &b"hello"[..],
            b"MZ\x90\0",
            b"#!/bin/sh",
            b"<html><svg></svg>",
            b"",
        ] {
            assert_eq!(sniff(bytes), None, "{bytes:?}");
        }
    }

    #[test]
    fn a_file_is_what_it_holds_and_not_what_it_is_called() {
        let png = check(PNG, "mug.PNG", None).unwrap();
        assert_eq!(
            (png.resource_type, png.format.as_deref()),
            (ResourceType::Image, Some("png"))
        );
        let renamed = check(PNG, "mug.jpg", None).unwrap();
        assert_eq!(
            renamed.format.as_deref(),
            Some("png"),
            "a picture under another picture's name"
        );
        assert_eq!(check(b"MZ\x90\0", "mug.png", None), Err("content_mismatch"));
        assert_eq!(check(MP4, "mug.png", None), Err("content_mismatch"));
        assert_eq!(
            check(PNG, "mug", Some(ResourceType::Video)),
            Err("content_mismatch")
        );
        assert_eq!(check(b"", "mug.png", None), Err("content_mismatch"));
        let raw = check(b"a,b\n1,2", "prices.csv", None).unwrap();
        assert_eq!(
            (raw.resource_type, raw.format.as_deref()),
            (ResourceType::Raw, Some("csv"))
        );
        let kept = check(b"not a picture", "mug.png", Some(ResourceType::Raw)).unwrap();
        assert_eq!(kept.resource_type, ResourceType::Raw);
    }

    #[test]
    fn what_the_rules_leave_out_is_refused() {
        let rules = UploadRules::parse(
            r#"{"max_bytes": 30, "formats": ["png", "csv"], "resource_types": ["image", "raw"]}"#,
        )
        .unwrap();
        let check = |bytes: &[u8], name: &str| {
            check_file(bytes, name, None, &rules).map_err(|refusal| refusal.code())
        };
        assert!(check(PNG, "a.png").is_ok());
        assert!(check(b"1,2", "a.csv").is_ok());
        assert_eq!(check(b"GIF89a", "a.gif"), Err("format_not_allowed"));
        assert_eq!(check(b"text", "a"), Err("format_not_allowed"));
        assert_eq!(check(MP4, "a.mp4"), Err("format_not_allowed"));
        assert_eq!(check(&[0; 31], "a.csv"), Err("file_too_large"));
    }

    proptest! {
        #[test]
        fn no_bytes_and_no_name_panic(bytes in prop::collection::vec(any::<u8>(), 0..64), name in "\\PC{0,40}") {
            let _ = check_file(&bytes, &name, None, &UploadRules::default());
        }
    }
}
