# SPDX-License-Identifier: MIT
"""The end of the real master: asked for, hurried, at once, and by a crash."""

import fcntl
import os
import signal
import socket
import subprocess
import threading

import pytest

from ostlerd import (
    OSTLERD,
    Ostlerd,
    free_port,
    is_alive,
    orphans,
    rogue,
    run,
    service,
    state_of,
    wait_until,
)


def at(port):
    return [f"127.0.0.1:{port}"]


def echo(name, listen, **settings):
    return service(name, listen, ["ostler-echo"], **settings)


def is_stopping(master):
    return master.status()["master"]["state"] == "stopping"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_graceful_stop_lets_the_busy_finish(number):
    one, two = free_port(), free_port()
    nobody_comes = rogue("f", ["fifo:f"]) + rogue("d", ["dgram:d"])
    with Ostlerd(echo("one", at(one) + ["unix:one"]) + echo("two", at(two))
                 + nobody_comes) as master:
        busy, idle = master.client(one), master.client(two)
        assert busy.ask("here") == "here" and idle.ask("here") == "here"
        idle.close()
        master.wait_for("two", lambda s: s["ready"] == 1)
        (worker,) = master.workers("two")
        master.send_signal(number)
        wait_until(lambda: is_stopping(master), "it stops")
        wait_until(lambda: not is_alive(worker), "the idle worker has left")
        assert busy.ask("still") == "still"
        assert master.process.poll() is None
        busy.close()
        assert master.wait() == 0
        master.check_clean()
        assert not master.control.exists()


@pytest.mark.parametrize("first,second", [
    (signal.SIGTERM, signal.SIGTERM), (signal.SIGTERM, signal.SIGINT),
    (signal.SIGINT, signal.SIGTERM),
])
def test_the_same_again_hurries(first, second):
    port = free_port()
    with Ostlerd(echo("one", at(port), stop_time="1h", kill_time="1h")) as master:
        busy = master.client(port)
        assert busy.ask("here") == "here"
        master.send_signal(first)
        wait_until(lambda: is_stopping(master), "it stops")
        assert busy.ask("still") == "still"
        master.send_signal(second)
        assert busy.at_end()
        assert master.wait() == 0
        master.check_clean()


# catalogue 30
def test_quit_kills_also_who_ignores_everything():
    port = free_port()
    text = rogue("one", at(port), "--start", "ignore TERM", "--deaf",
                 stop_time="1h", kill_time="1h")
    with Ostlerd(text) as master:
        busy = master.client(port)
        assert busy.ask("echo here") == "here"
        master.send_signal(signal.SIGQUIT)
        assert busy.at_end()
        assert master.wait() == 0
        master.check_clean()


# catalogue 31
def test_quit_kills_also_who_is_stopped():
    port = free_port()
    with Ostlerd(echo("one", at(port), stop_time="1h", kill_time="1h")) as master:
        busy = master.client(port)
        assert busy.ask("here") == "here"
        (worker,) = master.workers()
        os.kill(worker, signal.SIGSTOP)
        wait_until(lambda: state_of(worker) == "T", "the worker stands still")
        master.send_signal(signal.SIGQUIT)
        assert master.wait() == 0
        master.check_clean()


# catalogue 29
def test_a_busy_worker_is_ended_when_its_time_is_over():
    port = free_port()
    text = rogue("one", at(port), "--start", "ignore TERM", "--deaf",
                 stop_time="200ms", kill_time="200ms")
    with Ostlerd(text) as master:
        busy = master.client(port)
        assert busy.ask("echo here") == "here"
        master.send_signal(signal.SIGTERM)
        assert busy.at_end()
        assert master.wait() == 0
        assert master.events("worker-term")
        master.check_clean()


def test_a_stop_while_clients_wait_and_nobody_serves_ends():
    """A throttled service has nothing that a stop should wait for."""
    port = free_port()
    with Ostlerd(service("one", at(port), ["/bin/false"], throttle_time="1h")) as master:
        client = master.client(port)
        master.wait_for("one", lambda s: s["failures"] > 2)
        master.stop()
        assert client.at_end()


def test_nothing_is_started_after_a_stop():
    port = free_port()
    with Ostlerd(echo("one", at(port)), options=["--spawn=fork"]) as master:
        busy = master.client(port)
        assert busy.ask("here") == "here"
        master.send_signal(signal.SIGTERM)
        wait_until(lambda: is_stopping(master), "it stops")
        late = master.client(port)  # the queue takes it; nobody serves it
        starts = master.service("one")["starts"]
        assert busy.ask("still") == "still"
        assert master.service("one")["starts"] == starts
        busy.close()
        assert master.wait() == 0
        assert late.at_end()
        master.check_clean()


def test_who_has_no_client_refuses_at_once_and_the_busy_keep_their_queue():
    """docs/decisions/0016: a listener goes down with its service's last worker."""
    one, two = free_port(), free_port()
    with Ostlerd(echo("one", at(one), stop_time="1h") + echo("two", at(two))) as master:
        busy, idle = master.client(one), master.client(two)
        assert busy.ask("here") == "here" and idle.ask("here") == "here"
        idle.close()
        master.send_signal(signal.SIGTERM)
        wait_until(lambda: is_stopping(master), "it stops")

        def refuses():
            try:
                master.client(two).close()
            except OSError:
                return True
            return False

        wait_until(refuses, "the idle service refuses")
        late = master.client(one)
        assert busy.ask("still") == "still"
        busy.close()
        assert late.at_end()
        assert master.wait() == 0


# catalogue 27
@pytest.mark.parametrize("spawn", ["clone", "fork"])
def test_a_stop_while_workers_start_leaves_nobody(spawn):
    port = free_port()
    text = service("one", at(port), ["ostler-echo"], max_use=1, start_rate=100000)
    for delay in range(8):
        with Ostlerd(text, options=[f"--spawn={spawn}"]) as master:
            clients = [master.client(port) for _ in range(10 + delay)]
            for client in clients:
                client.socket.shutdown(socket.SHUT_WR)
            master.stop()
            for client in clients:
                assert client.at_end()
                client.close()


# ------------------------------------------------------------- ostler stop


@pytest.mark.parametrize("words", [("stop",), ("stop", "--now")])
def test_ostler_stop_waits_for_the_end(words):
    port = free_port()
    with Ostlerd(echo("one", at(port))) as master:
        with master.client(port) as client:
            assert client.ask("here") == "here"
        done = master.ostler(*words)
        assert (done.returncode, done.stdout, done.stderr) == (0, "stopped\n", "")
        assert master.wait() == 0
        master.check_clean()


def test_ostler_stop_waits_for_the_last_client():
    port = free_port()
    with Ostlerd(echo("one", at(port))) as master:
        busy = master.client(port)
        assert busy.ask("here") == "here"
        done = []
        thread = threading.Thread(target=lambda: done.append(master.ostler("stop")))
        thread.start()
        wait_until(lambda: is_stopping(master), "it stops")
        assert busy.ask("still") == "still"
        assert not done
        busy.close()
        thread.join()
        assert done[0].returncode == 0
        assert master.wait() == 0
        master.check_clean()


# ------------------------------------------------------------- one at a time


# catalogue 77
def test_a_second_master_of_the_same_directory_is_told_so():
    port = free_port()
    with Ostlerd(echo("one", at(port))) as master:
        assert (master.runtime / "ostler.pid").read_text() == f"{master.pid}\n"
        done = run([str(OSTLERD), "-c", str(master.config)], env=master.environment())
        assert done.returncode == 75
        assert "another ostlerd runs" in done.stderr and "ostler.pid" in done.stderr
        with master.client(port) as client:
            assert client.ask("here") == "here"
        assert (master.runtime / "ostler.pid").read_text() == f"{master.pid}\n"


# catalogue 77
def test_of_many_masters_at_once_one_serves():
    port = free_port()
    with Ostlerd(echo("one", at(port))) as master:
        master.stop()
        others = [subprocess.Popen([str(OSTLERD), "-c", str(master.config)],
                                   env=master.environment(), stdin=subprocess.DEVNULL,
                                   stderr=subprocess.PIPE) for _ in range(8)]
        try:
            wait_until(lambda: sum(p.poll() is None for p in others) == 1, "one is left")
            assert sorted(p.poll() for p in others if p.poll() is not None) == [75] * 7
            wait_until(lambda: master.ostler("status").returncode == 0, "it serves")
            with master.client(port) as client:
                assert client.ask("here") == "here"
        finally:
            for process in others:
                process.send_signal(signal.SIGTERM)
            codes = sorted(p.wait(30) for p in others)
            for process in others:
                process.stderr.close()
        assert codes == [0] + [75] * 7


def test_a_lock_of_somebody_else_is_respected():
    port = free_port()
    with Ostlerd(echo("one", at(port))) as master:
        master.stop()
        with open(master.runtime / "ostler.pid", "r+") as held:
            fcntl.flock(held, fcntl.LOCK_EX)
            assert run([str(OSTLERD), "-c", str(master.config)],
                       env=master.environment()).returncode == 75
        # Whose lock is gone is gone: an old file does not stop anybody.
        master.start()
        master.stop()


# ------------------------------------------------------------- kill -9


# catalogue 34
def test_after_a_crash_the_idle_leave_and_the_busy_finish():
    one, two = free_port(), free_port()
    with Ostlerd(echo("one", at(one) + ["unix:one"]) + echo("two", at(two))) as master:
        busy, idle = master.client(one), master.client(two)
        assert busy.ask("here") == "here" and idle.ask("here") == "here"
        idle.close()
        master.wait_for("two", lambda s: s["ready"] == 1)
        (left,), (stays,) = master.workers("two"), master.workers("one")
        master.kill()
        wait_until(lambda: left not in orphans(), "the idle worker has left")
        assert busy.ask("still") == "still"
        assert is_alive(stays)
        busy.close()
        wait_until(lambda: stays not in orphans(), "the busy worker has left")
        # What is left of the sockets is no hindrance.
        assert (master.runtime / "one").exists() and master.control.exists()
        master.start()
        for where in (one, two, "one"):
            with master.client(where) as client:
                assert client.ask("new") == "new"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGQUIT])
def test_a_stop_before_the_first_table_is_in_force_is_a_stop(number):
    def pending():
        signal.pthread_sigmask(signal.SIG_BLOCK, [number])
        os.kill(os.getpid(), number)

    # Seen in the first round, while users are looked up.
    master = Ostlerd(service("one", ["unix:one"], ["ostler-echo"]), preexec=pending)
    try:
        assert master.launch().wait() == 0, master.log()
        master.check_clean()
        assert "master-stopped" in master.log() and "master-started" not in master.log()
        assert "config-refused" not in master.log()
    finally:
        master._remove()


# catalogue 34
def test_a_port_that_an_old_worker_still_has_is_told_and_free_when_it_leaves():
    """Two masters on one port would share its clients: that is refused."""
    port = free_port()
    with Ostlerd(echo("one", at(port) + ["unix:one"])) as master:
        busy = master.client(port)
        assert busy.ask("here") == "here"
        master.kill()
        done = run([str(OSTLERD), "-c", str(master.config)], env=master.environment())
        assert done.returncode == 1  # not the file's fault: systemd tries again
        assert "a worker that a former ostlerd left" in done.stderr
        assert f"{master.config}:3: service 'one': cannot listen" in done.stderr
        assert "in use" in done.stderr
        assert busy.ask("still") == "still"
        busy.close()
        wait_until(lambda: not orphans(), "the old worker has left")
        master.start()
        for where in (port, "one"):
            with master.client(where) as client:
                assert client.ask("new") == "new"
