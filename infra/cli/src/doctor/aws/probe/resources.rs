//! The stack's resources.

use super::super::StackResource;
use super::super::api::Api;
use crate::configuration::stack::DeployedStack;
use crate::doctor::{ProbeResult, SkipReason};

pub(super) async fn list_resources(
    api: &Api,
    stack: &DeployedStack,
) -> ProbeResult<Vec<StackResource>> {
    let client = aws_sdk_cloudformation::Client::new(&api.calls.sdk);
    let mut pages = client
        .list_stack_resources()
        .stack_name(&stack.name)
        .into_paginator()
        .send();
    let mut resources = Vec::new();
    while let Some(page) = pages.next().await {
        let page = page.map_err(|error| {
            let reason = crate::failure::chain(&error);
            SkipReason::because(format!("the stack's resources cannot be listed: {reason}"))
        })?;
        let listed = page.stack_resource_summaries().iter();
        resources.extend(listed.filter_map(|one| {
            Some(StackResource {
                logical: one.logical_resource_id()?.to_owned(),
                kind: one.resource_type()?.to_owned(),
                physical: one.physical_resource_id()?.to_owned(),
            })
        }));
    }
    Ok(resources)
}
