//! Copies of data folders.

use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown};
use std::path::Path;

use crate::StackError;

/// Copies a folder with all that is in it; everything belongs to the owner of the new folder's parent.
pub(crate) async fn copy(from: &Path, to: &Path) -> Result<(), StackError> {
    let (from, to) = (from.to_owned(), to.to_owned());
    let copied = tokio::task::spawn_blocking(move || {
        let parent = to.parent().unwrap_or(&to);
        let owner = std::fs::metadata(parent).map_err(StackError::file(parent))?;
        copy_as(&from, &to, (owner.uid(), owner.gid()))
    });
    copied
        .await
        .map_err(|panic| StackError::Supervisor(panic.to_string()))?
}

fn copy_as(from: &Path, to: &Path, owner: (u32, u32)) -> Result<(), StackError> {
    std::fs::create_dir(to).map_err(StackError::file(to))?;
    // PostgreSQL starts in no folder that others may enter.
    std::fs::set_permissions(to, std::fs::Permissions::from_mode(0o700))
        .map_err(StackError::file(to))?;
    for entry in std::fs::read_dir(from).map_err(StackError::file(from))? {
        let entry = entry.map_err(StackError::file(from))?;
        let (source, target) = (entry.path(), to.join(entry.file_name()));
        if source.is_dir() {
            copy_as(&source, &target, owner)?;
        } else {
            std::fs::copy(&source, &target).map_err(StackError::file(&source))?;
            chown(&target, Some(owner.0), Some(owner.1)).map_err(StackError::file(&target))?;
        }
    }
    chown(to, Some(owner.0), Some(owner.1)).map_err(StackError::file(to))
}
