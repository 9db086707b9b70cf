# SPDX-License-Identifier: MIT
"""What others leave in the master's way, so that it sleeps or never rests."""

import os
import signal
import socket
import time

import pytest

from ostlerd import (
    DIRECTORY,
    JOURNAL,
    SANITIZED,
    Ostlerd,
    orphans,
    rogue,
    wait_until,
)

AT_ONCE_S = 8  # the bombs of rogue.c are good for 30 s
OTHER = rogue("other", ["unix:other"])
BUSY_SHARE = 0.6 if SANITIZED else 0.25


def is_served(master, name):
    with master.client(name) as client:
        return client.ask("echo x") == "x"


def check_rest(master):
    """It costs little, looked at for a second."""
    cpu, begin = master.cpu_seconds(), time.monotonic()
    wait_until(lambda: time.monotonic() > begin + 1, "a second passes")
    took = time.monotonic() - begin
    assert (master.cpu_seconds() - cpu) / took < BUSY_SHARE


def throw(master, where=""):
    """A worker sends a descriptor whose last close sleeps; then others are
    served, and new workers started, as ever. What sendmsg() said."""
    with master.client("web") as client:
        said = int(client.ask(f"bomb {where}".strip()))
        begin = time.monotonic()
        assert is_served(master, "other")
        assert master.ostler("status").returncode == 0
        assert time.monotonic() - begin < AT_ONCE_S
    return said


@pytest.mark.parametrize("channel", ["private", "shared"])
def test_a_worker_cannot_put_the_master_to_sleep(channel):
    """Catalogue 7."""
    with Ostlerd(rogue("web", ["unix:web"], status_channel=channel) + OTHER) as master:
        said = throw(master)
        assert said in (0, -1)  # EPERM since Linux 6.16


def test_a_client_of_the_control_socket_cannot_put_the_master_to_sleep():
    with Ostlerd(rogue("web", ["unix:web"]) + OTHER) as master:
        said = throw(master, master.control)
        assert said in (0, -1)


@pytest.mark.parametrize("kind", ["unix", "dgram"])
def test_who_waits_at_an_endpoint_cannot_put_the_master_to_sleep(kind):
    """Its workers are gone, so the master closes the last of it."""
    web = rogue("web", ["unix:web"])
    bad = rogue("bad", [f"{kind}:bad"], "--start", "exit 1", socket_mode="0666",
                throttle_time="1h", start_rate="1", start_burst=1)
    with Ostlerd(web + OTHER + bad) as master:
        with master.client("web") as client:
            said = client.ask(f"bomb {'' if kind == 'unix' else 'dgram:'}{master.runtime}/bad")
            assert said == "0"
            master.wait_for("bad", lambda s: s["state"] == "throttled")
            begin = time.monotonic()
            master.reload(web + OTHER)
            wait_until(lambda: master.service("bad") is None, "it is gone")
            assert is_served(master, "other")
            assert time.monotonic() - begin < AT_ONCE_S
        wait_until(lambda: not master.zombies(), "nobody is left behind")


# ------------------------------------------------------------- no rest


def send(master, name, data):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
        sender.sendto(data, str(master.runtime / name))


def provoked(how, **settings):
    # The master sees it TAKEN, then READY, and only then the failure.
    return rogue("log", ["dgram:log"], "--journal", JOURNAL, "--served", "at 1 sleep 100",
                 "--served", "at 1 say 1", "--served", "at 1 sleep 100",
                 "--served", f"at 1 provoke {DIRECTORY}/run/log{how}",
                 "--served", "at 1 journal provoked", socket_mode="0666", **settings)


def test_a_failure_on_a_datagram_socket_does_not_keep_the_master_awake():
    with Ostlerd(provoked(" free") + OTHER) as master:
        send(master, "log", b"one")
        wait_until(lambda: master.journal("provoked"), "the failure is there")
        check_rest(master)
        assert is_served(master, "other")


def test_a_datagram_socket_that_a_worker_connected_is_made_anew():
    """Catalogue 33."""
    with Ostlerd(provoked("") + OTHER) as master:
        send(master, "log", b"one")
        wait_until(lambda: master.journal("provoked"), "the failure is there")
        assert master.wait_event("listener-lost")["service"] == "log"
        check_rest(master)
        send(master, "log", b"two")
        wait_until(lambda: master.journal("got " + b"two".hex()), master.journal)


def test_a_leftover_that_floods_costs_the_master_little():
    """Catalogue 6."""
    with Ostlerd(rogue("web", ["unix:web"]) + OTHER) as master:
        with master.client("web") as client:
            client.ask("drain 5 flood")
            assert client.at_end()
        row = master.wait_for("web", lambda s: s["leftover"] == 1 and s["flood"] >= 2)
        assert row["ready"] == 0
        check_rest(master)
        assert is_served(master, "web") and is_served(master, "other")
        for pid in orphans():
            os.kill(pid, signal.SIGKILL)
        master.wait_for("web", lambda s: s["leftover"] == 0)
