//! Messages between functions, and the SQS queues that carry them.

pub mod backlog;
pub mod batch;
pub mod dead_letters;
pub mod message;
mod name;
mod outgoing;
mod received;
pub mod refusal;
pub mod retry;
pub mod sample;
pub mod send;
mod wait;

pub use backlog::{DepthError, QueueBacklog};
pub use batch::handle_batch;
pub use dead_letters::{DeadLetterError, DeadLetters, MovedBatch, MovedMessages};
pub use message::{
    ContinueReconcile, DecodeError, IntentMessage, NotificationMessage, QueueMessage, RawBody,
    ReplayMessage, decode, encode,
};
pub use name::QueueName;
pub use outgoing::MAX_DELAY;
pub use received::correlation_of;
pub use refusal::{RefusalTally, RefusedNotifications, part_batch};
pub use retry::{RetrySchedule, TO_POSTPONE};
pub use sample::MessageSample;
pub use send::{BatchOutcome, SendError, SqsQueue};
pub use wait::{
    FailureProspect, LONGEST_WAIT, MessageFailure, MessageFate, MessageKeeper, has_waited_long,
};
