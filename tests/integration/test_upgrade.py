# SPDX-License-Identifier: MIT
"""Another program in the place of the master: the same process, and nothing lost."""

import json
import os
import shutil
import signal

from ostlerd import (
    BUILD, JOURNAL, OSTLERD, SANITIZED, Ostlerd, free_port, is_alive, rogue, service,
    wait_until,
)

SKELETON = BUILD / "tests/integration/skeleton"


def upgrade(master, *words):
    done = master.ostler("upgrade", *words)
    assert done.returncode == 0, (done, master.log())
    return done.stdout


def newer(master, name="ostlerd-newer", version=b"9.9.9"):
    """A copy of ostlerd that calls itself by another version."""
    bytes_ = OSTLERD.read_bytes()
    assert b"\x000.1.0\x00" in bytes_
    path = master.directory / name
    path.write_bytes(bytes_.replace(b"\x000.1.0\x00", b"\x00" + version + b"\x00"))
    path.chmod(0o755)
    return path


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
        first = newer(master, "ostlerd", b"8.8.8")
        upgrade(master, first)
        assert version(master) == "8.8.8"
        newer(master, "fresh", b"9.9.9").rename(first)
        master.send_signal(signal.SIGUSR2)
        event = master.wait_event("upgraded", lambda e: e["version"] == "9.9.9")
        assert event["before"] == "8.8.8" and event["pid"] == event["pid_before"]
        assert version(master) == "9.9.9"
        first.unlink()
        shutil.copy(OSTLERD, first)
        upgrade(master)
        assert version(master) == "0.1.0"
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


def test_the_answer_can_be_json():
    with Ostlerd(rogue("web", ["unix:web"])) as master:
        document = json.loads(master.ostler("upgrade", "--json").stdout)
        assert document["result"] == "ok"
        assert document["upgrade"]["pid"] == document["upgrade"]["pid_before"] == master.pid
