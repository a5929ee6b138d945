//! Supabase's gateway, in front of PostgREST, Auth and Realtime: checks API keys, sets the role, answers preflights.
//!
//! For tests it counts the Data API's requests, can be told to fail, and shows unsent mails, also over HTTP at
//! `/_control`.

mod access;
mod control;
mod cors;
mod faults;
mod routes;
mod server;

pub use faults::{CallCounts, FaultAnswer, GatewayFault};
pub(crate) use routes::router;
pub(crate) use server::Gateway;
