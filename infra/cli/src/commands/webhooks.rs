//! `mediasync webhooks`: registers the webhook with Cloudinary, and proves that notifications arrive.

use std::time::Duration;

use clap::{Args, Subcommand};
use media_sync::cloudinary::CloudinaryClient;
use media_sync::cloudinary::triggers::Trigger;
use serde_json::{Value, json};
use url::Url;

use crate::canary::Canary;
use crate::configuration::{
    CLOUDINARY_URL, Configuration, ConfigurationSource, SUPABASE_SECRET_KEY, SUPABASE_URL,
    WEBHOOK_URL,
};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::{self, Output};
use crate::triggers::{self, RepairStep, TriggerFault, TriggerOwner};

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// List Cloudinary's triggers, and the faults of those that lead to the webhook
    List(Address),
    /// Have Cloudinary notify the webhook of everything, and prove that it does
    ///
    /// It creates the trigger, or replaces a wrong one. Triggers that lead elsewhere stay. A second time it changes
    /// nothing.
    Ensure(EnsureArguments),
    /// Prove that notifications arrive: upload a tiny asset, wait for it in the database, delete it
    Test(TestArguments),
    /// Remove the triggers that lead to the webhook
    Rm(Address),
}

#[derive(Debug, Args)]
pub(super) struct Address {
    /// The webhook's address, instead of the stack's output WebhookUrl
    #[arg(long, value_name = "URL", env = "WEBHOOK_URL", hide_env_values = true)]
    url: Option<String>,
    #[command(flatten)]
    source: ConfigurationSource,
}

#[derive(Debug, Args)]
pub(super) struct EnsureArguments {
    #[command(flatten)]
    address: Address,
    /// Do not upload a test asset afterwards
    #[arg(long)]
    no_test: bool,
    #[command(flatten)]
    patience: Patience,
}

#[derive(Debug, Args)]
pub(super) struct TestArguments {
    #[command(flatten)]
    address: Address,
    #[command(flatten)]
    patience: Patience,
}

#[derive(Debug, Args)]
struct Patience {
    /// Seconds that an event may take
    #[arg(long, value_name = "SECONDS", default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..=3600))]
    timeout: u64,
}

impl Patience {
    const fn limit(&self) -> Duration {
        Duration::from_secs(self.timeout)
    }
}

impl Address {
    async fn configuration(&self, more: &[&str]) -> Result<Configuration, Failure> {
        let needed = [&[CLOUDINARY_URL, WEBHOOK_URL], more].concat();
        Configuration::find(&self.source, &[(WEBHOOK_URL, self.url.as_deref())], &needed).await
    }
}

const DATABASE: [&str; 2] = [SUPABASE_URL, SUPABASE_SECRET_KEY];

pub(super) async fn run(command: Command, output: &Output) -> Result<Exit, Failure> {
    match command {
        Command::List(address) => list(&address, output).await,
        Command::Ensure(arguments) => ensure(&arguments, output).await,
        Command::Test(arguments) => test(&arguments, output).await,
        Command::Rm(address) => remove(&address, output).await,
    }
}

async fn list(address: &Address, output: &Output) -> Result<Exit, Failure> {
    let configuration = address.configuration(&[]).await?;
    let webhook = configuration.webhook_url()?;
    let triggers = read(&configuration.cloudinary()?).await?;
    if !triggers::plan(&triggers, &webhook).is_empty() {
        output.warn(&format!(
            "the trigger of {webhook} is missing or not as it should be; `mediasync webhooks ensure` mends that"
        ));
    }
    let entries: Vec<Value> = triggers.iter().map(|one| entry(one, &webhook)).collect();
    let value = json!({
        "webhook_url": webhook.as_str(),
        "reaches": triggers::reaches(&triggers, &webhook),
        "triggers": entries,
    });
    output.data(&value, &table(&triggers, &webhook));
    Ok(Exit::Ok)
}

async fn ensure(arguments: &EnsureArguments, output: &Output) -> Result<Exit, Failure> {
    let database: &[&str] = if arguments.no_test { &[] } else { &DATABASE };
    let configuration = arguments.address.configuration(database).await?;
    let webhook = configuration.webhook_url()?;
    let cloudinary = configuration.cloudinary()?;
    let canary = match arguments.no_test {
        true => None,
        false => Some(canary(&configuration, arguments.patience.limit())?),
    };
    let triggers = read(&cloudinary).await?;
    let steps = triggers::plan(&triggers, &webhook);
    let (mut created, mut removed) = (false, Vec::new());
    for step in &steps {
        match step {
            RepairStep::Create => {
                cloudinary
                    .create_trigger(webhook.as_str(), triggers::ALL)
                    .await?;
                output.say(&format!("created a trigger for all events: {webhook}"));
                created = true;
            }
            RepairStep::Remove(trigger) => {
                cloudinary.delete_trigger(&trigger.id).await?;
                output.say(&format!("removed a trigger: {}", reason(trigger)));
                removed.push(entry(trigger, &webhook));
            }
        }
    }
    if steps.is_empty() {
        output.say(&format!("the trigger is as it should be: {webhook}"));
    }
    report_others(&triggers, &webhook, output);
    let proof = match canary {
        None => None,
        Some(canary) => Some(fly(&canary, output).await?),
    };
    let value = json!({
        "webhook_url": webhook.as_str(),
        "created": created,
        "removed": removed,
        "test": proof,
    });
    output.data(&value, &[]);
    Ok(Exit::Ok)
}

fn reason(trigger: &Trigger) -> String {
    let faults = triggers::faults(trigger);
    if faults.is_empty() {
        return format!("{} twice", trigger.event_type);
    }
    words(&faults)
}

fn report_others(triggers: &[Trigger], webhook: &Url, output: &Output) {
    for trigger in triggers {
        let (uri, event) = (triggers::shown(&trigger.uri), &trigger.event_type);
        match triggers::owner(trigger, webhook) {
            TriggerOwner::Ours => {}
            TriggerOwner::Foreign => output.say(&format!("left alone: {event} to {uri}")),
            TriggerOwner::OtherStack => output.warn(&format!(
                "{event} also goes to {uri}, which looks like another media-sync stack; if that is gone: \
                 mediasync webhooks rm --url {uri}"
            )),
        }
    }
}

async fn test(arguments: &TestArguments, output: &Output) -> Result<Exit, Failure> {
    let configuration = arguments.address.configuration(&DATABASE).await?;
    let canary = canary(&configuration, arguments.patience.limit())?;
    let proof = fly(&canary, output).await?;
    output.data(&proof, &[]);
    Ok(Exit::Ok)
}

fn canary(configuration: &Configuration, limit: Duration) -> Result<Canary, Failure> {
    Ok(Canary {
        cloudinary: configuration.cloudinary()?,
        supabase: configuration.supabase()?,
        webhook: configuration.webhook_url()?,
        http: configuration.http().clone(),
        limit,
    })
}

async fn fly(canary: &Canary, output: &Output) -> Result<Value, Failure> {
    let proof = canary.prove(output).await?;
    output.say(&format!(
        "notifications arrive: the upload after {:.1} s, the delete after {:.1} s",
        proof.upload.as_secs_f32(),
        proof.delete.as_secs_f32()
    ));
    Ok(proof.to_json())
}

async fn remove(address: &Address, output: &Output) -> Result<Exit, Failure> {
    let configuration = address.configuration(&[]).await?;
    let webhook = configuration.webhook_url()?;
    let cloudinary = configuration.cloudinary()?;
    let triggers = read(&cloudinary).await?;
    let ours: Vec<&Trigger> = triggers
        .iter()
        .filter(|one| triggers::owner(one, &webhook) == TriggerOwner::Ours)
        .collect();
    if ours.is_empty() {
        output.say(&format!("no trigger leads to {webhook}"));
    } else {
        let question = format!("Remove {} to {webhook}?", triggers_in_words(ours.len()));
        if !output.confirms(&question) {
            return Err(Failure::new(
                Exit::Failed,
                "nothing was removed, as you said",
            ));
        }
    }
    for trigger in &ours {
        cloudinary.delete_trigger(&trigger.id).await?;
    }
    if !ours.is_empty() {
        output.say(&format!(
            "removed {}; until there is one again, only reconciliation finds changes",
            triggers_in_words(ours.len())
        ));
    }
    let removed: Vec<Value> = ours.iter().map(|one| entry(one, &webhook)).collect();
    output.data(
        &json!({"webhook_url": webhook.as_str(), "removed": removed}),
        &[],
    );
    Ok(Exit::Ok)
}

fn triggers_in_words(count: usize) -> String {
    match count {
        1 => "1 trigger".to_owned(),
        count => format!("{count} triggers"),
    }
}

async fn read(cloudinary: &CloudinaryClient) -> Result<Vec<Trigger>, Failure> {
    Ok(cloudinary.list_triggers(None).await?.value)
}

fn entry(trigger: &Trigger, webhook: &Url) -> Value {
    let owner = triggers::owner(trigger, webhook);
    let faults = faults_that_matter(trigger, owner);
    json!({
        "id": trigger.id,
        "uri": triggers::shown(&trigger.uri),
        "event_type": trigger.event_type,
        "auth_scheme": trigger.auth_scheme,
        "owner": owner.word(),
        "faults": faults.iter().map(|fault| fault.word()).collect::<Vec<_>>(),
    })
}

/// The faults of a foreign trigger are its owner's business.
fn faults_that_matter(trigger: &Trigger, owner: TriggerOwner) -> Vec<TriggerFault> {
    match owner {
        TriggerOwner::Foreign => Vec::new(),
        TriggerOwner::Ours | TriggerOwner::OtherStack => triggers::faults(trigger),
    }
}

fn words(faults: &[TriggerFault]) -> String {
    let texts: Vec<&str> = faults.iter().map(|fault| fault.text()).collect();
    texts.join("; ")
}

fn table(triggers: &[Trigger], webhook: &Url) -> Vec<String> {
    let row = |trigger: &Trigger| {
        let owner = triggers::owner(trigger, webhook);
        let whose = match owner {
            TriggerOwner::Ours => "this stack",
            TriggerOwner::OtherStack => "another stack?",
            TriggerOwner::Foreign => "-",
        };
        let faults = match faults_that_matter(trigger, owner).as_slice() {
            [] => "-".to_owned(),
            faults => words(faults),
        };
        let (events, uri) = (trigger.event_type.clone(), triggers::shown(&trigger.uri));
        [whose.to_owned(), events, uri, faults]
    };
    let rows: Vec<_> = triggers.iter().map(row).collect();
    output::table(["WHOSE", "EVENTS", "ADDRESS", "FAULTS"], &rows)
}
