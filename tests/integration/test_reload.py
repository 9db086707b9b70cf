# SPDX-License-Identifier: MIT
"""Reload of the real master: what changes, what stays, what is refused."""

import json
import re
import signal
import socket
import threading
import time

import pytest

from ostlerd import (
    ROOT,
    Ostlerd,
    connect,
    free_port,
    service,
    wait_until,
)


def at(port):
    return [f"127.0.0.1:{port}"]


def echo(name, listen, **settings):
    return service(name, listen, ["ostler-echo"], **settings)


def says(name, listen, word, **settings):
    """Each client hears WORD."""
    return service(name, listen, ["ostler-spawn", "/bin/echo", word], **settings)


def hear(where):
    with connect(where) as client:
        return client.line()


def workers_at_rest(master):
    """Pids of all workers when none of them has a client or starts."""
    wait_until(lambda: all(s["ready"] == s["total"] for s in master.status()["services"]),
               "all workers are ready")
    return master.workers()


def refused(where):
    try:
        connect(where, 2).close()
    except ConnectionRefusedError:
        return True
    except FileNotFoundError:
        return True
    return False


def echoes(where):
    with connect(where) as client:
        return client.ask("ping") == "ping"


@pytest.mark.parametrize("how", ["signal", "ostler"])
def test_a_service_is_added_and_one_removed(how):
    one, two, three = free_port(), free_port(), free_port()
    with Ostlerd(echo("one", at(one)) + echo("two", at(two))) as master:
        assert echoes(one) and echoes(two)
        master.write(echo("two", at(two)) + echo("three", at(three)))
        if how == "signal":
            master.send_signal(signal.SIGHUP)
            master.wait_event("reloaded", lambda e: e["added"] == "1" and e["removed"] == "1")
        else:
            done = master.reload()
            assert done.stdout == "one: removed\nthree: added\nreloaded: 2 changed, 1 as before\n"
        assert echoes(two) and echoes(three)
        wait_until(lambda: refused(one), "the removed service refuses clients")
        wait_until(lambda: master.service("one") is None, "the removed service is not shown")
        assert master.status()["master"]["reloads"] == 1


def test_the_first_table_is_no_reload_of_an_unchanged_one():
    port = free_port()
    text = echo("one", at(port))
    with Ostlerd(text) as master:
        assert echoes(port)
        before = workers_at_rest(master)
        done = master.reload(text)
        assert done.stdout == "reloaded: 0 changed, 1 as before\n"
        assert master.workers() == before


@pytest.mark.parametrize("setting", [
    {"process_limit": 7}, {"throttle_time": "5s"}, {"deaf_time": "2s"}, {"surge": 3},
    {"start_rate": 30}, {"drain_time": "20s"}, {"kill_time": "3s"},
])
def test_a_change_of_policy_keeps_the_workers(setting):
    port = free_port()
    with Ostlerd(echo("one", at(port))) as master:
        assert echoes(port)
        before = workers_at_rest(master)
        assert len(before) == 1
        done = master.reload(echo("one", at(port), **setting))
        assert "one: changed (its workers stay)" in done.stdout
        assert echoes(port)
        assert set(before) <= set(master.workers())


def test_a_change_of_command_replaces_the_workers():
    port = free_port()
    with Ostlerd(says("one", at(port), "old")) as master:
        assert hear(port) == "old"
        before = workers_at_rest(master)
        done = master.reload(says("one", at(port), "new"))
        assert re.search(r"one: changed \(\d+ workers? replaced in ", done.stdout)
        wait_until(lambda: hear(port) == "new", "the new command answers")
        wait_until(lambda: not set(before) & set(master.workers()), "the old workers are gone")
        assert all(hear(port) == "new" for _ in range(10))


@pytest.mark.parametrize("name,value,line", [
    ("environment", ["WORD=new"], "WORD=new"),
    ("umask", "027", "umask=0027"),
    ("directory", "/tmp", "directory=/tmp"),
    ("limit_nofile", 99, "nofile=99"),
])
def test_a_change_of_surroundings_reaches_new_workers(name, value, line):
    port = free_port()
    shell = ["ostler-spawn", "/bin/sh", "-c",
             "echo WORD=$WORD; echo umask=$(umask); echo directory=$(pwd); echo nofile=$(ulimit -n)"]
    settings = {name: value, "max_use": 0}

    def lines():
        with connect(port) as client:
            found = []
            while (part := client.line()) is not None:
                found.append(part)
            return found

    with Ostlerd(service("one", at(port), shell, max_use=0)) as master:
        assert line not in lines()
        master.reload(service("one", at(port), shell, **settings))
        wait_until(lambda: line in lines(), f"a worker has {line}")


@pytest.mark.skipif(not ROOT, reason="only root changes users")
def test_a_change_of_user_reaches_new_workers():
    port = free_port()
    command = ["ostler-spawn", "/usr/bin/id", "-u"]
    with Ostlerd(service("one", at(port), command, user="nobody", max_use=0)) as master:
        assert hear(port) == "65534"
        master.reload(service("one", at(port), command, user="daemon", max_use=0))
        wait_until(lambda: hear(port) == "1", "a worker runs as daemon")


def test_endpoints_are_added_and_removed():
    one, two = free_port(), free_port()
    with Ostlerd(echo("one", at(one))) as master:
        assert echoes(one)
        master.reload(echo("one", at(one) + at(two) + ["unix:name"]))
        assert echoes(one) and echoes(two) and echoes(master.runtime / "name")
        master.reload(echo("one", at(two)))
        wait_until(lambda: refused(one), "the endpoint that went refuses clients")
        assert not (master.runtime / "name").exists()
        assert echoes(two)


@pytest.mark.parametrize("first, second", [("*:{}", "127.0.0.1:{}"), ("127.0.0.1:{}", "*:{}")])
def test_a_wildcard_and_an_address_follow_each_other_at_one_port(first, second):
    port = free_port()
    with Ostlerd(says("a", [first.format(port)], "one")) as master:
        assert hear(port) == "one"
        master.reload(says("b", [second.format(port)], "two"))
        # Who still comes to the one that was removed is reset.
        wait_until(lambda: master.service("a") is None, "the other service has left")
        wait_until(lambda: hear(port) == "two", "the new service")


def test_endpoints_move_between_services():
    one, two = free_port(), free_port()
    with Ostlerd(says("a", at(one), "a") + says("b", at(two), "b")) as master:
        assert hear(one) == "a" and hear(two) == "b"
        master.reload(says("a", at(two), "a") + says("b", at(one), "b"))
        wait_until(lambda: hear(one) == "b" and hear(two) == "a", "the endpoints changed places")
        assert all(hear(one) == "b" and hear(two) == "a" for _ in range(5))


def test_unix_endpoints_move_between_services():
    with Ostlerd(says("a", ["unix:x"], "a") + says("b", ["unix:y"], "b")) as master:
        x, y = master.runtime / "x", master.runtime / "y"
        assert hear(x) == "a" and hear(y) == "b"
        master.reload(says("a", ["unix:y"], "a") + says("b", ["unix:x"], "b"))
        wait_until(lambda: hear(x) == "b" and hear(y) == "a", "the endpoints changed places")


@pytest.mark.parametrize("mode", ["0660", "0600"])
@pytest.mark.parametrize("family", ["inet", "unix"])
def test_a_renamed_service_keeps_its_place_and_who_waits_there(family, mode):
    port = free_port()
    where = at(port) if family == "inet" else ["unix:name"]
    # One worker, and it is busy: the others wait in the queue.
    with Ostlerd(echo("old", where, process_limit=1)) as master:
        place = port if family == "inet" else master.runtime / "name"
        busy = master.client(place)
        assert busy.ask("here") == "here"
        waiting = [master.client(place) for _ in range(5)]
        for client in waiting:
            client.send("waited\n")
        master.reload(says("new", where, "new", socket_mode=mode))
        for client in waiting:
            assert client.line() == "new"
            client.close()
        # The one who was being served still is.
        assert busy.ask("still") == "still"
        busy.close()
        wait_until(lambda: master.service("old") is None, "the old service has left")
        assert hear(place) == "new"
        if family == "unix":
            assert oct(place.stat().st_mode)[-4:] == mode


def test_a_service_renamed_and_back_keeps_its_name_while_its_old_worker_stays():
    with Ostlerd(echo("old", ["unix:name"])) as master:
        place = master.runtime / "name"
        busy = master.client(place)
        assert busy.ask("here") == "here"
        master.reload(echo("new", ["unix:name"]))
        assert echoes(place)
        master.reload(echo("old", ["unix:name"]))
        wait_until(lambda: master.service("new") is None, "the other service has left")
        assert echoes(place)
        assert busy.ask("still") == "still"
        busy.close()


@pytest.mark.parametrize("kind", ["unix", "dgram", "fifo"])
def test_a_name_that_somebody_removed_is_back_after_a_reload(kind):
    with Ostlerd(echo("one", [f"{kind}:name"]) + echo("two", ["unix:two"])) as master:
        place = master.runtime / "name"
        place.unlink()
        done = master.reload()
        assert done.stdout == ("one: changed (its workers are replaced)\n"
                               "reloaded: 1 changed, 1 as before\n")
        assert place.exists()
        assert kind != "unix" or echoes(place)
        assert master.reload().stdout == "reloaded: 0 changed, 2 as before\n"


def test_a_name_that_a_stranger_took_is_left_alone():
    with Ostlerd(echo("one", ["unix:name"])) as master:
        place = master.runtime / "name"
        place.unlink()
        with socket.socket(socket.AF_UNIX) as stranger:
            stranger.bind(str(place))
            stranger.listen()
            done = master.reload(echo("one", ["unix:name"], socket_mode="0600"), good=False)
            assert done.returncode == 1 and "in use" in done.stderr
            connect(place).close()
        master.reload()
        assert echoes(place)


def test_the_control_socket_is_back_after_a_signal():
    with Ostlerd(echo("one", ["unix:name"])) as master:
        master.control.unlink()
        master.send_signal(signal.SIGHUP)
        wait_until(lambda: master.control.exists(), "its name is there again")
        assert master.service("one") is not None
        assert oct(master.control.stat().st_mode)[-4:] == "0666"
        before = master.fds()
        master.reload()
        wait_until(lambda: master.fds() <= before, "what the reload opened is closed")


def test_who_waits_where_nobody_accepts_any_more_is_told_so():
    one, two = free_port(), free_port()
    # One worker, and it is busy; so nobody hears those who wait at the other.
    with Ostlerd(echo("one", at(one) + at(two), process_limit=1, drain_time="1h")) as master:
        busy, waiting = master.client(one), master.client(two)
        assert busy.ask("here") == "here"
        master.reload(echo("one", at(one), process_limit=1, drain_time="1h"))
        assert waiting.at_end()
        assert busy.ask("still") == "still"
        busy.close()
        master.reload(echo("one", at(one) + at(two)))
        assert echoes(two)


def test_another_mode_is_for_the_same_socket_and_its_workers_stay():
    with Ostlerd(echo("one", ["unix:name"], process_limit=1)) as master:
        place = master.runtime / "name"
        busy, waiting = master.client(place), master.client(place)
        assert busy.ask("here") == "here"
        before = place.stat()
        master.reload(echo("one", ["unix:name"], process_limit=1, socket_mode="0600"))
        after = place.stat()
        assert (before.st_ino, oct(after.st_mode)[-4:]) == (after.st_ino, "0600")
        assert busy.ask("still") == "still"
        busy.close()
        assert waiting.ask("served") == "served"
        waiting.close()
        assert master.service("one")["starts"] == 1


@pytest.mark.skipif(not ROOT, reason="only root gives files away")
def test_another_owner_is_for_the_same_socket_and_back():
    def owner(place):
        return (place.stat().st_uid, place.stat().st_gid)

    with Ostlerd(echo("one", ["unix:name"])) as master:
        place = master.runtime / "name"
        assert echoes(place) and owner(place) == (0, 0)
        master.reload(echo("one", ["unix:name"], socket_owner="daemon", socket_group="games"))
        assert echoes(place) and owner(place) == (1, 60)
        # Refused for another reason, it stays as it was.
        with socket.create_server(("127.0.0.1", 0)) as stranger:
            taken = stranger.getsockname()[1]
            bad = echo("one", ["unix:name"]) + echo("two", at(taken))
            assert master.reload(bad, good=False).returncode == 1
        assert echoes(place) and owner(place) == (1, 60)
        master.reload(echo("one", ["unix:name"]))
        assert echoes(place) and owner(place) == (0, 0)


def test_a_removed_service_can_come_back_while_it_still_leaves():
    port, other = free_port(), free_port()
    with Ostlerd(echo("one", at(port)) + echo("two", at(other))) as master:
        busy = master.client(port)
        assert busy.ask("here") == "here"
        master.reload(echo("two", at(other)))
        assert master.service("one")["state"] == "leaving"
        master.reload(says("one", at(port), "back") + echo("two", at(other)))
        wait_until(lambda: hear(port) == "back", "the service that came back answers")
        assert busy.ask("still") == "still"
        busy.close()
        assert master.service("one")["state"] == "up"


def test_a_port_of_a_leaving_service_can_be_given_to_another():
    port, other = free_port(), free_port()
    with Ostlerd(echo("one", at(port)) + echo("two", at(other))) as master:
        busy = master.client(port)
        assert busy.ask("here") == "here"
        master.reload(echo("two", at(other)))
        assert master.service("one")["state"] == "leaving"
        master.reload(says("three", at(port), "three") + echo("two", at(other)))
        wait_until(lambda: hear(port) == "three", "the new owner of the port answers")
        assert busy.ask("still") == "still"
        busy.close()
        wait_until(lambda: master.service("one") is None, "the old service has left")
        assert hear(port) == "three"


# catalogue 69
def test_a_removed_service_finishes_its_client_and_nobody_else_notices():
    one, two = free_port(), free_port()
    with Ostlerd(echo("one", at(one), drain_time="1m") + echo("two", at(two))) as master:
        busy = master.client(one)
        assert busy.ask("before") == "before"
        started = time.monotonic()
        master.reload(echo("two", at(two)))
        assert time.monotonic() - started < 10  # the reload did not wait for it
        for _ in range(20):
            assert busy.ask("after") == "after"
            assert echoes(two)
        assert master.service("one")["retiring"] == 1
        busy.close()
        wait_until(lambda: master.service("one") is None, "the removed service has left")


def test_a_client_that_stays_too_long_is_ended_at_drain_time():
    one, two = free_port(), free_port()
    with Ostlerd(echo("one", at(one), drain_time="300ms") + echo("two", at(two))) as master:
        busy = master.client(one)
        assert busy.ask("before") == "before"
        master.reload(echo("two", at(two)))
        assert busy.at_end()
        wait_until(lambda: master.service("one") is None, "the removed service has left")
        assert echoes(two)


# catalogue 70
def test_twenty_reloads_with_a_long_client_do_not_pile_up_workers():
    port = free_port()
    with Ostlerd(echo("one", at(port), process_limit=2)) as master:
        busy = master.client(port)
        assert busy.ask("here") == "here"
        for n in range(20):
            master.reload(echo("one", at(port), process_limit=2, environment=[f"N={n + 1}"]))
            assert echoes(port)
            row = master.service("one")
            assert row["total"] <= 2 + 1  # its surge
        assert busy.ask("still") == "still"
        busy.close()
        wait_until(lambda: master.service("one")["retiring"] == 0, "old workers are gone")


# ------------------------------------------------------------- refusals


def snapshot(master):
    status = master.status()
    for key in list(status["master"]):
        if key.startswith("uptime") or key in ("reload_failures", "last_reload_error"):
            del status["master"][key]
    return status


def test_a_bad_file_is_refused_with_every_complaint():
    one, two = free_port(), free_port()
    with Ostlerd(echo("one", at(one)) + echo("two", at(two))) as master:
        assert echoes(one) and echoes(two)
        workers = workers_at_rest(master)
        before = snapshot(master)
        bad = (echo("one", ["127.0.0.1:99999"]) + echo("two", at(two), process_limit=-3)
               + service("three", at(free_port()), ["/nowhere/at/all"], max_idle="soon"))
        done = master.reload(bad, good=False)
        assert done.returncode == 1
        for line, words in ((4, "service 'one'"), (9, "service 'two'"), (13, "service 'three'")):
            assert words in done.stderr, done.stderr
        assert "99999" in done.stderr and "process_limit" in done.stderr
        assert "max_idle" in done.stderr
        for line in done.stderr.splitlines():
            if "service '" in line:
                assert line.startswith(f"{master.config}:"), line
        assert snapshot(master) == before
        assert master.workers() == workers
        assert master.status()["master"]["reload_failures"] == 1
        assert str(master.config) in master.status()["master"]["last_reload_error"]
        master.wait_event("config-refused")
        assert echoes(one) and echoes(two)


# catalogue 67
def test_a_busy_port_is_refused_by_file_and_line_and_nothing_changes():
    one, two = free_port(), free_port()
    with socket.create_server(("127.0.0.1", 0)) as stranger, Ostlerd(echo("one", at(one))) as master:
        taken = stranger.getsockname()[1]
        assert echoes(one)
        workers = workers_at_rest(master)
        before = snapshot(master)
        done = master.reload(echo("new", at(two) + ["unix:new"]) + echo("one", at(one), umask="077")
                             + echo("bad", at(taken)), good=False)
        assert done.returncode == 1
        line = next(n for n, text in enumerate(master.config.read_text().splitlines(), 1)
                    if str(taken) in text)
        assert f"{master.config}:{line}: service 'bad': cannot listen" in done.stderr, done.stderr
        assert snapshot(master) == before
        assert master.workers() == workers
        assert refused(two)
        assert sorted(p.name for p in master.runtime.iterdir()) == ["control.sock", "ostler.pid"]
        assert echoes(one)


def test_an_unknown_user_is_refused_and_nothing_changes():
    port = free_port()
    with Ostlerd(echo("one", at(port))) as master:
        assert echoes(port)
        done = master.reload(echo("one", at(port), user="no-such-user"), good=False)
        assert done.returncode == 1
        assert "service 'one'" in done.stderr and "no-such-user" in done.stderr
        assert f"{master.config}:" in done.stderr
        assert echoes(port)


def test_a_file_that_is_gone_is_refused_and_nothing_changes():
    port = free_port()
    with Ostlerd(echo("one", at(port))) as master:
        master.config.unlink()
        done = master.reload(good=False)
        assert done.returncode == 1
        assert str(master.config) in done.stderr
        assert echoes(port)


def test_refused_reloads_leave_no_descriptors():
    port = free_port()
    with socket.create_server(("127.0.0.1", 0)) as stranger, Ostlerd(echo("one", at(port))) as master:
        taken = stranger.getsockname()[1]
        bad = (echo("one", at(port)) + echo("new", at(free_port()) + ["unix:u", "fifo:f", "dgram:d"])
               + echo("bad", at(taken)))
        master.reload(bad, good=False)
        before = master.fds()
        for _ in range(20):
            assert master.reload(good=False).returncode == 1
        wait_until(lambda: master.fds() <= before, "all are closed")


# ------------------------------------------------------------- several at once


# catalogue 72
def test_reloads_during_a_reload_end_with_the_last_file():
    port = free_port()
    with Ostlerd(says("one", at(port), "0")) as master:
        for n in range(1, 31):
            master.write(says("one", at(port), str(n)))
            master.send_signal(signal.SIGHUP)
        wait_until(lambda: hear(port) == "30", "the last file is in force")
        answers = []
        threads = [threading.Thread(target=lambda: answers.append(master.reload())) for _ in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert [a.returncode for a in answers] == [0] * 6
        assert hear(port) == "30"


# catalogue 72
def test_a_reload_while_stopping_is_refused_and_the_stop_goes_on():
    port = free_port()
    with Ostlerd(echo("one", at(port))) as master:
        busy = master.client(port)
        assert busy.ask("here") == "here"
        master.send_signal(signal.SIGTERM)
        wait_until(lambda: master.status()["master"]["state"] == "stopping", "it stops")
        done = master.reload(echo("two", at(free_port())), good=False)
        assert done.returncode == 1 and "stopping" in done.stderr
        assert busy.ask("still") == "still"
        busy.close()
        assert master.wait() == 0
        master.check_clean()


# catalogue 72
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGQUIT])
def test_a_stop_during_a_reload_wins(number):
    ports = [free_port() for _ in range(3)]
    for _ in range(10):
        with Ostlerd(echo("one", at(ports[0]))) as master:
            assert echoes(ports[0])
            master.write(echo("one", at(ports[1])) + echo("two", at(ports[2]) + ["unix:two"]))
            master.send_signal(signal.SIGHUP)
            master.send_signal(number)
            assert master.wait() == 0
            master.check_clean()
        assert all(refused(port) for port in ports)


# catalogue 72
def test_a_storm_of_signals_ends_well():
    port = free_port()
    texts = [says("one", at(port), "a") + echo("two", ["unix:two"]),
             says("one", at(port), "b") + echo("three", ["unix:three"])]
    with Ostlerd(texts[0]) as master:
        for n in range(60):
            master.write(texts[n % 2])
            for number in (signal.SIGHUP, signal.SIGCHLD, signal.SIGUSR1, signal.SIGHUP):
                master.send_signal(number)
            if n % 5 == 0:
                assert hear(port) in ("a", "b")
        wait_until(lambda: master.status()["master"]["state"] == "running", "it rests")
        wait_until(lambda: hear(port) == "b", "the last file is in force")


# catalogue 73
def test_what_a_reload_makes_is_what_a_start_makes():
    """From each of some tables to each other: as if it were the first."""
    a, b = free_port(), free_port()
    tables = [
        says("x", at(a), "1") + says("y", ["unix:s"], "2"),
        says("x", ["unix:s"], "3") + says("y", at(a), "4"),
        says("x", at(a) + at(b), "5"),
        says("y", at(b), "6", process_limit=3) + says("z", at(a) + ["unix:s", "unix:t"], "7"),
        says("x", ["unix:t"], "8", socket_mode="0600") + says("z", ["fifo:f"], "9"),
    ]

    def mode(path):
        try:
            return oct(path.lstat().st_mode)
        except FileNotFoundError:
            return "just removed"

    def shape(master):
        files = {p.name: mode(p) for p in master.runtime.iterdir()}
        rows = json.loads(json.dumps(master.status()["services"])
                          .replace(f"{master.runtime}/", ""))
        kept = [[row[k] for k in ("name", "state", "limit", "endpoints")] for row in rows]
        return files, sorted(kept)

    fresh = []
    for table in tables:
        with Ostlerd(table) as master:
            fresh.append(shape(master))
    with Ostlerd(tables[0]) as master:
        for i in range(len(tables)):
            for j in range(len(tables)):
                master.reload(tables[i])
                master.reload(tables[j])
                wait_until(lambda: shape(master) == fresh[j],
                           lambda: f"from {i} to {j}: {shape(master)} is {fresh[j]}")
