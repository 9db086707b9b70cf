# SPDX-License-Identifier: MIT
"""Workers that cannot be started, or that crash: pauses, causes, recovery."""

import os
import resource
import shutil
import time

import pytest

from ostlerd import (
    DIRECTORY,
    JOURNAL,
    ROGUE,
    ROOT,
    Ostlerd,
    free_port,
    rogue,
    service,
    wait_until,
)

SHORT = {"throttle_time": "400ms"}  # the longest pause: recovery is soon


class Replaceable:
    """A service whose program can be broken, and repaired."""

    def __init__(self, master):
        self.master = master
        self.program = master.directory / "bin" / "worker"
        self.program.parent.mkdir(exist_ok=True)
        self.program.parent.chmod(0o755)
        self.repair()

    def _put(self, make):
        fresh = self.program.with_suffix(".new")
        make(fresh)
        fresh.rename(self.program)

    def repair(self):
        if self.program.parent.is_file():
            self.program.parent.unlink()
            self.program.parent.mkdir()
            self.program.parent.chmod(0o755)
        if self.program.is_dir():
            self.program.rmdir()
        self._put(lambda path: shutil.copy(ROGUE, path))
        self.program.chmod(0o755)

    def missing(self):
        self.program.unlink()

    def forbidden(self):
        self._put(lambda path: path.write_bytes(b"#!/bin/sh\n"))
        self.program.chmod(0o600)

    def rubbish(self):
        self._put(lambda path: path.write_bytes(b"\x7fELF, but no more than that"))
        self.program.chmod(0o755)

    def half(self):
        """As in the middle of a copy."""
        data = ROGUE.read_bytes()
        self._put(lambda path: path.write_bytes(data[:60]))
        self.program.chmod(0o755)

    def no_interpreter(self):
        self._put(lambda path: path.write_bytes(b"#!/no/such/interpreter\n"))
        self.program.chmod(0o755)

    def directory(self):
        self.program.unlink()
        self.program.mkdir()

    def no_directory(self):
        """ENOTDIR: a file where the directory was."""
        shutil.rmtree(self.program.parent)
        self.program.parent.write_text("")

    def loop(self):
        self.program.unlink()
        self.program.symlink_to(self.program)


BROKEN = {
    "missing": "exec: No such file or directory",
    "forbidden": "exec: Permission denied",
    "rubbish": "exec: Exec format error",
    "half": "exec: Exec format error",
    "no_interpreter": "its interpreter is not",
    "directory": "exec: Permission denied",
    "no_directory": "exec: Not a directory",
    "loop": "exec: Too many levels of symbolic links",
}


@pytest.mark.parametrize("method", ["clone", "fork"])
@pytest.mark.parametrize("how", BROKEN)
def test_a_program_that_cannot_be_started_says_why_and_recovers(how, method):
    """Catalogue 25, 26, 24: the client that waits is served in the end."""
    text = service("web", ["unix:web"], [f"{DIRECTORY}/bin/worker"], **SHORT)
    master = Ostlerd(text, options=[f"--spawn={method}"])
    program = Replaceable(master)
    with master:
        getattr(program, how)()
        with master.client("web") as client:
            client.send("echo x\n")
            row = master.wait_for("web", lambda s: s["state"] == "throttled" and s["failures"] >= 2)
            assert BROKEN[how] in row["cause"], row
            assert str(program.program) in row["cause"]
            assert 0 < row["throttled_for_seconds"] <= 0.4
            wait_until(lambda: BROKEN[how] in master.ostler("status").stdout, "it is shown")
            event = master.wait_event("throttled")
            assert BROKEN[how] in event["cause"]
            program.repair()
            assert client.line() == "x"
        master.wait_event("recovered")
        row = master.wait_for("web", lambda s: s["state"] == "up")
        assert row["failures"] == row["starts"] - 1


def test_a_directory_that_is_gone_is_a_failed_start():
    text = rogue("web", ["unix:web"], directory=f"{DIRECTORY}/home", **SHORT)
    master = Ostlerd(text)
    home = master.directory / "home"
    home.mkdir()
    with master:
        home.rmdir()
        with master.client("web") as client:
            client.send("echo x\n")
            row = master.wait_for("web", lambda s: s["state"] == "throttled")
            assert "No such file or directory" in row["cause"] and str(home) in row["cause"]
            home.mkdir()
            home.chmod(0o755)
            assert client.line() == "x"


ENDS = {
    "exit 0": "exit status 0 before its first client",
    "exit 1": "exit status 1 before its first client",
    "exit 127": "exit status 127 before its first client",
    "signal SEGV": "killed by signal 11 (Segmentation fault) before its first client",
    "signal KILL": "killed by signal 9 (Killed) before its first client",
}


@pytest.mark.parametrize("stage", ["--start", "--ready"])
@pytest.mark.parametrize("end", ENDS)
def test_a_worker_that_ends_at_once_is_throttled(end, stage):
    """Catalogue 22, 23: pauses grow, and the starts are few."""
    port = free_port()
    text = rogue("web", ["unix:web", f"127.0.0.1:{port}"], stage, end, "--journal", JOURNAL,
                 throttle_time="60s", start_rate=100000, quick_exit="10s")
    with Ostlerd(text) as master:
        with master.client(port):
            begin = time.monotonic()
            row = master.wait_for("web", lambda s: s["state"] == "throttled" and s["starts"] >= 3)
            assert row["cause"] == ENDS[end]
            # 0.2, 0.4, 0.8 s ... less an eighth: two pauses are behind us.
            assert time.monotonic() - begin > 0.5
            pauses = master.events("throttled")
            assert all(e["cause"] == ENDS[end] for e in pauses)
            took = time.monotonic() - begin
            starts = len(master.journal("start"))
            allowed = 2 + sum(1 for n in range(20) if 0.175 * (2 ** n - 1) < took)
            assert starts <= allowed, (starts, took)


def test_healthy_workers_of_a_throttled_service_go_on():
    """Catalogue 44."""
    text = service("web", ["unix:web"], [f"{DIRECTORY}/bin/worker"], throttle_time="60s")
    master = Ostlerd(text)
    program = Replaceable(master)
    with master:
        with master.client("web") as first:
            pid = first.ask("pid")
            program.missing()
            with master.client("web") as second:
                second.send("pid\n")
                master.wait_for("web", lambda s: s["state"] == "throttled")
                assert first.ask("echo x") == "x"
                first.close()
                assert second.line() == pid
        assert master.wait_for("web", lambda s: s["ready"] == 1)["cause"]


def test_one_services_throttle_is_not_anothers():
    """Catalogue 44."""
    text = (rogue("bad", ["unix:bad"], "--start", "exit 1", throttle_time="60s")
            + rogue("good", ["unix:good"]))
    with Ostlerd(text) as master:
        with master.client("bad"):
            master.wait_for("bad", lambda s: s["state"] == "throttled")
            for _ in range(10):
                with master.client("good") as client:
                    assert client.ask("echo x") == "x"
        assert master.service("good")["state"] == "up"


def test_crashes_after_serving_are_throttled_too():
    """Catalogue 43: a client that can crash a worker cannot make a fork bomb."""
    text = rogue("web", ["unix:web"], "--journal", JOURNAL, throttle_time="60s")
    with Ostlerd(text) as master:
        begin = time.monotonic()
        crashes = 0
        while master.service("web")["state"] != "throttled":
            with master.client("web") as client:
                client.send("signal ABRT\n")
                assert client.at_end()
            crashes += 1
            assert time.monotonic() - begin < 30
        row = master.service("web")
        assert row["cause"] == "killed by signal 6 (Aborted), again and again"
        assert 10 <= crashes <= 60
        assert len(master.journal("start")) <= crashes + 1
        # The pause is short: it is one bad client, perhaps.
        assert row["throttled_for_seconds"] <= 5
        with master.client("web") as client:
            assert client.ask("echo x") == "x"


def test_a_storm_of_good_exits_is_bounded_by_the_start_rate():
    """Catalogue 23: whatever the cause, so many starts and no more."""
    text = rogue("web", ["unix:web"], "--journal", JOURNAL, "--served", "exit 0",
                 start_rate=20, start_burst=10)
    with Ostlerd(text) as master:
        begin = time.monotonic()
        served = 0
        while time.monotonic() - begin < 2:
            with master.client("web") as client:
                client.send("echo x\n")
                assert client.line() == "x"
            served += 1
        took = time.monotonic() - begin
        starts = len(master.journal("start"))
        assert starts <= 10 + 20 * took + 2
        assert served >= 20  # and it does go on
        row = master.service("web")
        assert row["failures"] == 0


def test_exit_0_at_once_without_a_client_does_not_spin():
    """Catalogue 23: the wake-up starts it, and nothing else does."""
    text = rogue("web", ["unix:web"], "--journal", JOURNAL, "--ready", "exit 0",
                 throttle_time="60s", wakeup="100ms")
    with Ostlerd(text) as master:
        master.wait_for("web", lambda s: s["state"] == "throttled" and s["starts"] >= 2)
        before = master.cpu_seconds()
        begin = time.monotonic()
        wait_until(lambda: time.monotonic() - begin > 0.5, "half a second has passed")
        assert master.cpu_seconds() - before < 0.25
        assert len(master.journal("start")) <= 6


# ------------------------------------------------------------- resources


def leave_free(pid, n):
    """Lower RLIMIT_NOFILE of a process so that N more descriptors are left."""
    used = {int(fd) for fd in os.listdir(f"/proc/{pid}/fd")}
    limit, free = 0, 0
    while free < n or limit in used:
        free += limit not in used
        limit += 1
    _, hard = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (limit, hard))


def test_no_descriptors_left_is_a_shortage_and_heals():
    """Catalogue 47, 21: EMFILE has its own words, and short pauses."""
    text = rogue("web", ["unix:web"], throttle_time="60s") + rogue("other", ["unix:other"])
    with Ostlerd(text) as master:
        with master.client("other") as client:
            assert client.ask("echo x") == "x"
        before = resource.prlimit(master.pid, resource.RLIMIT_NOFILE)
        leave_free(master.pid, 1)
        with master.client("web") as waiting:
            waiting.send("echo y\n")
            row = master.wait_for("web", lambda s: s["failures"] >= 2)
            assert "Too many open files" in row["cause"]
            assert "raise RLIMIT_NOFILE of the master" in row["cause"]
            with master.client("other") as client:
                assert client.ask("echo x") == "x"
            cpu = master.cpu_seconds()
            master.wait_for("web", lambda s: s["failures"] >= 4)
            assert master.cpu_seconds() - cpu < 0.5
            resource.prlimit(master.pid, resource.RLIMIT_NOFILE, before)
            assert waiting.line() == "y"
        assert master.wait_for("web", lambda s: s["state"] == "up")


@pytest.mark.skipif(not ROOT, reason="needs root")
def test_too_many_processes_is_a_shortage_and_not_a_broken_program():
    """Catalogue 51, 21."""
    user = str(100000 + os.getpid() % 400000)
    text = rogue("web", ["unix:web"], user=user, group="nogroup", limit_nproc=1,
                 throttle_time="60s")
    with Ostlerd(text) as master:
        # The kernel looks before it counts: the limit lets one more through,
        # and more if they start at once.
        clients = []
        for _ in range(2):
            clients.append(master.client("web"))
            assert clients[-1].ask("echo x") == "x"
        first, second = clients
        with first, second, master.client("web") as third:
            third.send("echo y\n")
            row = master.wait_for("web", lambda s: s["failures"] >= 2)
            assert "exec: Resource temporarily unavailable" in row["cause"]
            first.close()
            assert third.line() == "y"
