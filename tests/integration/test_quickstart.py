# SPDX-License-Identifier: MIT
"""The demo does what the README promises."""

import os
import re
import select
import signal
import subprocess
import time
from pathlib import Path

SOURCE = Path(os.environ["OSTLER_SOURCE"])
BUILD = os.environ["OSTLER_BUILD"]
DEADLINE = 120


def read_until(stream, pattern, deadline):
    """Read until PATTERN is seen or the stream ends."""
    seen = ""
    while not re.search(pattern, seen):
        left = deadline - time.monotonic()
        assert left > 0, "waited for %r, saw: %s" % (pattern, seen)
        if not select.select([stream], [], [], left)[0]:
            continue
        bytes_read = os.read(stream.fileno(), 4096)
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
    demo = subprocess.Popen(
        [SOURCE / "quickstart", "--from", BUILD],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    seen = read_until(demo.stdout, r"Ctrl-C stops everything", deadline)
    folder = re.search(r"The configuration is (\S+)/ostler\.conf", seen)[1]
    assert os.path.isdir(folder)
    os.killpg(demo.pid, signal.SIGINT)  # what a terminal does at Ctrl-C
    seen = read_until(demo.stdout, r"(?!)", deadline)
    assert demo.wait(timeout=DEADLINE) == 0, seen
    assert not os.path.exists(folder)
