# SPDX-License-Identifier: MIT
"""Wake-ups: the master knocks itself, every so often."""

import time

import pytest

from ostlerd import (
    JOURNAL,
    SANITIZED,
    Ostlerd,
    free_port,
    rogue,
    wait_until,
)


def endpoint(kind):
    if kind in ("unix", "dgram", "fifo"):
        return f"{kind}:web"
    host = {"tcp4": "127.0.0.1", "tcp6": "::1", "star": "::", "any4": "0.0.0.0"}[kind]
    port = free_port(host)
    return {"tcp4": f"127.0.0.1:{port}", "tcp6": f"[::1]:{port}", "star": f"*:{port}",
            "any4": f"0.0.0.0:{port}"}[kind]


@pytest.mark.parametrize("kind", ["tcp4", "tcp6", "star", "any4", "unix"])
def test_a_service_is_woken_by_a_connection(kind):
    text = rogue("web", [endpoint(kind)], "--journal", JOURNAL, wakeup="150ms")
    with Ostlerd(text) as master:
        wait_until(lambda: len(master.journal("woken")) >= 3, master.journal)
        assert len(master.journal("client")) <= len(master.journal("woken")) + 1
        row = master.wait_for("web", lambda s: s["served"] >= 3)
        assert row["failures"] == 0 and row["starts"] <= 2


@pytest.mark.parametrize("kind, bytes_seen", [("dgram", b"W\0"), ("fifo", b"W")])
def test_a_service_is_woken_by_a_message(kind, bytes_seen):
    text = rogue("web", [endpoint(kind)], "--journal", JOURNAL, wakeup="150ms")
    with Ostlerd(text) as master:
        wait_until(lambda: len(master.journal("got")) >= 3, master.journal)
        assert {text for _, text in master.journal("got")} == {"got " + bytes_seen.hex()}
        assert master.service("web")["failures"] == 0


def test_a_service_without_a_period_is_left_alone():
    text = (rogue("web", ["unix:web"], "--journal", JOURNAL)
            + rogue("other", ["unix:other"], wakeup="100ms"))
    with Ostlerd(text) as master:
        master.wait_for("other", lambda s: s["served"] >= 3)
        assert master.service("web")["starts"] == 0


def test_new_workers_are_woken_at_once():
    text = rogue("web", ["unix:web"], "--journal", JOURNAL, wakeup="1h", umask="022")
    with Ostlerd(text) as master:
        wait_until(lambda: len(master.journal("woken")) == 1, master.journal)
        master.reload(text.replace("022", "027"))
        wait_until(lambda: len(master.journal("woken")) == 2, master.journal)


def test_a_throttled_service_is_not_woken():
    text = rogue("web", ["unix:web"], "--start", "exit 1", "--journal", JOURNAL,
                 throttle_time="60s", wakeup="100ms")
    with Ostlerd(text) as master:
        row = master.wait_for("web", lambda s: s["failures"] >= 4)
        assert row["depth"] <= 1
        assert len(master.journal("start")) <= row["failures"] + 1


def test_wake_ups_do_not_fill_the_queue_of_a_busy_service():
    text = rogue("web", ["unix:web"], process_limit=1, wakeup="100ms")
    with Ostlerd(text) as master:
        with master.client("web") as client:
            assert client.ask("echo x") == "x"
            end = time.monotonic() + 1
            wait_until(lambda: time.monotonic() > end, "a second passes")
            assert master.service("web")["depth"] <= 1


def test_a_wake_up_costs_little():
    text = rogue("web", ["unix:web"], wakeup="100ms")
    with Ostlerd(text) as master:
        row = master.wait_for("web", lambda s: s["served"] >= 1)
        cpu = master.cpu_seconds()
        master.wait_for("web", lambda s: s["served"] >= row["served"] + 5)
        assert master.cpu_seconds() - cpu < (1 if SANITIZED else 0.3)
