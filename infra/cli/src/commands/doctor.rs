//! `mediasync doctor`: looks at a deployment and names the mend of each fault.

use std::time::Duration;

use clap::Args;
use media_sync::config::{aws, http_client};

use super::database::DatabaseOption;
use crate::configuration::{ConfigurationSource, ConfigurationValues, stack};
use crate::doctor::aws::read_secret;
use crate::doctor::{
    self, ConfigurationSecret, EvidenceSources, Finding, FindingGrade, registry, report,
};
use crate::exit::Exit;
use crate::failure::{Failure, chain};
use crate::output::Output;

/// Its options.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    database: DatabaseOption,
    /// Name or ARN of the deployment's secret, which is read and checked
    ///
    /// Values that neither the environment nor --config has are taken from it. By default it is the deployed stack's.
    #[arg(
        long,
        value_name = "ARN",
        env = "CONFIG_SECRET_ARN",
        hide_env_values = true
    )]
    secret: Option<String>,
    /// Address of the webhook; by default the deployed stack's
    #[arg(long, value_name = "URL", env = "WEBHOOK_URL", hide_env_values = true)]
    webhook_url: Option<String>,
    /// Make these checks only
    #[arg(long, value_name = "ID,ID", value_delimiter = ',')]
    only: Vec<String>,
    /// Upload a tiny asset, wait for it in the database and remove it, for path-canary; the only check that writes
    #[arg(long)]
    canary: bool,
    /// Seconds that an event of the canary may take
    #[arg(long, value_name = "SECONDS", default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..=3600))]
    timeout: u64,
    /// List the checks, and make none
    #[arg(long)]
    list_checks: bool,
    /// Show failures only
    #[arg(long)]
    spotlight: bool,
    // Last, since its heading holds for what follows.
    #[command(flatten)]
    source: ConfigurationSource,
}

pub(super) async fn run(arguments: Arguments, output: &Output) -> Result<Exit, Failure> {
    let checks = registry::select(&arguments.only).map_err(|unknown| {
        Failure::new(Exit::Usage, format!("there is no check {unknown}"))
            .mend("mediasync doctor --list-checks")
    })?;
    if arguments.list_checks {
        let (value, lines) = report::list(&checks);
        output.data(&value, &lines);
        return Ok(Exit::Ok);
    }
    let mut settings = ConfigurationValues::read(arguments.source.config.as_deref())?;
    let aws = aws().await;
    let deployed = stack::locate(&aws, &arguments.source.stack.name).await;
    let (webhook, arn) = match &deployed {
        Ok(found) => (found.webhook_url.as_deref(), found.secret_arn.as_deref()),
        Err(unknown) => {
            output.say(&format!(
                "stack {}: {}",
                arguments.source.stack.name, unknown.reason
            ));
            (None, None)
        }
    };
    let given = |option: &'_ Option<String>| option.clone().filter(|text| !text.is_empty());
    let secret = read_secret(given(&arguments.secret).as_deref().or(arn)).await;
    let given_webhook = given(&arguments.webhook_url);
    if let Ok(ConfigurationSecret::Text(text)) = &secret {
        settings.complete(ConfigurationValues::parse(text).unwrap_or_default());
    }
    let database = arguments.database.address()?;
    let http = http_client().map_err(|error| Failure::new(Exit::Failed, chain(&error)))?;
    let sources = EvidenceSources {
        settings: &settings,
        secret: &secret,
        aws: &aws,
        stack: deployed.as_ref().ok(),
        database: database.as_ref(),
        webhook: given_webhook.as_deref().or(webhook),
        canary: arguments
            .canary
            .then(|| Duration::from_secs(arguments.timeout)),
        http,
    };
    let findings = doctor::examine(&checks, &sources, output).await;
    show(&findings, arguments.spotlight, output);
    let failed = findings
        .iter()
        .any(|one| one.grade == FindingGrade::Failure);
    Ok(if failed { Exit::Failed } else { Exit::Ok })
}

fn show(findings: &[Finding], spotlight: bool, output: &Output) {
    let shown: Vec<&Finding> = findings
        .iter()
        .filter(|one| !spotlight || one.grade == FindingGrade::Failure)
        .collect();
    output.data(&report::json(&shown), &report::lines(&shown));
    output.say(&report::summary(findings));
}
