# SPDX-License-Identifier: MIT
"""The real master in a directory of its own, and what a test asks of it.

    port = free_port()
    text = service("echo", [f"127.0.0.1:{port}"], ["ostler-echo"])
    with Ostlerd(text) as master:
        with master.client(port) as client:
            assert client.ask("hello") == "hello"
        master.wait_for("echo", lambda s: s["served"] == 1)

Leaving the block stops the master by SIGTERM and asserts that it exited 0,
left no process, no zombie, no socket and no report of a sanitizer. A test
that stops it itself calls stop(), quit() or kill() in the block.

Everything that waits has a deadline and says what it waited for.
"""

import ctypes
import json
import os
import re
import select
import shutil
import signal
import socket
import stat
import subprocess
import tempfile
import time
from pathlib import Path

BUILD = Path(os.environ["OSTLER_BUILD"])
OSTLERD = BUILD / "src/master/ostlerd"
OSTLER = BUILD / "src/ctl/ostler"
ROGUE = BUILD / "tests/integration/rogue"
ROOT = os.geteuid() == 0
DIRECTORY = "@DIRECTORY@"  # in a configuration: the master's own one
JOURNAL = DIRECTORY + "/journal"  # a file that every worker may write


def _is_sanitized():
    options = json.loads((BUILD / "meson-info/intro-buildoptions.json").read_text())
    return any(o["name"] == "b_sanitize" and o["value"] != "none" for o in options)


SANITIZED = _is_sanitized()
DEADLINE_S = 30.0 if SANITIZED else 10.0

# Orphans of the masters under test become ours, so that none goes unseen.
_PR_SET_CHILD_SUBREAPER = 36
ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
_ours = set()  # pids of children that are no orphans
_reserved = []  # sockets that keep ports from being given to others


def libexec():
    """A directory with the programs that ship with ostler."""
    where = BUILD / "tests/integration/libexec"
    where.mkdir(exist_ok=True)
    for program in (BUILD / "src/programs").glob("*/ostler-*"):
        link = where / program.name
        if not program.is_file() or program.suffix or link.is_symlink():
            continue
        try:
            link.symlink_to(program)
        except FileExistsError:  # another test was faster
            pass
    return where


def free_port(host="127.0.0.1"):
    """A port that nobody gets but who asks for it by number."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    holder = socket.socket(family, socket.SOCK_STREAM)
    holder.bind((host, 0))
    # Only now: bound alone, and the master may bind it beside us.
    holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    _reserved.append(holder)
    return holder.getsockname()[1]


def wait_until(true, what, deadline_s=None):
    """What TRUE says when it is true at last; asked again until then."""
    deadline_s = deadline_s or DEADLINE_S
    end = time.monotonic() + deadline_s
    while True:
        result = true()
        if result:
            return result
        assert time.monotonic() < end, f"not in {deadline_s} s: {what() if callable(what) else what}"
        select.select([], [], [], 0.01)


def _quoted(value):
    text = str(value).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{text}"'


def setting(name, value):
    if isinstance(value, (list, tuple)):
        value = "{" + ", ".join(_quoted(v) for v in value) + "}"
    elif not isinstance(value, int):
        value = _quoted(value)
    return f"    {name} = {value}\n"


def service(name, listen, command, **settings):
    """The text of one service; as root its user is nobody unless it says."""
    if ROOT:
        settings.setdefault("user", "nobody")
    if settings.get("user", "") is None:
        del settings["user"]
    body = setting("listen", listen) + setting("command", command)
    body += "".join(setting(k, v) for k, v in settings.items())
    return f"service {name} {{\n{body}}}\n"


def rogue(name, listen, *switches, **settings):
    """A service of misbehaving workers: rogue.c has the switches."""
    return service(name, listen, [ROGUE, *switches], **settings)


# ------------------------------------------------------------- processes


def _stat(pid):
    """(state, parent) of a process, or None when there is none."""
    try:
        rest = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    except OSError:
        return None
    return rest[0], int(rest[1])


def is_alive(pid):
    found = _stat(pid)
    return found is not None and found[0] not in "ZX"


def state_of(pid):
    """The kernel's letter for it, or "" when it is gone."""
    found = _stat(pid)
    return found[0] if found else ""


def children_of(parent):
    found = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            info = _stat(entry)
            if info and info[1] == parent:
                found[int(entry)] = info[0]
    return found


def environment_of(pid):
    try:
        data = Path(f"/proc/{pid}/environ").read_bytes()
    except OSError:
        return {}
    pairs = [p.split(b"=", 1) for p in data.split(b"\0") if b"=" in p]
    return {k.decode(errors="replace"): v.decode(errors="replace") for k, v in pairs}


def orphans():
    """Living processes that somebody left to us; the dead are reaped."""
    living = []
    for pid, state in children_of(os.getpid()).items():
        if pid in _ours:
            continue
        if state != "Z":
            living.append(pid)
            continue
        try:
            os.waitpid(pid, os.WNOHANG)
        except ChildProcessError:
            pass
    return living


def cpu_seconds(pid):
    """utime + stime so far."""
    rest = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(rest[11]) + int(rest[12])) / os.sysconf("SC_CLK_TCK")


def start_process(argv, **more):
    """subprocess.Popen, known to be ours."""
    process = subprocess.Popen(argv, **more)
    _ours.add(process.pid)
    return process


def run(argv, **more):
    more.setdefault("timeout", 3 * DEADLINE_S)
    return subprocess.run(argv, capture_output=True, text=True, check=False, **more)


# ------------------------------------------------------------- clients


class Client:
    """A connection that fails rather than waits for ever."""

    def __init__(self, connection):
        self.socket = connection
        self.socket.settimeout(DEADLINE_S)
        self._rest = b""

    def send(self, text):
        data = text.encode() if isinstance(text, str) else text
        self.socket.sendall(data)

    def line(self):
        """The next line without its end; None at end-of-file or reset."""
        while b"\n" not in self._rest:
            try:
                part = self.socket.recv(65536)
            except ConnectionError:
                return None
            if not part:
                return None
            self._rest += part
        line, self._rest = self._rest.split(b"\n", 1)
        return line.decode(errors="replace")

    def ask(self, text):
        self.send(text + "\n")
        return self.line()

    def lines(self, text):
        """All lines up to one that is a single dot."""
        self.send(text + "\n")
        lines = []
        while True:
            line = self.line()
            assert line is not None, f"the connection ended after {lines}"
            if line == ".":
                return lines
            lines.append(line)

    def at_end(self):
        """True when the server is done with us; what it sent is skipped."""
        try:
            while self.socket.recv(65536):
                pass
        except ConnectionError:
            pass
        return True

    def close(self):
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def connect(where, deadline_s=None):
    """WHERE: a port of 127.0.0.1, (host, port), or the path of a socket."""
    if isinstance(where, int):
        where = ("127.0.0.1", where)
    if isinstance(where, tuple):
        connection = socket.create_connection(where, deadline_s or DEADLINE_S)
    else:
        connection = socket.socket(socket.AF_UNIX)
        connection.settimeout(deadline_s or DEADLINE_S)
        try:
            connection.connect(os.fspath(where))
        except BaseException:
            connection.close()
            raise
    return Client(connection)


# ------------------------------------------------------------- the master


class Ostlerd:
    """CONFIG is the text after `runtime_directory = ...`.

    prefix: words before ostlerd (unshare, setpriv ...). preexec: called in
    the child. stderr: where its log goes; then log() has nothing.
    """

    def __init__(self, config, *, options=(), env=None, prefix=(), preexec=None,
                 stderr=None, keep_open=(), head="", leftovers=False, directory=None):
        self._made = directory is None
        self.directory = Path(directory or tempfile.mkdtemp(prefix="ostler-test-"))
        self.directory.chmod(0o755)
        self.runtime = self.directory / "run"
        self.config = self.directory / "ostler.conf"
        self.control = self.runtime / "control.sock"
        self.log_file = self.directory / "log"
        self.head = head
        self.options = list(options)
        self.prefix = [str(w) for w in prefix]
        self.extra_env = env
        self.preexec = preexec
        self.stderr = stderr
        self.keep_open = keep_open
        self.leftovers = leftovers  # the test looks after orphans itself
        self.process = None
        self.exit = None
        self.journal_file = self.directory / "journal"
        self.journal_file.touch()
        self.journal_file.chmod(0o666)
        self.write(config)

    # -------- life

    def write(self, config):
        """The configuration for the next start or reload."""
        text = f'runtime_directory = "{self.runtime}"\n{self.head}{config}'
        text = text.replace(DIRECTORY, str(self.directory))
        fresh = self.config.with_suffix(".new")
        fresh.write_text(text)
        fresh.chmod(0o644)
        fresh.rename(self.config)

    def environment(self):
        env = {k: v for k, v in os.environ.items()
               if k in ("PATH", "ASAN_OPTIONS", "UBSAN_OPTIONS", "LSAN_OPTIONS")}
        env["OSTLER_LIBEXEC"] = str(libexec())
        env.update(self.extra_env or {})
        return env

    def launch(self):
        """Start it, and do not wait."""
        log = open(self.log_file, "ab") if self.stderr is None else None
        try:
            self.process = start_process(
                [*self.prefix, str(OSTLERD), "-c", str(self.config), *self.options],
                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                stderr=log or self.stderr, env=self.environment(), cwd="/",
                preexec_fn=self.preexec, pass_fds=self.keep_open)
        finally:
            if log:
                log.close()
        self.exit = None
        return self

    def start(self):
        """Start it, and wait until it serves."""
        self.launch()
        wait_until(self._is_up, lambda: f"the master is up; its log: {self.log()}")
        return self

    def _is_up(self):
        code = self.process.poll()
        assert code is None, f"the master ended with {code}; its log: {self.log()}"
        if not self.control.exists():
            return False
        done = self.ostler("status", "--json")
        if done.returncode != 0:
            return False
        document = json.loads(done.stdout)
        return document["master"]["state"] == "running" and (
            self.stderr is not None or "master-started" in self.log())

    @property
    def pid(self):
        """Of ostlerd itself, also behind a prefix that forks."""
        if not self.prefix:
            return self.process.pid
        return self.status()["master"]["pid"]

    def send_signal(self, number):
        self.process.send_signal(number)

    def wait(self, deadline_s=None):
        """Its exit status."""
        try:
            self.exit = self.process.wait(deadline_s or 2 * DEADLINE_S)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"the master is still there; its log: {self.log()}") from None
        _ours.discard(self.process.pid)
        return self.exit

    def stop(self, number=signal.SIGTERM, deadline_s=None):
        """Stop it, and look at what it left."""
        wait_until(lambda: not self.zombies(), "the master has no zombies")
        self.send_signal(number)
        code = self.wait(deadline_s)
        assert code == 0, f"the master exited with {code}; its log: {self.log()}"
        self.check_clean()

    def kill(self):
        """As when it crashes: SIGKILL; its workers are the test's concern."""
        self.send_signal(signal.SIGKILL)
        self.wait()

    def check_clean(self):
        """Nothing is left of it: no process, no socket, no complaint."""
        if not self.leftovers:
            wait_until(lambda: not orphans(),
                       lambda: "no process is left: " + repr(
                           [(p, Path(f"/proc/{p}/cmdline").read_text()) for p in orphans()]))
        left = [p.name for p in self.directory.rglob("*")
                if stat.S_ISSOCK(p.lstat().st_mode) or stat.S_ISFIFO(p.lstat().st_mode)]
        assert not left, f"sockets or pipes are left: {left}"
        self.check_log()

    def check_log(self):
        text = self.log()
        bad = re.search(r"Sanitizer|runtime error:|Assertion", text)
        assert not bad, text

    def __enter__(self):
        try:
            return self.start()
        except BaseException:
            self._remove()
            raise

    def __exit__(self, kind, error, _):
        try:
            if kind is None and self.exit is None:
                self.stop()
            elif kind is not None:
                print(f"--- the log of the master\n{self.log()[-8000:]}")
        finally:
            self._remove()

    def _remove(self):
        if self.process is not None and self.exit is None:
            for pid in children_of(self.process.pid):
                _kill(pid)
            self.process.kill()
            self.process.wait()
            _ours.discard(self.process.pid)
        for pid in orphans():
            _kill(pid)
        wait_until(lambda: not orphans(), "what was killed is gone")
        if self._made:
            shutil.rmtree(self.directory, ignore_errors=True)

    # -------- questions

    def ostler(self, *words, **more):
        """ostler(1), with the control socket of this master."""
        return run([str(OSTLER), "-s", str(self.control), *words],
                   env=self.environment(), **more)

    def status(self):
        done = self.ostler("status", "--json")
        assert done.returncode == 0, f"{done}; log: {self.log()}"
        return json.loads(done.stdout)

    def service(self, name):
        """The row of one service, or None."""
        for row in self.status()["services"]:
            if row["name"] == name:
                return row
        return None

    def wait_for(self, name, true, deadline_s=None):
        """The row of a service when TRUE is true of it."""
        last = {}

        def look():
            last["row"] = self.service(name)
            return last["row"] if last["row"] and true(last["row"]) else None

        return wait_until(look, lambda: f"service {name}: {last['row']}\n{self.log()[-3000:]}",
                          deadline_s)

    def reload(self, config=None, *, good=True):
        """Write CONFIG if given, `ostler reload`, and what that said."""
        if config is not None:
            self.write(config)
        done = self.ostler("reload")
        if good:
            assert done.returncode == 0, f"{done}; log: {self.log()}"
        return done

    def client(self, where):
        """A client: of a port, of (host, port), or of a unix: name."""
        if isinstance(where, str):
            where = self.runtime / where
        return connect(where)

    def log(self):
        try:
            return self.log_file.read_text(errors="replace")
        except OSError:
            return ""

    def journal(self, word=""):
        """What workers noted (rogue --journal), as (pid, text) pairs."""
        pairs = [ln.split(" ", 1) for ln in self.journal_file.read_text().splitlines()]
        return [(int(pid), text) for pid, text in pairs if text.startswith(word)]

    def events(self, name):
        """The lines of this event as dictionaries of their keys."""
        pattern = re.compile(r'([\w-]+)=(?:"((?:[^"\\]|\\.)*)"|(\S+))')
        found = []
        for line in self.log().splitlines():
            words = re.match(r"\S+Z " + re.escape(name) + r"(?: |$)", line)
            if words:
                found.append({k: a or b for k, a, b in pattern.findall(line)})
        return found

    def wait_event(self, name, true=lambda keys: True, deadline_s=None):
        """The first line of event NAME of which TRUE is true."""
        return wait_until(
            lambda: next((e for e in self.events(name) if true(e)), None),
            lambda: f"event {name} in the log: {self.log()[-3000:]}", deadline_s)

    def workers(self, name=None):
        """Pids of the living workers, of one service or of all."""
        found = []
        for pid, state in children_of(self.pid).items():
            if state == "Z":
                continue
            owner = environment_of(pid).get("OSTLER_SERVICE")
            if owner and name in (None, owner):
                found.append(pid)
        return sorted(found)

    def zombies(self):
        pid = self.process.pid
        return [p for p, state in children_of(pid).items() if state == "Z"]

    def fds(self):
        """How many descriptors the master has open."""
        return len(os.listdir(f"/proc/{self.pid}/fd"))

    def cpu_seconds(self):
        return cpu_seconds(self.pid)


def _kill(pid):
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
