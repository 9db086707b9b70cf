# SPDX-License-Identifier: MIT
"""Postfix's daemons and our workers under a master that only writes down.

Here the two sides are two workers, not two masters.
"""

import fcntl
import grp
import os
import pwd
import re
import signal
import socket
import termios
import time
from contextlib import contextmanager
from pathlib import Path

from birth import signal_names
from instance import BUILD, wait_until
from nest import Nest, name_of_exit, pause
from suite import scenario

GROUP = "Workers under any master"
SKELETON = BUILD / "tests/integration/skeleton"
SPAWN = BUILD / "src/programs/spawn/ostler-spawn"
LONG = "max_idle = 1000s\n"
KINDS = ("stream", "seqpacket")


def ours(kind):
    """With nothing where its journal is to be."""
    return [SKELETON, kind, "/dev/null"]


class Kind:
    """A pair of programs and how one makes them work."""

    def __init__(self, name, theirs, mine, transport="unix", options=(), request=b"", talks=True,
                 style=None):
        self.name = name
        self.style = style or name
        self.programs = {"postfix": theirs, "ostler": mine}
        self.transport = transport
        self.options = list(options)
        self.request = request  # what makes a connected client work; b"": nothing
        self.talks = talks  # has clients that stay

    def nest(self, run, kind="stream", options=(), settings=LONG):
        return Nest(self.programs[run.side], self.transport, kind, [*self.options, *options],
                    settings)


EXPECTS = {
    "single": Kind("single", ["discard"], ours("single")),
    "spawn": Kind("spawn", ["spawn", "user=nobody", "argv=/bin/cat"], [SPAWN, "/bin/cat"]),
    "multi": Kind("multi", ["trivial-rewrite"], ours("multi"),
                  request=b"request\0rewrite\0rule\0local\0address\0x\0\0"),
    "event": Kind("event", ["tlsproxy"], ours("event"), options=["-z"]),
    "trigger": Kind("trigger", ["pickup"], ours("trigger"), options=["-l"], request=b"W\0",
                    talks=False),
    "dgram": Kind("dgram", ["postlogd"], ours("dgram"), "unix-dgram", options=["-l"],
                  request=b"Nov 22 15:03:53 lab postfix/x[1]: text", talks=False),
}

# More of Postfix's daemons, each beside ours of its kind.
MORE = {
    "cleanup": Kind("cleanup", ["cleanup"], ours("single"), options=["-z"], style="single"),
    "verify": Kind("verify", ["verify"], ours("multi"), options=["-l"], style="multi",
                   request=b"x\0\0"),
}


def each(kinds, sentence):
    """One scenario for each kind: FUNCTION is given the run and the kind."""
    def register(function):
        for name in kinds:
            def one(run, kind={**EXPECTS, **MORE}[name]):
                function(run, kind)
            one.__name__ = f"{function.__name__}_{name}"
            scenario(GROUP, sentence.format(kind=name))(one)
        return function
    return register


ALL = list(EXPECTS)
CONNECTED = [name for name, kind in EXPECTS.items() if kind.talks]


@contextmanager
def client_of(nest, kind):
    """A client that WORKER has taken, as far as that can be seen."""
    if kind.transport == "unix-dgram":
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
            sender.sendto(kind.request, str(nest.path))
            yield sender
        return
    with nest.connect() as client:
        if kind.request and not kind.talks:
            client.socket.sendall(kind.request)
        yield client.socket


@each([*ALL, *MORE], "{kind}: what is said, and when; who holds the accept lock.")
def words(run, kind):
    for channel in KINDS:
        with kind.nest(run, channel) as nest:
            worker = nest.start()
            run.fact(f"{channel}: at the start", worker.all_words())
            run.fact(f"{channel}: the lock, idle", settled_lock(nest))
            serve_one(run, nest, kind, worker, channel)
            run.fact(f"{channel}: still there", worker.runs())
            run.fact(f"{channel}: pids, generations", sorted({
                f"{'its own' if pid == worker.pid else pid}, {gen}"
                for pid, gen, _ in worker.channel.messages}))
            run.fact(f"{channel}: lock files", sorted(
                p.name for p in (nest.queue / "pid").iterdir()))


def serve_one(run, nest, kind, worker, channel):
    if not kind.talks:
        with client_of(nest, kind):
            run.fact(f"{channel}: for a request", worker.said(2))
        return
    with client_of(nest, kind) as client:
        if kind.style == "multi":
            pause(0.2)
            run.fact(f"{channel}: when a client comes", worker.said())
            client.sendall(kind.request)
            run.fact(f"{channel}: when it asks", worker.said_within(2, 1))
        else:
            run.fact(f"{channel}: when a client comes", worker.said(
                2 if kind.style == "event" else 1))
        run.fact(f"{channel}: the lock meanwhile", nest.lock_holder())
    if kind.style in ("single", "spawn"):
        run.fact(f"{channel}: when it has left", worker.said(2))
        run.fact(f"{channel}: the lock then", settled_lock(nest))
    else:
        worker.said_within(2, 2)
        pause(0.2)
        run.fact(f"{channel}: when it has left", worker.said())


def settled_lock(nest):
    """Who holds it as soon as somebody does, or None after a while."""
    for _ in range(10):
        if nest.lock_holder() is not None:
            break
        pause(0.05)
    return nest.lock_holder()


ENDS = {"its channel is half-closed": "half_close", "its channel is shut down": "hang_up",
        "its master is gone": "die"}


@each([*ALL, *MORE], "{kind}: an idle worker whose master wants it to leave.")
def asked_idle(run, kind):
    for channel in KINDS:
        for what, how in ENDS.items():
            for served in False, True:
                with kind.nest(run, channel) as nest:
                    worker = nest.start()
                    if served:
                        serve_quietly(nest, kind, worker)
                    getattr(nest, how)(worker)
                    run.fact(f"{channel}: {what}{', after a client' if served else ''}",
                             name_of_exit(worker.status()))


def serve_quietly(nest, kind, worker):
    serve_again(nest, kind, worker)
    if kind.style in ("multi", "event"):
        pause(0.1)


@each(CONNECTED, "{kind}: a worker with a client whose master wants it to leave.")
def asked_busy(run, kind):
    for channel in KINDS:
        for what, how in ENDS.items():
            with kind.nest(run, channel) as nest:
                worker = nest.start()
                with client_of(nest, kind) as client:
                    if kind.style == "multi":
                        client.sendall(kind.request)
                        worker.said_within(2, 0.3)
                    else:
                        worker.said(2 if kind.style == "event" else 1)
                    getattr(nest, how)(worker)
                    leaves = ends_within(worker, 0.4)
                    run.fact(f"{channel}: {what}: at once",
                             f"{name_of_exit(worker.status())}" if leaves else "serves on")
                run.fact(f"{channel}: {what}: when the client has left",
                         name_of_exit(worker.status()))
                if how != "die":
                    run.fact(f"{channel}: {what}: words", worker.said())


def ends_within(worker, seconds):
    try:
        worker.process.wait(seconds)
        return True
    except Exception:
        return False


@each(["single"], "{kind}: two workers, one lock; the next one leaves as well.")
def turns(run, kind):
    for channel in KINDS:
        with kind.nest(run, channel) as nest:
            workers = [nest.start(), nest.start()]
            run.fact(f"{channel}: the lock", nest.lock_holder())
            with client_of(nest, kind):
                workers[0].said(1)
                wait_until(lambda: nest.lock_holder() == 1, "the other has it")
                with client_of(nest, kind):
                    workers[1].said(1)
                    run.fact(f"{channel}: two clients", [w.said() for w in workers])
                    run.fact(f"{channel}: the lock then", nest.lock_holder())
            for worker in workers:
                worker.said(2)
            wait_until(lambda: nest.lock_holder() is not None, "one has the lock")
            for worker in workers if channel == "seqpacket" else workers[:1]:
                nest.half_close(worker)
            run.fact(f"{channel}: asked to leave", [name_of_exit(w.status()) for w in workers])
            mode = nest.lock_file().stat()
            run.fact(f"{channel}: the lock file", f"{mode.st_mode & 0o777:o} "
                     f"{pwd.getpwuid(mode.st_uid).pw_name}, {mode.st_size} bytes")


@each(ALL, "{kind}: the options -i and -m, and max_idle and max_use.")
def limits(run, kind):
    idle = [("-i 1", ["-i", "1"], LONG), ("max_idle = 1s", [], "max_idle = 1s\n"),
            ("-o max_idle=1", ["-o", "max_idle=1"], LONG)]
    use = [("-m 2", ["-m", "2"], LONG), ("max_use = 2", [], LONG + "max_use = 2\n"),
           ("-m 1", ["-m", "1"], LONG)]

    def without_clients(part, case):
        what, options, settings, served = case
        with kind.nest(part, options=options, settings=settings) as nest:
            worker = nest.start()
            if served:
                serve_quietly(nest, kind, worker)
            part.fact(f"{what}, {'after' if served else 'without'} a client", idle_end(worker))

    def with_clients(part, case):
        what, options, settings = case
        with kind.nest(part, options=options, settings=settings) as nest:
            worker = nest.start()
            for _ in range(int(what[-1])):
                serve_again(nest, kind, worker)
            part.fact(f"{what}, when all are served", name_of_exit(worker.status())
                      if ends_within(worker, 2) else "goes on")
            if kind.style != "multi":  # whether it says TAKEN before it leaves is luck
                part.fact(f"{what}: words", worker.said())

    run.each([(*case, served) for case in idle for served in (False, True)], without_clients)
    run.each(use, with_clients)


def serve_again(nest, kind, worker):
    before = len(worker.said())
    with client_of(nest, kind) as client:
        if kind.style == "multi":  # ours says nothing as long as there is room
            client.sendall(kind.request)
            worker.said_within(before + 2, 0.3)
            return
        worker.said(before + 1)
    worker.said(before + 2)


def idle_end(worker):
    return name_of_exit(worker.status()) if ends_within(worker, 4) else "stays"


# spawn(8) and pickup(8) change users by themselves.
@each(["single", "multi", "event", "dgram"], "{kind}: what it is under the options -u and -c.")
def identity(run, kind):
    for options in [], ["-u"], ["-u", "-c"], ["-c"]:
        with kind.nest(run, options=options) as nest:
            worker = nest.start()
            what = " ".join(options) or "without them"
            if not worker.runs():
                run.fact(what, name_of_exit(worker.status()))
                continue
            run.fact(what, describe(nest, worker.pid))


def describe(nest, pid):
    lines = dict(ln.split(":\t", 1) for ln in
                 Path(f"/proc/{pid}/status").read_text().splitlines() if ":\t" in ln)
    name = {str(u.pw_uid): u.pw_name for u in pwd.getpwall()}
    group = {str(g.gr_gid): g.gr_name for g in grp.getgrall()}
    fds = [fd for fd in range(3, 7) if Path(f"/proc/{pid}/fd/{fd}").exists()]
    kept = [fd for fd in fds if not flags(pid, fd) & os.O_CLOEXEC]
    blocking = [fd for fd in fds if not flags(pid, fd) & os.O_NONBLOCK]
    return [
        "user " + " ".join(name.get(u, u) for u in lines["Uid"].split()),
        "group " + " ".join(group.get(g, g) for g in lines["Gid"].split()),
        "groups " + " ".join(group.get(g, g) for g in lines["Groups"].split()),
        "in " + nest.plain(os.readlink(f"/proc/{pid}/cwd")),
        "root " + nest.plain(os.readlink(f"/proc/{pid}/root")),
        "umask " + lines["Umask"],
        "ignores " + signal_names(lines["SigIgn"]),
        f"kept when it executes another program: {kept}",
        f"blocking: {blocking}",
    ]


def flags(pid, fd):
    text = Path(f"/proc/{pid}/fdinfo/{fd}").read_text()
    return int(text.split("flags:")[1].split()[0], 8)


@each(ALL, "{kind}: command lines and environments that make no sense.")
def nonsense(run, kind):
    cases = [("an unknown option", ["-Q"], {}), ("GENERATION=x", [], {"GENERATION": "x"}),
             ("GENERATION=9", [], {"GENERATION": "9"}), ("GENERATION empty", [],
                                                        {"GENERATION": ""}),
             ("no GENERATION", [], {"GENERATION": None}),
             ("-t fifos", ["-t", "fifos"], {}), ("-i 0", ["-i", "0"], {}),
             ("-i x", ["-i", "x"], {}), ("-m 0", ["-m", "0"], {}), ("-m x", ["-m", "x"], {}),
             ("-s 0", ["-s", "0"], {}), ("-o name", ["-o", "name"], {})]
    nests = []
    for _, options, environment in cases:
        nest = kind.nest(run)
        nests.append((nest, nest.start(options, environment, settled=False)))
    end = time.monotonic() + 3
    for (what, _, _), (nest, worker) in zip(cases, nests):
        with nest:
            left = max(end - time.monotonic(), 0)
            run.fact(what, name_of_exit(worker.status()) if ends_within(worker, left) else "works")


@each(ALL, "{kind}: signals that a master or an operator sends.")
def heard(run, kind):
    for name in "TERM", "INT", "HUP", "PIPE", "USR1", "XFSZ":
        with kind.nest(run) as nest:
            worker = nest.start()
            os.kill(worker.pid, getattr(signal, "SIG" + name))
            if name in ("PIPE", "XFSZ"):
                serve_quietly(nest, kind, worker)
                run.fact(f"SIG{name}", "serves on")
            else:
                run.fact(f"SIG{name}", name_of_exit(worker.status())
                         if ends_within(worker, 2) else "goes on")


@scenario(GROUP, "Flow tokens: who takes one for a client.")
def tokens(run):
    kind = MORE["cleanup"]
    with kind.nest(run, settings=LONG + "in_flow_delay = 1s\n") as nest:
        os.write(nest.flow[1], bytes(5))
        worker = nest.start()
        for times in 1, 2:
            with client_of(nest, kind) as client:
                worker.said(2 * times - 1)
                if run.side == "ostler":  # a program of ours says when
                    client.sendall(b"get 1\n")
                    client.recv(10)
                pause(0.1)
                left = fcntl.ioctl(nest.flow[0], termios.FIONREAD, bytes(4))
                run.fact(f"tokens left of 5, with client {times}", int.from_bytes(left, "little"))
            worker.said(2 * times)


@scenario(GROUP, "What a command finds that is run for a connection.")
def spawned(run):
    program = {"postfix": ["spawn", "user=nobody", "argv=/bin/sh", "-c", INQUIRY],
               "ostler": [SPAWN, "/bin/sh", "-c", INQUIRY]}[run.side]
    options = {"postfix": [], "ostler": ["-u"]}[run.side]
    with Nest(program, "unix", options=options, settings=LONG) as nest:
        worker = nest.start()
        with nest.connect() as client:
            client.socket.shutdown(socket.SHUT_WR)
            text = b""
            while part := client.socket.recv(65536):
                text += part
        worker.said(2)
        for line in text.decode().splitlines():
            name, value = line.split(":", 1)
            value = nest.plain(value.strip())
            if name.startswith("Sig"):
                value = signal_names(value)
            if name in ("Uid", "Gid", "Groups"):
                value = " ".join(value.split()).replace("65534", "nobody").replace(
                    str(pwd.getpwnam("postfix").pw_uid), "postfix").replace(
                    str(pwd.getpwnam("postfix").pw_gid), "postfix")
            if name == "environment":
                # What the connection is from: ours tells it, Postfix's does not.
                value = sorted(re.sub(r"(PID=)\d+", r"\1N", word) for word in value.split("|")
                               if word and not word.startswith(("PWD=", "SHLVL=", "_=", "OLDPWD=")))
            run.fact(name, value)


INQUIRY = """
for field in Uid Gid Groups SigIgn SigBlk Umask; do
    echo "$field: $(sed -n "s/^$field:[[:space:]]*//p" /proc/self/status)"
done
echo "descriptors: $(ls -l /proc/self/fd | sed -n 's/.* \\([0-9]*\\) -> \\(socket\\|pipe\\).*/\\1 \\2/p' |
    tr '\\n' ' ')"
echo "directory: $(pwd)"
echo "leads its session: $(ps -o sid= -p $$ | tr -d ' ' | grep -qx $$ && echo yes || echo no)"
echo "environment: $(env | tr '\\n' '|')"
"""
