//! Keeps the packages that `sam` and SAM's transform make of a template from one start to the next: they take longer
//! than everything else.
//!
//! `sam deploy` zips each `CodeUri`, uploads the zips, and has CloudFormation transform and create a template that
//! names them. The first stack is deployed so; the objects and the transformed template are kept in the project's
//! `.stack` folder. Later stacks upload the same objects, and CloudFormation creates the same resources.

use std::path::{Path, PathBuf};

use bytes::Bytes;
use ring::digest::{Context, SHA256};

use super::api::Api;
use crate::StackError;
use crate::kept::{DRAFT, forget_old};

/// Builds whose packages are kept.
const KEPT: usize = 3;

/// A template as CloudFormation creates it, and the objects that it refers to.
#[derive(Debug)]
pub(super) struct Package {
    folder: PathBuf,
}

impl Package {
    /// The place for what a template and its functions are packaged into. `makers` are files whose change makes another
    /// package of them.
    pub(super) fn of(
        cache: &Path,
        template: &Path,
        programs: &[PathBuf],
        makers: &[PathBuf],
    ) -> Result<Self, StackError> {
        let mut digest = Context::new(&SHA256);
        let template = std::iter::once(template);
        let files = template.chain(programs.iter().chain(makers).map(PathBuf::as_path));
        for file in files {
            let bytes = std::fs::read(file).map_err(StackError::file(file))?;
            digest.update(&(bytes.len() as u64).to_le_bytes());
            digest.update(&bytes);
        }
        let name = hex::encode(&digest.finish().as_ref()[..16]);
        Ok(Self {
            folder: cache.join(name),
        })
    }

    /// The transformed template, if the package was made before.
    pub(super) fn template(&self) -> Result<Option<String>, StackError> {
        let file = self.folder.join("template.json");
        match std::fs::read_to_string(&file) {
            Ok(text) => Ok(Some(text)),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(StackError::file(&file)(error)),
        }
    }

    /// Puts the kept objects where the template says they are.
    pub(super) async fn upload(&self, api: &Api, bucket: &str) -> Result<(), StackError> {
        let objects = self.folder.join("objects");
        for entry in std::fs::read_dir(&objects).map_err(StackError::file(&objects))? {
            let entry = entry.map_err(StackError::file(&objects))?;
            let bytes = std::fs::read(entry.path()).map_err(StackError::file(&entry.path()))?;
            let key = entry.file_name().to_string_lossy().into_owned();
            api.put_object(bucket, &key, Bytes::from(bytes)).await?;
        }
        Ok(())
    }

    /// Keeps the transformed template of a deployed stack and what was uploaded for it. Complete or not at all: other
    /// stacks look here too.
    pub(super) async fn keep(
        &self,
        api: &Api,
        bucket: &str,
        transformed: &str,
    ) -> Result<(), StackError> {
        let cache = self.folder.parent().expect("the folder lies in the cache");
        let draft = cache.join(format!("{DRAFT}{}", uuid::Uuid::new_v4()));
        let objects = draft.join("objects");
        std::fs::create_dir_all(&objects).map_err(StackError::file(&objects))?;
        for key in api.list_objects(bucket).await? {
            // `sam` uploads its own template too.
            if !transformed.contains(&key) {
                continue;
            }
            let file = objects.join(&key);
            std::fs::write(&file, api.get_object(bucket, &key).await?)
                .map_err(StackError::file(&file))?;
        }
        let template = draft.join("template.json");
        std::fs::write(&template, transformed).map_err(StackError::file(&template))?;
        if std::fs::rename(&draft, &self.folder).is_err() {
            // Another stack was quicker; its package is as good.
            std::fs::remove_dir_all(&draft).map_err(StackError::file(&draft))?;
        }
        forget_old(cache, KEPT);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn package_is_named_after_the_content_of_template_functions_and_makers() {
        let folder = tempfile::tempdir().unwrap();
        let files = ["template.yaml", "bootstrap", "requirements.txt"];
        let [template, program, maker] = files.map(|name| folder.path().join(name));
        let name = |contents: [&str; 3]| {
            for (file, content) in [&template, &program, &maker].into_iter().zip(contents) {
                std::fs::write(file, content).unwrap();
            }
            let (programs, makers) = (std::slice::from_ref(&program), [maker.clone()]);
            let package = Package::of(folder.path(), &template, programs, &makers);
            package.unwrap().folder
        };
        let first = name(["a", "b", "c"]);
        assert_eq!(first, name(["a", "b", "c"]));
        for other in [["x", "b", "c"], ["a", "x", "c"], ["a", "b", "x"]] {
            assert_ne!(first, name(other));
        }
        assert_ne!(name(["a", "bc", ""]), name(["a", "b", "c"]));
    }
}
