//! The `bootstrap` of a function on this machine: it becomes the program that is named behind its own last line.
//!
//! `build-functions.sh local` appends the path. A package is then a few hundred kilobytes instead of thirty
//! megabytes, which each stack would have to upload and unpack.

use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::os::unix::process::CommandExt as _;
use std::process::{Command, ExitCode};

/// The longest path that Linux takes.
const LONGEST: u64 = 4096;

fn main() -> ExitCode {
    let error = match program() {
        // Returns on failure only. The name stays: whoever looks for functions looks for `bootstrap`.
        Ok(program) => Command::new(program).arg0("bootstrap").exec(),
        Err(error) => error,
    };
    eprintln!("the function cannot be started: {error}; run `make build-local`");
    ExitCode::FAILURE
}

fn program() -> io::Result<String> {
    let mut file = File::open(std::env::current_exe()?)?;
    let length = file.metadata()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(LONGEST)))?;
    let mut end = Vec::new();
    file.read_to_end(&mut end)?;
    let end = String::from_utf8_lossy(&end);
    let path = end.rsplit('\n').next().unwrap_or_default();
    Ok(path.to_owned())
}
