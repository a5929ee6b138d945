//! Gathers the evidence about the deployment.

use super::super::{EvidenceSources, SkipReason};
use super::evidence::AwsEvidence;
use super::probe;

/// Asks AWS about the deployed stack.
pub async fn gather(sources: &EvidenceSources<'_>) -> AwsEvidence {
    let evidence = match sources.stack {
        Some(stack) => probe::ask(sources, stack).await,
        None => AwsEvidence::without(&SkipReason::needs("a deployed stack")),
    };
    evidence.with_secret(sources.secret)
}
