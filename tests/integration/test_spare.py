# SPDX-License-Identifier: MIT
"""Spares: idle workers that are there before anybody knocks, and not too many."""

import os
import signal
import time

from ostlerd import Ostlerd, rogue, service, wait_until


def kept(row):
    return row["ready"] + row["starting"]


def all_ready(n):
    return lambda row: row["ready"] == n and row["total"] == n


def burst(master, n, name="web"):
    """N clients at once; whoever served them is READY again when it returns."""
    clients = [master.client(name) for _ in range(n)]
    pids = {int(client.ask("pid")) for client in clients}
    assert len(pids) == n
    for client in clients:
        client.close()
    master.wait_for(name, lambda row: row["taken"] == 0)
    return pids


def test_spares_are_there_before_anybody_knocks_and_are_made_up_for():
    with Ostlerd(rogue("web", ["unix:web"], spare_min=3, process_limit=5)) as master:
        master.wait_for("web", all_ready(3))
        with master.client("web") as one, master.client("web") as two:
            assert one.ask("pid") != two.ask("pid")
            row = master.wait_for("web", lambda row: row["total"] == 5 and row["ready"] == 3)
            assert row["taken"] == 2
            with master.client("web") as three:
                three.ask("pid")
                # Five is the limit: nobody comes in the place of this one.
                master.wait_for("web", lambda row: row["taken"] == 3 and row["total"] == 5)


def test_a_spare_that_is_killed_or_replaced_is_made_up_for():
    with Ostlerd(rogue("web", ["unix:web"], spare_min=2)) as master:
        master.wait_for("web", all_ready(2))
        pids = burst(master, 2)
        master.wait_for("web", lambda row: row["total"] >= 2)
        for pid in pids:
            os.kill(pid, signal.SIGKILL)
        wait_until(lambda: not pids & set(master.workers("web")), "they are gone")
        master.wait_for("web", lambda row: kept(row) >= 2)
        before = set(master.workers("web"))
        master.reload(rogue("web", ["unix:web"], spare_min=2, max_use=7))
        wait_until(lambda: not before & set(master.workers("web")), "the old ones are gone")
        master.wait_for("web", all_ready(2))


def test_spares_do_not_leave_by_themselves():
    with Ostlerd(rogue("web", ["unix:web"], spare_min=2, max_idle="5s")) as master:
        master.wait_for("web", all_ready(2))
        for pid in master.workers("web"):
            with open(f"/proc/{pid}/environ", "rb") as environ:
                assert b"OSTLER_MAX_IDLE=0\0" in environ.read() + b"\0"


def test_spares_that_cannot_start_are_tried_ever_more_seldom():
    with Ostlerd(service("web", ["unix:web"], ["/bin/false"], spare_min=4)) as master:
        master.wait_event("throttled", lambda keys: keys["service"] == "web")
        row = master.wait_for("web", lambda row: row["failures"] >= 5)
        # Four at once, then one at a time.
        assert row["starts"] <= row["failures"] + 1


def test_workers_that_are_woken_in_turns_are_trimmed_while_clients_come():
    """None is idle for long, and one would do."""
    config = rogue("web", ["unix:web"], trim_interval="1s", max_idle="1h")
    with Ostlerd(config) as master:
        assert len(burst(master, 6)) == 6
        deadline = time.monotonic() + 120
        served = 0
        while master.service("web")["total"] > 1:
            assert time.monotonic() < deadline, master.service("web")
            with master.client("web") as client:
                client.ask("pid")
            served += 1
        assert served > 1
        assert master.service("web")["failures"] == 0
        # The last one is its own max_idle's, and serves on.
        with master.client("web") as client:
            assert [int(client.ask("pid"))] == master.workers("web")


def test_workers_that_are_needed_at_once_are_not_trimmed():
    config = rogue("web", ["unix:web"], trim_interval="1h", spare_max=2, spare_min=1)
    with Ostlerd(config) as master:
        burst(master, 5)
        # Those above spare_max go soon, however long the interval.
        master.wait_for("web", lambda row: row["total"] <= 3)
        row = master.wait_for("web", all_ready(2))
        assert row["trimmed"] >= 3


def test_a_share_is_kept_free_and_the_figures_are_checked():
    config = rogue("a", ["unix:a"]) + rogue("b", ["unix:b"], share=2)
    with Ostlerd(config, head="workers_max = 3\n") as master:
        with master.client("a") as first:
            first.ask("pid")
            with master.client("a"):
                row = master.wait_for("a", lambda row: row["state"] == "at-limit")
                assert row["total"] == 1
                with master.client("b") as one, master.client("b") as two:
                    assert one.ask("pid") != two.ask("pid")
        done = master.reload(
            rogue("a", ["unix:a"]) + rogue("b", ["unix:b"], share=2) +
            rogue("c", ["unix:c"], share=1), good=False)
        assert done.returncode == 1
        assert "the shares of 2 services are 3 workers, others need one, and workers_max is 3" \
            in done.stderr
        assert "raise workers_max to 4" in done.stderr


def test_an_automatic_limit_is_the_number_of_processors():
    one = {min(os.sched_getaffinity(0))}
    config = rogue("web", ["unix:web"], process_limit="auto")
    with Ostlerd(config, preexec=lambda: os.sched_setaffinity(0, one)) as master:
        assert master.service("web")["limit"] == 1
        assert " 1 " in master.ostler("status", "web").stdout
