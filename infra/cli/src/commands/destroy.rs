//! `mediasync destroy`: removes the deployment, and the data only if that is asked for.

use clap::Args;
use media_sync::cloudinary::{ApiCredentials, CloudinaryClient as Cloudinary};
use media_sync::config::http_client;
use serde_json::json;
use tokio_postgres::Client;
use url::Url;

use super::database::DatabaseOption;
use crate::aws::formation::{Formation, Stack};
use crate::aws::secret::{Secret, State};
use crate::aws::{Access, Account};
use crate::configuration::{self, CLOUDINARY_URL, ConfigurationValues};
use crate::exit::Exit;
use crate::failure::{Failure, chain};
use crate::output::Output;
use crate::removal;
use crate::triggers::{self, TriggerOwner};

/// Its options.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    stack: configuration::StackArguments,
    /// Address of the webhook, where it is another than the stack's output WebhookUrl
    #[arg(long, value_name = "URL", env = "WEBHOOK_URL", hide_env_values = true)]
    webhook_url: Option<String>,
    /// Delete the secret too, which can be restored for a week
    #[arg(long)]
    secret: bool,
    /// Delete everything of media-sync's in the database too: rows, owners, collections, the audit trail
    ///
    /// It needs --database-url and the stack's name, typed on a terminal or given with --confirm.
    #[arg(long)]
    database: bool,
    /// The stack's name, which --database asks for on a terminal
    #[arg(long, value_name = "NAME")]
    confirm: Option<String>,
    /// Say what would be removed, and remove nothing
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    address: DatabaseOption,
    #[command(flatten)]
    access: Access,
}

/// Things that were removed and things that are left.
#[derive(Debug, Default)]
struct Ledger {
    removed: Vec<String>,
    left: Vec<String>,
}

pub(super) async fn run(arguments: Arguments, output: &Output) -> Result<Exit, Failure> {
    let account = Account::find(arguments.access.configuration().await).await?;
    let formation = Formation::new(&account, &arguments.stack.name);
    let stack = formation.read().await?;
    // Before anything is removed, so that a wrong address stops the command in time.
    let database = match arguments.database {
        true => Some(arguments.address.connect(output).await?),
        false => None,
    };
    if !arguments.dry_run {
        agree(&arguments, stack.as_ref(), output)?;
    }
    let mut ledger = Ledger::default();
    let named = stack.as_ref().and_then(|stack| stack.secret_arn());
    let name = named.map_or_else(|| format!("{}/config", arguments.stack.name), str::to_owned);
    let secret = Secret::new(&account, &name);
    let state = secret.read().await?;
    remove_triggers(&arguments, stack.as_ref(), &state, &mut ledger, output).await?;
    let kept = retained(&formation, stack.as_ref()).await?;
    if !arguments.dry_run {
        formation.delete(output).await?;
    }
    match stack {
        Some(_) => ledger.removed.push(format!("the stack {}", formation.name)),
        None => output.say(&format!("there is no stack {}", formation.name)),
    }
    ledger.left.extend(kept);
    remove_secret(&arguments, &secret, &state, &mut ledger).await?;
    remove_tables(&arguments, database, &mut ledger).await?;
    ledger
        .left
        .push("Cloudinary's library, untouched".to_owned());
    ledger.left.push(format!(
        "the bucket of code, which other stacks may use: aws s3 rb --force s3://media-sync-{}-{}",
        account.id, account.region
    ));
    report(&ledger, arguments.dry_run, output);
    Ok(Exit::Ok)
}

fn agree(arguments: &Arguments, stack: Option<&Stack>, output: &Output) -> Result<(), Failure> {
    let name = &arguments.stack.name;
    let stopped = || Failure::new(Exit::Failed, "nothing was removed, as you said");
    if arguments.database {
        let typed = match &arguments.confirm {
            Some(typed) => typed.clone(),
            None => output
                .line(&format!(
                    "Everything of media-sync's in the database will be lost. Type {name} to go on:"
                ))
                .unwrap_or_default(),
        };
        if typed.trim() != name {
            return Err(Failure::new(
                Exit::Usage,
                "the stack's name was not typed; nothing was removed",
            )
            .mend(format!("without a terminal: --confirm {name}")));
        }
    }
    let what = match stack {
        Some(stack) => format!("the stack {name} ({})", stack.status),
        None => "the rest of the installation".to_owned(),
    };
    if output.agrees(&format!(
        "Remove {what}? Changes in Cloudinary will no longer come to the database."
    )) {
        return Ok(());
    }
    Err(stopped().mend("repeat the command with --yes"))
}

/// A trigger that leads nowhere would make Cloudinary repeat every notification in vain.
async fn remove_triggers(
    arguments: &Arguments,
    stack: Option<&Stack>,
    state: &State,
    ledger: &mut Ledger,
    output: &Output,
) -> Result<(), Failure> {
    let of_stack = stack.and_then(|stack| stack.outputs.get("WebhookUrl"));
    let webhook = arguments.webhook_url.as_ref().or(of_stack);
    let Some(webhook) = webhook.and_then(|url| Url::parse(url).ok()) else {
        return Ok(());
    };
    let mut values = ConfigurationValues::of_environment(&[CLOUDINARY_URL]);
    if let State::There { text, .. } = state {
        values.complete(ConfigurationValues::parse(text).unwrap_or_default());
    }
    let credentials = values
        .get(CLOUDINARY_URL)
        .and_then(|url| ApiCredentials::parse(url).ok());
    let Some(credentials) = credentials else {
        ledger.left.push(format!(
            "triggers in Cloudinary that lead to {webhook}: CLOUDINARY_URL is not known"
        ));
        return Ok(());
    };
    let http = http_client().map_err(|error| Failure::new(Exit::Failed, chain(&error)))?;
    let cloudinary = Cloudinary::new(http, credentials);
    let triggers = cloudinary.list_triggers(None).await?.value;
    for trigger in triggers
        .iter()
        .filter(|one| triggers::owner(one, &webhook) == TriggerOwner::Ours)
    {
        if !arguments.dry_run {
            cloudinary.delete_trigger(&trigger.id).await?;
            output.say(&format!("removed the trigger to {webhook}"));
        }
        ledger.removed.push(format!("the trigger to {webhook}"));
    }
    Ok(())
}

/// The resources that the template keeps: what waits in the queue of notifications is nowhere else.
async fn retained(formation: &Formation, stack: Option<&Stack>) -> Result<Vec<String>, Failure> {
    const KEPT: [&str; 2] = ["NotificationQueue", "NotificationDeadLetterQueue"];
    if stack.is_none() {
        return Ok(Vec::new());
    }
    let resources = formation.resources().await?;
    let kept = resources
        .into_iter()
        .filter(|[id, ..]| KEPT.contains(&id.as_str()));
    Ok(kept
        .map(|[id, _, name]| {
            format!("{id}, with its messages: aws sqs delete-queue --queue-url {name}")
        })
        .collect())
}

async fn remove_secret(
    arguments: &Arguments,
    secret: &Secret,
    state: &State,
    ledger: &mut Ledger,
) -> Result<(), Failure> {
    match state {
        State::Missing => {}
        State::Deleted => ledger.left.push(format!(
            "the secret {}, which waits for its deletion",
            secret.name
        )),
        State::There { .. } if arguments.secret => {
            if !arguments.dry_run {
                secret.delete().await?;
            }
            ledger.removed.push(format!(
                "the secret {}; for a week: aws secretsmanager restore-secret --secret-id {}",
                secret.name, secret.name
            ));
        }
        State::There { .. } => ledger
            .left
            .push(format!("the secret {} (--secret deletes it)", secret.name)),
    }
    Ok(())
}

async fn remove_tables(
    arguments: &Arguments,
    database: Option<Client>,
    ledger: &mut Ledger,
) -> Result<(), Failure> {
    let Some(mut database) = database else {
        ledger.left.push(format!(
            "the database's tables with their rows (mediasync destroy --stack-name {} --database deletes them)",
            arguments.stack.name
        ));
        return Ok(());
    };
    if !arguments.dry_run {
        removal::remove(&mut database).await?;
    }
    ledger
        .removed
        .push("media-sync's tables, functions and policies in the database".to_owned());
    Ok(())
}

fn report(ledger: &Ledger, dry_run: bool, output: &Output) {
    let heading = if dry_run {
        "would be removed"
    } else {
        "removed"
    };
    let mut lines = vec![heading.to_owned()];
    lines.extend(ledger.removed.iter().map(|one| format!("  {one}")));
    lines.push("left".to_owned());
    lines.extend(ledger.left.iter().map(|one| format!("  {one}")));
    let value = json!({"removed": ledger.removed, "left": ledger.left, "dry_run": dry_run});
    output.data(&value, &lines);
}
