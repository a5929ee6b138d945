//! The comparison at the end, and steps to try next.

use std::time::Duration;

use anyhow::{Result, ensure};
use local_stack::{QueueDepth, compare};
use reqwest::Method;

use crate::screen::{Screen, seconds};
use crate::waiting::until_within;
use crate::world::{TOKEN_LIFETIME, World};

/// Several times the invisibility of a failed message.
const REDELIVERY: Duration = Duration::from_secs(120);

pub(crate) async fn compare(world: &World, screen: &Screen) -> Result<()> {
    world.quiet().await?;
    settle(world, screen).await?;
    let compared = compare::differences(&world.stack).await?;
    for difference in &compared.differences {
        screen.bad(difference);
    }
    let differences = compared.differences.len();
    screen.plain("");
    screen.line("+------------+------------+-------------+");
    screen.line("| Cloudinary |   database | differences |");
    screen.line("+------------+------------+-------------+");
    screen.line(format!(
        "| {:>10} | {:>10} | {differences:>11} |",
        compared.cloudinary, compared.database
    ));
    screen.line("+------------+------------+-------------+");
    ensure!(differences == 0, "the two sides differ");
    ensure!(
        compared.cloudinary == compared.database && compared.cloudinary > 0,
        "there was nothing to compare"
    );
    screen.good(format!(
        "Cloudinary {}, database {}, differences {differences}; {} since the beginning.",
        compared.cloudinary,
        compared.database,
        seconds(screen.elapsed())
    ));
    Ok(())
}

/// Waits until nothing is on its way any more.
async fn settle(world: &World, screen: &Screen) -> Result<()> {
    let mut told = false;
    let what = "the queues are empty and no row is pending";
    let (_, waited) = until_within(REDELIVERY, what, async || {
        let depths = world.stack.queue_depths().await?;
        let overview = world.api(Method::GET, "/api/cloudinary/sync", None).await?;
        let waiting: u64 = depths.values().map(QueueDepth::total).sum();
        if waiting == 0 && overview["pending_operations"] == 0 {
            return Ok(Some(()));
        }
        if !told {
            told = true;
            screen.line(format!(
                "Waiting for {waiting} messages and {} rows; a message that failed comes back after 20 s.",
                overview["pending_operations"]
            ));
        }
        Ok(None)
    })
    .await?;
    screen.line(format!(
        "No notification, no message and no row is waiting (seen after {}).",
        seconds(waited)
    ));
    Ok(())
}

/// Addresses, a token, and commands that work as they are.
pub(crate) fn invite(world: &World, screen: &Screen) {
    let stack = &world.stack;
    let front_door = stack.front_door_url();
    let bearer = "-H \"Authorization: Bearer $TOKEN\"";
    screen.plain("");
    screen.plain(format!("API             {front_door}/api/cloudinary/..."));
    screen.plain(format!("webhook         {}", stack.webhook_url()));
    screen.plain(format!("Data API        {}/rest/v1", stack.supabase_url()));
    screen.plain(format!("  public key    {}", stack.publishable_key()));
    screen.plain(format!("  secret key    {}", stack.secret_key()));
    screen.plain(format!("database        {}", stack.database_url()));
    if let Ok(cloudinary) = stack.cloudinary_url() {
        screen.plain(format!("Cloudinary      {cloudinary}"));
    }
    if let Ok(environment) = stack.aws_environment() {
        let set = environment.map(|(name, value)| format!("{name}={value}"));
        screen.plain(format!("AWS             {}", set.join(" ")));
        for (output, name) in stack.outputs() {
            if output.ends_with("FunctionName") {
                screen.plain(format!("  {output:<22} {name}"));
            }
        }
    }
    screen.plain(format!("logs            {}", stack.logs().display()));
    screen.plain("");
    screen.plain(format!(
        "The front door, an administrator's token and an ordinary user's, good for {} hours:",
        TOKEN_LIFETIME / 3600
    ));
    screen.plain("");
    screen.plain(format!("API='{front_door}'"));
    screen.plain(format!("TOKEN='{}'", world.token));
    screen.plain(format!("USER_TOKEN='{}'", world.user_token));
    screen.plain("");
    screen.plain("Search, see how the mirror stands, reconcile:");
    screen.plain("");
    let media = "\"$API/api/cloudinary/media?search=lighthouse\"";
    let sync = "\"$API/api/cloudinary/sync\"";
    screen.plain(format!("curl {bearer} {media}"));
    screen.plain(format!("curl {bearer} {sync}"));
    screen.plain(format!(
        "curl {bearer} -H 'Content-Type: application/json' -d '{{\"mode\":\"full\"}}' {sync}"
    ));
    screen.plain("");
    screen.plain("Everything stays up until Ctrl-C.");
}
