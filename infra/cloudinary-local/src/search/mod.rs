//! The Search API: expressions over the assets in the index, and over folders.

mod eval;
mod folders;
mod parse;
mod run;

pub(crate) use folders::search_folders;
pub(crate) use run::search;
