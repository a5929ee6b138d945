//! `mediasync init`: tests every answer, then installs or upgrades step by step.

mod plan;
mod steps;

use clap::Args;
use serde_json::json;

use crate::aws::Access;
use crate::aws::formation::{Formation, Standing};
use crate::aws::secret::State;
use crate::configuration::Values;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::install::answers::{self, Answers};
use crate::install::artifacts::{CodeOptions, Source};
use crate::install::parameters::{self, ARCHITECTURE, SECRET};
use crate::install::preflight::{self, Cloud, World};
use crate::install::reservation::RESERVED;
use crate::output::Output;

/// Its options.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    answers: answers::AnswerOptions,
    #[command(flatten)]
    access: Access,
    #[command(flatten)]
    code: CodeOptions,
    #[command(flatten)]
    parameters: parameters::ParameterOptions,
    /// Test everything, say what would be done, and do nothing
    #[arg(long)]
    dry_run: bool,
    /// Do not upload a test asset to prove that notifications arrive
    #[arg(long)]
    no_test: bool,
    /// Do not wait for the first import
    #[arg(long)]
    no_import: bool,
}

/// Everything that the steps need.
#[derive(Debug)]
pub(super) struct Installation {
    answers: Answers,
    world: World,
    /// Name or ARN.
    secret_name: String,
    source: Source,
    bucket: Option<String>,
    parameters: std::collections::BTreeMap<String, String>,
    no_test: bool,
    no_import: bool,
}

pub(super) async fn run(arguments: Arguments, output: &Output) -> Result<Exit, Failure> {
    let dry_run = arguments.dry_run;
    let installation = prepare(arguments, output).await?;
    if dry_run {
        let lines = plan::describe(&installation).await?;
        output.say("nothing was made or changed; this would be done:");
        output.data(&json!({"dry_run": true, "steps": lines}), &lines);
        return Ok(Exit::Ok);
    }
    allow_remake(&installation, output)?;
    steps::carry_out(installation, output).await
}

/// Finds the answers and tests them. Nothing is made yet.
async fn prepare(arguments: Arguments, output: &Output) -> Result<Installation, Failure> {
    let given = arguments.parameters.read()?;
    let source = arguments
        .code
        .find(given.get(ARCHITECTURE).map(String::as_str))?;
    let mut raw = arguments.answers.read(output)?;
    output.say("testing the answers");
    let sdk = arguments.access.configuration().await;
    let given_secret = given.get(SECRET).map(String::as_str);
    let cloud = match Cloud::look(sdk, &raw.stack_name, given_secret).await {
        Ok(cloud) => cloud,
        // The answers are judged as well, but nobody is asked in vain.
        Err(failure) => {
            if !output.is_interactive() {
                raw.finish(output)?;
            }
            return Err(failure.detail("state", Some("nothing was made or changed")));
        }
    };
    if let State::There { text, .. } = &cloud.secret {
        raw.complete(Values::parse(text).unwrap_or_default());
    }
    let answers = raw.finish(output)?;
    let secret_name = cloud.secret_name.clone();
    let reserved = given.get(RESERVED).map(String::as_str);
    let world = preflight::examine(&answers, cloud, reserved, output).await?;
    output.say(&format!("  ✓ {:<16} {}", "code", source.describe()));
    Ok(Installation {
        answers,
        world,
        secret_name,
        source,
        bucket: arguments.code.bucket,
        parameters: given,
        no_test: arguments.no_test,
        no_import: arguments.no_import,
    })
}

impl Installation {
    fn formation(&self) -> Formation {
        Formation::new(&self.world.account, &self.answers.stack_name)
    }

    fn standing(&self) -> Standing {
        let stack = self.world.stack.as_ref();
        stack.map_or(Standing::Absent, |stack| Standing::of(&stack.status))
    }
}

/// A stack that was half made can only be deleted, which nobody has asked for by calling the command.
fn allow_remake(installation: &Installation, output: &Output) -> Result<(), Failure> {
    if installation.standing() != Standing::Broken {
        return Ok(());
    }
    let name = &installation.answers.stack_name;
    let status = installation
        .world
        .stack
        .as_ref()
        .map_or("", |stack| stack.status.as_str());
    let question = format!(
        "The stack {name} is half made ({status}) and can only be deleted. Delete it and make it anew?"
    );
    if output.agrees(&question) {
        return Ok(());
    }
    Err(Failure::new(
        Exit::Failed,
        format!("the stack {name} is half made ({status}) and can only be deleted"),
    )
    .detail("state", Some("nothing was made or changed"))
    .mend("repeat the command with --yes, which deletes it and makes it anew; database, library and secret stay"))
}
