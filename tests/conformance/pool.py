# SPDX-License-Identifier: MIT
"""Who is started when, what words do, and what ends of workers do."""

import os
import select
import signal
import subprocess
import time

from instance import wait_until
from suite import scenario

GROUP = "Pools, words and ends"
SHORT = "service_throttle_time = 3s\n"


def service(name, limit="-", transport="unix", words=""):
    return f"{name} {transport} n - n - {limit} recorder @JOURNAL@ @{name} {words}"


def whether(true, yes, no="no"):
    return yes if true else no


@scenario(GROUP, "A worker says TAKEN and AVAIL; others are started when all are taken.")
def words(run):
    with run.instance([service("x")]) as m:
        m.barrier()
        run.fact("workers before the first client", m.count("x"))
        one = m.client("public/x")
        first = one.ask("who")
        m.barrier()
        run.fact("workers with one client", m.count("x"))
        two = m.client("public/x")
        second = two.ask("who")
        run.fact("the second client has another worker", first != second)
        one.socket.close()
        m.expect("say", "x", int(first), word="AVAIL")
        with m.client("public/x") as three:
            run.fact("the third has the first's", three.ask("who") == first)
        m.expect("say", "x", int(first), word="AVAIL", times=2)
        m.barrier()
        run.fact("workers in the end", m.count("x"))
        two.socket.close()
        m.expect("say", "x", int(second), word="AVAIL")
        run.fact("said", [f"{e['word']} {e['result']}" for e in m.entries("say", "x", int(first))])
        run.fact("log", m.log())


@scenario(GROUP, "A new worker counts as available before it says anything; TAKEN changes that.")
def silence(run):
    m = run.instance([service("x")])
    m.behave("x", "manual")
    with m, m.client("public/x") as one:
        one.ask("who")
        with m.waiting("public/x") as two:
            with run.quick():
                m.barrier()
                run.fact("another is started while the first is silent", m.count("x") > 1)
            one.ask("say 0")
            run.fact("one is started after TAKEN", m.answered(two, 10) is not None)
            run.fact("workers", m.count("x"))
        run.fact("log", m.log())


@scenario(GROUP, "A client waits, and the only worker, said to be available, does not come.")
def deaf(run):
    m = run.instance([service("x")])
    m.behave("x", "manual")
    with m, m.client("public/x") as one, m.waiting("public/x") as two:
        one.ask("who")
        run.fact("the client is served within seconds", m.answered(two, 4) is not None)


@scenario(GROUP, "A worker says AVAIL though it serves: nobody else is started.")
def premature(run):
    m = run.instance([service("x")])
    m.behave("x", "manual")
    with m:
        with m.client("public/x") as one:
            run.fact("TAKEN", one.ask("say 0"))
            run.fact("TAKEN again", one.ask("say 0"))
            m.barrier()
            with m.client("public/x") as two:
                two.ask("who")
                run.fact("workers after TAKEN and a client", m.count("x"))
                run.fact("AVAIL of the first", one.ask("say 1"))
                run.fact("TAKEN of the second", two.ask("say 0"))
                m.barrier()
                with run.quick(), m.waiting("public/x"):
                    m.barrier()
                    run.fact("workers after AVAIL and a client", m.count("x"))
        run.fact("log", m.log())


@scenario(GROUP, "A limit is kept, and the next client waits for a worker that is there.")
def limit(run):
    lines = [service("two", "2"), service("one", "1"), service("usual"),
             f"127.0.0.1:@A@ inet n - n - 2 recorder @JOURNAL@ @port"]
    with run.instance(lines, "default_process_limit = 3\n") as m:
        for tag, most in ("two", 2), ("one", 1), ("usual", 3), ("port", 2):
            where = "A" if tag == "port" else "public/" + tag
            clients = [m.waiting(where) for _ in range(most)]
            for client in clients:
                m.answered(client, 10)
            last = m.waiting(where)
            m.barrier()
            run.fact(f"workers of {tag} with one client too many", m.count(tag))
            run.fact(f"the last client of {tag} waits", m.answered(last, 0) is None)
            clients[0].socket.close()
            run.fact(f"and is served by one of those",
                     m.answered(last, 10) in {str(e["pid"]) for e in m.entries("start", tag)})
            for client in clients[1:]:
                client.socket.close()
            last.socket.close()
            run.facts[f"and is served by one of those ({tag})"] = run.facts.pop(
                "and is served by one of those")
        run.fact("log", m.log())


@scenario(GROUP, "A service with remote clients near its limit: stress, and the warning.")
def stress(run):
    lines = ["p pass n - n - 3 recorder @JOURNAL@ @p"]
    with run.instance(lines) as m:
        clients = []
        for i in range(3):
            clients.append(pass_client(m, "public/p"))
            pid = int(clients[-1].ask("who"))
            m.name(pid, f"WORKER{i + 1}")
            run.fact(f"arguments of worker {i + 1}", m.plain(" ".join(
                m.expect("start", "p", pid)["argv"])))
        m.barrier()
        run.fact("asked to leave by then", sorted(
            m.plain(e["pid"]) for e in m.entries("end-of-channel", "p")))
        m.expect("say", "p", word="TAKEN", times=3)
        run.fact("log", m.log())
        last = pass_client(m, "public/p")
        last.socket.sendall(b"who\n")
        clients[0].socket.close()
        pid = int(m.answered(last, 10))
        m.name(pid, "WORKER4")
        run.fact("the fourth is served by", m.plain(pid))
        run.fact("its arguments", m.plain(" ".join(m.expect("start", "p", pid)["argv"])))
        m.barrier()
        run.fact("log in the end", m.log())
        for client in [*clients[1:], last]:
            client.socket.close()


def pass_client(m, where):
    """A client of a pass service that is handed over without attributes."""
    import socket

    from instance import Client
    ours, theirs = socket.socketpair()
    with m.client(where) as client:
        socket.send_fds(client.socket, [b"\0"], [theirs.fileno()])
        client.socket.sendall(b"\0")
        theirs.close()
        # Until it is taken: closed earlier, it would not be passed on.
        wait_until(lambda: ours.fileno() >= 0, "a pair")
        m.barrier()
    return Client(ours)


@scenario(GROUP, "Several clients at once, and workers that take their time to start.")
def burst(run):
    m = run.instance([service("x")])
    m.behave("x", "sleep 1000")
    with m:
        with run.quick():
            clients = [m.waiting("public/x") for _ in range(4)]
            m.born("x")
            m.barrier()
            run.fact("workers before the first one is ready", m.count("x"))
        answers = {m.answered(client, 10) for client in clients}
        run.fact("clients served by a worker of their own", len(answers - {None}))
        run.fact("workers in the end", m.count("x"))


# ---------------------------------------------------------------- bad words


# (what, command: `say WORD PID GENERATION SIZE`)
BAD = [("1 byte", "say 1 own own 1"), ("11 bytes", "say 1 own own 11"),
       ("another generation", "say 0 own +1"), ("generation 0", "say 0 own 0"),
       ("a stranger's pid", "say 0 1 own"), ("pid 0", "say 0 0 own"),
       ("word 2", "say 2"), ("word -1", "say -1"), ("word 256", "say 256")]


@scenario(GROUP, "Words that are no words: what is logged, and what they change.")
def bad_words(run):
    run.each(BAD, bad_word)


def bad_word(run, case):
    what, command = case
    m = run.instance([service("x")])
    m.behave("x", "manual")
    with m, m.client("public/x") as one:
        generation = m.born("x")["env"]
        m.name(int(one.ask("who")), "WORKER")
        assert "GENERATION=1" in generation
        run.fact(f"{what}: written", one.ask(command))
        m.barrier()
        with run.quick(), m.waiting("public/x"):
            m.barrier()
            run.fact(f"{what}: another is started", m.count("x") > 1)
        # Of one byte Postfix makes a pid: the worker's low byte, and what was there before.
        run.fact(f"{what}: log", [line.replace("(pid WORKER)", "(pid N)") for line in m.log()[1:]]
                 if what == "1 byte" else m.log()[1:])


@scenario(GROUP, "A message that is too long, or two in one.")
def long_words(run):
    run.each([("24 bytes", "say 0 own own 24"), ("13 bytes", "say 0 own own 13")], long_word)


def long_word(run, case):
    what, command = case
    m = run.instance([service("x")])
    m.behave("x", "manual")
    with m, m.client("public/x") as one:
        m.name(int(one.ask("who")), "WORKER")
        run.fact(f"{what}: written", one.ask(command))
        m.barrier()
        with run.quick(), m.waiting("public/x"):
            m.barrier()
            run.fact(f"{what}: another is started", m.count("x") > 1)
        run.fact(f"{what}: log", m.log()[1:])


@scenario(GROUP, "A word about another worker, of the same service and of another one.")
def slander(run):
    for what, victim in ("a sibling", "public/x"), ("another service", "public/y"):
        m = run.instance([service("x"), service("y")])
        m.behave("x", "manual")
        m.behave("y", "manual")
        with m, m.client("public/x") as one:
            m.name(int(one.ask("who")), "SPEAKER")
            one.ask("say 0")
            m.barrier()
            with m.client(victim) as two:
                pid = int(m.name(two.ask("who"), "VICTIM"))
                number = next(word for e in m.entries("start", pid=pid) for word in e["env"]
                              if word.startswith("GENERATION"))[11:]
                run.fact(f"{what}: written", one.ask(f"say 0 {pid} {int(number, 8)}"))
                alive = responds(m)
                run.fact(f"{what}: the master", whether(alive, "goes on", "is gone"))
                if alive:
                    before = m.count(victim[-1])
                    with run.quick(), m.waiting(victim):
                        m.barrier()
                        run.fact(f"{what}: a worker is started in the victim's place",
                                 m.count(victim[-1]) > before)
                run.fact(f"{what}: log", m.log()[1:])


def responds(m, quick=False):
    """Whether the master starts workers; False if it is gone."""
    try:
        m.master.wait(0.2 if quick else 2)  # a panic takes a second
        return False
    except subprocess.TimeoutExpired:
        m.barrier()
        return True


# ---------------------------------------------------------------- ends


def restarted(m, tag, before, seconds):
    """How long it took until a worker was started; None: it was not in time."""
    begin = time.monotonic()
    while time.monotonic() < begin + seconds:
        if m.count(tag) > before:
            return time.monotonic() - begin
        select.select([], [], [], 0.02)
    return None


def pause(m, tag, seconds=6.0):
    """The pause until the next start, in words; a client waits at public/TAG."""
    before = m.count(tag)
    with m.waiting("public/" + tag):
        return in_words(restarted(m, tag, before, seconds))


def in_words(took):
    if took is None:
        return "none was started"
    if took < 1.0:
        return "less than a second"
    return "about the throttle time" if took <= 5.0 else "longer"


@scenario(GROUP, "A worker ends badly at its start: the service pauses for its throttle time.")
def bad_start(run):
    run.each((("exit 1", "exit 1"), ("exit 75", "exit 75"), ("SIGKILL", "kill 9"),
              ("SIGSEGV", "kill 11"), ("SIGTERM", "kill 15")), one_bad_start)


def one_bad_start(run, case):
    what, behaviour = case
    m = run.instance([service("x")], SHORT)
    m.behave("x", behaviour)
    with m, m.waiting("public/x") as client:
        m.expect_log("throttling")
        with run.quick():
            m.behave("x")
            m.barrier()
            run.fact(f"{what}: workers at once", m.count("x"))
        if behaviour in ("exit 1", "kill 9"):
            run.fact(f"{what}: the next is started after", in_words(restarted(m, "x", 1, 6)))
            run.fact(f"{what}: the client is served", m.answered(client, 10) is not None)
        run.fact(f"{what}: log", m.log()[1:])


@scenario(GROUP, "A worker that exits with 0 before it served anybody.")
def early_exit(run):
    m = run.instance([service("x")], SHORT)
    m.behave("x", "exit 0")
    with m, m.waiting("public/x") as client:
        restarted(m, "x", 19, 3)
        run.fact("starts until somebody gives up", whether(
            m.count("x") > 19, "hundreds a second", "a few, with pauses"))
        m.behave("x")
        run.fact("the client is served in the end", m.answered(client, 10) is not None)
        run.fact("log", m.log()[1:])


@scenario(GROUP, "A command that cannot be executed.")
def no_command(run):
    lines = ["x unix n - n - - missing @x", "y unix n - n - - not-executable @y",
             "z unix n - n - - directory @z"]
    with run.instance(lines) as m:
        (m.root / "sbin/not-executable").write_text("#!/bin/sh\n")
        (m.root / "sbin/directory").mkdir()
        for times, name in enumerate(("x", "y", "z"), 1):
            before = len(m.log())
            with m.waiting("public/" + name):
                m.expect_log("throttling", times)
            run.fact(f"log of {name}", m.log()[before:])


# For the calls that make a process; clone3 last, as the kernel has not always had it.
NO_FORK = """
import ctypes, os, struct, sys
def op(code, yes, no, value):
    return struct.pack("HBBI", code, yes, no, value)
calls = (56, 57, 58, 435)
program = op(0x20, 0, 0, 0)
for n, call in enumerate(calls):
    program += op(0x15, len(calls) - n, 0, call)
program += op(0x06, 0, 0, 0x7fff0000) + op(0x06, 0, 0, 0x00050000 | 11)
buffer = ctypes.create_string_buffer(program)
filter = struct.pack("HxxxxxxQ", len(program) // 8, ctypes.addressof(buffer))
libc = ctypes.CDLL(None, use_errno=True)
assert libc.prctl(22, 2, ctypes.c_char_p(filter), 0, 0) == 0, ctypes.get_errno()
os.execv(sys.argv[1], sys.argv[1:])
"""


@scenario(GROUP, "No process can be made.")
def no_process(run):
    if os.uname().machine != "x86_64":  # the numbers of calls are others
        return
    m = run.instance([service("x")], SHORT, launcher=["/usr/bin/python3", "-c", NO_FORK])
    m.master = m.popen()
    wait_until(lambda: "daemon started" in m.log_text() or m.master.poll() is not None,
               "the master starts")
    try:
        if m.master.poll() is None:
            with m.waiting("public/x"):
                m.expect_log("throttling")
        run.fact("the master", "goes on" if m.master.poll() is None else "does not start")
        run.fact("log", sorted(set(m.log()) - set(m.log()[:1]) or m.log()))
    finally:
        m.finish()


@scenario(GROUP, "A worker ends badly in its first client, in a later one, and while idle.")
def later_ends(run):
    run.each((("exit 1 in the first client", 0, "exit 1"), ("exit 1 in the second", 1, "exit 1"),
              ("SIGKILL in the first", 0, "kill 9"), ("SIGKILL in the second", 1, "kill 9"),
              ("exit 0 in the first", 0, "exit 0")), later_end)


def later_end(run, case):
    what, rounds, end = case
    with run.instance([service("x")], SHORT) as m:
        for i in range(rounds):
            with m.client("public/x") as client:
                pid = int(client.ask("who"))
            m.expect("say", "x", pid, word="AVAIL", times=i + 1)
            # Said is not heard: until it is, the master starts another for the next.
            m.barrier()
        with m.client("public/x") as client:
            pid = int(client.ask("who"))
            client.socket.sendall(end.encode() + b"\n")
            m.expect_gone(pid)
        with run.quick():
            m.barrier()
        run.fact(f"{what}: the next client's worker is started after", pause(m, "x"))
        run.fact(f"{what}: log", m.log()[1:])


@scenario(GROUP, "An idle worker is killed: one that has served, one that has not.")
def killed_idle(run):
    for what, rounds in ("after a client", 1), ("before any", 0):
        with run.instance([service("x")], SHORT) as m:
            client = m.client("public/x")
            pid = int(client.ask("who"))
            if rounds:
                client.socket.close()
                m.expect("say", "x", pid, word="AVAIL")
            else:
                second = m.client("public/x")
                pid = int(second.ask("who"))
            m.barrier()
            os.kill(pid, signal.SIGKILL)
            m.expect_gone(pid)
            m.expect_log("killed by signal 9")
            with run.quick():
                m.barrier()
            run.fact(f"{what}: the next is started after", pause(m, "x"))
            run.fact(f"{what}: log", m.log()[1:])


@scenario(GROUP, "One worker serves; another fails at its first client.")
def healthy_sibling(run):
    with run.instance([service("x", "3")], SHORT) as m:
        with m.client("public/x") as good:
            good.ask("who")
            with m.client("public/x") as bad:
                pid = int(bad.ask("who"))
                bad.socket.sendall(b"exit 1\n")
                m.expect_gone(pid)
            m.expect_log("exit status 1")
            with run.quick():
                m.barrier()
            run.fact("the next is started after", pause(m, "x"))
        run.fact("log", m.log()[1:])


@scenario(GROUP, "An idle worker is stopped while a client waits.")
def stopped_idle(run):
    with run.instance([service("x")]) as m:
        with m.client("public/x") as client:
            pid = int(client.ask("who"))
        m.expect("say", "x", pid, word="AVAIL")
        m.barrier()
        os.kill(pid, signal.SIGSTOP)
        with m.waiting("public/x") as client:
            run.fact("the client is served within seconds", m.answered(client, 4.0) is not None)
        os.kill(pid, signal.SIGCONT)


@scenario(GROUP, "A full channel: a worker's words while the master is stopped.")
def full_channel(run):
    m = run.instance([service("x")])
    m.behave("x", "manual")
    with m, m.client("public/x") as one:
        one.ask("who")
        m.barrier()
        m.freeze()
        try:
            results = []
            one.socket.settimeout(1.5)
            try:
                while len(results) < 400:
                    results.append(one.ask("say 0"))
            except OSError:
                pass
            run.fact("words until the worker has to wait", len(results))
        finally:
            os.kill(m.master.pid, signal.SIGCONT)
        m.barrier()
        run.fact("the master goes on", responds(m))
