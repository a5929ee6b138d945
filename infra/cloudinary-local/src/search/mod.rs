//! The Search API: expressions over the assets in the index.

mod eval;
mod parse;
mod run;

pub(crate) use run::search;
