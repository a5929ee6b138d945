//! The ground of every end-to-end test: a whole local stack, and the two sides to look at.

mod answer;
mod cloud;
mod data_api;
pub mod database;
mod function;
pub mod library;
pub mod logs;
pub mod node;
pub mod replication;
mod wait;
mod world;

pub use answer::HttpAnswer;
pub use cloud::{CloudinaryAccount, picture, tags_changed};
pub use data_api::{DataApiCaller, add_person, post};
pub use database::{connect, value};
pub use function::{FunctionAnswer, RunningFunction};
pub use wait::{eventually, eventually_or_tell};
pub use world::{World, id_of, now};
