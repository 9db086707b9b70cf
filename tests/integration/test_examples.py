# SPDX-License-Identifier: MIT
"""Workers in other languages, which know nothing but ostler-protocol(7)."""

import os
import re
import shutil
from pathlib import Path

import pytest

from fake_master import FakeMaster, connect, read_all, tcp_listener, unix_listener

BUILD = Path(os.environ["OSTLER_BUILD"])
WORKERS = Path(os.environ["OSTLER_SOURCE"]) / "examples/workers"
NEEDS = {"py": "/usr/bin/python3", "pl": "perl", "zsh": "zsh", "js": "node"}
NAMES = {"c": "C", "py": "Python", "pl": "Perl", "zsh": "zsh", "js": "Node"}
LINES_MAX = 15


def command(language):
    if language == "c":
        return [BUILD / "examples/workers/hello"]
    if shutil.which(NEEDS[language]) is None:
        pytest.skip(NEEDS[language] + " is not installed")
    return [WORKERS / ("hello." + language)]


def hello(listener, language):
    with connect(listener) as client:
        return read_all(client) == f"hello from {NAMES[language]}\n".encode()


@pytest.fixture(params=["tcp", "unix"])
def listener(request, tmp_path):
    if request.param == "tcp":
        return tcp_listener()
    return unix_listener(str(tmp_path / "socket"))


@pytest.mark.parametrize("native", [True, False], ids=["ostler", "postfix"])
@pytest.mark.parametrize("language", NAMES)
def test_it_serves_and_says_so(language, native, listener):
    with FakeMaster([listener], native=native) as master:
        worker = master.start(command(language))
        worker.expect("AVAIL")
        for _ in range(3):
            assert hello(listener, language), worker.log()
            worker.expect("TAKEN", "AVAIL")


@pytest.mark.parametrize("language", NAMES)
def test_it_leaves_when_it_is_retired(language):
    with FakeMaster([tcp_listener()]) as master:
        worker = master.start(command(language))
        worker.expect("AVAIL")
        assert hello(master.listeners[0], language)
        worker.expect("TAKEN", "AVAIL")
        worker.retire()
        assert worker.wait() == 0, worker.log()


@pytest.mark.parametrize("language", NAMES)
def test_it_serves_a_client_though_its_master_is_gone(language):
    """A client that came first is served, heard or not."""
    listener = tcp_listener()
    with FakeMaster([listener]) as master:
        client = connect(listener)
        worker = master.start(command(language))
        worker.hang_up()
        worker.wait()
        # It may have found out before it took anybody; then all is well, too.
        with client, connect(listener):
            master.start(command(language))
            assert read_all(client).startswith(b"hello from")


@pytest.mark.parametrize("path", sorted(WORKERS.glob("hello.*")), ids=lambda p: p.name)
def test_it_is_small(path):
    """Lines that say something; a comment and a blank line say nothing to it."""
    lines = [ln.strip() for ln in path.read_text().splitlines()]
    comment = re.compile(r"$|#(?!include)|//|/\*.*\*/$")
    assert len([ln for ln in lines if not comment.match(ln)]) <= LINES_MAX
