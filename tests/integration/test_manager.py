# SPDX-License-Identifier: MIT
"""What the service manager hears of the real master (Type=notify)."""

import os
import re
import signal
import socket
import time

from notified import Notified
from ostlerd import (
    DIRECTORY,
    Ostlerd,
    environment_of,
    free_port,
    libexec,
    rogue,
    service,
)

AS_PID = ["sh", "-c", 'WATCHDOG_PID=$$ exec "$@"', "sh"]


def echo(port, name="one", **settings):
    return service(name, [f"127.0.0.1:{port}"], ["ostler-echo"], **settings)


def test_ready_is_said_when_a_client_can_come():
    port = free_port()
    with Notified() as manager:
        with Ostlerd(echo(port), env=manager.environment()) as master:
            manager.wait_for("READY", "1")
            with master.client(port) as client:
                assert client.ask("hello") == "hello"
            manager.wait_for("STATUS", lambda s: re.fullmatch("1 services, [1-9] workers, 0 taken", s))
        manager.wait_for("STOPPING", "1")
        assert manager.all_of("READY") == ["1"]


def test_the_status_says_what_changed_and_who_is_throttled():
    good, bad = free_port(), free_port()
    text = echo(good) + rogue("bad", [f"127.0.0.1:{bad}"], "--exit", "1",
                              throttle_time="1h")
    with Notified() as manager, Ostlerd(text, env=manager.environment()) as master:
        with master.client(good) as client:
            assert client.ask("hello") == "hello"
            manager.wait_for("STATUS", lambda s: re.fullmatch("2 services, [1-9] workers, 1 taken", s))
        heard = len(manager.messages)
        with master.client(bad):
            master.wait_event("throttled")
            manager.wait_for("STATUS", lambda s: "throttled: 1 (bad)" in s, after=heard)
        status = manager.all_of("STATUS")
        assert all(a != b for a, b in zip(status, status[1:])), status


def test_a_reload_is_told_whether_it_is_good_or_not():
    port = free_port()
    with Notified() as manager, Ostlerd(echo(port), env=manager.environment()) as master:
        heard = manager.wait_for("READY")
        for good in (True, False, True):
            before_us = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
            master.reload(echo(port, process_limit=3 + good) if good else "nonsense", good=good)
            at = manager.wait_for("RELOADING", "1", after=heard + 1)
            assert int(manager.messages[at]["MONOTONIC_USEC"]) >= before_us
            heard = manager.wait_for("READY", "1", after=at)
            if not good:
                manager.wait_for("STATUS", lambda s: "refused" in s, after=at)
        manager.wait_for("STATUS", lambda s: "refused" not in s, after=at)
        assert len(manager.all_of("RELOADING")) == 3


def test_a_reload_is_over_when_new_workers_have_the_place_of_the_old():
    port = free_port()
    slow = f"while [ ! -e {DIRECTORY}/go ]; do sleep 0.05; done; exec {libexec()}/ostler-echo"
    with Notified() as manager:
        with Ostlerd(echo(port), env=manager.environment()) as master:
            ready = manager.wait_for("READY")
            with master.client(port) as client:
                assert client.ask("hello") == "hello"
            master.write(service("one", [f"127.0.0.1:{port}"], ["/bin/sh", "-c", slow],
                                 ready="notify"))
            assert master.ostler("reload", "--no-wait").returncode == 0
            at = manager.wait_for("RELOADING", after=ready + 1)
            at = manager.wait_for("STATUS", lambda s: s.startswith("replacing"), after=at)
            assert len(manager.all_of("READY")) == 1
            (master.directory / "go").touch()
            manager.wait_for("READY", "1", after=at)
            with master.client(port) as client:
                assert client.ask("hello") == "hello"


def test_a_long_stop_asks_for_more_time():
    port = free_port()
    with Notified() as manager:
        with Ostlerd(echo(port), env=manager.environment()) as master:
            busy = master.client(port)
            assert busy.ask("here") == "here"
            master.send_signal(signal.SIGTERM)
            at = manager.wait_for("STOPPING", "1")
            assert int(manager.messages[at]["EXTEND_TIMEOUT_USEC"]) >= 10_000_000
            manager.wait_for("STATUS", lambda s: s.startswith("stopping: 1 services"))
            busy.close()
            assert master.wait() == 0
            master.check_clean()
        manager.listen()
        assert "READY" not in manager.messages[-1]


def test_the_watchdog_hears_of_us_in_half_its_time_and_the_status_does_not_repeat():
    with Notified() as manager:
        env = manager.environment(WATCHDOG_USEC="100000")
        with Ostlerd(echo(free_port()), env=env, prefix=AS_PID) as master:
            heard = manager.wait_for("STATUS")
            master.reload()
            for _ in range(25):  # longer than it takes until figures are told again
                heard = manager.wait_for("WATCHDOG", "1", after=heard + 1)
            assert manager.all_of("STATUS").count("1 services, 0 workers, 0 taken") == 1


def test_a_watchdog_of_somebody_else_hears_nothing():
    port = free_port()
    with Notified() as manager:
        env = manager.environment(WATCHDOG_USEC="1000", WATCHDOG_PID="1")
        with Ostlerd(echo(port), env=env) as master:
            with master.client(port) as client:
                assert client.ask("hello") == "hello"
            manager.wait_for("STATUS")
        manager.wait_for("STOPPING")
        assert manager.all_of("WATCHDOG") == []


def test_who_cannot_start_says_why():
    with Notified() as manager:
        master = Ostlerd("nonsense", env=manager.environment()).launch()
        assert master.wait() == 78
        at = manager.wait_for("EXIT_STATUS", "78")
        assert manager.messages[at]["ERRNO"] == "22"
        assert manager.messages[at]["STATUS"].startswith("not started")
        assert manager.all_of("READY") == []
        master._remove()


def test_what_the_manager_has_no_room_for_is_said_later():
    port = free_port()
    with Notified() as manager, socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as chatter:
        chatter.setblocking(False)
        full = 0
        try:
            while True:
                chatter.sendto(b"X=1", str(manager.path))
                full += 1
        except BlockingIOError:
            pass
        assert full > 0
        with Ostlerd(echo(port), env=manager.environment()) as master:
            with master.client(port) as client:
                assert client.ask("hello") == "hello"
            at = manager.wait_for("READY", "1")
            assert at >= full


def test_under_a_keeper_the_manager_hears_the_keeper():
    """It heeds its own child alone, and the master is none."""
    port = free_port()
    with Notified() as manager:
        env = manager.environment(WATCHDOG_USEC="100000")
        with Ostlerd(echo(port), env=env, prefix=AS_PID, options=["--keep"]) as master:
            at = manager.wait_for("READY", "1")
            manager.wait_for("WATCHDOG", "1", after=at)
            manager.wait_for("STATUS", after=at)
            pid = master.status()["master"]["pid"]
            assert pid != master.process.pid
            os.kill(pid, signal.SIGKILL)
            at = manager.wait_for("READY", "1", after=len(manager.messages))
            manager.wait_for("WATCHDOG", "1", after=at)
            with master.client(port) as client:
                assert client.ask("hello") == "hello"
        manager.wait_for("STOPPING", "1")
        assert manager.senders == {master.process.pid}
        assert "1" in manager.all_of("FDSTORE")


def test_workers_do_not_know_of_the_manager():
    port = free_port()
    with Notified() as manager:
        env = manager.environment(WATCHDOG_USEC="10000000")
        with Ostlerd(echo(port), env=env, prefix=AS_PID) as master:
            with master.client(port) as client:
                assert client.ask("hello") == "hello"
                workers = master.workers("one")
                assert workers
                for pid in workers:
                    assert not re.search("NOTIFY|WATCHDOG|LISTEN_",
                                         " ".join(environment_of(pid)))
