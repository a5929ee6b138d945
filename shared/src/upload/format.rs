//! Formats of files, by their names (pure).

use crate::asset::ResourceType;

/// Formats that Cloudinary takes: its name, its type for them, and other extensions of the same.
/// (Audio is `video`, PDF is `image`.)
///
/// Source: <https://cloudinary.com/documentation/formats_supported_for_transformation>
pub const FORMATS: &[(&str, ResourceType, &[&str])] = &[
    ("3ds", ResourceType::Image, &[]),
    ("ai", ResourceType::Image, &[]),
    ("arw", ResourceType::Image, &[]),
    ("avif", ResourceType::Image, &[]),
    ("bmp", ResourceType::Image, &[]),
    ("bw", ResourceType::Image, &[]),
    ("cr2", ResourceType::Image, &[]),
    ("cr3", ResourceType::Image, &[]),
    ("djvu", ResourceType::Image, &[]),
    ("dng", ResourceType::Image, &[]),
    ("eps", ResourceType::Image, &["ps", "ept", "eps3"]),
    ("fbx", ResourceType::Image, &[]),
    ("flif", ResourceType::Image, &[]),
    ("gif", ResourceType::Image, &[]),
    ("glb", ResourceType::Image, &[]),
    ("gltf", ResourceType::Image, &[]),
    ("heic", ResourceType::Image, &["heif"]),
    ("ico", ResourceType::Image, &[]),
    ("indd", ResourceType::Image, &[]),
    ("jp2", ResourceType::Image, &[]),
    ("jpg", ResourceType::Image, &["jpeg", "jpe", "jfif"]),
    ("jxl", ResourceType::Image, &[]),
    ("jxr", ResourceType::Image, &["wdp", "hdp"]),
    ("pdf", ResourceType::Image, &[]),
    ("png", ResourceType::Image, &[]),
    ("psd", ResourceType::Image, &[]),
    ("svg", ResourceType::Image, &[]),
    ("tga", ResourceType::Image, &[]),
    ("tiff", ResourceType::Image, &["tif"]),
    ("usdz", ResourceType::Image, &[]),
    ("webp", ResourceType::Image, &[]),
    ("3g2", ResourceType::Video, &[]),
    ("3gp", ResourceType::Video, &[]),
    ("aac", ResourceType::Video, &[]),
    ("aiff", ResourceType::Video, &["aif"]),
    ("amr", ResourceType::Video, &[]),
    ("avi", ResourceType::Video, &[]),
    ("flac", ResourceType::Video, &[]),
    ("flv", ResourceType::Video, &[]),
    ("m2ts", ResourceType::Video, &["mts"]),
    ("m4a", ResourceType::Video, &[]),
    ("mkv", ResourceType::Video, &[]),
    ("mov", ResourceType::Video, &["qt"]),
    ("mp3", ResourceType::Video, &[]),
    ("mp4", ResourceType::Video, &["m4v"]),
    ("mpeg", ResourceType::Video, &["mpg"]),
    ("mxf", ResourceType::Video, &[]),
    ("ogg", ResourceType::Video, &["oga", "ogv", "opus"]),
    ("wav", ResourceType::Video, &[]),
    ("webm", ResourceType::Video, &[]),
    ("wmv", ResourceType::Video, &["asf"]),
];

/// Cloudinary's name of the format with this extension, and its type for it.
pub fn known_format(extension: &str) -> Option<(&'static str, ResourceType)> {
    let extension = extension.to_ascii_lowercase();
    FORMATS
        .iter()
        .find(|(name, _, others)| *name == extension || others.contains(&extension.as_str()))
        .map(|(name, kind, _)| (*name, *kind))
}

/// The characters of the longest extension that is taken for one. The database's `media_sync.extension_of` has the same.
const LONGEST_EXTENSION: usize = 16;

/// The extension of a file name, without its dot; `None` when it has none, or an odd one.
pub fn extension(filename: &str) -> Option<String> {
    split_name(filename).1
}

/// A file name without its extension, and the extension.
pub fn split_name(filename: &str) -> (&str, Option<String>) {
    match delivered_extension(filename) {
        Some(extension) if as_saved(filename).len() > extension.len() + 1 => {
            let saved_as = as_saved(filename);
            (
                &saved_as[..saved_as.len() - extension.len() - 1],
                Some(extension),
            )
        }
        _ => (filename, None),
    }
}

/// The last part of a path: browsers have sent whole paths.
pub fn without_path(filename: &str) -> &str {
    filename.rsplit(['/', '\\']).next().unwrap_or_default()
}

/// A file's name without its path and extension, as Cloudinary keeps it.
pub fn file_stem(filename: &str) -> Option<String> {
    let (stem, _) = split_name(without_path(filename));
    let stem: String = stem.chars().filter(|c| !c.is_control()).collect();
    (!stem.is_empty()).then_some(stem)
}

/// The extension of a public id, by which Cloudinary delivers a raw file. The public id may be nothing else.
pub fn delivered_extension(public_id: &str) -> Option<String> {
    let (_, extension) = as_saved(public_id).rsplit_once('.')?;
    let is_plain = (1..=LONGEST_EXTENSION).contains(&extension.len())
        && extension.bytes().all(|byte| byte.is_ascii_alphanumeric());
    is_plain.then(|| extension.to_ascii_lowercase())
}

/// The name under which Windows saves a file: without the dots and blanks at its end.
fn as_saved(filename: &str) -> &str {
    filename.trim_end_matches(['.', ' '])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_split_as_windows_saves_it() {
        for (filename, stem, extension) in [
            ("mug.JPG", "mug", Some("jpg")),
            ("evil.html.", "evil", Some("html")),
            ("evil.html . .", "evil", Some("html")),
            (".html", ".html", None),
            (".html.", ".html.", None),
            ("mug.a-b", "mug.a-b", None),
            ("...", "...", None),
        ] {
            let split = split_name(filename);
            assert_eq!(split, (stem, extension.map(str::to_owned)), "{filename}");
        }
        assert_eq!(delivered_extension(".html.").as_deref(), Some("html"));
    }

    #[test]
    fn a_files_name_is_kept_without_its_extension() {
        assert_eq!(
            file_stem("C:\\a\\Blue mug.png").as_deref(),
            Some("Blue mug")
        );
        assert_eq!(file_stem("README").as_deref(), Some("README"));
        assert_eq!(file_stem(""), None);
    }
}
