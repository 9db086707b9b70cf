# SPDX-License-Identifier: MIT
"""Pools: who is started when, and what becomes of clients when workers fail."""

import os
import signal
import socket
import time

import pytest

from ostlerd import (
    JOURNAL,
    SANITIZED,
    Ostlerd,
    free_port,
    is_alive,
    rogue,
    state_of,
    wait_until,
)


def ask_and_leave(client, text):
    """Say TEXT and no more: the worker is free again when it has answered."""
    client.send(text + "\n")
    client.socket.shutdown(socket.SHUT_WR)


def stop_worker(pid):
    """Stop it, and wait until it is."""
    os.kill(pid, signal.SIGSTOP)
    wait_until(lambda: state_of(pid) == "T", "it is stopped")


def idle_worker(master, name="web"):
    """Serve one client, and return the pid of the worker that is READY then."""
    with master.client(name) as client:
        pid = int(client.ask("pid"))
    master.wait_for(name, lambda s: s["ready"] >= 1 and s["taken"] == 0)
    return pid


# ------------------------------------------------------------- on demand


def test_no_worker_runs_before_the_first_client_and_the_first_serves_on():
    with Ostlerd(rogue("web", ["unix:web"])) as master:
        assert master.workers() == []
        pid = idle_worker(master)
        for _ in range(20):
            assert idle_worker(master) == pid
        row = master.service("web")
        assert (row["starts"], row["served"], row["ready"]) == (1, 21, 1)


def test_a_second_client_at_once_gets_a_second_worker():
    with Ostlerd(rogue("web", ["unix:web"])) as master:
        with master.client("web") as one, master.client("web") as two:
            assert one.ask("pid") != two.ask("pid")
        row = master.wait_for("web", lambda s: s["ready"] == 2)
        assert row["starts"] == 2


@pytest.mark.parametrize("kind", ["unix", "tcp"])
def test_at_the_limit_clients_wait_and_all_are_served(kind):
    port = free_port()
    where = "web" if kind == "unix" else port
    text = rogue("web", ["unix:web", f"127.0.0.1:{port}"], process_limit=3)
    with Ostlerd(text) as master:
        held = [master.client(where) for _ in range(3)]
        pids = {c.ask("pid") for c in held}
        assert len(pids) == 3
        waiting = [master.client(where) for _ in range(20)]
        for client in waiting:
            ask_and_leave(client, "pid")
        row = master.wait_for("web", lambda s: s["state"] == "at-limit")
        assert (row["total"], row["limit"], row["taken"]) == (3, 3, 3)
        assert master.wait_event("at-limit")["service"] == "web"
        for client in held:
            client.close()
        served = [client.line() for client in waiting]
        assert set(served) <= pids and None not in served
        assert master.service("web")["starts"] == 3
        for client in waiting:
            client.close()


def test_a_service_at_its_limit_does_not_hold_up_another():
    text = rogue("a", ["unix:a"], process_limit=1) + rogue("b", ["unix:b"])
    with Ostlerd(text) as master:
        with master.client("a") as held, master.client("a") as waiting:
            assert held.ask("echo x") == "x"
            for _ in range(5):
                with master.client("b") as client:
                    assert client.ask("echo y") == "y"
            held.close()
            assert waiting.ask("echo z") == "z"


@pytest.mark.parametrize("kind", ["unix", "tcp"])
def test_a_burst_starts_as_many_workers_as_clients_wait(kind):
    """Catalogue 15: one after the other, 50 starts would take 25 s."""
    port = free_port()
    where = "web" if kind == "unix" else port
    text = rogue("web", ["unix:web", f"127.0.0.1:{port}"], "--start", "sleep 500",
                 process_limit=100)
    with Ostlerd(text) as master:
        begin = time.monotonic()
        clients = [master.client(where) for _ in range(50)]
        for client in clients:
            client.send("pid\n")
        pids = {client.line() for client in clients}
        took = time.monotonic() - begin
        assert len(pids) == 50
        assert took < (5 if SANITIZED else 2.5)
        assert master.service("web")["starts"] <= 65
        for client in clients:
            client.close()


# ------------------------------------------------------------- silent workers


def test_workers_that_never_speak_are_x():
    """As Postfix's are until their first client, for ever."""
    with Ostlerd(rogue("web", ["unix:web"], "--silent")) as master:
        with master.client("web") as client:
            assert client.ask("echo x") == "x"
        row = master.wait_for("web", lambda s: s["ready"] == 1)
        assert row["failures"] == 0
        for _ in range(10):
            with master.client("web") as client:
                assert client.ask("echo y") == "y"
        assert master.service("web")["starts"] == 1


def test_a_silent_worker_that_is_busy_is_found_out():
    text = rogue("web", ["unix:web"], "--silent", deaf_time="100ms")
    with Ostlerd(text) as master:
        with master.client("web") as first:
            pid = first.ask("pid")
            with master.client("web") as second:
                assert second.ask("pid") != pid


# ------------------------------------------------------------- AVAIL is a lease


def test_a_stopped_ready_worker_does_not_make_its_service_deaf():
    """Catalogue 12, 13: it is suspected, not killed, and believed again."""
    with Ostlerd(rogue("web", ["unix:web"], deaf_time="200ms")) as master:
        pid = idle_worker(master)
        stop_worker(pid)
        with master.client("web") as client:
            assert int(client.ask("pid")) != pid
            row = master.service("web")
            assert row["suspect"] == 1
        assert int(master.wait_event("worker-suspect")["pid"]) == pid
        assert is_alive(pid)
        os.kill(pid, signal.SIGCONT)
        # Nobody waits for it any more; its next client clears its name.
        held = []
        def found():
            held.append(master.client("web"))
            return int(held[-1].ask("pid")) == pid
        wait_until(found, "the stopped one serves again")
        master.wait_for("web", lambda s: s["suspect"] == 0)
        for client in held:
            client.close()


def test_all_ready_workers_stopped_and_the_next_client_is_served():
    """Catalogue 13: however many are silent, none is killed for it."""
    with Ostlerd(rogue("web", ["unix:web"], deaf_time="200ms")) as master:
        clients = [master.client("web") for _ in range(4)]
        pids = {int(c.ask("pid")) for c in clients}
        for client in clients:
            client.close()
        master.wait_for("web", lambda s: s["ready"] == 4)
        for pid in pids:
            stop_worker(pid)
        with master.client("web") as client:
            assert int(client.ask("pid")) not in pids
        assert master.service("web")["suspect"] == 4
        assert all(state_of(pid) == "T" for pid in pids)
        for pid in pids:
            os.kill(pid, signal.SIGCONT)


@pytest.mark.parametrize("kind", ["unix", "tcp"])
def test_a_ready_worker_killed_with_a_client_in_the_queue(kind):
    """Catalogue 8: the wake-up that died with it is not the client's end."""
    port = free_port()
    where = "web" if kind == "unix" else port
    text = rogue("web", ["unix:web", f"127.0.0.1:{port}"], deaf_time="1h")
    with Ostlerd(text) as master:
        pid = idle_worker(master)
        stop_worker(pid)
        with master.client(where) as client:
            client.send("pid\n")
            master.wait_for("web", lambda s: s["depth"] == 1)
            os.kill(pid, signal.SIGKILL)
            assert int(client.line()) != pid


def test_siblings_of_a_killed_worker_serve_its_client():
    text = rogue("web", ["unix:web"], process_limit=2, deaf_time="1h")
    with Ostlerd(text) as master:
        clients = [master.client("web") for _ in range(2)]
        pids = [int(c.ask("pid")) for c in clients]
        for client in clients:
            client.close()
        master.wait_for("web", lambda s: s["ready"] == 2)
        stop_worker(pids[0])
        with master.client("web") as client:
            os.kill(pids[0], signal.SIGKILL)
            assert client.ask("echo x") == "x"


@pytest.mark.parametrize("kind", ["unix", "tcp"])
def test_a_wake_up_that_died_with_its_worker_is_made_good(kind):
    """Catalogue 8: the kernel woke the one that is killed, and nobody else."""
    port = free_port()
    listen = ["unix:web"] if kind == "unix" else [f"127.0.0.1:{port}"]
    where = "web" if kind == "unix" else port
    text = rogue("web", listen, "--lazy", "--journal", JOURNAL, process_limit=2,
                 deaf_time="1h", retire_grace="50ms")
    with Ostlerd(text) as master:
        clients = [master.client(where) for _ in range(2)]
        pids = {int(c.ask("pid")) for c in clients}
        assert len(pids) == 2
        for client in clients:
            client.close()
        master.wait_for("web", lambda s: s["ready"] == 2)
        with master.client(where) as client:
            client.send("pid\n")
            wait_until(lambda: master.journal("hangs"), "one is woken")
            [(woken, _)] = master.journal("hangs")
            os.kill(woken, signal.SIGKILL)
            assert int(client.line()) not in pids
            assert len(master.journal("hangs")) == 1  # its sibling slept on


def test_a_deaf_service_at_its_limit_is_shown():
    text = rogue("web", ["unix:web"], process_limit=1, deaf_time="200ms")
    with Ostlerd(text) as master:
        pid = idle_worker(master)
        stop_worker(pid)
        with master.client("web") as client:
            client.send("pid\n")
            row = master.wait_for("web", lambda s: s["state"] == "deaf")
            assert (row["total"], row["suspect"], row["depth"]) == (1, 1, 1)
            assert master.wait_event("service-deaf")["service"] == "web"
            assert "deaf" in master.ostler("status").stdout
            assert is_alive(pid)
            os.kill(pid, signal.SIGCONT)
            assert int(client.line()) == pid
        master.wait_for("web", lambda s: s["state"] == "up" and s["suspect"] == 0)


def test_on_deaf_kill_heals_a_service_at_its_limit():
    text = rogue("web", ["unix:web"], process_limit=1, deaf_time="200ms", on_deaf="kill")
    with Ostlerd(text) as master:
        pid = idle_worker(master)
        stop_worker(pid)
        with master.client("web") as client:
            assert int(client.ask("pid")) != pid
        wait_until(lambda: not is_alive(pid), "the deaf one is gone")
        row = master.wait_for("web", lambda s: s["state"] == "up")
        assert row["failures"] == 0


# ------------------------------------------------------------- starting


def test_a_worker_that_does_not_say_its_promised_avail_is_killed():
    """Catalogue 14."""
    text = rogue("web", ["unix:web"], "--journal", JOURNAL, "--start", "hang",
                 ready="notify", start_time_limit="200ms")
    with Ostlerd(text) as master:
        with master.client("web"):
            event = master.wait_event("start-timeout")
            assert event["service"] == "web"
            row = master.wait_for("web", lambda s: s["state"] == "throttled")
            assert "did not report AVAIL within start_time_limit" in row["cause"]
            assert row["ready"] == 0
            pid = int(event["pid"])
            wait_until(lambda: not is_alive(pid), "it is killed")


def test_without_a_promise_a_slow_start_is_no_failure():
    """Catalogue 14: the limit is for workers that promised."""
    text = rogue("web", ["unix:web"], "--start", "sleep 600", start_time_limit="100ms")
    with Ostlerd(text) as master:
        with master.client("web") as client:
            assert client.ask("echo x") == "x"
        row = master.service("web")
        assert row["failures"] == 0 and row["starts"] <= 2


def test_a_promised_avail_that_comes_is_ready():
    text = rogue("web", ["unix:web"], "--start", "sleep 100", ready="notify")
    with Ostlerd(text) as master:
        with master.client("web") as client:
            assert client.ask("echo x") == "x"
        assert master.service("web")["failures"] == 0


# ------------------------------------------------------------- ending


def test_fifty_workers_killed_at_once_leave_no_zombie():
    """Catalogue 18."""
    with Ostlerd(rogue("web", ["unix:web"], process_limit=60)) as master:
        for _ in range(3):
            clients = [master.client("web") for _ in range(50)]
            pids = {int(c.ask("pid")) for c in clients}
            assert len(pids) == 50
            for pid in master.workers("web"):
                os.kill(pid, signal.SIGKILL)
            for client in clients:
                assert client.at_end()
                client.close()
            wait_until(lambda: not master.zombies(), "all are reaped")
            master.wait_for("web", lambda s: s["total"] == 0)
            # They had served clients: it is a crash, and not for ever.
            with master.client("web") as client:
                assert client.ask("echo x") == "x"
        # Ten lines about workers, and still it says why nobody was started.
        assert len(master.events("worker-died")) < 60
        assert "again and again" in master.wait_event("throttled")["cause"]


def test_an_idle_worker_that_leaves_is_no_failure():
    text = rogue("web", ["unix:web"], "--served", "exit 0")
    with Ostlerd(text) as master:
        for _ in range(5):
            with master.client("web") as client:
                assert client.ask("echo x") == "x"
        row = master.wait_for("web", lambda s: s["exits"] == 5)
        assert (row["failures"], row["cause"], row["state"]) == (0, None, "up")
