//! Commands that are steps of an installation, by the command lines that a person would type.

use clap::Parser;

use crate::commands::{admin, doctor, fence, webhooks};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::Output;

#[derive(Debug, Parser)]
#[command(name = "mediasync")]
enum StepCommand {
    #[command(subcommand)]
    Admin(admin::Command),
    Doctor(doctor::Arguments),
    Fence(fence::Arguments),
    #[command(subcommand)]
    Webhooks(webhooks::Command),
}

/// Runs another command as a step, by its own command line.
///
/// # Errors
/// The command's own, or a line that is none of the steps'.
pub(super) async fn command(line: &[&str], output: &Output) -> Result<Exit, Failure> {
    let line = ["mediasync"].iter().chain(line);
    let step = StepCommand::try_parse_from(line).map_err(|error| {
        let message = format!("a step cannot be run: {}", error.kind());
        Failure::new(Exit::Failed, message)
    })?;
    match step {
        StepCommand::Admin(command) => admin::run(command, output).await,
        StepCommand::Doctor(arguments) => doctor::run(arguments, output).await,
        StepCommand::Fence(arguments) => fence::run(arguments, output).await,
        StepCommand::Webhooks(command) => webhooks::run(command, output).await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_understood_as_the_command_understands_them() {
        for line in [
            &[
                "webhooks",
                "ensure",
                "--no-test",
                "--url",
                "https://a.example",
            ][..],
            &["webhooks", "test", "--url", "https://a.example"],
            &["admin", "grant", "--invite", "--", "-a@example.com"],
            &["fence", "mark", "--stack-name", "s"],
            &["doctor", "--secret", "arn", "--stack-name", "s"],
        ] {
            let step = StepCommand::try_parse_from(["mediasync"].iter().chain(line));
            assert!(step.is_ok(), "{line:?}: {step:?}");
        }
    }
}
