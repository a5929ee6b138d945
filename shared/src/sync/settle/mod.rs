//! The one loop that brings evidence of Cloudinary into rows.
//!
//! A [`Settlement`] holds the observations and names the next step: read rows, look at assets, or
//! write a plan. It does no I/O. A [`Driver`] carries its steps out for the functions; the
//! simulator in `tests/chaos` carries out the same steps one by one. A [`Policy`] holds the
//! differences between a batch of notifications, a claim, a page, a repair and an upload.

mod driver;
mod evidence;
mod listing;
mod policy;
mod search;
mod settlement;
mod step;
mod unstable_rows;

pub use self::driver::Driver;
pub use self::evidence::Evidence;
pub use self::listing::ListingPolicy;
pub use self::policy::{ClockKeeping, Policy, Wanted, named_by};
pub use self::settlement::Settlement;
pub use self::step::{Inquiry, SettleError, Step, Written};

#[cfg(test)]
mod tests;
