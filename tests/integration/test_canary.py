# SPDX-License-Identifier: MIT
"""Canaries: a changed service is tried by a few workers, and taken back."""

import os
import shutil
import signal

from kept import Kept
from ostlerd import (
    DIRECTORY,
    Ostlerd,
    connect,
    free_port,
    libexec,
    service,
    wait_until,
)

SOON = {"canary": 1, "canary_time": "200ms", "canary_min": 3}
LATE = {"canary": 1, "canary_time": "1h", "canary_min": 3}


def at(port):
    return [f"127.0.0.1:{port}"]


def says(port, word, **settings):
    """Each client hears WORD."""
    return service("it", at(port), ["ostler-spawn", "/bin/echo", word], **settings)


def dies(port, **settings):
    return service("it", at(port), ["/bin/false"], **settings)


def hear(port):
    with connect(port) as client:
        return client.line()


def rolled_back(master, config, *words):
    """The reload of CONFIG waits, and says that it was taken back."""
    master.write(config)
    done = master.ostler("reload", *words)
    assert done.returncode == 1, f"{done}; log: {master.log()}"
    assert "it: rolled back" in done.stderr
    return done


def try_it(master, config):
    """Reload CONFIG, and do not wait for a verdict."""
    master.write(config)
    done = master.ostler("reload", "--no-wait")
    assert done.returncode == 0, f"{done}; log: {master.log()}"
    assert "it: changed (tried by canaries first)" in done.stdout


def warm(port, word, n=4):
    """Some clients: somebody is there to compare with."""
    assert {hear(port) for _ in range(n)} == {word}


def test_a_change_that_dies_is_taken_back_and_not_tried_again():
    port = free_port()
    with Ostlerd(says(port, "old", **LATE)) as master:
        warm(port, "old")
        old = master.workers("it")
        done = rolled_back(master, dies(port, **LATE))
        assert "exit status 1" in done.stderr
        event = master.wait_event("rolled-back")
        assert event["service"] == "it"
        assert "exit status 1" in event["cause"]
        warm(port, "old")
        assert set(old) & set(master.workers("it")), "an old worker left"
        told = master.ostler("plan")
        assert told.returncode == 1 and "rolled back" in told.stderr, told
        again = master.reload(good=False)
        assert again.returncode == 1
        assert "rolled back" in again.stderr and "exit status 1" in again.stderr
        warm(port, "old")
        # Another change is another matter.
        master.reload(says(port, "new"))
        wait_until(lambda: hear(port) == "new", "the new command serves")


def test_a_change_that_was_taken_back_is_tried_again_when_asked():
    port = free_port()
    with Ostlerd(says(port, "old", **LATE)) as master:
        warm(port, "old")
        rolled_back(master, dies(port, **LATE))
        assert len(master.events("rolled-back")) == 1
        rolled_back(master, dies(port, **LATE), "--again")
        wait_until(lambda: len(master.events("rolled-back")) == 2, "it was tried again")
        warm(port, "old")


def test_a_program_that_cannot_be_started_is_taken_back():
    port = free_port()
    with Ostlerd(says(port, "old", **LATE)) as master:
        warm(port, "old")
        bad = master.directory / "bad"
        bad.write_text("this is no program\n")
        bad.chmod(0o755)
        rolled_back(master, service("it", at(port), [str(bad)], **LATE))
        event = master.wait_event("rolled-back")
        assert "exec" in event["cause"] and str(bad) in event["cause"]
        warm(port, "old")
        assert master.service("it")["state"] == "up", "a canary throttles nobody"


def test_a_good_change_is_made_for_all():
    port = free_port()
    settings = {"canary": 1, "canary_time": "1s", "canary_min": 1}
    with Ostlerd(says(port, "old", **settings)) as master:
        warm(port, "old")
        master.write(says(port, "new", **settings))
        master.send_signal(signal.SIGHUP)
        tried = 1

        def is_good():
            nonlocal tried
            assert hear(port) in ("old", "new")
            # On a machine that is too busy for a client in that time.
            if len(master.events("canary-inconclusive")) == tried:
                tried += 1
                master.send_signal(signal.SIGHUP)
            return master.events("canary-good")

        wait_until(is_good, lambda: f"the change is made: {master.log()}", 60)
        wait_until(lambda: {hear(port) for _ in range(4)} == {"new"}, "all are new")
        assert not master.events("rolled-back")


def test_without_clients_nothing_changes():
    port = free_port()
    with Ostlerd(says(port, "old", **SOON)) as master:
        warm(port, "old")
        done = rolled_back(master, says(port, "new", **SOON))
        assert "canary_min" in done.stderr
        assert "canary_min" in master.wait_event("canary-inconclusive")["cause"]
        row = master.service("it")
        assert row["trial"] == "rolled-back" and "canary_min" in row["trial_cause"]
        # That is no verdict: it may be tried as often as one likes.
        rolled_back(master, says(port, "new", **SOON))
        wait_until(lambda: len(master.events("canary-inconclusive")) == 2, "tried again")
        warm(port, "old")


def test_canaries_come_beside_the_others_and_get_clients():
    port = free_port()
    settings = dict(LATE, process_limit=4, spare_min=3, trim_interval=0)
    with Ostlerd(says(port, "old", **settings)) as master:
        master.wait_for("it", lambda s: s["ready"] == 3)
        assert master.service("it")["trial"] is None
        try_it(master, says(port, "new", **settings))
        master.wait_for("it", lambda s: s["total"] == 4)
        wait_until(lambda: hear(port) == "new", "a canary has its turn")
        assert {hear(port) for _ in range(20)} == {"old", "new"}
        row = master.wait_for("it", lambda s: (s["canaries_served"] or 0) > 0)
        assert row["trial"] == "running" and row["canaries"] <= 1
        assert 0 < row["trial_left_seconds"] <= 3600
        assert "    on trial until " in master.ostler("status").stdout
        # Who takes it back needs no verdict.
        master.reload(says(port, "old", **settings))
        wait_until(lambda: {hear(port) for _ in range(8)} == {"old"}, "canaries are gone")
        assert master.service("it")["trial"] is None
        assert not master.events("rolled-back")


def test_a_program_that_was_replaced_is_a_change_and_goes_back():
    port = free_port()
    program = f"{DIRECTORY}/program"
    config = service("it", at(port), [program, "/bin/echo", "served"], max_use=1, **LATE)
    with Ostlerd(service("x", at(free_port()), ["ostler-echo"])) as master:
        place = master.directory / "program"
        shutil.copy(libexec() / "ostler-spawn", place)
        master.reload(config)
        warm(port, "served")
        assert "reloaded: 0 changed" in master.reload().stdout
        shutil.copy("/bin/false", master.directory / "fresh")
        os.rename(master.directory / "fresh", place)
        rolled_back(master, config)
        # Each client is a worker's only one: all that come now are held.
        warm(port, "served", 6)


def test_a_change_of_what_all_share_is_made_at_once():
    one, two = free_port(), free_port()
    with Ostlerd(says(one, "old", **LATE)) as master:
        warm(one, "old")
        master.reload(says(two, "new", **LATE))
        warm(two, "new")
        assert not master.events("canary-good")


def test_a_master_that_takes_over_ends_a_trial():
    port = free_port()
    settings = dict(LATE, process_limit=4, spare_min=3, trim_interval=0)
    with Kept(says(port, "old", **settings)) as master:
        master.wait_for("it", lambda s: s["ready"] == 3)
        try_it(master, says(port, "new", **settings))
        master.wait_for("it", lambda s: s["total"] == 4)
        wait_until(lambda: hear(port) == "new", "a canary has its turn")
        master.kill_master()
        master.wait_event("canary-inconclusive")
        wait_until(lambda: {hear(port) for _ in range(8)} == {"old"}, "canaries are gone")


def test_what_went_back_is_refused_by_the_next_program_too():
    port = free_port()
    with Ostlerd(says(port, "old", **LATE)) as master:
        warm(port, "old")
        rolled_back(master, dies(port, **LATE))
        before = master.service("it")
        assert before["trial"] == "rolled-back" and before["canaries"] is None
        assert "exit status 1" in before["trial_cause"]
        assert master.ostler("upgrade").returncode == 0
        again = master.reload(good=False)
        assert again.returncode == 1 and "rolled back" in again.stderr
        row = master.service("it")
        assert (row["trial"], row["trial_cause"]) == ("rolled-back", before["trial_cause"])
        assert row["trial_ended_seconds"] >= before["trial_ended_seconds"]
        told = master.ostler("status").stdout
        assert "    not as the configuration says: rolled back " in told
        warm(port, "old")
        # What the configuration says is in force again.
        master.reload(says(port, "old", **LATE))
        row = master.service("it")
        assert row["trial"] is None and row["trial_cause"] is None
        assert "rolled back" not in master.ostler("status").stdout


def test_an_upgrade_that_a_trial_keeps_waiting_says_whose():
    port = free_port()
    with Ostlerd(says(port, "old", **LATE), head="upgrade_timeout = 2s\n") as master:
        warm(port, "old")
        try_it(master, says(port, "new", **LATE))

        def says_whose():
            # On a machine that is too busy, its rehearsal may take too long.
            done = master.ostler("upgrade")
            assert done.returncode == 1, done
            return "canaries of it are on trial" in done.stderr

        wait_until(says_whose, "the upgrade is refused for the trial", 60)
        assert master.service("it")["trial"] == "running"
