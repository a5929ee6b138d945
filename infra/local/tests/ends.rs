//! However the program ends, nothing of its stack is left. Linux only: /proc shows the leftovers.
#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};

use support::processes::{Identity, command, descendants, is_alive};
use support::{EchoProject, get, wait_until};

/// `local_stack up` with everything that can be left over: servers, and a running function.
struct Up {
    program: Child,
    processes: BTreeSet<Identity>,
    folder: PathBuf,
    _project: EchoProject,
}

impl Up {
    async fn start() -> Self {
        let mut up = Self::launch(Stdio::piped());
        let stdout = up.program.stdout.take().unwrap();
        let lines = BufReader::new(stdout).lines().map_while(Result::ok);
        let announced: Vec<String> = lines
            .take_while(|line| !line.starts_with("Ctrl-C"))
            .collect();
        let value = |name: &str| {
            let line = announced.iter().find_map(|line| line.strip_prefix(name));
            line.unwrap_or_else(|| panic!("no {name} in {announced:?}"))
                .trim()
                .to_owned()
        };
        let media = format!("{}/api/cloudinary/media", value("front door"));
        assert_eq!(get(&media, &[]).await.status, 200);
        up.processes = descendants(up.program.id());
        for expected in [
            "supervisor.py",
            "bin/postgres",
            "/postgrest",
            "emulator.py",
            "bootstrap",
        ] {
            assert!(
                up.processes
                    .iter()
                    .any(|process| command(process).contains(expected)),
                "{expected} runs"
            );
        }
        up.folder = PathBuf::from(value("logs")).parent().unwrap().to_owned();
        assert!(up.folder.is_dir());
        up
    }

    fn launch(stdout: Stdio) -> Self {
        let project = EchoProject::new();
        let program = Command::new(env!("CARGO_BIN_EXE_local_stack"))
            .args(["up", "--without", "cloudinary", "--template"])
            .arg(project.template())
            .stdout(stdout)
            .spawn()
            .unwrap();
        Self {
            program,
            processes: BTreeSet::new(),
            folder: PathBuf::new(),
            _project: project,
        }
    }

    fn wait(&mut self) -> ExitStatus {
        self.program.wait().unwrap()
    }

    fn signal(&self, name: &str) {
        let sent = Command::new("kill")
            .args(["-s", name, &self.program.id().to_string()])
            .status()
            .unwrap();
        assert!(sent.success());
    }

    fn nothing_is_left(&self) {
        wait_until("the end of every process and of the folder", || {
            !self.processes.iter().any(is_alive) && !self.folder.exists()
        });
    }
}

/// So that a failed test leaves nothing behind either.
impl Drop for Up {
    fn drop(&mut self) {
        let _ = self.program.kill();
        let _ = self.program.wait();
    }
}

#[tokio::test]
async fn sigkill_leaves_no_process_and_no_folder() {
    let mut up = Up::start().await;
    up.signal("KILL");
    up.wait();
    up.nothing_is_left();
}

#[tokio::test]
async fn sigterm_ends_in_order() {
    let mut up = Up::start().await;
    up.signal("TERM");
    assert!(up.wait().success());
    // In order means: before the program's own end.
    assert!(!up.processes.iter().any(is_alive));
    assert!(!up.folder.exists());
}

#[tokio::test]
async fn interrupted_start_leaves_nothing() {
    let mut up = Up::launch(Stdio::null());
    let deploying = |up: &Up| {
        descendants(up.program.id())
            .iter()
            .any(|process| command(process).contains("sam deploy"))
    };
    wait_until("the start of the deployment", || deploying(&up));
    up.processes = descendants(up.program.id());
    up.signal("INT");
    assert!(up.wait().success());
    assert!(!up.processes.iter().any(is_alive));
}
