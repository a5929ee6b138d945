//! `.stack/kept`: a stack's data and keys, for the next start to go on from.

use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::StackError;
use crate::key_material::{KeyMaterial, random_text};
use crate::tools::Tools;

/// The names of its parts in the folder.
const SECRETS: &str = "secrets.json";
const DATABASE: &str = "postgres";
const LIBRARY: &str = "cloudinary";

/// The secrets of a stack: new ones, or those of the stack whose data were kept.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct ProjectSecrets {
    pub(crate) keys: KeyMaterial,
    pub(crate) cloudinary: CloudinaryKeys,
}

/// The credentials of the library's account.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct CloudinaryKeys {
    pub(crate) key: String,
    pub(crate) secret: String,
}

impl ProjectSecrets {
    pub(crate) fn generate() -> Self {
        Self {
            keys: KeyMaterial::generate(),
            cloudinary: CloudinaryKeys::generate(),
        }
    }
}

impl std::fmt::Debug for ProjectSecrets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ProjectSecrets").finish_non_exhaustive()
    }
}

impl std::fmt::Debug for CloudinaryKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CloudinaryKeys")
            .field("key", &self.key)
            .finish_non_exhaustive()
    }
}

impl CloudinaryKeys {
    fn generate() -> Self {
        use rand::Rng as _;
        let key = rand::rng().random_range(100_000_000_000_000_u64..1_000_000_000_000_000);
        Self {
            key: key.to_string(),
            secret: random_text(27),
        }
    }
}

/// A folder with a whole stack's data.
#[derive(Debug, Clone)]
pub(crate) struct KeptProject {
    folder: PathBuf,
}

#[derive(Serialize, Deserialize)]
struct Kept {
    /// Of the prepared data that the database began as: the kind of project, and the migrations.
    project: String,
    password: String,
    secrets: ProjectSecrets,
}

impl KeptProject {
    /// The data of an earlier stack, if there are any.
    ///
    /// # Errors
    /// When they were kept with other migrations, or cannot be read.
    pub(crate) fn find(folder: &Path, project: &str) -> Result<Option<Self>, StackError> {
        let kept = Self {
            folder: folder.to_owned(),
        };
        if !kept.folder.join(SECRETS).is_file() {
            return Ok(None);
        }
        if kept.read()?.project == project {
            return Ok(Some(kept));
        }
        Err(StackError::Outdated {
            folder: folder.to_owned(),
        })
    }

    pub(crate) fn secrets(&self) -> Result<ProjectSecrets, StackError> {
        Ok(self.read()?.secrets)
    }

    pub(crate) fn database_password(&self) -> Result<String, StackError> {
        Ok(self.read()?.password)
    }

    pub(crate) fn database(&self) -> PathBuf {
        self.folder.join(DATABASE)
    }

    pub(crate) fn library(&self) -> PathBuf {
        self.folder.join(LIBRARY)
    }

    /// An empty folder to be filled beside the one that it will replace.
    pub(crate) fn draft(folder: &Path) -> Result<Self, StackError> {
        let draft = folder.with_extension("draft");
        remove(&draft)?;
        std::fs::create_dir_all(&draft).map_err(StackError::file(&draft))?;
        Ok(Self { folder: draft })
    }

    /// Takes the place of what was kept before.
    pub(crate) fn finish(
        self,
        folder: &Path,
        (project, password): (&str, &str),
        secrets: &ProjectSecrets,
    ) -> Result<(), StackError> {
        let kept = Kept {
            project: project.to_owned(),
            password: password.to_owned(),
            secrets: secrets.clone(),
        };
        let file = self.folder.join(SECRETS);
        let mut options = std::fs::OpenOptions::new();
        options.create_new(true).write(true).mode(0o600);
        let written = options.open(&file).map_err(StackError::file(&file))?;
        serde_json::to_writer_pretty(written, &kept)
            .map_err(|error| StackError::file(&file)(error.into()))?;
        remove(folder)?;
        std::fs::rename(&self.folder, folder).map_err(StackError::file(folder))
    }

    fn read(&self) -> Result<Kept, StackError> {
        let file = self.folder.join(SECRETS);
        let text = std::fs::read(&file).map_err(StackError::file(&file))?;
        serde_json::from_slice(&text).map_err(|error| StackError::file(&file)(error.into()))
    }
}

/// Where `make run KEEP=1` keeps its data.
pub fn kept_folder() -> PathBuf {
    Tools::of_this_project().root.join(".stack/kept")
}

fn remove(folder: &Path) -> Result<(), StackError> {
    if folder.exists() {
        std::fs::remove_dir_all(folder).map_err(StackError::file(folder))?;
    }
    Ok(())
}
