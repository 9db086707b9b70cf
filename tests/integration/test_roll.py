# SPDX-License-Identifier: MIT
"""A reload of a changed service: new workers come, and then the old ones go."""

import json
import threading

import pytest

from ostlerd import JOURNAL, Ostlerd, free_port, rogue, service, wait_until
from test_load import Load

WORKERS = 4


def pool(version, *switches, where="unix:w", **settings):
    settings.setdefault("process_limit", WORKERS)
    settings.setdefault("spare_min", WORKERS)
    return rogue("w", [where], *switches, environment=[f"VERSION={version}"], **settings)


def full(master):
    return master.wait_for("w", lambda s: s["ready"] >= WORKERS)


class Watch:
    """The fewest workers that could serve or did, as long as it looks."""

    def __init__(self, master):
        self.master = master
        self.least = 1000
        self.over = threading.Event()
        self.thread = threading.Thread(target=self._look)

    def _look(self):
        while not self.over.is_set():
            row = self.master.service("w")
            self.least = min(self.least, row["ready"] + row["taken"])

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        self.thread.join()


def test_there_are_never_fewer_and_no_client_fails():
    port = free_port()
    slow = ("--greet", "--start", "sleep 200")
    where = f"127.0.0.1:{port}"
    with Ostlerd(pool(1, *slow, where=where, ready="notify")) as master:
        full(master)
        old = master.workers("w")
        with Load(where, threads=2, greeted=True) as load, Watch(master) as watch:
            for version in (2, 3):
                done = master.reload(pool(version, *slow, where=where, ready="notify"))
                assert "w: changed (4 workers replaced in " in done.stdout
            served, failed = load.finish()
        assert not failed and served > 0
        assert watch.least >= WORKERS
        wait_until(lambda: not set(old) & set(master.workers("w")), "the old ones are gone")
        assert len(master.events("rolled")) == 2


def test_an_old_one_leaves_only_when_a_new_one_has_spoken():
    # Whoever comes is ready after its line in the journal, and none before.
    note = ("--journal", JOURNAL, "--start", "sleep 100", "--start", "journal up")
    with Ostlerd(pool(1, *note, ready="notify")) as master:
        full(master)
        old = set(master.workers("w"))
        seen = []
        over = threading.Event()

        def look():
            while not over.is_set():
                left = len(old & set(master.workers("w")))
                up = len({pid for pid, _ in master.journal("up")} - old)
                seen.append((left, up))

        thread = threading.Thread(target=look)
        thread.start()
        master.reload(pool(2, *note, ready="notify"))
        over.set()
        thread.join()
        # The journal was read after the workers: it is never behind them.
        assert all(left + up >= WORKERS for left, up in seen), seen
        assert [up for left, up in seen if left < WORKERS] or len(seen) < 3


def test_new_ones_that_cannot_start_leave_the_old_ones_at_work():
    with Ostlerd(pool(1)) as master:
        full(master)
        old = master.workers("w")
        master.write(pool(2, "--start", "exit 3"))
        done = master.ostler("reload")
        assert done.returncode == 1
        assert "w: new workers cannot be started (exit status 3 before its first client)" in done.stderr
        assert "its 4 old ones go on" in done.stderr
        assert "reloaded: 1 changed" in done.stdout
        assert master.workers("w") == old
        row = master.service("w")
        assert (row["old"], row["stalled"], row["ready"]) == (WORKERS, 1, WORKERS)
        assert master.events("roll-stalled")[0]["old"] == str(WORKERS)
        shown = master.ostler("status").stdout
        assert "4 old workers go on, since no new ones can be started" in shown
        with master.client("w") as client:
            assert int(client.ask("pid")) in old
        # It was the configuration that was bad, and a better one is at once in force.
        rolls = json.loads(master.ostler("reload", "--json").stdout)["rolls"]
        assert [(r["state"], r["old"]) for r in rolls] == [("stalled", WORKERS)]
        master.reload(pool(3))
        wait_until(lambda: not set(old) & set(master.workers("w")), "the old ones are gone")
        assert (master.service("w")["old"], master.service("w")["stalled"]) == (0, 0)


def test_a_client_is_served_to_its_end_by_its_old_worker():
    with Ostlerd(pool(1)) as master:
        full(master)
        with master.client("w") as client:
            pid = int(client.ask("pid"))
            master.reload(pool(2))
            assert int(client.ask("pid")) == pid
            with master.client("w") as other:
                assert int(other.ask("pid")) != pid
        wait_until(lambda: pid not in master.workers("w"), "the old one is gone")


def test_who_does_not_wait_is_told_at_once():
    hang = ("--start", "hang")
    with Ostlerd(pool(1)) as master:
        full(master)
        # So long the one that hangs is asked before it is ended.
        master.write(pool(2, *hang, ready="notify", retire_grace="100ms"))
        assert "changed (its workers are replaced)" in master.ostler("reload", "--no-wait").stdout
        assert master.service("w")["old"] == WORKERS
        assert "4 old workers to be replaced yet" in master.ostler("status").stdout
        master.reload(pool(3, retire_grace="100ms"))
        assert master.service("w")["old"] == 0


def test_all_at_once_where_that_is_asked_for_or_needed():
    with Ostlerd(pool(1, roll_batch=0)) as master:
        full(master)
        assert "w: changed (its workers are replaced)" in master.reload(pool(2, roll_batch=0)).stdout
        full(master)
        assert not master.events("rolled")
        # What they listen on is another: nobody could serve on.
        master.reload(pool(2, where="unix:v"))
        with master.client("v") as client:
            assert client.ask("pid")
        assert not master.events("rolled")


@pytest.mark.parametrize("how", [{"status_page": "no"}, {"mold": "yes"}, {}])
def test_workers_of_the_library_are_replaced_too(how):
    def text(word):
        return service("w", ["unix:w"], ["ostler-echo"], environment=[f"WORD={word}"],
                       process_limit=WORKERS, spare_min=2, **how)

    with Ostlerd(text(1)) as master:
        master.wait_for("w", lambda s: s["ready"] >= 2)
        old = set(master.workers("w"))
        for n in (2, 3, 4):
            master.reload(text(n))
            with master.client("w") as client:
                assert client.ask("x") == "x"
        wait_until(lambda: not old & set(master.workers("w")), "the old ones are gone")
        wait_until(lambda: master.service("w")["retiring"] == 0, "all old ones are gone")
        assert master.service("w")["failures"] == 0


def test_only_so_many_generations_leave_at_a_time():
    # Each old one has a client that stays.
    settings = {"spare_min": 1, "process_limit": 8, "surge": 8, "generations_max": 1}
    with Ostlerd(pool(1, **settings)) as master:
        master.wait_for("w", lambda s: s["ready"] >= 1)
        with master.client("w") as first:
            assert int(first.ask("pid")) in master.workers("w")
            master.reload(pool(2, **settings))
            with master.client("w") as second:
                younger = second.ask("pid")
                assert first.ask("pid") != younger
                master.reload(pool(3, **settings))
                assert first.at_end()
                assert second.ask("pid") == younger
