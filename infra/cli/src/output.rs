//! Data goes to stdout, talk to stderr.

use std::io::{self, BufRead as _, IsTerminal as _, Write as _};

use comfy_table::{Table, presets};

use crate::failure::Failure;

/// The options that every command takes: how the user wants to be spoken to.
#[derive(Debug, Clone, Copy, Default)]
pub struct Manner {
    /// Data as one JSON object.
    pub json: bool,
    /// Never ask.
    pub no_input: bool,
    /// Take every question for answered with yes.
    pub yes: bool,
}

/// The two streams, and whether they are for a person.
#[derive(Debug, Clone)]
pub struct Output {
    manner: Manner,
    color: bool,
}

const RED: &str = "31";
const YELLOW: &str = "33";
const CYAN: &str = "36";

impl Output {
    /// Colours only a terminal, and only without `NO_COLOR` (<https://no-color.org>).
    pub fn new(manner: Manner) -> Self {
        let is_set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
        let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        Self {
            manner,
            color: io::stderr().is_terminal() && !is_set("NO_COLOR") && !dumb,
        }
    }

    /// True when data is wanted as JSON.
    pub fn json(&self) -> bool {
        self.manner.json
    }

    /// Writes data: `value` with `--json`, otherwise the lines.
    pub fn data(&self, value: &serde_json::Value, lines: &[String]) {
        let mut stdout = io::stdout().lock();
        // A reader that has gone has seen enough.
        let _ = if self.manner.json {
            writeln!(stdout, "{value}")
        } else {
            lines.iter().try_for_each(|line| writeln!(stdout, "{line}"))
        };
    }

    /// Says something to a person.
    pub fn say(&self, text: &str) {
        let _ = writeln!(io::stderr().lock(), "{text}");
    }

    /// Says something that deserves a look.
    pub fn warn(&self, text: &str) {
        self.say(&format!("{} {text}", self.paint(YELLOW, "warning:")));
    }

    /// Shows why a command ends, and the mend.
    pub fn failure(&self, failure: &Failure) {
        self.say(&format!(
            "{} {}",
            self.paint(RED, "error:"),
            failure.message
        ));
        for (label, text) in &failure.details {
            self.say(&format!("  {label}: {text}"));
        }
        if let Some(mend) = &failure.mend {
            self.say(&format!("{} {mend}", self.paint(CYAN, "mend:")));
        }
    }

    /// Asks a person; everybody else has decided by calling the command.
    pub fn confirms(&self, question: &str) -> bool {
        self.ask(question, true)
    }

    /// Asks about a step that calling the command does not decide: without a person only `--yes` allows it.
    pub fn agrees(&self, question: &str) -> bool {
        self.ask(question, false)
    }

    fn ask(&self, question: &str, default: bool) -> bool {
        let stdin = io::stdin();
        if self.manner.yes {
            return true;
        }
        if self.manner.no_input || !stdin.is_terminal() {
            return default;
        }
        let choices = if default { "[Y/n]" } else { "[y/N]" };
        let mut stderr = io::stderr().lock();
        let _ = write!(stderr, "{question} {choices} ").and_then(|()| stderr.flush());
        let mut answer = String::new();
        let read = stdin.lock().read_line(&mut answer);
        let read = read.is_ok_and(|bytes| bytes > 0);
        match answer.trim().to_lowercase().as_str() {
            "" => read && default,
            answer => matches!(answer, "y" | "yes"),
        }
    }

    fn paint(&self, color: &str, text: &str) -> String {
        if self.color {
            format!("\u{1b}[1;{color}m{text}\u{1b}[0m")
        } else {
            text.to_owned()
        }
    }
}

/// Sets rows under a header; no rows make no lines.
pub(crate) fn table<const N: usize>(header: [&str; N], rows: &[[String; N]]) -> Vec<String> {
    if rows.is_empty() {
        return Vec::new();
    }
    let mut table = Table::new();
    table
        .load_style(presets::NOTHING)
        .set_header(header)
        .add_rows(rows.iter().cloned());
    table.lines().map(|line| line.trim().to_owned()).collect()
}
