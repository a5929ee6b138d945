//! The SAM command line, pointed at the emulator.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde_json::json;

use super::api::{ACCESS_KEY, REGION, SECRET_KEY};
use super::plan::{BUCKET, DeploymentPlan};
use crate::StackError;
use crate::supervisor::{Launch, Supervisor, path_text};

pub(super) struct Sam<'a> {
    pub(super) supervisor: &'a Supervisor,
    pub(super) program: PathBuf,
    pub(super) endpoint: &'a str,
}

impl Sam<'_> {
    /// Runs `sam deploy` as production does.
    pub(super) async fn deploy(
        &self,
        plan: &DeploymentPlan,
        parameters: &BTreeMap<String, String>,
    ) -> Result<(), StackError> {
        // By a file: on the command line `sam` would cut `rate(1 minute)` in two.
        let file = self.supervisor.folder().join("parameters.yaml");
        std::fs::write(&file, json!(parameters).to_string()).map_err(StackError::file(&file))?;
        let arguments = [
            "deploy",
            "--stack-name",
            &plan.stack,
            "--s3-bucket",
            BUCKET,
            "--capabilities",
            "CAPABILITY_IAM",
            "--no-confirm-changeset",
            "--no-progressbar",
            "--template-file",
            &path_text(&plan.template),
            "--parameter-overrides",
            &format!("file://{}", path_text(&file)),
        ];
        self.run("deploy", arguments.map(str::to_owned).into())
            .await
    }

    async fn run(&self, name: &str, arguments: Vec<String>) -> Result<(), StackError> {
        let environment = vec![
            ("AWS_ENDPOINT_URL", self.endpoint.to_owned()),
            ("AWS_DEFAULT_REGION", REGION.to_owned()),
            ("AWS_ACCESS_KEY_ID", ACCESS_KEY.to_owned()),
            ("AWS_SECRET_ACCESS_KEY", SECRET_KEY.to_owned()),
            ("SAM_CLI_TELEMETRY", "0".to_owned()),
            ("SAM_CLI_POLL_DELAY", "0.1".to_owned()),
            ("PYTHONUTF8", "1".to_owned()),
        ];
        let launch = Launch {
            name,
            program: self.program.clone(),
            arguments,
            environment,
            unprivileged: false,
            stop: "KILL",
        };
        let sam = self.supervisor.spawn(launch).await?;
        match sam.exited().await? {
            0 => Ok(()),
            code => Err(sam.problem(format!("sam {name} ended with {code}"))),
        }
    }
}
