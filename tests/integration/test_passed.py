# SPDX-License-Identifier: MIT
"""Listeners that were open before the master: LISTEN_FDS, as systemd passes them."""

import os
import signal
import socket
import stat
import subprocess

import pytest

from notified import Passing
from ostlerd import Ostlerd, environment_of, free_port, rogue, service, wait_until

def tcp(port, host="127.0.0.1", *, backlog=5, v6only=None):
    made = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if v6only is not None:
        made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, v6only)
    made.bind((host, port))
    if backlog is not None:
        made.listen(backlog)
    return made


def named(path, kind=socket.SOCK_STREAM):
    made = socket.socket(socket.AF_UNIX, kind)
    made.bind(str(path))
    path.chmod(0o777)
    if kind == socket.SOCK_STREAM:
        made.listen(5)
    return made


def echo(listen, name="one", **settings):
    return service(name, listen, ["ostler-echo"], **settings)


def is_served(where, master):
    with master.client(where) as client:
        return client.ask("hello") == "hello"


@pytest.fixture
def place(tmp_path_factory):
    directory = tmp_path_factory.mktemp("passed")
    for part in (directory, *list(directory.parents)[:2]):
        part.chmod(0o755)
    return directory


def test_who_waits_before_the_master_comes_and_after_it_went_is_served():
    port = free_port()
    with tcp(port) as listener:
        for turn in ("early", "late"):
            with socket.create_connection(("127.0.0.1", port), 20) as waiting:
                with Passing(echo([f"127.0.0.1:{port}"]), [listener]) as master:
                    waiting.sendall(turn.encode() + b"\n")
                    assert waiting.recv(100) == turn.encode() + b"\n"
                    waiting.close()
                    assert is_served(port, master)
                    assert master.events("passed") == []
                    (worker, *_) = master.workers("one")
                    assert not [k for k in environment_of(worker) if k.startswith("LISTEN")]
        assert listener.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN) == 1


def test_names_are_found_and_stay_with_who_made_them(place):
    paths = {n: place / n for n in "sdf"}
    os.mkfifo(paths["f"])
    fifo = os.open(paths["f"], os.O_RDWR | os.O_NONBLOCK)
    with named(paths["s"]) as stream, named(paths["d"], socket.SOCK_DGRAM) as datagram:
        before = {n: (p.stat().st_ino, stat.S_IMODE(p.stat().st_mode)) for n, p in paths.items()}
        text = (echo([f"unix:{paths['s']}"]) + rogue("d", [f"dgram:{paths['d']}"])
                + rogue("f", [f"fifo:{paths['f']}"]))
        with Passing(text, [fifo, datagram, stream]) as master:
            assert is_served(paths["s"], master)
            assert master.events("passed") == []
            # Its mode is its owner's, too.
            master.reload(text.replace("listen =", 'socket_mode = "0600"\n    listen ='))
            assert is_served(paths["s"], master)
        assert {n: (p.stat().st_ino, stat.S_IMODE(p.stat().st_mode))
                for n, p in paths.items()} == before
    os.close(fifo)


def test_a_reload_keeps_it_and_who_gives_it_up_is_told(place):
    port, other = free_port(), free_port()
    with tcp(port) as listener, named(place / "s") as stream:
        both = [f"127.0.0.1:{port}", f"unix:{place}/s"]
        with Passing(echo(both), [listener, stream]) as master:
            master.reload(echo(both, process_limit=7))
            assert is_served(port, master) and is_served(place / "s", master)
            # Another service of the table takes it over.
            master.reload(echo(both, name="two"))
            assert is_served(port, master)
            assert master.events("passed") == []
            master.reload(echo([both[0]], name="two"))
            master.wait_event("passed", lambda e: e["endpoint"] == both[1])
            master.reload(echo([f"127.0.0.1:{other}"], name="three"))
            master.wait_event("passed", lambda e: e["endpoint"] == both[0])
            wait_until(lambda: master.service("two") is None, "it is gone")
        assert (place / "s").exists()
        # Nobody shut them down.
        for where, how in ((("127.0.0.1", port), socket.AF_INET),
                           (str(place / "s"), socket.AF_UNIX)):
            with socket.socket(how) as client:
                client.connect(where)


def test_what_no_endpoint_wants_is_closed_and_named():
    port, stray = free_port(), free_port()
    reader, writer = os.pipe()
    with tcp(port) as listener, tcp(stray) as unwanted:
        with Passing(echo([f"127.0.0.1:{port}"]), [unwanted, listener, writer],
                     names=["stray", "web", "pipe"]) as master:
            os.close(writer)
            assert is_served(port, master)
            assert [e["endpoint"] for e in master.events("passed")] == ["stray", "pipe"]
            assert os.read(reader, 1) == b""  # the master's was the last
    os.close(reader)


@pytest.mark.parametrize("why", ["datagram", "connected", "half a pipe", "families"])
def test_what_does_not_fit_is_named(why, place):
    port = free_port()
    endpoint = f"127.0.0.1:{port}"
    partner = None
    if why == "datagram":
        endpoint = f"unix:{place}/x"
        thing = named(place / "x", socket.SOCK_DGRAM)
    elif why == "connected":
        with tcp(port) as listener:
            partner = socket.create_connection(("127.0.0.1", port))
            thing = listener.accept()[0]
    elif why == "half a pipe":
        endpoint = f"fifo:{place}/x"
        os.mkfifo(place / "x")
        thing = os.open(place / "x", os.O_RDONLY | os.O_NONBLOCK)
    else:
        port = free_port("::")
        endpoint = f"[::]:{port}"
        thing = tcp(port, "::", v6only=0)
    with_it = rogue("one", [endpoint])
    master = Passing(with_it, [thing]).launch()
    event = master.wait_event("passed", lambda e: "service" in e)
    assert (event["service"], event["endpoint"]) == ("one", endpoint)
    assert {"datagram": "another type", "connected": "a connection", "half a pipe": "another type",
            "families": "other families"}[why] in event["problem"]
    master.kill()
    master._remove()
    for used in (thing, partner):
        if isinstance(used, int):
            os.close(used)
        elif used is not None:
            used.close()


def test_both_families_are_told_apart():
    four, six, both = free_port(), free_port("::1"), free_port("::")
    with tcp(four) as a, tcp(six, "::1", v6only=1) as b, tcp(both, "::", v6only=0) as c:
        text = echo([f"127.0.0.1:{four}", f"[::1]:{six}", f"*:{both}"])
        with Passing(text, [c, b, a]) as master:
            for where in (four, ("::1", six), ("::1", both), both):
                assert is_served(where, master)
            assert master.events("passed") == []


def test_a_keeper_passes_them_on():
    port, stray = free_port(), free_port()
    text = echo([f"127.0.0.1:{port}"])
    with tcp(port) as listener, tcp(stray) as unwanted:
        with Passing(text, [listener, unwanted], names=["web", "stray.socket"],
                     options=["--keep"]) as master:
            assert is_served(port, master)
            assert [e["endpoint"] for e in master.events("passed")] == ["stray.socket"]
            pid = master.status()["master"]["pid"]
            os.kill(pid, signal.SIGKILL)
            assert is_served(port, master)  # who waits is served by the next one
        assert listener.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN) == 1
        with socket.create_connection(("127.0.0.1", port), 5):
            pass  # it was not shut down


def test_one_for_another_process_is_not_ours():
    port = free_port()
    with tcp(free_port()) as listener:
        with Passing(echo([f"127.0.0.1:{port}"]), [listener], pid="1") as master:
            assert is_served(port, master)
            assert master.events("passed") == []


@pytest.mark.parametrize("fds", ["x", "-1", "99999999999999999999", "1000000"])
def test_nonsense_is_named(fds):
    port = free_port()
    with Ostlerd(echo([f"127.0.0.1:{port}"]), env={"LISTEN_FDS": fds}, prefix=Passing.AS_PID) as master:
        assert is_served(port, master)
        assert [e["endpoint"] for e in master.events("passed")] == ["LISTEN_FDS"]


def test_a_bound_socket_that_does_not_listen_will():
    port = free_port()
    with tcp(port, backlog=None) as listener:
        with Passing(echo([f"127.0.0.1:{port}"]), [listener]) as master:
            assert is_served(port, master)


def test_tcp_that_a_worker_shuts_down_listens_again():
    port = free_port()
    with tcp(port) as listener:
        with Passing(rogue("one", [f"127.0.0.1:{port}"]), [listener]) as master:
            with master.client(port) as client:
                assert client.ask("shutdown 6 rdwr") == "0"
                master.wait_event("listener-lost")
            with master.client(port) as client:
                assert client.ask("echo back") == "back"
            assert master.events("passed") == []
            master.wait_for("one", lambda s: s["state"] == "up")


def test_a_name_that_a_worker_shuts_down_is_lost_until_a_reload(place):
    path = place / "s"
    text = rogue("one", [f"unix:{path}"])
    with named(path) as stream, Passing(text, [stream]) as master:
        with master.client(path) as client:
            assert client.ask("shutdown 6 rdwr") == "0"
            master.wait_event("passed", lambda e: "shut it down" in e["problem"])
        master.wait_for("one", lambda s: "socket unit" in str(s))
        # Asked to, we open what nobody has any more; then it is ours.
        master.reload(rogue("one", [f"unix:{path}"], process_limit=4))
        with master.client(path) as client:
            assert client.ask("echo back") == "back"
