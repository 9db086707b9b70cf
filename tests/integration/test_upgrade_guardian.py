# SPDX-License-Identifier: MIT
"""A new program that dies, or hangs, before it can go back: the guardian goes on."""

import os
import signal

import pytest

from ostlerd import SANITIZED, Ostlerd, is_alive, wait_until
from test_upgrade_rescue import FAULTY, attempt, check_goes_on, config, patience

BODIES = ["kill -SEGV $$", "exit 0"] + ([] if SANITIZED else ["exec sleep 1000"])


def dies(master, body):
    path = master.directory / "dies"
    path.write_text(f"#!/bin/sh\n[ \"$1\" = --rehearse ] && exec {FAULTY} --rehearse\n{body}\n")
    path.chmod(0o755)
    return str(path)


@pytest.mark.parametrize("body", BODIES)
def test_who_is_dead_is_followed_by_the_guardian(body):
    head = "upgrade_timeout = 2s\n" if "sleep" in body else patience("")
    with Ostlerd(config(), head=head, leftovers=True) as master:
        pid = master.pid
        with master.client("web") as client:
            first = client.ask("pid")
            master.wait_for("web", lambda r: r["taken"] == 1)
            done = attempt(master, dies(master, body))
            assert done.returncode == 1, (done, master.log())
            assert "another process" in done.stderr
            master.wait()
            now = master.status()["master"]["pid"]
            assert now != pid
            assert (master.runtime / "ostler.pid").read_text().strip() == str(now)
            check_goes_on(master, client, first)
            # A worker's end is seen, though not how it was.
            with master.client("web") as two:
                second = int(two.ask("pid"))
                os.kill(second, signal.SIGKILL)
                master.wait_for("web", lambda r: r["taken"] == 0)
            assert not is_alive(second)
        if "sleep" not in body:
            assert master.ostler("upgrade").returncode == 0
        assert master.status()["master"]["pid"] == now
        assert master.ostler("stop").returncode == 0
        wait_until(lambda: not is_alive(now), "the rescuer has stopped")
        master.check_clean()


def faulty(master, how):
    """Faulty's image, by a name of its own."""
    path = master.directory / f"faulty-{how}"
    path.write_text(f"#!/bin/sh\nexport FAULTY={how}\nexec {FAULTY} \"$@\"\n")
    path.chmod(0o755)
    return str(path)


def test_where_both_refuse_the_guardian_finds_all_listeners_open():
    with Ostlerd(config(), head=patience(""), leftovers=True) as master:
        pid = master.pid
        assert attempt(master, faulty(master, "no")).returncode == 0
        with master.client("web") as client:
            first = client.ask("pid")
            master.wait_for("web", lambda r: r["taken"] == 1)
            done = attempt(master, faulty(master, "refuse-both"))
            assert done.returncode == 1, (done, master.log())
            assert "another process" in done.stderr
            master.wait()
            assert len([e for e in master.events("upgrade-failed") if "binary" in e]) == 2
            check_goes_on(master, client, first)
        now = master.status()["master"]["pid"]
        assert now != pid and not master.events("listener-lost")
        assert master.ostler("stop").returncode == 0
        wait_until(lambda: not is_alive(now), "the rescuer has stopped")
        master.check_clean()
