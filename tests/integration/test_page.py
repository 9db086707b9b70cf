# SPDX-License-Identifier: MIT
"""Quiet status: workers report by bits of a shared page, and lie there, too."""

import contextlib
import mmap
import os
import random
import re
import resource
import shutil
import signal
import struct
import subprocess

import pytest

from ostlerd import (
    BUILD, JOURNAL, ROOT, SANITIZED, Ostlerd, connect, free_port, is_alive, rogue,
    service, state_of, wait_until,
)

SKELETON = BUILD / "tests/integration/skeleton"
WORKERS = 4
root_only = pytest.mark.skipif(not ROOT, reason="looks into descriptors of other users: not root")


def echo(name, listen, **settings):
    settings = {"process_limit": WORKERS, "max_use": 0, **settings}
    return service(name, listen, ["ostler-echo"], **settings)


def skeleton(name, listen, kind="single", **settings):
    settings = {"process_limit": WORKERS, "max_use": 0, **settings}
    return service(name, listen, [SKELETON, kind, JOURNAL], **settings)


def idle_workers(master, name, where, n=WORKERS):
    """N workers, as many as there may be, that are idle and have had a client each."""
    clients = [master.client(where) for _ in range(n)]
    for client in clients:
        assert client.ask("who")
    for client in clients:
        client.close()
    return master.wait_for(name, lambda s: s["ready"] == n and s["taken"] == 0)


def is_served(master, where):
    with master.client(where) as client:
        return client.ask("echo x") is not None


def target(link):
    """Where LINK points to; nowhere, if it has just gone."""
    try:
        return os.readlink(link)
    except FileNotFoundError:
        return ""


class Page:
    """A service's page, by the master's descriptor of it."""

    def __init__(self, master, n=0):
        where = f"/proc/{master.pid}/fd"
        found = [fd for fd in sorted(os.listdir(where), key=int)
                 if target(f"{where}/{fd}").startswith("/memfd:ostler-page")]
        self.all = len(found)
        fd = os.open(f"{where}/{found[n]}", os.O_RDWR)
        self.memory = mmap.mmap(fd, 0)
        os.close(fd)

    def number(self, at, size=8):
        return int.from_bytes(self.memory[at:at + size], "little")

    def ready(self):
        return self.number(128)

    def opened(self):
        return self.number(136)

    def move_epoch(self):
        self.memory[28:32] = struct.pack("<I", self.number(28, 4) + 1)


# ------------------------------------------------------------- honest workers


@pytest.mark.skipif(not shutil.which("strace"), reason="no strace")
@pytest.mark.skipif(SANITIZED, reason="a sanitizer that is traced does not end well")
@pytest.mark.parametrize("command", [["ostler-echo"], ["ostler-echo", "--multi"]])
def test_with_several_idle_workers_a_client_costs_no_message(command, tmp_path):
    trace = tmp_path / "trace"
    text = service("x", ["unix:x"], command, max_use=0, deaf_time="60s", process_limit=WORKERS)
    # One multi worker would serve them all, so these are full with one.
    with Ostlerd(text.replace("--multi", "--multi=1")) as master:
        idle_workers(master, "x", "x")
        tracer = subprocess.Popen(
            ["strace", "-f", "-o", trace, *(f"-p{pid}" for pid in master.workers())],
            stderr=subprocess.PIPE, text=True)
        for _ in range(WORKERS):
            assert "attached" in tracer.stderr.readline()
        for i in range(30):
            with master.client("x") as client:
                assert client.ask(f"{i}") == f"{i}"
            # Traced as they are, they would all be busy with what is over.
            master.wait_for("x", lambda s: s["ready"] == WORKERS)
        assert master.service("x")["served"] == WORKERS + 30
        tracer.send_signal(signal.SIGINT)
        tracer.communicate(timeout=60)
    calls = re.findall(r"^\d+ +(\w+)\(", trace.read_text(), re.M)
    assert calls.count("sendto") == 0
    assert set(calls) <= {"epoll_wait", "epoll_ctl", "accept4", "read", "write", "close", "poll",
                          "restart_syscall", "clock_gettime", "exit_group"}
    # Once a second a worker makes sure that its master lives.
    assert calls.count("poll") <= WORKERS + 30
    assert calls.count("accept4") >= 30


def test_who_keeps_a_client_too_long_is_found_though_he_said_nothing():
    text = echo("x", ["unix:x"], request_time_limit="1s", kill_time="200ms", deaf_time="60s")
    with Ostlerd(text) as master:
        idle_workers(master, "x", "x")
        page = Page(master)
        assert bin(page.opened()).count("1") == page.number(128 + 36, 4) == WORKERS
        # The first one taken rings; the others say nothing.
        first = master.client("x")
        assert first.ask("1") == "1"
        master.wait_for("x", lambda s: s["taken"] == 1)
        silent = master.client("x")
        assert silent.ask("2") == "2"
        first.close()
        # Its siblings have clients of their own all the while.
        served = 0
        while master.service("x")["timeouts"] == 0:
            with master.client("x") as client:
                assert client.ask("3") == "3"
            served += 1
            assert served < 100000
        assert silent.at_end()
        row = master.wait_for("x", lambda s: s["exits"] == 1)
        assert (row["timeouts"], row["failures"]) == (1, 0)
        silent.close()
        # One that is alone with a client is found as well.
        master.wait_for("x", lambda s: s["taken"] == 0)
        with master.client("x") as client:
            assert client.ask("4") == "4"
            master.wait_for("x", lambda s: s["timeouts"] == 2)
            assert client.at_end()


def test_the_status_is_true_though_nobody_has_said_anything():
    with Ostlerd(echo("x", ["unix:x"])) as master:
        idle_workers(master, "x", "x")
        with master.client("x") as client:
            assert client.ask("x") == "x"
            row = master.service("x")
            assert (row["ready"], row["taken"]) == (WORKERS - 1, 1)
            assert row["served"] == WORKERS + 1
        row = master.wait_for("x", lambda s: s["ready"] == WORKERS)
        assert row["starts"] == WORKERS and row["failures"] == 0


@root_only
def test_workers_open_their_page_and_leave_nothing_there():
    with Ostlerd(skeleton("x", ["unix:x"])) as master:
        idle_workers(master, "x", "x")
        page = Page(master)
        assert page.ready() == page.opened() == (1 << WORKERS) - 1
        assert page.number(4096 + 8) == 1  # clients of the first slot
        for pid in master.workers():
            os.kill(pid, signal.SIGKILL)
        wait_until(lambda: page.ready() == page.opened() == 0, "the bits are gone")
        assert set(page.memory[4096:]) == {0}


@root_only
def test_each_service_has_a_page_of_its_own_and_each_user():
    text = skeleton("a", ["unix:a"], user="nobody") + skeleton("b", ["unix:b"], user="nobody")

    def page_of(where):
        """Of a worker: by its mapping, for it has closed the descriptor."""
        with master.client(where) as client:
            pid = int(client.ask("who").split()[0].split("=")[1])
            lines = open(f"/proc/{pid}/maps").read().splitlines()
            return {ln.split()[4] for ln in lines if "memfd:ostler-page" in ln}

    with Ostlerd(text) as master:
        a, b = page_of("a"), page_of("b")
        assert len(a) == len(b) == 1 and a != b
        assert page_of("a") == a
        master.reload(text.replace("nobody", "daemon", 1))
        wait_until(lambda: page_of("a") != a, "the other user's page")
        master.reload(text)
        assert page_of("b") == b
        wait_until(lambda: Page(master).all == 2, "nobody needs the others")


@pytest.mark.parametrize("settings", [{"status_page": "no"}, {"status_channel": "shared"}])
def test_without_a_page_everything_goes_by_messages(settings):
    with Ostlerd(rogue("r", ["unix:r"], **settings) + echo("x", ["unix:x"], **settings)) as master:
        with master.client("r") as client:
            assert not [ln for ln in client.lines("report") if "OSTLER_PAGE" in ln]
        idle_workers(master, "x", "x")
        with master.client("x") as client:
            assert client.ask("x") == "x"
            master.wait_for("x", lambda s: s["taken"] == 1 and s["ready"] == WORKERS - 1)
        master.wait_for("x", lambda s: s["ready"] == WORKERS and s["served"] == WORKERS + 1)


def test_where_descriptors_are_short_workers_have_them_and_no_page():
    def limit():
        resource.setrlimit(resource.RLIMIT_NOFILE, (1024, 1024))

    text = rogue("r", ["unix:r"]) + echo("x", ["unix:x"], process_limit=2)
    # 320 are the master's own, and two are for each worker.
    for workers_max, pages in (350, True), (351, False):
        with Ostlerd(f"workers_max = {workers_max}\n{text}", preexec=limit) as master:
            with master.client("r") as client:
                env = [ln for ln in client.lines("report") if "OSTLER_PAGE" in ln]
                assert bool(env) == pages
            idle_workers(master, "x", "x", 2)


def test_workers_that_know_nothing_of_the_page_and_those_that_do_are_one_pool():
    """rogue opens it for some, by chance of who is first."""
    text = rogue("web", ["unix:web"], "--start", "journal up", "--served", "at 1 page open")
    with Ostlerd(text) as master:
        for _ in range(5):
            assert is_served(master, "web")
        with master.client("web") as client:
            assert client.ask("echo x") == "x"
            master.wait_for("web", lambda s: s["taken"] == 1)
        row = master.wait_for("web", lambda s: s["taken"] == 0)
        assert row["failures"] == 0


@root_only
def test_workers_from_a_mold_use_the_page():
    with Ostlerd(skeleton("x", ["unix:x"], mold="yes", ready="notify")) as master:
        with master.client("x") as first:
            first.ask("who")
            master.wait_for("x", lambda s: s["mold"] == "ready")
            with master.client("x") as second:
                second.ask("who")
                row = master.wait_for("x", lambda s: s["taken"] == 2)
                assert row["molded"] == 1
                assert Page(master).opened() == 3
        master.wait_for("x", lambda s: s["ready"] == 2 and s["served"] == 2)


@root_only
def test_when_the_epoch_moves_the_oldest_worker_is_not_woken_first_any_more():
    def who():
        with master.client("x") as client:
            return client.ask("who").split()[0]

    with Ostlerd(skeleton("x", ["unix:x"], process_limit=2)) as master:
        idle_workers(master, "x", "x", 2)
        page = Page(master)
        for _ in range(3):
            seen = set()

            def both():
                # Whoever sleeps hears of it when it has had a client.
                page.move_epoch()
                seen.add(who())
                master.wait_for("x", lambda s: s["ready"] == 2)
                return len(seen) == 2

            wait_until(both, "the other one has a client")


def test_clients_per_worker_bounds_what_a_worker_takes_at_once():
    text = service("x", ["unix:x"], ["ostler-echo", "--multi=50"], max_use=0,
                   clients_per_worker=2)
    with Ostlerd(text) as master:
        clients = [master.client("x") for _ in range(6)]
        for client in clients:
            assert client.ask("x") == "x"
        row = master.wait_for("x", lambda s: s["taken"] + s["ready"] == s["total"])
        assert row["total"] >= 3 and row["served"] == 6
        for client in clients:
            client.close()
        master.wait_for("x", lambda s: s["ready"] == s["total"])


def test_a_full_worker_takes_nobody_while_another_is_idle():
    text = service("x", ["unix:x"], ["ostler-echo", "--multi"], max_use=0,
                   clients_per_worker=1, process_limit=2)
    with Ostlerd(text) as master:
        with master.client("x") as first, master.client("x") as second:
            assert first.ask("x") == second.ask("x") == "x"
        master.wait_for("x", lambda s: s["ready"] == 2)
        for _ in range(10):
            with master.client("x") as first, master.client("x") as second:
                assert first.ask("x") == second.ask("x") == "x"
                assert master.service("x")["taken"] == 2


# ------------------------------------------------------------- sudden ends


def test_workers_killed_at_any_moment_leave_the_master_with_the_truth():
    port = free_port()
    seed = random.randrange(1 << 30)
    print(f"seed {seed}")
    dice = random.Random(seed)
    text = echo("x", [f"127.0.0.1:{port}"], process_limit=5, start_rate=100000,
                throttle_time="50ms")
    with Ostlerd(text) as master:
        for _ in range(60):
            clients = [master.client(port) for _ in range(dice.randrange(1, 6))]
            workers = master.workers()
            with contextlib.suppress(ProcessLookupError, IndexError):
                os.kill(dice.choice(workers), signal.SIGKILL)
            for client in clients:
                client.close()
        for _ in range(10):
            with master.client(port) as client:
                assert client.ask("x") == "x"

        def is_true():
            row = master.service("x")
            return row["ready"] == row["total"] == len(master.workers()) > 0

        wait_until(is_true, "the status says who there is, and that they are idle")


def test_one_killed_between_its_bit_and_its_message_does_not_matter():
    """It has cleared its bit, and never says TAKEN."""
    text = rogue("web", ["unix:web"], "--start", "page open", process_limit=1, max_use=0,
                 throttle_time="50ms")
    with Ostlerd(text) as master:
        assert is_served(master, "web")
        master.wait_for("web", lambda s: s["ready"] == 1)
        pid, = master.workers()
        os.kill(pid, signal.SIGSTOP)
        wait_until(lambda: state_of(pid) == "T", "it is stopped")
        os.kill(pid, signal.SIGKILL)
        assert is_served(master, "web")
        assert master.service("web")["starts"] == 2


def test_a_stopped_worker_is_suspected_and_the_others_go_on():
    text = skeleton("x", ["unix:x"], deaf_time="200ms", process_limit=3)
    with Ostlerd(text) as master:
        idle_workers(master, "x", "x", 3)
        master.reload(text.replace("process_limit = 3", "process_limit = 10"))
        stopped = master.workers()[:2]
        for pid in stopped:
            os.kill(pid, signal.SIGSTOP)
            wait_until(lambda pid=pid: state_of(pid) == "T", "it is stopped")
        clients = [master.client("x") for _ in range(4)]
        seen = {int(c.ask("who").split()[0].split("=")[1]) for c in clients}
        assert len(seen) == 4 and not seen & set(stopped)
        row = master.wait_for("x", lambda s: s["suspect"] == 2)
        assert row["taken"] == 4
        for pid in stopped:
            os.kill(pid, signal.SIGCONT)
        for client in clients:
            client.close()
        for _ in range(5):
            assert is_served(master, "x")
        assert all(is_alive(pid) for pid in stopped)


# ------------------------------------------------------------- lies


def liar(*switches, **settings):
    return rogue("web", ["unix:web"], "--start", "page open", *switches, deaf_time="200ms",
                 **settings)


def test_all_bits_set_while_all_are_taken_costs_a_client_a_lease():
    with Ostlerd(liar(process_limit=5)) as master:
        with master.client("web") as one, master.client("web") as two:
            assert one.ask("echo x") == two.ask("echo x") == "x"
            master.wait_for("web", lambda s: s["taken"] == 2)
            one.ask("page freeze")
            one.ask("page all")
            one.ask("say 1")  # a doorbell
            # Believed, so that nobody is started at once; but not for long.
            assert is_served(master, "web")
            assert master.service("web")["total"] <= 5


def test_all_bits_cleared_while_all_are_ready_starts_no_more_than_the_limit():
    with Ostlerd(liar(process_limit=3)) as master:
        with master.client("web") as client:
            client.ask("page freeze")
            client.ask("page none")
            for _ in range(5):
                client.ask("say 0")
                client.ask("page none")
                with connect(master.runtime / "web") as other:
                    assert other.ask("echo x") == "x"
            assert master.service("web")["total"] <= 3


def test_bits_of_places_where_nobody_is_are_nobodys():
    with Ostlerd(liar(process_limit=4)) as master:
        with master.client("web") as client:
            for lie in "all", "opened", "worn":
                client.ask(f"page {lie}")
                client.ask("say 0")
            row = master.service("web")
            assert row["ready"] + row["taken"] + row["starting"] + row["retiring"] \
                == row["total"] <= 4
        wait_until(lambda: is_served(master, "web"), "its service goes on")


def test_noise_in_the_page_harms_nobody_but_its_service():
    seed = random.randrange(1 << 30)
    print(f"seed {seed}")
    text = liar(process_limit=4, start_rate=100000) + echo("good", ["unix:good"], process_limit=2)
    with Ostlerd(text) as master:
        idle_workers(master, "good", "good", 2)
        with master.client("web") as client:
            for i in range(40):
                client.ask(f"page {('noise', 'slots')[i % 2]} {seed + i}")
                client.ask(f"say {i // 2 % 2}")
                row = master.service("web")
                assert row["total"] <= 4
                assert row["ready"] + row["taken"] + row["starting"] + row["retiring"] \
                    == row["total"]
                with master.client("good") as good:
                    assert good.ask("x") == "x"
            assert client.ask("page none") == "0"
        row = master.service("good")
        assert row["starts"] == 2 and row["failures"] == 0


def test_a_page_cannot_be_made_shorter_and_a_hole_does_no_harm():
    with Ostlerd(liar(process_limit=3)) as master:
        with master.client("web") as client:
            for size in 0, 100, 1 << 30:
                assert int(client.ask(f"page truncate {size}")) < 0
            assert client.ask("page punch") == "0"
            client.ask("say 0")
            assert master.service("web")["total"] == 1
        for _ in range(3):
            assert is_served(master, "web")


def test_one_that_never_moves_its_bit_is_taken_by_its_messages():
    """It says that it uses the page, and then does not."""
    with Ostlerd(liar("--start", "page freeze", process_limit=3)) as master:
        for _ in range(5):
            assert is_served(master, "web")
        row = master.service("web")
        assert row["total"] <= 3 and row["failures"] == 0
