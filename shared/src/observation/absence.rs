//! The completeness of an answer (plain data).

/// The meaning of a field that an answer leaves out.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum AbsenceMeaning {
    /// Tags, context and metadata were asked for: the asset has none of the missing ones.
    Everything,
    /// Only the present fields were told; a missing one may be anything.
    WhatIsThere,
}
