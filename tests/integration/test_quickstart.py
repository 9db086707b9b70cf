# SPDX-License-Identifier: MIT
"""The demo does what the README promises."""

import os
import pty
import re
import select
import subprocess
import time
from pathlib import Path

SOURCE = Path(os.environ["OSTLER_SOURCE"])
BUILD = os.environ["OSTLER_BUILD"]
DEADLINE = 120


def read_until(fd, pattern, deadline):
    """Read from a terminal until PATTERN is seen or its end."""
    seen = ""
    while not re.search(pattern, seen):
        left = deadline - time.monotonic()
        assert left > 0, "waited for %r, saw: %s" % (pattern, seen)
        if not select.select([fd], [], [], left)[0]:
            continue
        try:
            bytes_read = os.read(fd, 4096)
        except OSError:  # the other side is gone
            bytes_read = b""
        if not bytes_read:
            break
        seen += bytes_read.decode(errors="replace")
    return seen


def test_smoke_uses_every_service():
    done = subprocess.run(
        [SOURCE / "quickstart", "--smoke", "--from", BUILD],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=DEADLINE,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    named = re.findall(r"^ok +(\w+) ", done.stdout, re.M)
    assert named == ["echo", "hello", "web", "git", "status", "stop"], done.stdout


def test_control_c_stops_the_demo_and_removes_its_directory():
    deadline = time.monotonic() + DEADLINE
    pid, terminal = pty.fork()
    if pid == 0:
        os.execv(SOURCE / "quickstart", ["quickstart", "--from", BUILD])
    seen = read_until(terminal, r"Ctrl-C stops everything", deadline)
    folder = re.search(r"The configuration is (\S+)/ostler\.conf", seen)[1]
    assert os.path.isdir(folder)
    os.write(terminal, b"\x03")
    read_until(terminal, r"(?!)", deadline)
    _, status = os.waitpid(pid, 0)
    os.close(terminal)
    assert os.waitstatus_to_exitcode(status) == 0
    assert not os.path.exists(folder)
