//! Opaque cursors: a sealed position in a listing, under keys that are rotated.

mod keys;
mod sealed;

pub use self::keys::CursorKeys;
pub use self::sealed::{Cursor, CursorError, CursorKey};
