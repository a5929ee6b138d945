//! The one process that starts and ends all others, so that nothing outlives this program however it ends.
//!
//! See `tools/supervisor.py`. It reads commands from a pipe whose other end only we hold: even SIGKILL closes it.

use std::collections::HashMap;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde::Deserialize;
use tokio::sync::watch;
use tokio::time::Instant;

use crate::StackError;
use crate::error::LogTail;
use crate::tools::Tools;

/// The pause between looks at a condition that announces itself to nobody, such as a server's readiness.
const POLL: Duration = Duration::from_millis(20);

#[derive(Debug)]
pub(crate) struct Supervisor {
    /// `None` once the end has begun.
    commands: Mutex<Option<ChildStdin>>,
    child: Mutex<Child>,
    board: Arc<Board>,
    folder: PathBuf,
    unprivileged: bool,
}

/// The supervisor's news, by process name.
#[derive(Debug, Default)]
struct Board {
    states: Mutex<HashMap<String, watch::Sender<State>>>,
    signalled: Mutex<HashMap<String, watch::Sender<Option<Vec<u32>>>>>,
}

/// A signal for a process's children.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Signal {
    /// They are gone at once.
    Kill,
    /// They get no time of the processor.
    Freeze,
    /// They go on.
    Thaw,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum State {
    Starting,
    Running,
    Failed(String),
    Exited(i32),
}

/// A program to run.
#[derive(Debug)]
pub(crate) struct Launch<'a> {
    /// Unique within the stack; also the name of its log.
    pub(crate) name: &'a str,
    pub(crate) program: PathBuf,
    pub(crate) arguments: Vec<String>,
    pub(crate) environment: Vec<(&'a str, String)>,
    /// As another user than root, when we are root.
    pub(crate) unprivileged: bool,
    /// The signal that ends it: `KILL`, or for those that have something to tidy up, another.
    pub(crate) stop: &'static str,
}

/// A running program.
#[derive(Debug, Clone)]
pub(crate) struct Process {
    name: String,
    state: watch::Receiver<State>,
    log: PathBuf,
}

#[derive(Debug, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
enum Event {
    Ready { folder: PathBuf, unprivileged: bool },
    Started { name: String },
    Failed { name: String, error: String },
    Exited { name: String, code: i32 },
    Signalled { name: String, pids: Vec<u32> },
}

impl Supervisor {
    pub(crate) async fn start(tools: &Tools) -> Result<Self, StackError> {
        let python = tools.python()?;
        let script = tools.supervisor();
        tokio::task::spawn_blocking(move || Self::start_blocking(&python, &script))
            .await
            .map_err(|panic| StackError::Supervisor(panic.to_string()))?
    }

    fn start_blocking(python: &Path, script: &Path) -> Result<Self, StackError> {
        use std::os::unix::process::CommandExt as _;
        let broken = |problem: std::io::Error| StackError::Supervisor(problem.to_string());
        let mut child = Command::new(python)
            .args(["-I", "-S"])
            .arg(script)
            .arg("--shared")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            // Of its own, so that a terminal's Ctrl-C reaches us first.
            .process_group(0)
            .spawn()
            .map_err(broken)?;
        let commands = child.stdin.take().expect("stdin was asked for");
        let mut events = BufReader::new(child.stdout.take().expect("stdout was asked for"));
        let mut line = String::new();
        events.read_line(&mut line).map_err(broken)?;
        let Ok(Event::Ready {
            folder,
            unprivileged,
        }) = serde_json::from_str(&line)
        else {
            return Err(StackError::Supervisor(format!(
                "said {line:?} instead of being ready"
            )));
        };
        let board = Arc::new(Board::default());
        let listener = Arc::clone(&board);
        std::thread::spawn(move || listener.follow(events));
        Ok(Self {
            commands: Mutex::new(Some(commands)),
            child: Mutex::new(child),
            board,
            folder,
            unprivileged,
        })
    }

    /// The stack's folder; removed at the end.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Tells whether programs that ask for it run as another user.
    pub(crate) fn has_unprivileged_user(&self) -> bool {
        self.unprivileged
    }

    /// A subfolder that belongs to the user of unprivileged programs.
    pub(crate) fn unprivileged_folder(&self) -> PathBuf {
        self.folder.join("unprivileged")
    }

    pub(crate) fn logs(&self) -> PathBuf {
        self.folder.join("logs")
    }

    pub(crate) async fn spawn(&self, launch: Launch<'_>) -> Result<Process, StackError> {
        let (sender, state) = watch::channel(State::Starting);
        lock(&self.board.states).insert(launch.name.to_owned(), sender);
        let log = self.logs().join(format!("{}.log", launch.name));
        let mut argv = vec![path_text(&launch.program)];
        argv.extend(launch.arguments);
        self.command(&serde_json::json!({
            "do": "start", "name": launch.name, "argv": argv, "env": self.environment(launch.environment),
            "cwd": self.folder, "log": log, "unprivileged": launch.unprivileged, "stop": launch.stop,
        }))?;
        let mut process = Process {
            name: launch.name.to_owned(),
            state,
            log,
        };
        process
            .state
            .wait_for(|state| *state != State::Starting)
            .await
            .map_err(|_| self.gone())?;
        let state = process.state.borrow().clone();
        match state {
            State::Failed(error) => {
                Err(process.problem(format!("{} cannot be started: {error}", argv[0])))
            }
            _ => Ok(process),
        }
    }

    /// SIGKILL for the process and all its descendants; returns when they are gone.
    pub(crate) async fn kill(&self, process: &Process) -> Result<(), StackError> {
        self.command(&serde_json::json!({ "do": "kill", "name": process.name }))?;
        process.exited().await.map(|_| ())
    }

    /// SIGKILL for the descendants of a process that run `program`; returns how many there were.
    pub(crate) async fn signal_children(
        &self,
        process: &Process,
        program: &str,
        signal: Signal,
    ) -> Result<usize, StackError> {
        let (sender, mut answer) = watch::channel(None);
        lock(&self.board.signalled).insert(process.name.clone(), sender);
        let kind = match signal {
            Signal::Kill => "KILL",
            Signal::Freeze => "STOP",
            Signal::Thaw => "CONT",
        };
        self.command(&serde_json::json!({
            "do": "signal_children", "name": process.name, "program": program, "kind": kind,
        }))?;
        let answer = answer
            .wait_for(Option::is_some)
            .await
            .map_err(|_| self.gone())?;
        Ok(answer.as_ref().map_or(0, Vec::len))
    }

    /// The environment of a program, with nothing of ours: a key in someone's shell must not reach a function.
    fn environment(&self, own: Vec<(&str, String)>) -> HashMap<String, String> {
        let home = path_text(&self.folder);
        let path = std::env::var("PATH").unwrap_or_else(|_| "/usr/bin:/bin".to_owned());
        let general = [
            ("PATH", path),
            ("HOME", home.clone()),
            ("TMPDIR", format!("{home}/tmp")),
            ("LANG", "C".to_owned()),
        ];
        general
            .into_iter()
            .chain(own)
            .map(|(name, value)| (name.to_owned(), value))
            .collect()
    }

    fn command(&self, command: &serde_json::Value) -> Result<(), StackError> {
        let mut commands = lock(&self.commands);
        let pipe = commands.as_mut().ok_or_else(|| self.gone())?;
        writeln!(pipe, "{command}")
            .and_then(|()| pipe.flush())
            .map_err(|e| StackError::Supervisor(e.to_string()))
    }

    fn gone(&self) -> StackError {
        StackError::Supervisor("it has ended".to_owned())
    }
}

impl Drop for Supervisor {
    /// Ends every process and removes the folder before it returns.
    fn drop(&mut self) {
        drop(lock(&self.commands).take());
        // A failure to wait means that it is gone already.
        let _ = lock(&self.child).wait();
    }
}

impl Board {
    fn follow(&self, events: BufReader<ChildStdout>) {
        for line in events.lines().map_while(Result::ok) {
            match serde_json::from_str(&line) {
                Ok(Event::Started { name }) => self.set(&name, State::Running),
                Ok(Event::Failed { name, error }) => self.set(&name, State::Failed(error)),
                Ok(Event::Exited { name, code }) => self.set(&name, State::Exited(code)),
                Ok(Event::Signalled { name, pids }) => {
                    if let Some(sender) = lock(&self.signalled).get(&name) {
                        sender.send_replace(Some(pids));
                    }
                }
                Ok(Event::Ready { .. }) | Err(_) => {
                    tracing::warn!(line, "unexpected word of the supervisor")
                }
            }
        }
        // Whoever waits learns that no more news will come.
        lock(&self.states).clear();
        lock(&self.signalled).clear();
    }

    fn set(&self, name: &str, state: State) {
        if let Some(sender) = lock(&self.states).get(name) {
            sender.send_replace(state);
        }
    }
}

impl Process {
    /// Waits for the end; the exit code, negative for a signal.
    pub(crate) async fn exited(&self) -> Result<i32, StackError> {
        let mut state = self.state.clone();
        let ended = state
            .wait_for(|state| matches!(state, State::Exited(_)))
            .await;
        match ended.map(|state| state.clone()) {
            Ok(State::Exited(code)) => Ok(code),
            _ => Err(StackError::Supervisor("it has ended".to_owned())),
        }
    }

    pub(crate) fn is_running(&self) -> bool {
        *self.state.borrow() == State::Running
    }

    /// Looks at `condition` until it holds; an error when the process ends or the time is over.
    pub(crate) async fn until<F, Fut>(
        &self,
        what: &str,
        limit: Duration,
        mut condition: F,
    ) -> Result<(), StackError>
    where
        F: FnMut() -> Fut,
        Fut: Future<Output = bool>,
    {
        let deadline = Instant::now() + limit;
        loop {
            if condition().await {
                return Ok(());
            }
            tokio::select! {
                code = self.exited() => return Err(self.problem(format!("ended with {} before {what}", code?))),
                () = tokio::time::sleep(POLL) => {}
            }
            if Instant::now() > deadline {
                return Err(self.problem(format!("not {what} within {limit:?}")));
            }
        }
    }

    pub(crate) fn problem(&self, problem: String) -> StackError {
        StackError::Part {
            part: self.name.clone(),
            problem,
            ended: !self.is_running(),
            log: LogTail::of(&self.log),
        }
    }
}

pub(crate) fn path_text(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

/// A poisoned lock guards plain maps and pipes, which a panic cannot leave half changed.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner)
}
