//! The comparison at the end, and steps to try next.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Result, ensure};
use local_stack::{QueueDepth, compare, exports, keep_environment};
use reqwest::Method;

use crate::people::{PASSWORD, TOKEN_LIFETIME};
use crate::screen::{Screen, seconds};
use crate::waiting::until_within;
use crate::world::World;

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

/// Addresses, people to sign in as, and commands that work as they are.
pub(crate) fn invite(world: &World, screen: &Screen) -> Result<()> {
    let stack = &world.stack;
    let environment = environment(world)?;
    let file = keep_environment(&environment)?;
    screen.plain("");
    screen.plain(format!(
        "console         {}/console",
        stack.front_door_url()
    ));
    screen.plain(format!("webhook         {}", stack.webhook_url()));
    screen.plain(format!("database        {}", stack.database_url()));
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
    screen.plain(format!("Accounts, all with the password {PASSWORD}:"));
    screen.plain("");
    for person in world.people.all() {
        screen.plain(format!("  {:<22} {}", person.email, person.can));
    }
    screen.plain("");
    screen.plain(format!(
        "Addresses, keys, and tokens of {} hours, also for other terminals: . {}",
        TOKEN_LIFETIME / 3600,
        file.display()
    ));
    screen.plain("");
    screen.plain(exports(&environment));
    screen.plain("Search, see how the mirror stands, reconcile:");
    screen.plain("");
    let bearer = "-H \"Authorization: Bearer $TOKEN\"";
    let media = "\"$API/api/cloudinary/media?search=lighthouse\"";
    let sync = "\"$API/api/cloudinary/sync\"";
    screen.plain(format!("curl {bearer} {media}"));
    screen.plain(format!("curl {bearer} {sync}"));
    screen.plain(format!(
        "curl {bearer} -H 'Content-Type: application/json' -d '{{\"mode\":\"full\"}}' {sync}"
    ));
    screen.plain("");
    screen.plain("A token for anybody else: make token USER=ada@example.com ROLE=editor");
    screen.plain("Everything stays up until Ctrl-C.");
    Ok(())
}

/// By the names that SDKs, tools and this project's documentation read.
fn environment(world: &World) -> Result<BTreeMap<String, String>> {
    let stack = &world.stack;
    let people = &world.people;
    Ok([
        ("API", stack.front_door_url()),
        ("SUPABASE_URL", stack.supabase_url()),
        (
            "SUPABASE_PUBLISHABLE_KEY",
            stack.publishable_key().to_owned(),
        ),
        ("SUPABASE_SECRET_KEY", stack.secret_key().to_owned()),
        ("DATABASE_URL", stack.database_url().to_owned()),
        ("CLOUDINARY_URL", stack.cloudinary_url()?.to_owned()),
        ("TOKEN", people.administrator.token.clone()),
        ("USER_TOKEN", people.owner.token.clone()),
        ("VISITOR_TOKEN", people.visitor.token.clone()),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .into())
}
