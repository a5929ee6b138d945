//! `mediasync redrive`: sends given-up messages to their queue again.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use aws_config::SdkConfig;
use aws_config::timeout::TimeoutConfig;
use aws_sdk_sqs::Client;
use clap::Args;
use media_sync::queue::{
    DeadLetterError, DeadLetters, MessageSample, MovedMessages, QueueBacklog, QueueName, SqsQueue,
};
use serde_json::json;

use crate::aws::error::{refused, unanswered};
use crate::configuration::StackArguments;
use crate::deployment::Deployment;
use crate::exit::Exit;
use crate::failure::{Failure, chain};
use crate::output::{self, Output};
use crate::queues;

/// The longest time for one call, its wait included.
const LIMIT: Duration = Duration::from_secs(20);

/// Its options.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// The queue that gave up: notifications, outbound or continuation, or the name of its dead-letter queue
    queue: String,
    /// Only show how many there are, and some of them; takes none
    #[arg(long)]
    dry_run: bool,
    #[command(flatten, next_help_heading = "Configuration")]
    stack: StackArguments,
}

pub(super) async fn run(arguments: Arguments, output: &Output) -> Result<Exit, Failure> {
    let deployment = Deployment::find(&arguments.stack.name).await?;
    let (queue, source, dead_letters) = resolve(&arguments.queue, &deployment)?;
    let depth = depth(&deployment, &dead_letters).await?;
    let dead_letters = DeadLetters::new(client(&deployment.aws), source, dead_letters);
    if arguments.dry_run {
        let samples = dead_letters.samples().await.map_err(failure)?;
        output.say(&format!(
            "{} given up by {}",
            messages(depth.total()),
            queue.word()
        ));
        report(
            queue,
            depth,
            MovedMessages::default(),
            Some(&samples),
            output,
        );
        return Ok(Exit::Ok);
    }
    if depth.total() == 0 {
        output.say(&format!("nothing was given up by {}", queue.word()));
        report(queue, depth, MovedMessages::default(), None, output);
        return Ok(Exit::Ok);
    }
    let question = format!(
        "Send {} to the queue {} again?",
        messages(depth.total()),
        queue.word()
    );
    if !output.confirms(&question) {
        return Err(Failure::new(Exit::Failed, "nothing was sent, as you said"));
    }
    let moved = carry_out(&dead_letters, output).await?;
    let left = self::depth(&deployment, dead_letters.address()).await?;
    if left.total() > 0 {
        output.say(&format!(
            "{} left: hidden for the moment, or given up meanwhile; the same command takes them",
            messages(left.total())
        ));
    }
    report(queue, depth, moved, None, output);
    Ok(Exit::Ok)
}

fn resolve(name: &str, deployment: &Deployment) -> Result<(QueueName, String, String), Failure> {
    for queue in QueueName::ALL {
        let (source, dead_letters) = queues::addresses(queue, deployment)?;
        if queues::is_called(queue, name, &dead_letters) {
            return Ok((queue, source, dead_letters));
        }
    }
    let words = QueueName::ALL.map(QueueName::word).join(", ");
    Err(
        Failure::new(Exit::Usage, format!("the stack has no queue {name}")).mend(format!(
            "name one of {words}, or the dead-letter queue of one"
        )),
    )
}

async fn depth(deployment: &Deployment, address: &str) -> Result<QueueBacklog, Failure> {
    let asked = SqsQueue::connect(&deployment.aws, address).depth().await;
    asked.map_err(|error| Failure::new(Exit::TryAgain, chain(&error)))
}

/// Ctrl-C is heard between two batches, so that none is left half done.
async fn carry_out(dead_letters: &DeadLetters, output: &Output) -> Result<MovedMessages, Failure> {
    let is_asked_to_stop = Arc::new(AtomicBool::new(false));
    let asked = Arc::clone(&is_asked_to_stop);
    let listener = tokio::spawn(async move {
        if tokio::signal::ctrl_c().await.is_ok() {
            asked.store(true, Ordering::Relaxed);
        }
    });
    let mut moved = MovedMessages::default();
    let ended = move_all(dead_letters, &is_asked_to_stop, &mut moved).await;
    listener.abort();
    tell(moved, output);
    let again = "the rest is still there: run the same command again";
    ended.map_err(|failure| failure.mend(again))?;
    if is_asked_to_stop.load(Ordering::Relaxed) {
        return Err(Failure::new(Exit::TryAgain, "interrupted").mend(again));
    }
    Ok(moved)
}

/// Until none is left, somebody asks to stop, or SQS fails.
async fn move_all(
    dead_letters: &DeadLetters,
    is_asked_to_stop: &AtomicBool,
    moved: &mut MovedMessages,
) -> Result<(), Failure> {
    while !is_asked_to_stop.load(Ordering::Relaxed) {
        let batch = dead_letters.move_batch().await.map_err(failure)?;
        *moved = moved.and(batch.moved);
        if let Some(error) = batch.failure {
            return Err(failure(error));
        }
        if batch.was_empty {
            break;
        }
    }
    Ok(())
}

fn client(aws: &SdkConfig) -> Client {
    let timeouts = TimeoutConfig::builder()
        .operation_attempt_timeout(LIMIT)
        .operation_timeout(LIMIT * 3)
        .build();
    let config = aws_sdk_sqs::config::Builder::from(aws);
    Client::from_conf(config.timeout_config(timeouts).build())
}

fn failure(error: DeadLetterError) -> Failure {
    match error {
        DeadLetterError::Refused {
            doing,
            code,
            message,
        } => refused(doing, &code, &message),
        DeadLetterError::Unanswered { doing, causes } => unanswered(doing, &causes),
    }
}

fn tell(moved: MovedMessages, output: &Output) {
    output.say(&format!("sent {} again", messages(moved.sent as u64)));
    if moved.kept > 0 {
        output.warn(&format!(
            "{} of them could not be removed and may come twice, which is harmless",
            moved.kept
        ));
    }
}

fn messages(count: u64) -> String {
    match count {
        1 => "1 message".to_owned(),
        count => format!("{count} messages"),
    }
}

fn report(
    queue: QueueName,
    before: QueueBacklog,
    moved: MovedMessages,
    samples: Option<&[MessageSample]>,
    output: &Output,
) {
    let value = json!({
        "queue": queue.word(),
        "dead_letters": before,
        "dry_run": samples.is_some(),
        "sent": moved.sent,
        "samples": samples.unwrap_or_default(),
    });
    let row = |sample: &MessageSample| [sample.kind.clone(), sample.about.clone()];
    let rows: Vec<_> = samples.unwrap_or_default().iter().map(row).collect();
    output.data(&value, &output::table(["KIND", "ABOUT"], &rows));
}
