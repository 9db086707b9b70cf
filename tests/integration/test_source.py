# SPDX-License-Identifier: MIT
"""How many clients there may be from one address, and from one network."""

import os
import signal
import socket

import pytest

from ostlerd import DEADLINE_S, Client, Ostlerd, environment_of, free_port, is_alive, service, wait_until

ONE = ["ostler-echo"]
SEVERAL = ["ostler-echo", "--multi"]
SPAWN = ["ostler-spawn", "--max-clients=8", "/bin/cat"]


def client_from(host, port):
    """A client that comes from HOST."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    connection = socket.socket(family)
    connection.settimeout(DEADLINE_S)
    connection.bind((host, 0))
    try:
        connection.connect(("::1" if family == socket.AF_INET6 else "127.0.0.1", port))
    except BaseException:
        connection.close()
        raise
    return Client(connection)


def served(host, port):
    client = client_from(host, port)
    assert client.ask("hello") == "hello"
    return client


def refused(host, port):
    """It is reset without a byte, maybe before it knows that it is connected."""
    with pytest.raises(ConnectionResetError):
        with client_from(host, port) as client:
            client.socket.recv(1)


def listening(command, **settings):
    port = free_port("::")
    return port, service("web", [f"127.0.0.1:{port}", f"[::1]:{port}"], command, **settings)


@pytest.mark.parametrize("command", [ONE, SEVERAL, SPAWN], ids=["single", "multi", "spawn"])
def test_one_client_more_from_an_address_is_reset_and_others_are_not(command):
    port, text = listening(command, source_limit=2, process_limit=8)
    with Ostlerd(text) as master:
        taken = [served("127.0.0.2", port) for _ in range(2)]
        for _ in range(3):
            refused("127.0.0.2", port)
        master.wait_for("web", lambda s: s["over_source"] == 3)
        assert "too many from one source: 3 clients refused" in master.ostler("status").stdout
        taken += [served(host, port) for host in ("127.0.0.3", "::1", "::1")]
        refused("::1", port)
        for client in taken:
            assert client.ask("still here") == "still here"
            client.close()
        master.wait_for("web", lambda s: s["served"] == 5 and s["taken"] == 0 and s["over_source"] == 4)


@pytest.mark.parametrize("command", [ONE, SEVERAL], ids=["single", "multi"])
def test_one_that_leaves_makes_room_for_one(command):
    port, text = listening(command, source_limit=2, process_limit=4)
    with Ostlerd(text):
        stays, leaves = (served("127.0.0.2", port) for _ in range(2))
        for _ in range(5):
            refused("127.0.0.2", port)
            leaves.socket.shutdown(socket.SHUT_WR)
            assert leaves.at_end()
            leaves.close()
            leaves = served("127.0.0.2", port)
        stays.close()
        leaves.close()


def test_who_was_served_by_any_worker_may_come_again_at_once():
    port, text = listening(ONE, source_limit=1, process_limit=4)
    with Ostlerd(text) as master:
        others = [served("127.0.0.9", port), served("127.0.0.8", port)]
        for _ in range(50):
            client = served("127.0.0.2", port)
            client.socket.shutdown(socket.SHUT_WR)
            assert client.at_end()
            client.close()
        for client in others:
            client.close()
        assert master.service("web")["over_source"] == 0


@pytest.mark.parametrize("command", [ONE, SEVERAL], ids=["single", "multi"])
def test_a_network_has_a_limit_of_its_own(command):
    port, text = listening(command, prefix_limit=3, prefix_ipv4=30, process_limit=8)
    with Ostlerd(text):
        taken = [served(f"127.0.0.{n}", port) for n in (1, 2, 3)]
        refused("127.0.0.1", port)
        refused("127.0.0.2", port)
        taken += [served("127.0.0.4", port)]
        for client in taken:
            client.close()


def test_an_ipv4_address_counts_as_such_at_a_listener_for_both():
    port = free_port("::")
    with Ostlerd(service("web", [f"*:{port}"], ONE, source_limit=1, process_limit=4)) as master:
        with served("127.0.0.2", port), served("127.0.0.3", port):
            refused("127.0.0.3", port)
        master.wait_for("web", lambda s: s["over_source"] == 1)


def test_clients_of_unix_sockets_are_not_counted():
    port = free_port("::")
    with Ostlerd(service("web", ["unix:web", f"127.0.0.1:{port}"], ONE, source_limit=1, process_limit=8)) as master:
        taken = [master.client("web") for _ in range(3)]
        for client in taken:
            assert client.ask("x") == "x"
        taken.append(served("127.0.0.1", port))
        refused("127.0.0.1", port)
        for client in taken:
            client.close()


@pytest.mark.parametrize("command", [ONE, SEVERAL], ids=["single", "multi"])
def test_a_worker_that_is_killed_leaves_no_client_behind(command):
    port, text = listening(command, source_limit=2, process_limit=4)
    with Ostlerd(text) as master:
        for n in range(1, 4):
            taken = [served("127.0.0.2", port) for _ in range(2)]
            refused("127.0.0.2", port)
            master.wait_for("web", lambda s, n=n: s["over_source"] == n)
            workers = master.workers("web")
            for pid in workers:
                os.kill(pid, signal.SIGKILL)
            wait_until(lambda: not any(is_alive(p) for p in workers), "they are dead")
            master.wait_for("web", lambda s: s["total"] == 0)
            for client in taken:
                client.close()


def test_several_multi_workers_see_each_others_clients():
    port, text = listening(SEVERAL, source_limit=5, clients_per_worker=2, process_limit=4)
    with Ostlerd(text) as master:
        taken = [served("127.0.0.2", port) for _ in range(5)]
        refused("127.0.0.2", port)
        assert len(master.workers("web")) >= 3
        taken.pop().close()
        master.wait_for("web", lambda s: s["over_source"] == 1)
        for client in taken:
            client.close()


def test_limits_are_told_and_only_where_there_are_any():
    port, text = listening(ONE, prefix_limit=7, prefix_ipv6=48)
    with Ostlerd(text) as master:
        with served("127.0.0.1", port):
            told = environment_of(master.workers("web")[0])
            names = ("SOURCE_LIMIT", "PREFIX_LIMIT", "PREFIX_IPV4", "PREFIX_IPV6")
            assert [told["OSTLER_" + n] for n in names] == ["0", "7", "24", "48"]


def test_without_a_page_it_is_said_that_each_worker_counts_alone():
    port, text = listening(SEVERAL, source_limit=1, status_page="no", process_limit=1)
    with Ostlerd(text) as master:
        assert "each worker counts its own clients alone" in master.log()
        with served("127.0.0.1", port):
            refused("127.0.0.1", port)
