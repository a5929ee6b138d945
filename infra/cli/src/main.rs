//! `mediasync`: reads the arguments, runs one command, and turns its end into an exit code.

use std::process::ExitCode;

use clap::Parser as _;
use mediasync_cli::commands::{self, Arguments};
use mediasync_cli::output::Output;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let output = Output::new(arguments.manner());
    match commands::run(arguments, &output).await {
        Ok(exit) => exit.into(),
        Err(failure) => {
            output.failure(&failure);
            failure.exit.into()
        }
    }
}
