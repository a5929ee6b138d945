//! The checks of a Cloudinary product environment.

mod account;
mod checks;
mod delivery;
mod evidence;
mod folders;
mod gather;
mod notifications;
mod probe;
mod records;
mod shared_library;
mod trigger;

pub use checks::CHECKS;
use evidence::accepted;
pub use evidence::{AdminAnswer, CloudinaryEvidence, FileDelivery, HourlyQuota};
pub use gather::gather;
pub use records::{AssetPlace, NotificationRecords};
