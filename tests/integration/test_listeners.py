# SPDX-License-Identifier: MIT
"""Where clients knock: every kind of endpoint, and what is in its way."""

import grp
import os
import pwd
import re
import socket
import stat

import pytest

from ostlerd import (
    JOURNAL,
    ROOT,
    Ostlerd,
    connect,
    free_port,
    rogue,
    wait_until,
)

SIXTH = [] if not os.path.exists("/proc/net/if_inet6") else ["::1"]


def is_served(where):
    with connect(where) as client:
        return client.ask("echo hello") == "hello"


# ------------------------------------------------------------- internet


@pytest.mark.parametrize("host", ["127.0.0.1", *SIXTH])
def test_tcp_is_served_at_its_address_only(host):
    # Reserved for both: nobody else is to answer at the other one.
    port = free_port("::" if SIXTH else host)
    shown = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    with Ostlerd(rogue("web", [shown])) as master:
        assert is_served((host, port))
        assert [e["text"] for e in master.service("web")["endpoints"]] == [shown]
        other = "127.0.0.1" if ":" in host else "::1"
        if other in ["127.0.0.1", *SIXTH]:
            with pytest.raises(ConnectionRefusedError):
                connect((other, port))


def test_a_star_is_both_families_on_one_listener():
    port = free_port("::" if SIXTH else "0.0.0.0")
    with Ostlerd(rogue("web", [f"*:{port}"])) as master:
        for host in ["127.0.0.1", *SIXTH]:
            assert is_served((host, port))
        assert len(master.service("web")["endpoints"]) == 1


def test_an_endpoint_each_for_both_families_on_one_port():
    if not SIXTH:
        pytest.skip("no IPv6 here")
    port = free_port("::")
    with Ostlerd(rogue("web", [f"0.0.0.0:{port}", f"[::]:{port}"])):
        assert is_served(("127.0.0.1", port))
        assert is_served(("::1", port))


def test_all_endpoints_of_a_service_are_served_by_one_worker():
    ports = [free_port() for _ in range(3)]
    listen = [f"127.0.0.1:{p}" for p in ports] + ["unix:a", "unix:b"]
    with Ostlerd(rogue("web", listen, process_limit=1)) as master:
        pids = set()
        for where in [*ports, "a", "b"]:
            with master.client(where) as client:
                pids.add(client.ask("pid"))
        assert len(pids) == 1


def test_clients_that_wait_are_counted_and_the_backlog_is_shown():
    """Catalogue 57."""
    port = free_port()
    text = rogue("web", [f"127.0.0.1:{port}", "unix:web"], process_limit=1, backlog=16)
    with Ostlerd(text) as master, master.client(port) as first:
        assert first.ask("echo x") == "x"
        waiting = [master.client(port) for _ in range(3)]
        row = master.wait_for("web", lambda s: s["depth"] == 3)
        assert row["state"] == "at-limit"
        assert [(e["depth"], e["backlog"]) for e in row["endpoints"]] == [(3, 16), (0, 16)]
        waiting += [master.client("web") for _ in range(2)]
        row = master.wait_for("web", lambda s: s["depth"] == 5)
        assert [e["depth"] for e in row["endpoints"]] == [3, 2]
        for client in waiting:
            client.send("echo y\n")
            client.socket.shutdown(socket.SHUT_WR)
        first.close()
        for client in waiting:
            assert client.line() == "y"
            client.close()
        master.wait_for("web", lambda s: s["depth"] == 0)


def test_the_kernels_queue_is_as_long_as_the_backlog():
    with Ostlerd(rogue("web", ["unix:web"], process_limit=1, backlog=4)) as master:
        with master.client("web") as first:
            assert first.ask("echo x") == "x"
            waiting = []
            with pytest.raises(BlockingIOError):
                for _ in range(50):
                    client = socket.socket(socket.AF_UNIX)
                    waiting.append(client)
                    client.setblocking(False)
                    client.connect(str(master.runtime / "web"))
            assert len(waiting) == 4 + 1 + 1  # and one that was refused
        for client in waiting:
            client.close()


# ------------------------------------------------------------- named ones


def mode_of(path):
    return stat.S_IMODE(os.lstat(path).st_mode)


def test_unix_sockets_have_the_mode_that_was_asked_for():
    text = (rogue("a", ["unix:a"], socket_mode="0600")
            + rogue("b", ["unix:b"], socket_mode="0666")
            + rogue("c", ["dgram:c"], socket_mode="0622")
            + rogue("d", ["fifo:d"], socket_mode="0620")
            + rogue("e", ["unix:e"]))
    # The master's own umask must not matter.
    with Ostlerd(text, preexec=lambda: os.umask(0o077)) as master:
        modes = {name: mode_of(master.runtime / name) for name in "abcde"}
        assert modes == {"a": 0o600, "b": 0o666, "c": 0o622, "d": 0o620, "e": 0o660}


@pytest.mark.skipif(not ROOT, reason="needs root")
def test_named_endpoints_have_the_owner_and_group_that_were_asked_for():
    user, group = pwd.getpwnam("daemon"), grp.getgrnam("mail")
    text = (rogue("a", ["unix:a"], socket_owner="daemon", socket_group="mail")
            + rogue("b", ["dgram:b"], socket_owner="daemon")
            + rogue("c", ["fifo:c"], socket_group="mail")
            + rogue("d", ["unix:d"]))
    with Ostlerd(text) as master:
        owners = {n: os.lstat(master.runtime / n) for n in "abcd"}
        assert {n: (s.st_uid, s.st_gid) for n, s in owners.items()} == {
            "a": (user.pw_uid, group.gr_gid), "b": (user.pw_uid, user.pw_gid),
            "c": (0, group.gr_gid), "d": (0, 0)}


def test_relative_names_are_in_the_runtime_directory_and_others_where_they_say(tmp_path):
    elsewhere = tmp_path / "elsewhere"
    with Ostlerd(rogue("web", ["unix:here", f"unix:{elsewhere}"])) as master:
        assert is_served(master.runtime / "here")
        assert is_served(elsewhere)
    assert not elsewhere.exists()


def test_datagrams_are_served():
    with Ostlerd(rogue("log", ["dgram:log"], "--journal", JOURNAL)) as master:
        sender = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        for data in b"one", b"two":
            sender.sendto(data, str(master.runtime / "log"))
        sender.close()
        wait_until(lambda: len(master.journal("got")) == 2, master.journal)
        texts = {text for _, text in master.journal("got")}
        assert texts == {"got " + b"one".hex(), "got " + b"two".hex()}
        assert master.wait_for("log", lambda s: s["served"] == 2)["failures"] == 0


def test_a_fifo_is_served_by_one_writer_after_another():
    with Ostlerd(rogue("pipe", ["fifo:pipe"], "--journal", JOURNAL)) as master:
        for data in b"one", b"two":
            fd = os.open(master.runtime / "pipe", os.O_WRONLY | os.O_NONBLOCK)
            os.write(fd, data)
            os.close(fd)
            wait_until(lambda data=data: master.journal("got " + data.hex()), master.journal)
        assert master.service("pipe")["failures"] == 0


# ------------------------------------------------------------- in the way


def line_of(master, text):
    """file:line of the line of the configuration that has TEXT."""
    for number, line in enumerate(master.config.read_text().splitlines(), 1):
        if text in line:
            return f"{master.config}:{number}:"
    raise AssertionError(text)


def refused(text):
    """Start a master that is refused; (exit code, log, master)."""
    master = Ostlerd(text)
    try:
        master.launch()
        code = master.wait()
        master.check_clean()
        return code, master.log(), line_of(master, "listen")
    finally:
        master._remove()


def test_a_stale_socket_is_replaced(tmp_path):
    """Catalogue 79."""
    for kind, name, prefix in ((socket.SOCK_STREAM, "stale", "unix"),
                               (socket.SOCK_DGRAM, "staled", "dgram")):
        path = tmp_path / name
        stale = socket.socket(socket.AF_UNIX, kind)
        stale.bind(str(path))
        if kind == socket.SOCK_STREAM:
            stale.listen()
        stale.close()
        before = os.lstat(path).st_ino, os.lstat(path).st_mtime_ns
        with Ostlerd(rogue("web", [f"{prefix}:{path}"])):
            after = os.lstat(path)
            assert (after.st_ino, after.st_mtime_ns) != before
            if prefix == "unix":
                assert is_served(path)


def test_a_live_socket_of_somebody_else_is_refused(tmp_path):
    """Catalogue 79."""
    path = tmp_path / "live"
    with socket.socket(socket.AF_UNIX) as other:
        other.bind(str(path))
        other.listen()
        code, log, where = refused(rogue("web", [f"unix:{path}"]))
        assert code == 1, log
        assert where in log and "web" in log and str(path) in log
        client = connect(path)  # the other one was left alone
        client.close()


def test_a_regular_file_in_the_way_is_refused_and_left_alone(tmp_path):
    """Catalogue 79."""
    for kind in "unix", "dgram", "fifo":
        path = tmp_path / kind
        path.write_text("precious")
        code, log, where = refused(rogue("web", [f"{kind}:{path}"]))
        assert code == 1, log
        assert where in log and str(path) in log
        assert path.read_text() == "precious"


def test_a_symbolic_link_in_the_way_is_refused_and_not_followed(tmp_path):
    """Catalogue 79, 80."""
    target = tmp_path / "target"
    target.write_text("precious")
    target.chmod(0o600)
    link = tmp_path / "link"
    link.symlink_to(target)
    code, log, where = refused(rogue("web", [f"unix:{link}"], socket_mode="0666"))
    assert code == 1, log
    assert where in log
    assert mode_of(target) == 0o600 and target.read_text() == "precious"


def test_a_busy_port_is_refused():
    """Catalogue 67."""
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        code, log, where = refused(rogue("web", [f"127.0.0.1:{port}"]))
        assert code == 1, log
        assert re.search(rf"{re.escape(where)}.*127\.0\.0\.1:{port}.*in use", log, re.I), log


def test_a_directory_that_is_missing_is_refused(tmp_path):
    code, log, where = refused(rogue("web", [f"unix:{tmp_path}/no/such/socket"]))
    assert code == 1, log
    assert where in log


def test_every_endpoint_that_cannot_be_opened_is_named(tmp_path):
    paths = [tmp_path / "one", tmp_path / "two"]
    for path in paths:
        path.write_text("")
    code, log, _ = refused("".join(rogue(p.name, [f"unix:{p}"]) for p in paths))
    assert code == 1
    assert all(str(p) in log for p in paths), log


def test_a_refused_start_takes_its_names_away(tmp_path):
    for kind in "unix", "dgram", "fifo":
        (tmp_path / f"wrong-{kind}").write_text("precious")
        code, _, _ = refused("".join(rogue(p, [f"{kind}:{tmp_path}/{p}"])
                                     for p in ("first", f"wrong-{kind}", "last")))
        assert code == 1
        assert not (tmp_path / "first").exists() and not (tmp_path / "last").exists()


def test_a_socket_that_was_replaced_by_somebody_is_not_removed_at_the_end(tmp_path):
    path = tmp_path / "socket"
    with Ostlerd(rogue("web", [f"unix:{path}"])) as master:
        path.unlink()
        path.write_text("somebody else's")
        master.stop()
    assert path.read_text() == "somebody else's"
