# SPDX-License-Identifier: MIT
"""The log of ostler as Postfix's master, when the postlogd that it starts is of no help.

Debian's own master sleeps until such a postlogd reads, and starts nobody meanwhile.
"""

import contextlib
import shutil
import subprocess

import pytest

from postfix import BUILD, DEADLINE_S, Postfix, wait_until, why_not

pytestmark = pytest.mark.skipif(bool(why_not()), reason=why_not() or "there is a Postfix")


NAMES = [f"fails{i}" for i in range(8)]  # two lines each are more than a socket holds


class Logging(Postfix):
    """With a postlogd that runs SCRIPT, and services whose workers fail."""

    def __init__(self, script):
        super().__init__([f"{name} unix n - n - - fails" for name in NAMES],
                         "service_throttle_time = 1s\n", postlog="strange")
        self.file = self.root / "log"
        self.runs = self.root / "runs"
        (self.root / "sbin/master").unlink()
        (self.root / "sbin/master").symlink_to(BUILD / "src/master/ostlerd")
        for name, text in ("strange", script), ("fails", f"echo x >> {self.runs}; exit 4"):
            (self.root / "sbin" / name).write_text(f"#!/bin/sh\n{text}\n")
            (self.root / "sbin" / name).chmod(0o755)

    def __enter__(self):
        self.master = subprocess.Popen([self.root / "sbin/master", "-c", self.config],
                                       stdin=subprocess.DEVNULL)
        return self

    def __exit__(self, *_):
        self._stop()
        shutil.rmtree(self.root)

    def written(self):
        return self.file.read_text() if self.file.exists() else ""

    def first_client(self, where):
        """A name is there a moment before somebody listens."""
        found = []

        def knock():
            with contextlib.suppress(FileNotFoundError, ConnectionRefusedError):
                found.append(self.client(where))
            return found

        wait_until(knock, f"{where} is listened on")
        return found.pop()

    def fail(self):
        """Until a worker of each has failed, and others were started after it."""
        with contextlib.ExitStack() as clients:
            for name in NAMES:
                clients.enter_context(self.first_client(f"public/{name}"))
            wait_until(lambda: self.runs.exists() and
                       len(self.runs.read_text()) >= 2 * 2 * len(NAMES), self.written)

    def stop(self):
        self.master.terminate()
        self.master.wait(DEADLINE_S)
        lines = self.written().splitlines()
        assert lines[-1].endswith(f"postfix/master[{self.master.pid}]: terminating on signal 15")
        return lines


def test_a_postlogd_that_fails_does_not_hide_why():
    """And what it should have written is not lost."""
    with Logging("exit 3") as postfix:
        why = f"warning: {postfix.root}/sbin/strange: bad command startup -- throttling"
        wait_until(lambda: why in postfix.written(), postfix.written)
        postfix.fail()
        lines = postfix.stop()
    assert sum("daemon started" in line for line in lines) == 1
    for words in f"process {postfix.root}/sbin/fails pid ", "/sbin/fails: bad command startup":
        assert sum(words in line for line in lines) >= len(NAMES), lines


def test_a_postlogd_that_does_not_read_stops_nobody():
    """More lines than its socket holds; all of them are in the file at the end."""
    with Logging("while :; do sleep 1; done") as postfix:
        postfix.fail()
        lines = postfix.stop()
    assert sum("/sbin/fails: bad command startup" in line for line in lines) >= len(NAMES), lines
