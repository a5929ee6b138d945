//! The type of a file, by its first bytes where they tell it (pure).

use super::format::{extension, known_format};
use super::passive::check_passive;
use super::recognition::{Recognition, recognise};
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
        return Err(UploadRefusal::Mismatch(
            "The file is empty: choose another one.".to_owned(),
        ));
    }
    if bytes.len() as u64 > rules.max_bytes {
        return Err(UploadRefusal::TooLarge {
            limit: rules.max_bytes,
            hint: "",
        });
    }
    let extension = extension(filename);
    let claimed = extension.as_deref().and_then(known_format);
    let recognition = recognise(bytes);
    let resource_type = judge_type(recognition, claimed, wanted)?;
    // Whatever the file is called: its address may be opened by a browser.
    check_passive(told_by(recognition), rules)?;
    check_passive(extension.as_deref(), rules)?;
    let format = format_of(recognition, claimed).or(extension);
    check_allowed(resource_type, format.as_deref(), rules)?;
    Ok(CheckedFile {
        resource_type,
        format,
    })
}

type KnownFormat = (&'static str, ResourceType);

/// A file is what it holds. Where that is not recognised, its sender says what it is, or its name.
fn judge_type(
    recognition: Recognition,
    claimed: Option<KnownFormat>,
    wanted: Option<ResourceType>,
) -> Result<ResourceType, UploadRefusal> {
    if wanted == Some(ResourceType::Raw) {
        return Ok(ResourceType::Raw);
    }
    let claimed_type = claimed.map(|(_, kind)| kind);
    let is = match recognition {
        Recognition::Unknown => return Ok(wanted.or(claimed_type).unwrap_or(ResourceType::Raw)),
        Recognition::NoMedia | Recognition::Active(_) => ResourceType::Raw,
        Recognition::Format(name) | Recognition::Container(name) => {
            known_format(name).map_or(ResourceType::Raw, |(_, kind)| kind)
        }
    };
    if let Some((name, _)) = claimed.filter(|(_, kind)| *kind != is) {
        return Err(UploadRefusal::Mismatch(format!(
            "The file is named like {name}, but its content is something else. Save it as {name} once more, or give it the ending that it should have. (With `resource_type` raw it is kept as it is.)"
        )));
    }
    if let Some(wanted) = wanted.filter(|wanted| *wanted != is) {
        return Err(UploadRefusal::Mismatch(format!(
            "The file is no {wanted}: choose another one, or ask for `resource_type` auto."
        )));
    }
    Ok(is)
}

/// The one format that the content tells by itself.
fn told_by(recognition: Recognition) -> Option<&'static str> {
    match recognition {
        Recognition::Format(name) | Recognition::Active(name) => Some(name),
        Recognition::Container(_) | Recognition::NoMedia | Recognition::Unknown => None,
    }
}

/// The format that the content tells; where several share a container, its name decides.
fn format_of(recognition: Recognition, claimed: Option<KnownFormat>) -> Option<String> {
    let name = match recognition {
        Recognition::Format(name) => name,
        Recognition::Container(likeliest) => claimed.map_or(likeliest, |(name, _)| name),
        Recognition::Unknown | Recognition::NoMedia | Recognition::Active(_) => claimed?.0,
    };
    Some(name.to_owned())
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
    check_passive(format, rules)?;
    let is_listed = |format: &str| rules.formats.iter().any(|listed| listed == format);
    if !rules.formats.is_empty() && !format.is_some_and(is_listed) {
        let refused = format.map_or("Such".to_owned(), str::to_uppercase);
        return Err(UploadRefusal::NotAllowed(format!(
            "{refused} files are not accepted here. You may upload: {}.",
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
    let allowed = rules.resource_types.iter().map(|kind| for_people(*kind));
    Err(UploadRefusal::NotAllowed(format!(
        "You may upload {} here, and no {}.",
        allowed.collect::<Vec<_>>().join(" and "),
        for_people(resource_type)
    )))
}

/// The files of a type, as people call them.
const fn for_people(resource_type: ResourceType) -> &'static str {
    match resource_type {
        ResourceType::Image => "images",
        ResourceType::Video => "videos or sound",
        ResourceType::Raw => "documents or other files",
    }
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
        assert_eq!(check(b"<html>", "mug.svg", None), Err("content_mismatch"));
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
    fn content_that_is_not_recognised_is_what_its_sender_or_its_name_says() {
        let video = Some(ResourceType::Video);
        for (bytes, name, wanted, is) in [
            (
                &b"\0\0\0\x08wide\0\0\0\0mdat"[..],
                "clip.mov",
                None,
                "video mov",
            ),
            (b"\0\0\x10\0mdat", "clip.mov", None, "video mov"),
            (b"\0\0\0\0\xff\xfb\x90\0", "song.mp3", None, "video mp3"),
            (b"\0\0\0\x18ftyp3gp5", "clip.3gp", None, "video 3gp"),
            (
                b"\x30\x26\xb2\x75\x8e\x66\xcf\x11",
                "clip.wmv",
                None,
                "video wmv",
            ),
            (b"\x30\x26\xb2\x75", "clip.wmv", video, "video wmv"),
            (b"%!PS-Adobe-3.0 EPSF", "drawing.eps", None, "image eps"),
            (b"%PDF-1.6", "drawing.ai", None, "image ai"),
            (b"II*\0", "photo.dng", None, "image dng"),
            (b"????", "mug.xyz", video, "video xyz"),
            (b"????", "mug.xyz", None, "raw xyz"),
        ] {
            let told = check(bytes, name, wanted).unwrap();
            let format = told.format.unwrap_or_default();
            assert_eq!(format!("{} {format}", told.resource_type), is, "{name}");
        }
    }

    #[test]
    fn files_that_act_are_refused_by_their_content_and_by_their_name() {
        let raw = Some(ResourceType::Raw);
        for (bytes, name) in [
            (&b"<svg>"[..], "logo.svg"),
            (b"<svg>", "logo.txt"),
            (b"<html>", "page.txt"),
            (b"<?xml version='1.0'?><note>", "note"),
            (b"alert(1)", "a.js"),
            (b"text", "page.HTML"),
            (b"MZ\x90\0", "setup"),
        ] {
            assert_eq!(check(bytes, name, raw), Err("format_not_allowed"), "{name}");
        }
        let rules = UploadRules::parse(r#"{"active_formats": ["svg"]}"#).unwrap();
        assert!(check_file(b"<svg>", "logo.svg", None, &rules).is_ok());
        assert!(check_file(b"<html>", "logo.svg", raw, &rules).is_err());
    }

    #[test]
    fn a_refusal_names_the_files_that_may_be_sent() {
        let told = |rules: &str, bytes: &[u8], name: &str| {
            let rules = UploadRules::parse(rules).unwrap();
            let refused = check_file(bytes, name, None, &rules).unwrap_err();
            refused.to_string()
        };
        assert_eq!(
            told(r#"{"formats": ["png", "csv"]}"#, b"GIF89a", "a.gif"),
            "GIF files are not accepted here. You may upload: csv, png."
        );
        let no_films = r#"{"resource_types": ["image", "raw"]}"#;
        assert_eq!(
            told(no_films, MP4, "a.mp4"),
            "You may upload images and documents or other files here, and no videos or sound."
        );
        assert_eq!(
            told(r#"{"max_bytes": 2500000}"#, &[0; 2_500_001], "a.csv"),
            "The file is too large: 2.5 MB (2500000 bytes) are the most. Make it smaller, or ask an administrator for more room."
        );
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
