//! A failure as it is shown: the event, the details, the mend, and the exit code.

use crate::exit::Exit;

/// The end of a command that did not succeed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// One sentence without a secret.
    pub message: String,
    /// More facts, each with its label: `detail`, `hint`.
    pub details: Vec<(&'static str, String)>,
    /// The command or step that mends it.
    pub mend: Option<String>,
    /// The exit code.
    pub exit: Exit,
}

impl Failure {
    /// A failure without details and mend.
    pub fn new(exit: Exit, message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            details: Vec::new(),
            mend: None,
            exit,
        }
    }

    /// Adds the mend.
    #[must_use]
    pub fn mend(mut self, mend: impl Into<String>) -> Self {
        self.mend = Some(mend.into());
        self
    }

    /// Adds a fact, if there is one.
    #[must_use]
    pub fn detail(mut self, label: &'static str, text: Option<impl Into<String>>) -> Self {
        self.details.extend(text.map(|text| (label, text.into())));
        self
    }
}

/// An error and its causes on one line, outermost first.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    std::iter::successors(Some(error), |error| error.source())
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join(": ")
}
