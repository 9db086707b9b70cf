# SPDX-License-Identifier: MIT
"""Workers that lie, flood, fall silent, hold on, or would not go."""

import os
import signal
import socket
import time

import pytest

from ostlerd import (
    JOURNAL,
    SANITIZED,
    Ostlerd,
    connect,
    free_port,
    is_alive,
    orphans,
    rogue,
    service,
    state_of,
    wait_until,
)

GOSSIP = ("bad_size", "bad_pid", "bad_generation", "bad_status")


def counts(row):
    return {name: row[name] for name in GOSSIP}


def wait_counts(master, name="web", **want):
    want = {n: 0 for n in GOSSIP} | want
    row = master.wait_for(name, lambda s: counts(s) == want)
    assert row["state"] == "up" and row["failures"] == 0
    return row


def pass_time(seconds):
    """For what must not happen: look again when SECONDS are over."""
    end = time.monotonic() + seconds
    wait_until(lambda: time.monotonic() > end, "time passes")


def is_served(master, name):
    with master.client(name) as client:
        return client.ask("echo x") == "x"


# ------------------------------------------------------------- lies


def test_messages_of_every_wrong_size_are_counted_and_dropped():
    """Catalogue 3, 4."""
    with Ostlerd(rogue("web", ["unix:web"])) as master:
        with master.client("web") as client:
            assert client.ask("sizes 0 64") == "ok"
            wait_counts(master, bad_size=64)
            assert client.ask("lie own own 1 200") == "200"
            row = wait_counts(master, bad_size=65)
            assert row["taken"] == 1  # it is still what it truly said
        assert is_served(master, "web")
        master.wait_for("web", lambda s: s["ready"] >= 1 and s["taken"] == 0)
        line = master.wait_event("bad-status")
        assert line["service"] == "web" and line["what"] == "size"


@pytest.mark.parametrize("pid", ["+1", "-1", "0", "1", "-1000000", "2147483647"])
def test_somebody_elses_pid_is_counted_and_dropped(pid):
    """Catalogue 1, 2."""
    with Ostlerd(rogue("web", ["unix:web"])) as master:
        with master.client("web") as client:
            client.ask(f"lie {pid} own 1")
            row = wait_counts(master, bad_pid=1)
            assert (row["taken"], row["ready"]) == (1, 0)


@pytest.mark.parametrize("generation", ["+1", "-1", "0", "4294967295", "2147483648"])
def test_another_generation_is_counted_and_dropped(generation):
    """Catalogue 9: as from one who had the pid before."""
    with Ostlerd(rogue("web", ["unix:web"])) as master:
        assert is_served(master, "web")
        with master.client("web") as one, master.client("web") as two:
            assert one.ask("pid") != two.ask("pid")
            two.ask(f"lie own {generation} 1")
            wait_counts(master, bad_generation=1)
            master.wait_for("web", lambda s: s["taken"] == 2)


@pytest.mark.parametrize("word", ["2", "-1", "256", "2147483647", "-2147483648"])
def test_a_status_that_is_neither_is_counted_and_dropped(word):
    with Ostlerd(rogue("web", ["unix:web"])) as master:
        with master.client("web") as client:
            client.ask(f"lie own own {word}")
            assert wait_counts(master, bad_status=1)["taken"] == 1


def test_words_about_siblings_and_strangers_change_nothing():
    """Catalogue 1, 2: with their true pids and generations."""
    text = rogue("web", ["unix:web"]) + rogue("other", ["unix:other"])
    with Ostlerd(text) as master:
        with master.client("web") as liar, master.client("web") as sibling, \
                master.client("other") as stranger:
            pids = [c.ask("pid") for c in (liar, sibling, stranger)]
            births = [c.lines("report") for c in (sibling, stranger)]
            numbers = [ln.split("=")[1] for b in births for ln in b
                       if ln.startswith("env GENERATION=")]
            for pid, number in zip(pids[1:], numbers):
                for word in 0, 1:
                    liar.ask(f"lie {pid} {int(number, 8)} {word}")
            liar.ask(f"lie {master.pid} own 1")
            row = wait_counts(master, bad_pid=5)
            assert (row["taken"], row["ready"], row["redundant"]) == (2, 0, 0)
            row = master.service("other")
            assert (row["taken"], row["ready"], row["redundant"]) == (1, 0, 0)
            assert counts(row) == {n: 0 for n in GOSSIP}


def test_redundant_words_are_counted_and_harmless():
    """Catalogue 11."""
    with Ostlerd(rogue("web", ["unix:web"])) as master:
        with master.client("web") as client:
            for _ in range(3):
                assert client.ask("say 0") == "ok"
            row = master.wait_for("web", lambda s: s["redundant"] == 3)
            assert row["taken"] == 1
        for _ in range(3):
            assert is_served(master, "web")
        row = master.wait_for("web", lambda s: s["taken"] == 0)
        assert row["failures"] == 0 and row["starts"] <= 4  # one each, at most


def test_a_worker_that_says_avail_with_a_client_harms_only_its_service():
    text = rogue("web", ["unix:web"], deaf_time="200ms") + rogue("other", ["unix:other"])
    with Ostlerd(text) as master:
        with master.client("web") as client:
            pid = client.ask("pid")
            assert client.ask("say 1") == "ok"
            master.wait_for("web", lambda s: s["ready"] == 1)
            assert is_served(master, "other")
            with master.client("web") as second:  # a lease later
                assert second.ask("pid") != pid


def test_complaints_are_logged_at_a_limited_rate():
    with Ostlerd(rogue("web", ["unix:web"])) as master:
        begin = time.monotonic()
        with master.client("web") as client:
            for _ in range(20):
                assert client.ask("flood 100 7") == "ok"
        wait_counts(master, bad_status=2000)
        took = time.monotonic() - begin
        lines = master.events("bad-status")
        assert 1 <= len(lines) <= 12 + took
        assert len(master.log()) < 10000


def test_a_word_and_then_the_end_at_once():
    """Catalogue 10."""
    with Ostlerd(rogue("web", ["unix:web"], process_limit=20)) as master:
        for _ in range(20):
            with master.client("web") as client:
                client.send("flood 50\nexit 0\n")
                assert client.at_end()
        row = master.wait_for("web", lambda s: s["exits"] == 20)
        assert (row["failures"], row["total"], row["leftover"]) == (0, 0, 0)
        assert is_served(master, "web")


# ------------------------------------------------------------- floods


def test_floods_do_not_starve_others_nor_the_processor():
    """Catalogue 6."""
    text = (rogue("web", ["unix:web"]) + rogue("bad", ["unix:bad"])
            + rogue("fresh", ["unix:fresh"], "--served", "exit 0"))
    with Ostlerd(text) as master:
        flooders = [master.client("bad") for _ in range(3)]
        for client in flooders:
            client.send("flood 0 0\n")
        wait_until(lambda: len(master.workers("bad")) == 3, "there are three")
        master.wait_for("bad", lambda s: s["flood"] >= 10)
        begin, cpu = time.monotonic(), master.cpu_seconds()
        times = []
        while time.monotonic() - begin < 1.5:
            at = time.monotonic()
            assert is_served(master, "web")
            assert is_served(master, "fresh")  # a start for each
            times.append(time.monotonic() - at)
        share = (master.cpu_seconds() - cpu) / (time.monotonic() - begin)
        assert share < (0.9 if SANITIZED else 0.5), share
        assert sorted(times)[len(times) // 2] < 0.5
        for pid in master.workers("bad"):
            os.kill(pid, signal.SIGKILL)
        for client in flooders:
            assert client.at_end()
            client.close()


def test_a_flood_alone_costs_the_master_little():
    """Catalogue 6: its budget spent, a channel rests."""
    with Ostlerd(rogue("bad", ["unix:bad"], stop_time="100ms", kill_time="100ms")) as master:
        client = master.client("bad")
        client.send("flood 0\n")
        master.wait_for("bad", lambda s: s["flood"] >= 3)
        cpu, begin = master.cpu_seconds(), time.monotonic()
        pass_time(1)
        took = time.monotonic() - begin
        assert (master.cpu_seconds() - cpu) / took < (0.6 if SANITIZED else 0.25)
        # And the one who floods is stopped as anybody is.
        master.stop()
        client.close()


def test_descriptors_sent_to_the_master_are_not_kept():
    """Catalogue 7."""
    with Ostlerd(rogue("web", ["unix:web"])) as master:
        with master.client("web") as client:
            assert client.ask("echo x") == "x"
            before = master.fds()
            # Since Linux 6.16 they cannot even be sent.
            sent = [int(client.ask("rights 5")) for _ in range(20)]
            assert set(sent) in ({0}, {5})
            if sent[0]:
                master.wait_for("web", lambda s: s["redundant"] >= 99)
            wait_until(lambda: master.fds() <= before, "all are closed")
        assert is_served(master, "web")


def test_a_stopped_master_does_not_stop_its_workers():
    """Catalogue 5, 65: a full channel must not block who serves."""
    port = free_port()
    text = service("echo", [f"127.0.0.1:{port}"], ["ostler-echo"], max_use=0)
    with Ostlerd(text) as master:
        with master.client(port) as client:
            assert client.ask("hello") == "hello"
        master.wait_for("echo", lambda s: s["ready"] == 1)
        master.send_signal(signal.SIGSTOP)
        try:
            for _ in range(1000):
                with connect(port) as client:
                    assert client.ask("hello") == "hello"
        finally:
            master.send_signal(signal.SIGCONT)
        row = master.wait_for("echo", lambda s: s["ready"] == 1 and s["taken"] == 0)
        assert row["failures"] == 0 and row["suspect"] == 0
        assert [w for w in master.events("worker-suspect")] == []


# ------------------------------------------------------------- mute ones


@pytest.mark.parametrize("how", ["close 5", "shutdown 5 rdwr", "shutdown 5 wr"])
def test_a_worker_without_a_channel_is_mute_and_counted(how):
    """It may serve for ever; nobody can know, and it costs nothing."""
    text = rogue("web", ["unix:web"], "--deaf", process_limit=2, retire_grace="100ms",
                 stop_time="200ms", kill_time="5s")
    with Ostlerd(text) as master:
        client = master.client("web")
        pid = int(client.ask("pid"))
        client.ask(how)
        row = master.wait_for("web", lambda s: s["mute"] == 1)
        assert (row["total"], row["ready"], row["failures"]) == (1, 0, 0)
        cpu = master.cpu_seconds()
        pass_time(0.5)
        assert master.cpu_seconds() - cpu < 0.2  # the end does not spin
        with master.client("web") as other:  # there is room for one more
            assert int(other.ask("pid")) != pid
        assert is_alive(pid)
        client.close()
        # Signals are all that it can hear, so it gets one at once.
        master.stop()
        assert not is_alive(pid)


def test_mute_workers_at_the_limit_are_no_reason_to_spin():
    text = rogue("web", ["unix:web"], "--deaf", process_limit=1, retire_grace="100ms")
    with Ostlerd(text) as master:
        client = master.client("web")
        client.ask("close 5")
        row = master.wait_for("web", lambda s: s["mute"] == 1)
        assert row["state"] == "at-limit"
        cpu = master.cpu_seconds()
        with master.client("web") as other:
            pass_time(0.5)
            assert master.cpu_seconds() - cpu < 0.2
            client.close()  # it serves on
            assert other.ask("echo x") == "x"


def test_closing_the_reading_side_of_its_channel_does_no_harm():
    with Ostlerd(rogue("web", ["unix:web"], "--deaf", retire_grace="50ms")) as master:
        with master.client("web") as client:
            client.ask("shutdown 5 rd")
        assert is_served(master, "web")


# ------------------------------------------------------------- leftovers


def test_children_of_gone_workers_are_shown_and_capped():
    """As of workers that drain; the oldest of too many is told to go."""
    text = rogue("web", ["unix:web"], process_limit=5)
    with Ostlerd(text) as master:
        children = []
        for n in range(20):
            with master.client("web") as client:
                children.append(int(client.ask("drain 5")))
            master.wait_for("web", lambda s, n=n: s["exits"] == n + 1)
        row = master.wait_for("web", lambda s: s["leftover"] == 16)
        assert (row["total"], row["failures"]) == (0, 0)
        assert "16" in master.ostler("status").stdout
        wait_until(lambda: not any(map(is_alive, children[:4])), "the oldest are gone")
        assert all(map(is_alive, children[4:]))
        # What they hold is ended by a reload that changes their service.
        master.reload(rogue("web", ["unix:web"], process_limit=5, umask="077"))
        wait_until(lambda: not any(map(is_alive, children)), "all are gone")
        master.wait_for("web", lambda s: s["leftover"] == 0)


def test_a_reload_that_changes_nothing_leaves_leftovers_alone():
    text = rogue("web", ["unix:web"])
    with Ostlerd(text) as master:
        with master.client("web") as client:
            child = int(client.ask("drain 5"))
        master.wait_for("web", lambda s: s["leftover"] == 1)
        master.reload(text)
        assert master.service("web")["leftover"] == 1
        assert is_alive(child)


def test_leftovers_that_flood_are_heard_by_nobody():
    text = rogue("web", ["unix:web"])
    with Ostlerd(text) as master:
        with master.client("web") as client:
            client.ask("drain 5 stay")
            assert client.at_end()
        row = master.wait_for("web", lambda s: s["leftover"] == 1)
        assert row["ready"] == 0
        assert is_served(master, "web")
        # It ignores the end of its channel: the test must end it.
        for pid in orphans():
            os.kill(pid, signal.SIGKILL)
        master.wait_for("web", lambda s: s["leftover"] == 0)


def test_a_removed_services_port_is_free_whoever_holds_the_listener():
    """Catalogue 33."""
    port = free_port()
    bad = rogue("bad", [f"127.0.0.1:{port}"])
    good = rogue("good", ["unix:good"])
    with Ostlerd(bad + good) as master:
        with master.client(port) as client:
            child = int(client.ask("fork 6"))
        master.reload(good)
        wait_until(lambda: master.service("bad") is None, "it is gone")

        def refused():
            try:
                connect(port).close()
            except ConnectionRefusedError:
                return True
            return False

        wait_until(refused, "nobody listens there")
        assert is_alive(child)
        master.reload(good + rogue("new", [f"127.0.0.1:{port}"]))
        with master.client(port) as client:
            assert client.ask("echo x") == "x"
        os.kill(child, signal.SIGKILL)


# ------------------------------------------------------------- the listener


@pytest.mark.parametrize("how", ["shutdown 6 rdwr", "shutdown 6 rd"])
@pytest.mark.parametrize("kind", ["unix", "tcp"])
def test_a_listener_that_a_worker_shut_down_is_opened_again(kind, how):
    """Catalogue 33: allowed to any worker, also as nobody."""
    port = free_port()
    listen = ["unix:web"] if kind == "unix" else [f"127.0.0.1:{port}"]
    where = "web" if kind == "unix" else port
    text = rogue("web", listen) + rogue("other", ["unix:other"])
    with Ostlerd(text) as master:
        with master.client(where) as client:
            pid = int(client.ask("pid"))
            assert client.ask(how) == "0"
            event = master.wait_event("listener-lost")
            assert event["service"] == "web"
            assert client.ask("echo x") == "x"  # its client is finished
        wait_until(lambda: not is_alive(pid), "who held the old one retires")

        def served():
            try:
                return is_served(master, where)
            except ConnectionRefusedError:
                return False

        wait_until(served, "it is served again")
        cpu = master.cpu_seconds()
        pass_time(0.5)
        assert master.cpu_seconds() - cpu < 0.2
        assert is_served(master, "other")


def test_a_datagram_socket_that_a_worker_shut_down_is_opened_again():
    text = rogue("log", ["dgram:log"], "--served", "at 1 shutdown 6 rdwr", "--journal", JOURNAL)
    with Ostlerd(text) as master:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
            sender.sendto(b"1", str(master.runtime / "log"))
            assert master.wait_event("listener-lost")["service"] == "log"
            cpu = master.cpu_seconds()
            pass_time(0.5)
            assert master.cpu_seconds() - cpu < 0.2
            sender.sendto(b"2", str(master.runtime / "log"))
            wait_until(lambda: len(master.journal("got")) == 2, master.journal)


def test_a_lost_listener_that_cannot_be_had_again_is_tried_until_it_can():
    """Meanwhile no worker is born with fewer descriptors than it counts on."""
    with Ostlerd(rogue("web", ["unix:a", "unix:b"])) as master:
        place = master.runtime / "a"
        with master.client("a") as client:
            pid = int(client.ask("pid"))
            place.unlink()
            place.write_text("in the way")
            assert client.ask("shutdown 6 rdwr") == "0"
            assert master.wait_event("listener-failed")["error"] == "File exists"
        wait_until(lambda: not is_alive(pid), "who held the old one retires")
        waiting = master.client("b")
        waiting.send("echo served\n")
        row = master.wait_for("web", lambda s: s["failures"] >= 3)
        assert row["cause"] == ("a worker shut a listener down, and it cannot be opened again: "
                                "File exists")
        assert row["state"] == "throttled"
        assert "cannot be opened again" in master.ostler("status").stdout
        assert not master.workers("web")
        wait_until(lambda: len(master.events("listener-failed")) >= 2, "it is tried again")
        place.unlink()
        assert master.wait_event("listener-lost")["endpoint"].endswith("a")
        assert waiting.line() == "served"
        waiting.close()
        assert is_served(master, "a")
        assert master.service("web")["state"] == "up"


def test_a_listener_that_was_shut_for_writing_serves_on():
    with Ostlerd(rogue("web", ["unix:web"])) as master:
        with master.client("web") as client:
            assert client.ask("shutdown 6 wr") == "0"
        assert is_served(master, "web")
        assert master.service("web")["failures"] == 0


def test_a_worker_that_shuts_the_listener_down_again_and_again():
    port = free_port()
    text = (rogue("web", [f"127.0.0.1:{port}"], "--ready", "shutdown 6 rdwr",
                  throttle_time="60s") + rogue("other", ["unix:other"]))
    with Ostlerd(text) as master:
        def knock():
            try:
                connect(port).close()
            except ConnectionError:
                pass
            row = master.service("web")
            return row if row["failures"] >= 3 else None
        row = wait_until(knock, "it is throttled")
        assert row["cause"] == "a worker shut the listener down"
        assert row["starts"] <= 20
        assert is_served(master, "other")


def test_a_worker_that_makes_the_listener_block_does_not_block_the_master():
    """Catalogue 56."""
    with Ostlerd(rogue("web", ["unix:web"])) as master:
        with master.client("web") as client:
            assert client.ask("nonblock 6 off") == "ok"
        assert is_served(master, "web")
        clients = [master.client("web") for _ in range(5)]
        for client in clients:
            assert client.ask("echo x") == "x"
            client.close()
        assert master.service("web")["failures"] == 0


# ------------------------------------------------------------- the stubborn


LADDER = {"retire_grace": "300ms", "stop_time": "300ms", "drain_time": "300ms",
          "kill_time": "300ms"}
LONGEST_S = 8 if SANITIZED else 4  # of three rungs of 300 ms


STUBBORN = {
    "deaf": (["--deaf"], "signal"),
    "deaf and ignoring TERM": (["--deaf", "--start", "ignore TERM"], "kill"),
    "ignoring TERM with a client": (["--start", "ignore TERM", "--client", "hang"], "kill"),
    "busy with a client": (["--client", "hang"], "signal"),
}


@pytest.mark.parametrize("who", STUBBORN)
def test_who_would_not_leave_is_made_to_at_the_stop(who):
    """Catalogue 29, 30."""
    switches, _ = STUBBORN[who]
    with Ostlerd(rogue("web", ["unix:web"], *switches, **LADDER)) as master:
        client = master.client("web")
        client.send("echo x\n")
        [pid] = wait_until(lambda: master.workers("web"), "a worker is there")
        if "--client" in switches:
            master.wait_for("web", lambda s: s["taken"] == 1)
        else:
            assert client.line() == "x"
            client.close()
            master.wait_for("web", lambda s: s["ready"] == 1)
        begin = time.monotonic()
        master.stop()
        assert time.monotonic() - begin < LONGEST_S
        assert not is_alive(pid)
        client.close()
        assert master.events("worker-term")


@pytest.mark.parametrize("who", STUBBORN)
def test_who_would_not_leave_is_made_to_at_removal_while_others_go_on(who):
    """Catalogue 30, 69."""
    switches, _ = STUBBORN[who]
    other = rogue("other", ["unix:other"])
    with Ostlerd(rogue("web", ["unix:web"], *switches, **LADDER) + other) as master:
        client = master.client("web")
        client.send("echo x\n")
        if "--client" in switches:
            master.wait_for("web", lambda s: s["taken"] == 1)
        else:
            assert client.line() == "x"
            client.close()
            master.wait_for("web", lambda s: s["ready"] == 1)
        [pid] = master.workers("web")
        begin = time.monotonic()
        master.reload(other)
        while is_alive(pid):
            assert is_served(master, "other")
            assert time.monotonic() - begin < LONGEST_S
        wait_until(lambda: master.service("web") is None, "it is gone")
        assert master.wait_event("service-gone")["service"] == "web"
        assert is_served(master, "other")
        client.close()


def test_a_stopped_worker_does_not_hold_up_the_stop():
    """Catalogue 31: SIGKILL needs nobody's help."""
    with Ostlerd(rogue("web", ["unix:web"], **LADDER)) as master:
        with master.client("web") as client:
            pid = int(client.ask("pid"))
        master.wait_for("web", lambda s: s["ready"] == 1)
        os.kill(pid, signal.SIGSTOP)
        wait_until(lambda: state_of(pid) == "T", "it is stopped")
        begin = time.monotonic()
        master.stop()
        assert time.monotonic() - begin < LONGEST_S


def test_a_client_is_finished_before_the_stop():
    with Ostlerd(rogue("web", ["unix:web"], stop_time="1h")) as master:
        client = master.client("web")
        assert client.ask("echo x") == "x"
        master.send_signal(signal.SIGTERM)
        master.wait_event("master-stopping")
        assert client.ask("echo y") == "y"
        client.close()
        assert master.wait() == 0
        master.check_clean()
