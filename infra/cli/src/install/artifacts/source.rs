//! The code that a deployment takes, there or to be built.

use std::path::PathBuf;

use super::checkout::build;
use super::package::Package;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::Output;

/// The code that a deployment takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Source {
    /// It is there.
    Prebuilt(Package),
    /// It has to be built in this checkout, for the first of these architectures that can be.
    Checkout { root: PathBuf, choice: Vec<Package> },
}

impl Source {
    /// The plan in words.
    pub(crate) fn describe(&self) -> String {
        match self {
            Self::Prebuilt(package) => format!(
                "prebuilt code for {} in {}",
                package.architecture,
                package.folder.display()
            ),
            Self::Checkout { root, choice } => {
                let words: Vec<&str> = choice.iter().map(|one| one.architecture).collect();
                format!(
                    "code for {}, built in {}",
                    words.join(" or else "),
                    root.display()
                )
            }
        }
    }

    /// Builds the missing parts, with the tools' own words on stderr.
    pub(crate) async fn make(&self, output: &Output) -> Result<Package, Failure> {
        let (root, choice) = match self {
            Self::Prebuilt(package) => return Ok(package.clone()),
            Self::Checkout { root, choice } => (root, choice),
        };
        output.say("  building the functions, which takes minutes");
        let mut causes = Vec::new();
        for package in choice {
            match build(root, package.architecture).await {
                Ok(()) => {
                    package.verify()?;
                    return Ok(package.clone());
                }
                Err(cause) => causes.push(format!("{}: {cause}", package.architecture)),
            }
        }
        Err(Failure::new(Exit::Failed, "the functions could not be built")
            .detail("cause", Some(causes.join("; ")))
            .mend(
                "see the words of the build above; Rust needs the target of the processor (rustup target add), or take \
                 the prebuilt code of a release: --dist DIR",
            ))
    }
}
