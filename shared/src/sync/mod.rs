//! Keeping the two sides equal: the plans, which are pure, and the flows that carry them out.

pub mod advice;
pub mod clients;
pub mod comparison;
pub mod drain;
pub mod explain;
pub mod fence;
pub mod health;
pub mod ingest;
pub mod lookup;
pub mod marker;
mod name_lists;
pub mod notification;
pub mod operations;
pub mod outbound;
pub mod plan;
mod prospect;
pub mod purge;
pub mod quota;
pub mod quota_guard;
pub mod quota_sharing;
pub mod reconcile;
pub mod replay;
pub mod retry;
pub mod settle;
pub mod store;
pub mod trigger_repair;
pub mod uploads;
