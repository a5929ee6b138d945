//! The commands: one file each, and the options that all of them take.

mod admin;
mod admin_transfer;
mod admin_users;
mod config;
mod database;
mod destroy;
mod doctor;
mod fence;
mod init;
mod migrate;
mod migrations;
mod redrive;
mod replay;
mod status;
mod sync;
mod webhooks;

use clap::{Parser, Subcommand};

use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::{Output, OutputManner};

/// Installs and operates media-sync.
#[derive(Debug, Parser)]
#[command(name = "mediasync", version, max_term_width = 100, after_help = EXIT_CODES)]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
    // The orders hold these three together, behind a command's own options.
    /// Write data as one JSON object to stdout
    #[arg(long, global = true, display_order = 100)]
    json: bool,
    /// Never ask; every question takes its default
    #[arg(long, global = true, display_order = 101)]
    no_input: bool,
    /// Answer every question with yes
    #[arg(long, short, global = true, display_order = 102)]
    yes: bool,
}

const EXIT_CODES: &str = "\
Data goes to stdout, everything else to stderr. NO_COLOR turns colours off.
Exit codes: 0 ok, 1 failed, 2 usage, 3 difference, 4 not allowed, 5 try again.";

#[derive(Debug, Subcommand)]
enum Command {
    /// Grant, revoke and list administrators; give one user's assets to another
    #[command(subcommand)]
    Admin(admin::Command),
    /// Show the deployed configuration, or change a value of it
    #[command(subcommand)]
    Config(config::Command),
    /// Remove the deployment; the data stays unless told otherwise
    ///
    /// It removes the webhook's trigger and the stack. The database, Cloudinary's library and the secret stay, and it says
    /// so.
    Destroy(destroy::Arguments),
    /// Look at a deployment, and name the mend of each fault
    ///
    /// It only reads, unless --canary is given. A check whose input is missing is skipped and says what it needs. The
    /// exit code is 1 when a check fails. docs/operate/doctor.md lists the checks.
    Doctor(doctor::Arguments),
    /// Show to whom the library belongs, mark it, or take it over
    ///
    /// A marker asset names the library's owner. Other deployments read it, and write nothing there. To look takes one call
    /// of Cloudinary's hourly quota. The exit code is 3 when the library belongs to another deployment.
    Fence(fence::Arguments),
    /// Install media-sync, or upgrade an installation
    ///
    /// It tests every answer before it makes anything. Then it applies the migrations, writes the secret, deploys the
    /// stack, registers the webhook, grants the first administrator, imports the library and runs `doctor`. Each step
    /// looks at the world first, so the command can be stopped and run again. docs/install.md tells what it needs.
    Init(Box<init::Arguments>),
    /// Apply the database migrations that are missing
    ///
    /// All of them are applied in one transaction: a failure leaves the database as it was. The table
    /// media_sync.schema_versions records them; a history of your own stays untouched. On a terminal it asks first.
    Migrate(migrate::Arguments),
    /// List the migrations, or copy them into a project of your own
    #[command(subcommand)]
    Migrations(migrations::Command),
    /// Send given-up messages to their queue again
    ///
    /// Each message is removed from the dead-letter queue when its copy is confirmed. To end it early loses nothing.
    /// Mend the cause first, or the messages are given up again.
    Redrive(redrive::Arguments),
    /// Apply recorded notifications again
    ///
    /// For those that nobody could read and that a newer release understands, and for rows that somebody has damaged.
    /// Applying one twice is harmless.
    Replay(replay::Arguments),
    /// Tell how the mirror stands, and what deserves a look
    ///
    /// The exit code is 0 in sync, 3 when something deserves a look, and 5 while work is under way that ends by itself.
    Status(status::Arguments),
    /// Compare Cloudinary with the database, and repair the difference
    ///
    /// It waits until the run has ended; Ctrl-C leaves the run going. The exit code is 0 when it is done, 3 when a dry run
    /// has found differences, 1 when it failed, and 5 when it rests, for instance for Cloudinary's quota.
    Sync(sync::Arguments),
    /// Register the webhook with Cloudinary, and test it
    #[command(subcommand)]
    Webhooks(webhooks::Command),
}

impl Arguments {
    /// The user's wishes for the output.
    pub fn manner(&self) -> OutputManner {
        OutputManner {
            json: self.json,
            no_input: self.no_input,
            yes: self.yes,
        }
    }
}

/// Runs the command that the arguments name.
///
/// # Errors
/// The failure to show, with its exit code.
pub async fn run(arguments: Arguments, output: &Output) -> Result<Exit, Failure> {
    match arguments.command {
        Command::Admin(command) => admin::run(command, output).await,
        Command::Config(command) => config::run(command, output).await,
        Command::Destroy(arguments) => destroy::run(arguments, output).await,
        Command::Doctor(arguments) => doctor::run(arguments, output).await,
        Command::Fence(arguments) => fence::run(arguments, output).await,
        Command::Init(arguments) => init::run(*arguments, output).await,
        Command::Migrate(arguments) => migrate::run(arguments, output).await,
        Command::Migrations(command) => migrations::run(command, output).await,
        Command::Redrive(arguments) => redrive::run(arguments, output).await,
        Command::Replay(arguments) => replay::run(arguments, output).await,
        Command::Status(arguments) => status::run(arguments, output).await,
        Command::Sync(arguments) => sync::run(arguments, output).await,
        Command::Webhooks(command) => webhooks::run(command, output).await,
    }
}
