//! The type of a file by its first bytes (pure).
//!
//! Nobody knows every format, so an unknown beginning is no evidence against a file: its name and
//! its sender say what it is, and Cloudinary decides.

use super::encoding;

/// The testimony of a file's first bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Recognition {
    /// A format, as Cloudinary names it.
    Format(&'static str),
    /// A container of many formats, and the likeliest of them.
    Container(&'static str),
    /// No picture, film or sound, whatever its name says.
    NoMedia,
    /// The same, and browsers or machines carry it out.
    Active(&'static str),
    Unknown,
}

/// Longest beginning of a document that is searched for its root element.
const LONGEST_PROLOGUE: usize = 64 * 1024;

/// Beginnings that belong to one format.
const FORMATS: &[(&[u8], &str)] = &[
    (b"\xff\xd8\xff", "jpg"),
    (b"\x89PNG\r\n\x1a\n", "png"),
    (b"GIF87a", "gif"),
    (b"GIF89a", "gif"),
    (b"8BPS", "psd"),
    (b"\0\0\x01\0", "ico"),
    (b"glTF", "glb"),
    (b"fLaC", "flac"),
    (b"FLV\x01", "flv"),
    (b"#!AMR", "amr"),
];

/// Beginnings that many formats share: cameras write TIFF, Illustrator writes PDF.
const CONTAINERS: &[(&[u8], &str)] = &[
    (b"II*\0", "tiff"),
    (b"MM\0*", "tiff"),
    (b"II+\0", "tiff"),
    (b"MM\0+", "tiff"),
    (b"%PDF-", "pdf"),
    (b"%!PS", "eps"),
    (b"\xc5\xd0\xd3\xc6", "eps"),
    (b"OggS", "ogg"),
    (b"ID3", "mp3"),
    (b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", "wmv"),
];

/// Archives.
const NO_MEDIA: &[&[u8]] = &[b"\x1f\x8b", b"7z\xbc\xaf\x27\x1c", b"Rar!"];

/// Programs and scripts.
const ACTIVE: &[(&[u8], &str)] = &[
    (b"MZ", "exe"),
    (b"\x7fELF", "elf"),
    (b"#!/", "sh"),
    (b"\xca\xfe\xba\xbe", "class"),
    (b"\xcf\xfa\xed\xfe", "macho"),
];

/// Reads the first bytes of a file.
pub(super) fn recognise(bytes: &[u8]) -> Recognition {
    let begins = |magic: &[u8]| bytes.starts_with(magic);
    if let Some(found) = iso_media(bytes).or_else(|| riff(bytes)) {
        return found;
    }
    if let Some((_, name)) = FORMATS.iter().find(|(magic, _)| begins(magic)) {
        return Recognition::Format(name);
    }
    if let Some((_, name)) = CONTAINERS.iter().find(|(magic, _)| begins(magic)) {
        return Recognition::Container(name);
    }
    if begins(b"\x1a\x45\xdf\xa3") {
        return Recognition::Format(matroska(bytes));
    }
    if begins(b"BM") && bytes.len() > 26 {
        return Recognition::Format("bmp");
    }
    if let Some(name) = mpeg_audio(bytes) {
        return Recognition::Container(name);
    }
    if NO_MEDIA.iter().any(|magic| begins(magic)) {
        return Recognition::NoMedia;
    }
    if let Some((_, name)) = ACTIVE.iter().find(|(magic, _)| begins(magic)) {
        return Recognition::Active(name);
    }
    markup(bytes)
}

/// ISO base media files name their content in their brand; QuickTime's older files begin with any
/// of its atoms.
fn iso_media(bytes: &[u8]) -> Option<Recognition> {
    let found = match bytes.get(4..8)? {
        b"ftyp" => match bytes.get(8..12)? {
            b"avif" | b"avis" => Recognition::Format("avif"),
            b"heic" | b"heix" | b"heim" | b"heis" | b"hevc" | b"hevx" | b"hevm" | b"hevs" => {
                Recognition::Format("heic")
            }
            // Any codec's pictures.
            b"mif1" | b"msf1" | b"miaf" => Recognition::Container("heic"),
            b"qt  " => Recognition::Format("mov"),
            b"M4A " | b"M4B " => Recognition::Format("m4a"),
            b"isom" | b"mp41" | b"mp42" | b"avc1" | b"M4V " => Recognition::Format("mp4"),
            // There are hundreds, of cameras for one.
            _ => Recognition::Container("mp4"),
        },
        b"wide" | b"mdat" | b"moov" | b"free" | b"skip" | b"pnot" => Recognition::Container("mov"),
        _ => return None,
    };
    Some(found)
}

fn riff(bytes: &[u8]) -> Option<Recognition> {
    let name = match (bytes.get(0..4)?, bytes.get(8..12)?) {
        (b"RIFF", b"WEBP") => "webp",
        (b"RIFF", b"WAVE") => "wav",
        (b"RIFF", b"AVI ") => "avi",
        (b"FORM", b"AIFF" | b"AIFC") => "aiff",
        _ => return None,
    };
    Some(Recognition::Format(name))
}

fn matroska(bytes: &[u8]) -> &'static str {
    let head = &bytes[..bytes.len().min(64)];
    let is_matroska = head.windows(8).any(|window| window == b"matroska");
    if is_matroska { "mkv" } else { "webm" }
}

/// The eleven set bits of a frame, then version and layer: layer 3 is MP3, layer 0 is ADTS.
fn mpeg_audio(bytes: &[u8]) -> Option<&'static str> {
    let (first, second) = (*bytes.first()?, *bytes.get(1)?);
    match (first, second & 0xf6) {
        (0xff, 0xf0) => Some("aac"),
        (0xff, 0xf2 | 0xe2) => Some("mp3"),
        _ => None,
    }
}

/// A document is what its root element says, however much is said before it. Browsers read unknown elements as a page.
fn markup(bytes: &[u8]) -> Recognition {
    let text = encoding::decode(&bytes[..bytes.len().min(LONGEST_PROLOGUE)]);
    let text = text.trim_start_matches('\u{feff}').trim_start();
    let mut rest = text;
    while let Some(after) = after_prologue(rest) {
        rest = after.trim_start();
    }
    let begins_a_tag = |text: &str| {
        let mut characters = text.chars();
        characters.next() == Some('<')
            && characters
                .next()
                .is_some_and(|c| c.is_ascii_alphabetic() || "!?/".contains(c))
    };
    if !begins_a_tag(text) {
        return Recognition::Unknown;
    }
    let name = rest.strip_prefix('<').unwrap_or_default();
    let name: String = name
        .chars()
        .take_while(|c| c.is_ascii_alphanumeric() || matches!(c, ':' | '-' | '_'))
        .collect();
    let local = name.rsplit(':').next().unwrap_or_default();
    match local.to_ascii_lowercase().as_str() {
        "svg" => Recognition::Format("svg"),
        _ if text.starts_with("<?xml") => Recognition::Active("xml"),
        _ => Recognition::Active("html"),
    }
}

/// The text after a declaration, a comment or a document type.
fn after_prologue(text: &str) -> Option<&str> {
    let end = |opening: &str, closing: &str| {
        let begun = text.get(..opening.len())?;
        if !begun.eq_ignore_ascii_case(opening) {
            return None;
        }
        let (_, rest) = text[opening.len()..].split_once(closing)?;
        Some(rest)
    };
    end("<!--", "-->").or_else(|| end("<?", "?>")).or_else(|| {
        match text.split_once('>')?.0.contains('[') {
            true => end("<!doctype", "]>"),
            false => end("<!doctype", ">"),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_recognised_by_their_first_bytes() {
        let comment = format!(
            "<?xml version='1.0'?>\n<!-- {} -->\n<svg>",
            "x".repeat(2_000)
        );
        for (bytes, format) in [
            (&b"\xff\xd8\xff\xe0 JFIF"[..], "jpg"),
            (b"\x89PNG\r\n\x1a\n and the rest", "png"),
            (b"GIF89a", "gif"),
            (b"RIFF\x10\0\0\0WEBPVP8 ", "webp"),
            (b"\0\0\0\x20ftypavif", "avif"),
            (b"\0\0\0\x20ftypheic", "heic"),
            (b"\0\0\0\x20ftyphevx", "heic"),
            (b"<?xml version='1.0'?>\n<svg xmlns='...'>", "svg"),
            (
                b"<!doctype svg PUBLIC '-//W3C//DTD SVG 1.1//EN'>\n<svg>",
                "svg",
            ),
            (b"<!DOCTYPE svg [ <!ENTITY a '>'> ]><svg:svg>", "svg"),
            (comment.as_bytes(), "svg"),
            (b"\0\0\0\x20ftypisom and the rest", "mp4"),
            (b"\0\0\0\x14ftypqt  ", "mov"),
            (b"\x1a\x45\xdf\xa3\x01\x42\x82\x84webm", "webm"),
            (b"\x1a\x45\xdf\xa3\x01\x42\x82\x88matroska", "mkv"),
            (b"RIFF\x10\0\0\0WAVEfmt ", "wav"),
        ] {
            assert_eq!(recognise(bytes), Recognition::Format(format));
        }
    }

    #[test]
    fn containers_name_the_likeliest_of_their_formats() {
        for (bytes, format) in [
            (&b"\0\0\0\x08wide\0\0\0\0mdat"[..], "mov"),
            (b"\0\0\x10\0mdat", "mov"),
            (b"\0\0\0\x18ftypXAVC", "mp4"),
            (b"\0\0\0\x18ftypmif1", "heic"),
            (b"%PDF-1.7", "pdf"),
            (b"II*\0", "tiff"),
            (b"\xff\xfb\x90\0", "mp3"),
            (b"\xff\xf1\x50\x80", "aac"),
        ] {
            assert_eq!(recognise(bytes), Recognition::Container(format));
        }
    }

    #[test]
    fn a_page_is_known_in_every_encoding_that_browsers_read() {
        for page in ["<html>", "<!doctype html><p>", " <b onclick='a()'>"] {
            for text in [page.to_owned(), format!("\u{feff}{page}")] {
                for encoded in encoding::encodings(&text) {
                    assert_eq!(
                        recognise(&encoded),
                        Recognition::Active("html"),
                        "{encoded:?}"
                    );
                }
            }
        }
        let drawing = encoding::encodings("<svg>");
        assert!(
            drawing
                .iter()
                .all(|bytes| recognise(bytes) == Recognition::Format("svg"))
        );
        let text = encoding::encodings("a, b");
        assert!(
            text.iter()
                .all(|bytes| recognise(bytes) == Recognition::Unknown)
        );
    }

    #[test]
    fn programs_and_pages_are_told_from_the_unknown() {
        for (bytes, name) in [
            (&b"MZ\x90\0"[..], "exe"),
            (b"#!/bin/sh", "sh"),
            (b"<html><svg></svg>", "html"),
            (b"<!DOCTYPE html>\n<html lang='en'>", "html"),
            (b"<!-- a page --><SCRIPT>", "html"),
            (b"<?xml version='1.0'?><kml>", "xml"),
            (
                b"<?xml version='1.0'?><html xmlns='http://www.w3.org/1999/xhtml'>",
                "xml",
            ),
            (b"<kml>", "html"),
            (b" \t<x onclick='a()'>", "html"),
            (b"<!-- never closed <svg>", "html"),
            (b"</p><script>", "html"),
        ] {
            assert_eq!(recognise(bytes), Recognition::Active(name), "{bytes:?}");
        }
        assert_eq!(recognise(b"Rar!"), Recognition::NoMedia);
        for bytes in [
            &b"hello"[..],
            b"",
            b"\0\0\0\0\0\0\0\0\0\xff\xfb",
            b"<3 you",
            b"< b and > a",
        ] {
            assert_eq!(recognise(bytes), Recognition::Unknown, "{bytes:?}");
        }
    }
}
