//! The operator's command as a library.
//!
//! [`database::diagnosis`] is pure: it names the mend of a failed connection from the facts about it.

pub mod database;
pub mod exit;
pub mod failure;
pub mod output;
