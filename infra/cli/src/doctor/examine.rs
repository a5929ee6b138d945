//! Gathers the evidence of the wanted checks, and judges it.

use super::aws::{self, AwsEvidence};
use super::check::{Check, CheckGroup, CheckTopic, Finding};
use super::cloudinary::{self, CloudinaryEvidence};
use super::path::{self, PathEvidence};
use super::sources::EvidenceSources;
use super::supabase::{self, SupabaseEvidence};
use super::verdict::SkipReason;
use crate::output::Output;

/// Gathers the evidence and judges it by the given checks, in the order of the report.
pub async fn examine(
    checks: &[&'static CheckTopic],
    sources: &EvidenceSources<'_>,
    output: &Output,
) -> Vec<Finding> {
    let wanted = |group| checks.iter().any(|check| check.group == group);
    let unasked = SkipReason::because("not asked for");
    let supabase = async {
        if wanted(CheckGroup::Supabase) {
            supabase::gather(sources, output).await
        } else {
            SupabaseEvidence::without(&unasked)
        }
    };
    let cloudinary = async {
        if wanted(CheckGroup::Cloudinary) {
            cloudinary::gather(sources).await
        } else {
            CloudinaryEvidence::without(&unasked)
        }
    };
    let aws = async {
        if wanted(CheckGroup::Aws) {
            aws::gather(sources).await
        } else {
            AwsEvidence::without(&unasked)
        }
    };
    let (aws, supabase, cloudinary) = tokio::join!(aws, supabase, cloudinary);
    // Afterwards, for its calls would pass for somebody else's use of the quota.
    let path = if wanted(CheckGroup::Path) {
        PathEvidence::gather(sources, output).await
    } else {
        PathEvidence::without(&unasked)
    };
    let mut findings = judge(aws::CHECKS, checks, &aws);
    findings.extend(judge(supabase::CHECKS, checks, &supabase));
    findings.extend(judge(cloudinary::CHECKS, checks, &cloudinary));
    findings.extend(judge(path::CHECKS, checks, &path));
    findings
}

/// Judges the evidence of a group by those of its checks that are wanted.
fn judge<E>(
    group: &'static [Check<E>],
    wanted: &[&'static CheckTopic],
    evidence: &E,
) -> Vec<Finding> {
    let is_wanted = |check: &&Check<E>| wanted.iter().any(|one| one.id == check.topic.id);
    let checks = group.iter().filter(is_wanted);
    checks.map(|check| check.judge(evidence)).collect()
}
