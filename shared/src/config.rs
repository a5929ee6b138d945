//! Configuration: one secret, overridden by environment variables.
