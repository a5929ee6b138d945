//! Formats of files, by their names (pure).

use crate::asset::ResourceType;

/// Formats that can be told by their first bytes: Cloudinary's name, its type for them, and other
/// extensions of the same. (Audio is `video`, PDF is `image`.)
pub const FORMATS: &[(&str, ResourceType, &[&str])] = &[
    ("avif", ResourceType::Image, &[]),
    ("bmp", ResourceType::Image, &[]),
    ("gif", ResourceType::Image, &[]),
    ("heic", ResourceType::Image, &["heif"]),
    ("ico", ResourceType::Image, &[]),
    ("jpg", ResourceType::Image, &["jpeg", "jpe", "jfif"]),
    ("pdf", ResourceType::Image, &[]),
    ("png", ResourceType::Image, &[]),
    ("psd", ResourceType::Image, &[]),
    ("svg", ResourceType::Image, &[]),
    ("tiff", ResourceType::Image, &["tif"]),
    ("webp", ResourceType::Image, &[]),
    ("aac", ResourceType::Video, &[]),
    ("avi", ResourceType::Video, &[]),
    ("flac", ResourceType::Video, &[]),
    ("m4a", ResourceType::Video, &[]),
    ("mov", ResourceType::Video, &["qt"]),
    ("mp3", ResourceType::Video, &[]),
    ("mp4", ResourceType::Video, &["m4v"]),
    ("ogg", ResourceType::Video, &["oga", "ogv", "opus"]),
    ("wav", ResourceType::Video, &[]),
    ("webm", ResourceType::Video, &["mkv"]),
];

/// Cloudinary's name of the format with this extension, and its type for it.
pub fn known_format(extension: &str) -> Option<(&'static str, ResourceType)> {
    let extension = extension.to_ascii_lowercase();
    FORMATS
        .iter()
        .find(|(name, _, others)| *name == extension || others.contains(&extension.as_str()))
        .map(|(name, kind, _)| (*name, *kind))
}

/// The extension of a file name, without its dot; `None` when it has none, or an odd one.
pub fn extension(filename: &str) -> Option<String> {
    let (stem, extension) = filename.rsplit_once('.')?;
    let is_plain = (1..=10).contains(&extension.len())
        && extension.bytes().all(|byte| byte.is_ascii_alphanumeric());
    (is_plain && !stem.is_empty()).then(|| extension.to_ascii_lowercase())
}
