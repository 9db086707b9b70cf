# SPDX-License-Identifier: MIT
"""What becomes of clients that come when it is too much."""

import os
import signal
import socket
from pathlib import Path

import pytest

from ostlerd import Ostlerd, children_of, environment_of, free_port, is_alive, libexec, rogue, service, state_of, wait_until

REPLY = "421 busy\\r\\n"
BUSY = "421 busy\r"


def full(way, listen, limit=1, command=None, **settings):
    """A service that turns clients away; WAY is written as it is."""
    make = rogue if command is None else service
    words = [] if command is None else [command]
    text = make("web", listen, *words, process_limit=limit, **settings)
    return text.replace("    listen", f"    on_full = {way}\n    listen", 1)


def bouncers(master):
    found = []
    for pid in children_of(master.pid):
        try:
            if Path(f"/proc/{pid}/comm").read_text().strip() == "ostler-bounce":
                found.append(pid)
        except OSError:
            pass
    return [p for p in found if is_alive(p)]


def take(master, where, n):
    """N clients, each with a worker of its own."""
    clients = [master.client(where) for _ in range(n)]
    for client in clients:
        assert int(client.ask("pid")) > 0
    master.wait_for("web", lambda s: s["taken"] == n)
    return clients


def gone(master):
    """No bouncer is left: from here on nobody is turned away."""
    wait_until(lambda: not bouncers(master), "the bouncer has left")


@pytest.mark.parametrize("kind", ["tcp", "unix"])
def test_who_comes_to_a_full_service_gets_the_reply_and_the_others_go_on(kind):
    port = free_port()
    where = "web" if kind == "unix" else port
    with Ostlerd(full(f'{{reply, "{REPLY}"}}', ["unix:web", f"127.0.0.1:{port}"], 2)) as master:
        assert master.service("web")["on_full"] == "reply"
        taken = take(master, where, 2)
        for _ in range(20):
            with master.client(where) as client:
                client.send("these bytes are there when it is closed\n" * 100)
                assert client.line() == BUSY
                assert client.at_end()
        row = master.wait_for("web", lambda s: s["refused"] == 20)
        assert (row["taken"], row["total"], row["failures"], row["bouncing"]) == (2, 2, 0, 1)
        out = master.ostler("status").stdout
        assert "full: clients that come are turned away" in out
        assert "turned away while full: 20 clients" in out
        for client in taken:
            assert client.ask("echo still here") == "still here"
        taken[0].close()
        master.wait_for("web", lambda s: s["ready"] == 1 and s["bouncing"] == 0)
        gone(master)
        # Nobody is turned away while one is idle.
        for _ in range(20):
            with master.client(where) as client:
                assert int(client.ask("pid")) > 0
            master.wait_for("web", lambda s: s["ready"] >= 1)
        assert master.service("web")["refused"] == 20
        taken[1].close()


def test_silent_workers_are_known_to_be_full_and_to_be_free():
    """They tell by their page, and hardly ever by a message."""
    port = free_port()
    way = f'{{reply, "{REPLY}"}}'
    with Ostlerd(full(way, [f"127.0.0.1:{port}"], 3, ["ostler-echo"], max_use=0)) as master:
        for n in (1, 2):
            taken = [master.client(port) for _ in range(3)]
            for client in taken:
                assert client.ask("x") == "x"
            with master.client(port) as client:
                assert client.line() == BUSY
            master.wait_for("web", lambda s, n=n: s["refused"] == n)
            taken[0].close()
            master.wait_for("web", lambda s: s["bouncing"] == 0 and s["ready"] == 1)
            gone(master)
            with master.client(port) as client:
                assert client.ask("y") == "y"
            for client in taken:
                client.close()
            master.wait_for("web", lambda s: s["ready"] == 3 and s["taken"] == 0)


def test_who_is_refused_is_reset():
    port = free_port()
    with Ostlerd(full("refuse", [f"127.0.0.1:{port}"])) as master:
        [taken] = take(master, port, 1)
        for _ in range(3):
            with socket.create_connection(("127.0.0.1", port)) as client:
                client.settimeout(30)
                with pytest.raises(ConnectionResetError):
                    client.recv(1)
        master.wait_for("web", lambda s: s["refused"] == 3)
        assert taken.ask("echo x") == "x"
        taken.close()


def test_slow_clients_do_not_keep_others_from_their_reply():
    port = free_port()
    with Ostlerd(full(f'{{reply, "{REPLY}"}}', [f"127.0.0.1:{port}"])) as master:
        [taken] = take(master, port, 1)
        # More than it keeps; they neither read nor hang up.
        slow = [master.client(port) for _ in range(100)]
        master.wait_for("web", lambda s: s["refused"] == 100)
        with master.client(port) as client:
            assert client.line() == BUSY
        for client in slow:
            assert client.line() == BUSY
            client.close()
        taken.close()


def test_a_bouncer_without_a_free_descriptor_lets_the_oldest_go():
    listen = ["unix:web"] + [f"unix:other{i}" for i in range(53)]
    with Ostlerd(full(f'{{reply, "{REPLY}"}}', listen, limit_nofile=64)) as master:
        [taken] = take(master, "web", 1)
        # They neither read nor hang up, and have a second each.
        slow = [master.client("web") for _ in range(200)]
        master.wait_for("web", lambda s: s["refused"] == 200)
        for client in slow:
            assert client.line() == BUSY
            client.close()
        taken.close()


def test_every_refusal_is_counted_though_the_master_was_slow_to_read():
    with Ostlerd(full(f'{{reply, "{REPLY}"}}', ["unix:web"])) as master:
        [taken] = take(master, "web", 1)
        with master.client("web") as client:
            assert client.line() == BUSY
        wait_until(lambda: bouncers(master), "it is there")
        os.kill(master.pid, signal.SIGSTOP)
        try:
            for _ in range(400):  # more than a channel holds
                with master.client("web") as client:
                    assert client.line() == BUSY
        finally:
            os.kill(master.pid, signal.SIGCONT)
        master.wait_for("web", lambda s: s["refused"] == 401)
        taken.close()


@pytest.mark.parametrize("kind", ["tcp", "unix"])
def test_by_chance_those_who_waited_longest_make_room(kind):
    port = free_port()
    where = "web" if kind == "unix" else port
    # All chances are certainties here: no more than two wait.
    with Ostlerd(full('{drop-random, "2:100:4"}', ["unix:web", f"127.0.0.1:{port}"])) as master:
        assert master.service("web")["on_full"] == "drop-random"
        [taken] = take(master, where, 1)
        waiting = [master.client(where) for _ in range(2)]
        master.wait_for("web", lambda s: s["depth"] == 2)
        assert (master.service("web")["refused"], bouncers(master)) == (0, [])
        waiting += [master.client(where) for _ in range(10)]
        master.wait_for("web", lambda s: s["refused"] == 10 and s["depth"] == 2)
        for client in waiting[:10]:
            assert client.at_end()
        assert taken.ask("echo still here") == "still here"
        taken.close()
        for client in waiting[10:]:
            assert int(client.ask("pid")) > 0
            client.close()
        master.wait_for("web", lambda s: s["ready"] == 1 and s["bouncing"] == 0)
        gone(master)
        assert master.service("web")["refused"] == 10


def test_by_chance_some_stay():
    port = free_port()
    with Ostlerd(full('{drop-random, "0:50:500"}', [f"127.0.0.1:{port}"])) as master:
        [taken] = take(master, port, 1)
        waiting = [master.client(port) for _ in range(100)]
        row = master.wait_for("web", lambda s: s["refused"] >= 15)
        wait_until(lambda: [state_of(p) for p in bouncers(master)] == ["S"], "all are judged")
        row = master.service("web")
        assert row["refused"] + row["depth"] == 100
        assert row["depth"] >= 15
        assert "clients that come may be turned away" in master.ostler("status").stdout
        for client in [taken, *waiting]:
            client.close()


def test_by_default_clients_of_a_full_service_wait():
    with Ostlerd(rogue("web", ["unix:web"], process_limit=1)) as master:
        [taken] = take(master, "web", 1)
        with master.client("web") as client:
            client.send("pid\n")
            row = master.wait_for("web", lambda s: s["depth"] == 1)
            assert (row["on_full"], row["bouncing"], row["refused"]) == ("queue", 0, 0)
            assert not bouncers(master)
            taken.close()
            assert int(client.line()) > 0


def test_a_bouncer_that_cannot_work_leaves_clients_waiting_and_harms_nobody():
    master = Ostlerd(full("refuse", ["unix:web"]))
    broken = master.directory / "ostler-bounce"
    broken.write_text("#!/bin/sh\nexit 3\n")
    broken.chmod(0o755)
    master.extra_env = {"OSTLER_LIBEXEC": str(master.directory)}
    with master:
        [taken] = take(master, "web", 1)
        with master.client("web") as client:
            client.send("pid\n")
            wait_until(lambda: len(master.events("worker-died")) >= 2, "it has died twice")
            row = master.service("web")
            assert (row["failures"], row["refused"], row["throttled_for_seconds"]) == (0, 0, 0)
            assert row["state"] == "at-limit"
            taken.close()
            assert int(client.line()) > 0


def test_a_bouncer_that_is_killed_comes_again():
    with Ostlerd(full(f'{{reply, "{REPLY}"}}', ["unix:web"])) as master:
        [taken] = take(master, "web", 1)
        for n in range(1, 3):
            with master.client("web") as client:
                assert client.line() == BUSY
            master.wait_for("web", lambda s, n=n: s["refused"] == n)
            [bouncer] = wait_until(lambda: bouncers(master), "it is there")
            os.kill(bouncer, signal.SIGKILL)
            wait_until(lambda: not is_alive(bouncer), "it is dead")
        assert master.service("web")["failures"] == 0
        taken.close()


def test_a_bouncer_that_is_stopped_is_ended_when_a_worker_is_ready():
    with Ostlerd(full("refuse", ["unix:web"], kill_time="200ms")) as master:
        [taken] = take(master, "web", 1)
        with master.client("web") as client:
            assert client.line() is None
        [bouncer] = wait_until(lambda: bouncers(master), "it is there")
        os.kill(bouncer, signal.SIGSTOP)
        taken.close()
        master.wait_for("web", lambda s: s["ready"] == 1 and s["bouncing"] == 0)
        with master.client("web") as client:
            assert int(client.ask("pid")) > 0
        wait_until(lambda: not is_alive(bouncer), "it was killed")


def test_a_reload_changes_the_reply_and_a_stop_leaves_no_bouncer():
    with Ostlerd(full('{reply, "one\\n"}', ["unix:web"])) as master:
        [taken] = take(master, "web", 1)
        with master.client("web") as client:
            assert client.line() == "one"
        taken.close()
        master.wait_for("web", lambda s: s["ready"] == 1)
        master.write(full('{reply, "two\\n"}', ["unix:web"]))
        assert master.ostler("reload").returncode == 0
        gone(master)
        master.wait_for("web", lambda s: s["total"] == 0)
        [taken] = take(master, "web", 1)
        with master.client("web") as client:
            assert client.line() == "two"
        assert bouncers(master)
        taken.close()


def test_workers_that_start_near_the_limit_are_told_so():
    text = rogue("web", ["unix:web"], process_limit=2, stress_time="1h")
    with Ostlerd(text) as master:
        first = master.client("web")
        calm = int(first.ask("pid"))
        assert "OSTLER_STRESS" not in environment_of(calm)
        second = master.client("web")
        told = int(second.ask("pid"))
        assert environment_of(told)["OSTLER_STRESS"] == "1"
        assert master.service("web")["stress"] == 1
        first.close()
        second.close()


def test_a_bouncer_says_what_is_wrong_with_its_arguments():
    program = libexec() / "ostler-bounce"
    assert os.spawnv(os.P_WAIT, program, ["ostler-bounce", "--version"]) == 0
    assert os.spawnv(os.P_WAIT, program, ["ostler-bounce", "--help"]) == 0
    assert os.spawnv(os.P_WAIT, program, ["ostler-bounce", "refuse"]) == 1
