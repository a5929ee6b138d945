//! `.stack/env`: the addresses and keys of the stack of `make run`, as lines for a shell.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::PathBuf;

use crate::tools::Tools;

fn file() -> PathBuf {
    Tools::of_this_project().root.join(".stack/env")
}

/// Lines of the form `export NAME='value'`, for a shell to read.
pub fn exports(environment: &BTreeMap<String, String>) -> String {
    environment
        .iter()
        .fold(String::new(), |mut lines, (name, value)| {
            let value = value.replace('\'', r"'\''");
            let _never_fails = writeln!(lines, "export {name}='{value}'");
            lines
        })
}

fn parse(lines: &str) -> BTreeMap<String, String> {
    let pairs = lines
        .lines()
        .filter_map(|line| line.strip_prefix("export ")?.split_once('='));
    let unquoted = pairs.filter_map(|(name, value)| {
        let value = value.strip_prefix('\'')?.strip_suffix('\'')?;
        Some((name.to_owned(), value.replace(r"'\''", "'")))
    });
    unquoted.collect()
}

/// Writes the file, for its owner alone, and answers its path.
///
/// # Errors
/// As the file system has them.
pub fn keep_environment(environment: &BTreeMap<String, String>) -> std::io::Result<PathBuf> {
    let file = file();
    let mut options = std::fs::OpenOptions::new();
    options.create(true).write(true).truncate(true).mode(0o600);
    options
        .open(&file)?
        .write_all(exports(environment).as_bytes())?;
    Ok(file)
}

/// Reads the file; none while no stack of `make run` runs.
pub fn kept_environment() -> Option<BTreeMap<String, String>> {
    Some(parse(&std::fs::read_to_string(file()).ok()?))
}

/// Removes the file: its keys end with their stack.
pub fn forget_environment() {
    // It may be gone.
    let _ = std::fs::remove_file(file());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_come_back_as_a_shell_reads_them() {
        let environment = BTreeMap::from([
            ("A".to_owned(), "it's $HOME & \"more\"".to_owned()),
            ("B".to_owned(), "http://127.0.0.1:1?a=b".to_owned()),
        ]);
        let lines = exports(&environment);
        assert_eq!(parse(&lines), environment);
        let shell = std::process::Command::new("sh")
            .arg("-c")
            .arg(format!("{lines}printf '%s|%s' \"$A\" \"$B\""))
            .output()
            .unwrap();
        assert_eq!(
            String::from_utf8_lossy(&shell.stdout),
            "it's $HOME & \"more\"|http://127.0.0.1:1?a=b"
        );
    }
}
