//! Statements about assets in Cloudinary: one looked like this, or was gone, at a moment on its clock.

mod attributes;
mod clocks;
mod content;
mod newer;
mod sighting;
mod told;

pub use self::attributes::{ATTRIBUTE_COLUMNS, AttributeClocks, Attributes, ToldAttributes};
pub use self::clocks::{Changed, Clocks};
pub use self::content::Content;
pub use self::newer::replace_if_newer;
pub use self::sighting::{Fact, Observation, Pairs, Sighting};
pub use self::told::Told;
