# SPDX-License-Identifier: MIT
"""How a master starts, refuses to, and ends."""

import os
import re
import select
import signal
import socket
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor

from instance import OWN_LINE, TooSlow, is_alive, wait_until
from suite import scenario

GROUP = "Start and end"
X = "x unix n - n - - recorder @JOURNAL@ @x"


@scenario(GROUP, "Signals to the master: how it dies, and who hears of it.")
def signals(run):
    run.each([f"SIG{name}" for name in
              "TERM INT QUIT BUS SEGV ILL USR1 USR2 ABRT KILL".split()], one_signal)


def one_signal(run, name):
    with run.instance([X], launcher=["prlimit", "--core=0"]) as m, m.client("public/x") as busy:
        pid = int(busy.ask("who"))
        with m.client("public/x") as client:
            idle = int(client.ask("who"))
        m.expect("say", "x", idle, word="AVAIL")
        m.barrier()
        m.master.send_signal(getattr(signal, name))
        try:
            run.fact(f"{name}: the master's status", m.master.wait(2))
        except subprocess.TimeoutExpired:
            run.fact(f"{name}: the master's status", "it goes on")
            return
        m.expect_gone(idle)
        if name in ("SIGKILL", "SIGUSR1", "SIGUSR2", "SIGABRT"):
            m.expect("end-of-channel", "x", pid)
            run.fact(f"{name}: a busy worker still serves", busy.ask("who") == str(pid))
        busy.socket.close()
        m.expect_gone(pid)
        for what, one in ("busy", pid), ("idle", idle):
            run.fact(f"{name}: the {what} worker", [
                e["t"] + (f" {e['number']}" if "number" in e else "")
                for e in m.entries(pid=one) if e["t"] in ("signal", "exit")])
        run.fact(f"{name}: log", m.log()[1:])


@scenario(GROUP, "Signals to the master that it shrugs off.")
def shrugged_off(run):
    from pool import responds
    with run.instance([X]) as m:
        for name in "PIPE CHLD WINCH URG CONT ALRM".split():
            m.master.send_signal(getattr(signal, "SIG" + name))
            run.fact(f"SIG{name}: the master", "goes on" if responds(m, True) else "is gone")
            if m.master.poll() is not None:
                break
        run.fact("log", m.log()[1:])


@scenario(GROUP, "SIGTERM while a worker ignores it: the master does not wait.")
def stubborn_worker(run):
    m = run.instance([X])
    m.behave("x", "ignore 15")
    with m, m.client("public/x") as client:
        pid = int(client.ask("who"))
        run.fact("the master's status", m.terminate())
        run.fact("the worker is alive", is_alive(pid))
        m.expect("end-of-channel", "x", pid)
        run.fact("it serves its client", client.ask("who") == str(pid))
        client.socket.close()
        m.expect_gone(pid)


@scenario(GROUP, "What is left in the file system after an end, and the next start.")
def leftovers(run):
    m = run.instance([X, "f fifo n - n - - recorder @JOURNAL@ @f"])
    for how in signal.SIGTERM, signal.SIGKILL:
        m.begin()
        with m.client("public/x") as client:
            client.ask("who")
        m.terminate(how)
        run.fact(f"after {how.name}", sorted(
            str(p.relative_to(m.root)) for part in ("queue/pid", "queue/public", "data")
            for p in (m.root / part).iterdir()))
        m.master.stdout.close()
    m.finish()


@scenario(GROUP, "master -t, and a second master.")
def already_running(run):
    m = run.instance([X])
    run.fact("-t before", finished(m, "-t"))
    with m:
        run.fact("-t while it runs", finished(m, "-t"))
        run.fact("another start", refusal(m))
        run.fact("another start with -w", refusal(m, "-w"))
        m.barrier()
        run.fact("the first", "goes on")
        m.terminate()
        run.fact("-t after its end", finished(m, "-t"))
        run.fact("log of the first", m.log()[1:])


def finished(m, *arguments):
    """Status of a master that ends; it says nothing."""
    done = m.popen(*arguments)
    out, _ = done.communicate(timeout=20)
    return [f"exits with {done.returncode}", *m.plain(out.decode()).splitlines()]


class Refusal:
    """A master that is started and does not stay."""

    def __init__(self, m, *arguments):
        self.status = None
        self.heard = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        # Where a master logs to that has not read its configuration yet.
        early = m.root / "early-log"
        self.heard.bind(str(early))
        early.chmod(0o666)
        extra = {"POSTLOG_SERVICE": str(early), "POSTLOG_HOSTNAME": "host"}
        before = len(m.log_text().splitlines())
        done = subprocess.Popen(m.command(*arguments), env={**m.environment, **extra}, cwd="/",
                                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                stderr=subprocess.STDOUT)
        try:
            out, _ = done.communicate(timeout=20)
            self.status = done.returncode
        except subprocess.TimeoutExpired:
            done.kill()
            out, _ = done.communicate()
        early.unlink()
        self.printed = m.plain(out.decode()).splitlines()
        self.logged = [m.plain(re.sub(r"^.*?\w+/master\[\d+\]: ", "", line)) for line in
                       [*self._drain(), *m.log_text().splitlines()[before:]]]
        self.heard.close()

    def _drain(self):
        while select.select([self.heard], [], [], 0)[0]:
            yield self.heard.recv(4096).decode(errors="replace")

    def words(self):
        """Status and log; not that -w failed, for that is always the last word."""
        if self.status is None or "-w" in self.logged:
            return ["starts"]
        return [f"exits with {self.status}", *(
            line for line in self.logged if OWN_LINE.fullmatch(line) is None and
            line != "fatal: daemon initialization failure -- see logs for details")]

    def is_printed(self):
        """Whether who started it is told as well."""
        fatal = [line for line in self.logged if line.startswith("fatal: ") and
                 "initialization failure" not in line]
        return bool(fatal) and any(fatal[-1][7:] in line for line in self.printed)


def refusal(m, *arguments):
    return Refusal(m, *arguments).words()


@scenario(GROUP, "Options that make no sense, and who may not start a master.")
def usage(run):
    def one(run, words):
        m = run.instance([X])
        if words is None:
            m.launcher = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
        run.fact(" ".join(words or ["as another user"]), refusal(m, *(words or []))[:3])
        m.finish()

    run.each((["-x"], ["word"], ["-e"], ["-e", "soon"], ["-t", "-w"], ["-i"], ["-i", "-d"],
              ["-c", "relative/path"], ["-c", "/no/such/directory"], None), one)


@scenario(GROUP, "master -w: returns when clients can be served, or says that it failed.")
def monitored(run):
    m = run.instance([X])
    started = m.popen("-w")
    try:
        started.wait(20)
        run.fact("status", started.returncode)
        pid = int((m.queue / "pid/master.pid").read_text())
        m.name(pid, "MASTER")
        with m.client("public/x") as client:
            run.fact("a client at that moment", bool(client.ask("who")))
            w = m.born("x")
            fields = w["stat"].rsplit(")", 1)[1].split()
            run.fact("parent, group, session of a worker", [m.plain(fields[i]) for i in (1, 2, 3)])
            run.fact("its descriptors", [
                re.sub(r"\[\d+\]", "", fd["link"]) for fd in w["descriptors"][:3]])
        os.kill(pid, signal.SIGTERM)
        m.expect_gone(pid)
        m.expect_gone(w["pid"])
        run.fact("log", m.log())
        m.master_cf(["x stream n - n - - recorder"])
        run.fact("with an error in master.cf", refusal(m, "-w"))
    finally:
        started.stdout.close()
        m.finish()


@scenario(GROUP, "master -e: the end comes by itself.")
def expiry(run):
    m = run.instance([X], arguments=["-e", "2"])
    with m, m.client("public/x") as busy:
        pid = int(busy.ask("who"))
        run.fact("status", m.master.wait(20))
        m.expect("end-of-channel", "x", pid)
        run.fact("a busy worker still serves", busy.ask("who") == str(pid))
        busy.socket.close()
        m.expect_gone(pid)
        run.fact("signals", [e["number"] for e in m.entries("signal")])
        run.fact("log", m.log()[1:])


@scenario(GROUP, "master -d in a group that it does not lead.")
def not_leader(run):
    with run.instance([X], arguments=["-d"]) as m, m.client("public/x") as client:
        pid = int(client.ask("who"))
        run.fact("its group is its starter's", os.getpgid(m.master.pid) == os.getpgrp())
        m.master.send_signal(signal.SIGTERM)
        run.fact("status after SIGTERM", m.master.wait(20))
        wait_until(lambda: m.entries("end-of-channel", "x", pid) or not is_alive(pid),
                   "the worker hears of it")
        run.fact("its worker gets SIGTERM", bool(m.entries("signal", "x", pid)))
        run.fact("log", m.log()[1:])


PID_1 = ["unshare", "--pid", "--fork", "--kill-child", "--mount-proc"]


@scenario(GROUP, "master -i as process 1 of a container.")
def process_one(run):
    m = run.instance([X], arguments=["-i"], launcher=PID_1)
    with m, m.client("public/x") as client:
        client.ask("who")
        inner = m.journal.read_text()
        run.fact("the worker's parent", re.search(r"PPid:\\u0009(\d+)", inner)[1])
        pids = subprocess.run(["ps", "--ppid", str(m.master.pid), "-o", "pid="],
                              capture_output=True, text=True).stdout.split()
        # Somebody dies whom it did not start: it reaps everybody.
        run.fact("it is the only child of unshare", len(pids))
        orphan = subprocess.run(
            ["nsenter", "-t", pids[0], "-p", "-m", "sh", "-c", "(sleep 0.1 & ) ; exit 0"])
        run.fact("an orphan was made", orphan.returncode)
        wait_until(lambda: not zombies(int(pids[0])), "the orphan is reaped")
        with m.client("public/x") as second:
            run.fact("a stranger's end does not matter", bool(second.ask("who")))
        os.kill(int(pids[0]), signal.SIGTERM)
        run.fact("status after SIGTERM", m.master.wait(20))
        run.fact("log", m.log()[1:])


def zombies(parent):
    listed = subprocess.run(["ps", "--ppid", str(parent), "-o", "stat=,comm="],
                            capture_output=True, text=True).stdout
    return [line for line in listed.splitlines() if "sleep" in line or line.startswith("Z")]


@scenario(GROUP, "A child that the master did not start, from before it became the master.")
def adopted(run):
    with run.instance([X], launcher=[
            "sh", "-c", "sleep 1 & exec \"$@\"", "sh"]) as m:
        wait_until(lambda: m.master.poll() is not None or not zombies_of(m), "the child ends")
        try:
            m.master.wait(1.5)
        except subprocess.TimeoutExpired:
            m.barrier()
        run.fact("the master", "goes on" if m.master.poll() is None
                 else f"status {m.master.returncode}")
        run.fact("log", m.log()[1:])


def zombies_of(m):
    listed = subprocess.run(["ps", "--ppid", str(m.master.pid), "-o", "comm="],
                            capture_output=True, text=True).stdout
    return "sleep" in listed


@scenario(GROUP, "A start after SIGKILL, while a worker still has a client.")
def after_kill(run):
    with run.instance(["127.0.0.1:@A@ inet n - n - - recorder @JOURNAL@ @port", X]) as m:
        with m.port_client("A") as busy, m.client("public/x") as other:
            pids = [busy.ask("who"), other.ask("who")]
            m.terminate(signal.SIGKILL)
            m.master.stdout.close()
            for pid in pids:
                m.expect("end-of-channel", pid=int(pid))
            m.begin()
            clients = [m.waiting("A") for _ in range(20)]
            end = time.monotonic() + 5
            served = [m.answered(one, max(end - time.monotonic(), 0)) for one in clients]
            run.fact("new clients at the port are served", "all" if all(served) else "some")
            with m.client("public/x") as client:
                run.fact("and one at the socket", bool(client.ask("who")))
            run.fact("old clients are served on", [busy.ask("who") == pids[0],
                                                   other.ask("who") == pids[1]])
            for one in clients:
                one.socket.close()


@scenario(GROUP, "Two masters at one port.")
def same_port(run):
    line = "127.0.0.1:@A@ inet n - n - - recorder @JOURNAL@ @port"
    with run.instance([line]) as m:
        second = run.instance([line])
        second.ports["A"] = m.port("A")
        second.master_cf([line])
        found = Refusal(second, "-w")
        run.fact("the second", "starts" if found.status == 0 else found.words())
        if found.status == 0:
            pid = int((second.queue / "pid/master.pid").read_text())
            os.kill(pid, signal.SIGTERM)
            second.expect_gone(pid)
        second.finish()
        with m.port_client("A") as client:
            run.fact("the first serves", bool(client.ask("who")))


@scenario(GROUP, "main.cf has just been written.")
def hot_file(run):
    m = run.instance([X])
    (m.config / "main.cf").touch()
    begin = time.monotonic()
    with m:
        took = time.monotonic() - begin
        if 1.0 < took < 1.7:
            raise TooSlow
        run.fact("the start takes", "two seconds" if took > 1.0 else "no time")


@scenario(GROUP, "master -D, and debugger_command.")
def debugger(run):
    command = "debugger_command = echo $process_name $daemon_directory > @ROOT@/debugged\n"
    with run.instance([X], command, arguments=["-D"], launcher=["setsid"]) as m:
        wait_until(lambda: (m.root / "debugged").exists() and (m.root / "debugged").read_text(),
                   "the debugger runs")
        run.fact("the command wrote", m.plain((m.root / "debugged").read_text().strip()))
        with m.client("public/x") as client:
            m.name(m.master.pid, "MASTER")
            w = m.expect("start", "x", int(client.ask("who")))
            run.fact("arguments of a worker", m.plain(" ".join(w["argv"])))
            run.fact("its environment", sorted(word.split("=")[0] for word in w["env"]))
        run.fact("log", m.log())


@scenario(GROUP, "The log through postlogd, which the master itself has to start.")
def postlogd(run):
    with run.instance(["postlog unix-dgram n - n - 1 postlogd", X]) as m:
        m.expect_log("daemon started")
        m.reload()
        with m.client("public/x") as client:
            pid = int(client.ask("who"))
            client.socket.sendall(b"exit 3\n")
            m.expect_gone(pid)
        m.expect_log("throttling")
        m.barrier()
        run.fact("status after SIGTERM", m.terminate())
        run.fact("log", m.log())


# ------------------------------------------------------------ files with errors


MASTER_CF = [
    "x", "x unix", "x unix n", "x unix n -", "x unix n - n", "x unix n - n -", "x unix n - n - -",
    "x UNIX n - n - - recorder", "x - n - n - - recorder", "x unix n - n - - -",
    "x unix maybe - n - - recorder", "x unix n Y n - - recorder", "x unix n - ? - - recorder",
    "x unix n - n x1 - recorder", "x unix n - n - x1 recorder", "x unix n - n -1 - recorder",
    "x unix n - n - - recorder {", "x unix n - n - - recorder { a }b",
    "25 inet y - n - - recorder", "25 inet - - n - - recorder",
    "33x inet n - n - - recorder", "127.0.0.1: inet n - n - - recorder",
    "[127.0.0.1 inet n - n - - recorder", "[127.0.0.1]x inet n - n - - recorder",
    "no-such-port-name inet n - n - - recorder", "127.0.0.1:99999 inet n - n - - recorder",
    "no.such.host.invalid:2525 inet n - n - - recorder",
    f"{'n' * 120} unix n - n - - recorder", "no/such/directory unix n - n - - recorder",
    "  indented unix n - n - - recorder",
]


def refused_all(run, cases, change, words=str):
    """Many masters that do not start, side by side: each waits a second."""
    def one(case):
        m = run.instance([X])
        try:
            change(m, case)
            found = Refusal(m, "-w")
            if found.status == 0:
                pid = int((m.queue / "pid/master.pid").read_text())
                os.kill(pid, signal.SIGTERM)
                m.expect_gone(pid)
            return found
        finally:
            m.finish()

    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(one, cases))
    for case, refusal_ in zip(cases, found):
        run.fact(words(case), ["starts"] if refusal_.status == 0 else refusal_.words())
    failed = [one for one in found if one.status]
    run.fact("on standard error", "as well" if all(one.is_printed() for one in failed) else
             "nothing" if not any(one.printed for one in failed) else
             [one.printed for one in failed if one.printed])


@scenario(GROUP, "Errors in master.cf, at the start: status and words.")
def bad_master_cf(run):
    def change(m, line):
        m.master_cf([line], barrier=False)
    refused_all(run, MASTER_CF, change, lambda line: f"`{line[:60].strip()}`")


MAIN_CF = ["default_process_limit = many", "default_process_limit = 0", "default_process_limit =",
           "service_throttle_time = 5 parsecs", "service_throttle_time = 0",
           "service_throttle_time = -1", "mail_owner = nobody-at-all", "mail_owner = root",
           "setgid_group = no-such-group", "default_privs = root", "no equals sign", "= value",
           "syslog_name = ${x", "syslog_name = $", "inet_protocols = ipv5", "inet_protocols =",
           "inet_interfaces = no.such.host.invalid", "inet_interfaces = 192.0.2.1",
           "queue_directory = /no/such/directory", "data_directory = /no/such/directory",
           "maillog_file = /elsewhere/log", "known_tcp_ports = smtp=25=26",
           "max_idle = 0", "master_service_disable = unix/x/y", "tcp_windowsize = -1",
           "import_environment = { A }", "syslog_facility = kitchen",
           "compatibility_level = many"]


@scenario(GROUP, "Errors in main.cf, at the start: status and words.")
def bad_main_cf(run):
    def change(m, line):
        m.main_cf(line + "\n")
    refused_all(run, MAIN_CF, change, lambda line: f"`{line}`")


@scenario(GROUP, "Files and directories that are not as they should be.")
def bad_surroundings(run):
    def no_pid(m):
        (m.queue / "pid").rmdir()

    def no_main(m):
        (m.config / "main.cf").unlink()

    def no_master(m):
        (m.config / "master.cf").unlink()

    def linked(m):
        (m.queue / "pid/master.pid").symlink_to("elsewhere")

    def hard_linked(m):
        (m.root / "file").touch()
        os.link(m.root / "file", m.queue / "pid/master.pid")

    def folder(m):
        (m.queue / "pid/master.pid").mkdir()

    def folder_in_the_way(m):
        (m.queue / "public/x").mkdir()

    def file_in_the_way(m):
        (m.queue / "public/x").write_text("")

    def no_public(m):
        (m.queue / "public").rmdir()

    def data_of_root(m):
        os.chown(m.root / "data", 0, 0)
        (m.root / "data").chmod(0o700)

    def port_taken(m):
        m.master_cf([f"127.0.0.1:{taken.getsockname()[1]} inet n - n - - recorder @JOURNAL@"])
        m.ports["T"] = taken.getsockname()[1]

    cases = [no_pid, no_main, no_master, linked, hard_linked, folder, folder_in_the_way,
             file_in_the_way, no_public, data_of_root, port_taken]
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        refused_all(run, cases, lambda m, case: case(m),
                    lambda case: case.__name__.replace("_", " "))
