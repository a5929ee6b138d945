//! The functions' code: prebuilt zips with their checksums and template, or built from the checkout.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use clap::{Args, ValueEnum};
use sha2::{Digest as _, Sha256};

use crate::aws::bucket::Bucket;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::Output;

const TEMPLATE: &str = "template.packaged.yaml";
const SUMS: &str = "SHA256SUMS";
/// The commit that the code was built from.
const BUILD: &str = "BUILD";

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

/// A processor that Lambda has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Architecture {
    #[value(name = "arm64")]
    Arm64,
    #[value(name = "x86_64")]
    X86,
}

/// The code that a deployment takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Source {
    /// It is there.
    Prebuilt(Package),
    /// It has to be built in this checkout, for the first of these architectures that can be.
    Checkout { root: PathBuf, choice: Vec<Package> },
}

/// A folder of zips with their template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Package {
    folder: PathBuf,
    pub(crate) architecture: &'static str,
}

/// A template whose code is in the bucket.
#[derive(Debug)]
pub(crate) struct Uploaded {
    /// The template's own address.
    pub(crate) url: String,
    pub(crate) template: String,
    /// Zips that were not there before.
    pub(crate) new: usize,
}

impl Architecture {
    /// The order of choice: arm64 costs less, but an emulator on this machine runs the functions itself.
    fn usual(endpoint: Option<&str>) -> [Self; 2] {
        let host = endpoint.and_then(|url| url::Url::parse(url).ok());
        let is_here = host
            .is_some_and(|url| matches!(url.host_str(), Some("localhost" | "127.0.0.1" | "[::1]")));
        if is_here && cfg!(target_arch = "x86_64") {
            [Self::X86, Self::Arm64]
        } else {
            [Self::Arm64, Self::X86]
        }
    }

    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Arm64 => "arm64",
            Self::X86 => "x86_64",
        }
    }
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

/// The checkout that the working folder is in.
fn checkout() -> Option<PathBuf> {
    let current = std::env::current_dir().ok()?;
    let is_root = |folder: &&Path| {
        ["template.yaml", "Makefile", "functions/reconcile"]
            .iter()
            .all(|part| folder.join(part).exists())
    };
    current.ancestors().find(is_root).map(Path::to_owned)
}

/// The commit of a checkout, marked when something was changed since; as `make build` tells the functions.
fn build_of(root: &Path) -> Option<String> {
    let git = |arguments: &[&str]| {
        let mut git = std::process::Command::new("git");
        git.args(arguments).current_dir(root).output().ok()
    };
    let head = git(&["rev-parse", "--short=12", "HEAD"]).filter(|head| head.status.success())?;
    let head = String::from_utf8_lossy(&head.stdout).trim().to_owned();
    let is_changed = git(&["diff", "--quiet", "HEAD"]).is_some_and(|diff| !diff.status.success());
    Some(if is_changed {
        format!("{head}-changed")
    } else {
        head
    })
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

async fn build(root: &Path, architecture: &str) -> Result<(), String> {
    let made = tokio::process::Command::new("make")
        .args(["--no-print-directory", "dist"])
        .arg(format!("ARCHS={architecture}"))
        .current_dir(root)
        .stdin(Stdio::null())
        // Our stdout holds data only.
        .stdout(Stdio::from(std::io::stderr()))
        .kill_on_drop(true)
        .status()
        .await;
    match made {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("make dist: {status}")),
        Err(error) => Err(format!("make: {error}")),
    }
}

impl Package {
    fn is_there(&self) -> bool {
        self.folder.join(TEMPLATE).is_file() && self.folder.join(SUMS).is_file()
    }

    fn is_built_from(&self, build: &str) -> bool {
        fs::read_to_string(self.folder.join(BUILD)).is_ok_and(|text| text.trim() == build)
    }

    fn read(&self, name: &str) -> Result<Vec<u8>, Failure> {
        let path = self.folder.join(name);
        fs::read(&path).map_err(|error| {
            Failure::new(
                Exit::Failed,
                format!("{} cannot be read: {error}", path.display()),
            )
            .mend("make dist")
        })
    }

    /// Holds every file to its checksum, and the template to the files.
    pub(crate) fn verify(&self) -> Result<(), Failure> {
        let broken = |problem: String| {
            Failure::new(
                Exit::Failed,
                format!(
                    "the code in {} is not usable: {problem}",
                    self.folder.display()
                ),
            )
            .mend("make it anew (make dist), or fetch the release again")
        };
        let text = String::from_utf8_lossy(&self.read(SUMS)?).into_owned();
        let sums = parse_sums(&text).ok_or_else(|| broken(format!("{SUMS} cannot be read")))?;
        if !sums.contains_key(TEMPLATE) {
            return Err(broken(format!("{SUMS} lacks {TEMPLATE}")));
        }
        for (name, sum) in &sums {
            if digest(&self.read(name)?) != *sum {
                return Err(broken(format!("{name} has another checksum")));
            }
        }
        let template = String::from_utf8_lossy(&self.read(TEMPLATE)?).into_owned();
        let code = code_of(&template);
        match code.iter().find(|name| !sums.contains_key(**name)) {
            None if code.is_empty() => Err(broken("its template names no code".to_owned())),
            None => Ok(()),
            Some(name) => Err(broken(format!("{name} is missing"))),
        }
    }

    /// Uploads template and code, each object under the name of its content.
    pub(crate) async fn upload(
        &self,
        bucket: &Bucket,
        output: &Output,
    ) -> Result<Uploaded, Failure> {
        let template = String::from_utf8_lossy(&self.read(TEMPLATE)?).into_owned();
        let progress = output.progress();
        let (mut places, mut new) = (BTreeMap::new(), 0);
        for name in code_of(&template) {
            let bytes = self.read(name)?;
            let key = format!("code/{}.zip", digest(&bytes));
            if bucket.put(&key, &bytes).await? {
                new += 1;
                progress.advance(&format!("uploaded {name}"));
            }
            places.insert(name.to_owned(), bucket.uri(&key));
        }
        let template = place(&template, &places);
        let key = format!("templates/{}.yaml", digest(template.as_bytes()));
        bucket.put(&key, template.as_bytes()).await?;
        Ok(Uploaded {
            url: bucket.url(&key),
            template,
            new,
        })
    }
}

fn digest(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

/// Names to checksums, as `sha256sum` writes them.
fn parse_sums(text: &str) -> Option<BTreeMap<&str, &str>> {
    text.lines()
        .map(|line| {
            let (sum, name) = line.split_once("  ")?;
            let is_name = !name.is_empty() && !name.contains(['/', '\\']) && !name.starts_with('.');
            (sum.len() == 64 && is_name).then_some((name, sum))
        })
        .collect()
}

const CODE: &str = "CodeUri: ";

/// The files that a packaged template names.
fn code_of(template: &str) -> Vec<&str> {
    let lines = template.lines().map(str::trim);
    lines.filter_map(|line| line.strip_prefix(CODE)).collect()
}

/// The template with each file's place in the bucket.
fn place(template: &str, places: &BTreeMap<String, String>) -> String {
    let mut placed = String::with_capacity(template.len());
    for line in template.lines() {
        let name = line.trim().strip_prefix(CODE);
        match name.and_then(|name| places.get(name)) {
            Some(uri) => {
                let indent = line.len() - line.trim_start().len();
                placed.push_str(&format!("{}{CODE}{uri}", &line[..indent]));
            }
            None => placed.push_str(line),
        }
        placed.push('\n');
    }
    placed
}

#[cfg(test)]
mod tests {
    use super::*;

    fn package(folder: &Path) -> Package {
        fs::create_dir_all(folder.join("arm64")).unwrap();
        let package = Package {
            folder: folder.join("arm64"),
            architecture: "arm64",
        };
        let template = "Resources:\n  A:\n    Properties:\n      CodeUri: a.zip\n";
        fs::write(package.folder.join(TEMPLATE), template).unwrap();
        fs::write(package.folder.join("a.zip"), "zip").unwrap();
        let line = |name: &str, bytes: &[u8]| format!("{}  {name}\n", digest(bytes));
        let sums = line(TEMPLATE, template.as_bytes()) + &line("a.zip", b"zip");
        fs::write(package.folder.join(SUMS), sums).unwrap();
        package
    }

    fn code(dist: &Path, arch: Option<Architecture>) -> CodeOptions {
        CodeOptions {
            dist: dist.to_owned(),
            arch,
            bucket: None,
        }
    }

    #[test]
    fn prebuilt_code_is_held_to_its_checksums() {
        let folder = tempfile::tempdir().unwrap();
        let package = package(folder.path());
        package.verify().unwrap();
        let template = fs::read_to_string(package.folder.join(TEMPLATE)).unwrap();
        let places = [("a.zip".to_owned(), "s3://b/k".to_owned())].into();
        assert!(place(&template, &places).contains("      CodeUri: s3://b/k\n"));

        fs::write(package.folder.join("a.zip"), "other").unwrap();
        assert!(
            package
                .verify()
                .unwrap_err()
                .message
                .contains("a.zip has another checksum")
        );
        fs::remove_file(package.folder.join("a.zip")).unwrap();
        assert!(package.verify().is_err());
    }

    #[test]
    fn names_that_lead_out_of_the_folder_are_refused() {
        let sum = "0".repeat(64);
        for name in ["../a", "/a", "a/b", ".a", ""] {
            assert_eq!(parse_sums(&format!("{sum}  {name}\n")), None, "{name}");
        }
        assert_eq!(parse_sums("abc  a.zip\n"), None);
        assert!(parse_sums(&format!("{sum}  a.zip\n")).is_some());
    }

    #[test]
    fn prebuilt_architecture_decides_unless_one_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let package = package(folder.path());
        let package_folder = package.folder.clone();
        let found = code(folder.path(), None).find(None).unwrap();
        assert_eq!(found, Source::Prebuilt(package.clone()));
        let found = code(folder.path(), Some(Architecture::Arm64))
            .find(Some("arm64"))
            .unwrap();
        assert_eq!(found, Source::Prebuilt(package));
        fs::write(package_folder.join(BUILD), "abc\n").unwrap();
        let build = |text: &str| {
            Package {
                folder: package_folder.clone(),
                architecture: "arm64",
            }
            .is_built_from(text)
        };
        assert!(build("abc") && !build("abc-changed"));
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
        assert_eq!(Architecture::usual(None)[0], Architecture::Arm64);
        let cloud = Some("https://vpce.example.com");
        assert_eq!(Architecture::usual(cloud)[0], Architecture::Arm64);
        let here = Architecture::usual(Some("http://127.0.0.1:4566"))[0];
        assert_eq!(here == Architecture::X86, cfg!(target_arch = "x86_64"));
    }
}
