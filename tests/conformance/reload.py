# SPDX-License-Identifier: MIT
"""What a reload changes, whom it asks to leave, and what it leaves alone."""

import os
import re
import signal
import socket

from instance import has_ipv6, wait_until
from suite import scenario

GROUP = "Reload"


def service(name, limit="-", kind="unix", wakeup="-", words="", private="n"):
    tag = name.replace("@", "").replace("127.0.0.1:", "")
    return f"{name} {kind} {private} - n {wakeup} {limit} recorder @JOURNAL@ @{tag} {words}"


@scenario(GROUP, "Idle workers leave, busy ones finish first; the next client has a new worker.")
def retirement(run):
    with run.instance([service("x"), service("y")]) as m, m.client("public/x") as busy:
        first = int(busy.ask("who"))
        with m.client("public/x") as client:
            idle = int(client.ask("who"))
        m.expect("say", "x", idle, word="AVAIL")
        m.reload()
        m.expect_gone(idle)
        run.fact("the idle one", [e["t"] for e in m.entries(pid=idle)])
        m.expect("end-of-channel", "x", first)
        run.fact("read by the busy one", m.entries("end-of-channel", "x", first)[0]["result"])
        with m.client("public/x") as client:
            run.fact("the next client has a new worker",
                     int(client.ask("who")) not in (first, idle))
        run.fact("the busy one still serves", busy.ask("who") == str(first))
        busy.socket.close()
        m.expect_gone(first)
        run.fact("its last words", [f"{e['word']} {e['result']}"
                                    for e in m.entries("say", "x", first)])
        run.fact("signals", [e["number"] for e in m.entries("signal")])
        run.fact("log", m.log())


@scenario(GROUP, "New arguments, limits and flags are those of workers started from then on.")
def new_settings(run):
    with run.instance([service("x", "1", words="old"), service("same", "5")]) as m:
        with m.client("public/x") as busy:
            old = m.name(int(busy.ask("who")), "OLD")
            run.fact("before", m.plain(" ".join(m.born("x")["argv"])))
            m.master_cf([service("x", "2", words="new { -o a = b }").replace("n - n", "n n y"),
                         service("same", "5")])
            m.reload()
            with m.client("public/x") as next_one:
                run.fact("after, beside the old one", m.plain(" ".join(
                    m.expect("start", "x", int(next_one.ask("who")))["argv"])))
                third = m.waiting("public/x")
                m.barrier()
                run.fact("a third waits for the limit of 2", m.answered(third, 0) is None)
                busy.socket.close()
                run.fact("and is served when the old one has left",
                         int(m.answered(third, 10)) != old)
                third.socket.close()
        run.fact("log", m.log())


@scenario(GROUP, "Sockets stay: who waits in a queue is not turned away.")
def listeners_stay(run):
    lines = [service("x", "1"), service("127.0.0.1:@A@", "1", "inet"), service("f", "1", "fifo")]
    with run.instance(lines) as m:
        first = [m.client("public/x"), m.port_client("A")]
        old = [int(client.ask("who")) for client in first]
        waiting = [m.waiting("public/x"), m.waiting("A")]
        files = [(m.queue / "public" / name).stat().st_ino for name in ("x", "f")]
        m.reload()
        run.fact("names are the same", files == [
            (m.queue / "public" / name).stat().st_ino for name in ("x", "f")])
        for client in first:
            client.socket.close()
        run.fact("who waited is served by a new worker", [
            int(m.answered(client, 10)) not in old for client in waiting])
        for client in waiting:
            client.socket.close()
        run.fact("log", m.log())


@scenario(GROUP, "A new service begins, one that is gone ends.")
def come_and_go(run):
    with run.instance([service("x"), service("y"), service("127.0.0.1:@A@", kind="inet")]) as m:
        busy, other = m.client("public/x"), m.port_client("A")
        pids = [m.name(int(busy.ask("who")), "BUSY"), m.name(int(other.ask("who")), "OTHER")]
        with m.client("public/x") as client:
            idle = m.name(int(client.ask("who")), "IDLE")
        m.expect("say", "x", idle, word="AVAIL")
        m.master_cf([service("y"), service("z"), service("127.0.0.1:@B@", kind="inet")])
        m.reload()
        for pid in *pids, idle:
            m.expect_gone(pid)
        run.fact("the busy one", [e["t"] for e in m.entries(pid=pids[0])][-1])
        run.fact("signals", sorted({e["number"] for e in m.entries("signal")}))
        run.fact("its client", repr(busy.socket.recv(10)))
        run.fact("its name in the file system", (m.queue / "public/x").exists())
        for what, where in ("the name", "public/x"), ("the port", "A"):
            run.fact(f"the next client at {what}", refused(m, where))
        with m.client("public/z") as client, m.port_client("B") as second:
            run.fact("new ones serve", bool(client.ask("who") and second.ask("who")))
        run.fact("log", m.log())


def refused(m, where):
    try:
        client = m.client(where) if "/" in where else m.port_client(where)
    except OSError as error:
        return os.strerror(error.errno)
    client.socket.close()
    return "connected"


@scenario(GROUP, "A service is gone whose worker ignores SIGTERM.")
def stubborn(run):
    m = run.instance([service("x"), service("y")])
    m.behave("x", "ignore 15")
    with m:
        busy = m.client("public/x")
        pid = int(busy.ask("who"))
        m.master_cf([service("y")])
        m.master.send_signal(signal.SIGHUP)
        m.expect_log("reload")
        wait_until(lambda: refused(m, "public/x") != "connected" or
                   m.entries("end-of-channel", "x"), "the reload is under way")
        with m.waiting("public/y") as client:
            run.fact("another service serves meanwhile", m.answered(client, 3) is not None)
        run.fact("the worker is gone in the end", gone(m, pid))


def gone(m, pid):
    """Postfix waits for it without end: the test does not."""
    import select

    from instance import is_alive
    for _ in range(80):
        if not is_alive(pid):
            return True
        select.select([], [], [], 0.1)
    return False


@scenario(GROUP, "master_service_disable, in its forms, at a start and at a reload.")
def disabled(run):
    names = "a b sub.c d"
    lines = [service(name) for name in names.split()] + [
        service("127.0.0.1:@A@", kind="inet"), service("f", kind="fifo")]
    with run.instance(lines, "master_service_disable = a/unix, sub.c.unix\n") as m:
        run.fact("at the start", open_ones(m))
        with m.client("public/b") as client:
            pid = int(client.ask("who"))
            for value in ("b.unix !barrier/unix !d/unix unix", "inet FIFO",
                          "!b/unix, !barrier.unix unix", "nonsense", ""):
                m.main_cf(f"master_service_disable = {value}\n")
                m.reload()
                wait_until(lambda: all_are_gone(m), "the services that were removed are gone")
                if value.startswith("b.unix"):
                    m.expect_gone(pid)
                run.fact(f"after a reload with {value or 'nothing'!r}", open_ones(m))
        run.fact("log", m.log())


def all_are_gone(m):
    """Postfix's master waits for that; ostlerd tells of it."""
    text = m.log_text()
    removed = sum(int(n) for n in re.findall(r" removed=(\d+)", text))
    return text.count("service-gone") == removed


def open_ones(m):
    found = [name for name in ("a", "b", "sub.c", "d") if refused(m, "public/" + name) ==
             "connected"]
    if refused(m, "A") == "connected":
        found.append("port")
    if fifo_is_open(m.queue / "public/f"):
        found.append("f")
    # Those who were woken have begun: Postfix's master takes a SIGTERM that
    # comes between fork and exec for its own.
    m.barrier()
    return found


def fifo_is_open(path):
    try:
        os.close(os.open(path, os.O_WRONLY | os.O_NONBLOCK))
    except OSError:
        return False
    return True


@scenario(GROUP, "Settings that do not change without a stop and a start, and what is said of them.")
def stubborn_settings(run):
    run.each((("inet_interfaces", "inet_interfaces = 127.0.0.1\n"),
              ("inet_protocols", "inet_protocols = ipv4\n"),
              ("queue_directory", "queue_directory = @ROOT@/other\n"),
              ("data_directory", "data_directory = @ROOT@/other\n"),
              ("import_environment", "import_environment = HOME\n"),
              ("config_directory", "config_directory = @ROOT@/other\n")), stubborn_setting)


def stubborn_setting(run, case):
    what, settings = case
    lines = [service("x"), service("127.0.0.1:@A@", kind="inet"), service("@B@", kind="inet")]
    with run.instance(lines) as m:
        (m.root / "other").mkdir()
        for name in "pid", "public", "private":
            (m.root / "other" / name).mkdir()
        m.main_cf(settings)
        m.reload()
        with m.client("public/x") as client:
            pid = int(client.ask("who"))
            w = m.expect("start", "x", pid)
            run.fact(f"{what}: a worker's directory", m.plain(w["cwd"]))
            run.fact(f"{what}: its environment", sorted(
                word.split("=")[0] for word in w["env"]))
        run.fact(f"{what}: listens at ::1", listens(m, "::1", "B"))
        run.fact(f"{what}: listens at 127.0.0.1", listens(m, "127.0.0.1", "B"))
        run.fact(f"{what}: log", m.log()[1:])


def listens(m, host, letter):
    if ":" in host and not has_ipv6():
        return "no such address here"
    try:
        socket.create_connection((host, m.port(letter)), 10).close()
    except ConnectionRefusedError:
        return "no"
    return "yes"


@scenario(GROUP, "Settings that do change.")
def other_settings(run):
    lines = [service("x", "-"), service("t", "-")]
    with run.instance(lines, "default_process_limit = 1\n") as m:
        with m.client("public/x") as client:
            client.ask("who")
            m.main_cf("default_process_limit = 2\nsyslog_name = other\nmyhostname = a.b.c\n"
                      "daemon_directory = @ROOT@/sbin/../sbin\n")
            m.reload()
            with m.client("public/x") as second:
                w = m.expect("start", "x", int(second.ask("who")))
                run.fact("environment", sorted(m.plain(word) for word in w["env"]
                                               if not word.startswith("GENERATION")))
                run.fact("arguments", m.plain(" ".join(w["argv"])))
                second.socket.sendall(b"exit 3\n")
                m.expect_log("exit status 3")
        run.fact("host and tag of a line", " ".join(next(
            line[:2] for line in m.all_lines() if "exit status 3" in line[2])))
        run.fact("log", m.log())


@scenario(GROUP, "Two rows of one name: the last one's settings count.")
def duplicates(run):
    lines = [service("x", "1", words="first"), service("127.0.0.1:@A@", kind="inet"),
             service("x", "2", words="second"),
             "[127.0.0.1]:@A@ inet n - n - 3 recorder @JOURNAL@ @again"]
    with run.instance(lines) as m:
        for when in "at the start", "after a reload":
            with m.client("public/x") as client, m.port_client("A") as port:
                for name, one in ("x", client), ("the port", port):
                    w = m.expect("start", pid=int(one.ask("who")))
                    run.fact(f"{when}: arguments of {name}", m.plain(" ".join(w["argv"])))
            if when == "at the start":
                m.reload()
        run.fact("log", m.log())


@scenario(GROUP, "One name, private and public, and of two types: two services.")
def namesakes(run):
    lines = [service("x", words="public"), service("x", words="private", private="y"),
             service("x", kind="fifo", words="fifo", private="y").replace("x fifo", "y fifo"),
             service("y", words="unix")]
    with run.instance(lines) as m:
        for where in "public/x", "private/x", "public/y":
            with m.client(where) as client:
                w = m.expect("start", pid=int(client.ask("who")))
                run.fact(where, m.plain(" ".join(w["argv"])))
        run.fact("private/y", (m.queue / "private/y").is_fifo())
        run.fact("log", m.log())


@scenario(GROUP, "One name changes its type, or moves from private to public.")
def changed_identity(run):
    with run.instance([service("x"), service("y")]) as m:
        with m.client("public/x") as one, m.client("public/y") as two:
            old = [int(one.ask("who")), int(two.ask("who"))]
            m.master_cf([service("x", private="y"), service("y", kind="pass")])
            m.reload()
            for what, client, pid in ("x", one, old[0]), ("y", two, old[1]):
                wait_until(lambda: m.entries("signal", what, pid) or
                           m.entries("end-of-channel", what, pid), "it is asked to leave")
                client.socket.close()
                m.expect_gone(pid)
            run.fact("signals", [e["number"] for e in m.entries("signal")])
        run.fact("public/x", refused(m, "public/x"))
        run.fact("private/x", refused(m, "private/x"))
        run.fact("public/y", refused(m, "public/y"))
        run.fact("log", m.log())


@scenario(GROUP, "A reload while a service is throttled.")
def throttled(run):
    m = run.instance([service("x")], "service_throttle_time = 4s\n")
    m.behave("x", "exit 1")
    with m, m.waiting("public/x") as client:
        m.expect_log("throttling")
        m.behave("x")
        m.reload()
        run.fact("the client is served at once", m.answered(client, 1.8) is not None)
        run.fact("or after the throttle time", m.answered(client, 10) is not None
                 if m.count("x") < 2 else "at once")
        run.fact("log", m.log())


BAD = [("master.cf: a type", "master.cf", "x stream n - n - - recorder"),
       ("master.cf: a field", "master.cf", "x unix n"),
       ("master.cf: a port", "master.cf", "127.0.0.1:no-such-port inet n - n - - recorder"),
       ("main.cf: a number", "main.cf", "default_process_limit = many\n"),
       ("main.cf: a time", "main.cf", "service_throttle_time = 5 parsecs\n"),
       ("main.cf: mail_owner", "main.cf", "mail_owner = nobody-at-all\n"),
       ("main.cf: an expansion", "main.cf", "syslog_name = ${x\n")]


@scenario(GROUP, "A reload of a file with an error in it.")
def bad_files(run):
    run.each(BAD, bad_file)


def bad_file(run, case):
    what, file, text = case
    with run.instance([service("x")]) as m, m.client("public/x") as client:
        pid = int(client.ask("who"))
        if file == "master.cf":
            m.master_cf([service("x"), text])
        else:
            m.main_cf(text)
        m.master.send_signal(signal.SIGHUP)
        outcome = survives(m)
        if m.master.poll() is not None:
            m.expect("end-of-channel", "x", pid)
        run.fact(f"{what}: the master", outcome)
        run.fact(f"{what}: its worker is asked to leave",
                 bool(m.entries("end-of-channel", "x", pid)))
        run.fact(f"{what}: log", m.log()[1:])


def survives(m):
    """Postfix says why and dies a second later."""
    wait_until(lambda: m.master.poll() is not None or "fatal: " in m.log_text() or
               "config-refused" in m.own_lines(), "a word about it")
    try:
        m.master.wait(2.0)
    except Exception:
        m.barrier()
        return "goes on"
    return f"exits with {m.master.returncode}"


@scenario(GROUP, "TAKEN is on its way when a reload comes.")
def lost_word(run):
    with run.instance([service("x")]) as m:
        with m.client("public/x") as client:
            pid = int(client.ask("who"))
        m.expect("say", "x", pid, word="AVAIL")
        m.barrier()
        m.freeze()
        with m.client("public/x") as busy:
            busy.ask("who")
            m.master.send_signal(signal.SIGHUP)
            os.kill(m.master.pid, signal.SIGCONT)
            m.expect_log("reload")
            m.barrier()
            with m.waiting("public/x") as second:
                run.fact("the next client is served meanwhile", m.answered(second, 3) is not None)
        m.expect_gone(pid)


@scenario(GROUP, "Many reloads, one upon the other.")
def many(run):
    with run.instance([service("x")]) as m, m.client("public/x") as busy:
        pid = int(busy.ask("who"))
        for _ in range(10):
            m.reload()
        with m.client("public/x") as client:
            run.fact("the next client has a new worker", int(client.ask("who")) != pid)
        run.fact("the first still serves", busy.ask("who") == str(pid))
        run.fact("log", sorted(set(m.log())))
