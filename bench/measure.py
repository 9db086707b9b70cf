# SPDX-License-Identifier: MIT
"""What every row of the benchmark needs: processes, loads, samples.

Everything that is started is stopped by its own pid, everything that waits has
a deadline, and every listener is on 127.0.0.1 or in a directory of ours.
"""

import contextlib
import ctypes
import json
import os
import resource
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path

ROOT = os.geteuid() == 0
DEADLINE_S = 30.0
QUIET_NS = 500_000
PR_SET_CHILD_SUBREAPER = 36
PROGRAMS = ("load", "limit", "spawn_limit", "status_limit", "worker", "echo", "serve")
TICK_NS = 1_000_000_000 // os.sysconf("SC_CLK_TCK")

_reserved = []  # sockets that keep ports from being given to others


class Skip(Exception):
    """This cannot be measured here; the text says why."""


class TooLong(Exception):
    """The row's time is over."""


class Limit:
    """A time limit for what is between its beginning and its end.

    It ends what waits, by an exception; never what is starting or stopping
    somebody, or he would be forgotten.
    """

    shields = 0
    overdue = False

    def __init__(self, seconds):
        self.seconds = seconds

    def __enter__(self):
        Limit.overdue = False
        signal.signal(signal.SIGALRM, self._over)
        signal.setitimer(signal.ITIMER_REAL, self.seconds)
        return self

    def __exit__(self, *_):
        signal.setitimer(signal.ITIMER_REAL, 0)
        Limit.overdue = False

    def _over(self, *_):
        Limit.overdue = True
        self.check()

    @staticmethod
    def check():
        if Limit.overdue and Limit.shields == 0:
            Limit.overdue = False
            raise TooLong("its time was over")


@contextlib.contextmanager
def unlimited():
    """Until its end no time limit is looked at."""
    Limit.shields += 1
    try:
        yield
    finally:
        Limit.shields -= 1


def free_port():
    """A port of 127.0.0.1 that nobody gets but who asks for it by number."""
    holder = socket.socket()
    holder.bind(("127.0.0.1", 0))
    # Only now: bound alone, and a server may bind it beside us.
    holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    _reserved.append(holder)
    return holder.getsockname()[1]


def forget_ports():
    """Between rows: what was reserved is free again."""
    while _reserved:
        _reserved.pop().close()


def wait_until(true, what, deadline_s=DEADLINE_S, every_s=0.005):
    end = time.monotonic() + deadline_s
    while True:
        result = true()
        if result:
            return result
        if time.monotonic() > end:
            raise RuntimeError(f"not in {deadline_s:g} s: {what}")
        time.sleep(every_s)


def listens(endpoint):
    """Is there a listener? Asked of the kernel: a connection would wake it."""
    if endpoint.startswith("/"):
        # Postfix binds names that are relative to its queue.
        path = Path(endpoint)
        names = f" {path}\n", f" {path.parent.name}/{path.name}\n"
        return path.exists() and any(ln.endswith(names) for ln in open("/proc/net/unix"))
    end = ":%04X" % int(endpoint.rsplit(":", 1)[1])
    for line in open("/proc/net/tcp"):
        words = line.split()
        if words[3] == "0A" and words[1].endswith(end):
            return True
    return False


# ------------------------------------------------------------- processes


def _stat(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    except OSError:
        return None


def is_alive(pid):
    words = _stat(pid)
    return words is not None and words[0] not in "ZX"


def children_of(pid):
    try:
        text = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    except OSError:
        return []
    return [int(word) for word in text.split()]


def tree_of(pid):
    found = [pid]
    for child in children_of(pid):
        found += tree_of(child)
    return found


def name_of(pid):
    try:
        return Path(f"/proc/{pid}/comm").read_text().strip()
    except OSError:
        return ""


def workers_of(pid, program):
    """Those of its children that run PROGRAM."""
    return [child for child in children_of(pid) if name_of(child) == program]


def run_ns(pid):
    """On a processor so far, by the scheduler's own clock."""
    try:
        return int(Path(f"/proc/{pid}/schedstat").read_text().split()[0])
    except OSError:
        return 0


def cpu_ns(pid):
    """Of a process and of those of its children that it has reaped."""
    words = _stat(pid)
    return run_ns(pid) + (int(words[13]) + int(words[14])) * TICK_NS if words else 0


def tree_cpu_ns(pid):
    return cpu_ns(pid) + sum(tree_cpu_ns(child) for child in children_of(pid))


class Account:
    """The processor time of a process and of all that come from it.

    By a control group of its own, which forgets nobody; without the right to
    make one by adding up who is there and whom his parent has waited for.
    """

    PLACES = ((Path("/sys/fs/cgroup/cpuacct"), "cpuacct.usage"),
              (Path("/sys/fs/cgroup"), "cpu.stat"))
    made = 0
    within = None  # the group of the whole run

    def __init__(self):
        self.group = None
        for place, self.file in self.PLACES:
            if not (place / "cgroup.procs").exists():
                continue
            Account.made += 1
            group = (self.within or place) / f"ostler-bench-{os.getpid()}-{Account.made}"
            try:
                group.mkdir()
            except OSError:
                continue
            self.group = group
            if (group / self.file).exists():
                return
            self.close()

    def enter(self):
        """In the child, before its program."""
        if self.group is not None:
            (self.group / "cgroup.procs").write_text("0")

    def used_ns(self, pid):
        if self.group is None:
            return tree_cpu_ns(pid)
        text = (self.group / self.file).read_text()
        return int(text.split()[1]) * 1000 if self.file == "cpu.stat" else int(text)

    def close(self):
        end = time.monotonic() + 2
        while self.group is not None and time.monotonic() < end:
            try:
                self.group.rmdir()
                self.group = None
            except OSError:  # somebody dead has not left it yet
                time.sleep(0.01)


def status_of(pid, name):
    """A number from /proc/PID/status."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(name + ":"):
            return int(line.split()[1])
    raise RuntimeError(f"no {name} of {pid}")


def pss_kb(pids):
    """The mean share of each in all the memory that they have."""
    found = []
    for pid in pids:
        try:
            text = Path(f"/proc/{pid}/smaps_rollup").read_text()
            found.append(int(text.split("Pss:")[1].split()[0]))
        except (OSError, IndexError):  # it has left
            pass
    return sum(found) / len(found) if found else 0


def wait_quiet(pid, deadline_s=DEADLINE_S):
    """Until it has done next to nothing for a tenth of a second."""
    end = time.monotonic() + deadline_s
    before = -QUIET_NS
    while tree_cpu_ns(pid) - before >= QUIET_NS and time.monotonic() < end:
        before = tree_cpu_ns(pid)
        time.sleep(0.1)


def become_reaper():
    """Whoever loses his parent becomes our child, and sweep() finds him."""
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def sweep():
    """Between rows nobody is ours; who is nevertheless is ended. Who, by name."""
    found = [pid for pid in children_of(os.getpid()) if is_alive(pid)]
    names = sorted({name_of(pid) for pid in found})
    for pid in found:
        for child in reversed(tree_of(pid)):
            try:
                os.kill(child, signal.SIGKILL)
            except ProcessLookupError:
                pass
    end = time.monotonic() + 5
    while children_of(os.getpid()) and time.monotonic() < end:
        try:
            if os.waitpid(-1, os.WNOHANG)[0] == 0:
                time.sleep(0.005)
        except ChildProcessError:
            break
    return names


def stop_tree(process):
    """A process that was started here, and all that it has started."""
    pids = tree_of(process.pid)
    for number, deadline_s in (signal.SIGTERM, 1.5), (signal.SIGKILL, 5.0):
        for pid in pids:
            try:
                os.kill(pid, number)
            except ProcessLookupError:
                pass
        end = time.monotonic() + deadline_s
        while any(map(is_alive, pids)) and time.monotonic() < end:
            process.poll()
            time.sleep(0.005)
    process.wait(5)


class Server:
    """Something that listens at ENDPOINT. Subclasses know how it is started."""

    def __init__(self, name, endpoint=""):
        self.name = name
        self.endpoint = endpoint
        self.process = None
        self.account = None
        self.load_options = []  # how its clients ask

    def launch(self, argv, **more):
        with unlimited():
            self._launch(argv, **more)
        Limit.check()

    def _launch(self, argv, **more):
        self.account = Account()
        self.process = subprocess.Popen(
            [str(word) for word in argv], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=more.pop("stderr", subprocess.DEVNULL), start_new_session=True,
            preexec_fn=self.account.enter, **more)

    def used_ns(self):
        """The processor time of it and of all that it started."""
        return self.account.used_ns(self.pid)

    @property
    def pid(self):
        return self.process.pid

    def is_up(self):
        return listens(self.endpoint)

    def start(self):
        """Launched, and listening."""
        try:
            self.spawn()
            wait_until(self._up_or_dead, f"{self.name} listens", 60)
        except BaseException:
            self.stop()
            raise
        return self

    def _up_or_dead(self):
        if self.process.poll() is not None:
            raise RuntimeError(
                f"{self.name} ended with {self.process.returncode}: {self.complaint()}")
        return self.is_up()

    def complaint(self):
        return "it said nothing"

    def stop(self):
        if self.process is None:
            return
        with unlimited():
            stop_tree(self.process)
            self.account.close()
            self.process = None

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()


# ------------------------------------------------------------- the run


class Bench:
    """One run: where its programs are, how long it takes, what it found."""

    def __init__(self, build, rounds=None, quick=False, say=print):
        self.build = Path(build).resolve()
        self.quick = quick
        self.asked_rounds = rounds
        self.say = say
        self.samples = []
        self.skipped = {}  # system or case: why, and in which rows
        self.part = ""  # what is measured now
        self.end = None  # when no further round is begun
        self.cut = False  # and that it came to this
        # Sockets in memory: how fast a disk makes them is no master's merit.
        # Programs not, for often none may be run there.
        self.scratch = self._new_directory("/dev/shm", "/var/tmp")
        self.bin = self._new_directory("/var/tmp", "/tmp")
        self._made = 0
        self.settings = None  # all words of ostlerd --settings
        self._copy_programs()
        self.files_max = self._raise_files_max(65536)

    def _copy_programs(self):
        """Where every user can run them, and no build changes them meanwhile."""
        for name in PROGRAMS:
            shutil.copy(self.build / "bench" / name, self.bin)
        shutil.copy(self.build / "src/master/ostlerd", self.bin)
        shutil.copy(self.build / "src/master/ostlerd", self.bin / "master")

    def knows(self, setting):
        """Does this ostlerd have the setting?"""
        if self.settings is None:
            done = subprocess.run([self.bin / "ostlerd", "--settings"], capture_output=True,
                                  text=True, check=True, timeout=30, stdin=subprocess.DEVNULL)
            self.settings = done.stdout.split()
        return f"name={setting}" in self.settings

    @staticmethod
    def _new_directory(*places):
        place = next(place for place in places if os.access(place, os.W_OK))
        path = Path(tempfile.mkdtemp(prefix="ostler-bench.", dir=place))
        path.chmod(0o755)
        return path

    @staticmethod
    def _raise_files_max(wanted):
        """Of thousands of services each wants three descriptors of Postfix's master."""
        hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        for most in max(wanted, hard), hard:
            try:
                resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
                return most
            except ValueError:
                pass
        return hard

    def begin(self, part, seconds=None):
        """The next row, and how long rounds of it may be begun."""
        self.part = part
        self.end = None if seconds is None else time.monotonic() + seconds
        self.cut = False

    def close(self):
        forget_ports()
        for path in self.scratch, self.bin:
            shutil.rmtree(path, ignore_errors=True)

    def directory(self, name):
        """A new one, for somebody's files."""
        self._made += 1
        path = self.scratch / f"{self._made}-{name}"
        path.mkdir()
        path.chmod(0o755)
        return path

    def rounds(self, wanted):
        return self.asked_rounds or (1 if self.quick else wanted)

    def often(self, wanted, quick):
        return quick if self.quick else wanted

    def _load_words(self, endpoint, words):
        places = [endpoint] if isinstance(endpoint, str) else endpoint
        return [self.bin / "load", *map(str, words), *places]

    def load(self, endpoint, *words, timeout_s=120):
        """Clients of one endpoint or of several, and how they fared."""
        done = subprocess.run(
            self._load_words(endpoint, words), capture_output=True, text=True,
            check=False, timeout=timeout_s, stdin=subprocess.DEVNULL)
        if done.returncode != 0:
            raise RuntimeError(f"load {words} {endpoint}: {done.stderr}")
        return json.loads(done.stdout)

    def start_load(self, endpoint, *words):
        """The same in the background; read_load() has the end of it."""
        return subprocess.Popen(
            self._load_words(endpoint, words), stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, text=True)

    @staticmethod
    def read_load(process, timeout_s=120):
        text, _ = process.communicate(timeout=timeout_s)
        return json.loads(text)

    def sample(self, row, case, system, round_, **figures):
        figures = {k: round(v, 5) if isinstance(v, float) else v for k, v in figures.items()}
        self.samples.append({"part": self.part, "row": row, "case": case, "system": system,
                             "round": round_, "figures": figures})
        text = " ".join(f"{k}={v}" for k, v in figures.items() if not isinstance(v, list))
        self.say(f"  {row} {case} | {system} | {text}")

    def skip(self, what, why):
        what = what if isinstance(what, str) else what[0]
        known = self.skipped.setdefault(what, {"why": str(why), "rows": []})
        if self.part not in known["rows"]:
            known["rows"].append(self.part)
            self.say(f"  not measured: {what}: {why}")

    def is_skipped(self, name):
        return self.part in self.skipped.get(name, {"rows": []})["rows"]

    def is_late(self):
        """The row has had its time: one round of each case is all there is still."""
        late = self.end is not None and time.monotonic() > self.end
        self.cut = self.cut or late
        return late

    @contextlib.contextmanager
    def running(self, makers):
        """All that can run here, up at once: only who is visited has anything to do."""
        servers = {}
        try:
            for name, make in makers.items():
                try:
                    servers[name] = make().start()
                except Skip as why:
                    self.skip(name, why)
            yield servers
        finally:
            for server in servers.values():
                server.stop()

    def visit(self, rounds, makers, measure):
        """Every system in every round, none always first.

        MAKERS: {name: what makes its server}. MEASURE(round, name, maker) takes
        one sample; a system that cannot run here is skipped by name.
        """
        names = list(makers)
        for number in range(rounds if names else 0):
            if number > 0 and self.is_late():
                break
            at = number % len(names)
            for name in names[at:] + names[:at]:
                if self.is_skipped(name):
                    continue
                try:
                    measure(number, name, makers[name])
                except Skip as why:
                    self.skip(name, why)
