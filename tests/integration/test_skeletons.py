# SPDX-License-Identifier: MIT
"""Workers of every skeleton, and what they do that only Postfix's master asks."""

import array
import contextlib
import fcntl
import os
import signal
import socket
from pathlib import Path

import pytest

from fake_master import (
    DEADLINE_S,
    FakeMaster,
    connect,
    queued,
    read_exactly,
    tcp_listener,
    unix_listener,
    wait_until,
)

BUILD = Path(os.environ["OSTLER_BUILD"])
SKELETON = BUILD / "tests/integration/skeleton"
MASTERS = pytest.mark.parametrize("native", [True, False], ids=["ostler", "postfix"])
SERVE_CLIENTS = pytest.mark.parametrize("kind", ["single", "multi", "event"])


@pytest.fixture
def journal(tmp_path):
    return Journal(tmp_path / "journal")


class Journal:
    def __init__(self, path):
        self.path = path
        path.touch()

    def lines(self):
        return [ln.split(" ", 1)[1] for ln in self.path.read_text().splitlines()]

    def expect(self, line, times=1):
        wait_until(lambda: self.lines().count(line) >= times,
                   f"{times} times {line!r} in {self.lines()}")


def ask(client, line):
    client.sendall(line.encode() + b"\n")
    got = b""
    while not got.endswith(b"\n"):
        part = client.recv(4096)
        assert part, f"the connection ended after {got!r}"
        got += part
    return got.decode().rstrip("\n")


def who(client):
    return dict(word.split("=", 1) for word in ask(client, "who").split())


def fifo(path):
    os.mkfifo(path)
    return open(path, "r+b", buffering=0, opener=lambda p, f: os.open(p, f | os.O_NONBLOCK))


def datagram_socket(path):
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    listener.bind(path)
    listener.setblocking(False)
    return listener


def send_datagram(path, data):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as client:
        client.settimeout(DEADLINE_S)
        client.sendto(data, path)


# ---------------------------------------------------------------- event


@MASTERS
def test_event_tells_of_each_client_and_serves_several(native, journal):
    listener = tcp_listener()
    with FakeMaster([listener], native=native) as master:
        worker = master.start([SKELETON, "event", journal.path])
        worker.expect("AVAIL")
        clients = []
        for _ in range(3):
            clients.append(connect(listener))
            worker.expect("TAKEN", "AVAIL")
        for client in clients:
            assert ask(client, "hello") == "hello"
            client.close()
        worker.retire()
        assert worker.wait() == 0
        assert worker.words() == []
    assert journal.lines() == ["init", "leave"]


def test_event_finishes_its_clients_when_it_is_retired(journal):
    listener = tcp_listener()
    with FakeMaster([listener]) as master, connect(listener) as client:
        worker = master.start([SKELETON, "event", journal.path])
        worker.expect("AVAIL", "TAKEN", "AVAIL")
        worker.retire()
        assert ask(client, "still here") == "still here"
        assert worker.alive()
        client.close()
        assert worker.wait() == 0


@pytest.mark.parametrize("kind", ["multi", "event"])
def test_when_a_master_hung_up_a_child_finishes_the_clients(kind, journal):
    """Postfix's takes the worker for READY until it is gone."""
    listener = tcp_listener()
    with FakeMaster([listener], native=False) as master, connect(listener) as client:
        worker = master.start([SKELETON, kind, journal.path])
        assert who(client)["pid"] == str(worker.pid)
        worker.channel.close()
        assert worker.wait() == 0
        assert who(client)["pid"] != str(worker.pid)
        # Nobody comes to it any more, and it does not keep the address.
        with connect(listener) as other:
            assert ask(client, "hello") == "hello"
            assert queued(listener) == 1
            child = who(client)["pid"]
            assert os.readlink(f"/proc/{child}/fd/6") == os.readlink(f"/proc/{child}/fd/5")
            other.close()
        client.close()
        journal.expect("leave")


@pytest.mark.parametrize("kind", ["multi", "event"])
def test_a_master_that_still_listens_is_told_in_the_place_of_that(kind, journal):
    listener = tcp_listener()
    with FakeMaster([listener], native=False) as master, connect(listener) as client:
        worker = master.start([SKELETON, kind, journal.path])
        ask(client, "hello")
        worker.expect("AVAIL", *(["TAKEN", "AVAIL"] if kind == "event" else []))
        worker.retire()
        worker.expect("TAKEN")
        assert who(client)["pid"] == str(worker.pid)
        client.close()
        assert worker.wait() == 0
        assert worker.words() == []


# ---------------------------------------------------------------- trigger


@MASTERS
def test_trigger_takes_what_a_connection_says(native, journal, tmp_path):
    listener = unix_listener(str(tmp_path / "socket"))
    with FakeMaster([listener], native=native) as master:
        worker = master.start([SKELETON, "trigger", journal.path])
        worker.expect("AVAIL")
        with connect(listener) as client:
            worker.expect("TAKEN")
            client.sendall(b"W")
            assert client.recv(1) == b""
        worker.expect("AVAIL")
        journal.expect("message W")
        worker.retire()
        assert worker.wait() == 0


def test_trigger_waits_a_while_for_words(journal, tmp_path):
    listener = unix_listener(str(tmp_path / "socket"))
    with FakeMaster([listener]) as master, connect(listener) as client:
        worker = master.start([SKELETON, "trigger", journal.path])
        worker.expect("AVAIL", "TAKEN")
        wchan = Path(f"/proc/{worker.pid}/wchan")
        wait_until(lambda: "poll" in wchan.read_text(), "it waits")
        assert worker.is_silent()
        client.sendall(b"late")
        worker.expect("AVAIL")
        journal.expect("message late")


def test_trigger_is_not_held_by_one_who_says_nothing(journal, tmp_path):
    listener = unix_listener(str(tmp_path / "socket"))
    with FakeMaster([listener]) as master:
        worker = master.start([SKELETON, "trigger", journal.path])
        with connect(listener) as silent, connect(listener) as client:
            silent.shutdown(socket.SHUT_WR)
            client.sendall(b"X" * 5000)
            journal.expect("message " + "X" * 1024)
            assert silent.recv(1) == b""
        worker.retire()
        assert worker.wait() == 0


@MASTERS
def test_trigger_reads_a_fifo(native, journal, tmp_path):
    pipe = fifo(tmp_path / "fifo")
    with FakeMaster([pipe], transport="fifo", native=native) as master:
        worker = master.start([SKELETON, "trigger", journal.path])
        worker.expect("AVAIL")
        for word in b"one", b"two":
            pipe.write(word)
            worker.expect("TAKEN", "AVAIL")
        worker.retire()
        assert worker.wait() == 0
    assert journal.lines() == ["init", "message one", "message two", "leave"]


def test_what_a_callback_says_is_the_exit_status(journal, tmp_path):
    pipe = fifo(tmp_path / "fifo")
    with FakeMaster([pipe], transport="fifo") as master:
        worker = master.start([SKELETON, "trigger", journal.path])
        pipe.write(b"quit")
        assert worker.wait() == 3


# ---------------------------------------------------------------- dgram


@MASTERS
def test_dgram_takes_one_datagram_at_a_time(native, journal, tmp_path):
    path = str(tmp_path / "socket")
    with FakeMaster([datagram_socket(path)], "unix-dgram", native) as master:
        worker = master.start([SKELETON, "dgram", journal.path])
        worker.expect("AVAIL")
        for word in b"one", b"two", b"":
            send_datagram(path, word)
            worker.expect("TAKEN", "AVAIL")
        worker.retire()
        assert worker.wait() == 0
    assert journal.lines() == ["init", "message one", "message two", "message ", "leave"]


def test_datagrams_of_many_reach_somebody_once(journal, tmp_path):
    path = str(tmp_path / "socket")
    with FakeMaster([datagram_socket(path)], "unix-dgram") as master:
        for _ in range(3):
            master.start([SKELETON, "dgram", journal.path])
        for i in range(300):
            send_datagram(path, b"%d" % i)
            for worker in master.workers:
                worker.words()
        journal.expect("message 299")
        wait_until(lambda: len(journal.lines()) == 303, "all of them")
        assert len(set(journal.lines())) == 301


def test_a_datagram_socket_that_is_shut_down_ends_the_worker(journal, tmp_path):
    listener = datagram_socket(str(tmp_path / "socket"))
    with FakeMaster([listener], "unix-dgram") as master:
        worker = master.start([SKELETON, "dgram", journal.path])
        worker.expect("AVAIL")
        listener.shutdown(socket.SHUT_RDWR)
        assert worker.wait() == 0


# ---------------------------------------------------------------- who serves what


@pytest.mark.parametrize("kind, words", [
    ("trigger", "unix, fifo or pass"), ("dgram", "unix-dgram"), ])
def test_a_transport_of_another_kind_is_refused_in_words(kind, words, journal):
    with FakeMaster([tcp_listener()]) as master:
        worker = master.start([SKELETON, kind, journal.path])
        assert worker.wait() == 1
        assert words in worker.log()


@pytest.mark.parametrize("kind, status", [("trigger", 0), ("dgram", 1)])
def test_one_shot_reads_standard_input(kind, status, journal):
    ours, theirs = socket.socketpair()
    pid = os.fork()
    if pid == 0:
        os.dup2(theirs.fileno(), 0)
        os.execve(SKELETON, [SKELETON, "-S", kind, journal.path], {"MAIL_CONFIG": "/nonexistent"})
    theirs.close()
    with ours:
        with contextlib.suppress(BrokenPipeError):  # refused before it could be read
            ours.sendall(b"by hand")
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == status
    assert ("message by hand" in journal.lines()) == (status == 0)


# ---------------------------------------------------------------- pass

ATTRIBUTES = b"client_port\0" b"25\0" b"client_address\0" b"192.0.2.1\0" b"empty\0" b"\0"


def hand_over(listener, fd, attributes=ATTRIBUTES):
    """As postscreen does; returns the connection, whose end is the receipt."""
    connection = connect(listener)
    rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [fd]))]
    connection.sendmsg([b"\0"], rights)
    connection.sendall(attributes + b"\0")
    return connection


@MASTERS
@SERVE_CLIENTS
def test_a_client_is_handed_over_with_its_attributes(kind, native, journal, tmp_path):
    listener = unix_listener(str(tmp_path / "socket"))
    with FakeMaster([listener], "pass", native) as master:
        worker = master.start([SKELETON, kind, journal.path])
        for attributes, address in (ATTRIBUTES, "192.0.2.1"), (b"", "none"):
            client, theirs = socket.socketpair()
            theirs.setblocking(False)
            client.settimeout(DEADLINE_S)
            with client, theirs, hand_over(listener, theirs.fileno(), attributes) as connection:
                assert connection.recv(1) == b""
                assert who(client)["client_address"] == address
                assert os.get_blocking(theirs.fileno()) == (kind == "single")
        worker.retire()
        assert worker.wait() == 0


@SERVE_CLIENTS
def test_who_hands_over_nothing_does_no_harm(kind, journal, tmp_path):
    listener = unix_listener(str(tmp_path / "socket"))
    with FakeMaster([listener], "pass") as master:
        worker = master.start([SKELETON, kind, journal.path])
        connect(listener).close()
        with connect(listener) as bare:
            bare.sendall(b"\0")
            assert bare.recv(1) == b""
        client, theirs = socket.socketpair()
        client.settimeout(DEADLINE_S)
        with hand_over(listener, theirs.fileno(), b"x" * 8000) as connection:
            try:
                assert connection.recv(1) == b""
            except ConnectionResetError:
                pass
        with hand_over(listener, theirs.fileno(), b"half\0") as connection:
            connection.shutdown(socket.SHUT_WR)  # not whole: a name alone
            assert connection.recv(1) == b""
        with hand_over(listener, theirs.fileno()) as connection:
            theirs.close()
            assert who(client)["client_address"] == "192.0.2.1"
        client.close()
        worker.retire()
        assert worker.wait() == 0


@MASTERS
def test_trigger_takes_a_pipe_that_is_handed_over(native, journal, tmp_path):
    """As Postfix's master wakes a service of type pass: without attributes."""
    listener = unix_listener(str(tmp_path / "socket"))
    with FakeMaster([listener], "pass", native) as master:
        worker = master.start([SKELETON, "trigger", journal.path])
        out, into = os.pipe()
        with connect(listener) as connection:
            connection.sendmsg([b"\0"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS,
                                          array.array("i", [out]))])
            os.write(into, b"W")
            os.close(out)
            os.close(into)
            assert connection.recv(1) == b""
        journal.expect("message W")
        worker.retire()
        assert worker.wait() == 0


# ---------------------------------------------------------------- the accept lock


def lock_file(master, transport="inet"):
    return Path(master.queue.name) / f"pid/{transport}.test"


def is_locked(path):
    with open(path, "r+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        return False


def waits_for_lock(worker):
    wchan = Path(f"/proc/{worker.pid}/wchan")
    wait_until(lambda: "flock" in wchan.read_text() or "lock" in wchan.read_text(),
               f"it waits for its turn: {wchan.read_text()}")


def test_an_idle_worker_holds_the_lock_and_a_busy_one_does_not(journal):
    listener = tcp_listener()
    with FakeMaster([listener], native=False) as master:
        worker = master.start([SKELETON, "single", journal.path])
        worker.expect("AVAIL")
        wait_until(lambda: is_locked(lock_file(master)), "it takes its turn")
        assert lock_file(master).stat().st_mode & 0o777 == 0o600
        with connect(listener) as client:
            ask(client, "hello")
            assert not is_locked(lock_file(master))
        worker.expect("TAKEN", "AVAIL")
        wait_until(lambda: is_locked(lock_file(master)), "it takes its turn again")
        worker.retire()
        assert worker.wait() == 0
        assert not is_locked(lock_file(master))


def test_workers_take_turns_and_pass_them_on_when_they_leave(journal):
    listener = tcp_listener()
    with FakeMaster([listener], native=False) as master:
        workers = [master.start([SKELETON, "single", journal.path])]
        wait_until(lambda: lock_file(master).exists() and is_locked(lock_file(master)), "a turn")
        for _ in range(3):
            workers.append(master.start([SKELETON, "single", journal.path]))
            waits_for_lock(workers[-1])
        with connect(listener) as one, connect(listener) as two:
            first, second = who(one)["pid"], who(two)["pid"]
            assert first == str(workers[0].pid) and second != first
        # As at a reload: all are asked, one hears, each passes it on.
        for worker in workers:
            worker.retire()
        for worker in workers:
            assert worker.wait() == 0


def test_a_worker_killed_in_its_turn_does_not_keep_it(journal):
    listener = tcp_listener()
    with FakeMaster([listener], native=False) as master:
        holder = master.start([SKELETON, "single", journal.path])
        wait_until(lambda: lock_file(master).exists() and is_locked(lock_file(master)), "a turn")
        master.start([SKELETON, "single", journal.path])
        waits_for_lock(master.workers[1])
        holder.signal(signal.SIGKILL)
        with connect(listener) as client:
            assert who(client)["pid"] == str(master.workers[1].pid)


def test_somebody_else_who_holds_the_lock_is_waited_for(journal):
    """A worker of another library, as Postfix's own."""
    listener = tcp_listener()
    with FakeMaster([listener], native=False) as master:
        lock_file(master).touch(0o600)
        with open(lock_file(master), "r+") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            worker = master.start([SKELETON, "single", journal.path])
            worker.expect("AVAIL")
            waits_for_lock(worker)
            with connect(listener) as client:
                client.sendall(b"hello\n")
                assert worker.is_silent()
                fcntl.flock(file, fcntl.LOCK_UN)
                assert read_exactly(client, 6) == b"hello\n"


@pytest.mark.parametrize("kind, options, native", [
    ("single", ["-l"], False), ("multi", [], False), ("event", [], False),
    ("single", [], True)])
def test_who_needs_no_lock_has_none(kind, options, native, journal):
    listener = tcp_listener()
    with FakeMaster([listener], native=native) as master:
        worker = master.start([SKELETON, kind, journal.path], options=options)
        worker.expect("AVAIL")
        with connect(listener) as client:
            ask(client, "hello")
        assert not lock_file(master).exists()


def test_a_lock_that_cannot_be_had_is_a_failed_start_in_words(journal):
    with FakeMaster([tcp_listener()], native=False) as master:
        os.rmdir(Path(master.queue.name) / "pid")
        worker = master.start([SKELETON, "single", journal.path])
        assert worker.wait() == 1
        assert "accept lock pid/inet.test: No such file" in worker.log()


# ---------------------------------------------------------------- main.cf


def test_limits_of_main_cf_are_kept(journal):
    listener = tcp_listener()
    with FakeMaster([listener], native=False) as master:
        master.main_cf("max_use = 2\nmax_idle = ${days}d\ndays = 1\n")
        worker = master.start([SKELETON, "single", journal.path])
        for _ in range(2):
            with connect(listener) as client:
                ask(client, "hello")
        assert worker.wait() == 0
        master.main_cf("max_idle = 1s\n")
        assert master.start([SKELETON, "multi", journal.path]).wait() == 0


def test_the_queue_directory_is_where_a_worker_lives(journal):
    listener = tcp_listener()
    with FakeMaster([listener], native=False) as master:
        worker = master.start([SKELETON, "single", journal.path])
        with connect(listener) as client:
            assert who(client)["cwd"] == os.path.realpath(master.queue.name)
        worker.retire()
        refused = master.start([SKELETON, "single", journal.path],
                               options=["-o", "queue_directory=/nonexistent"])
        assert refused.wait() == 1
        assert "queue_directory /nonexistent: No such file" in refused.log()


def test_a_main_cf_that_only_postfix_understands_is_a_failed_start_in_words(journal):
    with FakeMaster([tcp_listener()], native=False) as master:
        master.main_cf("max_use = ${x?{1}:{2}}\n")
        worker = master.start([SKELETON, "single", journal.path])
        assert worker.wait() == 1
        assert "main.cf: max_use is an expression" in worker.log()


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to give it up")
def test_mail_owner_of_main_cf_and_its_jail(journal):
    listener = tcp_listener()
    with FakeMaster([listener], native=False) as master:
        master.main_cf("mail_owner = nobody\n")
        worker = master.start([SKELETON, "single", journal.path], options=["-u", "-c"])
        worker.expect("AVAIL")
        with connect(listener) as client:
            found = who(client)
        assert (found["uid"], found["euid"], found["cwd"]) == ("65534", "65534", "/")
        # Opened as root, and held by one who could not have.
        wait_until(lambda: is_locked(lock_file(master)), "it takes its turn")
        assert lock_file(master).stat().st_uid == 0


# ---------------------------------------------------------------- flow tokens


def test_flow_tokens_are_shared_by_all_workers(journal):
    listener = tcp_listener()
    with FakeMaster([listener]) as master:
        master.start([SKELETON, "single", journal.path])
        master.start([SKELETON, "single", journal.path])
        with connect(listener) as one, connect(listener) as two:
            assert ask(one, "count") == "0"
            assert ask(one, "get 1") == "0"
            assert ask(one, "put 1000") == "1000"
            assert ask(two, "count") == "1000"
            assert ask(two, "get 700") == "700"
            assert ask(one, "get 700") == "300"
            assert ask(two, "put 100000") == "65536"


def test_without_a_pipe_flow_says_so(journal):
    listener = tcp_listener()
    with FakeMaster([listener]) as master:
        for fd in master.flow:
            os.close(fd)
        master.flow = (os.open("/dev/null", os.O_RDONLY), os.open("/dev/full", os.O_WRONLY))
        master.start([SKELETON, "single", journal.path])
        with connect(listener) as client:
            assert int(ask(client, "count")) < 0
            assert ask(client, "get 3") == "0"
            assert int(ask(client, "put 3")) < 0
