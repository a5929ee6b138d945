//! `mediasync doctor`: looks at a deployment from outside, and names the mend of each fault.
//!
//! Probes gather evidence, several at once and each with a time limit. Judging the evidence is pure: every check is a
//! function from evidence to a finding. A probe that fails costs only the checks that need it.

pub mod aws;
pub mod check;
pub mod cloudinary;
mod examine;
pub mod http;
mod limit;
pub mod page;
pub mod path;
pub mod registry;
pub mod report;
pub mod sources;
pub mod supabase;
pub mod verdict;

pub use check::{Check, CheckGroup, CheckTopic, Finding};
pub use examine::examine;
pub(crate) use limit::{PROBE_LIMIT, limited};
pub use sources::{ConfigurationSecret, EvidenceSources};
pub use verdict::{CheckJudgement, CheckVerdict, FindingGrade, ProbeResult, SkipReason};
