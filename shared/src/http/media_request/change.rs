//! The kinds of changes that may be requested (pure).

/// The requested kind of change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RequestedChange {
    Edit,
    Delete,
    Restore,
}

impl RequestedChange {
    /// The database's function.
    pub(super) const fn function(self) -> &'static str {
        match self {
            Self::Edit => "media_request_edit",
            Self::Delete => "media_request_delete",
            Self::Restore => "media_request_restore",
        }
    }

    /// The answer's field for the changed assets, and its verb.
    pub(super) const fn done(self) -> &'static str {
        match self {
            Self::Edit => "updated",
            Self::Delete => "deleted",
            Self::Restore => "restored",
        }
    }
}
