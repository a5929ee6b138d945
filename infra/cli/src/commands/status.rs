//! `mediasync status`: tells how the mirror stands.

use std::collections::BTreeMap;

use clap::Args;
use futures::future::join_all;
use media_sync::queue::{QueueBacklog, QueueName, SqsQueue};
use media_sync::supabase::DataApi;
use media_sync::sync::health::RunSchedules;
use media_sync::sync::marker::LibraryPlace;
use media_sync::sync::store::MirrorHealth;
use media_sync::time::Timestamp;
use serde_json::json;

use crate::configuration::{Configuration, ConfigurationSource, SUPABASE_SECRET_KEY, SUPABASE_URL};
use crate::deployment::Deployment;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::Output;
use crate::queues;
use crate::runs;
use crate::status::{MirrorPicture, judge, lines, to_json};

/// Its options.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    source: ConfigurationSource,
}

type Depths = BTreeMap<&'static str, Result<QueueBacklog, &'static str>>;

pub(super) async fn run(arguments: Arguments, output: &Output) -> Result<Exit, Failure> {
    let source = &arguments.source;
    let needed = [SUPABASE_URL, SUPABASE_SECRET_KEY];
    let supabase = Configuration::find(source, &[], &needed)
        .await?
        .supabase()?;
    let database = async { tokio::try_join!(runs::overview(&supabase, None), health(&supabase)) };
    let (database, stack) = tokio::join!(database, ask_stack(&source.stack.name));
    let (overview, mirror) = database?;
    let (queues, schedules) = match stack {
        Ok((queues, schedules)) => (Some(queues), schedules),
        Err(failure) => {
            output.warn(&format!("the queues are not shown: {}", failure.message));
            (None, RunSchedules::default())
        }
    };
    let picture = MirrorPicture {
        overview,
        mirror,
        queues,
        schedules,
    };
    let now = Timestamp::now();
    let judgement = judge(&picture, now);
    output.data(
        &to_json(&picture, &judgement),
        &lines(&picture, &judgement, now),
    );
    Ok(judgement.verdict.exit())
}

async fn health(supabase: &DataApi) -> Result<MirrorHealth, Failure> {
    let place = LibraryPlace::of_database(supabase.base());
    let arguments = json!({"p_place": place});
    Ok(supabase.rpc("media_sync_health", &arguments).await?)
}

async fn ask_stack(name: &str) -> Result<(Depths, RunSchedules), Failure> {
    let deployment = Deployment::find(name).await?;
    let mut addresses = Vec::new();
    for queue in QueueName::ALL {
        let (own, dead) = queue.health_words();
        let (own_address, dead_address) = queues::addresses(queue, &deployment)?;
        addresses.extend([(own, own_address), (dead, dead_address)]);
    }
    let asked = addresses.into_iter().map(async |(name, address)| {
        let depth = SqsQueue::connect(&deployment.aws, address).depth().await;
        (name, depth.map_err(|_| "queue_unavailable"))
    });
    let depths = join_all(asked).await.into_iter().collect();
    Ok((depths, deployment.schedules()))
}
