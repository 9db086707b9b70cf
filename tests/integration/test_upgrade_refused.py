# SPDX-License-Identifier: MIT
"""A program that cannot follow is refused, and nothing has happened."""

import pytest

from ostlerd import OSTLERD, ROOT, SANITIZED, Ostlerd, rogue, wait_until


def script(master, name, body):
    path = master.directory / name
    path.write_text("#!/bin/sh\n" + body)
    path.chmod(0o755)
    return path


def refused(master, why, *words):
    workers = master.workers()
    done = master.ostler("upgrade", *words)
    assert done.returncode == 1, (done, master.log())
    assert why in done.stderr, done
    assert master.workers() == workers
    with master.client("web") as client:
        assert int(client.ask("pid")) in workers


@pytest.fixture(name="master")
def one_master():
    head = "upgrade_timeout = 1s\n" if not SANITIZED else ""
    with Ostlerd(rogue("web", ["unix:web"], spare_min=1, process_limit=1), head=head) as master:
        master.wait_for("web", lambda r: r["ready"] == 1)
        yield master


def test_what_is_no_program_is_not_tried(master):
    refused(master, "whole path", "ostlerd")
    refused(master, "No such file", "/nowhere/ostlerd")
    refused(master, "", str(master.directory))
    plain = master.directory / "plain"
    plain.write_text("")
    refused(master, "Permission denied", str(plain))
    assert len(master.events("upgrade-failed")) == 4


@pytest.mark.skipif(not ROOT, reason="it is about what root trusts: not root")
def test_root_does_not_run_what_others_may_write(master):
    path = script(master, "open", "exit 0\n")
    path.chmod(0o777)
    refused(master, "others than root", str(path))


def test_who_cannot_rehearse_is_refused(master):
    refused(master, "cannot go on with our state: no idea",
            str(script(master, "fails", "echo no idea; exit 3\n")))
    refused(master, "something else", str(script(master, "lies", "echo ostler-state\n")))
    refused(master, "something else", "/bin/true")
    refused(master, "cannot go on", str(script(master, "missing", "exec /nowhere/ostlerd\n")))


@pytest.mark.skipif(SANITIZED, reason="the patience is too short for a slow master")
def test_who_takes_too_long_is_refused(master):
    refused(master, "takes too long", str(script(master, "slow", "exec sleep 1000\n")))
    wait_until(lambda: not master.zombies(), "it was killed, and reaped")


def test_a_state_with_something_unknown_is_refused(master):
    """As an older program would find it: a key that it does not know."""
    body = ("sed 's/^master /master tomorrow=1 /' <&3 >changed.$$\n"
            f"exec {OSTLERD} --rehearse 3<changed.$$\n")
    path = script(master, "older", f"cd {master.directory}\n" + body)
    refused(master, "cannot go on with our state", str(path))


def test_a_master_that_stops_does_not_change(master):
    with master.client("web") as client:
        assert client.ask("pid")
        master.send_signal(15)
        master.wait_event("master-stopping")
        done = master.ostler("upgrade")
        assert done.returncode == 1 and "stopping" in done.stderr
