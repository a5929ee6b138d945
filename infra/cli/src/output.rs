//! Data goes to stdout, talk to stderr.

use std::io::{self, BufRead as _, IsTerminal as _, Write as _};

use comfy_table::{Table, presets};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::failure::Failure;

/// The options that every command takes: how the user wants to be spoken to.
#[derive(Debug, Clone, Copy, Default)]
pub struct OutputManner {
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
    manner: OutputManner,
    color: bool,
    /// Data of a step is no data of the command that takes it.
    silent: bool,
}

/// Steps of something that takes a while: a moving line on a terminal, otherwise a line each.
#[derive(Debug)]
pub struct ProgressLine {
    output: Output,
    bar: Option<ProgressBar>,
}

const RED: &str = "31";
const YELLOW: &str = "33";
const CYAN: &str = "36";

impl Output {
    /// Colours only a terminal, and only without `NO_COLOR` (<https://no-color.org>).
    pub fn new(manner: OutputManner) -> Self {
        let is_set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
        let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        Self {
            manner,
            color: io::stderr().is_terminal() && !is_set("NO_COLOR") && !dumb,
            silent: false,
        }
    }

    /// The same without data, for a command that is a step of another one.
    #[must_use]
    pub fn without_data(&self) -> Self {
        Self {
            silent: true,
            ..self.clone()
        }
    }

    /// True when there is a person to ask.
    pub fn is_interactive(&self) -> bool {
        !self.manner.no_input && io::stdin().is_terminal() && io::stderr().is_terminal()
    }

    /// Begins to show progress.
    pub fn progress(&self) -> ProgressLine {
        let bar = io::stderr().is_terminal().then(|| {
            let style = ProgressStyle::with_template("  {spinner} {pos} {wide_msg}");
            let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
            bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()));
            bar.enable_steady_tick(std::time::Duration::from_millis(120));
            bar
        });
        ProgressLine {
            output: self.clone(),
            bar,
        }
    }

    /// True when data is wanted as JSON.
    pub fn json(&self) -> bool {
        self.manner.json
    }

    /// Writes data: `value` with `--json`, otherwise the lines.
    pub fn data(&self, value: &serde_json::Value, lines: &[String]) {
        if self.silent {
            return;
        }
        let mut stdout = io::stdout().lock();
        // A reader that has gone has seen enough.
        let _ = if self.manner.json {
            writeln!(stdout, "{value}")
        } else {
            lines.iter().try_for_each(|line| writeln!(stdout, "{line}"))
        };
    }

    /// Writes data for scripts only: a person has been told on the way.
    pub fn data_as_json(&self, value: &serde_json::Value) {
        if self.manner.json {
            self.data(value, &[]);
        }
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

    /// Asks a person for a line, if there is one to ask.
    pub fn line(&self, question: &str) -> Option<String> {
        if !self.is_interactive() {
            return None;
        }
        let mut stderr = io::stderr().lock();
        let _ = write!(stderr, "{question} ").and_then(|()| stderr.flush());
        let mut answer = String::new();
        io::stdin().lock().read_line(&mut answer).ok()?;
        Some(answer.trim().to_owned())
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

impl ProgressLine {
    /// Shows the newest step.
    pub fn advance(&self, text: &str) {
        match &self.bar {
            None => self.output.say(&format!("  {text}")),
            Some(bar) => {
                bar.inc(1);
                bar.set_message(text.to_owned());
            }
        }
    }

    /// Writes a line that stays.
    pub fn keep(&self, text: &str) {
        match &self.bar {
            None => self.output.say(&format!("  {text}")),
            Some(bar) => bar.suspend(|| self.output.say(&format!("  {text}"))),
        }
    }
}

impl Drop for ProgressLine {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
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
