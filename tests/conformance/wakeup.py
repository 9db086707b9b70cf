# SPDX-License-Identifier: MIT
"""Who wakes which service, when, and with what."""

import pwd
import select

from suite import scenario

GROUP = "Wake-ups"


def service(name, kind, wakeup, limit="-", private="n"):
    tag = name.split(":")[0] if kind != "inet" else "inet"
    return f"{name} {kind} {private} - n {wakeup} {limit} recorder @JOURNAL@ @{tag}"


def who(m, entry):
    """The process at the other end: the kernel tells of unix sockets only."""
    if "peer" not in entry:
        return "unknown"
    pid, uid, gid = entry["peer"]
    names = [pwd.getpwuid(uid).pw_name, str(gid) if gid == 0 else "its group"]
    return f"{'the master' if pid == m.master.pid else 'another'} as {names[0]}, {names[1]}"


@scenario(GROUP, "The first wake-up comes at once, the next after the time of the row.")
def each_type(run):
    lines = [service("u", "unix", "1"), service("v", "unix", "1", "1", "y"),
             service("f", "fifo", "1"), service("p", "pass", "1"),
             service("127.0.0.1:@A@", "inet", "1"), service("d", "unix-dgram", "1")]
    with run.instance(lines) as m:
        for tag in "u", "v", "f", "p", "inet":
            m.expect("wakeup", tag, times=3)
            found = m.entries("wakeup", tag)
            texts = {bytes.fromhex(e["bytes"]).decode().replace("\0", "NUL") for e in found}
            if tag == "f":  # two may be read at once
                texts = {text[:1] for text in texts}
            run.fact(f"bytes to {tag}", sorted(texts))
            run.fact(f"sent to {tag} by", sorted({who(m, e) for e in found}))
            # How many there are is luck: the next wake-up may come before AVAIL is read.
            first = m.born(tag)["pid"]
            m.expect("say", tag, first, word="AVAIL")
            run.fact(f"said by the first worker of {tag}", [
                e["word"] for e in m.entries("say", tag, first)][:2])
        run.fact("a worker of d is started", m.count("d") > 0)
        run.fact("log", sorted(set(m.log())))


@scenario(GROUP, "A conditional wake-up sleeps until a worker is started, and then is as any other.")
def conditional(run):
    lines = [service("c", "unix", "1?"), service("n", "unix", "1")]
    with run.instance(lines) as m:
        m.expect("wakeup", "n", times=2)
        run.fact("before a client: workers", m.count("c"))
        with m.client("public/c") as client:
            client.ask("who")
        m.expect("wakeup", "c", times=2)
        run.fact("after a client", "awake")
        reload_and_wait(m)
        before = len(m.entries("wakeup", "c"))
        m.expect("wakeup", "n", times=len(m.entries("wakeup", "n")) + 2)
        run.fact("after a reload", "awake" if len(m.entries("wakeup", "c")) > before
                 else "asleep again")
        with m.client("public/c") as client:
            client.ask("who")
        m.expect("wakeup", "c", times=before + 2)
        run.fact("log", m.log())


def reload_and_wait(m):
    m.reload()
    m.barrier()
    # What was under way when the reload came has been heard.
    for entry in m.entries("start", "c"):
        m.expect_gone(entry["pid"])


@scenario(GROUP, "A reload starts the time of a wake-up anew, with one at once.")
def after_reload(run):
    with run.instance([service("u", "unix", "1000"), service("f", "fifo", "1000")]) as m:
        for tag in "u", "f":
            m.expect("say", tag, word="AVAIL")
        for times in 2, 3:
            m.reload()
            for tag in "u", "f":
                m.expect("wakeup", tag, times=times)
                m.expect("say", tag, word="AVAIL", times=times)
        for tag in "u", "f":
            run.fact(f"wake-ups of {tag} after two reloads", len(m.entries("wakeup", tag)))
        run.fact("log", m.log())


@scenario(GROUP, "The wake-up time changes with a reload.")
def changed_time(run):
    with run.instance([service("u", "unix", "1"), service("w", "unix", "1000")]) as m:
        m.expect("wakeup", "u", times=2)
        m.expect("wakeup", "w")
        m.master_cf([service("u", "unix", "0"), service("w", "unix", "1")])
        m.reload()
        before = len(m.entries("wakeup", "u"))
        m.expect("wakeup", "w", times=4)
        run.fact("wake-ups of who has none any more", len(m.entries("wakeup", "u")) - before)


@scenario(GROUP, "A wake-up while the service is throttled, and one while its worker is busy.")
def held_back(run):
    lines = [service("t", "unix", "1"), service("b", "unix", "1", "1")]
    m = run.instance(lines, "service_throttle_time = 4s\n")
    m.behave("t", "exit 1")
    with m:
        m.expect("start", "t")
        m.expect_log("throttling")
        m.behave("t")
        m.expect("wakeup", "b")
        with m.client("public/b") as client:
            client.ask("who")
            before = len(m.entries("wakeup", "b"))
            m.expect("wakeup", "t", times=2)
            run.fact("wake-ups that a busy worker heard", len(m.entries("wakeup", "b")) - before)
        m.expect("wakeup", "b", times=before + 1)
        run.fact("workers of the busy one", m.count("b"))
        run.fact("log", m.log()[1:])


@scenario(GROUP, "A wake-up of 0, of 1 with text behind it, and one whose worker does not hang up.")
def odd_times(run):
    lines = [service("zero", "unix", "0"), service("text", "unix", "1x"),
             service("hold", "unix", "1", "1"), service("qzero", "unix", "0?")]
    with run.instance(lines) as m:
        m.expect("wakeup", "text", times=2)
        run.fact("workers of 0", m.count("zero"))
        run.fact("workers of 0?", m.count("qzero"))
        run.fact("log", m.log())


@scenario(GROUP, "Others wake a service through the file system as well.")
def from_outside(run):
    with run.instance([service("f", "fifo", "0"), service("u", "unix", "0")]) as m:
        import os
        for text in b"A", b"BC":
            fifo = os.open(m.queue / "public/f", os.O_WRONLY | os.O_NONBLOCK)
            os.write(fifo, text)
            os.close(fifo)
            m.expect("wakeup", "f", bytes=text.hex())
        with m.client("public/u") as client:
            client.socket.sendall(b"W\0")
            entry = m.expect("wakeup", "u")
            run.fact("sent to u by", who(m, entry))
            ready, _, _ = select.select([client.socket], [], [], 10)
            run.fact("the worker hangs up", client.socket.recv(1) == b"" if ready else "no")
        run.fact("workers of u", m.count("u"))


@scenario(GROUP, "A wake-up cannot be sent, for its socket is not there any more.")
def failures(run):
    lines = [service("u", "unix", "1"), service("f", "fifo", "1"), service("p", "pass", "1"),
             service("127.0.0.1:@A@", "inet", "1")]
    with run.instance(lines) as m:
        for tag in "u", "f", "p":
            m.expect("wakeup", tag)
            (m.queue / "public" / tag).unlink()
        for tag in "u", "f", "p":
            m.expect_log(f"service {tag}(")
        run.fact("log", sorted(set(m.log()[1:])))
