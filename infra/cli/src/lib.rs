//! The operator's command as a library: one file per command, and the modules that the commands share.
//!
//! Planning is pure: [`migrations::plan`] and [`migrations::copy`] decide from earlier reads, [`database::diagnosis`]
//! names the mend of a failed connection from the facts about it. And [`triggers`] plans the repair of Cloudinary's
//! triggers. Every check of [`doctor`] judges evidence that probes have gathered before.

pub(crate) mod aws;
pub mod canary;
pub mod commands;
pub mod configuration;
pub mod database;
pub mod deployment;
pub mod doctor;
pub mod exit;
pub mod failure;
pub(crate) mod install;
pub mod migrations;
pub mod output;
pub mod queues;
mod removal;
pub mod replay;
pub mod runs;
mod services;
pub mod status;
pub mod transfer;
pub mod users;
mod words;

pub use media_sync::cloudinary::trigger_plan as triggers;
