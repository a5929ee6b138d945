//! Messages between functions, and the SQS queues that carry them.

pub mod backlog;
pub mod batch;
pub mod message;
pub mod refusal;
pub mod retry;
pub mod send;

pub use backlog::{DepthError, QueueBacklog};
pub use batch::{correlation_of, handle_batch};
pub use message::{
    ContinueReconcile, DecodeError, IntentMessage, NotificationMessage, QueueMessage, RawBody,
    ReplayMessage, decode, encode,
};
pub use refusal::{RefusalTally, RefusedNotifications, part_batch};
pub use retry::{RetrySchedule, TO_POSTPONE};
pub use send::{BatchOutcome, MAX_DELAY, SendError, SqsQueue};
