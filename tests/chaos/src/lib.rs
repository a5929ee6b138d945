//! Chaos in memory: the library's own merge, plans and intents between a model of Cloudinary, a
//! queue and the database, while notifications are lost, doubled and overtaken, workers die
//! between any two steps, calls fail before and after their effect, and people edit both sides.
//!
//! What is modelled is what is not ours (Cloudinary, SQS) and what SQL does (the database's
//! functions); what decides is the code that runs in production. A seed says everything that
//! happens, so that a failure can be looked at again.

pub mod check;
pub mod cloud;
pub mod database;
pub mod jobs;
pub mod people;
pub mod simulation;
pub mod totals;
