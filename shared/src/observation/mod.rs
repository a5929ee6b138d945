//! Statements about assets in Cloudinary: one looked like this, or was gone, at a moment on its clock.

mod attributes;
mod clocks;
mod content;
mod sighting;

pub use self::attributes::{AttributeClocks, Attributes};
pub use self::clocks::{Changed, Clocks};
pub use self::content::Content;
pub use self::sighting::{Fact, Observation, Pairs, Sighting, Told};
