//! Folders under `.stack` that are kept from one start to the next.

use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// Marks a folder that is still being made.
pub(crate) const DRAFT: &str = "draft-";

/// Removes all but the newest folders. A leftover costs only room.
pub(crate) fn forget_old(cache: &Path, kept: usize) {
    let Ok(entries) = std::fs::read_dir(cache) else {
        return;
    };
    let mut folders: Vec<(SystemTime, PathBuf)> = entries
        .filter_map(Result::ok)
        .filter(|entry| !entry.file_name().to_string_lossy().starts_with(DRAFT))
        .filter_map(|entry| Some((entry.metadata().ok()?, entry.path())))
        .filter(|(about, _)| about.is_dir())
        .filter_map(|(about, path)| Some((about.modified().ok()?, path)))
        .collect();
    folders.sort();
    for (_, path) in folders.iter().rev().skip(kept) {
        let _ = std::fs::remove_dir_all(path);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_newest_folders_are_kept() {
        let cache = tempfile::tempdir().unwrap();
        let ages = [("new", 30), ("newer", 20), ("old", 99), ("newest", 10)];
        for (name, age) in ages {
            let folder = cache.path().join(name);
            std::fs::create_dir(&folder).unwrap();
            let when = SystemTime::now() - std::time::Duration::from_secs(age);
            std::fs::File::open(&folder)
                .unwrap()
                .set_modified(when)
                .unwrap();
        }
        forget_old(cache.path(), 3);
        assert!(!cache.path().join("old").exists());
        assert_eq!(std::fs::read_dir(cache.path()).unwrap().count(), 3);
    }
}
