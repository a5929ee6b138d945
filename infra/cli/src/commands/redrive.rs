//! `mediasync redrive`: sends given-up messages to their queue again.

use clap::Args;
use media_sync::queue::{QueueBacklog, SqsQueue};
use serde_json::json;

use crate::configuration::StackArguments;
use crate::deployment::Deployment;
use crate::exit::Exit;
use crate::failure::{Failure, chain};
use crate::output::{self, Output};
use crate::queues::QueueName;
use crate::redrive::{MessageSample, MovedMessages, Redrive, StopSignal};

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
    let redrive = Redrive::new(&deployment.aws, source, dead_letters);
    if arguments.dry_run {
        let samples = redrive.samples().await?;
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
    let moved = carry_out(&redrive, output).await?;
    let left = self::depth(&deployment, redrive.dead_letters()).await?;
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
        let (source, dead_letters) = queue.addresses(deployment)?;
        if queue.is_called(name, &dead_letters) {
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
async fn carry_out(redrive: &Redrive, output: &Output) -> Result<MovedMessages, Failure> {
    let stop = StopSignal::default();
    let asked = stop.clone();
    let listener = tokio::spawn(async move {
        if tokio::signal::ctrl_c().await.is_ok() {
            asked.ask();
        }
    });
    let done = redrive.run(&stop, |_| ()).await;
    listener.abort();
    let moved = match done {
        Ok(moved) => moved,
        Err(broken) => {
            tell(broken.moved, output);
            return Err(broken
                .failure
                .mend("the rest is still there: run the same command again"));
        }
    };
    tell(moved, output);
    if stop.is_asked() {
        return Err(Failure::new(Exit::TryAgain, "interrupted")
            .mend("the rest is still there: run the same command again"));
    }
    Ok(moved)
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
