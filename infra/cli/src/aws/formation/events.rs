//! Events of a stack: the new ones are shown until the stack rests.

use std::collections::BTreeSet;

use aws_sdk_cloudformation::error::ProvideErrorMetadata as _;
use aws_sdk_cloudformation::types::StackEvent;

use super::{Formation, PAUSE, Stack, Standing};
use crate::aws::failure;
use crate::failure::Failure;
use crate::output::{Output, ProgressLine};

/// The events that were shown already.
#[derive(Debug, Default)]
pub(super) struct Seen {
    ids: BTreeSet<String>,
    /// The first failure, which the others follow from.
    first_failure: Option<String>,
}

impl Formation {
    /// The events until now, none of which is a failure of a later step.
    pub(super) async fn seen_so_far(&self, id: &str) -> Result<Seen, Failure> {
        let mut seen = Seen::default();
        seen.take(&self.events(id, &seen).await?);
        seen.first_failure = None;
        Ok(seen)
    }

    /// Shows events until the stack rests.
    pub(super) async fn watch(
        &self,
        id: &str,
        mut seen: Seen,
        output: &Output,
    ) -> Result<(Stack, Option<String>), Failure> {
        let progress = output.progress();
        loop {
            // The status first: events that come before its end are then all there.
            let stack = self.read_by(id).await?;
            let events = self.events(id, &seen).await?;
            for event in seen.take(&events) {
                show(&event, &progress);
            }
            let Some(stack) = stack else {
                let gone = Stack {
                    status: "DELETE_COMPLETE".to_owned(),
                    ..Stack::default()
                };
                return Ok((gone, seen.first_failure));
            };
            if Standing::of(&stack.status) != Standing::Busy {
                return Ok((stack, seen.first_failure));
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// The events that were not seen, oldest first.
    async fn events(&self, id: &str, seen: &Seen) -> Result<Vec<StackEvent>, Failure> {
        let mut events = Vec::new();
        let mut next = None;
        loop {
            let page = match self
                .client
                .describe_stack_events()
                .stack_name(id)
                .set_next_token(next)
                .send()
                .await
            {
                Err(error)
                    if error
                        .message()
                        .is_some_and(|text| text.contains("does not exist")) =>
                {
                    break;
                }
                page => page.map_err(|error| failure("reading the stack's events", &error))?,
            };
            let is_known =
                |event: &StackEvent| event.event_id().is_some_and(|id| seen.ids.contains(id));
            let new: Vec<StackEvent> = page
                .stack_events()
                .iter()
                .filter(|one| !is_known(one))
                .cloned()
                .collect();
            let reached = new.len() < page.stack_events().len();
            events.extend(new);
            next = page.next_token().map(str::to_owned);
            if reached || next.is_none() {
                break;
            }
        }
        events.reverse();
        Ok(events)
    }
}

impl Seen {
    /// Remembers events, and returns the texts of those that say something.
    fn take(&mut self, events: &[StackEvent]) -> Vec<String> {
        let mut texts = Vec::new();
        for event in events {
            self.ids.extend(event.event_id().map(str::to_owned));
            let status = event.resource_status().map_or("", |status| status.as_str());
            let (name, kind) = (
                event.logical_resource_id().unwrap_or_default(),
                event.resource_type().unwrap_or_default(),
            );
            let reason = event.resource_status_reason().unwrap_or_default();
            if status.ends_with("_FAILED") {
                texts.push(format!("{status} {kind} {name}: {reason}"));
                // What was cancelled failed for another's sake.
                if !reason.contains("cancelled") && kind != "AWS::CloudFormation::Stack" {
                    self.first_failure
                        .get_or_insert(format!("{name}: {reason}"));
                }
            } else if status.ends_with("_COMPLETE") {
                texts.push(format!("{status} {kind} {name}"));
            }
        }
        texts
    }
}

fn show(text: &str, progress: &ProgressLine) {
    if text.contains("_FAILED") {
        progress.keep(text);
    } else {
        progress.advance(text);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn first_failure_that_is_no_consequence_is_the_reason() {
        let event = |id: &str, status: &str, kind: &str, reason: &str| {
            StackEvent::builder()
                .event_id(id)
                .logical_resource_id(id)
                .resource_type(kind)
                .resource_status(status.into())
                .resource_status_reason(reason)
                .build()
        };
        let mut seen = Seen::default();
        let texts = seen.take(&[
            event("A", "CREATE_IN_PROGRESS", "T", ""),
            event("B", "CREATE_COMPLETE", "T", ""),
            event("C", "CREATE_FAILED", "T", "Resource creation cancelled"),
            event(
                "D",
                "CREATE_FAILED",
                "T",
                "decreases account's UnreservedConcurrentExecution",
            ),
            event("E", "CREATE_FAILED", "T", "later"),
        ]);
        assert_eq!(texts.len(), 4);
        let reason = seen.first_failure.as_deref();
        assert!(reason.unwrap().starts_with("D: "));
        assert_eq!(seen.ids.len(), 5);
    }
}
