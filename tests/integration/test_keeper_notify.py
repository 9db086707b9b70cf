# SPDX-License-Identifier: MIT
"""A keeper between a service manager and its master."""

import os
import signal
import socket
import struct

from kept import Kept, at, echo
from notified import Passing
from ostlerd import DEADLINE_S, free_port, wait_until


class Manager:
    """Whoever listens to one process alone, as systemd does."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(str(path))
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
        self.socket.settimeout(DEADLINE_S)

    def hear(self, word):
        """Who says WORD."""
        while True:
            data, ancillary, _, _ = self.socket.recvmsg(8192, socket.CMSG_SPACE(64))
            creds = [c for level, kind, c in ancillary if kind == socket.SCM_CREDENTIALS]
            if word in data.decode().split("\n"):
                return struct.unpack("iII", creds[0][:12])[0]


def test_what_a_master_says_comes_from_its_keeper(tmp_path):
    manager = Manager(tmp_path / "notify")
    env = {"NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": "2000000"}
    with Kept(echo("one", ["unix:one"]), env=env) as master:
        assert manager.hear("READY=1") == master.process.pid
        assert manager.hear("WATCHDOG=1") == master.process.pid
        master.kill_master()
        assert manager.hear("READY=1") == master.process.pid
        assert manager.hear("WATCHDOG=1") == master.process.pid
        master.send_signal(signal.SIGTERM)
        assert manager.hear("STOPPING=1") == master.process.pid
        assert master.wait() == 0
        master.check_clean()


def test_sockets_that_a_keeper_is_passed_are_its_masters():
    port = free_port()
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", port))
    listener.listen(5)
    waits = socket.create_connection(("127.0.0.1", port))
    waits.settimeout(DEADLINE_S)
    waits.sendall(b"hello\n")
    with Passing(echo("one", at(port)), [listener], options=["--keep"]) as master:
        assert waits.recv(100) == b"hello\n"
        waits.close()
        wait_until(lambda: master.service("one")["taken"] == 0, "the client has left")
        os.kill(master.pid, signal.SIGKILL)
        wait_until(lambda: master.events("adopted"), "another master is there")
        with master.client(port) as client:
            assert client.ask("still") == "still"
    # It was never shut down.
    with socket.create_connection(("127.0.0.1", port)):
        assert listener.accept()
    listener.close()
