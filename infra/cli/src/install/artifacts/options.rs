//! The options by which code is chosen.

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum as _};

use super::architecture::Architecture;
use super::checkout::{build_of, checkout};
use super::package::Package;
use super::source::Source;
use crate::exit::Exit;
use crate::failure::Failure;

/// Where the code comes from.
#[derive(Debug, Args)]
pub(crate) struct CodeOptions {
    /// Folder of prebuilt code, as `make dist` and a release have it: DIR/arm64, DIR/x86_64
    ///
    /// Where it holds none, the code is built by `make dist`, which needs a checkout.
    #[arg(long, value_name = "DIR", default_value = "dist")]
    dist: PathBuf,
    /// Processor of the functions; by default the one that is prebuilt, or else arm64
    #[arg(long, value_name = "ARCH")]
    arch: Option<Architecture>,
    /// S3 bucket for the code; by default media-sync-ACCOUNT-REGION, which is made
    #[arg(long, value_name = "NAME")]
    pub(crate) bucket: Option<String>,
}

impl CodeOptions {
    /// Finds the code, or the checkout in which it is built. `wanted` is the template parameter, if it is given.
    pub(crate) fn find(&self, wanted: Option<&str>) -> Result<Source, Failure> {
        let package = |architecture: Architecture| Package {
            folder: self.dist.join(architecture.word()),
            architecture: architecture.word(),
        };
        let wanted = self.wanted(wanted)?;
        let endpoint = std::env::var("AWS_ENDPOINT_URL").ok();
        let usual = || Architecture::usual(endpoint.as_deref()).to_vec();
        let choice = wanted.map_or_else(usual, |one| vec![one]);
        let root = checkout();
        let build = root
            .as_deref()
            .filter(|root| self.is_of(root))
            .and_then(build_of);
        let is_current = |package: &Package| {
            // Code that was built here before the last commit is old.
            build
                .as_deref()
                .is_none_or(|build| package.is_built_from(build))
        };
        let prebuilt = choice
            .iter()
            .map(|one| package(*one))
            .find(|package| package.is_there() && is_current(package));
        if let Some(found) = prebuilt {
            found.verify()?;
            return Ok(Source::Prebuilt(found));
        }
        let root = root.ok_or_else(|| {
            Failure::new(
                Exit::Usage,
                format!(
                    "there is no prebuilt code in {}, and this is no checkout to build it in",
                    self.dist.display()
                ),
            )
            .mend(
                "run this in a checkout of media-sync, or name the folder of a release: --dist DIR",
            )
        })?;
        let built = |architecture: &Architecture| Package {
            folder: root.join("dist").join(architecture.word()),
            architecture: architecture.word(),
        };
        let choice = choice.iter().map(built).collect();
        Ok(Source::Checkout { root, choice })
    }

    /// True when the folder is the one that the checkout's own `make dist` writes.
    fn is_of(&self, root: &Path) -> bool {
        let own = root.join("dist").canonicalize().ok();
        own.is_some() && own == self.dist.canonicalize().ok()
    }

    fn wanted(&self, parameter: Option<&str>) -> Result<Option<Architecture>, Failure> {
        let of_parameter = match parameter {
            None => None,
            Some(text) => Some(Architecture::from_str(text, false).map_err(|_| {
                Failure::new(Exit::Usage, "Architecture has to be arm64 or x86_64")
            })?),
        };
        match (self.arch, of_parameter) {
            (Some(a), Some(b)) if a != b => Err(Failure::new(
                Exit::Usage,
                "--arch and the parameter Architecture name two processors",
            )),
            (a, b) => Ok(a.or(b)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(dist: &Path, arch: Option<Architecture>) -> CodeOptions {
        CodeOptions {
            dist: dist.to_owned(),
            arch,
            bucket: None,
        }
    }

    #[test]
    fn prebuilt_architecture_decides_unless_one_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let package = Package::sample(folder.path());
        let found = code(folder.path(), None).find(None).unwrap();
        assert_eq!(found, Source::Prebuilt(package.clone()));
        let found = code(folder.path(), Some(Architecture::Arm64))
            .find(Some("arm64"))
            .unwrap();
        assert_eq!(found, Source::Prebuilt(package));
        let both = code(folder.path(), Some(Architecture::X86)).find(Some("arm64"));
        assert_eq!(both.unwrap_err().exit, Exit::Usage);
        assert!(code(folder.path(), None).find(Some("mips")).is_err());
        // These tests run in the checkout.
        let found = code(folder.path(), Some(Architecture::X86)).find(None);
        assert!(
            found
                .unwrap()
                .describe()
                .starts_with("code for x86_64, built in")
        );
    }
}
