# SPDX-License-Identifier: MIT
"""A master that dies under a keeper: nobody who is served or waits is lost."""

import os
import signal
import time

import pytest

from kept import Kept, at, echo
from ostlerd import (
    ROOT,
    Ostlerd,
    children_of,
    environment_of,
    free_port,
    is_alive,
    orphans,
    rogue,
    run,
    wait_until,
)


def can_be_pid_1():
    return ROOT and run(["unshare", "-p", "-f", "-m", "--mount-proc", "true"]).returncode == 0


def test_who_is_served_and_who_waits_are_served_on():
    one, two = free_port(), free_port()
    with Kept(echo("one", at(one) + ["unix:one"]) + echo("two", at(two), process_limit=1)) as master:
        busy, holder = master.client(one), master.client(two)
        assert busy.ask("here") == "here" and holder.ask("here") == "here"
        waits = master.client(two)
        waits.send("hello\n")
        master.wait_for("two", lambda s: s["depth"] == 1)
        workers = master.workers()
        master.kill_master()
        assert busy.ask("still") == "still" and holder.ask("still") == "still"
        assert master.workers() == workers
        assert master.service("one")["taken"] == 1
        holder.close()
        assert waits.line() == "hello"
        waits.close()
        with master.client("one") as other:
            assert other.ask("new") == "new"
        busy.close()
        master.wait_for("one", lambda s: s["taken"] == 0)
        (event,) = master.events("adopted")
        assert event["cause"] == "killed by signal 9"


def test_idle_workers_are_kept_and_serve_on():
    port = free_port()
    with Kept(echo("one", at(port), process_limit=1)) as master:
        with master.client(port) as client:
            assert client.ask("a") == "a"
        master.wait_for("one", lambda s: s["ready"] == 1)
        workers = master.workers("one")
        for word in ("b", "c"):
            master.kill_master()
            with master.client(port) as client:
                assert client.ask(word) == word
            master.wait_for("one", lambda s: s["ready"] == 1)
            assert master.workers("one") == workers
        assert master.service("one")["starts"] == 1


def test_what_an_operator_was_told_is_still_so_in_the_next_master():
    port = free_port()
    with Kept(echo("one", at(port)) + echo("two", ["unix:two"])) as master:
        assert master.ostler("drain", "one").returncode == 0
        assert master.ostler("scale", "two", "limit=7").returncode == 0
        patient = master.client(port)
        patient.send("patient\n")
        master.kill_master()
        assert master.service("one")["state"] == "drained"
        assert master.service("two")["limit"] == 7
        assert master.ostler("resume", "one").returncode == 0
        assert patient.line() == "patient"
        patient.close()


def test_a_worker_that_dies_while_there_is_no_master_is_told_of():
    port = free_port()
    with Kept(echo("one", at(port))) as master:
        client = master.client(port)
        assert client.ask("here") == "here"
        (worker,) = master.workers("one")
        before, pid = master.restarts(), master.pid
        os.kill(master.process.pid, signal.SIGSTOP)
        try:
            os.kill(pid, signal.SIGKILL)
            wait_until(lambda: worker in children_of(master.process.pid), "the worker is the keeper's")
            os.kill(worker, signal.SIGKILL)
            wait_until(lambda: not is_alive(worker), "the worker is dead")
        finally:
            os.kill(master.process.pid, signal.SIGCONT)
        wait_until(lambda: master.restarts() == before + 1, "another master is there")
        died = master.wait_event("worker-died")
        assert died["signal"] in ("9", "KILL", "SIGKILL"), died
        with master.client(port) as other:
            assert other.ask("new") == "new"
        master.wait_for("one", lambda s: s["total"] == 1)


def test_a_worker_that_outlived_its_master_is_told_of_when_it_dies():
    port = free_port()
    with Kept(echo("one", at(port))) as master:
        client = master.client(port)
        assert client.ask("here") == "here"
        (worker,) = master.workers("one")
        master.kill_master()
        os.kill(worker, signal.SIGKILL)
        died = master.wait_event("worker-died")
        assert died["signal"] in ("9", "KILL", "SIGKILL"), died
        master.wait_for("one", lambda s: s["total"] == 0 or s["ready"] >= 1)


def test_without_its_keeper_a_master_goes_on_and_says_so():
    port = free_port()
    with Kept(echo("one", at(port)), leftovers=True) as master:
        assert master.status()["master"]["keeper"] == "keeper"
        pid = master.pid
        master.kill()
        wait_until(lambda: master.events("keeper-lost"), "it is told")
        assert master.status()["master"]["keeper"] == "nobody"
        with master.client(port) as client:
            assert client.ask("here") == "here"
        os.kill(pid, signal.SIGTERM)
        wait_until(lambda: not orphans(), "all are gone")


def test_when_both_are_killed_the_next_ones_start_anew():
    port = free_port()
    with Kept(echo("one", at(port) + ["unix:one"])) as master:
        with master.client(port) as client:
            assert client.ask("here") == "here"
        pid = master.pid
        master.kill()
        os.kill(pid, signal.SIGKILL)
        wait_until(lambda: not orphans(), "all are gone")
        master.start()
        for where in (port, "one"):
            with master.client(where) as client:
                assert client.ask("new") == "new"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGQUIT])
def test_what_tells_a_keeper_to_stop_tells_its_master(number):
    with Kept(echo("one", ["unix:one"])) as master:
        master.kill_master()
        master.send_signal(number)
        assert master.wait() == 0
        master.check_clean()
        assert "master-stopped" in master.log()


def test_a_master_that_dies_while_it_stops_hurries_nobody():
    with Kept(echo("one", ["unix:one"], stop_time="1h")) as master:
        busy = master.client("one")
        assert busy.ask("here") == "here"
        master.send_signal(signal.SIGTERM)
        wait_until(lambda: master.status()["master"]["state"] == "stopping", "it stops")
        told = time.monotonic()
        wait_until(lambda: time.monotonic() > told + 1.2, "the state has been written again")
        master.kill_master()
        wait_until(lambda: master.status()["master"]["state"] == "stopping", "so does the next")
        assert busy.ask("still") == "still"
        assert master.service("one")["retiring"] == 1
        busy.close()
        assert master.wait() == 0
        master.check_clean()


def test_ostler_stop_ends_both():
    with Kept(echo("one", ["unix:one"])) as master:
        assert master.ostler("stop").returncode == 0
        assert master.wait() == 0
        master.check_clean()


def test_a_reload_goes_through_a_keeper():
    with Kept(echo("one", ["unix:one"])) as master:
        master.kill_master()
        master.write(echo("one", ["unix:one"]) + echo("two", ["unix:two"]))
        master.send_signal(signal.SIGHUP)
        wait_until(lambda: master.service("two"), "the table is in force")
        master.kill_master()
        for name in ("one", "two"):
            with master.client(name) as client:
                assert client.ask("here") == "here"


def test_a_configuration_that_is_refused_ends_the_keeper():
    master = Kept("nonsense {\n")
    try:
        master.launch()
        assert master.wait() == 78
    finally:
        master._remove()


def test_killed_while_workers_start_nobody_is_lost():
    port = free_port()
    with Kept(rogue("one", at(port), "--start", "sleep 300", "--greet", process_limit=6)) as master:
        clients = [master.client(port) for _ in range(6)]
        master.wait_for("one", lambda s: s["total"] > 0)
        master.kill_master()
        for client in clients:
            pid = int(client.line())
            assert is_alive(pid)
            assert client.ask("hello") == "hello"
            client.close()


def test_an_upgrade_under_a_keeper_keeps_both():
    port = free_port()
    with Kept(echo("one", at(port))) as master:
        client = master.client(port)
        assert client.ask("here") == "here"
        master.kill_master()
        pid = master.pid
        done = master.ostler("upgrade")
        assert done.returncode == 0, f"{done}; {master.log()}"
        assert master.pid == pid
        status = master.status()["master"]
        assert status["keeper"] == "keeper" and status["restarts"] == 1
        assert client.ask("still") == "still"
        master.kill_master()
        assert client.ask("and now") == "and now"
        client.close()


@pytest.mark.skipif(not can_be_pid_1(), reason="needs PID namespaces")
def test_process_1_is_a_keeper():
    port = free_port()
    prefix = ["unshare", "-p", "-f", "--mount-proc", "--kill-child"]
    with Ostlerd(echo("one", at(port)), prefix=prefix) as master:
        assert master.status()["master"]["keeper"] == "keeper"
        (first,) = children_of(master.process.pid)
        (process,) = [p for p in children_of(first) if "OSTLER_SERVICE" not in environment_of(p)]
        client = master.client(port)
        assert client.ask("here") == "here"
        os.kill(process, signal.SIGKILL)
        wait_until(lambda: master.events("adopted"), "another master is there")
        assert client.ask("still") == "still"
        client.close()
        os.kill(first, signal.SIGTERM)
        assert master.wait() == 0
        master.check_clean()
