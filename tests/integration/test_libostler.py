# SPDX-License-Identifier: MIT
"""Workers on libostler beside each other: no client is left standing.

What one worker does alone is tests/unit/test_worker.c's business.
"""

import os
import random
import resource
import select
import signal
import socket
import struct
import time
from pathlib import Path

import pytest

from fake_master import (
    DEADLINE_S,
    FakeMaster,
    connect,
    read_exactly,
    tcp_listener,
    unix_listener,
    wait_until,
)

BUILD = Path(os.environ["OSTLER_BUILD"])
ECHO = BUILD / "src/programs/echo/ostler-echo"
SKELETONS = pytest.mark.parametrize("command", [[ECHO], [ECHO, "--multi=1"]])


def ask(client, text=b"hello\n"):
    client.sendall(text)
    assert read_exactly(client, len(text)) == text


def state(worker):
    stat = Path(f"/proc/{worker.pid}/stat").read_text()
    return stat.rsplit(")", 1)[1].split()[0]


def stopped(worker):
    worker.signal(signal.SIGSTOP)
    wait_until(lambda: state(worker) == "T", "the worker stops")


def asleep(worker):
    """In epoll_wait: only then does the kernel hand it a wake-up."""
    wchan = Path(f"/proc/{worker.pid}/wchan")
    wait_until(lambda: "poll" in wchan.read_text(), "the worker sleeps")


@pytest.fixture(params=["tcp", "tcp6", "unix"])
def listener(request, tmp_path):
    if request.param == "unix":
        return unix_listener(str(tmp_path / "socket"))
    return tcp_listener("::1" if request.param == "tcp6" else "127.0.0.1")


@SKELETONS
@pytest.mark.parametrize("native", [True, False], ids=["ostler", "postfix"])
def test_a_worker_serves_on_any_listener_under_either_master(command, native, listener):
    with FakeMaster([listener], native=native) as master:
        worker = master.start(command)
        worker.expect("AVAIL")
        with connect(listener) as client:
            ask(client)
            worker.expect("TAKEN")
        worker.expect("AVAIL")
        worker.retire()
        assert worker.wait() == 0
        assert worker.log() == ""


@SKELETONS
def test_every_listener_is_served(command):
    listeners = [tcp_listener() for _ in range(5)]
    with FakeMaster(listeners) as master:
        worker = master.start(command)
        for listener in listeners:
            with connect(listener) as client:
                ask(client)
        # No listener starves the others: all of them have clients queued.
        crowd = [connect(lst) for lst in listeners for _ in range(3)]
        for client in crowd:
            client.sendall(b"x")
            client.shutdown(socket.SHUT_WR)
        for client in crowd:
            assert read_exactly(client, 1) == b"x"
        worker.retire()
        assert worker.wait() == 0


@SKELETONS
def test_clients_of_two_listeners_go_to_two_workers(command):
    """A worker that is woken by one listener, and takes a client of another
    whose worker is awake but not yet here, leaves its own behind."""
    one, two = tcp_listener(), tcp_listener()
    with FakeMaster([one, two]) as master:
        workers = [master.start(command) for _ in range(2)]
        for _ in range(300):
            with connect(two) as b, connect(one) as a:
                ask(a)
                ask(b)
            for worker in workers:
                worker.words()


def test_a_worker_that_leaves_at_max_use_strands_nobody():
    """The second client has woken the sibling; the first worker just goes."""
    listener = tcp_listener()
    with FakeMaster([listener]) as master:
        first = master.start([ECHO], env={"OSTLER_MAX_USE": "1"})
        first.expect("AVAIL")
        second = master.start([ECHO])
        second.expect("AVAIL")
        asleep(first)
        asleep(second)
        with connect(listener) as a:
            ask(a)
            first.expect("TAKEN")
            stopped(first)
            with connect(listener) as b:
                a.close()
                first.signal(signal.SIGCONT)
                ask(b)
                second.expect("TAKEN")
        assert first.wait() == 0


def answer_all(clients, nobody_is_left):
    """Wait for all answers; who is answered hangs up."""
    poll = select.epoll()
    waiting = {client.fileno(): client for client in clients}
    for fd in waiting:
        poll.register(fd, select.EPOLLIN)
    end = time.monotonic() + DEADLINE_S
    while waiting:
        for fd, _ in poll.poll(0.02):
            client = waiting.pop(fd)
            assert client.recv(1) == b"x"
            client.close()
        nobody_is_left()
        assert time.monotonic() < end, f"{len(waiting)} clients wait for ever"
    poll.close()


@SKELETONS
@pytest.mark.parametrize("seed", range(3))
def test_workers_that_come_and_go_leave_no_client_behind(command, seed):
    """max_use and retirement in the middle of bursts. While one worker is
    left, none is started: a client that was left behind stays there."""
    rng = random.Random(seed)
    listener = tcp_listener(backlog=512)
    env = {"OSTLER_MAX_USE": "3"}
    with FakeMaster([listener]) as master:

        def fill(n):
            for worker in [w for w in master.workers if not w.alive()]:
                assert worker.wait() == 0, worker.log()
                worker.finish()
                master.workers.remove(worker)
            while len(master.workers) < n:
                master.start(command, env=env)

        for _ in range(80):
            fill(4)
            burst = [connect(listener) for _ in range(rng.randint(1, 8))]
            if rng.random() < 0.5:
                rng.choice(master.workers).retire_once()
            for client in burst:
                client.sendall(b"x")
            answer_all(burst, lambda: fill(1))
            for worker in master.workers:
                worker.words()


@SKELETONS
def test_without_descriptors_a_worker_does_not_spin(command):
    """Catalogue 47: it pauses 100 ms at a time, and says TAKEN."""
    listener = tcp_listener()
    with FakeMaster([listener]) as master, connect(listener) as client:
        worker = master.start(command, nofile=8)
        worker.expect("AVAIL", "TAKEN")
        status = Path(f"/proc/{worker.pid}/status")
        stat = Path(f"/proc/{worker.pid}/stat")

        def naps():
            return int(status.read_text().split("\nvoluntary_ctxt_switches:")[1].split()[0])

        def cpu_s():
            fields = stat.read_text().rsplit(")", 1)[1].split()
            return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

        first, cpu, begin = naps(), cpu_s(), time.monotonic()
        wait_until(lambda: naps() >= first + 5, "five pauses")
        elapsed = time.monotonic() - begin
        assert elapsed > 0.3, f"five pauses took {elapsed} s"
        assert cpu_s() - cpu < 0.2 * elapsed
        assert worker.is_silent()
        _, hard = resource.prlimit(worker.pid, resource.RLIMIT_NOFILE)
        resource.prlimit(worker.pid, resource.RLIMIT_NOFILE, (64, hard))
        ask(client)


def test_a_blocking_listener_does_not_hold_a_worker():
    """Not ours to change: it may be blocking, and stays so."""
    listener = tcp_listener()
    listener.setblocking(True)
    with FakeMaster([listener]) as master:
        workers = [master.start([ECHO]) for _ in range(2)]
        for worker in workers:
            worker.expect("AVAIL")
        with connect(listener) as client:
            ask(client)
        for worker in workers:
            worker.retire()
            assert worker.wait() == 0
        assert os.get_blocking(listener.fileno())


def test_the_flags_of_a_listener_are_not_touched():
    listener = tcp_listener()
    with FakeMaster([listener]) as master:
        worker = master.start([ECHO])
        worker.expect("AVAIL")
        assert not os.get_blocking(listener.fileno())


def test_a_listener_that_is_shut_down_ends_the_worker():
    listener = tcp_listener()
    with FakeMaster([listener]) as master:
        worker = master.start([ECHO])
        worker.expect("AVAIL")
        listener.shutdown(socket.SHUT_RDWR)
        assert worker.wait() == 0


def test_an_orphan_finishes_its_client_and_leaves():
    """Catalogue 34: the master was killed, nobody hears anything."""
    listener = tcp_listener()
    with FakeMaster([listener]) as master:
        busy, idle = master.start([ECHO]), None
        busy.expect("AVAIL")
        with connect(listener) as client:
            ask(client)
            idle = master.start([ECHO])
            idle.expect("AVAIL")
            for worker in busy, idle:
                worker.channel.close()
            assert idle.wait() == 0
            ask(client)
        assert busy.wait() == 0


def test_clients_may_be_slow_readers_of_a_multi_worker():
    """Its descriptors never block, so one who does not read stops nobody."""
    listener = tcp_listener()
    with FakeMaster([listener]) as master:
        master.start([ECHO, "--multi"])
        lazy = connect(listener)
        lazy.setblocking(False)
        sent = 0
        while select.select([], [lazy], [], 0.2)[1]:
            sent += lazy.send(b"y" * 65536)
        with connect(listener) as other:
            ask(other)
        lazy.setblocking(True)
        lazy.settimeout(DEADLINE_S)
        lazy.shutdown(socket.SHUT_WR)
        assert len(read_exactly(lazy, sent)) == sent


@pytest.mark.parametrize("seed", range(2))
def test_many_clients_of_one_multi_worker(seed):
    rng = random.Random(seed)
    listener = tcp_listener(backlog=512)
    with FakeMaster([listener]) as master:
        worker = master.start([ECHO, "--multi=20"])
        clients = []
        for _ in range(1500):
            if clients and (len(clients) > 30 or rng.random() < 0.5):
                client = clients.pop(rng.randrange(min(len(clients), 20)))
                client.settimeout(DEADLINE_S)
                if rng.random() < 0.1:  # away without a word
                    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                                      struct.pack("ii", 1, 0))
                client.close()
            else:
                clients.append(connect(listener))
            worker.words()
        for client in clients[:20]:
            ask(client)
        for client in clients:
            client.close()
        worker.retire()
        assert worker.wait() == 0


def test_a_retired_multi_worker_sleeps_until_its_last_client_speaks():
    """Descriptor 5 stays at its end: to go on watching it would be to spin."""
    listener = tcp_listener()
    with FakeMaster([listener]) as master, connect(listener) as client:
        worker = master.start([ECHO, "--multi"])
        ask(client)
        worker.retire()
        for _ in range(3):
            ask(client)
        wait_until(lambda: all(state(worker) == "S" for _ in range(50)), "it sleeps")
        client.close()
        assert worker.wait() == 0


# ---------------------------------------------------------------- the start


def test_a_program_started_by_hand_says_who_should_start_it():
    with FakeMaster([]) as master:
        worker = master.start([ECHO], env={"OSTLER_SERVICE": None})
        assert worker.wait() == 1
        assert "ostlerd(8)" in worker.log()


def test_a_missing_listener_is_named():
    with FakeMaster([tcp_listener()]) as master:
        worker = master.start([ECHO], env={"OSTLER_SOCKETS": "2"})
        assert worker.wait() == 1
        assert "descriptor 7 is not open" in worker.log()


def pipe(path):
    os.mkfifo(path)
    return open(path, "r+b", buffering=0, opener=lambda p, f: os.open(p, f | os.O_NONBLOCK))


def datagram_socket(path):
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    listener.bind(path)
    listener.setblocking(False)
    return listener


@pytest.mark.parametrize("transport, open_it", [("fifo", pipe), ("unix-dgram", datagram_socket)])
def test_a_transport_without_connections_is_refused_in_words(transport, open_it, tmp_path):
    with FakeMaster([open_it(str(tmp_path / "x"))], transport=transport) as master:
        worker = master.start([ECHO])
        assert worker.wait() == 1
        assert "inet, unix or pass" in worker.log()


@pytest.mark.parametrize("transport, what", [
    ("fifo", "not a fifo"), ("unix-dgram", "not a datagram socket")])
def test_a_listener_of_another_transport_is_named(transport, what):
    with FakeMaster([tcp_listener()], transport=transport) as master:
        worker = master.start([ECHO])
        assert worker.wait() == 1
        assert f"descriptor 6 is {what}" in worker.log()


def test_options_of_postfix_are_all_taken():
    listener = tcp_listener()
    with FakeMaster([listener], native=False) as master:
        worker = master.start(
            [ECHO, "--multi"],
            options=["-d", "-v", "-o", "stress=", "-z", "-i", "5", "-m7", "-V"])
        worker.expect("AVAIL")
        with connect(listener) as client:
            ask(client)


def test_postfixs_max_use_is_kept():
    listener = tcp_listener()
    with FakeMaster([listener], native=False) as master:
        worker = master.start([ECHO], options=["-m", "2"])
        for _ in range(2):
            with connect(listener) as client:
                ask(client)
        assert worker.wait() == 0


def test_one_shot_serves_standard_input_and_needs_no_master():
    """-S: stand-alone mode."""
    ours, theirs = socket.socketpair()
    pid = os.fork()
    if pid == 0:
        os.dup2(theirs.fileno(), 0)
        os.closerange(3, 100)
        os.execve(ECHO, [str(ECHO), "-S"], {})
    theirs.close()
    ours.settimeout(DEADLINE_S)
    ask(ours)
    ours.close()
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to give it up")
def test_option_u_gives_up_root_for_good():
    listener = tcp_listener()
    with FakeMaster([listener], native=False) as master:
        groups = os.getgroups()
        os.setgroups([0, 4, 5])  # of the master, and not to be inherited
        try:
            worker = master.start([ECHO], options=["-u", "-o", "mail_owner=nobody"])
        finally:
            os.setgroups(groups)
        worker.expect("AVAIL")
        status = Path(f"/proc/{worker.pid}/status").read_text()
        fields = dict(ln.split(":\t", 1) for ln in status.splitlines() if ":\t" in ln)
        assert set(fields["Uid"].split()) == {"65534"}
        assert set(fields["Gid"].split()) == {"65534"}
        assert set(fields["Groups"].split()) <= {"65534"}
        refused = master.start([ECHO], options=["-u", "-o", "mail_owner=nosuchuser"])
        assert refused.wait() == 1
        assert "mail_owner" in refused.log()
