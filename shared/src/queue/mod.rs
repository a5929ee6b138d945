//! Messages between functions, and the SQS queues that carry them.

pub mod batch;
pub mod depth;
pub mod message;
pub mod refusal;
pub mod retry;
pub mod send;

pub use batch::{correlation_of, handle_batch};
pub use depth::{Depth, DepthError};
pub use message::{
    ContinueReconcile, DecodeError, Message, Notification, Outbound, RawBody, Replay, decode,
    encode,
};
pub use refusal::{RefusalTally, RefusedNotifications, part_batch};
pub use retry::{Retry, TO_POSTPONE};
pub use send::{BatchOutcome, MAX_DELAY, Queue, SendError};
