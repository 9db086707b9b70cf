# SPDX-License-Identifier: MIT
"""Workers of the skeletons for events and requests, under ostlerd."""

import os
import signal
import socket
import time

from ostlerd import BUILD, JOURNAL, Ostlerd, free_port, is_alive, service, wait_until

SKELETON = BUILD / "tests/integration/skeleton"


def skeleton(name, listen, kind, **settings):
    return service(name, listen, [SKELETON, kind, JOURNAL], ready="notify", **settings)


def messages(master):
    return [text.split(" ", 1)[1] for _, text in master.journal("message")]


def write_to(path, data):
    fd = os.open(path, os.O_WRONLY | os.O_NONBLOCK)
    os.write(fd, data)
    os.close(fd)


def send_to(path, data):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
        sender.settimeout(10)
        sender.sendto(data, str(path))


def test_datagrams_and_triggers_of_a_fifo_are_taken_and_the_master_knows():
    config = skeleton("log", ["dgram:log"], "dgram") + skeleton("bell", ["fifo:bell"], "trigger")
    with Ostlerd(config) as master:
        for i in range(20):
            send_to(master.runtime / "log", b"%d" % i)
            wait_until(lambda i=i: str(i) in messages(master), "the datagram is taken")
        write_to(master.runtime / "bell", b"ring")
        wait_until(lambda: "ring" in messages(master), "the trigger is taken")
        for name in "log", "bell":
            found = master.wait_for(name, lambda s: s["served"] > 0 and s["taken"] == 0)
            assert found["failures"] == 0
        assert messages(master) == [str(i) for i in range(20)] + ["ring"]


def test_the_master_wakes_a_trigger_service():
    with Ostlerd(skeleton("x", ["unix:x"], "trigger", wakeup="100ms")) as master:
        wait_until(lambda: len(messages(master)) >= 3, messages)
        assert set(messages(master)) == {"W"}


def test_limits_of_ostler_conf_end_a_worker_of_requests():
    with Ostlerd(skeleton("x", ["dgram:x"], "dgram", max_use=2)) as master:
        for i in range(5):
            send_to(master.runtime / "x", b"%d" % i)
        wait_until(lambda: len(messages(master)) == 5, messages)
        wait_until(lambda: len(master.journal("leave")) >= 2, "two have had enough")
        assert master.service("x")["failures"] == 0


def who_serves(master, port):
    with master.client(port) as client:
        return client.ask("who").split()[0]


def test_reload_spares_the_clients_of_event_workers():
    port = free_port()
    listen = [f"127.0.0.1:{port}"]
    with Ostlerd(skeleton("x", listen, "event")) as master:
        with master.client(port) as client:
            assert client.ask("hello") == "hello"
            first = client.ask("who").split()[0]
            master.reload(skeleton("x", listen, "event", max_idle="50s"))
            # In the turn in which it hears of it, it may still take a client.
            wait_until(lambda: who_serves(master, port) != first, "another serves")
            assert client.ask("who").split()[0] == first
            pid = int(first.split("=")[1])
        wait_until(lambda: not is_alive(pid), "the first leaves")


def test_stopping_waits_for_nobody_who_reads_requests():
    with Ostlerd(skeleton("x", ["fifo:x"], "trigger")) as master:
        write_to(master.runtime / "x", b"ring")
        master.wait_for("x", lambda s: s["ready"] >= 1 and messages(master))
        begin = time.monotonic()
        master.stop(signal.SIGTERM)
        assert time.monotonic() - begin < 5
        assert len(master.journal("leave")) == len(master.journal("init"))
