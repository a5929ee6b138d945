//! The local stack: a whole media-sync on one machine, made of the real components.
//!
//! [`LocalStack::start`] runs PostgreSQL, PostgREST and Auth behind a gateway that treats keys as Supabase's does. It runs
//! the AWS emulator with the unmodified `template.yaml` deployed into it, and the Cloudinary stand-in, all on free
//! ports of 127.0.0.1. Several stacks may run at once. Nothing outlives the program that started it.

mod auth;
mod aws;
mod cloudinary;
pub mod compare;
mod environment;
mod error;
mod folders;
mod freshness;
mod front_door;
mod gateway;
mod http_client;
mod kept;
mod kept_project;
mod key_material;
mod keys;
mod options;
mod ports;
mod postgres;
mod postgrest;
mod proxy;
mod realtime;
mod servers;
mod stack;
mod supervisor;
mod tools;

pub use auth::SentMail;
pub use aws::{AlarmReading, FunctionInvocation, QueueDepth};
pub use environment::{exports, forget_environment, keep_environment, kept_environment};
pub use error::StackError;
pub use gateway::{CallCounts, FaultAnswer, GatewayFault};
pub use kept_project::kept_folder;
pub use keys::{ApiKeyKind, TokenClaims};
pub use options::{StackOptions, StackPart};
pub use stack::LocalStack;
