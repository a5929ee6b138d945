//! Everything that the steps need.

use std::collections::BTreeMap;

use crate::aws::formation::{Formation, Standing};
use crate::install::answers::Answers;
use crate::install::artifacts::Source;
use crate::install::preflight::World;

/// The answers, the tested world, and the options.
#[derive(Debug)]
pub(super) struct Installation {
    pub(super) answers: Answers,
    pub(super) world: World,
    /// Name or ARN.
    pub(super) secret_name: String,
    pub(super) source: Source,
    pub(super) bucket: Option<String>,
    pub(super) parameters: BTreeMap<String, String>,
    pub(super) no_test: bool,
    pub(super) no_import: bool,
}

impl Installation {
    pub(super) fn formation(&self) -> Formation {
        Formation::new(&self.world.account, &self.answers.stack_name)
    }

    pub(super) fn standing(&self) -> Standing {
        let stack = self.world.stack.as_ref();
        stack.map_or(Standing::Absent, |stack| Standing::of(&stack.status))
    }
}
