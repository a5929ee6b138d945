//! `mediasync replay`: has recorded notifications applied again.

use std::time::Duration;

use clap::Args;
use media_sync::time::Timestamp;
use serde_json::json;

use crate::configuration::{Configuration, ConfigurationSource, SUPABASE_SECRET_KEY, SUPABASE_URL};
use crate::deployment::Deployment;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::Output;
use crate::replay::{ReplayScope, ReplayStart, resolve_asset};
use crate::words::moment;

/// Its options.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Those received since then: 2026-01-31T12:00:00Z, 2026-01-31, or 90m, 6h, 2d before now
    #[arg(long, value_name = "TIME", required_unless_present = "asset")]
    since: Option<String>,
    /// Those of one asset, by its id in Cloudinary or its row's; without --since all that are kept
    #[arg(long, value_name = "ID")]
    asset: Option<String>,
    /// Only count them
    #[arg(long)]
    dry_run: bool,
    /// Do not wait until they are applied
    #[arg(long)]
    no_wait: bool,
    /// Seconds to wait until the last one is applied
    #[arg(long, value_name = "SECONDS", default_value_t = 600)]
    timeout: u64,
    #[command(flatten)]
    source: ConfigurationSource,
}

pub(super) async fn run(arguments: Arguments, output: &Output) -> Result<Exit, Failure> {
    let now = Timestamp::now();
    let since = match arguments.since.as_deref() {
        None => Timestamp::from_secs(0),
        Some(text) => moment(text, now).ok_or_else(|| {
            Failure::new(Exit::Usage, format!("--since {text} is no time"))
                .mend("such as 2026-01-31T12:00:00Z, 2026-01-31, or 6h for six hours ago")
        })?,
    };
    let needed = [SUPABASE_URL, SUPABASE_SECRET_KEY];
    let configuration = Configuration::find(&arguments.source, &[], &needed).await?;
    let supabase = configuration.supabase()?;
    let asset = match arguments.asset.as_deref() {
        None => None,
        Some(name) => Some(resolve_asset(name.trim(), &supabase).await?),
    };
    let scope = ReplayScope {
        since,
        until: now,
        asset,
    };
    let begun = scope.look(&supabase).await?;
    if arguments.dry_run || begun.notifications == 0 {
        output.say(&format!("{} recorded", notifications(begun.notifications)));
        report(&begun, None, output);
        return Ok(Exit::Ok);
    }
    let deployment = Deployment::find(&arguments.source.stack.name).await?;
    scope.begin(&deployment).await?;
    if arguments.no_wait {
        output.say(&format!(
            "{} go to their queue again",
            notifications(begun.notifications)
        ));
        report(&begun, None, output);
        return Ok(Exit::Ok);
    }
    let limit = Duration::from_secs(arguments.timeout);
    let waited = tokio::select! {
        waited = tokio::time::timeout(limit, scope.wait(&begun, &supabase)) => waited,
        _ = tokio::signal::ctrl_c() => {
            output.say("the replay goes on without this command");
            return Ok(Exit::TryAgain);
        }
    };
    let Ok(parked) = waited else {
        return Err(not_in_time(arguments.timeout));
    };
    let parked = parked?;
    output.say(&format!("replayed {}", notifications(begun.notifications)));
    if parked > 0 {
        output.warn(&format!("{parked} of them still cannot be understood"));
    }
    report(&begun, Some(parked), output);
    Ok(Exit::Ok)
}

fn not_in_time(seconds: u64) -> Failure {
    Failure::new(
        Exit::TryAgain,
        format!("the last notification was not applied within {seconds} s; the replay goes on by itself"),
    )
    .mend("mediasync status shows whether the queues move; the log of the function notification_worker says why not")
}

fn report(begun: &ReplayStart, parked: Option<u64>, output: &Output) {
    let value = json!({
        "notifications": begun.notifications,
        "parked_before": begun.parked,
        "parked": parked,
        "replayed": parked.is_some(),
    });
    output.data(&value, &[]);
}

fn notifications(count: u64) -> String {
    match count {
        1 => "1 notification".to_owned(),
        count => format!("{count} notifications"),
    }
}
