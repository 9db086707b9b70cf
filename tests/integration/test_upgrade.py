# SPDX-License-Identifier: MIT
"""Another program in the place of the master: the same process, and nothing lost."""

import json
import os
import re
import shutil
import signal
import socket

from ostlerd import (
    BUILD, JOURNAL, OSTLERD, SANITIZED, Ostlerd, free_port, is_alive, rogue, service,
    wait_until,
)

SKELETON = BUILD / "tests/integration/skeleton"


def upgrade(master, *words):
    done = master.ostler("upgrade", *words)
    assert done.returncode == 0, (done, master.log())
    return done.stdout


def newer(master, name, digit):
    """A copy of ostlerd whose version has DIGIT wherever it has one; and that version."""
    old = version(master).encode()
    new = re.sub(rb"\d", digit.encode(), old)
    bytes_ = OSTLERD.read_bytes()
    assert b"\0" + old + b"\0" in bytes_
    path = master.directory / name
    path.write_bytes(bytes_.replace(b"\0" + old + b"\0", b"\0" + new + b"\0"))
    path.chmod(0o755)
    return path, new.decode()


def version(master):
    return json.loads(master.ostler("version", "--json").stdout)["master"]["version"]


def test_clients_workers_and_the_pid_are_as_before():
    port = free_port()
    text = rogue("web", [f"127.0.0.1:{port}", "unix:web"], process_limit=2, spare_min=1)
    with Ostlerd(text) as master:
        pid = master.pid
        with master.client(port) as one, master.client("web") as two:
            first, second = one.ask("pid"), two.ask("pid")
            row = master.wait_for("web", lambda r: r["taken"] == 2)
            with master.client(port) as waits:
                waits.send("pid\n")
                master.wait_for("web", lambda r: r["depth"] == 1)
                assert "pid %d as ever" % pid in upgrade(master)
                after = master.service("web")
                assert (after["starts"], after["served"], after["taken"]) == (
                    row["starts"], row["served"], 2)
                assert (one.ask("pid"), two.ask("pid")) == (first, second)
                one.close()
                assert waits.line() == first
        assert master.pid == pid and is_alive(pid)
        assert master.status()["master"]["pid"] == pid
        assert (master.runtime / "ostler.pid").read_text().strip() == str(pid)
        master.wait_for("web", lambda r: r["ready"] >= 1 and r["taken"] == 0)


def test_by_signal_it_is_the_program_that_has_the_name_by_now():
    with Ostlerd(rogue("web", ["unix:web"], spare_min=1)) as master:
        known = version(master)
        fresh, nines = newer(master, "fresh", "9")
        first, eights = newer(master, "ostlerd", "8")
        upgrade(master, first)
        assert version(master) == eights
        fresh.rename(first)
        master.send_signal(signal.SIGUSR2)
        event = master.wait_event("upgraded", lambda e: e["version"] == nines)
        assert event["before"] == eights and event["pid"] == event["pid_before"]
        assert version(master) == nines
        first.unlink()
        shutil.copy(OSTLERD, first)
        upgrade(master)
        assert version(master) == known
        with master.client("web") as client:
            assert client.ask("pid")


def test_again_and_again_nothing_is_left_open():
    with Ostlerd(rogue("web", ["unix:web"], spare_min=2, process_limit=2)) as master:
        master.wait_for("web", lambda r: r["ready"] == 2)
        workers = master.workers()
        upgrade(master)
        before = master.fds()
        for _ in range(5):
            upgrade(master)
        assert master.workers() == workers
        wait_until(lambda: master.fds() <= before, lambda: f"{before} descriptors: {master.fds()}")
        with master.client("web") as client:
            assert int(client.ask("pid")) in workers


def test_a_pause_goes_on_and_so_do_limits_that_were_set():
    text = (rogue("web", ["unix:web"], process_limit=3)
            + service("bad", ["unix:bad"], ["/bin/false"], spare_min=1, throttle_time="100s"))
    with Ostlerd(text) as master:
        assert master.ostler("scale", "web", "limit=7").returncode == 0
        master.wait_for("bad", lambda r: r["failures"] >= 2)
        before = master.wait_for("bad", lambda r: r["state"] == "throttled")
        upgrade(master)
        after = master.service("bad")
        assert after["failures"] >= before["failures"] and after["cause"] == before["cause"]
        assert master.service("web")["limit"] == 7
        done = master.ostler("status")
        assert done.returncode == 0


def test_who_asks_meanwhile_is_answered():
    with Ostlerd(rogue("web", ["unix:web"], spare_min=1)) as master:
        with master.client(master.control) as asks:
            asks.send("sta")
            upgrade(master)
            asks.send("tus web\n")
            assert asks.line().startswith("master pid=%d " % master.pid)


def test_a_shared_channel_and_its_words_go_on():
    text = rogue("web", ["unix:web"], status_channel="shared", process_limit=2)
    with Ostlerd(text) as master:
        with master.client("web") as one:
            first = one.ask("pid")
            master.wait_for("web", lambda r: r["taken"] == 1)
            upgrade(master)
            with master.client("web") as two:
                assert two.ask("pid") != first
                master.wait_for("web", lambda r: r["taken"] == 2)
        row = master.wait_for("web", lambda r: r["ready"] == 2)
        assert row["bad_pid"] == 0 and row["failures"] == 0


def test_pages_and_what_was_counted_in_them_go_on():
    text = service("web", ["unix:web"], ["ostler-echo"], process_limit=3, max_use=0,
                   clients_per_worker=1)
    with Ostlerd(text) as master:
        clients = [master.client("web") for _ in range(3)]
        for client in clients:
            assert client.ask("x") == "x"
        master.wait_for("web", lambda r: r["taken"] == 3)
        upgrade(master)
        clients[0].close()
        master.wait_for("web", lambda r: (r["ready"], r["taken"]) == (1, 2))
        for client in clients[1:]:
            client.close()
        row = master.wait_for("web", lambda r: r["ready"] == 3)
        assert row["starts"] == 3
        for _ in range(10):
            with master.client("web") as client:
                assert client.ask("x") == "x"
        master.wait_for("web", lambda r: r["served"] == 13)
        assert master.service("web")["starts"] == 3


def test_a_mold_goes_on_making_workers():
    text = service("x", ["unix:x"], [SKELETON, "single", JOURNAL], mold="yes", ready="notify")
    with Ostlerd(text) as master:
        with master.client("x") as client:
            assert client.ask("who")
            master.wait_for("x", lambda r: r["mold"] == "ready")
            upgrade(master)
            assert master.service("x")["mold"] == "ready"

            held = []

            def made():
                held.append(master.client("x"))
                assert held[-1].ask("who")
                return master.service("x")["molded"] >= 1

            # Where the machine stands still for a second an order fails.
            wait_until(made, master.log, 60 if SANITIZED else 30)
            for one in held:
                one.close()
        assert not master.zombies()


def test_deaths_are_seen_as_ever():
    with Ostlerd(rogue("web", ["unix:web"], spare_min=1)) as master:
        master.wait_for("web", lambda r: r["ready"] == 1)
        upgrade(master)
        with master.client("web") as client:
            pid = int(client.ask("pid"))
            os.kill(pid, signal.SIGKILL)
            died = master.wait_event("worker-died", lambda e: e["pid"] == str(pid))
            assert died["signal"] == "9"
        master.wait_for("web", lambda r: r["ready"] == 1)


def test_a_reload_works_as_ever_and_the_old_rows_go():
    with Ostlerd(rogue("one", ["unix:one"], spare_min=1) + rogue("two", ["unix:two"])) as master:
        with master.client("two") as client:
            assert client.ask("pid")
            master.reload(rogue("one", ["unix:one"], spare_min=1, environment=["A=b"]))
            upgrade(master)
            assert client.ask("pid")
        wait_until(lambda: master.service("two") is None, "the removed service is gone")
        master.reload(rogue("one", ["unix:one"], process_limit=9))
        assert master.service("one")["limit"] == 9
        assert master.status()["master"]["reloads"] == 2


def test_a_signal_meanwhile_is_not_lost():
    with Ostlerd(rogue("web", ["unix:web"], spare_min=1)) as master:
        for n in range(1, 6):
            master.send_signal(signal.SIGUSR2)
            master.send_signal(signal.SIGHUP)
            wait_until(lambda n=n: len(master.events("upgraded")) == n
                       and master.status()["master"]["reloads"] == n,
                       lambda: f"{n} upgrades and reloads: {master.log()}")


def test_pipes_datagrams_and_wake_ups_go_on():
    text = "".join(service(name, [where], [SKELETON, kind, JOURNAL], ready="notify", **more)
                   for name, where, kind, more in (
                       ("log", "dgram:log", "dgram", {}), ("bell", "fifo:bell", "trigger", {}),
                       ("clock", "unix:clock", "trigger", {"wakeup": "100ms"})))

    def messages():
        return [text.split(" ", 1)[1] for _, text in master.journal("message")]

    with Ostlerd(text) as master:
        for n in range(4):
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
                sender.settimeout(10)
                sender.sendto(b"gram%d" % n, str(master.runtime / "log"))
            fd = os.open(master.runtime / "bell", os.O_WRONLY | os.O_NONBLOCK)
            os.write(fd, b"bell%d" % n)
            os.close(fd)
            upgrade(master)
            woken = messages().count("W")
            wait_until(lambda woken=woken, n=n: {f"gram{n}", f"bell{n}"} <= set(messages())
                       and messages().count("W") > woken, messages)
        for row in master.status()["services"]:
            assert row["failures"] == 0


def test_a_roll_goes_on():
    def table(word):
        return rogue("web", ["unix:web"], spare_min=4, process_limit=8, roll_batch=1,
                     roll_alive="200ms", environment=[f"WORD={word}"])

    with Ostlerd(table("old")) as master:
        master.wait_for("web", lambda r: r["ready"] >= 4)
        before = set(master.workers())
        master.write(table("new"))
        assert master.ostler("reload", "--no-wait").returncode == 0
        for _ in range(3):
            upgrade(master)
            with master.client("web") as client:
                assert client.ask("pid")
        wait_until(lambda: not before & set(master.workers()), "the old ones are gone")
        master.wait_for("web", lambda r: r["ready"] >= 4)


def test_the_answer_can_be_json():
    with Ostlerd(rogue("web", ["unix:web"])) as master:
        document = json.loads(master.ostler("upgrade", "--json").stdout)
        assert document["result"] == "ok"
        assert document["upgrade"]["pid"] == document["upgrade"]["pid_before"] == master.pid
