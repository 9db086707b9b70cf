# SPDX-License-Identifier: MIT
"""status_channel = shared: one channel for all workers, as Postfix has it."""

import os
import signal
import socket
import time

from ostlerd import (
    SANITIZED,
    Ostlerd,
    is_alive,
    rogue,
    service,
    wait_until,
)

LADDER = {"retire_grace": "300ms", "stop_time": "300ms", "drain_time": "300ms",
          "kill_time": "300ms"}


def shared(*switches, name="web", **settings):
    return rogue(name, [f"unix:{name}"], *switches, status_channel="shared", **settings)


def is_served(master, name="web"):
    with master.client(name) as client:
        return client.ask("echo x") == "x"


def test_words_on_a_shared_channel_are_their_speakers():
    with Ostlerd(shared()) as master:
        with master.client("web") as one, master.client("web") as two:
            assert one.ask("pid") != two.ask("pid")
            master.wait_for("web", lambda s: s["taken"] == 2)
            one.close()
            master.wait_for("web", lambda s: (s["taken"], s["ready"]) == (1, 1))
        row = master.wait_for("web", lambda s: s["ready"] == 2)
        assert (row["starts"], row["failures"], row["bad_pid"]) == (2, 0, 0)


def test_all_workers_have_the_same_channel():
    with Ostlerd(shared()) as master:
        clients = [master.client("web") for _ in range(3)]
        pids = [int(c.ask("pid")) for c in clients]
        ends = {os.readlink(f"/proc/{pid}/fd/5") for pid in pids}
        assert len(ends) == 1 and ends.pop().startswith("socket:")
        for client in clients:
            client.close()


def test_at_the_limit_clients_wait_and_all_are_served():
    with Ostlerd(shared(process_limit=2)) as master:
        held = [master.client("web") for _ in range(2)]
        assert len({c.ask("pid") for c in held}) == 2
        waiting = [master.client("web") for _ in range(10)]
        for client in waiting:
            client.send("echo x\n")
            client.socket.shutdown(socket.SHUT_WR)
        master.wait_for("web", lambda s: s["state"] == "at-limit")
        for client in held:
            client.close()
        for client in waiting:
            assert client.line() == "x"
            client.close()
        assert master.service("web")["starts"] == 2


def test_a_forged_pid_is_dropped_for_the_kernel_names_the_speaker():
    """Catalogue 2."""
    with Ostlerd(shared()) as master:
        with master.client("web") as liar, master.client("web") as victim:
            liar.ask("pid")
            pid = victim.ask("pid")
            number = next(ln for ln in victim.lines("report")
                          if ln.startswith("env GENERATION=")).split("=")[1]
            master.wait_for("web", lambda s: s["taken"] == 2)
            liar.ask(f"lie {pid} {int(number, 8)} 1")
            row = master.wait_for("web", lambda s: s["bad_pid"] == 1)
            assert (row["taken"], row["ready"]) == (2, 0)


def test_a_child_that_speaks_in_its_parents_name_is_dropped():
    """It holds the channel by right, and yet it is none of our workers."""
    with Ostlerd(shared()) as master:
        with master.client("web") as client:
            child = int(client.ask("fork 5 say"))
            row = master.wait_for("web", lambda s: s["bad_pid"] == 1)
            assert row["taken"] == 1
        wait_until(lambda: not is_alive(child), "the child is gone")


def test_bad_messages_are_counted_and_dropped():
    """Catalogue 3."""
    with Ostlerd(shared()) as master:
        with master.client("web") as client:
            client.ask("sizes 0 64")
            client.ask("lie own +1 1")
            client.ask("lie own own 9")
            row = master.wait_for("web", lambda s: s["bad_status"] == 1)
            assert (row["bad_size"], row["bad_generation"], row["bad_pid"]) == (64, 1, 0)
            assert row["taken"] == 1
        assert is_served(master)


def test_descriptors_sent_on_a_shared_channel_are_not_kept():
    """Catalogue 7."""
    with Ostlerd(shared()) as master:
        with master.client("web") as client:
            client.ask("echo x")
            before = master.fds()
            # Since Linux 6.16 they cannot even be sent.
            sent = [int(client.ask("rights 5")) for _ in range(10)]
            assert set(sent) in ({0}, {5})
            if sent[0]:
                master.wait_for("web", lambda s: s["redundant"] >= 49)
            wait_until(lambda: master.fds() <= before, "all are closed")


def test_a_flood_on_a_shared_channel_leaves_other_services_alone():
    """Catalogue 6."""
    with Ostlerd(shared(name="bad", **LADDER) + shared()) as master:
        client = master.client("bad")
        client.send("flood 0\n")
        master.wait_for("bad", lambda s: s["flood"] >= 3)
        cpu = master.cpu_seconds()
        for _ in range(20):
            assert is_served(master)
        assert master.cpu_seconds() - cpu < (2 if SANITIZED else 0.5)
        master.stop()
        client.close()


def test_a_worker_that_closes_its_end_does_no_harm_to_others():
    with Ostlerd(shared(**LADDER)) as master:
        with master.client("web") as bad, master.client("web") as good:
            assert bad.ask("pid") != good.ask("pid")
            bad.ask("close 5")
            good.close()
            master.wait_for("web", lambda s: s["ready"] == 1)
            assert is_served(master)


def test_a_worker_that_shuts_the_channel_down_is_survived():
    """Allowed to whoever holds it: all are deaf and dumb then, and served."""
    with Ostlerd(shared(deaf_time="200ms", **LADDER)) as master:
        with master.client("web") as bad:
            bad.ask("shutdown 5 rdwr")
        for _ in range(3):
            assert is_served(master)
        cpu, end = master.cpu_seconds(), time.monotonic() + 0.5
        wait_until(lambda: time.monotonic() > end, "time passes")
        assert master.cpu_seconds() - cpu < 0.2


def test_a_changed_service_gets_a_channel_of_its_own_and_the_old_one_retires():
    text = shared(max_use=0)
    with Ostlerd(text) as master:
        client = master.client("web")
        old = int(client.ask("pid"))
        assert is_served(master)
        master.reload(shared(max_use=0, umask="027"))
        master.wait_for("web", lambda s: s["total"] == 1)  # the idle one is gone
        with master.client("web") as other:
            fresh = int(other.ask("pid"))
            assert fresh != old
            assert os.readlink(f"/proc/{old}/fd/5") != os.readlink(f"/proc/{fresh}/fd/5")
        assert client.ask("echo x") == "x"
        client.close()
        wait_until(lambda: not is_alive(old), "the old one leaves")
        master.wait_for("web", lambda s: s["retiring"] == 0)


def test_workers_end_and_are_stopped_as_on_private_channels():
    with Ostlerd(shared(**LADDER)) as master:
        with master.client("web") as client:
            pid = int(client.ask("pid"))
            os.kill(pid, signal.SIGKILL)
            assert client.at_end()
        master.wait_event("worker-died")
        assert is_served(master)
        with master.client("web") as client:
            client.ask("ignore TERM")
            client.send("hang\n")
            master.wait_for("web", lambda s: s["taken"] == 1)
            master.stop()


def test_workers_on_libostler_serve_on_a_shared_channel():
    text = service("echo", ["unix:echo"], ["ostler-echo"], status_channel="shared", max_use=3)
    with Ostlerd(text) as master:
        for _ in range(20):
            with master.client("echo") as client:
                assert client.ask("hello") == "hello"
        row = master.service("echo")
        assert row["failures"] == 0 and row["bad_pid"] == 0
