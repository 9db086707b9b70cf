# SPDX-License-Identifier: MIT
"""ostler-spawn: what a program gets, and what becomes of it."""

import os
import signal
import socket
import time
from pathlib import Path

import pytest

from fake_master import (
    DEADLINE_S,
    FakeMaster,
    connect,
    read_all,
    read_exactly,
    tcp_listener,
    unix_listener,
    wait_until,
)

BUILD = Path(os.environ["OSTLER_BUILD"])
SPAWN = BUILD / "src/programs/spawn/ostler-spawn"
ENVIRONMENT = "import os; print(*(f'{k}={v}' for k, v in sorted(os.environ.items())), sep='\\n')"
# Variables that a program could take for its client's, were they passed on.
FORGED = {
    "TCPREMOTEIP": "6.6.6.6", "TCPREMOTEHOST": "forged", "TCPREMOTEINFO": "forged",
    "TCPLOCALHOST": "forged", "TCPCONNNUM": "1", "UNIXREMOTEPATH": "/forged",
    "UNIXREMOTEEUID": "0", "IPCREMOTEEUID": "0", "PROTO": "FORGED",
    "REMOTE_ADDR": "6.6.6.6", "REMOTE_PORT": "6", "REMOTE_HOST": "forged",
}


def python(code):
    return ["/usr/bin/python3", "-c", code]


def shell(code):
    return ["/bin/sh", "-c", code]


def run(master, options, program, env=(), postfix=()):
    """Start ostler-spawn for PROGRAM and be its client."""
    worker = master.start([SPAWN, *options, *program], env=env, options=postfix)
    return worker, connect(master.listeners[0])


def environment_of(listener, options=(), client=None):
    with FakeMaster([listener], native=True) as master:
        master.start([SPAWN, *options, *python(ENVIRONMENT)], env=FORGED)
        with client or connect(listener) as c:
            lines = read_all(c).decode().splitlines()
            names = c.getsockname(), c.getpeername()
    return dict(ln.split("=", 1) for ln in lines), names


BASE = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C"}


def check(got, want):
    """WANT is all there is, beside what python sets itself."""
    got.pop("LC_CTYPE", None)
    assert got == {**BASE, **want}


# ------------------------------------------------------------- environment


def tcp_golden(names, options):
    (host, port, *_), (to_host, to_port, *_) = names
    ucspi = {
        "PROTO": "TCP", "TCPLOCALIP": to_host, "TCPLOCALPORT": str(to_port),
        "TCPREMOTEIP": host, "TCPREMOTEPORT": str(port),
    }
    remote = {"REMOTE_ADDR": host, "REMOTE_PORT": str(port), "REMOTE_HOST": host}
    return {"both": {**ucspi, **remote}, "ucspi": ucspi, "remote": remote, "none": {}}[options]


@pytest.mark.parametrize("dialect", ["both", "ucspi", "remote", "none"])
@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_golden_environment_of_tcp(host, dialect):
    options = [] if dialect == "both" else ["--environment=" + dialect]
    got, names = environment_of(tcp_listener(host), options)
    check(got, tcp_golden(names, dialect))


@pytest.mark.parametrize("dialect", ["both", "ucspi", "remote", "none"])
def test_golden_environment_of_unix(dialect, tmp_path):
    path, mine = str(tmp_path / "socket"), str(tmp_path / "mine")
    listener = unix_listener(path)
    client = socket.socket(socket.AF_UNIX)
    client.settimeout(DEADLINE_S)
    client.bind(mine)
    client.connect(path)
    got, _ = environment_of(listener, ["--environment", dialect], client)
    want = {
        "PROTO": "UNIX", "UNIXLOCALPATH": path, "UNIXREMOTEPATH": mine,
        "UNIXREMOTEPID": str(os.getpid()), "UNIXREMOTEEUID": str(os.geteuid()),
        "UNIXREMOTEEGID": str(os.getegid()),
    }
    check(got, want if dialect in ("both", "ucspi") else {})


def test_unset_is_unset_and_not_empty(tmp_path):
    """A client of AF_UNIX has no path of its own, as a rule."""
    got, _ = environment_of(unix_listener(str(tmp_path / "socket")))
    assert "UNIXREMOTEPATH" not in got
    assert "REMOTE_ADDR" not in got
    assert "" not in got.values()


def test_a_path_as_long_as_can_be_is_whole(tmp_path):
    path = str(tmp_path / "s")
    path += "x" * (107 - len(path))
    if len(path) != 107:
        pytest.skip("the directory's name is too long")
    got, _ = environment_of(unix_listener(path))
    assert got["UNIXLOCALPATH"] == path


def test_ipv4_by_way_of_ipv6_is_shown_as_ipv4():
    listener = socket.socket(socket.AF_INET6)
    listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
    listener.bind(("::", 0))
    listener.listen()
    listener.setblocking(False)
    client = socket.create_connection(("127.0.0.1", listener.getsockname()[1]), DEADLINE_S)
    got, names = environment_of(listener, client=client)
    check(got, tcp_golden(names, "both"))


def test_nothing_of_the_masters_is_passed_on():
    got, _ = environment_of(tcp_listener())
    assert not [k for k in got if k.startswith("OSTLER_") or k == "GENERATION"]


def test_what_the_service_says_is_passed_on():
    listener = tcp_listener()
    with FakeMaster([listener]) as master:
        _, client = run(master, [], shell("echo $GREETING"), env={"GREETING": "hi"})
        assert read_all(client) == b"hi\n"


# ------------------------------------------------------------- the process


def test_the_program_has_its_client_and_nothing_else(tmp_path):
    """Catalogue 83: descriptors 0, 1 and 2 alone; 2 is the log."""
    code = (
        "import os, sys\n"
        "fds = sorted(int(f) for f in os.listdir('/proc/self/fd'))\n"
        "links = [os.readlink(f'/proc/self/fd/{f}') for f in fds[:3]]\n"
        "print(fds[:3], len(fds), links[0] == links[1], links[2] != links[0])\n"
        "print(os.getsid(0) == os.getpid() == os.getpgid(0), os.get_blocking(0))\n"
        "print('to the log', file=sys.stderr)\n"
    )
    with FakeMaster([tcp_listener()]) as master:
        worker, client = run(master, [], python(code))
        # listdir() itself is the fourth.
        assert read_all(client) == b"[0, 1, 2] 4 True True\nTrue True\n"
        assert worker.log() == "to the log\n"


def test_stderr_may_go_to_the_client():
    with FakeMaster([tcp_listener()]) as master:
        worker, client = run(master, ["--stderr=client"], shell("echo out; echo err >&2"))
        assert read_all(client) == b"out\nerr\n"
        assert worker.log() == ""


def test_no_signal_is_ignored_or_blocked():
    with FakeMaster([tcp_listener()]) as master:
        _, client = run(master, [], ["grep", "^Sig", "/proc/self/status"])
        masks = dict(ln.split(":\t") for ln in read_all(client).decode().splitlines())
        assert int(masks["SigBlk"], 16) == 0
        # 32 and 33 are glibc's own, which its posix_spawn() always ignores.
        assert int(masks["SigIgn"], 16) & ~(3 << 31) == 0


def test_the_program_talks_with_its_client():
    with FakeMaster([tcp_listener()]) as master:
        _, client = run(master, [], ["cat"])  # along PATH
        client.sendall(b"hello\n")
        assert read_exactly(client, 6) == b"hello\n"
        client.shutdown(socket.SHUT_WR)
        assert read_all(client) == b""


def test_each_client_has_its_own_run():
    with FakeMaster([tcp_listener()]) as master:
        worker, client = run(master, [], shell("echo $$"))
        pids = {read_all(client)}
        for _ in range(20):
            with connect(master.listeners[0]) as client:
                pids.add(read_all(client))
        assert len(pids) == 21
        worker.retire()
        assert worker.wait() == 0
        assert worker.log() == ""


# ------------------------------------------------------------- the protocol


def test_the_worker_is_taken_while_the_program_runs():
    with FakeMaster([tcp_listener()]) as master:
        worker, client = run(master, [], ["cat"])
        worker.expect("AVAIL", "TAKEN")
        client.sendall(b"x")
        assert read_exactly(client, 1) == b"x"
        assert worker.is_silent()
        client.close()
        worker.expect("AVAIL")


def test_retirement_lets_the_program_finish():
    with FakeMaster([tcp_listener()]) as master:
        worker, client = run(master, [], ["cat"])
        worker.expect("AVAIL", "TAKEN")
        worker.retire()
        client.sendall(b"still there?\n")
        assert read_exactly(client, 13) == b"still there?\n"
        client.close()
        assert worker.wait() == 0


def test_several_programs_at_once():
    listener = tcp_listener()
    with FakeMaster([listener]) as master:
        worker, first = run(master, ["--max-clients=3"], ["cat"])
        worker.expect("AVAIL")
        clients = [first, connect(listener), connect(listener)]
        for client in clients:
            client.sendall(b"x")
            assert read_exactly(client, 1) == b"x"
        worker.expect("TAKEN")
        late = connect(listener)
        late.sendall(b"y")
        clients[0].close()
        assert read_exactly(late, 1) == b"y"
        assert worker.is_silent()  # one went, one came
        for client in (*clients[1:], late):
            client.close()
        worker.expect("AVAIL")


def test_under_postfixs_master_its_options_come_first():
    with FakeMaster([tcp_listener()], native=False) as master:
        _, client = run(master, [], shell("echo $PROTO"), postfix=["-v", "-z"])
        assert read_all(client) == b"TCP\n"


# ------------------------------------------------------------- its end


@pytest.mark.parametrize("code, how", [
    ("exit 3", "status 3"),
    ("kill -9 $$", "signal 9"),
    ("kill -PIPE $$", "signal 13"),
])
def test_a_bad_end_is_one_line_in_the_log(code, how):
    with FakeMaster([tcp_listener()]) as master:
        worker, client = run(master, [], shell(code))
        read_all(client)
        worker.expect("AVAIL", "TAKEN", "AVAIL")
        port = client.getsockname()[1]
        line = worker.log()
        assert line.startswith('program-ended program="/bin/sh" pid=')
        assert line.endswith(f' client=127.0.0.1:{port} how="{how}"\n')


def test_a_good_end_is_not_worth_a_line():
    with FakeMaster([tcp_listener()]) as master:
        worker, client = run(master, [], ["true"])
        read_all(client)
        worker.expect("AVAIL", "TAKEN", "AVAIL")
        assert worker.log() == ""


def test_a_program_that_is_not_there_is_a_failed_start():
    with FakeMaster([tcp_listener()]) as master:
        for name in "no-such-program", "/no/such/program":
            worker = master.start([SPAWN, name])
            assert worker.wait() == 1
            assert worker.log() == (
                f'spawn-failed program="{name}" error="No such file or directory"\n')
            assert worker.words() == []


def test_a_program_that_cannot_be_executed_says_why(tmp_path):
    rubbish = tmp_path / "rubbish"
    rubbish.write_bytes(b"\x7fELF rubbish")
    rubbish.chmod(0o755)
    with FakeMaster([tcp_listener()]) as master:
        worker, client = run(master, [], [str(rubbish)])
        assert read_all(client) == b""
        worker.expect("AVAIL", "TAKEN", "AVAIL")
        assert 'error="Exec format error"' in worker.log()


def test_a_program_that_vanishes_is_said_at_each_client(tmp_path):
    program = tmp_path / 'a "b" \n'
    program.write_text("#!/bin/sh\necho hello\n")
    program.chmod(0o755)
    with FakeMaster([tcp_listener()]) as master:
        worker, client = run(master, [], [str(program)])
        assert read_all(client) == b"hello\n"
        program.unlink()
        with connect(master.listeners[0]) as client:
            assert read_all(client) == b""
        line = worker.log()
        assert 'error="No such file or directory"' in line
        assert line.count("\n") == 1 and "\\x22b\\x22 \\x0a" in line


# ------------------------------------------------------------- its time


def test_at_its_time_limit_a_program_gets_sigterm():
    with FakeMaster([tcp_listener()]) as master:
        begin = time.monotonic()
        worker, client = run(master, ["--time-limit=300ms"], ["sleep", "1000"])
        assert read_all(client) == b""
        assert time.monotonic() - begin >= 0.3
        worker.expect("AVAIL", "TAKEN", "AVAIL")
        assert 'how="time limit, SIGTERM"' in worker.log()


def test_who_ignores_sigterm_gets_sigkill_and_so_does_its_group():
    code = "trap '' TERM; (trap '' TERM; exec sleep 1000) & echo $!; wait"
    with FakeMaster([tcp_listener()]) as master:
        worker, client = run(
            master, ["--time-limit=200ms", "--kill-time=200ms"], shell(code))
        child = int(read_all(client))
        worker.expect("AVAIL", "TAKEN", "AVAIL")
        assert 'how="time limit, SIGKILL"' in worker.log()
        wait_until(lambda: not alive(child), "its child is gone, too")


def alive(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def test_a_child_that_outlives_its_leader_at_the_limit_is_killed():
    code = "(trap '' TERM; exec sleep 1000) & echo $!; exec sleep 1000"
    with FakeMaster([tcp_listener()]) as master:
        worker, client = run(master, ["--time-limit=200ms", "--kill-time=1h"], shell(code))
        child = int(read_all(client))
        worker.expect("AVAIL", "TAKEN", "AVAIL")
        wait_until(lambda: not alive(child), "the child is gone")


def test_a_stopped_program_is_ended_as_well():
    with FakeMaster([tcp_listener()]) as master:
        worker, client = run(master, ["--time-limit=200ms", "--kill-time=1h"],
                             shell("kill -STOP $$"))
        assert read_all(client) == b""
        worker.expect("AVAIL", "TAKEN", "AVAIL")


def test_a_program_within_its_time_is_left_alone():
    with FakeMaster([tcp_listener()]) as master:
        worker, client = run(master, ["--time-limit=1h"], shell("echo done"))
        assert read_all(client) == b"done\n"
        worker.expect("AVAIL", "TAKEN", "AVAIL")
        assert worker.log() == ""


def test_what_a_program_leaves_behind_is_left_alone():
    """As under any inetd: a daemon may go on, its client's is done."""
    with FakeMaster([tcp_listener()]) as master:
        worker, client = run(
            master, ["--time-limit=1h"],
            shell("sleep 1000 <&- >&- 2>&- & echo $!"))
        child = int(read_all(client))
        worker.expect("AVAIL", "TAKEN", "AVAIL")
        assert alive(child)
        os.kill(child, signal.SIGKILL)


def test_sigterm_takes_the_programs_along():
    """The master's patience is over; nobody is left to look after them."""
    listener = tcp_listener()
    with FakeMaster([listener]) as master:
        worker, client = run(master, ["--max-clients=2"], shell("echo $$; exec sleep 1000"))
        other = connect(listener)
        pids = [int(c.recv(100)) for c in (client, other)]
        worker.signal(signal.SIGTERM)
        assert worker.wait() == -signal.SIGTERM
        for pid in pids:
            wait_until(lambda pid=pid: not alive(pid), "the program is gone")


# ------------------------------------------------------------- the options


@pytest.mark.parametrize("options", [
    [], ["--time-limit=5"], ["--time-limit=x", "cat"], ["--time-limit=-1s", "cat"],
    ["--time-limit=999999d", "cat"], ["--max-clients=0", "cat"],
    ["--max-clients=1025", "cat"], ["--max-clients=2x", "cat"],
    ["--stderr=nowhere", "cat"], ["--environment=klingon", "cat"],
    ["--no-such-option", "cat"], ["--time-limit"],
])
def test_a_bad_command_line_is_refused_with_the_usage(options):
    with FakeMaster([tcp_listener()]) as master:
        worker = master.start([SPAWN, *options])
        assert worker.wait() == 1
        assert "usage: ostler-spawn" in worker.log()
        assert worker.words() == []


def test_the_programs_own_options_are_its_own():
    with FakeMaster([tcp_listener()]) as master:
        _, client = run(master, ["--time-limit", "1m"], ["echo", "--time-limit", "-n"])
        assert read_all(client) == b"--time-limit -n\n"


def test_descriptors_do_not_pile_up():
    with FakeMaster([tcp_listener()]) as master:
        worker, client = run(master, ["--time-limit=1h"], ["true"])
        read_all(client)
        worker.expect("AVAIL", "TAKEN", "AVAIL")
        fds = Path(f"/proc/{worker.pid}/fd")
        before = len(list(fds.iterdir()))
        for _ in range(20):
            with connect(master.listeners[0]) as client:
                read_all(client)
        wait_until(lambda: len(list(fds.iterdir())) == before, "all are closed")
