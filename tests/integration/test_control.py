# SPDX-License-Identifier: MIT
"""The control socket of the real master, and who may do what there."""

import json
import os
import random
import re
import resource
import select
import socket
import subprocess
import time

import pytest

from ostlerd import (
    OSTLER,
    OSTLERD,
    ROOT,
    SANITIZED,
    Ostlerd,
    cpu_seconds,
    free_port,
    libexec,
    run,
    service,
    start_process,
    wait_until,
)

needs_root = pytest.mark.skipif(not ROOT, reason="only root can be somebody else")
NOBODY, MEMBERS = 65534, 60  # the group `games`: nobody is in it


def echo(name, listen, **settings):
    return service(name, listen, ["ostler-echo"], **settings)


def one(port, **more):
    return Ostlerd(echo("one", [f"127.0.0.1:{port}"]), **more)


def as_user(uid, *groups):
    groups = ["--groups", ",".join(map(str, groups))] if groups else ["--clear-groups"]
    return ["setpriv", "--reuid", str(uid), "--regid", str(uid), *groups, "--"]


def ask(master, words, who=()):
    return run([*who, str(OSTLER), "-s", str(master.control), *words])


def raw(master):
    connection = socket.socket(socket.AF_UNIX)
    connection.settimeout(30)
    connection.connect(os.fspath(master.control))
    return connection


def everything(connection):
    data = b""
    try:
        while part := connection.recv(65536):
            data += part
    except ConnectionError:
        pass
    return data


# ------------------------------------------------------------- who


# catalogue 87
@needs_root
def test_a_stranger_may_do_nothing():
    port = free_port()
    with one(port) as master:
        for words in (["status"], ["status", "--json"], ["reload"], ["stop"], ["stop", "--now"]):
            done = ask(master, words, as_user(NOBODY))
            assert done.returncode == 4, (words, done)
            assert done.stdout == ""
        refused = master.events("control-refused")
        assert refused and all(e["uid"] == str(NOBODY) for e in refused)
        with master.client(port) as client:
            assert client.ask("here") == "here"


@needs_root
def test_a_member_of_the_group_may_look_and_do_nothing_else():
    port = free_port()
    with one(port, head='control_group = "games"\n') as master:
        member = as_user(NOBODY, MEMBERS)
        done = ask(master, ["status", "--json"], member)
        assert done.returncode == 0
        assert json.loads(done.stdout)["services"][0]["name"] == "one"
        assert ask(master, ["reload"], member).returncode == 4
        assert ask(master, ["stop"], member).returncode == 4
        assert ask(master, ["status"], as_user(NOBODY)).returncode == 4
        # By its own group as well as by a supplementary one.
        primary = ["setpriv", "--reuid", "1", "--regid", str(MEMBERS), "--clear-groups", "--"]
        assert ask(master, ["status"], primary).returncode == 0
        assert master.status()["master"]["state"] == "running"


@needs_root
def test_the_owner_of_the_master_and_root_may_all():
    port = free_port()
    prefix = as_user(NOBODY)
    text = service("one", [f"127.0.0.1:{port}"], ["ostler-echo"], user=None)

    def run_it(directory):
        os.chown(directory, NOBODY, NOBODY)

    master = Ostlerd(text, prefix=prefix)
    run_it(master.directory)
    with master:
        for who in (prefix, []):
            assert ask(master, ["status"], who).returncode == 0
            assert ask(master, ["reload"], who).returncode == 0
        assert ask(master, ["status"], as_user(1)).returncode == 4
        assert ask(master, ["stop"], as_user(1)).returncode == 4
        assert ask(master, ["stop"], prefix).returncode == 0
        assert master.wait() == 0


# ------------------------------------------------------------- exit codes


def test_exit_codes_against_the_real_master():
    port = free_port()
    with one(port) as master:
        assert master.ostler("status").returncode == 0
        assert master.ostler("status", "one").returncode == 0
        assert master.ostler("status", "none").returncode == 1
        assert master.ostler("reload").returncode == 0
        assert master.ostler("no-such-verb").returncode == 2
        assert master.ostler("version").returncode == 0
        assert master.ostler("check", str(master.config)).returncode == 0
        master.write("service one {\n}\n")
        assert master.ostler("check", str(master.config)).returncode == 78
        assert master.reload(good=False).returncode == 1
        assert run([str(OSTLER), "-s", str(master.directory / "none"), "status"]).returncode == 3
        master.stop()
        assert master.ostler("status").returncode == 3
        assert master.ostler("stop").returncode == 3


def test_check_looks_up_users_and_directories(tmp_path):
    config = tmp_path / "ostler.conf"
    head = f'runtime_directory = "{tmp_path}/not/yet"\n'

    def check(text):
        config.write_text(head + text)
        done = run([str(OSTLERD), "--check", "-c", str(config)],
                   env={**os.environ, "OSTLER_LIBEXEC": str(libexec())})
        return done.returncode, done.stdout

    assert check(echo("one", ["unix:one"])) == (0, f"{config}: 1 service, no errors\n")
    code, said = check(echo("one", ["unix:one"]) + echo("two", ["unix:two"]))
    assert code == 0 and said.endswith(f"{config}: 2 services, no errors\n")
    code, said = check(echo("one", ["unix:one"], user="no-such-user")
                       + echo("two", [f"unix:{tmp_path}/none/two"], directory="/no/such"))
    assert code == 78 and "no errors" not in said
    assert f"{config}:2: service 'one': no user" in said
    assert f"there is no directory \"{tmp_path}/none\"" in said
    assert "there is no directory \"/no/such\"" in said
    config.unlink()
    done = run([str(OSTLERD), "--check", "-c", str(config)])
    assert done.returncode == 78 and "-c" not in done.stdout and str(config) in done.stdout


def test_too_low_a_limit_of_open_files_is_told_with_the_figure(tmp_path):
    def low():
        resource.setrlimit(resource.RLIMIT_NOFILE, (300, 300))

    master = Ostlerd(echo("one", ["unix:one"]), preexec=low)
    try:
        assert master.launch().wait() == 1
        least = int(re.search(r"300 descriptors leave none.* to (\d+) at least", master.log())[1])
    finally:
        master._remove()

    def enough():
        resource.setrlimit(resource.RLIMIT_NOFILE, (least, least))

    with Ostlerd(echo("one", ["unix:one"]), preexec=enough):
        pass


def test_status_tells_what_is_there():
    port = free_port()
    text = echo("one", [f"127.0.0.1:{port}", "unix:name"], process_limit=3, backlog=7)
    with Ostlerd(text) as master:
        busy = [master.client(port) for _ in range(3)]
        for client in busy:
            assert client.ask("here") == "here"
        waiting = [master.client(port) for _ in range(2)]
        row = master.wait_for("one", lambda s: s["taken"] == 3 and s["depth"] == 2)
        assert (row["limit"], row["total"], row["ready"]) == (3, 3, 0)
        assert row["state"] == "at-limit"
        assert [e["text"] for e in row["endpoints"]] == [
            f"127.0.0.1:{port}", f"unix:{master.runtime}/name"]
        assert row["endpoints"][0]["depth"] == 2 and row["endpoints"][0]["backlog"] == 7
        for client in busy:
            client.close()
        for client in waiting:
            assert client.ask("served") == "served"
            client.close()
        row = master.wait_for("one", lambda s: s["ready"] == 3)
        assert row["state"] == "up" and row["depth"] == 0
        text = master.ostler("status").stdout
        assert "one" in text and f"127.0.0.1:{port}" in text


def test_the_time_at_the_limit_is_told_and_stops_when_there_is_room():
    port = free_port()
    text = echo("one", [f"127.0.0.1:{port}"], process_limit=2)
    with Ostlerd(text) as master:
        first = master.client(port)
        assert first.ask("one") == "one"
        assert master.service("one")["limit_hits"] == 0
        with master.client(port) as second:
            assert second.ask("two") == "two"
            row = master.wait_for("one", lambda s: s["limit_hits"] == 1)
            more = master.wait_for("one", lambda s: s["limit_seconds"] > row["limit_seconds"])
            assert (more["limit_hits"], more["stress"]) == (1, 0)
        still = master.wait_for("one", lambda s: s["taken"] == 1)["limit_seconds"]
        # Status is asked as often as it takes for time to pass.
        up = master.status()["master"]["uptime_seconds"]
        wait_until(lambda: master.status()["master"]["uptime_seconds"] > up + 0.05, "time passes")
        assert master.service("one")["limit_seconds"] == still >= more["limit_seconds"]
        assert "all taken, at its limit: 1 time, " in master.ostler("status").stdout
        first.close()


# catalogue 86
def test_status_and_log_are_printable_whatever_the_names(tmp_path):
    port = free_port()
    evil = tmp_path / "\x1b]0;evil\x07\u202eprogram"
    evil.write_text("#!/no/such/\x1b[2Jinterpreter\n")
    evil.chmod(0o755)
    program = rf"{tmp_path}/\x1b]0;evil\x07\xe2\x80\xaeprogram"
    bad = service("one", [f"127.0.0.1:{port}"], ["PROGRAM"]).replace("PROGRAM", program)
    with Ostlerd(bad) as master:
        with master.client(port):
            master.wait_for("one", lambda s: s["failures"] > 0)
            for words in (["status"], ["status", "--json"]):
                out = master.ostler(*words).stdout
                assert all(" " <= c <= "~" or c == "\n" for c in out), repr(out)
            assert all(" " <= c <= "~" or c == "\n" for c in master.log()), repr(master.log())


# ------------------------------------------------------------- hostile clients


def answers_quickly(master, who=()):
    started = time.monotonic()
    done = ask(master, ["status", "--json"], who)
    assert done.returncode == 0, done
    took = time.monotonic() - started
    assert took < (10 if SANITIZED else 5), took
    return done


def test_two_hundred_silent_clients_do_not_keep_root_out():
    port = free_port()
    with one(port) as master:
        before = master.fds()
        silent = []
        for _ in range(200):
            connection = socket.socket(socket.AF_UNIX)
            silent.append(connection)  # blocking: one that waits until it is its turn
            connection.connect(os.fspath(master.control))
        for _ in range(5):
            answers_quickly(master)
        assert master.fds() <= before + 40
        with master.client(port) as client:
            assert client.ask("here") == "here"
        for connection in silent:
            connection.close()
        wait_until(lambda: master.fds() <= before + 3, "their descriptors are closed")


@needs_root
def test_two_hundred_silent_strangers_do_not_keep_root_out():
    port = free_port()
    crowd = (
        "import socket,sys\n"
        "held=[]\n"
        "for _ in range(200):\n"
        "    s=socket.socket(socket.AF_UNIX); s.connect(sys.argv[1]); held.append(s)\n"
        "print('there', flush=True)\n"
        "sys.stdin.read()\n")
    with one(port) as master:
        strangers = start_process(
            [*as_user(NOBODY), "/usr/bin/python3", "-c", crowd, str(master.control)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        try:
            assert strangers.stdout.readline() == b"there\n"
            for _ in range(5):
                answers_quickly(master)
        finally:
            strangers.communicate()
        with master.client(port) as client:
            assert client.ask("here") == "here"


@pytest.mark.parametrize("request_bytes", [
    b"", b"st", b"status", b"status\n\n\nstatus\n", b"\0" * 100, b"x" * 100000, b"\xff\xfe\n",
    b"status one two\n", b"status \x1b[2J\n", b"stop later\n", b"\n", b"ping\r\n",
])
def test_garbage_is_answered_or_refused_and_nothing_happens(request_bytes):
    port = free_port()
    with one(port) as master:
        with raw(master) as connection:
            try:
                connection.sendall(request_bytes)
            except (BrokenPipeError, ConnectionResetError):
                pass
            try:
                connection.shutdown(socket.SHUT_WR)
            except OSError:
                pass
            answer = everything(connection)
        assert all(c == 10 or 32 <= c < 127 for c in answer)
        assert master.status()["master"]["state"] == "running"
        with master.client(port) as client:
            assert client.ask("here") == "here"


def test_random_garbage_never_harms():
    port = free_port()
    rng = random.Random(4711)
    words = [b"status", b"reload", b"ping", b"version", b" ", b"\n", b"\0", b"\xff", b"one", b"="]
    with one(port) as master:
        before = master.fds()
        for _ in range(300):
            with raw(master) as connection:
                data = b"".join(rng.choice(words) for _ in range(rng.randrange(8)))
                try:
                    connection.sendall(data)
                    if rng.random() < 0.5:
                        connection.shutdown(socket.SHUT_WR)
                        everything(connection)
                except OSError:
                    pass
        wait_until(lambda: master.status()["master"]["state"] == "running", "it rests")
        wait_until(lambda: master.fds() <= before + 3, "their descriptors are closed")
        with master.client(port) as client:
            assert client.ask("here") == "here"


def many(n):
    return "".join(echo(f"service-{i}", [f"unix:s{i}"]) for i in range(n))


def test_status_of_two_hundred_services_and_who_never_reads_it():
    with Ostlerd(many(200)) as master:
        status = json.loads(answers_quickly(master).stdout)
        assert len(status["services"]) == 200
        assert len(master.ostler("status").stdout.splitlines()) >= 200
        lazy = []
        for _ in range(12):
            connection = raw(master)
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
            connection.sendall(b"status\n")
            lazy.append(connection)
        memory = rss(master.pid)
        for _ in range(3):
            assert len(json.loads(answers_quickly(master).stdout)["services"]) == 200
        assert rss(master.pid) < memory + 20000  # KiB
        with master.client("s7") as client:
            assert client.ask("here") == "here"
        # Who reads slowly gets it whole all the same.
        whole = everything(lazy[0])
        assert whole.count(b"\nservice ") == 200 and whole.endswith(b"end result=ok\n")
        for connection in lazy:
            connection.close()


def rss(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("VmRSS"))


def test_a_client_that_goes_away_in_the_middle_is_forgotten():
    with Ostlerd(many(200)) as master:
        before = master.fds()
        for request in (b"status\n", b"reload\n", b"status\n", b"reload\n"):
            for _ in range(10):
                with raw(master) as connection:
                    connection.sendall(request)
        wait_until(lambda: master.status()["master"]["state"] == "running", "it rests")
        wait_until(lambda: master.fds() <= before + 3, "their descriptors are closed")


# catalogue 47
def test_without_descriptors_the_master_does_not_spin():
    """All descriptors but a few are gone: it pauses, and goes on later."""
    port = free_port()
    with one(port, head="workers_max = 10\n") as master:
        soft, hard = resource.prlimit(master.pid, resource.RLIMIT_NOFILE)
        used = max(int(n) for n in os.listdir(f"/proc/{master.pid}/fd")) + 1
        resource.prlimit(master.pid, resource.RLIMIT_NOFILE, (used, hard))
        connections = []
        for _ in range(4):
            connections.append(raw(master))
        client = master.client(port)
        client.send("here\n")
        before = cpu_seconds(master.process.pid)
        # What is measured is the lack of events: there is none to wait for.
        select.select([], [], [], 1)
        assert cpu_seconds(master.process.pid) - before < 0.5
        resource.prlimit(master.pid, resource.RLIMIT_NOFILE, (soft, hard))
        assert client.line() == "here"
        client.close()
        for connection in connections:
            connection.close()
        answers_quickly(master)


# ------------------------------------------------------------- while it starts


HIDE = 'mount --bind "$0" /etc/passwd && exec "$@"'


def can_hide():
    """A file of /etc is ours to replace, for one process."""
    return ROOT and run(["unshare", "-m", "sh", "-c", HIDE, "/dev/null", "true"]).returncode == 0


@pytest.mark.skipif(not can_hide(), reason="no mount namespace can be made")
def test_a_master_that_looks_users_up_says_that_it_is_starting(tmp_path):
    fifo = tmp_path / "passwd"
    os.mkfifo(fifo)
    master = Ostlerd(echo("web", ["unix:web"], user="nobody"),
                     prefix=["unshare", "-m", "sh", "-c", HIDE, str(fifo)])
    try:
        master.launch()
        # Who reads it waits for us.
        wait_until(lambda: master.ostler("status").returncode == 0, "it answers")
        assert master.status()["master"]["state"] == "starting"
        done = master.ostler("status", "web")
        assert done.returncode == 1 and "the master is starting" in done.stderr
        done = master.ostler("drain", "web")
        assert done.returncode == 1 and "the master is starting" in done.stderr
        known = open("/etc/passwd").read()

        def is_fed():
            try:
                with os.fdopen(os.open(fifo, os.O_WRONLY | os.O_NONBLOCK), "w") as passwd:
                    passwd.write(known)
            except OSError:  # nobody reads it just now
                pass
            return master.status()["master"]["state"] == "running"

        wait_until(is_fed, "it serves")
        with master.client("web") as client:
            assert client.ask("here") == "here"
        master.stop()
    finally:
        master._remove()
