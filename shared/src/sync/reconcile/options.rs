//! The options of a run (pure).

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::cloudinary::admin::MAX_PUBLIC_IDS;

/// The most names of one request: Cloudinary takes as many in one call.
pub const MAX_NAMES: usize = MAX_PUBLIC_IDS;

/// The most that Cloudinary lists in one call.
pub const MAX_PAGE: u16 = 500;

/// The options of a run, beyond its mode.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RunOptions {
    /// Assets in one listing call, 1 to [`MAX_PAGE`].
    pub batch_size: u16,
    /// True if the run may delete as many rows as it finds missing.
    pub allow_mass_delete: bool,
    /// The plan of deletes that was approved: the run deletes exactly these rows, or stops.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub apply: Option<Uuid>,
    /// True if the run only tells what it would do.
    pub dry_run: bool,
    /// Admin API calls of the hour that the run leaves to people; see [`crate::sync::quota::reserve`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quota_reserve: Option<u32>,
}

impl Default for RunOptions {
    fn default() -> Self {
        Self {
            batch_size: MAX_PAGE,
            allow_mass_delete: false,
            apply: None,
            dry_run: false,
            quota_reserve: None,
        }
    }
}

impl RunOptions {
    /// The same, if Cloudinary can do it.
    ///
    /// # Errors
    /// Says how large a page may be.
    pub fn checked(self) -> Result<Self, String> {
        if (1..=MAX_PAGE).contains(&self.batch_size) {
            Ok(self)
        } else {
            Err(format!("must be a whole number from 1 to {MAX_PAGE}"))
        }
    }
}

/// The public ids of a run over named assets, each once.
///
/// # Errors
/// Says how many there may be, and how long. Longer ones Cloudinary does not take, so nothing can have them.
pub fn checked_names(names: Vec<String>) -> Result<BTreeSet<String>, String> {
    let names: BTreeSet<String> = names.into_iter().collect();
    let plausible =
        |name: &String| (1..=255).contains(&name.chars().count()) && !name.contains('\0');
    if (1..=MAX_NAMES).contains(&names.len()) && names.iter().all(plausible) {
        return Ok(names);
    }
    Err(format!(
        "must be 1 to {MAX_NAMES} names of 1 to 255 characters"
    ))
}
