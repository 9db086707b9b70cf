# SPDX-License-Identifier: MIT
"""A keeper that does not listen for a while costs its master nothing."""

import os
import signal

from kept import Kept, echo
from ostlerd import OSTLERD, SANITIZED, wait_until

MANY = 120


def descriptors(pid):
    """What each of them is."""
    found = []
    for name in os.listdir(f"/proc/{pid}/fd"):
        try:
            path = f"/proc/{pid}/fd/{name}"
            found.append((os.readlink(path), os.stat(path).st_ino))
        except FileNotFoundError:
            continue
    return found


def states(pid):
    return {inode for name, inode in descriptors(pid) if "ostler-state" in name}


def listening(master, word):
    """The listeners of table(word) there are."""
    mine = f"{master.directory}/"
    with open("/proc/net/unix", encoding="utf-8") as lines:
        found = [line.split() for line in lines]
    return {f"socket:[{words[6]}]" for words in found
            if words[3] == "00010000" and words[-1].startswith(mine)
            and os.path.basename(words[-1]).startswith(word)}


def table(word):
    return echo("web", ["unix:web"], process_limit=1) + "".join(
        echo(f"{word}{n}", [f"unix:{word}{n}"]) for n in range(MANY))


def test_who_is_not_heard_tells_all_of_it_later():
    with Kept(table("a")) as master:
        keeper, pid = master.process.pid, master.pid
        before = len(descriptors(pid))
        os.kill(keeper, signal.SIGSTOP)
        try:
            for word in "bcdefghijk":
                master.write(table(word))
                assert master.ostler("reload").returncode == 0
            # Of what nobody takes not everything is kept.
            assert len(descriptors(pid)) < before + 4 * MANY
            with master.client("web") as client:
                assert client.ask("here") == "here"
        finally:
            os.kill(keeper, signal.SIGCONT)
        now = listening(master, "k")
        assert len(now) == MANY
        wait_until(lambda: now <= {name for name, _ in descriptors(keeper)}, "the keeper has the listeners")
        earlier = states(keeper)
        assert master.ostler("scale", "web", "limit=2").returncode == 0
        wait_until(lambda: len(states(keeper)) == 1 and not states(keeper) & earlier, "it has the state")
        assert len(descriptors(keeper)) < before + MANY
        master.kill_master()
        for name in ("web", "k0", f"k{MANY - 1}"):
            with master.client(name) as client:
                assert client.ask("here") == "here"
        assert not master.events("keeper-lost")


def test_a_change_that_did_not_come_to_it_is_not_held_against_the_master():
    head = "" if SANITIZED else "upgrade_timeout = 1s\n"
    with Kept(echo("web", ["unix:web"], process_limit=1), head=head) as master:
        pid = master.pid
        path = master.directory / "once"
        path.write_text(f'#!/bin/sh\nrm "$0"\nexec {OSTLERD} "$@"\n')
        path.chmod(0o755)
        done = master.ostler("upgrade", str(path))
        assert done.returncode == 1 and "cannot be started" in done.stderr, done
        # It passes on what is said to a master that is well.
        reloads = len(master.events("reloaded"))
        wait_until(lambda: (master.send_signal(signal.SIGHUP), len(master.events("reloaded")) > reloads)[1],
                   "a reload goes through the keeper")
        assert master.pid == pid
