//! The checks of the deployment in AWS.

mod alarms;
mod api;
mod checks;
mod code;
mod evidence;
mod functions;
mod gather;
mod key;
mod logs;
mod probe;
mod queues;
mod read_secret;
mod secret;
mod version;

pub use crate::aws::functions::AccountConcurrency;
pub use checks::CHECKS;
pub use evidence::{
    AwsEvidence, FunctionEvidence, KeyUse, LogGroup, QueueEvidence, ReleaseEvidence, StackResource,
    TopicEvidence,
};
pub use gather::gather;
pub use read_secret::read_secret;
