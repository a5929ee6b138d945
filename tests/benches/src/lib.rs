//! Benches of the library's pure parts, `make bench`.
//!
//! A package of its own: what criterion stands on is compiled with other features than everything
//! else, which would have the whole workspace compiled twice.
