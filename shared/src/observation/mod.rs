//! Statements about assets in Cloudinary: one looked like this, or was gone, at a moment on its clock.

mod absence;
mod attributes;
mod clocks;
mod content;
mod newer;
mod sighting;

pub use self::absence::AbsenceMeaning;
pub use self::attributes::{ATTRIBUTE_COLUMNS, AssetAttributes, AttributeClocks, ToldAttributes};
pub use self::clocks::{AssetClocks, ChangeClocks};
pub use self::content::AssetContent;
pub use self::newer::replace_if_newer;
pub use self::sighting::{AssetSighting, GARBLED_TEXT, Observation, ObservedState, ValuePairs};
