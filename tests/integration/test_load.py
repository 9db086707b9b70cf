# SPDX-License-Identifier: MIT
"""Clients that check every answer, while the master is reloaded and its
workers are killed.

OSTLER_RELOADS and OSTLER_KILLS say how often (100 and 60; the full numbers
are 1000 and 1000).
"""

import os
import random
import re
import signal
import subprocess
import threading

import pytest

from ostlerd import (
    BUILD,
    DEADLINE_S,
    Ostlerd,
    free_port,
    rogue,
    service,
    start_process,
    wait_until,
)

RELOADS = int(os.environ.get("OSTLER_RELOADS", "100"))
KILLS = int(os.environ.get("OSTLER_KILLS", "60"))


class Load:
    """Clients, from now until finish()."""

    def __init__(self, *where, threads=4, hold=0, greeted=False):
        argv = [BUILD / "tests/integration/load", "--threads", str(threads)]
        argv += ["--hold", str(hold)] if hold else []
        argv += ["--greeted"] if greeted else []
        self.process = start_process([*map(str, argv), *map(str, where)], text=True,
                                     stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.lines = []
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self):
        for line in self.process.stdout:
            self.lines.append(line.rstrip("\n"))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
        self.process.stdin.close()
        self.process.wait()

    def finish(self):
        """No more clients: (how many were served, those that failed)."""
        self.process.stdin.close()
        assert self.process.wait(60) in (0, 1)
        self.reader.join(DEADLINE_S)
        done = re.fullmatch(r"done ok=(\d+) failed=(\d+) worst_ms=(\d+)", self.lines[-1])
        assert done, self.lines
        failed = [dict(word.split("=", 1) for word in line.split()[1:])
                  for line in self.lines if line.startswith("failed ")]
        assert len(failed) == int(done[2])
        return int(done[1]), failed


def tables(ports):
    """Each differs from the one before in another way."""
    one, two, moved, six = ports

    def table(policy=100, word="0", name="alpha", extra="", use=5, mode="0666"):
        return (
            service("one", [f"127.0.0.1:{one}", "unix:one"], ["ostler-echo"], max_use=use,
                    process_limit=policy, environment=[f"WORD={word}"])
            + service("two", [f"127.0.0.1:{two}", f"[::1]:{six}"], ["ostler-echo", "--multi"],
                      max_use=7, process_limit=4)
            + service(name, [f"127.0.0.1:{moved}", "unix:moved"], ["ostler-echo"], max_use=3,
                      socket_mode=mode)
            + extra)

    return [
        table(),
        table(policy=50),
        table(word="1"),
        table(word="1", name="beta"),
        table(word="1", name="beta", mode="0660"),
        table(word="1", name="beta", extra=service("more", ["unix:more"], ["ostler-echo"])),
        table(word="2", use=50),
    ]


def test_no_client_fails_while_the_master_is_reloaded():
    ports = [free_port(), free_port(), free_port(), free_port("::1")]
    texts = tables(ports)
    with Ostlerd(texts[0]) as master:
        where = [f"127.0.0.1:{p}" for p in ports[:3]] + [f"[::1]:{ports[3]}", master.runtime / "one",
                 master.runtime / "moved"]
        with Load(*where, threads=6) as load:
            for n in range(1, RELOADS + 1):
                master.reload(texts[n % len(texts)])
            served, failed = load.finish()
        print(f"{served} clients, {RELOADS} reloads")
        assert not failed, failed[:10]
        assert served > RELOADS
        assert master.status()["master"]["reloads"] == RELOADS
        wait_until(lambda: all(s["retiring"] == 0 for s in master.status()["services"]),
                   "old workers are gone")
        assert all(s["failures"] == 0 for s in master.status()["services"])
        # Honest workers are not taken for liars while they are retired.
        assert not master.events("bad-status") and not master.events("worker-died")


def test_no_client_fails_while_workers_are_recycled_after_each():
    port = free_port()
    text = service("one", [f"127.0.0.1:{port}", "unix:one"], ["ostler-echo"],
                   max_use=1, start_rate=100000, process_limit=8)
    with Ostlerd(text) as master:
        with Load(f"127.0.0.1:{port}", master.runtime / "one", threads=6) as load:
            wait_until(lambda: master.service("one")["exits"] > 300, "300 workers came and went")
            served, failed = load.finish()
        assert not failed, failed[:10]
        assert served >= 300


def killer(master, names, rng, killed, number):
    """SIGKILL one worker at random, and remember it."""
    workers = [pid for name in names for pid in master.workers(name)]
    if not workers:
        return
    pid = rng.choice(workers)
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return
    killed.add(pid)


# catalogue 18
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_only_clients_of_killed_workers_fail(number):
    """Each killed worker has at most one client, and it says who it is."""
    port = free_port()
    settings = {"start_rate": 100000, "throttle_time": "20ms"}
    rng = random.Random(f"{number}")
    text = (rogue("one", [f"127.0.0.1:{port}"], "--greet", process_limit=8, **settings)
            + rogue("two", ["unix:two"], "--greet", process_limit=4, **settings))
    with Ostlerd(text) as master:
        killed = set()
        with Load(f"127.0.0.1:{port}", master.runtime / "two", threads=6, hold=5,
                  greeted=True) as load:
            wait_until(lambda: len(master.workers()) > 3, "workers are there")
            for _ in range(KILLS):
                killer(master, ["one", "two"], rng, killed, number)
            # Clients that came while nobody was there are served, too.
            served, failed = load.finish()
        print(f"{served} clients, {len(failed)} failed, {len(killed)} workers killed")
        strangers = [f for f in failed if f["pid"] != "0" and int(f["pid"]) not in killed]
        assert not strangers
        assert len(failed) <= len(killed)
        assert served > 0
        for name in ("one", "two"):
            master.wait_for(name, lambda s: s["depth"] == 0 and s["taken"] == 0)


# catalogue 5
def test_clients_are_served_while_the_master_stands_still():
    """278 unread messages fill a channel: workers must not wait for it."""
    port = free_port()
    text = service("one", [f"127.0.0.1:{port}"], ["ostler-echo"], max_use=0, process_limit=2)
    with Ostlerd(text) as master:
        with master.client(port) as client:
            assert client.ask("here") == "here"
        master.send_signal(signal.SIGSTOP)
        try:
            for n in range(1000):
                with master.client(port) as client:
                    assert client.ask(str(n)) == str(n)
        finally:
            master.send_signal(signal.SIGCONT)
        with master.client(port) as client:
            assert client.ask("still") == "still"
        assert master.service("one")["exits"] == 0


# catalogue 65
def test_a_master_that_stood_still_goes_on_without_a_storm():
    port = free_port()
    text = service("one", [f"127.0.0.1:{port}"], ["ostler-echo"], wakeup="100ms", max_idle="100s")
    with Ostlerd(text) as master:
        with master.client(port) as client:
            assert client.ask("here") == "here"
        before = master.service("one")
        master.send_signal(signal.SIGSTOP)
        clients = [master.client(port) for _ in range(3)]
        for client in clients:
            client.send("waited\n")
        # Long enough for ten wake-ups and each deadline below a second.
        threading.Event().wait(1)
        master.send_signal(signal.SIGCONT)
        for client in clients:
            assert client.line() == "waited"
            client.close()
        after = master.service("one")
        assert after["failures"] == before["failures"]
        assert after["starts"] - before["starts"] <= 5
