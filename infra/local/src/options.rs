//! The parts of a stack and their configuration.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use serde_json::Value;

/// A part of the stack that can be killed and started again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum StackPart {
    /// The database server.
    Postgres,
    /// The Data API's server, behind the gateway.
    PostgREST,
    /// The AWS emulator: queues, functions, schedules, secrets.
    Aws,
    /// The running copies of the functions. The emulator starts new ones when it needs them.
    AwsWorker,
    /// The Cloudinary stand-in.
    Cloudinary,
}

impl std::fmt::Display for StackPart {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Postgres => "postgres",
            Self::PostgREST => "postgrest",
            Self::Aws => "aws",
            Self::AwsWorker => "functions",
            Self::Cloudinary => "cloudinary",
        })
    }
}

/// Options of a stack; the default is everything, as `template.yaml` says.
#[derive(Debug, Clone, Default)]
pub struct StackOptions {
    /// Parts to leave out: [`StackPart::Aws`], [`StackPart::Cloudinary`] or both.
    pub without: BTreeSet<StackPart>,
    /// The template to deploy instead of the project's. `CodeUri`s are relative to it.
    pub template: Option<PathBuf>,
    /// Template parameters besides `ConfigSecretArn` and `Architecture`.
    pub parameters: BTreeMap<String, String>,
    /// Keys of the configuration secret to add or to override.
    pub config: BTreeMap<String, String>,
    /// Settings that the database is given before anything else, such as `UPLOAD_RULES`.
    pub settings: BTreeMap<String, Value>,
    /// More arguments for the Cloudinary stand-in, such as `--folder-mode fixed`.
    pub cloudinary_arguments: Vec<String>,
    /// True if the project has Supabase's Realtime: its objects in the database, and its socket.
    pub realtime: bool,
    /// Leaves the AWS account empty. The front door's `/webhook` leads to a stack of the usual name as soon as somebody
    /// has deployed one, and [`crate::LocalStack::adopt`] takes it for this stack's own.
    pub undeployed: bool,
    /// Leaves the database as a new project's, without our migrations.
    pub unmigrated: bool,
    /// True if new tables and functions are everybody's by default, as in projects made before 2026-10-30.
    pub open_grants: bool,
    /// Makes Auth refuse users who sign up by themselves.
    pub sign_up_disabled: bool,
    /// Makes Auth let users in without credentials; their tokens say `is_anonymous`. Hosted projects begin without it.
    pub anonymous_sign_ins: bool,
    /// Makes Auth offer sign-in by GitHub. A stand-in of its page lists the accounts.
    pub other_sign_in: bool,
    /// Makes Auth sign tokens by the project's legacy secret and publish no keys, as projects that have not migrated do.
    pub legacy_signing: bool,
    /// Takes the usual ports for the front door, Supabase and Cloudinary where these are free: 20400 to 20402.
    pub usual_ports: bool,
    /// Goes on from the data in this folder, if there are any; [`crate::LocalStack::keep`] puts them there.
    pub kept: Option<PathBuf>,
    /// True if each start and its time are told on stderr.
    pub verbose: bool,
}

impl StackOptions {
    /// Database, Data API and gateway only, for tests of SQL and of PostgREST. They start in about two seconds.
    pub fn database_only() -> Self {
        Self {
            without: BTreeSet::from([StackPart::Aws, StackPart::Cloudinary]),
            ..Self::default()
        }
    }

    pub(crate) fn usual_port(&self, port: u16) -> Option<u16> {
        self.usual_ports.then_some(port)
    }

    /// Everything but the Cloudinary stand-in.
    pub fn without_cloudinary() -> Self {
        Self {
            without: BTreeSet::from([StackPart::Cloudinary]),
            ..Self::default()
        }
    }
}
