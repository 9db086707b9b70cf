# SPDX-License-Identifier: MIT
"""The real master and the machine: as PID 1, with other people's children,
idle, with a log that takes nothing, without root, with many services.

OSTLER_IDLE_S says for how long nothing must happen (3; by hand 60), and
OSTLER_MUTATIONS how many spoilt files are tried (300).
"""

import os
import random
import re
import select
import signal
import socket
import time
from pathlib import Path

import pytest

from ostlerd import (
    ROOT,
    SANITIZED,
    Ostlerd,
    children_of,
    environment_of,
    free_port,
    rogue,
    run,
    service,
    wait_until,
)

IDLE_S = float(os.environ.get("OSTLER_IDLE_S", "3"))
MUTATIONS = int(os.environ.get("OSTLER_MUTATIONS", "300"))
NOBODY = 65534


def _can(*words):
    return ROOT and run([*words, "true"]).returncode == 0


needs_namespaces = pytest.mark.skipif(not _can("unshare", "-p", "-f", "-m", "--mount-proc"),
                                      reason="no new namespaces here")
needs_root = pytest.mark.skipif(not ROOT, reason="only root can be somebody else")


def at(port):
    return [f"127.0.0.1:{port}"]


def echo(name, listen, **settings):
    return service(name, listen, ["ostler-echo"], **settings)


def echoes(where, master):
    with master.client(where) as client:
        return client.ask("ping") == "ping"


def strangers_of(pid):
    """Its children that are no workers."""
    found = [environment_of(p) for p in children_of(pid)]
    return [e for e in found if "OSTLER_SERVICE" not in e]


def zombies_of(pid):
    return [p for p, state in children_of(pid).items() if state == "Z"]


# ------------------------------------------------------------- other people's children


# catalogue 41
@needs_namespaces
@pytest.mark.parametrize("option", ["--keep", "--no-keep"])
def test_as_pid_1_it_reaps_orphans(option):
    port = free_port()
    orphan_maker = ("for i in 1 2 3 4 5; do setsid sh -c 'sleep 0.0$1 & exec sleep 0.0$1' x $i"
                    " >/dev/null 2>&1 & done; echo made; exit 0")
    text = (service("maker", at(port), ["ostler-spawn", "/bin/sh", "-c", orphan_maker])
            + echo("one", ["unix:one"]))
    with Ostlerd(text, prefix=["unshare", "-p", "-f", "--mount-proc"], options=[option]) as master:
        assert (master.status()["master"]["pid"] == 1) == (option == "--no-keep")
        (init,) = children_of(master.process.pid)
        for _ in range(10):
            with master.client(port) as client:
                assert client.line() == "made"
            assert echoes("one", master)
        wait_until(lambda: not zombies_of(init), "every orphan is reaped")
        # The master is one, too, if it is not the first.
        wait_until(lambda: len(strangers_of(init)) == (option == "--keep"), "no orphan is left")
        # Its parent cannot pass signals on.
        assert master.ostler("stop").returncode == 0
        assert master.wait() == 0
        master.check_clean()


@needs_namespaces
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGQUIT])
def test_as_pid_1_it_heeds_signals(number):
    """The kernel keeps from PID 1 what it has no handler for."""
    with Ostlerd(echo("one", ["unix:one"]), prefix=["unshare", "-p", "-f", "--mount-proc"]) as master:
        (init,) = children_of(master.process.pid)
        os.kill(init, number)
        assert master.wait() == 0
        master.check_clean()


@needs_namespaces
def test_as_pid_1_it_reloads_on_sighup_and_the_rest_is_no_end():
    text = echo("one", ["unix:one"])
    with Ostlerd(text, prefix=["unshare", "-p", "-f", "--mount-proc"]) as master:
        (init,) = children_of(master.process.pid)
        for number in (signal.SIGUSR1, signal.SIGALRM, signal.SIGPIPE, signal.SIGHUP):
            os.kill(init, number)
        wait_until(lambda: master.status()["master"]["reloads"] == 1, "it has reloaded")
        assert echoes("one", master)
        assert master.ostler("stop").returncode == 0
        assert master.wait() == 0
        master.check_clean()


@needs_namespaces
def test_as_pid_1_its_exit_code_is_that_of_the_container():
    master = Ostlerd("nonsense", prefix=["unshare", "-p", "-f", "--mount-proc"]).launch()
    assert master.wait() == 78
    master._remove()


@needs_namespaces
def test_without_proc_it_says_so():
    hidden = ["unshare", "-p", "-f", "-m", "sh", "-c", 'mount -t tmpfs none /proc && exec "$@"', "sh"]
    master = Ostlerd(echo("one", ["unix:one"]), prefix=hidden).launch()
    assert master.wait() == 1
    assert master.wait_event("master-failed")["text"].startswith("/proc is not mounted")
    master._remove()


# catalogue 17
def test_children_that_it_was_born_with_are_reaped():
    port = free_port()
    with Ostlerd(echo("one", at(port)),
                 prefix=["sh", "-c", 'sleep 0.3 & sleep 0.01 & exec "$@"', "sh"]) as master:
        assert children_of(master.process.pid)
        assert echoes(port, master)
        (worker,) = master.workers()
        wait_until(lambda: set(children_of(master.process.pid)) == {worker},
                   "the strangers are reaped")
        assert echoes(port, master)
        assert master.workers() == [worker]


# ------------------------------------------------------------- idle


def wakeups(pid):
    text = Path(f"/proc/{pid}/status").read_text()
    return sum(int(n) for n in re.findall(r"ctxt_switches:\s*(\d+)", text))


def is_quiet(pids, seconds):
    """Nobody of them was woken in this time: the lack of events is the test."""
    before = [wakeups(p) for p in pids]
    select.select([], [], [], seconds)
    return before == [wakeups(p) for p in pids]


def test_an_idle_master_is_not_woken_up():
    ports = [free_port() for _ in range(3)]
    text = "".join(echo(f"tcp{i}", at(p), max_idle=0, max_use=0) for i, p in enumerate(ports))
    text += echo("unix", ["unix:one"], max_idle=0) + service("never", ["unix:never"], ["ostler-echo"])
    text += service("multi", ["unix:multi"], ["ostler-echo", "--multi"], max_idle=0)
    with Ostlerd(text) as master:
        for where in [*ports, "one", "multi"]:
            assert echoes(where, master)
        pids = [master.pid, *master.workers()]
        assert len(pids) == 6
        wait_until(lambda: is_quiet(pids, 1.2), "they have settled", 40)
        assert is_quiet(pids, IDLE_S)
        for where in [*ports, "one", "multi"]:
            assert echoes(where, master)


def test_a_master_with_a_busy_worker_is_not_woken_up():
    port = free_port()
    with Ostlerd(echo("one", at(port), max_idle=0)) as master:
        busy = master.client(port)
        assert busy.ask("here") == "here"
        wait_until(lambda: is_quiet([master.pid], 1.2), "it has settled", 40)
        assert is_quiet([master.pid], IDLE_S)
        assert busy.ask("still") == "still"
        busy.close()


# ------------------------------------------------------------- log


def noise(master, n):
    """N refused reloads: some lines of log each."""
    master.write("service bad {\n" + "    no_such_setting = 1\n" * 40 + "}\n")
    for _ in range(n):
        assert master.reload(good=False).returncode == 1


def dropped(master):
    return master.status()["master"]["log_dropped"]


def socket_pair():
    reader, writer = socket.socketpair()
    return reader.detach(), writer.detach()


# catalogue 52
@pytest.mark.parametrize("make", [os.pipe, socket_pair])
def test_a_stderr_that_nobody_reads_does_not_stop_the_master(make):
    port = free_port()
    reader, writer = make()
    try:
        with Ostlerd(echo("one", at(port)), stderr=writer) as master:
            noise(master, 120)
            assert dropped(master) > 0
            assert echoes(port, master)
            # When somebody reads at last, there are whole lines, and the loss.
            os.set_blocking(reader, False)
            text = b""

            def lost_is_told():
                nonlocal text
                try:
                    while part := os.read(reader, 65536):
                        text += part
                except BlockingIOError:
                    pass
                if b"log-lost" not in text:
                    master.send_signal(signal.SIGHUP)
                return b"log-lost" in text

            wait_until(lost_is_told, "log-lost is told")
            for line in text.decode().splitlines()[:-1]:
                assert re.match(r"\d{4}-\d\d-\d\dT[\d:.]+Z [a-z-]+( |$)", line), line
            assert echoes(port, master)
            os.close(reader)
            reader = None
            noise(master, 5)  # a broken pipe is no reason to go, either
            assert echoes(port, master)
    finally:
        os.close(writer)
        if reader is not None:
            os.close(reader)


# catalogue 52
def test_a_full_disk_does_not_stop_the_master():
    port = free_port()
    with open("/dev/full", "w", encoding="ascii") as full:
        with Ostlerd(echo("one", at(port)), stderr=full) as master:
            noise(master, 5)
            assert dropped(master) > 0
            assert echoes(port, master)


# catalogue 52
@needs_namespaces
def test_a_log_on_a_full_file_system_goes_on_when_there_is_room(tmp_path):
    port = free_port()
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = f'mount -t tmpfs -o size=16k none {disk} && exec "$@" 2>>{disk}/log'
    with Ostlerd(echo("one", at(port)), prefix=["unshare", "-m", "sh", "-c", mount, "sh"],
                 stderr=open(os.devnull, "w", encoding="ascii")) as master:
        log = Path(f"/proc/{master.pid}/root{disk}/log")
        noise(master, 10)
        wait_until(lambda: dropped(master) > 0, "lines are dropped")
        assert echoes(port, master)
        assert log.stat().st_size <= 16384
        os.truncate(log, 0)
        noise(master, 1)
        wait_until(lambda: "log-lost" in log.read_text(), "the loss is told")
        assert echoes(port, master)


FAKE_DEV = """
set -e
mkdir "$1/dev"
mount -t tmpfs none "$1/dev"
for node in null zero full random urandom; do
    touch "$1/dev/$node"
    mount --bind "/dev/$node" "$1/dev/$node"
done
ln -s /proc/self/fd "$1/dev/fd"
touch "$1/dev/log"
mount --bind "$1/syslog" "$1/dev/log"
mount --move "$1/dev" /dev 2>/dev/null || mount --rbind "$1/dev" /dev
shift
exec "$@"
"""


# catalogue 53
@needs_namespaces
def test_a_syslog_that_never_reads_does_not_stop_the_master(tmp_path):
    port = free_port()
    tmp_path.chmod(0o755)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as syslog:
        syslog.bind(str(tmp_path / "syslog"))
        os.chmod(tmp_path / "syslog", 0o666)
        head = 'log = "syslog"\n'
        prefix = ["unshare", "-m", "sh", "-c", FAKE_DEV, "sh", tmp_path]
        with open(os.devnull, "w", encoding="ascii") as null, \
                Ostlerd(echo("one", at(port)), head=head, prefix=prefix, stderr=null) as master:
            noise(master, 60)
            wait_until(lambda: dropped(master) > 0, "lines are dropped")
            assert echoes(port, master)
            syslog.setblocking(False)
            lines = []

            def told(what):
                before = len(lines)
                try:
                    while True:
                        lines.append(syslog.recv(65536))
                except BlockingIOError:
                    pass
                if len(lines) == before:  # what waited has come
                    master.reload(echo("one", at(port)))
                return any(what in line for line in lines)

            wait_until(lambda: told(b"log-lost"), "the loss is told")
            for line in lines:
                assert re.match(rb"<\d+>\w{3} [ \d]\d [\d:]{8} ostlerd\[\d+\]: [a-z-]+", line), line
            assert echoes(port, master)


# catalogue 54 55 56
def test_a_worker_may_flood_and_spoil_its_descriptor_2():
    one, two = free_port(), free_port()
    reader, writer = os.pipe()
    spoilers = rogue("bad", at(one), process_limit=4) + echo("good", at(two))
    try:
        with Ostlerd(spoilers, stderr=writer) as master:
            flooder, spoiler = master.client(one), master.client(one)
            assert spoiler.ask("nonblock 2 on") == "ok"
            assert spoiler.ask("nonblock 2 off") == "ok"
            flooder.send("write 2 10000000\n")
            # The pipe is full now, and whoever writes into it blocks.
            noise(master, 10)
            assert echoes(two, master)
            assert spoiler.ask("nonblock 2 on") == "ok"
            noise(master, 10)
            assert echoes(two, master)
            assert master.status()["master"]["state"] == "running"
            flooder.close()
            spoiler.close()
            for pid in master.workers("bad"):
                os.kill(pid, signal.SIGKILL)
    finally:
        os.close(reader)
        os.close(writer)


# ------------------------------------------------------------- without root


@needs_root
def test_without_root_it_serves_and_says_what_it_cannot():
    port = free_port()
    text = service("one", at(port) + ["unix:one"], ["ostler-echo"], user=None)
    who = ["setpriv", "--reuid", NOBODY, "--regid", NOBODY, "--clear-groups", "--"]
    master = Ostlerd(text, prefix=who)
    os.chown(master.directory, NOBODY, NOBODY)
    with master:
        assert len(master.events("rootless")) >= 2
        assert echoes(port, master) and echoes("one", master)
        for worker in master.workers():
            assert os.stat(f"/proc/{worker}").st_uid == NOBODY
        done = master.reload(service("one", at(port), ["ostler-echo"], user="daemon"), good=False)
        assert done.returncode == 1
        assert "only root can run workers as somebody else" in done.stderr
        assert re.search(rf"{master.config}:\d+: service 'one'", done.stderr), done.stderr
        assert echoes(port, master) and echoes("one", master)
        done = master.reload(service("one", at(port), ["ostler-echo"], user="nobody",
                                     group="daemon"), good=False)
        assert "only root can run workers in another group" in done.stderr
        # Its own name is no other user; the old workers are gone when none answers.
        before = set(master.workers())
        master.reload(service("one", at(port), ["ostler-echo"], user="nobody", group="nogroup"))
        wait_until(lambda: not before & set(master.workers()), "the old workers are gone")
        assert echoes(port, master)


@needs_root
def test_without_root_a_user_of_somebody_else_is_refused_at_the_start():
    text = service("one", ["unix:one"], ["ostler-echo"], user="daemon")
    who = ["setpriv", "--reuid", NOBODY, "--regid", NOBODY, "--clear-groups", "--"]
    master = Ostlerd(text, prefix=who)
    os.chown(master.directory, NOBODY, NOBODY)
    try:
        master.launch()
        assert master.wait() == 78
        assert "only root can run workers as somebody else" in master.log()
        assert not master.control.exists()
    finally:
        master._remove()


# ------------------------------------------------------------- spoilt files


def spoil(rng, text):
    """A byte or some lines of it are not what they were."""
    data = list(text)
    for _ in range(rng.randrange(1, 4)):
        i = rng.randrange(len(data))
        how = rng.randrange(6)
        if how == 0:
            del data[i:i + rng.randrange(1, 30)]
        elif how == 1:
            data[i] = rng.choice('{}"=,\\ \n\t0a-#\x00\xff')
        elif how == 2:
            data[i:i] = rng.choice(["{", "}", '"', "99999999999999999999", "-1", " include", "\n"])
        elif how == 3:
            data[i:i] = data[i:i + rng.randrange(1, 60)]
        elif how == 4:
            del data[i:]
        else:
            j = rng.randrange(len(data))
            data[i], data[j] = data[j], data[i]
        data = data or ["\n"]
    return "".join(data)


# catalogue 66
def test_spoilt_files_never_stop_what_serves():
    one, two = free_port(), free_port()
    good = (echo("one", at(one) + ["unix:one"], max_use=20, process_limit=5, umask="027")
            + echo("two", at(two), max_idle="30s", environment=["A=b", "C=d e"]))
    rng = random.Random(66)
    refused = accepted = 0
    with Ostlerd(good) as master:
        whole = master.config.read_text()
        head, body = whole.split("\n", 1)
        for n in range(MUTATIONS):
            spoilt = head + "\n" + spoil(rng, body)
            master.config.write_bytes(spoilt.encode("latin-1"))
            done = master.reload(good=False)
            assert done.returncode in (0, 1), (n, done)
            if done.returncode == 1:
                refused += 1
                # A complaint names the file; it is not only a refusal.
                assert str(master.config) in done.stderr, (n, done)
                assert echoes(one, master) and echoes(two, master), n
            else:
                accepted += 1
                master.config.write_text(whole)
                master.reload()
                assert echoes(one, master) and echoes(two, master), n
        print(f"{refused} refused, {accepted} accepted")
        assert refused > MUTATIONS / 3
        wait_until(lambda: len(master.status()["services"]) == 2, "nothing else is left")


# ------------------------------------------------------------- many


# catalogue 61
def test_a_thousand_services():
    def text(n):
        return "".join(echo(f"s{i}", [f"unix:s{i}"], process_limit=n) for i in range(1000))

    took = {}

    def timed(what, do):
        begin = time.monotonic()
        result = do()
        took[what] = time.monotonic() - begin
        return result

    master = Ostlerd(text(3))
    timed("start", master.start)
    try:
        assert len(timed("status", master.status)["services"]) == 1000
        timed("reload, same", master.reload)
        timed("reload, policy", lambda: master.reload(text(4)))
        for i in (0, 499, 999):
            assert timed("a client", lambda i=i: echoes(f"s{i}", master))
        timed("reload, all but one go", lambda: master.reload(echo("s7", ["unix:s7"], process_limit=4)))
        wait_until(lambda: len(master.status()["services"]) == 1, "the others are gone")
        assert echoes("s7", master)
        timed("reload, they are back", lambda: master.reload(text(4)))
        timed("stop", master.stop)
    finally:
        print(", ".join(f"{what} {1000 * s:.0f} ms" for what, s in took.items()))
        master._remove()
    assert max(took.values()) < (60 if SANITIZED else 20), took


# ------------------------------------------------------------- its own signals


def test_the_master_has_no_signal_handlers():
    """Catalogue 45: signals are read like anything else, not handled."""
    crashes = sum(1 << (number - 1) for number in (
        signal.SIGSEGV, signal.SIGBUS, signal.SIGFPE, signal.SIGILL, signal.SIGABRT, signal.SIGTRAP))
    with Ostlerd(echo("one", ["unix:one"])) as master:
        text = Path(f"/proc/{master.pid}/status").read_text()
        caught = int(re.search(r"^SigCgt:\s*(\w+)", text, re.M)[1], 16)
    assert caught & ~(crashes if SANITIZED else 0) == 0
