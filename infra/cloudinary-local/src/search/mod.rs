//! The Search API: expressions over what the index has seen so far.

mod eval;
mod parse;
mod run;

pub(crate) use run::search;
