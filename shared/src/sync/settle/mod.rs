//! The one loop that brings evidence of Cloudinary into rows.
//!
//! A [`Settlement`] holds the observations and names the next step: read rows, look at assets, or
//! write a plan. It does no I/O. A [`SettlementDriver`] carries its steps out for the functions; the
//! simulator in `tests/chaos` carries out the same steps one by one. A [`SettlePolicy`] holds the
//! differences between a batch of notifications, a claim, a page, a repair and an upload.

mod driver;
mod evidence;
mod listing;
mod policy;
mod search;
mod settlement;
mod step;
mod unstable_rows;

pub use self::driver::SettlementDriver;
pub use self::evidence::PlanEvidence;
pub use self::listing::ListingPolicy;
pub use self::policy::{ClockKeeping, LookTargets, SettlePolicy, named_by};
pub use self::settlement::Settlement;
pub use self::step::{AssetInquiry, SettleError, SettleStep, WriteOutcome};

#[cfg(test)]
mod tests;
