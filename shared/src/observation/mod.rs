//! Statements about assets in Cloudinary: one looked like this, or was gone, at a moment on its clock.

mod clocks;
mod content;
mod sighting;

pub use self::clocks::{Changed, Clocks};
pub use self::content::Content;
pub use self::sighting::{Fact, Observation, Pairs, Sighting, Told};
