# SPDX-License-Identifier: MIT
"""Listeners in the manager's descriptor store (FDSTORE): they outlive a master that dies."""

import os
import signal
import socket
import stat

import pytest

from notified import Notified, Passing
from ostlerd import (
    Ostlerd,
    connect,
    free_port,
    is_alive,
    orphans,
    rogue,
    service,
    wait_until,
)


def echo(listen, name="one", **settings):
    return service(name, listen, ["ostler-echo"], **settings)


class Kept:
    """Masters of one directory, and the manager that stores for them."""

    def __init__(self):
        self.manager = Notified()
        self.master = None

    def start(self, text, n):
        self.master = Ostlerd(text, env=self.manager.environment(), leftovers=True)
        self.master.__enter__()
        self.wait_stored(n)
        return self.master

    def wait_stored(self, n):
        def stored():
            self.manager.listen()
            return len(self.manager.gifts) == n
        wait_until(stored, lambda: f"{n} are stored: {self.manager.gifts}")
        return list(self.manager.gifts)

    def die(self):
        """The master is killed; nobody stops its workers."""
        self.master.kill()
        self.manager.messages.clear()

    def start_again(self, text):
        directory, before = self.master.directory, self.master
        names = list(self.manager.gifts)
        self.master = Passing(text, [self.manager.gifts[n][0] for n in names], names=names,
                              env=self.manager.environment(), directory=directory, leftovers=True)
        self.master._made, before._made = before._made, False
        self.master.__enter__()
        return self.master

    def __enter__(self):
        return self

    def __exit__(self, kind, error, _):
        with self.manager:
            self.master.__exit__(kind, error, None)


def test_a_master_that_is_killed_loses_nobody():
    port = free_port()
    text = (echo([f"127.0.0.1:{port}", "unix:one"])
            + rogue("f", ["fifo:f"]) + rogue("d", ["dgram:d"]))
    with Kept() as kept:
        master = kept.start(text, 4)
        busy = [master.client(port), master.client("one")]
        assert [c.ask("here") for c in busy] == ["here"] * 2
        kept.die()
        waiting = [connect(port), connect(master.runtime / "one")]  # nobody is there
        for client in waiting:
            client.send("waited\n")
        assert [c.ask("still") for c in busy] == ["still"] * 2
        master = kept.start_again(text)
        assert [c.line() for c in waiting] == ["waited"] * 2
        assert [c.ask("and on") for c in busy] == ["and on"] * 2
        for client in busy + waiting:
            client.close()
        wait_until(lambda: not orphans(), "workers without a master leave when they are done")
        assert master.events("passed") == []
        with master.client(port) as client:
            assert client.ask("new") == "new"
        # They are ours as ever: what we stop is gone.
        master.stop()
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", port), 5)


def test_it_may_die_again_and_again():
    port = free_port()
    text = echo([f"127.0.0.1:{port}"])
    with Kept() as kept:
        master = kept.start(text, 1)
        for turn in range(5):
            kept.die()
            with connect(port) as client:
                client.send(f"{turn}\n")
                master = kept.start_again(text)
                assert client.line() == str(turn)
        assert kept.wait_stored(1)  # by the same name
        wait_until(lambda: not orphans(), "no worker of theirs is left")
        assert not master.events("passed")


def test_what_comes_is_stored_and_what_goes_is_not():
    ports = [free_port() for _ in range(2)]
    both, first = ([f"127.0.0.1:{p}" for p in ports], [f"127.0.0.1:{ports[0]}"])
    with Kept() as kept:
        master = kept.start(echo(first), 1)
        (kept_name,) = kept.wait_stored(1)
        master.reload(echo(both))
        (added,) = set(kept.wait_stored(2)) - {kept_name}
        assert kept.manager.all_of("FDSTOREREMOVE") == []
        assert len(kept.manager.all_of("FDSTORE")) == 2
        master.reload(echo(first))
        at = kept.manager.wait_for("FDSTOREREMOVE", "1")
        assert kept.manager.messages[at]["FDNAME"] == added
        # One of a service that goes, and one that a worker spoils, too.
        master.reload(rogue("bad", [f"127.0.0.1:{ports[1]}"]))
        at = kept.manager.wait_for("FDSTOREREMOVE", "1", after=at + 1)
        assert kept.manager.messages[at]["FDNAME"] == kept_name
        (third,) = set(kept.wait_stored(3)) - {kept_name, added}
        with master.client(ports[1]) as client:
            assert client.ask("shutdown 6 rdwr") == "0"
            at = kept.manager.wait_for("FDSTOREREMOVE", "1", after=at + 1)
            assert kept.manager.messages[at]["FDNAME"] == third
            kept.wait_stored(4)


def test_what_the_next_configuration_does_not_want_is_closed():
    ports = [free_port() for _ in range(2)]
    with Kept() as kept:
        kept.start(echo([f"127.0.0.1:{p}" for p in ports]), 2)
        names = set(kept.manager.gifts)
        kept.die()
        master = kept.start_again(echo([f"127.0.0.1:{ports[0]}"]))
        at = kept.manager.wait_for("FDSTOREREMOVE", "1")
        assert kept.manager.messages[at]["FDNAME"] in names
        assert master.events("passed") == []
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", ports[1]), 5)


def test_a_name_has_the_mode_of_the_new_configuration():
    with Kept() as kept:
        master = kept.start(echo(["unix:one"], socket_mode="0600"), 1)
        kept.die()
        master = kept.start_again(echo(["unix:one"], socket_mode="0660"))
        assert stat.S_IMODE(os.lstat(master.runtime / "one").st_mode) == 0o660
        with master.client("one") as client:
            assert client.ask("hello") == "hello"


def test_a_port_whose_workers_are_killed_too_is_still_there():
    """As systemd does it with KillMode=mixed."""
    port = free_port()
    text = echo([f"127.0.0.1:{port}"])
    with Kept() as kept:
        master = kept.start(text, 1)
        with master.client(port) as busy:
            assert busy.ask("here") == "here"
            workers = master.workers()
            kept.die()
            for pid in workers:
                os.kill(pid, signal.SIGKILL)
            assert busy.at_end()
        wait_until(lambda: not any(is_alive(p) for p in workers), "they are gone")
        with connect(port) as client:
            client.send("waited\n")
            kept.start_again(text)
            assert client.line() == "waited"


def test_a_socket_of_a_socket_unit_is_not_stored():
    port, other = free_port(), free_port()
    with Notified() as manager, socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", port))
        listener.listen(5)
        text = echo([f"127.0.0.1:{port}", f"127.0.0.1:{other}"])
        with Passing(text, [listener], env=manager.environment()) as master:
            with master.client(port) as client:
                assert client.ask("hello") == "hello"
            manager.wait_for("FDSTORE", "1")
        manager.wait_for("STOPPING")
        assert manager.all_of("FDSTORE") == ["1"]
