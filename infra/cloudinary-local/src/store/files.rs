//! Uploaded bytes as files named by their content, and chunks of uploads under way.

use std::io;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};
use tokio::fs;

use crate::model::{Content, Id};

#[derive(Debug, Clone)]
pub(crate) struct Files {
    blobs: PathBuf,
    chunks: PathBuf,
    derived: PathBuf,
}

impl Files {
    pub(crate) fn open(data: &Path) -> io::Result<Self> {
        let files = Self {
            blobs: data.join("blobs"),
            chunks: data.join("chunks"),
            derived: data.join("derived"),
        };
        for folder in [&files.blobs, &files.chunks, &files.derived] {
            std::fs::create_dir_all(folder)?;
        }
        Ok(files)
    }

    /// Writes the bytes, unless they are there already.
    pub(crate) async fn store(&self, bytes: &[u8]) -> io::Result<Content> {
        let sha256 = hex::encode(Sha256::digest(bytes));
        let path = self.blobs.join(&sha256);
        if !fs::try_exists(&path).await? {
            write_whole(&path, bytes).await?;
        }
        let md5 = crate::model::md5_hex(bytes);
        Ok(Content::Stored {
            sha256,
            md5,
            bytes: bytes.len() as u64,
        })
    }

    pub(crate) async fn read(&self, content: &Content) -> io::Result<Vec<u8>> {
        match content {
            Content::Stored { sha256, .. } => fs::read(self.blobs.join(sha256)).await,
            Content::Generated { .. } => Ok(content.generate().unwrap_or_default()),
        }
    }

    /// A picture derived earlier.
    pub(crate) async fn derived(&self, key: &str) -> Option<Vec<u8>> {
        fs::read(self.derived.join(key)).await.ok()
    }

    pub(crate) async fn keep_derived(&self, key: &str, bytes: &[u8]) -> io::Result<()> {
        write_whole(&self.derived.join(key), bytes).await
    }

    /// Keeps one chunk; answers the whole file once every byte up to `total` is there.
    pub(crate) async fn chunk(
        &self,
        upload: &str,
        start: u64,
        total: Option<u64>,
        bytes: &[u8],
    ) -> io::Result<Option<Vec<u8>>> {
        let folder = self.chunks.join(hex::encode(Sha256::digest(upload)));
        fs::create_dir_all(&folder).await?;
        write_whole(&folder.join(format!("{start:020}")), bytes).await?;
        if let Some(total) = total {
            write_whole(&folder.join("total"), total.to_string().as_bytes()).await?;
        }
        let Some(whole) = assemble(&folder).await? else {
            return Ok(None);
        };
        fs::remove_dir_all(&folder).await?;
        Ok(Some(whole))
    }
}

async fn assemble(folder: &Path) -> io::Result<Option<Vec<u8>>> {
    let Ok(total) = fs::read_to_string(folder.join("total")).await else {
        return Ok(None);
    };
    let total: usize = total.parse().map_err(io::Error::other)?;
    let mut names = Vec::new();
    let mut entries = fs::read_dir(folder).await?;
    while let Some(entry) = entries.next_entry().await? {
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.bytes().all(|byte| byte.is_ascii_digit()) {
            names.push((name, entry.metadata().await?.len()));
        }
    }
    names.sort();
    let mut reached = 0u64;
    for (name, length) in &names {
        if name.parse().ok() != Some(reached) {
            return Ok(None);
        }
        reached += length;
    }
    if reached != total as u64 {
        return Ok(None);
    }
    let mut whole = Vec::with_capacity(total);
    for (name, _) in names {
        whole.extend_from_slice(&fs::read(folder.join(name)).await?);
    }
    Ok(Some(whole))
}

/// Under a name of its own first, so that a reader never meets half a file.
async fn write_whole(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let half = path.with_extension(format!("{}.part", Id::random()));
    fs::write(&half, bytes).await?;
    fs::rename(&half, path).await
}
