//! The demo's output: numbered steps with their times, in colour only on a terminal.

use std::cell::Cell;
use std::fmt::Display;
use std::io::{IsTerminal as _, Write as _};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};

const BOLD: &str = "1";
const DIM: &str = "2";
const RED: &str = "31";
const GREEN: &str = "32";

#[derive(Debug)]
pub(crate) struct Screen {
    colour: bool,
    began: Instant,
    steps: Cell<u32>,
}

impl Screen {
    pub(crate) fn new() -> Self {
        Self {
            colour: std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none(),
            began: Instant::now(),
            steps: Cell::new(0),
        }
    }

    /// Announces the work, does it, and tells how long it took; a failure carries the step's name.
    pub(crate) async fn step<T>(
        &self,
        title: &str,
        work: impl Future<Output = Result<T>>,
    ) -> Result<T> {
        self.steps.set(self.steps.get() + 1);
        let number = self.steps.get();
        print("");
        print(self.paint(BOLD, &format!("{number}. {title}")));
        let began = Instant::now();
        let done = work
            .await
            .with_context(|| format!("step {number} failed: {title}"))?;
        print(self.paint(DIM, &format!("   {}", seconds(began.elapsed()))));
        Ok(done)
    }

    pub(crate) fn line(&self, text: impl Display) {
        print(format!("   {text}"));
    }

    /// A line that stands by itself, for pasting.
    pub(crate) fn plain(&self, text: impl Display) {
        print(text);
    }

    /// Something that was asserted, and holds.
    pub(crate) fn good(&self, text: impl Display) {
        print(format!("   {}", self.paint(GREEN, &text.to_string())));
    }

    pub(crate) fn bad(&self, text: impl Display) {
        print(format!("   {}", self.paint(RED, &text.to_string())));
    }

    /// Prints the reason why the demo ends early, with the logs that may explain it.
    pub(crate) fn failure(&self, error: &anyhow::Error, logs: &[(String, String)]) {
        print("");
        self.bad(format!("{error:#}"));
        for (name, tail) in logs {
            print("");
            print(self.paint(BOLD, &format!("   the end of {name}'s log:")));
            for line in tail.lines() {
                self.line(line);
            }
        }
    }

    /// Since the program began.
    pub(crate) fn elapsed(&self) -> Duration {
        self.began.elapsed()
    }

    fn paint(&self, code: &str, text: &str) -> String {
        if self.colour {
            format!("\x1b[{code}m{text}\x1b[0m")
        } else {
            text.to_owned()
        }
    }
}

pub(crate) fn seconds(duration: Duration) -> String {
    format!("{:.1} s", duration.as_secs_f32())
}

/// The reader may have gone away (`make demo | head`). The stack still has to end in an orderly
/// way.
fn print(text: impl Display) {
    let mut out = std::io::stdout().lock();
    let _ = writeln!(out, "{text}").and_then(|()| out.flush());
}
