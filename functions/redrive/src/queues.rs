//! The queues and what they have given up.

use aws_config::SdkConfig;
use media_sync::config::{self, ConfigError};
use media_sync::deadline::Deadline;
use media_sync::http::Problem;
use media_sync::queue::{
    DeadLetterError, DeadLetters, MessageSample, MovedMessages, QueueBacklog, QueueName, SqsQueue,
};
use media_sync::telemetry;
use serde::Serialize;

/// A queue that gives messages up.
#[derive(Debug)]
pub(crate) struct GivingQueue {
    pub(crate) name: QueueName,
    backlog: SqsQueue,
    dead_letters: DeadLetters,
}

/// Its dead letters, counted and some of them described.
#[derive(Debug, Serialize)]
pub(crate) struct GivenUp {
    queue: QueueName,
    dead_letters: QueueBacklog,
    samples: Vec<MessageSample>,
}

impl GivingQueue {
    /// All of them, at the addresses of the environment.
    pub(crate) fn all(aws: &SdkConfig) -> Result<Vec<Self>, ConfigError> {
        let queue = |name: QueueName| {
            let (own, dead) = name.variables();
            let (own, dead) = (config::required_env(own)?, config::required_env(dead)?);
            Ok(Self {
                name,
                backlog: SqsQueue::connect(aws, dead.clone()),
                dead_letters: DeadLetters::connect(aws, own, dead),
            })
        };
        QueueName::ALL.into_iter().map(queue).collect()
    }

    /// Counts the messages that were given up. SQS calls the numbers approximate.
    pub(crate) async fn count(&self, end: Deadline) -> Result<QueueBacklog, Problem> {
        let counted = end.limit(self.backlog.depth()).await;
        Ok(counted.ok_or_else(out_of_time)??)
    }

    /// Looks at what was given up, and takes none.
    pub(crate) async fn look(&self, end: Deadline) -> Result<GivenUp, Problem> {
        let dead_letters = self.count(end).await?;
        let samples = match dead_letters.visible {
            0 => Vec::new(),
            _ => {
                let samples = end.limit(self.dead_letters.samples()).await;
                samples.ok_or_else(out_of_time)??
            }
        };
        Ok(GivenUp {
            queue: self.name,
            dead_letters,
            samples,
        })
    }

    /// Moves messages until none is left or the time is over. A failure after some were moved ends the work, and the
    /// count of the rest tells that.
    pub(crate) async fn move_until(&self, end: Deadline) -> Result<MovedMessages, Problem> {
        let mut moved = MovedMessages::default();
        while let Some(taken) = end.limit(self.dead_letters.move_batch()).await {
            let failure = match taken {
                Ok(batch) => {
                    moved = moved.and(batch.moved);
                    if batch.was_empty {
                        break;
                    }
                    batch.failure
                }
                Err(failure) => Some(failure),
            };
            match failure {
                None => {}
                Some(failure) if moved.sent == 0 => return Err(failure.into()),
                Some(failure) => {
                    telemetry::log_error("a redrive ended early", &failure);
                    break;
                }
            }
        }
        Ok(moved)
    }
}

fn out_of_time() -> Problem {
    let error = DeadLetterError::Unanswered {
        doing: "asking a queue",
        causes: "no time was left".to_owned(),
    };
    error.into()
}
