# SPDX-License-Identifier: MIT
"""One system call of the master fails; each, one after the other.

A small life of a master (start, a client, a reload that adds and removes a
service, a client of the new one, status, stop) is first watched by strace and
its system calls are counted. Then it is lived again and again, and each time
the n-th call of one kind fails. The life goes on as if nothing had happened,
or something is refused cleanly: then the reason is told, the old state stays,
and a second attempt is good. Never: a crash, a hang, a spin, a leak.

OSTLER_FAULTS=all tries every call; else it is a sample of them.
OSTLER_FAULTS=socket,bind tries every call of these.
"""

# catalogue 21 48 49 50

import errno
import json
import os
import random
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "integration"))

from ostlerd import (  # noqa: E402
    SANITIZED,
    Ostlerd,
    connect,
    cpu_seconds,
    free_port,
    orphans,
    service,
    wait_until,
)

WHICH = os.environ.get("OSTLER_FAULTS", "")
SAMPLE = 60 if SANITIZED else 250

# What may fail how, on a machine that has too little of something.
FAULTS = {
    "socket": ["EMFILE", "ENFILE", "ENOMEM"],
    "bind": ["ENOMEM"],
    "listen": ["EADDRINUSE"],
    "setsockopt": ["ENOMEM"],
    "getsockopt": ["ENOBUFS"],
    "accept4": ["EMFILE", "ENFILE", "ECONNABORTED", "EINTR"],
    "socketpair": ["EMFILE", "ENFILE"],
    "recvmsg": ["EINTR", "ENOMEM"],
    "recvfrom": ["EINTR", "ENOMEM"],
    "sendto": ["EAGAIN", "EINTR", "ENOBUFS"],
    "shutdown": ["ENOTCONN"],
    "epoll_create1": ["EMFILE"],
    "epoll_ctl": ["ENOMEM"],
    "epoll_pwait2": ["EINTR"],
    "signalfd4": ["EMFILE"],
    "clone3": ["EAGAIN", "ENOMEM"],
    "clone": ["EAGAIN"],
    "pidfd_open": ["EMFILE"],
    "waitid": ["EINTR"],
    "pipe2": ["EMFILE", "ENFILE"],
    "openat": ["EMFILE", "ENFILE", "ENOMEM"],
    "newfstatat": ["ENOMEM"],
    "read": ["EINTR", "EIO"],
    "write": ["EINTR", "ENOSPC"],
    "writev": ["EAGAIN", "ENOSPC"],
    "pwrite64": ["ENOSPC"],
    "ftruncate": ["EIO"],
    "flock": ["ENOLCK", "EINTR"],
    "renameat": ["ENOSPC"],
    "unlinkat": ["EIO"],
    "mkdir": ["ENOSPC"],
    "fchmod": ["EPERM"],
    "chmod": ["EPERM"],
    "fchownat": ["EPERM"],
    "fcntl": ["EMFILE"],
    "dup3": ["EMFILE"],
    "poll": ["EINTR"],
    "prlimit64": ["EPERM"],
    "mmap": ["ENOMEM"],
    "mprotect": ["ENOMEM"],
}
# brk is not among them: it fails by its result, which strace cannot do. dup3
# onto a number that is taken cannot fail so: what it leaves there is no leak.
NO_LEAK = {"dup3"}
# The sanitizers' own memory.
NOT_SANITIZED = {"mmap", "mprotect"}
# Each of very many calls that are all alike.
MANY = 60
PORTS = [free_port(), free_port()]
# Leaks cannot be looked for in a traced process.
ENV = {"ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "") + ":detect_leaks=0"}


def echo(name, listen):
    return service(name, listen, ["ostler-echo"], throttle_time="1s")


FIRST = echo("one", [f"127.0.0.1:{PORTS[0]}"]) + echo("two", ["unix:two"])
SECOND = echo("one", [f"127.0.0.1:{PORTS[0]}"]) + echo("three", [f"127.0.0.1:{PORTS[1]}", "unix:three"])


class Refused(Exception):
    """It did not start, and said why."""


def is_served(master, where):
    where = master.runtime / where if isinstance(where, str) else where
    with connect(where) as client:
        assert client.ask("ping") == "ping", f"{where}: no answer\n{master.log()}"


def start(master):
    master.launch()

    def is_up():
        if master.process.poll() is not None:
            raise Refused(master.process.returncode)
        done = master.ostler("status", "--json")
        return done.returncode == 0 and '"running"' in done.stdout

    wait_until(is_up, lambda: f"it is up: {master.log()}")


def twice(what, master):
    """May fail once."""
    done = what()
    if done.returncode != 0:
        assert done.returncode in (1, 3), done
        again = what()
        assert again.returncode == 0, f"{done}\n{again}\n{master.log()}"
    return done.returncode == 0


def status_of(master):
    """Its status; asking may fail once."""
    for _ in range(2):
        done = master.ostler("status", "--json")
        if done.returncode == 0:
            return json.loads(done.stdout)
    raise AssertionError(f"{done}\n{master.log()}")


def descriptors(master):
    """What it has open, but for what keeps numbers free and the workers'."""
    where = Path(f"/proc/{master.process.pid}/fd")
    found = []
    for name in os.listdir(where):
        try:
            found.append(re.sub(r"\d+", "N", os.readlink(where / name)))
        except FileNotFoundError:
            pass
    return sorted(t for t in found if t not in ("/dev/null", "anon_inode:[pidfd]"))


def spare_descriptors(master):
    """How many of them do not belong to a worker."""
    return len(descriptors(master)) - status_of(master)["master"]["workers"]


def live(master, usual):
    """The small life; what it left open before the end, if USUAL is None."""
    start(master)
    is_served(master, PORTS[0])
    master.write(SECOND)
    twice(lambda: master.ostler("reload"), master)
    is_served(master, PORTS[1])
    is_served(master, "three")
    is_served(master, PORTS[0])
    wait_until(lambda: {s["name"] for s in status_of(master)["services"]} == {"one", "three"},
               lambda: f"the removed service is gone: {master.log()}")
    if usual is not None:
        wait_until(lambda: spare_descriptors(master) <= usual,
                   lambda: f"{spare_descriptors(master)} descriptors, usually {usual}: {descriptors(master)}")
    spare = spare_descriptors(master)
    assert cpu_seconds(master.process.pid) < (20 if SANITIZED else 4)
    master.send_signal(signal.SIGTERM)
    assert master.wait() == 0, master.log()
    return spare


def strace(trace, *words):
    return ["strace", "-D", "-o", str(trace), *words]


def is_traceable():
    return subprocess.run(["strace", "-o", "/dev/null", "true"], check=False,
                          capture_output=True).returncode == 0


def count_calls(trace):
    """{name: (calls before main, calls in all)}"""
    before, all_calls, in_main = {}, {}, False
    for line in trace.read_text(errors="replace").splitlines():
        name = re.match(r"(\w+)\(", line)
        if not name:
            continue
        # The first thing that main does is to look at its log.
        in_main = in_main or line.startswith('openat(AT_FDCWD, "/dev/null", O_RDWR')
        all_calls[name[1]] = all_calls.get(name[1], 0) + 1
        if not in_main:
            before[name[1]] = all_calls[name[1]]
    return {n: (before.get(n, 0), total) for n, total in all_calls.items()}


@pytest.fixture(scope="module", name="usual")
def fixture_usual(tmp_path_factory):
    """Its calls, and its descriptors, when nothing fails."""
    if not is_traceable():
        pytest.skip("strace may not trace here")
    trace = tmp_path_factory.mktemp("usual") / "trace"
    master = Ostlerd(FIRST, env=ENV, prefix=strace(trace))
    try:
        spare = live(master, None)
        master.check_clean()
    finally:
        master._remove()
    return count_calls(trace), spare


def numbers(first, last, rng):
    """Which of the calls FIRST to LAST; not each of very many."""
    every = list(range(first, last + 1))
    if len(every) > MANY and WHICH != "all":
        every = sorted({first, last, *rng.sample(every, MANY)})
    return every


def choose(calls):
    rng = random.Random(4)
    cases = []
    for name, errors in FAULTS.items():
        if name not in calls or (SANITIZED and name in NOT_SANITIZED):
            continue
        before, total = calls[name]
        for error in errors:
            cases += [(name, error, n) for n in numbers(before + 1, total + 1, rng)]
    if WHICH == "all":
        return cases
    if WHICH:
        return [c for c in cases if c[0] in WHICH.split(",")]
    # Each kind at least once or twice, and of the rest some.
    kinds = {}
    for case in cases:
        kinds.setdefault(case[0], []).append(case)
    chosen = [rng.choice(those) for those in kinds.values()]
    return sorted(set(chosen + rng.sample(cases, min(SAMPLE - len(chosen), len(cases)))))


def is_told(name, error, log):
    """Who did not start has said why, if it had anything to say it with."""
    if name in ("writev", "write"):
        return True
    return os.strerror(getattr(errno, error)) in log or "master-failed" in log or (
        "config-error" in log)


def one_fault(case, spare, directory):
    """None, or what went wrong."""
    name, error, n = case
    trace = directory / "trace"
    inject = f"inject={name}:error={error}:when={n}"
    master = Ostlerd(FIRST, env=ENV, prefix=strace(trace, "-e", f"trace={name}", "-e", inject))
    try:
        try:
            live(master, None if name in NO_LEAK else spare)
        except Refused as refused:
            assert refused.args[0] in (1, 75, 78), f"exit {refused.args[0]}\n{master.log()}"
            assert is_told(name, error, master.log()), f"nothing was told\n{master.log()}"
            master.wait()
        if name in ("unlinkat", "openat", "newfstatat"):
            # A name that stays behind is replaced at the next start.
            wait_until(lambda: not orphans(), "no process is left")
            master.check_log()
        else:
            master.check_clean()
    except AssertionError as wrong:
        if os.path.exists(f"/proc/{master.process.pid}"):
            state = Path(f"/proc/{master.process.pid}/status").read_text().splitlines()[2]
        else:
            state = "gone"
        return f"{name} {error} {n} ({state}): {wrong}"
    except OSError as wrong:
        return f"{name} {error} {n}: {wrong!r}\n{master.log()}"
    finally:
        master._remove()
    return None


def test_each_call_may_fail_once(usual, tmp_path):
    calls, spare = usual
    cases = choose(calls)
    wrong = []
    happened = 0
    for case in cases:
        what = one_fault(case, spare, tmp_path)
        happened += "(INJECTED)" in (tmp_path / "trace").read_text(errors="replace")
        if what:
            wrong.append(what)
            print(f"--- {what}", flush=True)
    print(f"{len(cases)} faults tried, {happened} happened")
    assert happened > len(cases) / 2
    assert not wrong, f"{len(wrong)} of {len(cases)}: " + "\n".join(w.splitlines()[0] for w in wrong)
