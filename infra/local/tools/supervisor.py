"""Starts and ends the processes of one local stack, and outlives the program that asked for them.

The stack holds the other end of stdin. When that closes, for whatever reason (end, panic, SIGKILL),
everything that was started is ended, grandchildren included, and the stack's folder is removed.

Commands arrive on stdin and answers leave on stdout, one JSON object a line:
  {"do": "start", "name", "argv", "env", "cwd", "log", "user", "stop"}  -> started | failed, later exited
  {"do": "kill", "name"}                  SIGKILL for the process and all its descendants -> exited
  {"do": "signal_children", "name", "program", "kind"}  KILL, STOP or CONT for descendants that run `program` -> signalled
"""

import contextlib
import ctypes
import json
import os
import pwd
import selectors
import shutil
import signal
import subprocess
import sys
import tempfile
import time

# How long a process may take to end by itself before it is killed, in seconds.
PATIENCE = 3.0
# Whom PostgreSQL runs as when we are root, since it refuses to be root.
UNPRIVILEGED = "nobody"


class Process:
    def __init__(self, name, popen, stop):
        self.name, self.pid, self.stop, self.popen = name, popen.pid, stop, popen


def adopt_orphans():
    """On Linux, descendants whose parent died become our children, so that none is lost sight of."""
    if sys.platform == "linux":
        PR_SET_CHILD_SUBREAPER = 36
        ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def process_table():
    """pid -> (parent pid, arguments) for every process that can be seen, zombies left out."""
    if os.path.isdir("/proc/self"):
        table = {}
        for pid in filter(str.isdigit, os.listdir("/proc")):
            with contextlib.suppress(OSError):
                with open(f"/proc/{pid}/stat", "rb") as file:
                    state, parent = file.read().rsplit(b")", 1)[1].split()[:2]
                with open(f"/proc/{pid}/cmdline", "rb") as file:
                    arguments = file.read().decode(errors="replace").split("\0")
                if state not in (b"Z", b"X"):
                    table[int(pid)] = (int(parent), arguments)
        return table
    listing = subprocess.run(
        ["ps", "-A", "-o", "pid=,ppid=,stat=,args="], stdout=subprocess.PIPE, text=True, check=True
    )
    rows = (line.split(None, 3) for line in listing.stdout.splitlines())
    return {int(r[0]): (int(r[1]), r[3].split()) for r in rows if len(r) == 4 and r[2][0] != "Z"}


def descendants(pid, table):
    found, edge = [], [pid]
    while edge:
        edge = [child for child, (parent, _) in table.items() if parent in edge and child not in found]
        found += edge
    return found


def send_signal(pid, number):
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.kill(pid, number)


def kill_tree(pid):
    """Stops the root first: it must not start another child between the listing and the end."""
    send_signal(pid, signal.SIGSTOP)
    doomed = descendants(pid, process_table())
    for each in [pid, *doomed]:
        send_signal(each, signal.SIGKILL)
    return doomed


class Supervisor:
    def __init__(self, shared):
        self.processes = {}
        self.dying = {}  # name -> descendants that must be gone before "exited" may be said
        self.user = UNPRIVILEGED if shared and os.geteuid() == 0 else None
        self.folder = self.make_folder()

    def make_folder(self):
        """A temporary folder, in a place that the unprivileged user can reach as well."""
        places = [tempfile.gettempdir()] + (["/tmp", "/var/tmp"] if self.user else [])
        for place in places:
            folder = tempfile.mkdtemp(prefix="media-sync-", dir=place)
            if self.user is not None:
                os.chmod(folder, 0o711)
            if self.user is None or self.can_enter(folder):
                self.furnish(folder)
                return folder
            os.rmdir(folder)
        sys.exit(f"no temporary folder that the user '{self.user}' can reach; tried {', '.join(places)}")

    def furnish(self, folder):
        """Subfolders: for logs, for temporary files, and one that belongs to the unprivileged user."""
        for name in ("logs", "tmp", "unprivileged"):
            os.mkdir(os.path.join(folder, name), 0o700)
        if self.user is not None:
            entry = pwd.getpwnam(self.user)
            os.chown(os.path.join(folder, "unprivileged"), entry.pw_uid, entry.pw_gid)

    def can_enter(self, folder):
        probe = subprocess.run(["/bin/sh", "-c", 'cd "$0"', folder], cwd="/", stderr=subprocess.DEVNULL, **self.identity())
        return probe.returncode == 0

    def identity(self):
        if self.user is None:
            return {}
        entry = pwd.getpwnam(self.user)
        return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}

    def say(self, **event):
        with contextlib.suppress(BrokenPipeError):
            sys.stdout.write(json.dumps(event) + "\n")
            sys.stdout.flush()

    # --- Commands -----------------------------------------------------------------------------------

    def obey(self, command):
        getattr(self, "do_" + command.pop("do"))(**command)

    def do_start(self, name, argv, env, cwd, log, unprivileged, stop):
        try:
            with open(log, "ab") as output:
                popen = subprocess.Popen(
                    argv,
                    env=env,
                    cwd=cwd,
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                    **(self.identity() if unprivileged else {}),
                )
        except (OSError, subprocess.SubprocessError) as error:
            self.say(event="failed", name=name, error=str(error))
            return
        self.processes[popen.pid] = Process(name, popen, getattr(signal, "SIG" + stop))
        self.say(event="started", name=name, pid=popen.pid)

    def do_kill(self, name):
        for process in self.named(name):
            self.dying[name] = kill_tree(process.pid)

    def do_signal_children(self, name, program, kind):
        number = signal.Signals[f"SIG{kind}"]
        reached = []
        table = process_table()
        for process in self.named(name):
            for pid in descendants(process.pid, table):
                if any(os.path.basename(argument) == program for argument in table[pid][1][:2]):
                    send_signal(pid, number)
                    reached.append(pid)
        if number == signal.SIGKILL:
            self.wait_until_gone(reached)
        self.say(event="signalled", name=name, pids=reached)

    def named(self, name):
        return [process for process in self.processes.values() if process.name == name]

    # --- Ends ------------------------------------------------------------------------------------------

    def reap(self):
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            process = self.processes.pop(pid, None)
            if process:
                code = os.waitstatus_to_exitcode(status)
                process.popen.returncode = code  # so that Popen does not wait for it again
                self.wait_until_gone(self.dying.pop(process.name, []))
                self.say(event="exited", name=process.name, code=code)

    def wait_until_gone(self, pids):
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline and any(pid in process_table() for pid in pids):
            for pid in pids:
                with contextlib.suppress(ChildProcessError):
                    os.waitpid(pid, os.WNOHANG)
            time.sleep(0.01)

    def end_everything(self):
        for process in list(self.processes.values()):
            if process.stop == signal.SIGKILL:
                kill_tree(process.pid)
            else:
                send_signal(process.pid, process.stop)
        deadline = time.monotonic() + PATIENCE
        while True:
            self.reap()
            left = descendants(os.getpid(), process_table())
            if not left:
                break
            if time.monotonic() > deadline:
                for pid in left:
                    send_signal(pid, signal.SIGKILL)
            time.sleep(0.01)
        shutil.rmtree(self.folder, ignore_errors=True)

    def run(self):
        wake, wakened = os.pipe()
        for end in (wake, wakened):
            os.set_blocking(end, False)
        signal.set_wakeup_fd(wakened, warn_on_full_buffer=False)
        # Handlers instead of "ignore": what is ignored here would stay ignored in what we start. The
        # end comes with the end of stdin, also when a terminal's Ctrl-C reaches the whole group.
        for number in (signal.SIGCHLD, signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, lambda *_: None)
        self.say(event="ready", folder=self.folder, unprivileged=self.user is not None)
        selector = selectors.DefaultSelector()
        selector.register(0, selectors.EVENT_READ)
        selector.register(wake, selectors.EVENT_READ)
        received = b""
        while True:
            for key, _ in selector.select():
                if key.fd == wake:
                    os.read(wake, 4096)
                    continue
                piece = os.read(0, 65536)
                if not piece:
                    return
                *lines, received = (received + piece).split(b"\n")
                for line in lines:
                    self.obey(json.loads(line))
            self.reap()


def main():
    adopt_orphans()
    supervisor = Supervisor(shared="--shared" in sys.argv[1:])
    try:
        supervisor.run()
    finally:
        supervisor.end_everything()


main()
