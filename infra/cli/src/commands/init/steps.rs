//! The steps. Each looks at the world first, so that a stopped installation goes on where it was.

use serde_json::{Value, json};

use super::installation::Installation;
use super::remake::allow_remake;
use super::step_command::command;
use crate::aws::bucket::Bucket;
use crate::aws::formation::{Change, Stack, Standing};
use crate::aws::secret::{Secret, State, is_same};
use crate::configuration::{
    self, Configuration, ConfigurationSource, SUPABASE_SECRET_KEY, SUPABASE_URL,
};
use crate::database;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::install::import::{self, Imported};
use crate::install::parameters;
use crate::migrations;
use crate::migrations::apply::apply;
use crate::output::Output;

const STEPS: usize = 7;
const WEBHOOK: &str = "WebhookUrl";
const API: &str = "ApiUrl";

/// The steps' results, for scripts.
#[derive(Debug, Default)]
struct Done(Vec<Value>);

impl Done {
    fn begin(&self, name: &str, output: &Output) {
        output.say(&format!("[{}/{STEPS}] {name}", self.0.len() + 1));
    }

    fn end(&mut self, name: &str, text: &str, output: &Output) {
        output.say(&format!("  {text}"));
        self.0.push(json!({"step": name, "done": text}));
    }
}

pub(super) async fn carry_out(
    installation: Installation,
    output: &Output,
) -> Result<Exit, Failure> {
    let mut done = Done::default();
    migrate(&installation, &mut done, output).await?;
    let arn = write_secret(&installation, &mut done, output).await?;
    let stack = deploy(&installation, &arn, &mut done, output).await?;
    let unproved = register(&installation, &stack, &mut done, output).await?;
    grant(&installation, &mut done, output).await?;
    fetch_library(&installation, &mut done, output).await?;
    let exit = examine(&installation, &arn, &mut done, output).await?;
    conclude(&stack, unproved.as_ref(), output);
    let value = json!({
        "stack": installation.answers.stack_name,
        "steps": done.0,
        "api_url": stack.outputs.get(API),
        "webhook_url": stack.outputs.get(WEBHOOK),
        "notifications_proved": !installation.no_test && unproved.is_none(),
        "doctor_clean": exit == Exit::Ok,
    });
    output.data_as_json(&value);
    Ok(exit)
}

fn conclude(stack: &Stack, unproved: Option<&Failure>, output: &Output) {
    if let Some(url) = stack.outputs.get(API) {
        output.say(&format!("the API answers at {url}"));
    }
    if let Some(failure) = unproved {
        output
            .warn("everything is installed, but no notification of Cloudinary's has arrived yet:");
        output.failure(failure);
        output.say("until they arrive, changes made in Cloudinary come with the next reconciliation; prove it again with \
                    `mediasync webhooks test`");
    }
}

async fn migrate(
    installation: &Installation,
    done: &mut Done,
    output: &Output,
) -> Result<(), Failure> {
    const NAME: &str = "database";
    done.begin(NAME, output);
    let text = if installation.world.pending.is_empty() {
        "the database has every migration".to_owned()
    } else {
        let ours = migrations::embedded();
        let mut client = database::connect(&installation.answers.database, output).await?;
        let plan = apply(&mut client, &ours, output).await?;
        format!(
            "applied {} of {} migrations",
            plan.pending.len(),
            ours.len()
        )
    };
    done.end(NAME, &text, output);
    Ok(())
}

async fn write_secret(
    installation: &Installation,
    done: &mut Done,
    output: &Output,
) -> Result<String, Failure> {
    const NAME: &str = "secret";
    done.begin(NAME, output);
    let secret = Secret::new(&installation.world.account, &installation.secret_name);
    let values = installation.answers.settings.as_map();
    let text = json!(values).to_string();
    let (arn, word) = match secret.read().await? {
        State::There { arn, text } if is_same(&text, values) => (arn, "is as it should be"),
        State::There { .. } => (secret.put(&text).await?, "was written anew"),
        State::Missing => (secret.create(&text).await?, "was made"),
        State::Deleted => {
            secret.restore().await?;
            (secret.put(&text).await?, "was restored and written")
        }
    };
    done.end(
        NAME,
        &format!("{} {word}", installation.secret_name),
        output,
    );
    Ok(arn)
}

async fn deploy(
    installation: &Installation,
    secret_arn: &str,
    done: &mut Done,
    output: &Output,
) -> Result<Stack, Failure> {
    const NAME: &str = "deployment";
    done.begin(NAME, output);
    let formation = installation.formation();
    let package = installation.source.make(output).await?;
    let bucket = Bucket::new(&installation.world.account, installation.bucket.as_deref())?;
    if bucket.ensure().await? {
        output.say(&format!("  made the bucket {}", bucket.name));
    }
    let uploaded = package.upload(&bucket, output).await?;
    let mut standing = formation.read().await?;
    if is_in(standing.as_ref(), Standing::Busy) {
        output.say("  waiting for the change that is going on");
        standing = formation.settle(output).await?;
    }
    if is_in(standing.as_ref(), Standing::Broken) {
        // A creation that this command began may have failed meanwhile: that was not agreed to.
        allow_remake(installation, output)?;
        output.say("  deleting the half-made stack");
        formation.delete(output).await?;
        standing = None;
    }
    let is_new = standing
        .as_ref()
        .is_none_or(|stack| Standing::of(&stack.status) == Standing::Absent);
    let current = standing.map(|stack| stack.parameters).unwrap_or_default();
    let (values, kept) = parameters::plan(
        &installation
            .world
            .reservation
            .add_to(&installation.parameters),
        secret_arn,
        package.architecture,
        &current,
        &uploaded.template,
    );
    let change = Change {
        template_url: &uploaded.url,
        parameters: &values,
        kept: &kept,
        is_new,
    };
    let changed = formation.apply(&change, output).await?;
    let stack = formation.read().await?.ok_or_else(|| {
        Failure::new(Exit::Failed, "the stack has vanished").mend("run this again")
    })?;
    let text = match (is_new, changed) {
        (true, _) => format!("the stack {} was made", formation.name),
        (false, true) => format!("the stack {} was changed", formation.name),
        (false, false) => format!("the stack {} is as it should be", formation.name),
    };
    done.end(
        NAME,
        &format!("{text}; {} new files of code", uploaded.new),
        output,
    );
    Ok(stack)
}

fn is_in(stack: Option<&Stack>, standing: Standing) -> bool {
    stack.is_some_and(|stack| Standing::of(&stack.status) == standing)
}

/// Registers the webhook and proves it. A proof that fails holds nothing up: reconciliation works without notifications.
async fn register(
    installation: &Installation,
    stack: &Stack,
    done: &mut Done,
    output: &Output,
) -> Result<Option<Failure>, Failure> {
    const NAME: &str = "webhook";
    done.begin(NAME, output);
    let answers = &installation.answers;
    let url = match &answers.webhook {
        Some(url) => url,
        None => of_stack(stack, WEBHOOK)?,
    };
    let address = ["--url", url, "--stack-name", &answers.stack_name];
    let ensure = [&["webhooks", "ensure", "--no-test"], address.as_slice()].concat();
    command(&ensure, &output.without_data()).await?;
    if installation.no_test {
        done.end(
            NAME,
            "the webhook is registered; nothing was proved",
            output,
        );
        return Ok(None);
    }
    let test = [&["webhooks", "test"], address.as_slice()].concat();
    let unproved = command(&test, &output.without_data()).await.err();
    let text = match unproved {
        None => "the webhook is registered, and notifications arrive",
        Some(_) => "the webhook is registered; its proof has failed, see below",
    };
    done.end(NAME, text, output);
    Ok(unproved)
}

async fn grant(
    installation: &Installation,
    done: &mut Done,
    output: &Output,
) -> Result<(), Failure> {
    const NAME: &str = "administrator";
    done.begin(NAME, output);
    let answers = &installation.answers;
    let line = [
        "admin",
        "grant",
        "--invite",
        "--stack-name",
        &answers.stack_name,
        "--",
        &answers.admin,
    ];
    command(&line, &output.without_data()).await?;
    done.end(
        NAME,
        &format!("{} is an administrator", answers.admin),
        output,
    );
    Ok(())
}

async fn fetch_library(
    installation: &Installation,
    done: &mut Done,
    output: &Output,
) -> Result<(), Failure> {
    const NAME: &str = "import";
    done.begin(NAME, output);
    let imported = import_library(installation, output).await?;
    let marked = mark_library(installation, output).await;
    done.end(NAME, &format!("{imported}; {marked}"), output);
    Ok(())
}

async fn import_library(installation: &Installation, output: &Output) -> Result<String, Failure> {
    if installation.no_import {
        return Ok("left out, the next schedule begins it".to_owned());
    }
    let source = ConfigurationSource {
        config: None,
        stack: configuration::StackArguments {
            name: installation.answers.stack_name.clone(),
        },
    };
    let configuration =
        Configuration::find(&source, &[], &[SUPABASE_URL, SUPABASE_SECRET_KEY]).await?;
    let supabase = configuration.supabase()?;
    let imported = import::run(&source.stack.name, &supabase, output).await?;
    Ok(match imported {
        Imported::Before => "the library was imported before".to_owned(),
        Imported::Now { listed: 1 } => "imported 1 asset".to_owned(),
        Imported::Now { listed } => format!("imported {listed} assets"),
    })
}

/// Marks the library. A failure holds nothing up: the mirror works without a marker, and `doctor` names another's.
async fn mark_library(installation: &Installation, output: &Output) -> &'static str {
    let stack = ["--stack-name", &installation.answers.stack_name];
    let line = [&["fence", "mark"], stack.as_slice()].concat();
    match command(&line, &output.without_data()).await {
        Ok(_) => "it is marked as this deployment's",
        Err(failure) => {
            output.failure(&failure);
            "it is not marked as this deployment's, see above"
        }
    }
}

async fn examine(
    installation: &Installation,
    secret_arn: &str,
    done: &mut Done,
    output: &Output,
) -> Result<Exit, Failure> {
    const NAME: &str = "doctor";
    done.begin(NAME, output);
    let answers = &installation.answers;
    let mut line = vec![
        "doctor",
        "--stack-name",
        &answers.stack_name,
        "--database-url",
        answers.database_url(),
    ];
    line.extend(["--secret", secret_arn]);
    if let Some(url) = &answers.webhook {
        line.extend(["--webhook-url", url]);
    }
    // Its findings are this command's data.
    let shown = if output.json() {
        output.without_data()
    } else {
        output.clone()
    };
    let exit = command(&line, &shown).await?;
    let text = match exit {
        Exit::Ok => "no fault was found",
        _ => "faults were found: `mediasync doctor` shows them with their mends",
    };
    done.end(NAME, text, output);
    Ok(exit)
}

fn of_stack<'a>(stack: &'a Stack, output: &str) -> Result<&'a str, Failure> {
    stack
        .outputs
        .get(output)
        .map(String::as_str)
        .ok_or_else(|| {
            Failure::new(Exit::Failed, format!("the stack has no output {output}"))
                .mend("deploy the template of this version")
        })
}
