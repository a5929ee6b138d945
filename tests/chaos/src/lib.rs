//! Chaos in memory: the library's own merge, plans and intents between a model of Cloudinary, a
//! queue and the database. Notifications are lost, doubled and overtaken. Workers die between any
//! two steps. Calls fail before and after their effect, and people edit both sides.
//!
//! Models stand for foreign parts (Cloudinary, SQS) and for SQL (the database's functions). The
//! code that decides is the code that runs in production. A seed fixes all events, so that a
//! failure can be looked at again.

pub mod check;
pub mod cloud;
pub mod database;
pub mod jobs;
pub mod mischief;
pub mod people;
pub mod simulation;
pub mod totals;
