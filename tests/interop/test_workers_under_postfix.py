# SPDX-License-Identifier: MIT
"""Our workers of every kind, started by Debian's own master of Postfix."""

import collections
import fcntl
import pwd
import socket
import subprocess
import threading

import pytest

from postfix import DEADLINE_S, SKELETON, Client, Postfix, free_port, has_ipv6, wait_until, why_not

pytestmark = pytest.mark.skipif(bool(why_not()), reason=why_not() or "there is a Postfix")

CONNECTIONS = pytest.mark.parametrize("kind", ["single", "multi", "event"])


def service(name, kind, transport="unix", private="n", unprivileged="-", chroot="n",
            wakeup="-", limit="-", options=""):
    return (f"{name} {transport} {private} {unprivileged} {chroot} {wakeup} {limit} "
            f"skeleton {options} {kind} @JOURNAL@")


# ---------------------------------------------------------------- options


@CONNECTIONS
def test_clients_are_served_by_one_who_is_not_root(kind):
    port = free_port()
    where = f"127.0.0.1:{port}"
    with Postfix([service(where, kind, "inet"), service("local", kind)]) as postfix:
        for place, name, transport in (port, where, "inet"), ("public/local", "local", "unix"):
            with postfix.client(place) as client:
                found = client.who()
            owner = pwd.getpwnam("postfix")
            assert (found["uid"], found["gid"]) == (str(owner.pw_uid), str(owner.pw_gid))
            assert found["cwd"] == str(postfix.queue)
            assert (found["service"], found["transport"]) == (name, transport)
            assert (found["limit"], found["verbose"]) == ("0", "0")


def test_without_u_a_worker_stays_root_and_with_c_it_is_in_jail():
    services = [service("root", "single", unprivileged="n"), service("jail", "single", chroot="y")]
    with Postfix(services) as postfix:
        with postfix.client("public/root") as client:
            assert client.who()["uid"] == "0"
        with postfix.client("public/jail") as client:
            found = client.who()
        assert (found["uid"], found["cwd"]) == (str(pwd.getpwnam("postfix").pw_uid), "/")


def test_options_of_a_line_in_master_cf_are_understood():
    services = [
        service("alone", "single", limit="1"),
        service("any", "multi", limit="0"),
        service("said", "single", options="-v -v -o stress=high"),
        service("braced", "single", options="{ -o stress = very high }"),
        service("skeleton", "single"),  # named as the program: no -n
    ]
    with Postfix(services) as postfix:
        wanted = {"alone": ("limit", "1"), "any": ("limit", "0"), "said": ("stress", "high"),
                  "braced": ("stress", "very"), "skeleton": ("service", "skeleton")}
        for name, (key, value) in wanted.items():
            with postfix.client("public/" + name) as client:
                found = client.ask("who")
            assert f" {key}={value} " in found, f"{name}: {found}"
        with postfix.client("public/said") as client:
            assert client.who()["verbose"] == "2"


@pytest.mark.skipif(not has_ipv6(), reason="no IPv6 here")
@CONNECTIONS
def test_all_listeners_of_a_service_are_served(kind):
    port = free_port()
    with Postfix([service(str(port), kind, "inet")]) as postfix:
        for host in "127.0.0.1", "::1":
            with Client(socket.create_connection((host, port), DEADLINE_S)) as client:
                assert client.who()["listeners"] == "2"


def test_one_shot_serves_standard_input():
    ours, theirs = socket.socketpair()
    with Postfix([]) as postfix, Client(ours) as client:
        worker = subprocess.Popen(
            [SKELETON, "-S", "-u", "single", postfix.journal], stdin=theirs,
            cwd="/", env={"MAIL_CONFIG": str(postfix.config)})
        theirs.close()
        found = client.who()
        assert found["uid"] == str(pwd.getpwnam("postfix").pw_uid)
        assert found["cwd"] == str(postfix.queue)
        ours.close()
        assert worker.wait(DEADLINE_S) == 0


# ---------------------------------------------------------------- limits


@CONNECTIONS
@pytest.mark.parametrize("options", ["-m 2", "-o max_use=2"])
def test_a_worker_leaves_after_max_use_clients(kind, options):
    with Postfix([service("x", kind, options=options)]) as postfix:
        served = collections.Counter()
        # Postfix's master may start one more than is needed: it takes part.
        while list(served.values()).count(2) < 2:
            with postfix.client("public/x") as client:
                served[client.who()["pid"]] += 1
            assert max(served.values()) <= 2
            assert sum(served.values()) < 50
        postfix.expect("leave", times=2)


def test_max_use_of_main_cf_counts():
    with Postfix([service("x", "single")], "max_use = ${once}\nonce = 1\n") as postfix:
        for _ in range(3):
            with postfix.client("public/x") as client:
                client.who()
        postfix.expect("leave", times=3)


@CONNECTIONS
@pytest.mark.parametrize("options", ["-i 1", "-o max_idle=1s"])
def test_a_worker_leaves_when_nobody_comes(kind, options):
    with Postfix([service("x", kind, options=options)]) as postfix:
        with postfix.client("public/x") as client:
            pid = int(client.who()["pid"])
        postfix.expect("leave")
        postfix.expect_gone(pid)
        with postfix.client("public/x") as client:
            assert int(client.who()["pid"]) != pid


def test_each_client_of_single_workers_has_its_own_up_to_the_limit():
    with Postfix([service("x", "single", limit="5")]) as postfix:
        clients = [postfix.client("public/x") for _ in range(5)]
        assert len({client.who()["pid"] for client in clients}) == 5
        with postfix.client("public/x") as sixth:
            sixth.socket.sendall(b"hello\n")
            clients[0].socket.close()
            assert sixth.socket.recv(6) == b"hello\n"
        for client in clients:
            client.socket.close()
        # They take turns, on the lock that Postfix's own would use.
        assert (postfix.queue / "pid/unix.x").exists()
        for _ in range(200):
            with postfix.client("public/x") as client:
                assert client.ask("hello") == "hello"
        assert len(postfix.pids()) == 5


def is_locked(path):
    with open(path, "r+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        return False


def test_turns_are_taken_on_the_file_that_postfixs_own_workers_use():
    services = [service("ours", "single"), "theirs unix n - n - - discard"]
    with Postfix(services) as postfix:
        for name in "ours", "theirs":
            lock = postfix.queue / f"pid/unix.{name}"
            with postfix.client("public/" + name):
                wait_until(lock.exists, f"{name}: a lock")
            wait_until(lambda: is_locked(lock), f"{name}: who is idle holds it")
            assert lock.stat().st_mode & 0o777 == 0o600
            assert lock.stat().st_uid == 0


def test_a_multi_worker_serves_all_by_itself():
    with Postfix([service("x", "multi")]) as postfix:
        clients = [postfix.client("public/x") for _ in range(10)]
        assert len({client.who()["pid"] for client in clients}) == 1
        for client in clients:
            client.socket.close()


# ---------------------------------------------------------------- requests


@pytest.mark.parametrize("transport", ["unix", "fifo", "pass"])
def test_the_master_wakes_a_trigger_service(transport):
    with Postfix([service("x", "trigger", transport, wakeup="1", limit="1")]) as postfix:
        postfix.expect("message W", times=2)
        assert len(postfix.pids()) == 1


def test_a_dgram_worker_gets_each_datagram():
    with Postfix([service("x", "dgram", "unix-dgram", limit="1")]) as postfix:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
            sender.settimeout(DEADLINE_S)
            for i in range(50):
                sender.sendto(b"%d" % i, str(postfix.queue / "public/x"))
        postfix.expect("message 49")
        said = [text for _, text in postfix.lines() if text.startswith("message")]
        assert said == [f"message {i}" for i in range(50)]


def test_postfix_logs_through_our_dgram_worker():
    """In the place of postlogd: what processes of Postfix send, it gets."""
    with Postfix([], postlog="skeleton dgram @JOURNAL@") as postfix:
        line = [text for _, text in postfix.lines() if "daemon started" in text]
        assert len(line) == 1 and f"postfix/master[{postfix.master.pid}]" in line[0]
        postfix.reload()
        with open(postfix.journal) as journal:
            assert "reload -- version" in journal.read()


# ---------------------------------------------------------------- flow, pass


def test_flow_tokens_are_those_of_the_master():
    with Postfix([service("one", "single"), service("two", "multi")]) as postfix:
        with postfix.client("public/one") as one, postfix.client("public/two") as two:
            assert one.ask("count") == "0"
            assert one.ask("get 1") == "0"
            assert one.ask("put 10") == "10"
            assert two.ask("count") == "10"
            assert two.ask("get 7") == "7"
            assert one.ask("get 7") == "3"


@CONNECTIONS
def test_postscreen_hands_its_clients_over_with_attributes(kind):
    port = free_port()
    services = [
        f"127.0.0.1:{port} inet n - n - 1 postscreen",
        service("smtpd", kind, "pass", private="-"),
        "dnsblog unix - - n - 0 dnsblog",
        "tlsproxy unix - - n - 0 tlsproxy",
    ]
    settings = "postscreen_access_list = permit_mynetworks\npostscreen_cache_map =\n"
    with Postfix(services, settings) as postfix:
        for _ in range(3):
            with postfix.client(port) as client:
                found = client.who()
            assert (found["client_address"], found["stress"]) == ("127.0.0.1", "")


# ---------------------------------------------------------------- reload


def test_reload_retires_a_worker_and_spares_its_client():
    with Postfix([service("x", "single")]) as postfix, postfix.client("public/x") as client:
        first = int(client.who()["pid"])
        postfix.reload()
        with postfix.client("public/x") as other:
            assert int(other.who()["pid"]) != first
            assert int(client.who()["pid"]) == first
            client.socket.close()
            postfix.expect_gone(first)
            assert other.ask("hello") == "hello"


@pytest.mark.parametrize("kind", ["multi", "event"])
def test_reload_retires_a_worker_of_several_and_its_child_finishes_them(kind):
    """The master takes the old one for idle, and starts no other while it is there."""
    with Postfix([service("x", kind, limit="1")]) as postfix:
        clients = [postfix.client("public/x") for _ in range(3)]
        first = {int(client.who()["pid"]) for client in clients}
        assert len(first) == 1
        postfix.reload()
        postfix.expect_gone(*first)
        with postfix.client("public/x") as other:
            second = int(other.who()["pid"])
            child = {int(client.who()["pid"]) for client in clients}
            assert len(child) == 1 and not child & (first | {second})
            for client in clients:
                client.socket.close()
            postfix.expect_gone(*child)
            assert int(other.who()["pid"]) == second
        assert [text for pid, text in postfix.lines() if pid in child] == ["leave"]


def test_reload_retires_those_who_wait_for_their_turn():
    with Postfix([service("x", "single")]) as postfix:
        clients = [postfix.client("public/x") for _ in range(4)]
        before = {int(client.who()["pid"]) for client in clients}
        for client in clients:
            client.socket.close()
        postfix.reload()
        postfix.expect("leave", times=4)
        for pid in before:
            postfix.expect_gone(pid)


@pytest.mark.parametrize("kind", ["trigger", "dgram"])
def test_reload_retires_workers_without_clients(kind):
    transport = "unix-dgram" if kind == "dgram" else "fifo"
    with Postfix([service("x", kind, transport)]) as postfix:
        def send():
            if kind == "trigger":
                (postfix.queue / "public/x").write_bytes(b"one")
            else:
                with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
                    sender.sendto(b"one", str(postfix.queue / "public/x"))

        send()
        postfix.expect("message one")
        postfix.reload()
        postfix.expect("leave")
        before = postfix.pids()  # the master may have started one too many
        for pid in before:
            postfix.expect_gone(pid)
        send()
        postfix.expect("message one", times=2)
        assert postfix.pids() > before


@CONNECTIONS
def test_no_client_is_lost_when_postfix_reloads_under_load(kind):
    """Each client waits DEADLINE_S for its answer, and all get it."""
    port = free_port()
    with Postfix([service(f"127.0.0.1:{port}", kind, "inet")]) as postfix:
        stop, failures, served = threading.Event(), [], []

        def come_and_go():
            while not stop.is_set():
                try:
                    with postfix.client(port) as client:
                        assert client.ask("hello") == "hello"
                    served.append(1)
                except (OSError, AssertionError) as error:
                    failures.append(error)

        threads = [threading.Thread(target=come_and_go) for _ in range(6)]
        for thread in threads:
            thread.start()
        try:
            for _ in range(4):
                postfix.reload()
                enough = len(served) + 100
                wait_until(lambda: len(served) >= enough or failures, "a hundred are served")
        finally:
            stop.set()
            for thread in threads:
                thread.join()
        assert not failures, failures[:3]
