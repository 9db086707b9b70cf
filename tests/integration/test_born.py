# SPDX-License-Identifier: MIT
"""What a worker finds: its descriptors, environment, user, limits, signals.

The master is started by somebody careless: with two hundred odd variables,
a hundred leaked descriptors, every signal blocked and ignored, groups and
limits of its own. Nothing of it may reach a worker.
"""

import errno
import os
import pwd
import resource
import signal
import socket
import stat
import subprocess
from pathlib import Path

import pytest

from ostlerd import ROGUE, ROOT, Ostlerd, free_port, rogue, wait_until

METHODS = ["clone", "fork"]
ODD = {f"ODD_{i}": "x" * i for i in range(180)}
ODD |= {
    "": "", "a b": "c", "BASH_FUNC_x%%": "() { echo; }", "IFS": "/", "ENV": "/etc/passwd",
    "GENERATION": "7777", "OSTLER_SERVICE": "forged", "OSTLER_SOCKETS": "99",
    "OSTLER_TRANSPORT": "pass", "OSTLER_MAX_USE": "1", "OSTLER_MAX_IDLE": "1",
    "OSTLER_PROCESS_LIMIT": "1", "LISTEN_FDS": "3", "LISTEN_PID": "1",
    "PATH": "/nowhere", "LANG": "tlh", "HOME": "/root", "SECRET": "secret",
    "PYTHONPATH": "/tmp", "NOTIFY_SOCKET": "",
}
del ODD[""]


class Careless:
    """Everything that can be left about for ostlerd to inherit."""

    def __init__(self):
        null = os.open("/dev/null", os.O_RDWR)
        self.fds = [os.dup(null) for _ in range(100)]
        os.close(null)

    def prepare(self):
        for number in signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP}:
            signal.signal(number, signal.SIG_IGN)
        signal.pthread_sigmask(signal.SIG_SETMASK, signal.valid_signals())
        os.umask(0o777)
        _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (1024, hard))
        if ROOT:
            os.setgroups([1, 2, 3])

    def close(self):
        for fd in self.fds:
            os.close(fd)


@pytest.fixture(name="careless")
def _careless():
    careless = Careless()
    yield careless
    careless.close()


def start(careless, text, method):
    return Ostlerd(text, options=[f"--spawn={method}"], env=ODD,
                   preexec=careless.prepare, keep_open=careless.fds)


class Report:
    """What rogue's report says, by subject."""

    def __init__(self, lines):
        self.fds, self.env, self.status, self.limits, self.rest = {}, {}, {}, {}, {}
        for line in lines:
            word, text = line.split(" ", 1)
            if word == "fd":
                number, *pairs = text.split()
                self.fds[int(number)] = dict(p.split("=", 1) for p in pairs if "=" in p)
            elif word == "env":
                name, value = text.split("=", 1)
                assert name not in self.env, f"{name} is there twice"
                self.env[name] = value
            elif word == "status":
                name, value = text.split(":", 1)
                self.status[name] = value.split()
            elif word == "limit":
                self.limits[text[:26].strip()] = tuple(text[26:].split()[:2])
            else:
                self.rest[word] = text


def report_of(master, where):
    with master.client(where) as client:
        return Report(client.lines("report"))


def has(fd, flag):
    return bool(int(fd["flags"], 8) & flag)


def is_null(fd):
    return fd["target"] == "/dev/null" and int(fd["flags"], 8) & os.O_ACCMODE == os.O_RDWR


# ------------------------------------------------------------- descriptors


@pytest.mark.parametrize("method", METHODS)
def test_golden_table_of_descriptors(careless, method):
    """Catalogue 83."""
    port = free_port("::")
    listen = [f"127.0.0.1:{port}", f"[::1]:{port}", "unix:web"]
    with start(careless, rogue("web", listen), method) as master:
        report = report_of(master, port)
        fds = report.fds
        log = str(master.log_file)
    assert sorted(fds) == list(range(6 + len(listen) + 1))
    assert report.env["OSTLER_PAGE"] == f"{6 + len(listen)}:0"
    assert fds[6 + len(listen)]["target"] == "/memfd:ostler-page"
    assert {fd["cloexec"] for fd in fds.values()} == {"0"}
    assert [n for n, fd in fds.items() if has(fd, os.O_NONBLOCK)] == [6, 7, 8]
    assert all(is_null(fds[n]) for n in (0, 1, 3, 4))
    assert fds[2]["target"] == log
    kinds = [(fds[n]["type"], fds[n]["family"], fds[n]["accepting"]) for n in range(5, 9)]
    assert kinds == [
        (str(socket.SOCK_SEQPACKET.value), str(socket.AF_UNIX.value), "0"),
        (str(socket.SOCK_STREAM.value), str(socket.AF_INET.value), "1"),
        (str(socket.SOCK_STREAM.value), str(socket.AF_INET6.value), "1"),
        (str(socket.SOCK_STREAM.value), str(socket.AF_UNIX.value), "1"),
    ]


@pytest.mark.parametrize("method", METHODS)
def test_the_same_with_low_numbers_closed_at_the_start(method):
    """Catalogue 83: 0, 1 and 2 may be missing; no listener may become one."""

    def close_low():
        os.close(0)
        os.close(1)

    text = rogue("web", ["unix:web"])
    with Ostlerd(text, options=[f"--spawn={method}"], preexec=close_low) as master:
        fds = report_of(master, "web").fds
    assert sorted(fds) == list(range(8))  # the last one is the page
    assert all(is_null(fds[n]) for n in (0, 1, 3, 4))


def test_a_service_with_flow_has_a_pipe_of_its_own():
    text = rogue("a", ["unix:a"], flow="yes") + rogue("b", ["unix:b"], flow="yes")
    with Ostlerd(text) as master:
        a, b = report_of(master, "a").fds, report_of(master, "b").fds
    for fds in a, b:
        assert fds[3]["target"] == fds[4]["target"]
        assert fds[3]["target"].startswith("pipe:")
        assert int(fds[3]["flags"], 8) & os.O_ACCMODE == os.O_RDONLY
        assert int(fds[4]["flags"], 8) & os.O_ACCMODE == os.O_WRONLY
    assert a[3]["target"] != b[3]["target"]


def test_listeners_block_where_the_service_wants_it():
    text = rogue("web", ["unix:web"], nonblocking="no")
    with Ostlerd(text) as master:
        assert not has(report_of(master, "web").fds[6], os.O_NONBLOCK)


def test_a_datagram_socket_and_a_fifo_are_what_they_should_be():
    text = (rogue("d", ["dgram:d"], "--start", "hang", retire_grace="50ms")
            + rogue("f", ["fifo:f"], "--start", "hang", retire_grace="50ms"))
    with Ostlerd(text) as master:
        sender = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        sender.sendto(b"x", str(master.runtime / "d"))
        sender.close()
        fd = os.open(master.runtime / "f", os.O_WRONLY)
        os.write(fd, b"x")
        os.close(fd)
        [d] = wait_until(lambda: master.workers("d"), "d starts")
        [f] = wait_until(lambda: master.workers("f"), "f starts")
        wait_until(lambda: Path(f"/proc/{f}/exe").resolve() == ROGUE.resolve(), "it is executed")
        wait_until(lambda: Path(f"/proc/{d}/exe").resolve() == ROGUE.resolve(), "it is executed")
        assert sorted(os.listdir(f"/proc/{d}/fd"), key=int)[:7] == list("0123456")
        assert os.readlink(f"/proc/{d}/fd/6").startswith("socket:")
        assert os.readlink(f"/proc/{f}/fd/6") == str(master.runtime / "f")
        assert stat.S_ISFIFO(os.stat(f"/proc/{f}/fd/6").st_mode)


@pytest.mark.parametrize("method", METHODS)
def test_no_memory_is_shared_with_a_worker(method):
    """Catalogue 37, 38: there is no page that both can write, if none is wanted."""
    with Ostlerd(rogue("web", ["unix:web"], status_page="no"), options=[f"--spawn={method}"]) as master:
        with master.client("web") as client:
            pid = int(client.ask("pid"))
            maps = Path(f"/proc/{pid}/maps").read_text()
    assert not [m for m in maps.splitlines() if m.split()[1].startswith("rw-s")]


# ------------------------------------------------------------- environment


def golden_environment(master_env=()):
    return {
        "GENERATION": None, "OSTLER_SERVICE": "web", "OSTLER_SOCKETS": "2",
        "OSTLER_TRANSPORT": "inet", "OSTLER_CLIENTS_PER_WORKER": "0",
        "OSTLER_PAGE": "8:0", "OSTLER_MAX_USE": "7", "OSTLER_MAX_IDLE": "90",
        "OSTLER_PROCESS_LIMIT": "3", "LANG": "C",
        "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        **dict(master_env),
    }


@pytest.mark.parametrize("method", METHODS)
def test_golden_environment(careless, method):
    """Catalogue 85."""
    port = free_port()
    text = rogue("web", [f"127.0.0.1:{port}", "unix:web"], max_use=7, max_idle="90s",
                 process_limit=3)
    with start(careless, text, method) as master:
        env = report_of(master, port).env
    generation = env["GENERATION"]
    assert int(generation, 8) > 0
    assert env | {"GENERATION": None} == golden_environment()


def test_the_operators_variables_are_added_and_win():
    text = rogue("web", ["unix:web"], environment=["A=", "B=1=2", "LANG=de", "PATH=/bin",
                                                  "TEXT=two words \\ and \" more"])
    with Ostlerd(text, env={"TZ": "Europe/Berlin", "A": "master's"}) as master:
        env = report_of(master, "web").env
    assert env["A"] == "" and env["B"] == "1=2"
    assert env["LANG"] == "de" and env["PATH"] == "/bin"
    assert env["TEXT"] == "two words \\ and \" more"
    assert env["TZ"] == "Europe/Berlin"


def test_each_worker_has_a_generation_of_its_own():
    with Ostlerd(rogue("web", ["unix:web"])) as master:
        clients = [master.client("web") for _ in range(10)]
        envs = [Report(c.lines("report")).env for c in clients]
        for client in clients:
            client.close()
    numbers = [e["GENERATION"] for e in envs]
    assert len(set(numbers)) == 10
    assert all(set(n) <= set("01234567") for n in numbers)


# ------------------------------------------------------------- the rest


@pytest.mark.parametrize("method", METHODS)
def test_no_signal_is_blocked_ignored_or_caught(careless, method):
    """Catalogue 82."""
    with start(careless, rogue("web", ["unix:web"]), method) as master:
        status = report_of(master, "web").status
    for mask in "SigBlk", "SigIgn", "SigCgt":
        assert int(status[mask][0], 16) == 0, (mask, status[mask])


def test_a_master_with_sigchld_ignored_hears_of_deaths(careless):
    """Catalogue 82: else the kernel would reap behind its back."""
    with start(careless, rogue("web", ["unix:web"]), "clone") as master:
        with master.client("web") as client:
            client.send("exit 3\n")
            assert client.at_end()
        event = master.wait_event("worker-died")
        assert event["service"] == "web" and event["status"] == "3"


@pytest.mark.parametrize("method", METHODS)
def test_a_worker_leads_a_session_of_its_own(method):
    with Ostlerd(rogue("web", ["unix:web"]), options=[f"--spawn={method}"]) as master:
        rest = report_of(master, "web").rest
        assert rest["session"] == rest["group"] == rest["pid"]
        assert int(rest["parent"]) == master.pid


@pytest.mark.parametrize("method", METHODS)
def test_umask_and_directory_are_the_services(careless, method):
    text = (rogue("a", ["unix:a"], umask="0137", directory="/usr/share")
            + rogue("b", ["unix:b"]))
    with start(careless, text, method) as master:
        a, b = report_of(master, "a").rest, report_of(master, "b").rest
    assert (a["umask"], a["directory"]) == ("137", "/usr/share")
    assert (b["umask"], b["directory"]) == ("22", "/")


@pytest.mark.parametrize("method", METHODS)
def test_limits_are_the_services_and_the_others_untouched(careless, method):
    text = (rogue("a", ["unix:a"], limit_core="0", limit_nofile=256, limit_nproc=500,
                  limit_as="1G", limit_fsize="1M", limit_cpu="60s", limit_stack="4M")
            + rogue("b", ["unix:b"], limit_core="unlimited"))
    hard = str(resource.getrlimit(resource.RLIMIT_NOFILE)[1])
    with start(careless, text, method) as master:
        a, b = report_of(master, "a").limits, report_of(master, "b").limits
    want = {"Max core file size": 0, "Max open files": 256, "Max processes": 500,
            "Max address space": 1 << 30, "Max file size": 1 << 20, "Max cpu time": 60,
            "Max stack size": 4 << 20}
    assert {k: a[k] for k in want} == {k: (str(v), str(v)) for k, v in want.items()}
    assert b["Max core file size"] == ("unlimited", "unlimited")
    assert b["Max open files"] == ("1024", hard)


@pytest.mark.skipif(not ROOT, reason="needs root")
@pytest.mark.parametrize("method", METHODS)
def test_user_and_group_are_the_services_and_nothing_of_roots_is_left(careless, method):
    """Catalogue 81."""
    games, mail = pwd.getpwnam("games"), pwd.getpwnam("mail")
    text = (rogue("a", ["unix:a"], user="games")
            + rogue("b", ["unix:b"], user="games", group="mail")
            + rogue("c", ["unix:c"], user=str(games.pw_uid)))
    with start(careless, text, method) as master:
        a, b, c = (report_of(master, n).status for n in "abc")
    assert a["Uid"] == b["Uid"] == c["Uid"] == [str(games.pw_uid)] * 4
    assert a["Gid"] == c["Gid"] == [str(games.pw_gid)] * 4
    assert b["Gid"] == [str(mail.pw_gid)] * 4
    assert a["Groups"] == [str(games.pw_gid)]
    for status in a, b, c:
        assert not {"1", "2", "3", "0"} & set(status["Groups"])
        for name in "CapInh", "CapPrm", "CapEff", "CapAmb":
            assert int(status[name][0], 16) == 0


def can_mount():
    """In a chroot nobody can."""
    return ROOT and subprocess.run(["unshare", "-m", "true"], capture_output=True).returncode == 0


@pytest.mark.skipif(not can_mount(), reason="needs root and mount namespaces")
@pytest.mark.parametrize("method", METHODS)
def test_supplementary_groups_are_those_of_the_user(tmp_path, method):
    """Catalogue 81: in a mount namespace with a group file of our own."""
    groups = tmp_path / "group"
    groups.write_text(Path("/etc/group").read_text()
                      + "one:x:7001:games\ntwo:x:7002:nobody,games\nthree:x:7003:nobody\n")
    groups.chmod(0o644)
    prefix = ["unshare", "-m", "sh", "-c", f'mount --bind {groups} /etc/group && exec "$@"', "sh"]
    text = rogue("web", ["unix:web"], user="games")
    with Ostlerd(text, options=[f"--spawn={method}"], prefix=prefix) as master:
        status = report_of(master, "web").status
    assert set(status["Groups"]) == {str(pwd.getpwnam("games").pw_gid), "7001", "7002"}


@pytest.mark.skipif(not ROOT, reason="needs root")
def test_a_worker_cannot_open_the_master():
    """Catalogue 84."""
    with Ostlerd(rogue("web", ["unix:web"])) as master:
        with master.client("web") as client:
            for name in "exe", "mem", "environ", "fd/0":
                code = int(client.ask(f"open /proc/{master.pid}/{name}"))
                assert code in (-errno.EACCES, -errno.EPERM), name


@pytest.mark.skipif(not ROOT, reason="needs root")
def test_a_worker_may_be_root_where_the_operator_says_so():
    with Ostlerd(rogue("web", ["unix:web"], user="root")) as master:
        status = report_of(master, "web").status
    assert status["Uid"] == ["0"] * 4 and status["Gid"] == ["0"] * 4
    assert status["Groups"] == ["0"]
