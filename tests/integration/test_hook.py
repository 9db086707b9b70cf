# SPDX-License-Identifier: MIT
"""The hook: a program that hears of what a person wants to hear."""

import os
import signal

from kept import Kept, at, echo
from ostlerd import ROOT, Ostlerd, connect, free_port, is_alive, service, wait_until

TELL = 'echo "$OSTLER_EVENT|$OSTLER_SERVICE|$OSTLER_TEXT|$(id -u)|$$" >>"$1"'
SPEND = 'echo $$ >>"$1"; exec sleep 1000'


def head(script, journal="@DIRECTORY@/journal", **settings):
    words = ", ".join(f'"{w}"' for w in ("/bin/sh", "-c", script.replace('"', '\\"'), "hook", journal))
    more = "".join(f"{k} = {v}\n" for k, v in settings.items())
    return f"hook = {{{words}}}\n{more}"


def bad(name, port):
    """No worker of it serves anybody."""
    return service(name, at(port), ["/bin/false"], throttle_time="1h")


def told(master):
    """What the hook has written, line by line."""
    return master.journal_file.read_text().splitlines()


def wait_told(master, event):
    """The first line about EVENT, in pieces."""
    def found():
        return next((t.split("|") for t in told(master) if t.startswith(event + "|")), None)

    return wait_until(found, lambda: f"{event} was told; log: {master.log()}")


def test_it_hears_the_line_of_the_log_as_nobody():
    port = free_port()
    with Ostlerd(bad("it", port), head=head(TELL)) as master:
        with connect(port):
            event, name, text, user, _ = wait_told(master, "throttled")
        assert name == "it"
        assert any(line.endswith(f"Z {event} {text}") for line in master.log().splitlines())
        assert int(user) == (65534 if ROOT else os.getuid())


def test_a_reload_takes_it_away():
    port = free_port()
    with Ostlerd(echo("it", at(port)), head=head(TELL)) as master:
        assert master.ostler("upgrade", "/nowhere").returncode != 0
        wait_told(master, "upgrade-failed")
        master.head = ""
        master.reload(echo("it", at(port)))
        n = len(told(master))
        assert master.ostler("upgrade", "/nowhere").returncode != 0
        master.head = head(TELL)
        master.reload(bad("it", port))
        with connect(port):
            wait_told(master, "throttled")
        assert [t.split("|")[0] for t in told(master)[n:]].count("upgrade-failed") == 0


def test_one_that_fails_is_in_the_log():
    port = free_port()
    with Ostlerd(bad("it", port), head=head("exit 3")) as master:
        with connect(port):
            event = master.wait_event("hook-failed")
        assert event["event"] == "throttled" and event["status"] == "3"


def test_one_that_takes_too_long_is_killed_with_its_children():
    port = free_port()
    script = "sleep 1000 & echo $! >>\"$1\"; wait"
    # Before Linux 6.9 it is killed alone.
    if tuple(int(n) for n in os.uname().release.split(".")[:2]) < (6, 9):
        script = SPEND
    with Ostlerd(bad("it", port), head=head(script, hook_timeout="700ms")) as master:
        with connect(port):
            event = master.wait_event("hook-failed")
            assert event["error"] == "it took too long" and event["signal"] == "9"
            # On a busy machine the first one may have had no time for a child.
            child = int(wait_until(lambda: told(master), "a hook has a child")[0])
            wait_until(lambda: not is_alive(child), "it is dead, too")


def test_a_program_that_is_not_there_is_refused():
    port = free_port()
    with Ostlerd(echo("it", at(port))) as master:
        master.head = 'hook = "/nowhere/at/all"\n'
        master.write(echo("it", at(port)))
        done = master.reload(good=False)
        assert "hook: /nowhere/at/all: No such file" in done.stderr


def test_few_run_at_a_time_and_the_oldest_are_dropped():
    ports = [free_port() for _ in range(72)]
    text = "".join(bad(f"s{i}", port) for i, port in enumerate(ports))
    with Ostlerd(text, head=head(SPEND, hook_timeout="1h")) as master:
        clients = [connect(port) for port in ports]
        wait_until(lambda: len({e["service"] for e in master.events("throttled")}) == len(ports),
                   "all services are throttled")
        wait_until(lambda: len(told(master)) == 4, "four run")
        os.kill(int(told(master)[0]), signal.SIGKILL)
        wait_until(lambda: sum(int(e["events"]) for e in master.events("hook-lost")) >= len(ports) - 64 - 4,
                   lambda: f"the dropped ones are told: {master.events('hook-lost')}")
        wait_until(lambda: len(told(master)) == 5, "the next one runs")
        for client in clients:
            client.close()
    # Leaving the block saw that none is left.


def test_an_upgrade_does_not_wait_for_it_for_long():
    port = free_port()
    script = f'if [ $OSTLER_EVENT = upgraded ]; then {TELL}; else {SPEND}; fi'
    with Ostlerd(echo("it", at(port)), head=head(script, hook_timeout="1h")) as master:
        assert master.ostler("upgrade", "/nowhere").returncode != 0
        wait_until(lambda: told(master), "it runs")
        done = master.ostler("upgrade")
        assert done.returncode == 0, f"{done}; log: {master.log()}"
        assert master.wait_event("hook-failed")["error"] == "the master ends"
        wait_told(master, "upgraded")
        wait_until(lambda: not master.zombies(), "it was reaped")


def test_it_hears_that_a_keeper_has_started_another_master():
    port = free_port()
    with Kept(echo("it", at(port)), head=head(TELL)) as master:
        master.kill_master()
        wait_told(master, "adopted")
