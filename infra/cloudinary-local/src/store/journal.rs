//! The append-only record of everything the account acknowledged, one line for each transaction.
//!
//! A line reaches the operating system before its request is answered, so a killed process loses
//! nothing; a machine that loses power may lose the last moments.

use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, BufReader, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use crate::model::Change;

#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    #[error("could not open or read the journal {path}")]
    Io {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("another process uses the data directory of {path}")]
    InUse { path: PathBuf },
    #[error("line {line} of the journal {path} is damaged")]
    Damaged {
        path: PathBuf,
        line: usize,
        #[source]
        source: serde_json::Error,
    },
}

#[derive(Debug)]
pub(crate) struct Journal {
    file: File,
    /// Where the last whole line ends: a failed write is cut off there.
    end: u64,
}

impl Journal {
    /// Opens `path`, hands every recorded change to `replay`, and drops a torn last line.
    pub(crate) fn open(path: &Path, mut replay: impl FnMut(Change)) -> Result<Self, JournalError> {
        let io = |source| JournalError::Io {
            path: path.to_owned(),
            source,
        };
        let file = OpenOptions::new()
            .create(true)
            .read(true)
            .write(true)
            .truncate(false)
            .open(path)
            .map_err(io)?;
        if file.try_lock().is_err() {
            return Err(JournalError::InUse {
                path: path.to_owned(),
            });
        }
        let mut reader = BufReader::with_capacity(1 << 20, &file);
        let (mut end, mut number, mut line) = (0u64, 0, Vec::new());
        loop {
            line.clear();
            let read = reader.read_until(b'\n', &mut line).map_err(io)?;
            if read == 0 || line.last() != Some(&b'\n') {
                break;
            }
            number += 1;
            let changes: Vec<Change> =
                serde_json::from_slice(&line).map_err(|source| JournalError::Damaged {
                    path: path.to_owned(),
                    line: number,
                    source,
                })?;
            changes.into_iter().for_each(&mut replay);
            end += read as u64;
        }
        file.set_len(end).map_err(io)?;
        (&file).seek(SeekFrom::Start(end)).map_err(io)?;
        Ok(Self { file, end })
    }

    pub(crate) fn append(&mut self, changes: &[Change]) -> io::Result<()> {
        let mut line = serde_json::to_vec(changes)?;
        line.push(b'\n');
        if let Err(error) = self.file.write_all(&line) {
            self.file.set_len(self.end)?;
            self.file.seek(SeekFrom::Start(self.end))?;
            return Err(error);
        }
        self.end += line.len() as u64;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn replayed(path: &Path) -> (Journal, usize) {
        let mut count = 0;
        let journal = Journal::open(path, |_| count += 1).unwrap();
        (journal, count)
    }

    #[test]
    fn torn_last_line_is_dropped_and_writing_goes_on() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal");
        let (mut journal, _) = replayed(&path);
        journal
            .append(&[Change::ExpireCursors, Change::ExpireCursors])
            .unwrap();
        journal.append(&[Change::ExpireCursors]).unwrap();
        drop(journal);
        let mut bytes = std::fs::read(&path).unwrap();
        bytes.extend_from_slice(br#"[{"do":"expire_cur"#);
        std::fs::write(&path, bytes).unwrap();

        let (mut journal, count) = replayed(&path);
        assert_eq!(count, 3);
        journal.append(&[Change::ExpireCursors]).unwrap();
        drop(journal);
        assert_eq!(replayed(&path).1, 4);
    }

    #[test]
    fn second_process_is_refused_and_damage_in_the_middle_is_reported() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal");
        let (journal, _) = replayed(&path);
        assert!(matches!(
            Journal::open(&path, |_| ()),
            Err(JournalError::InUse { .. })
        ));
        drop(journal);
        std::fs::write(&path, "[]\nnonsense\n[]\n").unwrap();
        let error = Journal::open(&path, |_| ()).unwrap_err();
        assert!(matches!(error, JournalError::Damaged { line: 2, .. }));
    }
}
