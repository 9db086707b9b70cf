# SPDX-License-Identifier: MIT
"""What a service manager hears: the other end of NOTIFY_SOCKET.

    with Notified() as manager, Ostlerd(text, env=manager.environment()) as master:
        manager.wait_for("READY", "1")
"""

import array
import os
import select
import shutil
import socket
import struct
import tempfile
import time
from pathlib import Path

from ostlerd import DEADLINE_S, Ostlerd


class Notified:
    """messages: every datagram as a dictionary, in order; gifts: descriptors by FDNAME."""

    def __init__(self):
        self.directory = Path(tempfile.mkdtemp(prefix="ostler-test-"))
        self.path = self.directory / "notify"
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(str(self.path))
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
        self.path.chmod(0o666)
        self.directory.chmod(0o755)
        self.messages = []
        self.gifts = {}
        self.senders = set()

    def environment(self, **more):
        return {"NOTIFY_SOCKET": str(self.path), **more}

    def _take(self):
        data, ancillary, _, _ = self.socket.recvmsg(8192, socket.CMSG_SPACE(64) * 2)
        found = dict(line.split("=", 1) for line in data.decode().splitlines())
        fds = array.array("i")
        for level, kind, content in ancillary:
            assert level == socket.SOL_SOCKET
            if kind == socket.SCM_RIGHTS:
                fds.frombytes(content)
            else:
                self.senders.add(struct.unpack("iII", content)[0])
        for fd in fds:
            self.gifts.setdefault(found.get("FDNAME"), []).append(fd)
        self.messages.append(found)

    def listen(self, wait_s=0.0):
        """Take what is there; wait for something first."""
        while select.select([self.socket], [], [], wait_s)[0]:
            self._take()
            wait_s = 0.0

    def all_of(self, key):
        """The values of KEY, in order."""
        self.listen()
        return [m[key] for m in self.messages if key in m]

    def wait_for(self, key, value=None, *, after=0):
        """The index of the first message from AFTER on with KEY (and what VALUE allows)."""
        end = time.monotonic() + DEADLINE_S
        while True:
            for i in range(after, len(self.messages)):
                got = self.messages[i].get(key)
                if got is not None and (value is None or (
                        value(got) if callable(value) else got == value)):
                    return i
            assert time.monotonic() < end, f"no {key}={value}; heard: {self.messages}"
            self.listen(0.05)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for fds in self.gifts.values():
            for fd in fds:
                os.close(fd)
        self.socket.close()
        shutil.rmtree(self.directory, ignore_errors=True)


class Passing(Ostlerd):
    """A master that is born with SOCKETS as 3, 4 ..., as a service with socket units is."""

    # exec keeps the pid; the shell hands descriptors 3 and up on as they are.
    AS_PID = ["sh", "-c", 'LISTEN_PID=$$ exec "$@"', "sh"]

    def __init__(self, config, sockets, *, pid=None, names=None, env=None, **more):
        env = {**(env or {}), "LISTEN_FDS": str(len(sockets))}
        if pid is not None:
            env["LISTEN_PID"] = pid
        if names is not None:
            env["LISTEN_FDNAMES"] = ":".join(names)
        self.sockets = [s if isinstance(s, int) else s.fileno() for s in sockets]
        super().__init__(config, env=env, prefix=self.AS_PID if pid is None else (),
                         preexec=self._place, keep_open=range(3, 3 + len(sockets)), **more)

    def _place(self):
        aside = [os.dup(fd) for fd in self.sockets]
        while any(fd < 3 + len(aside) for fd in aside):  # one's number is another's place
            aside = [os.dup(fd) for fd in aside]
        for i, fd in enumerate(aside):
            os.dup2(fd, 3 + i)
