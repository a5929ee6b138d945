//! media-sync's library: everything that two functions need, and all the thinking.
//!
//! Three kinds of code live apart here. There are pure decisions ([`asset`], [`time`], and the
//! modules that parse, merge, plan and sign), two clients ([`cloudinary`], [`supabase`]), and the
//! flows that tie them together.

pub mod access_rules;
pub mod asset;
pub mod cloudinary;
pub mod config;
pub mod cursor;
pub mod deadline;
pub mod garbled_json;
pub mod http;
pub mod intent;
pub mod maintenance;
pub mod observation;
pub mod parameter;
pub mod queue;
pub mod release;
pub mod rotation;
pub mod row;
pub mod serve;
pub mod settings;
pub mod supabase;
pub mod sync;
pub mod telemetry;
pub mod time;
pub mod upload;
pub mod user_role;
pub mod value_rules;
