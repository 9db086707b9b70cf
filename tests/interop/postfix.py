# SPDX-License-Identifier: MIT
"""Debian's Postfix with directories of its own, whose master starts our workers.

    with Postfix(["echo unix n - n - - skeleton single @JOURNAL@"]) as postfix:
        with postfix.client("public/echo") as client:
            assert client.ask("hello") == "hello"

Leaving the block stops the master by its pid and asserts that it left no
worker behind and that nothing went wrong in its log. @JOURNAL@ is a file that
the workers write to. Everything that waits has a deadline.
"""

import os
import select
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path

BUILD = Path(os.environ["OSTLER_BUILD"])
SKELETON = BUILD / "tests/integration/skeleton"
DAEMONS = Path("/usr/lib/postfix/sbin")
QUEUES = "active bounce corrupt defer deferred flush hold incoming maildrop saved trace".split()
DEADLINE_S = 20.0

MAIN_CF = """\
compatibility_level = 3.6
queue_directory = {root}/queue
data_directory = {root}/data
daemon_directory = {root}/sbin
command_directory = /usr/sbin
mail_owner = postfix
setgid_group = postdrop
myhostname = ostler.test
mynetworks = 127.0.0.0/8
inet_interfaces = loopback-only
maillog_file = {root}/log
maillog_file_prefixes = {root}
alias_maps =
"""

_reserved = []  # sockets that keep ports from being given to others


def why_not():
    """A reason not to run these tests, or nothing."""
    if os.geteuid() != 0:
        return "Postfix's master runs as root only"
    if not (DAEMONS / "master").exists():
        return "Postfix is not installed"
    return ""


def has_ipv6():
    try:
        with socket.socket(socket.AF_INET6, socket.SOCK_STREAM) as probe:
            probe.bind(("::1", 0))
        return True
    except OSError:
        return False


def free_port():
    """A port of 127.0.0.1 that nobody gets but who asks for it by number."""
    holder = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    holder.bind(("127.0.0.1", 0))
    # Only now: bound alone, and the master may bind it beside us.
    holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    _reserved.append(holder)
    return holder.getsockname()[1]


def wait_until(true, what):
    end = time.monotonic() + DEADLINE_S
    while True:
        result = true()
        if result:
            return result
        assert time.monotonic() < end, f"not in time: {what() if callable(what) else what}"
        select.select([], [], [], 0.01)


class Client:
    """A connection on which lines are asked and answered."""

    def __init__(self, connection):
        self.socket = connection
        connection.settimeout(DEADLINE_S)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def ask(self, line):
        self.socket.sendall(line.encode() + b"\n")
        got = b""
        while not got.endswith(b"\n"):
            part = self.socket.recv(4096)
            assert part, f"the connection ended after {got!r}"
            got += part
        return got.decode().rstrip("\n")

    def who(self):
        """What the worker finds."""
        return dict(word.split("=", 1) for word in self.ask("who").split(" "))


def is_alive(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


class Postfix:
    """SERVICES are lines of master.cf, SETTINGS are added to main.cf."""

    def __init__(self, services, settings="", postlog="postlogd"):
        self.root = Path(tempfile.mkdtemp(prefix="ostler-postfix."))
        self.root.chmod(0o755)
        self.journal = self.root / "journal"
        self.config = self.root / "etc"
        self.queue = self.root / "queue"
        self._postlog = postlog
        self._make_directories()
        (self.config / "main.cf").write_text(MAIN_CF.format(root=self.root) + settings)
        # Postfix waits until it has not been changed for two seconds.
        os.utime(self.config / "main.cf", (time.time() - 60,) * 2)
        self.write_master_cf(services)
        self.master = None

    def _make_directories(self):
        self.config.mkdir()
        shutil.copy("/etc/postfix/postfix-files", self.config)
        for name in "queue/pid", "queue/private", "queue/public", "data", "sbin":
            (self.root / name).mkdir(parents=True)
        for name in QUEUES:
            (self.queue / name).mkdir()
            shutil.chown(self.queue / name, "postfix")
        for daemon in DAEMONS.iterdir():
            (self.root / "sbin" / daemon.name).symlink_to(daemon)
        (self.root / "sbin/skeleton").symlink_to(SKELETON)
        shutil.chown(self.root / "data", "postfix")
        shutil.chown(self.queue / "private", "postfix")
        (self.queue / "private").chmod(0o700)
        shutil.chown(self.queue / "public", "postfix", "postdrop")
        (self.queue / "public").chmod(0o2710)
        self.journal.touch()
        self.journal.chmod(0o666)

    def write_master_cf(self, services):
        lines = [f"postlog unix-dgram n - n - 1 {self._postlog}", *services]
        text = "\n".join(lines).replace("@JOURNAL@", str(self.journal)) + "\n"
        (self.config / "master.cf").write_text(text)

    def __enter__(self):
        environment = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C"}
        self.master = subprocess.Popen(
            [self.root / "sbin/master", "-c", self.config], env=environment,
            stdin=subprocess.DEVNULL)
        try:
            wait_until(lambda: "daemon started" in self.log() or self.master.poll() is not None,
                       lambda: f"the master starts: {self.log()}")
            assert self.master.poll() is None, self.log()
        except BaseException:
            self._stop()
            shutil.rmtree(self.root)
            raise
        return self

    def __exit__(self, kind, *_):
        pids = self.pids()
        try:
            self._stop()
            wait_until(lambda: not any(map(is_alive, pids)), "all workers are gone")
            if kind is None:
                bad = [ln for ln in self.log().splitlines()
                       if any(w in ln for w in ("warning:", "error:", "fatal:", "panic:"))]
                assert not bad, bad
        finally:
            for pid in filter(is_alive, pids):
                os.kill(pid, signal.SIGKILL)
            # postfix-script leaves a postsuper behind that may still look in.
            shutil.rmtree(self.root, ignore_errors=True)

    def _stop(self):
        """SIGTERM, which Postfix's master passes on to its process group."""
        if self.master.poll() is None:
            self.master.terminate()
        self.master.wait(DEADLINE_S)

    def reload(self):
        """As an operator does; returns when the master has done it."""
        before = self.log().count("reload -- version")
        done = subprocess.run(["postfix", "-c", self.config, "reload"], capture_output=True,
                              text=True, stdin=subprocess.DEVNULL, timeout=DEADLINE_S)
        assert done.returncode == 0, done.stderr
        wait_until(lambda: self.log().count("reload -- version") > before,
                   lambda: f"the master reloads: {self.log()}")

    def log(self):
        """The log; a worker of ours may be the one who keeps it."""
        path = self.root / "log" if self._postlog == "postlogd" else self.journal
        return path.read_text(errors="replace") if path.exists() else ""

    # What workers wrote

    def lines(self):
        """(pid, text) of every line in the journal."""
        pairs = [ln.split(" ", 1) for ln in self.journal.read_text().splitlines()]
        return [(int(pid), text) for pid, text in pairs]

    def expect(self, text, times=1):
        wait_until(lambda: sum(found == text for _, found in self.lines()) >= times,
                   lambda: f"{times} times {text!r} in {self.lines()}; {self.log()}")

    def pids(self):
        """Workers that began."""
        return {pid for pid, text in self.lines() if text == "init"}

    def expect_gone(self, pid):
        wait_until(lambda: not is_alive(pid), f"{pid} leaves")

    # Who comes

    def client(self, where):
        """WHERE is a port of 127.0.0.1, or a path in the queue directory."""
        if isinstance(where, int):
            return Client(socket.create_connection(("127.0.0.1", where), DEADLINE_S))
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        connection.settimeout(DEADLINE_S)
        connection.connect(str(self.queue / where))
        return Client(connection)
