//! The plan of a deployment: its template, its parameters and its configuration (plain data).

use std::collections::BTreeMap;
use std::path::PathBuf;

/// The bucket of packaged code: one for all stacks: a kept packaged template names it.
pub(super) const BUCKET: &str = "deployments";

/// The plan of a deployment.
#[derive(Debug, Clone)]
pub(crate) struct DeploymentPlan {
    /// The name in CloudFormation.
    pub(crate) stack: String,
    pub(crate) template: PathBuf,
    /// Besides `ConfigSecretArn` and `Architecture`.
    pub(crate) parameters: BTreeMap<String, String>,
    /// The configuration secret.
    pub(crate) config: BTreeMap<String, String>,
}

impl DeploymentPlan {
    /// The name of the configuration secret.
    pub(super) fn secret_name(&self) -> String {
        format!("{}/config", self.stack)
    }

    /// Every parameter's value.
    pub(super) fn parameters(&self, secret_arn: &str) -> BTreeMap<String, String> {
        let mut parameters = self.parameters.clone();
        parameters.insert("ConfigSecretArn".to_owned(), secret_arn.to_owned());
        if std::fs::read_to_string(&self.template)
            .is_ok_and(|text| text.contains("\n  Architecture:"))
        {
            let architecture = if cfg!(target_arch = "aarch64") {
                "arm64"
            } else {
                "x86_64"
            };
            parameters.insert("Architecture".to_owned(), architecture.to_owned());
        }
        parameters
    }
}
