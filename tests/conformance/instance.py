# SPDX-License-Identifier: MIT
"""An instance of Postfix under one of two masters, and its recorders.

    with Instance("ostler", ["x unix n - n - - recorder @JOURNAL@"]) as m:
        with m.client("public/x") as client:
            client.ask("who")
        m.log()

In lines of master.cf and settings @JOURNAL@ is the recorders' journal, @ROOT@
the instance's directory, @A@ to @Z@ are ports of 127.0.0.1 of its own. No
postlogd runs unless a line says so: without one a master writes its log file
itself, so that no line of it is lost. Everything that waits has a deadline.
"""

import json
import os
import re
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "interop"))

import postfix  # noqa: E402
from postfix import (  # noqa: E402, F401
    BUILD, DAEMONS, DEADLINE_S, Client, Postfix, has_ipv6, is_alive, wait_until, why_not)

RECORDER = BUILD / "tests/conformance/recorder"
MASTERS = {"postfix": DAEMONS / "master", "ostler": BUILD / "src/master/ostlerd"}
# A service whose workers stay with their client: whoever asks it gets a new
# worker, which is to say that the master has come round to everything before.
BARRIER = "barrier unix n - n - 0 recorder @JOURNAL@ @barrier"
# Lines that are ostlerd's own: an event and what belongs to it (ostlerd(8)).
OWN_LINE = re.compile(r"(?:warning: |error: |fatal: )?([a-z][a-z-]+)((?: [\w-]+=(?:\"[^\"]*\"|\S*))+)")
# That a sanitizer in ostlerd changes neither its exits nor its signals.
SANITIZER = "detect_leaks=0:handle_segv=0:handle_sigbus=0:handle_sigill=0:handle_abort=0"
LOG_LINE = re.compile(r"\w+ +\d+ [\d:]+ (\S+) ([\w/.-]+)\[(\d+)\]: (.*)")


class TooSlow(Exception):
    """The machine was; what was seen says nothing."""


def state_of(pid):
    with open(f"/proc/{pid}/stat") as file:
        return file.read().rsplit(")", 1)[1].split()[0]


def parent_of(pid):
    with open(f"/proc/{pid}/stat") as file:
        return int(file.read().rsplit(")", 1)[1].split()[1])


class Instance(Postfix):
    """SIDE says whose master; ARGUMENTS are more of the master's."""

    def __init__(self, side, services, settings="", arguments=(), environment=(), launcher=()):
        self.side = side
        self.ports = {}
        self._names = {}
        self._held = []
        self._entries = []  # of the journal, as far as it was read
        self._read = 0
        self.root = Path(tempfile.mkdtemp(prefix="ostler-conformance."))
        self.config = self.root / "etc"
        self.queue = self.root / "queue"
        self.journal = self.root / "journal"
        self.master = None
        self._make_directories()
        self.main_cf(settings)
        self.master_cf(services)
        self.arguments = [self.expand(word) for word in arguments]
        self.environment = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C",
                            "ASAN_OPTIONS": SANITIZER}
        self.environment.update({k: self.expand(v) for k, v in dict(environment).items()})
        self.launcher = list(launcher)
        self.status = None

    def _make_directories(self):
        """Only what a master looks for: there are hundreds of instances."""
        self.root.chmod(0o755)
        for name in "etc", "queue/pid", "queue/private", "queue/public", "data", "sbin":
            (self.root / name).mkdir(parents=True)
        for name, path in (("master", MASTERS[self.side]), ("recorder", RECORDER),
                           ("postlogd", DAEMONS / "postlogd")):
            (self.root / "sbin" / name).symlink_to(path)
        shutil.chown(self.root / "data", "postfix")
        shutil.chown(self.queue / "private", "postfix")
        (self.queue / "private").chmod(0o700)
        shutil.chown(self.queue / "public", "postfix", "postdrop")
        (self.queue / "public").chmod(0o2710)
        self.journal.touch()
        self.journal.chmod(0o666)

    # Configuration

    def expand(self, text):
        """TEXT with what this instance has in place of @...@."""
        text = text.replace("@JOURNAL@", str(self.journal)).replace("@ROOT@", str(self.root))
        return re.sub(r"@([A-Z])@", lambda found: str(self.port(found[1])), text)

    def port(self, letter):
        if letter not in self.ports:
            self.ports[letter] = postfix.free_port()
        return self.ports[letter]

    def main_cf(self, settings):
        text = postfix.MAIN_CF.format(root=self.root) + self.expand(settings)
        self._write("main.cf", text)

    def master_cf(self, services, barrier=True):
        lines = list(services) + ([BARRIER] if barrier else [])
        self._write("master.cf", self.expand("\n".join(lines)) + "\n")

    def _write(self, name, text):
        """Old enough that Postfix does not wait for it to cool."""
        new = self.config / (name + ".new")
        new.write_text(text)
        os.utime(new, (time.time() - 60,) * 2)
        new.rename(self.config / name)

    def behave(self, tag, *commands):
        """What recorders called TAG do at their start from now on."""
        file = Path(f"{self.journal}.{tag}")
        file.write_text("".join(command + "\n" for command in commands))

    # Start and end

    def command(self, *arguments):
        """MAIL_CONFIG in the environment does as well as -c."""
        where = [] if "MAIL_CONFIG" in self.environment else ["-c", str(self.config)]
        return [*self.launcher, str(self.root / "sbin/master"), *where, *self.arguments,
                *arguments]

    def popen(self, *arguments, **options):
        return subprocess.Popen(self.command(*arguments), env=self.environment, cwd="/",
                                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                stderr=subprocess.STDOUT, **options)

    def __enter__(self):
        self.begin()
        return self

    def begin(self):
        """The master runs; also once more, after an end."""
        before = self.log_text().count("daemon started")
        self.master = self.popen()
        try:
            wait_until(lambda: self.log_text().count("daemon started") > before or
                       self.master.poll() is not None, "the master starts")
            assert self.master.poll() is None, f"{self.side}: no start: {self.log_text()}"
        except BaseException:
            self.finish()
            raise

    def __exit__(self, kind, *_):
        if kind is not None and not issubclass(kind, TooSlow):
            print(f"{self.side}: {self.log_text()}", file=sys.stderr)
        self.finish()

    def finish(self):
        """Nothing of the instance is left, whatever it did."""
        pids = {entry["pid"] for entry in self.entries("start")}
        for held in self._held:
            held.socket.close()
        if self.master is not None:
            if self.master.poll() is None:
                self.master.kill()
            self.status = self.master.wait(DEADLINE_S)
            self.master.stdout.close()
        self._end_daemon()
        for pid in filter(self._is_recorder, pids):
            os.kill(pid, signal.SIGKILL)
        shutil.rmtree(self.root, ignore_errors=True)

    def _end_daemon(self):
        """A master that -w left running, if something failed before it was stopped."""
        try:
            pid = int((self.queue / "pid/master.pid").read_text())
            if str(self.root) in Path(f"/proc/{pid}/cmdline").read_text():
                os.kill(pid, signal.SIGKILL)
        except (OSError, ValueError):
            pass

    def _is_recorder(self, pid):
        try:
            return Path(os.readlink(f"/proc/{pid}/exe")) == RECORDER.resolve()
        except OSError:
            return False

    def terminate(self, number=signal.SIGTERM):
        """The master's wait status after signal NUMBER."""
        self.master.send_signal(number)
        return self.master.wait(DEADLINE_S)

    def freeze(self):
        """The master does nothing until it gets SIGCONT."""
        os.kill(self.master.pid, signal.SIGSTOP)
        wait_until(lambda: state_of(self.master.pid) == "T", "the master is stopped")

    def reload(self):
        begun, ended = self._reloads()
        self.master.send_signal(signal.SIGHUP)
        wait_until(lambda: self._reloads() == (begun + 1, ended + (self.side == "ostler")),
                   self.log_text)
        self.barrier()

    def _reloads(self):
        """How many have begun, and ended: ostler serves on between the two, and says so."""
        own = self.own_lines()
        return (self.log_text().count("reload -- version"),
                own.count("reloaded") + own.count("config-refused"))

    def barrier(self):
        """The master has seen to everything that was there before."""
        for _ in range(2):
            client = self.client("public/barrier")
            client.ask("who")
            self._held.append(client)
        wait_until(self._all_are_born, f"{self.side}: all workers write down that they began")

    def _all_are_born(self):
        """No child of the master is on its way to be a recorder."""
        recorded = {str(entry["pid"]) for entry in self.entries("start")}
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                if parent_of(pid) != self.master.pid:
                    continue
                exe = os.readlink(f"/proc/{pid}/exe")
            except OSError:
                continue  # it has ended
            if pid not in recorded and Path(exe) in (
                    RECORDER.resolve(), MASTERS[self.side].resolve()):
                return False
        return True

    # Clients

    def port_client(self, letter, host="127.0.0.1"):
        return Client(socket.create_connection((host, self.port(letter)), DEADLINE_S))

    def waiting(self, where, text="who"):
        """A client that has asked and does not wait for the answer."""
        client = self.client(where) if "/" in where else self.port_client(where)
        client.socket.sendall(text.encode() + b"\n")
        return client

    @staticmethod
    def answered(client, seconds):
        """The answer to a client that waits, or None."""
        ready, _, _ = select.select([client.socket], [], [], seconds)
        if not ready:
            return None
        got = client.socket.recv(4096)
        return got.decode().rstrip("\n") if got else None

    # What is seen

    def entries(self, what=None, tag=None, pid=None):
        """The lines of the journal, as far as they are whole."""
        with open(self.journal, "rb") as file:
            file.seek(self._read)
            new = file.read()
        for line in new[:new.rfind(b"\n") + 1].splitlines(True):
            self._entries.append(json.loads(line))
            self._read += len(line)
        return [e for e in self._entries if (what is None or e["t"] == what) and
                (tag is None or e["tag"] == tag) and (pid is None or e["pid"] == pid)]

    def expect(self, what, tag=None, pid=None, times=1, **members):
        """The line of the journal that there is sooner or later."""
        def found():
            fits = [e for e in self.entries(what, tag, pid) if members.items() <= e.items()]
            return fits[times - 1] if len(fits) >= times else None
        return wait_until(found, lambda: f"{self.side}: {what} {tag} {members}: "
                          f"{[e for e in self.entries() if e['t'] != 'start']} {self.log_text()}")

    def born(self, tag, times=1):
        return self.expect("start", tag, times=times)

    def count(self, tag):
        """How many workers were started."""
        return len(self.entries("start", tag))

    def expect_gone(self, pid):
        wait_until(lambda: not is_alive(pid), f"{self.side}: {pid} leaves")

    def log_text(self):
        path = self.root / "log"
        return path.read_text(errors="replace") if path.exists() else ""

    def all_lines(self):
        """(host, tag, text) of each line of the log."""
        lines = []
        for line in self.log_text().splitlines():
            found = LOG_LINE.fullmatch(line)
            assert found, f"{self.side}: a strange line in the log: {line!r}"
            lines.append((found[1], found[2], self.plain(found[4])))
        return lines

    def log(self):
        """What the master said once it runs, in order; without its own lines."""
        texts = [text for _, tag, text in self.all_lines() if tag.endswith("/master")]
        for i, text in enumerate(texts):
            if text.startswith("daemon started"):
                del texts[:i]
                break
        return [text for text in texts if not OWN_LINE.fullmatch(text)]

    def own_lines(self):
        """The events of lines that only ostlerd has."""
        found = [OWN_LINE.fullmatch(text) for _, _, text in self.all_lines()]
        return [match[1] for match in found if match]

    def expect_log(self, text, times=1):
        wait_until(lambda: sum(text in line[2] for line in self.all_lines()) >= times,
                   lambda: f"{self.side}: {text!r} in {self.log_text()}")

    def name(self, pid, name):
        """Say NAME instead of PID."""
        self._names[str(pid)] = name
        return pid

    def plain(self, text):
        """TEXT without directories, ports and process numbers."""
        text = str(text).replace(str(self.root), "ROOT").replace(
            str(RECORDER), "ROOT/sbin/recorder")
        for letter, port in self.ports.items():
            text = re.sub(rf"\b{port}\b", f"PORT-{letter}", text)
        for pid, name in self._names.items():
            text = re.sub(rf"\b{pid}\b", name, text)
        return re.sub(r"\b0x[0-9a-f]+", "0xN", re.sub(r"\b(pid:?) \d+", r"\1 N", text))
