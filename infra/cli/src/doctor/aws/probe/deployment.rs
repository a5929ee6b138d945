//! The deployment in question, and its resources by name and kind.

use super::super::StackResource;
use super::super::api::Api;
use crate::configuration::stack::DeployedStack;
use crate::doctor::{ProbeResult, SkipReason};

/// A deployed stack that is asked about.
pub(super) struct Deployment<'a> {
    pub(super) api: Api,
    pub(super) stack: &'a DeployedStack,
    pub(super) resources: Vec<StackResource>,
}

impl Deployment<'_> {
    pub(super) fn find(&self, logical: &str) -> ProbeResult<&StackResource> {
        let found = self.resources.iter().find(|one| one.logical == logical);
        found.ok_or_else(|| SkipReason::because(format!("the stack has no {logical}")))
    }

    pub(super) fn of_kind(&self, kind: &'static str) -> impl Iterator<Item = &StackResource> {
        self.resources.iter().filter(move |one| one.kind == kind)
    }
}
