//! The stand-in's behaviour as seen on the wire, each test with a server of its own.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

mod bounds;
mod control;
mod delivery;
mod download;
mod durability;
mod fields;
mod identity;
mod listing;
mod notifications;
mod polling;
mod protocol;
mod searching;
#[path = "../support/mod.rs"]
mod support;
mod uploads;
