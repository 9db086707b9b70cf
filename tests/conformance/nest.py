# SPDX-License-Identifier: MIT
"""A master that only writes down: it starts one kind of worker and listens.

    with Nest(["discard"], "unix") as nest:
        worker = nest.start()
        with nest.client() as client:
            worker.said()  # ["TAKEN"]

KIND is what descriptor 5 is: "stream", which all workers share, as under
Postfix, or "seqpacket", one for each, as under ostlerd. It decides nothing.
"""

import fcntl
import os
import select
import shutil
import signal
import socket
import struct
import subprocess
import time
from pathlib import Path

from instance import DAEMONS, DEADLINE_S, Instance, postfix, wait_until

STATUS = struct.Struct("@iIi")
WORDS = {0: "TAKEN", 1: "AVAIL"}
KINDS = {"stream": socket.SOCK_STREAM, "seqpacket": socket.SOCK_SEQPACKET}


class Channel:
    """A status channel: the master's end, the workers' end and what was read."""

    def __init__(self, kind):
        self.ours, self.theirs = socket.socketpair(socket.AF_UNIX, KINDS[kind])
        self.ours.setblocking(False)
        self.messages = []
        self.ended = False

    def read(self):
        while not self.ended:
            try:
                data = self.ours.recv(STATUS.size)
            except BlockingIOError:
                return
            except OSError:
                data = b""
            if not data:
                self.ended = True
                return
            assert len(data) == STATUS.size, f"a message of {len(data)} bytes"
            self.messages.append(STATUS.unpack(data))

    def finish(self):
        self.ours.close()
        self.theirs.close()


class Hatched:
    """A worker."""

    def __init__(self, process, channel, generation):
        self.process = process
        self.pid = process.pid
        self.channel = channel
        self.generation = generation

    def said(self, at_least=0):
        """All its words, as soon as there are AT_LEAST that many, or no more.

        Without an AVAIL at its start: that says nothing new to Postfix.
        """
        def words():
            ended = not self.runs()
            found = self.all_words()
            if found and found[0] == "AVAIL":
                del found[0]
            return (found,) if ended or len(found) >= at_least else None
        return wait_until(words, lambda: f"{at_least} words in {self.channel.messages} "
                          f"from {self.pid}, status {self.process.poll()}")[0]

    def said_within(self, at_least, seconds):
        """As said(), for who may say less."""
        end = time.monotonic() + seconds
        while len(self.said()) < at_least and time.monotonic() < end:
            pause(0.02)
        return self.said()

    def all_words(self):
        self.channel.read()
        return [WORDS.get(word, str(word)) + ("" if gen == self.generation else " of another")
                for pid, gen, word in self.channel.messages if pid == self.pid]

    def status(self):
        return self.process.wait(DEADLINE_S)

    def runs(self):
        return self.process.poll() is None


class Nest(Instance):
    """PROGRAM and its words; OPTIONS are the master's, beside -t and -n."""

    def __init__(self, program, transport, kind="stream", options=(), settings="", name="svc"):
        super().__init__("postfix", [], settings)
        for folder in postfix.QUEUES:  # some daemons look there
            (self.queue / folder).mkdir()
            shutil.chown(self.queue / folder, "postfix")
        self.program = program
        self.transport = transport
        self.kind = kind
        self.options = list(options)
        self.service = name
        self.generation = 0
        self.workers = []
        self.channels = []
        self.flow = os.pipe()
        for fd in self.flow:
            os.set_blocking(fd, False)
        self.path = self.queue / "public" / name
        self.listener = self._listen()

    def _listen(self):
        if self.transport == "fifo":
            os.mkfifo(self.path)
            return open(self.path, "r+b", buffering=0, opener=lambda p, f: os.open(
                p, os.O_RDWR | os.O_NONBLOCK))
        dgram = self.transport == "unix-dgram"
        one = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM if dgram else socket.SOCK_STREAM)
        one.bind(str(self.path))
        if not dgram:
            one.listen(100)
        one.setblocking(False)
        return one

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for worker in self.workers:
            if worker.runs():
                worker.process.kill()
            worker.process.wait(DEADLINE_S)
        for channel in self.channels:
            channel.finish()
        for fd in self.flow:
            os.close(fd)
        self.listener.close()
        self.finish()

    def start(self, options=(), environment=(), settled=True):
        """A worker; SETTLED: wait until it looks at its listener."""
        if self.kind == "seqpacket" or not self.channels or self.channels[-1].ended:
            self.channels.append(Channel(self.kind))
        channel = self.channels[-1]
        self.generation += 1
        # Out of the way of their places.
        fds = [fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, 100) for fd in (
            *self.flow, channel.theirs.fileno(), self.listener.fileno())]
        moves = " ".join(f"{place}<&{fd}-" for place, fd in enumerate(fds, 3))
        path = Path(self.program[0])
        words = ["-n", self.service, "-t", self.transport, *self.options, *options,
                 *map(str, self.program[1:])]
        env = {"MAIL_CONFIG": str(self.config), "MAIL_LOGTAG": "postfix", "LANG": "C",
               "GENERATION": f"{self.generation:o}", **dict(environment)}
        # Python ignores SIGPIPE, as Postfix's master does, and leaves it so.
        process = subprocess.Popen(
            ["bash", "-c", f'exec {moves}; exec "$@"', "bash",
             str(path if path.is_absolute() else DAEMONS / path), *words],
            pass_fds=fds, env={k: v for k, v in env.items() if v is not None},
            cwd=self.queue, restore_signals=False, stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, umask=0o77)
        for fd in fds:
            os.close(fd)
        worker = Hatched(process, channel, self.generation)
        self.workers.append(worker)
        if settled:
            wait_until(lambda: waits(worker.pid) or not worker.runs(), "a worker waits")
        return worker

    def connect(self):
        return self.client(f"public/{self.service}")

    def half_close(self, worker):
        worker.channel.ours.shutdown(socket.SHUT_WR)

    def hang_up(self, worker):
        worker.channel.ours.shutdown(socket.SHUT_RDWR)

    def die(self, worker):
        """As when the master is killed: nobody has its end any more."""
        worker.channel.read()
        worker.channel.ended = True
        worker.channel.ours.close()
        worker.channel.theirs.close()

    # The accept lock

    def lock_file(self):
        return self.queue / f"pid/{self.transport}.{self.service}"

    def lock_holder(self):
        """The worker that holds it, by its number from 0, or None."""
        try:
            found = self.lock_file().stat()
        except OSError:
            return None
        where = f"{os.major(found.st_dev):02x}:{os.minor(found.st_dev):02x}:{found.st_ino}"
        for line in Path("/proc/locks").read_text().splitlines():
            fields = line.split()
            if "->" not in fields and fields[5] == where:
                pids = [worker.pid for worker in self.workers]
                return pids.index(int(fields[4])) if int(fields[4]) in pids else "a stranger"
        return None


def waits(pid):
    """Whether the process sleeps in poll, epoll or for a lock, for good."""
    try:
        wchan = Path(f"/proc/{pid}/syscall").read_text().split()
        state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
        name = Path(f"/proc/{pid}/comm").read_text().strip()
    except OSError:
        return False
    # poll, flock, ppoll, epoll_wait, epoll_pwait on x86-64; elsewhere: sleeps
    calls = ("7", "73", "271", "232", "281") if os.uname().machine == "x86_64" else None
    return state == "S" and name != "bash" and (calls is None or wchan[0] in calls)


def pause(seconds):
    """For what is not to happen."""
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        select.select([], [], [], left)


def name_of_exit(status):
    return signal.Signals(-status).name if status < 0 else f"exits with {status}"
