//! The modules of a crate, the modules that each one names, and the circles among them.
//!
//! A module is a file. File A depends on file B if A's code names something that B defines: in a
//! `use`, in a path inside code or a macro's arguments, or in an attribute's text. Three choices make
//! that strict without false alarms:
//!
//! * A name is followed through re-exports to the file that defines it. `mod.rs` is therefore a
//!   dependency only of who uses an item that `mod.rs` itself defines.
//! * A module that declares and re-exports its own descendants does not depend on them.
//!   It does if its own code uses them, and a child that names an item of its `mod.rs` then closes
//!   a circle.
//! * Tests do not count: items under `#[cfg(test)]` are left out. Links in comments do not either.
//!
//! Calls of methods are not seen, since they name no module.

mod circles;
mod crate_files;
mod file_names;
mod levels;
mod resolve;

pub use circles::{Circle, CircleEdge, Graph, circles};
pub use crate_files::{Crate, ReadError};
pub use levels::{files, siblings};
pub use resolve::Dependency;
