# SPDX-License-Identifier: MIT
"""ostler-spawn under the master: any program, once per connection."""

import os
import signal
import socket

import pytest

from ostlerd import (
    ROOT,
    Ostlerd,
    free_port,
    is_alive,
    service,
    wait_until,
)

ENVIRONMENT = 'exec /usr/bin/env'


def spawn(listen, *words, name="run", **settings):
    return service(name, listen, ["ostler-spawn", *words], **settings)


def everything(client):
    client.socket.shutdown(socket.SHUT_WR)
    lines = []
    while (line := client.line()) is not None:
        lines.append(line)
    return lines


def environment(client):
    pairs = [line.split("=", 1) for line in everything(client)]
    # A shell adds these itself.
    return {k: v for k, v in pairs if k not in ("PWD", "SHLVL", "_", "OLDPWD")}


def test_a_program_of_nobodys_making_serves():
    port = free_port()
    with Ostlerd(spawn([f"127.0.0.1:{port}", "unix:run"], "cat")) as master:
        for where in port, "run":
            with master.client(where) as client:
                assert client.ask("hello") == "hello"
        row = master.wait_for("run", lambda s: s["taken"] == 0 and s["served"] >= 1)
        assert row["failures"] == 0


def test_golden_environment_over_tcp():
    port = free_port()
    text = spawn([f"127.0.0.1:{port}"], "/bin/sh", "-c", ENVIRONMENT, environment=["GREETING=hi"])
    with Ostlerd(text, env={"SECRET": "secret"}) as master, master.client(port) as client:
        host, mine = client.socket.getsockname()
        assert environment(client) == {
            "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            "LANG": "C", "GREETING": "hi",
            "PROTO": "TCP", "TCPLOCALIP": "127.0.0.1", "TCPLOCALPORT": str(port),
            "TCPREMOTEIP": host, "TCPREMOTEPORT": str(mine),
            "REMOTE_ADDR": host, "REMOTE_PORT": str(mine), "REMOTE_HOST": host,
        }


def test_golden_environment_over_unix():
    text = spawn(["unix:run"], "/bin/sh", "-c", ENVIRONMENT)
    with Ostlerd(text) as master, master.client("run") as client:
        env = environment(client)
        assert env.pop("PATH") and env.pop("LANG") == "C"
        assert env.pop("UNIXLOCALPATH")
        assert env == {
            "PROTO": "UNIX",
            "UNIXREMOTEPID": str(os.getpid()), "UNIXREMOTEEUID": str(os.geteuid()),
            "UNIXREMOTEEGID": str(os.getegid()),
        }


def test_the_local_path_is_the_one_that_clients_use():
    with Ostlerd(spawn(["unix:run"], "/bin/sh", "-c", ENVIRONMENT)) as master:
        with master.client("run") as client:
            assert environment(client)["UNIXLOCALPATH"] == str(master.runtime / "run")


def test_the_program_has_its_client_its_user_and_no_more():
    code = "id -u; ls /proc/self/fd | sort -n | tr '\\n' ' '; echo; grep -E 'Sig(Blk|Ign)' /proc/self/status"
    with Ostlerd(spawn(["unix:run"], "/bin/sh", "-c", code)) as master:
        with master.client("run") as client:
            uid, fds, *masks = everything(client)
    assert uid == ("65534" if ROOT else str(os.geteuid()))
    assert fds.split() == ["0", "1", "2", "3"]  # 3 is ls's own
    # 32 and 33 are glibc's own, which its posix_spawn() always ignores.
    assert all(int(mask.split()[1], 16) & ~(3 << 31) == 0 for mask in masks), masks


def test_what_the_program_complains_of_is_in_the_masters_log():
    text = spawn(["unix:run"], "/bin/sh", "-c", "echo out; echo a complaint >&2")
    with Ostlerd(text) as master:
        with master.client("run") as client:
            assert everything(client) == ["out"]
        wait_until(lambda: "a complaint" in master.log(), master.log)


def test_at_its_time_limit_a_program_is_ended_and_the_worker_serves_on():
    text = spawn(["unix:run"], "--time-limit=300ms", "/bin/sh", "-c",
                 "read x; test $x = quick || exec sleep 1000; echo $x")
    with Ostlerd(text) as master:
        with master.client("run") as client:
            assert client.ask("slow") is None
        with master.client("run") as client:
            assert client.ask("quick") == "quick"
        row = master.wait_for("run", lambda s: s["taken"] == 0)
        assert row["failures"] == 0
        wait_until(lambda: "time limit" in master.log(), master.log)


def test_a_program_that_fails_is_no_failure_of_its_worker():
    text = spawn(["unix:run"], "/bin/sh", "-c", "read x; kill -9 $$")
    with Ostlerd(text) as master:
        for _ in range(5):
            with master.client("run") as client:
                assert client.ask("x") is None
        row = master.wait_for("run", lambda s: s["taken"] == 0)
        assert (row["failures"], row["state"]) == (0, "up")


def test_a_program_that_is_missing_is_said_and_throttled():
    text = spawn(["unix:run"], "/no/such/program", throttle_time="60s")
    with Ostlerd(text) as master, master.client("run"):
        row = master.wait_for("run", lambda s: s["state"] == "throttled")
        assert row["cause"] == "exit status 1 before its first client"
        assert 'spawn-failed program="/no/such/program"' in master.log()


def test_the_limit_bounds_the_programs():
    with Ostlerd(spawn(["unix:run"], "cat", process_limit=2)) as master:
        held = [master.client("run") for _ in range(2)]
        for client in held:
            assert client.ask("x") == "x"
        waiting = master.client("run")
        waiting.send("y\n")
        row = master.wait_for("run", lambda s: s["state"] == "at-limit")
        assert (row["taken"], row["depth"]) == (2, 1)
        held[0].close()
        assert waiting.line() == "y"
        held[1].close()
        waiting.close()


def test_a_stop_lets_the_program_finish():
    with Ostlerd(spawn(["unix:run"], "cat")) as master:
        client = master.client("run")
        assert client.ask("x") == "x"
        master.send_signal(signal.SIGTERM)
        master.wait_event("master-stopping")
        assert client.ask("y") == "y"
        client.close()
        assert master.wait() == 0
        master.check_clean()


def test_a_stop_in_a_hurry_takes_the_program_along():
    text = spawn(["unix:run"], "/bin/sh", "-c", "echo $$; exec sleep 1000",
                 stop_time="200ms", kill_time="5s")
    with Ostlerd(text) as master:
        with master.client("run") as client:
            pid = int(client.line())
            master.stop()
        assert not is_alive(pid)


def test_several_clients_in_one_worker():
    text = spawn(["unix:run"], "--max-clients=3", "cat", process_limit=1)
    with Ostlerd(text) as master:
        clients = [master.client("run") for _ in range(3)]
        for client in clients:
            assert client.ask("x") == "x"
        assert len(master.workers("run")) == 1
        for client in clients:
            client.close()
