//! Gathers the evidence about the deployment.

use super::super::{Skip, Sources};
use super::evidence::AwsEvidence;
use super::probe;

/// Asks AWS about the deployed stack.
pub async fn gather(sources: &Sources<'_>) -> AwsEvidence {
    let evidence = match sources.stack {
        Some(stack) => probe::ask(sources, stack).await,
        None => AwsEvidence::without(&Skip::needs("a deployed stack")),
    };
    evidence.with_secret(sources.secret)
}
