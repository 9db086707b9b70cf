# SPDX-License-Identifier: MIT
"""One client wakes one worker, not all that are idle (catalogue 59)."""

import re
from contextlib import ExitStack
from pathlib import Path

from ostlerd import Ostlerd, children_of, free_port, service

WORKERS = 8
CLIENTS = 40


def sleeps(pid):
    """How often the process has gone to sleep of its own accord."""
    text = Path(f"/proc/{pid}/status").read_text()
    return int(re.search(r"^voluntary_ctxt_switches:\s*(\d+)", text, re.M)[1])


def serve(master, port):
    with master.client(port) as client:
        assert client.ask("x") == "x"


def test_a_client_wakes_one_of_many_idle_workers():
    port = free_port()
    text = service("one", [f"127.0.0.1:{port}"], ["ostler-echo"], process_limit=WORKERS)
    with Ostlerd(text) as master:
        with ExitStack() as stack:
            clients = [stack.enter_context(master.client(port)) for _ in range(WORKERS)]
            for client in clients:
                assert client.ask("x") == "x"
        master.wait_for("one", lambda s: s["ready"] == WORKERS)
        before = {pid: sleeps(pid) for pid in children_of(master.pid)}
        assert len(before) == WORKERS
        for _ in range(CLIENTS):
            serve(master, port)
        woken = sum(sleeps(pid) - count for pid, count in before.items())
    # The one that serves sleeps twice or so for each client: before it comes,
    # and until it speaks. All of them would be eight times as many.
    assert CLIENTS <= woken < 4 * CLIENTS
