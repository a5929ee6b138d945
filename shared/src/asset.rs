//! The identity of an asset and the words that name it.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// An asset's identity: 32 hex digits, unchanged by rename and move.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct AssetId(String);

/// A text that is not 32 hex digits.
#[derive(Debug, thiserror::Error)]
#[error("an asset id is 32 hex digits, not `{0}`")]
pub struct InvalidAssetId(String);

impl AssetId {
    /// Reads an asset id; upper-case digits are folded.
    ///
    /// # Errors
    /// When the text is not 32 hex digits.
    pub fn parse(text: &str) -> Result<Self, InvalidAssetId> {
        if text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            Ok(Self(text.to_ascii_lowercase()))
        } else {
            Err(InvalidAssetId(text.chars().take(64).collect()))
        }
    }

    /// The id as Cloudinary writes it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for AssetId {
    type Error = InvalidAssetId;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text)
    }
}

impl FromStr for AssetId {
    type Err = InvalidAssetId;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text)
    }
}

impl From<AssetId> for String {
    fn from(id: AssetId) -> Self {
        id.0
    }
}

impl fmt::Display for AssetId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for AssetId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// An asset's id in either form: Cloudinary's, or that of its row. They differ in their dashes.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize)]
#[serde(untagged)]
pub enum AssetKey {
    Asset(AssetId),
    /// An upload that is still under way has no other.
    Row(Uuid),
}

/// A text that is neither.
#[derive(Debug, thiserror::Error)]
#[error("must be an asset id of Cloudinary (32 hex digits), or the id of a row (a UUID)")]
pub struct InvalidAssetKey;

impl AssetKey {
    /// Reads an id; a UUID without its dashes is Cloudinary's.
    ///
    /// # Errors
    /// When the text has neither form.
    pub fn parse(text: &str) -> Result<Self, InvalidAssetKey> {
        if let Ok(id) = AssetId::parse(text) {
            return Ok(Self::Asset(id));
        }
        let row = Uuid::parse_str(text).ok().filter(|_| text.len() == 36);
        row.map(Self::Row).ok_or(InvalidAssetKey)
    }
}

/// Cloudinary's kinds of assets. Audio is `video`, PDF is `image`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ResourceType {
    Image,
    Video,
    Raw,
}

impl ResourceType {
    /// Every resource type, in the order in which a full listing walks them.
    pub const ALL: [Self; 3] = [Self::Image, Self::Video, Self::Raw];

    /// The word as it stands in Cloudinary's paths.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Image => "image",
            Self::Video => "video",
            Self::Raw => "raw",
        }
    }
}

/// A text that is none of `image`, `video` and `raw`.
#[derive(Debug, thiserror::Error)]
#[error("a resource type is image, video or raw, not `{0}`")]
pub struct InvalidResourceType(String);

impl FromStr for ResourceType {
    type Err = InvalidResourceType;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|kind| kind.as_str() == text)
            .ok_or_else(|| InvalidResourceType(text.chars().take(64).collect()))
    }
}

impl fmt::Display for ResourceType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The name under which a live asset is delivered: unique among live assets, but mutable.
///
/// `delivery_type` is Cloudinary's `type` (`upload`, `private`, `authenticated`, `fetch`, …),
/// an open set.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub struct DeliveryName {
    pub resource_type: ResourceType,
    pub delivery_type: String,
    pub public_id: String,
}

impl fmt::Display for DeliveryName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}/{}/{}",
            self.resource_type, self.delivery_type, self.public_id
        )
    }
}
