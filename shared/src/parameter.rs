//! A value from a caller that cannot be used (pure).

/// A parameter, or a field of a body, that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{name}` {reason}")]
pub struct ParameterError {
    pub name: String,
    pub reason: String,
}

impl ParameterError {
    pub fn new(name: impl Into<String>, reason: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            reason: reason.into(),
        }
    }
}
