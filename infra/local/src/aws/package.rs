//! Keeps what `sam` uploads from one start to the next: zipping unoptimised functions takes longer than everything else.
//!
//! `sam deploy` is `sam package`, which zips each `CodeUri` and names the uploaded object in its place, and then the
//! deployment proper. The first half is done once for each build and kept in the project's `.stack` folder.

use std::path::{Path, PathBuf};

use bytes::Bytes;
use ring::digest::{Context, SHA256};

use super::api::Api;
use crate::StackError;
use crate::kept::{DRAFT, forget_old};

/// Below this, zipping is quicker than a second start of the SAM command line.
const WORTH_KEEPING: u64 = 16 * 1024 * 1024;
/// Builds whose packages are kept.
const KEPT: usize = 3;

/// A template and the objects that its packaged form refers to.
#[derive(Debug)]
pub(super) struct Package {
    folder: PathBuf,
}

impl Package {
    /// The place for what these functions are packaged into; `None` when they are too small to bother.
    pub(super) fn of(
        cache: &Path,
        template: &Path,
        programs: &[PathBuf],
    ) -> Result<Option<Self>, StackError> {
        let size = |program: &PathBuf| {
            program
                .metadata()
                .map(|file| file.len())
                .map_err(StackError::file(program))
        };
        let sizes: Vec<u64> = programs.iter().map(size).collect::<Result<_, _>>()?;
        if sizes.iter().sum::<u64>() < WORTH_KEEPING {
            return Ok(None);
        }
        let mut digest = Context::new(&SHA256);
        for file in std::iter::once(template).chain(programs.iter().map(PathBuf::as_path)) {
            let bytes = std::fs::read(file).map_err(StackError::file(file))?;
            digest.update(&(bytes.len() as u64).to_le_bytes());
            digest.update(&bytes);
        }
        let name: String = digest.finish().as_ref()[..16]
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        Ok(Some(Self {
            folder: cache.join(name),
        }))
    }

    pub(super) fn is_kept(&self) -> bool {
        self.template().is_file()
    }

    /// The template with objects in the place of folders.
    pub(super) fn template(&self) -> PathBuf {
        self.folder.join("template.yaml")
    }

    /// Puts the kept objects where the packaged template says they are.
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

    /// Keeps a packaged template and what was uploaded for it. Complete or not at all: other stacks look here too.
    pub(super) async fn keep(
        &self,
        api: &Api,
        bucket: &str,
        packaged: &Path,
    ) -> Result<(), StackError> {
        let cache = self.folder.parent().expect("the folder lies in the cache");
        let draft = cache.join(format!("{DRAFT}{}", uuid::Uuid::new_v4()));
        let objects = draft.join("objects");
        std::fs::create_dir_all(&objects).map_err(StackError::file(&objects))?;
        for key in api.list_objects(bucket).await? {
            let file = objects.join(&key);
            std::fs::write(&file, api.get_object(bucket, &key).await?)
                .map_err(StackError::file(&file))?;
        }
        let template = draft.join("template.yaml");
        std::fs::copy(packaged, &template).map_err(StackError::file(&template))?;
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
    fn package_is_named_after_the_content_of_template_and_functions() {
        let folder = tempfile::tempdir().unwrap();
        let (template, program) = (
            folder.path().join("template.yaml"),
            folder.path().join("bootstrap"),
        );
        let name = |text: &str, size: usize| {
            std::fs::write(&template, text).unwrap();
            std::fs::write(&program, vec![0; size]).unwrap();
            let package =
                Package::of(folder.path(), &template, std::slice::from_ref(&program)).unwrap();
            package.map(|package| package.folder)
        };
        let large = usize::try_from(WORTH_KEEPING).unwrap();
        assert_eq!(name("a", 100), None);
        assert_eq!(name("a", large), name("a", large));
        assert_ne!(name("a", large), name("b", large));
        assert_ne!(name("a", large), name("a", large + 1));
    }
}
