//! `mediasync doctor`: looks at a deployment from outside, and names the mend of each fault.
//!
//! Probes gather evidence, several at once and each with a time limit. Judging the evidence is pure: every check is a
//! function from evidence to a finding. A probe that fails costs only the checks that need it.

pub mod aws;
pub mod cloudinary;
pub mod finding;
pub mod http;
pub mod page;
pub mod path;
pub mod registry;
pub mod report;
pub mod supabase;

pub use finding::{Finding, Grade, Judgement, Skip, Verdict};
pub use registry::{Check, Group};

use std::time::Duration;

use aws_config::SdkConfig;

use crate::configuration::Values;
use crate::configuration::stack::Deployed;
use crate::database::Address;
use crate::output::Output;

/// The longest time for one probe.
pub(crate) const PROBE_LIMIT: Duration = Duration::from_secs(20);

/// A probe's answer, or why there is none.
pub type Probe<T> = Result<T, Skip>;

/// Where to look.
#[derive(Debug)]
pub struct Sources<'a> {
    /// Addresses and keys.
    pub settings: &'a Values,
    /// The configuration's secret.
    pub secret: &'a Probe<aws::Secret>,
    /// Region and credentials.
    pub aws: &'a SdkConfig,
    /// The deployed stack, if there is one.
    pub stack: Option<&'a Deployed>,
    /// The project's database.
    pub database: Option<&'a Address>,
    /// The webhook's address.
    pub webhook: Option<&'a str>,
    /// The longest time for an event of the canary, if one is to be planted.
    pub canary: Option<Duration>,
    /// Shared by all probes.
    pub http: reqwest::Client,
}

/// Everything that was learnt.
#[derive(Debug)]
pub struct Evidence {
    /// Of the deployment in AWS.
    pub aws: aws::Evidence,
    /// Of the Supabase project.
    pub supabase: supabase::Evidence,
    /// Of the Cloudinary product environment.
    pub cloudinary: cloudinary::Evidence,
    /// Of the way from Cloudinary to the database.
    pub path: path::Evidence,
}

/// Gathers the evidence and judges it by the given checks, in their order.
pub async fn examine(
    checks: &[&'static Check],
    sources: &Sources<'_>,
    output: &Output,
) -> Vec<Finding> {
    let wanted = |group| checks.iter().any(|check| check.group == group);
    let unasked = Skip::because("not asked for");
    let supabase = async {
        if wanted(Group::Supabase) {
            supabase::Evidence::gather(sources, output).await
        } else {
            supabase::Evidence::without(&unasked)
        }
    };
    let cloudinary = async {
        if wanted(Group::Cloudinary) {
            cloudinary::Evidence::gather(sources).await
        } else {
            cloudinary::Evidence::without(&unasked)
        }
    };
    let aws = async {
        if wanted(Group::Aws) {
            aws::Evidence::gather(sources).await
        } else {
            aws::Evidence::without(&unasked)
        }
    };
    let (aws, supabase, cloudinary) = tokio::join!(aws, supabase, cloudinary);
    // Afterwards, for its calls would pass for somebody else's use of the quota.
    let path = if wanted(Group::Path) {
        path::Evidence::gather(sources, output).await
    } else {
        path::Evidence::without(&unasked)
    };
    let evidence = Evidence {
        aws,
        supabase,
        cloudinary,
        path,
    };
    checks.iter().map(|check| check.judge(&evidence)).collect()
}

/// Ends a probe that takes too long.
pub(crate) async fn limited<T>(subject: &str, probe: impl Future<Output = Probe<T>>) -> Probe<T> {
    tokio::time::timeout(PROBE_LIMIT, probe)
        .await
        .unwrap_or_else(|_| Err(Skip::because(format!("{subject} did not answer in time"))))
}
