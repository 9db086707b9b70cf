# SPDX-License-Identifier: MIT
"""Molds: workers that are copies of one that has started already."""

import contextlib
import os
import signal
import socket

from ostlerd import BUILD, JOURNAL, Ostlerd, free_port, is_alive, rogue, service, wait_until

SKELETON = BUILD / "tests/integration/skeleton"


def skeleton(name, listen, kind="single", **settings):
    settings = {"mold": "yes", "ready": "notify", **settings}
    return service(name, listen, [SKELETON, kind, JOURNAL], **settings)


def pids(master, word):
    return [pid for pid, _ in master.journal(word)]


def who(client):
    return int(client.ask("who").split()[0].split("=")[1])


def mold_of(master):
    """The mold's pid: it said init, and nobody else that lives did but workers."""
    for pid in master.workers():
        try:
            if os.readlink(f"/proc/{pid}/fd/6") == "/dev/null":
                return pid
        except OSError:
            pass
    return None


def ready(master, name="x"):
    return master.wait_for(name, lambda s: s["mold"] == "ready")


@contextlib.contextmanager
def one_made(master, where="x"):
    """
    A client of a worker from a mold, and its pid. Where the machine stands
    still for a second an order fails, and some workers come without one.
    """
    held = []

    def look():
        held.append(master.client(where))
        pid = who(held[-1])
        return pid if pid in pids(master, "forked") else None

    try:
        pid = wait_until(look, master.log, 60)
        yield held[-1], pid
    finally:
        for client in held:
            client.close()


def test_workers_are_made_from_a_mold_and_the_master_knows_them():
    with Ostlerd(skeleton("x", ["unix:x"])) as master:
        with master.client("x") as first:
            assert who(first) in pids(master, "init")
            ready(master)
            with one_made(master) as (second, made):
                row = master.wait_for("x", lambda s: s["molded"] >= 1)
                assert row["failures"] == 0
                assert os.getsid(made) == made
                assert second.ask("child") == "519"
                assert second.ask("sibling") == "1"
        os.kill(made, signal.SIGKILL)
        died = master.wait_event("worker-died", lambda e: e["pid"] == str(made))
        assert died["signal"] == "9"
        assert master.service("x")["mold"] == "ready"


def test_every_skeleton_can_be_a_mold():
    port = free_port()
    config = (skeleton("one", [f"127.0.0.1:{port}"]) + skeleton("many", ["unix:many"], "multi")
              + skeleton("event", ["unix:event"], "event")
              + skeleton("bell", ["unix:bell"], "trigger", max_use=1)
              + skeleton("log", ["dgram:log"], "dgram", max_use=1))
    with Ostlerd(config) as master:
        for name, where in ("one", port), ("many", "many"), ("event", "event"):
            with master.client(where) as client:
                first = who(client)
                ready(master, name)
                os.kill(first, signal.SIGKILL)
            with one_made(master, where):
                pass
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
            for i in range(100):
                sender.sendto(b"%d" % i, str(master.runtime / "log"))
                wait_until(lambda i=i: master.journal(f"message {i}"), "the datagram is taken")
                ready(master, "log")
                if master.service("log")["molded"] > 0:
                    break
        for i in range(100):
            with socket.socket(socket.AF_UNIX) as sender:
                sender.connect(str(master.runtime / "bell"))
                sender.send(b"b%d" % i)
                wait_until(lambda i=i: master.journal(f"message b{i}"), "the trigger is taken")
                ready(master, "bell")
                if master.service("bell")["molded"] > 0:
                    break
        for name in "one", "many", "event", "bell", "log":
            assert master.service(name)["molded"] > 0


def test_many_workers_come_from_one_mold_and_their_limits_are_kept():
    with Ostlerd(skeleton("x", ["unix:x"], process_limit=20, max_use=3)) as master:
        with master.client("x"):
            ready(master)
            clients = [master.client("x") for _ in range(19)]
            made = {who(client) for client in clients}
            assert len(made) == 19
            assert made <= set(pids(master, "forked")) | set(pids(master, "init"))
            for client in clients:
                client.close()
        row = master.wait_for("x", lambda s: s["taken"] == 0)
        assert row["failures"] == 0 and row["molded"] >= 1
        for _ in range(60):
            with master.client("x") as client:
                client.ask("who")
        assert master.wait_for("x", lambda s: s["served"] + s["redundant"] > 0)["failures"] == 0


def test_a_mold_that_is_killed_is_made_again_and_workers_go_on():
    with Ostlerd(skeleton("x", ["unix:x"])) as master:
        with master.client("x") as first, master.client("x") as other:
            served = {who(first), who(other)}
            ready(master)
            mold = mold_of(master)
            os.kill(mold, signal.SIGKILL)
            master.wait_event("mold-failed")
            with master.client("x") as third:
                assert who(third) in pids(master, "init")
                assert {who(first), who(other)} == served
                row = ready(master)
                assert row["failures"] == 0 and row["throttled_for_seconds"] == 0
                assert mold_of(master) not in (None, mold)


def test_a_mold_that_is_stopped_in_the_midst_costs_a_client_a_moment():
    with Ostlerd(skeleton("x", ["unix:x"], retire_grace="200ms", kill_time="500ms")) as master:
        with master.client("x") as first:
            who(first)
            ready(master)
            os.kill(mold_of(master), signal.SIGSTOP)
            with master.client("x") as second:
                assert who(second) in pids(master, "init")
            row = master.wait_for("x", lambda s: s["bad_order"] >= 1)
            assert row["failures"] == 0


def test_a_reload_retires_the_mold_and_makes_a_new_one():
    with Ostlerd(skeleton("x", ["unix:x"])) as master:
        with master.client("x") as first:
            who(first)
            ready(master)
            old = mold_of(master)
            master.reload(skeleton("x", ["unix:x"], max_use=50))
            wait_until(lambda: not is_alive(old), "the old mold leaves")
            ready(master)
            assert mold_of(master) not in (None, old)
            with one_made(master):
                mold = mold_of(master)
            master.reload(skeleton("x", ["unix:x"], max_use=50, mold="no"))
            wait_until(lambda: not is_alive(mold), "the mold leaves")
            assert master.service("x")["mold"] is None


def test_a_new_mold_is_made_on_request():
    other = service("y", ["unix:y"], [SKELETON, "single", JOURNAL])
    with Ostlerd(skeleton("x", ["unix:x"]) + other) as master:
        with master.client("x") as first:
            pid = who(first)
            ready(master)
            for words in ("remold", "x"), ("remold",):
                old = mold_of(master)
                assert master.ostler(*words).returncode == 0
                wait_until(lambda old=old: not is_alive(old), "the old mold leaves")
                ready(master)
                assert mold_of(master) not in (None, old) and who(first) == pid
        for words, why in (("y",), "has no mold"), (("z",), "no such service"):
            done = master.ostler("remold", *words)
            assert done.returncode == 1 and why in done.stderr
        assert master.ostler("remold", "x").returncode == 0


def test_a_removed_service_and_a_stop_leave_no_mold():
    other = service("y", ["unix:y"], [SKELETON, "single", JOURNAL])
    with Ostlerd(skeleton("x", ["unix:x"]) + other) as master:
        with master.client("x") as first:
            who(first)
            ready(master)
        mold = mold_of(master)
        master.reload(other)
        wait_until(lambda: not is_alive(mold), "the mold leaves")
        wait_until(lambda: master.service("x") is None, "the service is gone")
        master.reload(skeleton("x", ["unix:x"]) + other)
        with master.client("x") as first:
            who(first)
            ready(master)
        master.stop(signal.SIGQUIT)


def test_a_program_that_is_no_mold_is_started_as_ever():
    with Ostlerd(rogue("x", ["unix:x"], mold="yes")) as master:
        with master.client("x") as first:
            assert first.ask("pid")
            master.wait_for("x", lambda s: s["mold"] == "refused")
            master.wait_event("no-mold")
            with master.client("x") as second:
                assert second.ask("pid") != first.ask("pid")
        assert master.service("x")["molded"] == 0


def test_a_program_with_threads_says_that_it_is_no_mold():
    with Ostlerd(skeleton("x", ["unix:x"], environment=["SKELETON_THREAD=1"])) as master:
        with master.client("x") as first:
            who(first)
            master.wait_for("x", lambda s: s["mold"] == "refused")
            assert "x: no mold: it has threads before it is ready" in master.log()
            with master.client("x") as second:
                assert who(second) in pids(master, "init")


def test_a_worker_from_a_mold_is_told_of_the_settings_of_now():
    with Ostlerd(skeleton("x", ["unix:x"], process_limit=7)) as master:
        with master.client("x") as first:
            assert " limit=7 " in first.ask("who")
            ready(master)
            old = mold_of(master)
            master.reload(skeleton("x", ["unix:x"], process_limit=8))
            assert mold_of(master) == old
            with one_made(master) as (second, _):
                assert " limit=8 " in second.ask("who")
