# SPDX-License-Identifier: MIT
"""Workers that are worn, that keep a client too long, that say nothing."""

import os
import signal
import threading

import pytest

from ostlerd import (
    BUILD,
    JOURNAL,
    Ostlerd,
    connect,
    is_alive,
    service,
    state_of,
    wait_until,
)

SKELETON = BUILD / "tests/integration/skeleton"


def skeleton(kind="single", **settings):
    return service("x", ["unix:x"], [SKELETON, kind, JOURNAL], ready="notify", **settings)


def idle_worker(master):
    with master.client("x") as client:
        assert client.ask("word") == "word"
    master.wait_for("x", lambda s: s["ready"] == s["total"] == 1)
    (pid,) = master.workers("x")
    return pid


class Load:
    """Clients, one after the other in each thread, until told to stop."""

    def __init__(self, master, threads):
        self.where = master.runtime / "x"
        self.errors, self.served, self.over = [], 0, False
        self.lock = threading.Lock()
        self.threads = [threading.Thread(target=self.run) for _ in range(threads)]

    def run(self):
        try:
            while not self.over:
                with connect(self.where) as client:
                    assert client.ask("word") == "word"
                with self.lock:
                    self.served += 1
        except Exception as error:  # told by the test's own thread
            self.errors.append(repr(error))

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.over = True
        for thread in self.threads:
            thread.join()


def test_used_up_workers_are_replaced_and_no_client_fails():
    with Ostlerd(skeleton(process_limit=3, max_use=40)) as master:
        with Load(master, 4) as load:
            wait_until(
                lambda: load.errors or master.service("x")["worn_use"] >= 3,
                lambda: (load.served, master.status()),
            )
        row = master.service("x")
        assert load.errors == []
        assert (row["failures"], row["timeouts"], row["hangs"]) == (0, 0, 0)


def test_few_clients_are_meant_to_the_one():
    with Ostlerd(skeleton(max_use=2, process_limit=1)) as master:
        for _ in range(6):
            with master.client("x") as client:
                assert client.ask("word") == "word"
        wait_until(lambda: len(master.journal("leave")) == 3, master.journal)
        assert master.service("x")["worn_use"] == 0


def test_old_workers_are_replaced_and_never_is_more_than_one_missing():
    with Ostlerd(skeleton(process_limit=3, max_age="500ms", max_use=0)) as master:
        with Load(master, 4) as load:
            master.wait_for("x", lambda s: s["total"] - s["retiring"] >= 3)

            def enough(row):
                up = row["ready"] + row["taken"] + row["starting"]
                assert up >= 2, row
                assert row["total"] <= 4, row
                return load.errors or row["worn_age"] >= 6

            master.wait_for("x", enough)
        row = master.service("x")
        assert load.errors == []
        assert (row["failures"], row["timeouts"]) == (0, 0)


def test_a_worker_that_keeps_a_client_too_long_is_ended_and_only_that():
    text = skeleton(process_limit=2, request_time_limit="1s", kill_time="200ms")
    with Ostlerd(text) as master:
        with master.client("x") as held:
            assert held.ask("word") == "word"
            # The sibling has many in that time, and none is held against it.
            with Load(master, 1) as load:
                row = master.wait_for("x", lambda s: s["timeouts"] == 1)
                held.at_end()
                master.wait_event("worker-overdue")
            assert load.errors == [] and row["failures"] == 0
        row = master.service("x")
        assert (row["timeouts"], row["throttled_for_seconds"]) == (1, 0)


def test_who_does_not_hear_the_signal_is_killed():
    text = skeleton(process_limit=1, request_time_limit="300ms", request_signal="usr1",
                    kill_time="200ms")
    with Ostlerd(text) as master:
        with master.client("x") as held:
            assert held.ask("word") == "word"
            (pid,) = master.workers("x")
            os.kill(pid, signal.SIGSTOP)
            wait_until(lambda: not is_alive(pid), "it is killed")
        row = master.wait_for("x", lambda s: s["exits"] == 1)
        assert (row["timeouts"], row["failures"]) == (1, 0)


def test_a_stopped_worker_is_missed_where_workers_promised_to_speak():
    with Ostlerd(skeleton(liveness="400ms", kill_time="200ms")) as master:
        pid = idle_worker(master)
        os.kill(pid, signal.SIGSTOP)
        wait_until(lambda: not is_alive(pid), "it is ended")
        master.wait_event("worker-silent")
        with master.client("x") as client:
            assert client.ask("word") == "word"
        row = master.wait_for("x", lambda s: s["hangs"] == 1)
        assert row["failures"] == 0


def test_idle_workers_speak_as_they_promised():
    with Ostlerd(skeleton("multi", liveness="1s")) as master:
        pid = idle_worker(master)
        row = master.wait_for("x", lambda s: s["redundant"] >= 4)
        assert state_of(pid) is not None
        assert row["hangs"] == 0 and master.workers("x") == [pid]


def test_a_stopped_worker_is_doubted_and_another_serves():
    with Ostlerd(skeleton(deaf_time="200ms")) as master:
        pid = idle_worker(master)
        os.kill(pid, signal.SIGSTOP)
        with master.client("x") as client:
            assert client.ask("word") == "word"
        assert pid in master.workers("x")
        os.kill(pid, signal.SIGCONT)


@pytest.mark.parametrize("kind", ["pss", "rss"])
def test_a_worker_that_has_grown_too_large_is_replaced(kind):
    text = skeleton(process_limit=2, max_memory="128M", memory_kind=kind)
    with Ostlerd(text) as master:
        with master.client("x") as client:
            assert client.ask("word") == "word"
            before = set(master.workers("x"))
            assert client.ask("grow") == "1"
        row = master.wait_for("x", lambda s: s["worn_memory"] == 1)
        wait_until(lambda: any(not is_alive(pid) for pid in before), "it is gone")
        assert row["failures"] == 0
        with master.client("x") as client:
            assert client.ask("word") == "word"
        assert before - set(master.workers("x"))
