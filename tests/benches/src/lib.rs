//! Benches of the library's pure parts, `make bench`.
//!
//! A package of its own. Criterion's dependencies are compiled with other features than everything
//! else, which would have the whole workspace compiled twice.
