# SPDX-License-Identifier: MIT
"""Molds that lie, hold, die and make whom nobody ordered: badmold.c."""

import contextlib
import os
import signal
import time
from pathlib import Path

import pytest

from ostlerd import BUILD, Ostlerd, children_of, is_alive, service, wait_until

BADMOLD = BUILD / "tests/integration/badmold"


def badmold(way, **settings):
    settings = {"retire_grace": "200ms", "kill_time": "500ms", **settings}
    return service("x", ["unix:x"], [BADMOLD, way], mold="yes", **settings)


def served_by(master):
    client = master.client("x")
    return client, int(client.line())


@contextlib.contextmanager
def pressed(master, true, every_s=0.0):
    """More and more clients, so that there are orders, until this is TRUE."""
    held = []
    next_s = time.monotonic()

    def look():
        nonlocal next_s
        if not true() and time.monotonic() >= next_s:
            held.append(master.client("x"))
            next_s = time.monotonic() + every_s
        return true()

    try:
        yield wait_until(look, master.log, 60)
    finally:
        for client in held:
            client.close()


def known(master):
    """Workers, and a mold or two."""
    row = master.service("x")
    return 2 + sum(row[state] for state in ("starting", "ready", "taken", "retiring"))


def check_served(master):
    """With whatever mold there is: clients are, and nothing is paused."""
    clients = [served_by(master) for _ in range(3)]
    row = master.service("x")
    assert row["failures"] == 0 and row["throttled_for_seconds"] == 0
    assert is_alive(1) and is_alive(master.pid)
    for client, pid in clients:
        assert pid != 1 and is_alive(pid)
        client.close()


@pytest.mark.parametrize("way", ["drop", "be-it", "be-init", "be-master", "send-child", "leave"])
def test_what_is_no_child_of_ours_is_not_taken_for_a_worker(way):
    with Ostlerd(badmold(way)) as master:
        first, _ = served_by(master)
        master.wait_for("x", lambda s: s["mold"] == "ready")
        check_served(master)
        row = master.wait_for("x", lambda s: s["bad_order"] >= 1)
        assert row["molded"] == 0
        first.close()


def test_a_mold_that_keeps_three_orders_is_ended():
    with Ostlerd(badmold("hold", process_limit=400)) as master:
        first, _ = served_by(master)
        master.wait_for("x", lambda s: s["mold"] == "ready")
        # Orders that fail within a second of each other count as one.
        with pressed(master, lambda: master.events("mold-failed"), 0.2):
            row = master.service("x")
            assert row["failures"] == 0 and row["bad_order"] >= 3
        first.close()


def test_whom_nobody_ordered_is_killed_and_its_mold_ended():
    with Ostlerd(badmold("storm")) as master:
        first, worker = served_by(master)
        master.wait_for("x", lambda s: s["mold"] == "ready")
        # Each order is a storm of its own.
        with pressed(master, lambda: master.events("mold-failed"), 0.2):
            pass
        wait_until(lambda: len(children_of(master.pid)) <= known(master),
                   lambda: f"only {known(master)} are left: {len(children_of(master.pid))}", 60)
        assert is_alive(worker)
        check_served(master)
        first.close()


def test_children_from_before_the_master_are_left_alone():
    prefix = ["sh", "-c", 'sleep 1000 & exec "$@"', "sh"]
    master = Ostlerd(badmold("storm"), prefix=prefix, leftovers=True)
    with master:
        elder = [p for p in children_of(master.pid)
                 if Path(f"/proc/{p}/comm").read_text() == "sleep\n"]
        assert len(elder) == 1
        try:
            first, _ = served_by(master)
            master.wait_for("x", lambda s: s["mold"] == "ready")
            with pressed(master, lambda: master.events("mold-failed"), 0.2):
                assert is_alive(elder[0])
            check_served(master)
            assert is_alive(elder[0])
            first.close()
        finally:
            os.kill(elder[0], signal.SIGKILL)


def test_of_two_for_one_order_one_is_the_worker():
    with Ostlerd(badmold("send-two")) as master:
        first, _ = served_by(master)
        master.wait_for("x", lambda s: s["mold"] == "ready")
        with pressed(master, lambda: master.events("mold-failed")):
            pass
        check_served(master)
        first.close()


def test_one_that_is_dead_when_it_is_known_ends_as_any_worker():
    with Ostlerd(badmold("die-early", process_limit=4)) as master:
        first, _ = served_by(master)
        master.wait_for("x", lambda s: s["mold"] == "ready")
        with pressed(master, lambda: [e for e in master.events("worker-died")
                                      if e.get("status") == "3"]) as died:
            assert died[0]["service"] == "x"
        first.close()


def test_a_wrong_generation_is_worth_no_word():
    with Ostlerd(badmold("wrong-generation")) as master:
        first, _ = served_by(master)
        master.wait_for("x", lambda s: s["mold"] == "ready")
        with pressed(master, lambda: master.service("x")["bad_generation"] >= 1):
            pass
        first.close()


@pytest.mark.parametrize("way,word", [("silent", "starting"), ("worker", "refused"),
                                      ("mute", "paused")])
def test_without_a_mold_workers_are_started_as_ever(way, word):
    with Ostlerd(badmold(way)) as master:
        first, _ = served_by(master)
        master.wait_for("x", lambda s: s["mold"] == word)
        check_served(master)
        assert master.service("x")["molded"] == 0
        first.close()
