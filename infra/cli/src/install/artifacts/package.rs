//! A folder of prebuilt code: held to its checksums, and uploaded.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use super::manifest::{code_of, digest, parse_sums, place};
use crate::aws::bucket::Bucket;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::Output;

const TEMPLATE: &str = "template.packaged.yaml";
const SUMS: &str = "SHA256SUMS";
/// The commit that the code was built from.
const BUILD: &str = "BUILD";

/// A folder of zips with their template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Package {
    pub(super) folder: PathBuf,
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

impl Package {
    pub(super) fn is_there(&self) -> bool {
        self.folder.join(TEMPLATE).is_file() && self.folder.join(SUMS).is_file()
    }

    pub(super) fn is_built_from(&self, build: &str) -> bool {
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
    pub(super) fn verify(&self) -> Result<(), Failure> {
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

#[cfg(test)]
impl Package {
    /// Makes a small one, for arm64.
    pub(super) fn sample(dist: &std::path::Path) -> Self {
        let package = Self {
            folder: dist.join("arm64"),
            architecture: "arm64",
        };
        let template = "Resources:\n  A:\n    Properties:\n      CodeUri: a.zip\n";
        let line = |name: &str, text: &str| format!("{}  {name}\n", digest(text.as_bytes()));
        let sums = line(TEMPLATE, template) + &line("a.zip", "zip");
        fs::create_dir_all(&package.folder).expect("a folder");
        for (name, text) in [(TEMPLATE, template), ("a.zip", "zip"), (SUMS, &sums)] {
            fs::write(package.folder.join(name), text).expect("a file");
        }
        package
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prebuilt_code_is_held_to_its_checksums() {
        let folder = tempfile::tempdir().unwrap();
        let package = Package::sample(folder.path());
        package.verify().unwrap();
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
    fn package_is_of_one_build() {
        let folder = tempfile::tempdir().unwrap();
        let package = Package::sample(folder.path());
        assert!(!package.is_built_from("abc"), "it does not say");
        fs::write(package.folder.join(BUILD), "abc\n").unwrap();
        assert!(package.is_built_from("abc") && !package.is_built_from("abc-changed"));
    }
}
