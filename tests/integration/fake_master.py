# SPDX-License-Identifier: MIT
"""A master small enough to be read: starts workers as ostler-protocol(7) says.

It decides nothing. A test starts workers, reads what they say, asks them to
leave, and looks at what they did.

    with FakeMaster([tcp_listener()]) as master:
        worker = master.start(["ostler-echo"])
        worker.expect("AVAIL")

Everything that waits has a deadline and fails with words when it passes.
"""

import fcntl
import os
import resource
import select
import signal
import socket
import struct
import tempfile
import time

DEADLINE_S = 10.0
STATUS = struct.Struct("@iIi")
WORDS = {0: "TAKEN", 1: "AVAIL"}


def tcp_listener(host="127.0.0.1", backlog=128):
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.bind((host, 0))
    listener.listen(backlog)
    listener.setblocking(False)
    return listener


def unix_listener(path, backlog=128):
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.bind(path)
    listener.listen(backlog)
    listener.setblocking(False)
    return listener


def connect(listener, deadline_s=DEADLINE_S):
    """A client of LISTENER that fails rather than waits for ever."""
    client = socket.socket(listener.family, socket.SOCK_STREAM)
    client.settimeout(deadline_s)
    client.connect(listener.getsockname())
    return client


def read_all(client):
    parts = []
    while True:
        part = client.recv(65536)
        if not part:
            return b"".join(parts)
        parts.append(part)


def read_exactly(client, n):
    got = b""
    while len(got) < n:
        part = client.recv(n - len(got))
        assert part, f"the connection ended after {got!r}"
        got += part
    return got


def wait_until(true, what, deadline_s=DEADLINE_S):
    """For facts that no descriptor announces: asked again until true."""
    end = time.monotonic() + deadline_s
    while not true():
        assert time.monotonic() < end, f"not in time: {what}"
        select.select([], [], [], 0.005)


def queued(listener):
    """Clients in the accept queue of a TCP listener (tcpi_unacked)."""
    info = listener.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 104)
    return struct.unpack_from("@I", info, 24)[0]


class Worker:
    """One process, and the master's end of its status channel."""

    def __init__(self, pid, channel, generation, log):
        self.pid = pid
        self.channel = channel
        self.generation = generation
        self.pidfd = os.pidfd_open(pid)
        self.exit = None
        self._log = log

    def log(self):
        """What it has written to descriptor 2 so far."""
        self._log.seek(0)
        return self._log.read().decode(errors="replace")

    def message(self, deadline_s=DEADLINE_S):
        """The next (pid, generation, word); None at end-of-file."""
        ready, _, _ = select.select([self.channel], [], [], deadline_s)
        assert ready, f"no word in {deadline_s} s; log: {self.log()}"
        try:
            data = self.channel.recv(STATUS.size)
        except ConnectionResetError:
            return None
        if not data:
            return None
        assert len(data) == STATUS.size, f"{len(data)} bytes: {data!r}"
        pid, generation, word = STATUS.unpack(data)
        return pid, generation, WORDS.get(word, word)

    def expect(self, *words):
        """The next messages are these, from this worker."""
        for word in words:
            got = self.message()
            want = (self.pid, self.generation, word)
            assert got == want, f"said {got}, not {want}; log: {self.log()}"

    def words(self):
        """Everything said and not yet read, without waiting."""
        said = []
        while select.select([self.channel], [], [], 0)[0]:
            got = self.message()
            if got is None:
                break
            said.append(got[2])
        return said

    def is_silent(self):
        return not select.select([self.channel], [], [], 0)[0]

    def retire(self):
        """Please leave when you are done: the worker's 5 reads end-of-file."""
        self.channel.shutdown(socket.SHUT_WR)

    def retire_once(self):
        """The same at any time, also when it is gone or was asked before."""
        try:
            self.retire()
        except OSError:
            pass

    def hang_up(self):
        """As when the master is dead: the worker's AVAIL fails."""
        self.channel.shutdown(socket.SHUT_RDWR)

    def signal(self, number):
        signal.pidfd_send_signal(self.pidfd, number)

    def alive(self):
        return self.exit is None and not select.select(
            [self.pidfd], [], [], 0)[0]

    def wait(self, deadline_s=DEADLINE_S):
        """Its exit status; negative for a signal."""
        if self.exit is None:
            ready, _, _ = select.select([self.pidfd], [], [], deadline_s)
            assert ready, f"still there after {deadline_s} s: {self.log()}"
            _, status = os.waitpid(self.pid, 0)
            self.exit = os.waitstatus_to_exitcode(status)
        return self.exit

    def finish(self):
        if self.exit is None:
            self.signal(signal.SIGKILL)
            self.wait()
        os.close(self.pidfd)
        self.channel.close()
        self._log.close()


class FakeMaster:
    """LISTENERS are descriptors 6 and up of every worker it starts."""

    def __init__(self, listeners, transport=None, native=True, service="test"):
        self.listeners = listeners
        self.native = native
        self.service = service
        self.workers = []
        self.generation = 0
        self.transport = transport or (
            "unix" if listeners and listeners[0].family == socket.AF_UNIX
            else "inet")
        self.flow = os.pipe()
        for fd in self.flow:
            os.set_blocking(fd, False)
        # What a worker of Postfix's finds: its main.cf, and pid/ for locks.
        self.queue = tempfile.TemporaryDirectory()
        os.chmod(self.queue.name, 0o755)
        os.mkdir(self.queue.name + "/pid")
        self.main_cf("")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for worker in self.workers:
            worker.finish()
        for fd in self.flow:
            os.close(fd)
        for listener in self.listeners:
            listener.close()
        self.queue.cleanup()

    def main_cf(self, text):
        with open(self.queue.name + "/main.cf", "w") as file:
            file.write(f"queue_directory = {self.queue.name}\n{text}")

    def environment(self, extra):
        env = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C",
               "GENERATION": f"{self.generation:o}"}
        if self.native:
            env["OSTLER_SERVICE"] = self.service
            env["OSTLER_SOCKETS"] = str(len(self.listeners))
            env["OSTLER_TRANSPORT"] = self.transport
            env["OSTLER_MAX_USE"] = "0"
            env["OSTLER_MAX_IDLE"] = "0"
            env["OSTLER_PROCESS_LIMIT"] = "10"
        else:
            env["MAIL_CONFIG"] = self.queue.name
        env.update(extra)
        return {k: v for k, v in env.items() if v is not None}

    def arguments(self, command, options):
        """Postfix's master puts its options between the name and the rest."""
        if self.native:
            return list(command)
        words = ["-n", self.service, "-t", self.transport]
        if len(self.listeners) > 1:
            words += ["-s", str(len(self.listeners))]
        return [command[0], *words, *options, *command[1:]]

    def start(self, command, env=(), options=(), nofile=None):
        """Start COMMAND; OPTIONS are more of Postfix's, if not native."""
        self.generation += 1
        kind = socket.SOCK_SEQPACKET if self.native else socket.SOCK_STREAM
        ours, theirs = socket.socketpair(socket.AF_UNIX, kind)
        log = tempfile.TemporaryFile()
        argv = self.arguments([os.fspath(w) for w in command], options)
        environment = self.environment(dict(env))
        pid = os.fork()
        if pid == 0:
            self._become(theirs, log, argv, environment, nofile)
        theirs.close()
        worker = Worker(pid, ours, self.generation, log)
        self.workers.append(worker)
        return worker

    def _become(self, status, log, argv, environment, nofile):
        try:
            self._place(status, log)
            signal.signal(signal.SIGPIPE, signal.SIG_IGN)
            if nofile is not None:
                _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
                resource.setrlimit(resource.RLIMIT_NOFILE, (nofile, hard))
            os.execve(argv[0], argv, environment)
        except BaseException as error:  # the child must never return
            os.write(2, f"fake master: {argv[0]}: {error}\n".encode())
        os._exit(127)

    def _place(self, status, log):
        null = os.open("/dev/null", os.O_RDWR)
        sources = [null, null, log.fileno(), *self.flow, status.fileno(),
                   *(lst.fileno() for lst in self.listeners)]
        # First all of them out of the way of their places.
        high = [fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, 100) for fd in sources]
        for place, fd in enumerate(high):
            os.dup2(fd, place)
        os.closerange(len(high), 100)
