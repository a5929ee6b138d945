//! `mediasync init`: tests every answer, then installs or upgrades step by step.

mod installation;
mod plan;
mod remake;
mod step_command;
mod steps;

use clap::Args;
use serde_json::json;

use self::installation::Installation;
use self::remake::allow_remake;
use crate::aws::Access;
use crate::aws::secret::State;
use crate::configuration::ConfigurationValues;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::install::answers;
use crate::install::artifacts::CodeOptions;
use crate::install::parameters::{self, ARCHITECTURE, SECRET};
use crate::install::preflight::{self, Cloud};
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
        raw.complete(ConfigurationValues::parse(text).unwrap_or_default());
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
