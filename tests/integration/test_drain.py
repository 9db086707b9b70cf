# SPDX-License-Identifier: MIT
"""ostler drain and resume: a service rests, and nobody is lost by it."""

import json
import signal
import threading

import pytest

from ostlerd import Ostlerd, free_port, rogue, service


def at(port):
    return [f"127.0.0.1:{port}"]


def echo(name, listen, **settings):
    return service(name, listen, ["ostler-echo"], **settings)


class Asking:
    """`ostler WORDS`, which waits for something, and what it says in the end."""

    def __init__(self, master, *words):
        self.done = None
        self.thread = threading.Thread(target=self._run, args=(master, words))
        self.thread.start()

    def _run(self, master, words):
        self.done = master.ostler(*words)

    def result(self):
        self.thread.join()
        return self.done


def resting(master, name):
    master.wait_for(name, lambda s: s["state"] == "drained")


def test_clients_wait_and_are_served_when_the_service_goes_on():
    one, two = free_port(), free_port()
    with Ostlerd(echo("one", at(one) + ["unix:one"]) + echo("two", at(two))) as master:
        busy = master.client(one)
        assert busy.ask("here") == "here"
        asking = Asking(master, "drain", "one")
        master.wait_for("one", lambda s: s["state"] == "draining")
        assert busy.ask("still") == "still"
        assert asking.done is None
        waiting = [master.client(where) for where in (one, "one")]
        for client in waiting:
            client.send("patient\n")
        with master.client(two) as other:
            assert other.ask("as ever") == "as ever"
        busy.close()
        done = asking.result()
        assert (done.returncode, done.stderr) == (0, ""), done
        assert done.stdout == "one: drained; clients wait until `ostler resume`\n"
        row = master.service("one")
        assert (row["state"], row["total"]) == ("drained", 0)
        assert "drained" in master.ostler("status").stdout
        starts = row["starts"]
        # Another for each endpoint; none of them starts anybody.
        waiting += [master.client(where) for where in (one, "one")]
        for client in waiting[2:]:
            client.send("patient\n")
        assert master.service("one")["starts"] == starts
        done = master.ostler("resume", "one")
        assert (done.returncode, done.stdout) == (0, "one: resumed\n")
        for client in waiting:
            assert client.line() == "patient"
            client.close()
        assert master.service("one")["state"] == "up"
        assert [e["service"] for e in master.events("service-drained")] == ["one"]
        assert [e["service"] for e in master.events("service-resumed")] == ["one"]


def test_a_service_at_rest_is_so_at_once_and_twice_is_once():
    with Ostlerd(echo("one", ["unix:one"])) as master:
        for _ in range(2):
            assert master.ostler("drain", "one").returncode == 0
        done = master.ostler("--json", "drain", "one")
        assert json.loads(done.stdout) == {
            "schema": 1, "result": "ok", "text": None, "stuck": []}
        for _ in range(2):
            assert master.ostler("resume", "one").returncode == 0
        with master.client("one") as client:
            assert client.ask("here") == "here"


def test_all_services_rest_and_go_on():
    one, two = free_port(), free_port()
    with Ostlerd(echo("one", at(one), spare_min=1) + echo("two", at(two))) as master:
        master.wait_for("one", lambda s: s["ready"] == 1)
        assert master.ostler("drain", "--all").stdout.startswith("all services: drained")
        resting(master, "one")
        resting(master, "two")
        clients = [master.client(one), master.client(two)]
        for client in clients:
            client.send("patient\n")
        assert master.ostler("resume", "--all").returncode == 0
        for client in clients:
            assert client.line() == "patient"
            client.close()


def test_a_reload_lets_a_service_rest_and_a_removal_ends_it():
    port = free_port()
    others = echo("two", ["unix:two"])
    with Ostlerd(echo("one", at(port)) + others) as master:
        assert master.ostler("drain", "one").returncode == 0
        client = master.client(port)
        client.send("patient\n")
        master.reload(echo("one", at(port), max_use=3, spare_min=2) + others)
        row = master.service("one")
        assert (row["state"], row["total"], row["starts"]) == ("drained", 0, 0)
        assert master.ostler("scale", "one", "spare_min=1").returncode == 0
        assert master.ostler("resume", "one").returncode == 0
        assert client.line() == "patient"
        client.close()
        assert master.ostler("drain", "one").returncode == 0
        master.reload(others)
        assert "no such service" in master.ostler("resume", "one").stderr
        assert master.wait_event("service-gone")


def test_who_keeps_a_client_too_long_is_ended():
    port = free_port()
    text = rogue("one", at(port), "--start", "ignore TERM", "--deaf",
                 drain_time="200ms", kill_time="200ms")
    with Ostlerd(text) as master:
        busy = master.client(port)
        assert busy.ask("echo here") == "here"
        assert master.ostler("drain", "one").returncode == 0
        assert busy.at_end()
        assert master.service("one")["total"] == 0


def test_who_waits_for_the_rest_hears_that_it_was_called_off():
    port = free_port()
    with Ostlerd(echo("one", at(port))) as master:
        busy = master.client(port)
        assert busy.ask("here") == "here"
        asking = Asking(master, "drain", "one")
        master.wait_for("one", lambda s: s["state"] == "draining")
        assert master.ostler("resume", "one").returncode == 0
        done = asking.result()
        assert done.returncode == 1
        assert "was told to go on meanwhile" in done.stderr
        assert busy.ask("still") == "still"
        busy.close()


def test_a_stop_ends_a_rest_and_who_waits_for_it():
    port = free_port()
    with Ostlerd(echo("one", at(port))) as master:
        busy = master.client(port)
        assert busy.ask("here") == "here"
        asking = Asking(master, "drain", "one")
        master.wait_for("one", lambda s: s["state"] == "draining")
        master.send_signal(signal.SIGTERM)
        done = asking.result()
        assert done.returncode == 1 and "the master is stopping" in done.stderr
        busy.close()
        assert master.wait() == 0
        master.check_clean()


def test_an_upgrade_lets_a_service_rest_and_who_waits_for_that_may_ask_again():
    one, two = free_port(), free_port()
    with Ostlerd(echo("one", at(one)) + echo("two", at(two))) as master:
        assert master.ostler("drain", "one").returncode == 0
        patient = master.client(one)
        patient.send("patient\n")
        busy = master.client(two)
        assert busy.ask("here") == "here"
        asking = Asking(master, "drain", "two")
        master.wait_for("two", lambda s: s["state"] == "draining")
        assert master.ostler("upgrade").returncode == 0
        done = asking.result()
        assert done.returncode == 1 and "ask again" in done.stderr, done
        assert [master.service(n)["state"] for n in ("one", "two")] == ["drained", "draining"]
        busy.close()
        assert master.ostler("drain", "two").returncode == 0
        assert master.ostler("resume", "--all").returncode == 0
        assert patient.line() == "patient"
        patient.close()


@pytest.mark.parametrize("words, code, why", [
    (("drain",), 2, "drain: name a service, or say --all"),
    (("resume",), 2, "resume: name a service, or say --all"),
    (("drain", "one", "--all"), 2, "drain: name a service, or say --all"),
    (("drain", "nobody"), 1, "there is no such service"),
    (("resume", "no body"), 1, "there is no service 'no body'"),
    (("status", "--all"), 2, "there is no --all for status"),
])
def test_what_makes_no_sense_is_refused(refusing, words, code, why):
    done = refusing.ostler(*words)
    assert (done.returncode, done.stdout) == (code, "") and why in done.stderr
    assert refusing.service("one")["state"] == "up"


@pytest.fixture(scope="module")
def refusing():
    with Ostlerd(echo("one", ["unix:one"])) as master:
        yield master
