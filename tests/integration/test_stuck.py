# SPDX-License-Identifier: MIT
"""Workers that nothing ends: they delay nobody, and are named."""

import json
import os
import signal

import pytest

from ostlerd import (
    Ostlerd,
    free_port,
    is_alive,
    orphans,
    rogue,
    service,
    state_of,
    wait_until,
)

SHORT = {"stop_time": "200ms", "kill_time": "100ms", "drain_time": "200ms"}


def at(port):
    return [f"127.0.0.1:{port}"]


class Traced:
    """A worker that is traced by somebody who does not look: once it is dead,
    nobody else can reap it."""

    def __init__(self, master, port):
        self.client = master.client(port)
        self.worker = int(self.client.ask("pid"))
        self.tracer = int(self.client.ask("trace"))
        if self.tracer < 0:
            self.client.close()
            pytest.skip("nobody can be traced here")

    def end(self):
        os.kill(self.tracer, signal.SIGKILL)
        self.client.close()


def config(port, other):
    return (rogue("bad", at(port), process_limit=2, **SHORT)
            + service("good", at(other), ["ostler-echo"]))


def sleeps(master):
    """A master that spins never does, whatever else the machine has to do."""
    return all(state_of(master.pid) == "S" for _ in range(20))


def served(master, port):
    with master.client(port) as client:
        return client.ask("here") == "here"


def test_who_cannot_be_reaped_is_named_and_reaped_when_he_can_be():
    port, other = free_port(), free_port()
    with Ostlerd(config(port, other)) as master:
        traced = Traced(master, port)
        done = master.ostler("drain", "bad")
        assert done.returncode == 1
        assert f"pid {traced.worker}, state survives SIGKILL, dead" in done.stderr
        line = master.wait_event("worker-stuck")
        assert (line["pid"], line["process"]) == (str(traced.worker), "dead, but not reaped")
        text = master.ostler("status").stdout
        assert f"cannot be stopped: pid {traced.worker}, survives SIGKILL, dead" in text
        (told,) = json.loads(master.ostler("--json", "status", "bad").stdout)["services"]
        assert [s["pid"] for s in told["stuck"]] == [traced.worker]
        assert master.service("good")["stuck"] == []
        wait_until(lambda: sleeps(master), "the master rests")
        # The rest of the service goes on without it.
        assert master.ostler("resume", "bad").returncode == 0
        with master.client(port) as client:
            assert int(client.ask("pid")) != traced.worker
            assert served(master, other)
            traced.end()
            master.wait_for("bad", lambda s: s["total"] == 1)
        assert master.service("bad")["stuck"] == []


def test_a_removed_service_whose_worker_stays_is_named_and_holds_up_nobody():
    port, other = free_port(), free_port()
    with Ostlerd(config(port, other)) as master:
        traced = Traced(master, port)
        master.reload(service("good", at(other), ["ostler-echo"]))
        master.wait_for("bad", lambda s: s["stuck"] != [])
        row = master.service("bad")
        assert (row["state"], row["stuck"][0]["pid"]) == ("leaving", traced.worker)
        assert served(master, other)
        master.reload(service("good", at(other), ["ostler-echo"], max_use=7))
        assert served(master, other)
        traced.end()
        assert master.wait_event("service-gone")["service"] == "bad"


def test_a_stop_names_who_stays_and_ends_without_him():
    port, other = free_port(), free_port()
    with Ostlerd(config(port, other)) as master:
        traced = Traced(master, port)
        done = master.ostler("stop")
        assert done.returncode == 1
        assert f"a worker of bad could not be stopped: pid {traced.worker}" in done.stderr
        assert master.wait() == 0
        traced.end()


@pytest.mark.parametrize("words", [("stop",), ("stop", "--now"), ("drain", "bad")])
def test_who_sleeps_in_the_kernel_and_his_child_delay_nobody(words):
    port, other = free_port(), free_port()
    with Ostlerd(config(port, other)) as master:
        client = master.client(port)
        worker = int(client.ask("pid"))
        assert client.ask("vfork") == "ok"
        wait_until(lambda: state_of(worker) == "D", "it sleeps there")
        # Its child has what it has: the listener, its channel, the client.
        before = set(orphans())
        done = master.ostler(*words)
        assert done.returncode == 0, done
        assert not is_alive(worker)
        (child,) = wait_until(lambda: set(orphans()) - before, "its child is left")
        try:
            assert is_alive(child)
            if words[0] == "drain":
                assert served(master, other)
                assert master.ostler("resume", "bad").returncode == 0
                with master.client(port) as another:
                    assert another.ask("echo here") == "here"
            else:
                assert master.wait() == 0
                # It has the listener still, and nobody can knock there.
                with pytest.raises(OSError):
                    master.client(port)
        finally:
            os.kill(child, signal.SIGKILL)
            client.close()


def test_children_that_stay_behind_are_told_of_and_cannot_be_knocked_at():
    port, other = free_port(), free_port()
    with Ostlerd(config(port, other)) as master:
        with master.client(port) as client:
            client.send("fork 56 stay\n")
            child = int(client.line())
            client.send("exit 0\n")
            assert client.at_end()
        master.wait_for("bad", lambda s: s["leftover"] == 1)
        try:
            assert master.ostler("stop").returncode == 0
            assert master.wait() == 0
            line = master.wait_event("left-over")
            assert (line["service"], line["channels"]) == ("bad", "1")
            assert is_alive(child)
            with pytest.raises(OSError):
                master.client(port)
        finally:
            os.kill(child, signal.SIGKILL)
