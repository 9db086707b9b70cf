# SPDX-License-Identifier: MIT
"""Upgrades, good ones and such that crash at random points (storm.py has the rest)."""

from ostlerd import BUILD, OSTLERD, SANITIZED, Ostlerd, is_alive, orphans, wait_until
from storm import Place, begin, blows, dice, settle

FAULTY = BUILD / "tests/integration/faulty"
POINTS = ["crash", "fault", "refuse", "crash-late", "fault-late", "exit"]


def program(master, name, image, faulty):
    """One that may be named in an upgrade."""
    path = master.directory / name
    path.write_text(f"#!/bin/sh\nexport FAULTY={faulty}\nexec {image} \"$@\"\n")
    path.chmod(0o755)
    return str(path)


def fault(rng):
    """Where it is to fail; anywhere, but a sanitizer would complain of that."""
    if SANITIZED or rng.random() < 0.3:
        return rng.choice(POINTS)
    return f"after-{int(10 ** rng.uniform(2, 4.7))}"


def stop(master):
    """The master may be another process than the one that was started."""
    pid = master.status()["master"]["pid"]
    if pid == master.process.pid:
        return
    master.wait()
    assert master.ostler("stop").returncode == 0
    wait_until(lambda: not is_alive(pid), "the master has stopped")
    wait_until(lambda: not orphans(), "nobody is left")
    master.check_clean()


# catalogue 75
def test_no_client_is_lost_by_upgrades_that_crash_anywhere():
    rng = dice("upgrades")
    n = blows(10, 200)
    place = Place(rng, f"upgrades-{id(rng)}")
    killed, good, pids = set(), 0, set()
    with Ostlerd(place.text(), head="upgrade_timeout = 20s\n", leftovers=True) as master:
        with begin(master, place) as clients:
            for _ in range(n):
                chance = rng.random()
                if chance < 0.5:
                    path = program(master, "good", OSTLERD, "")
                else:
                    path = program(master, "bad", FAULTY, fault(rng))
                done = master.ostler("upgrade", path, "--timeout", "100")
                good += done.returncode == 0
                wait_until(lambda: master.ostler("status").returncode == 0,
                           lambda: f"a master answers: {master.process.poll()}, "
                                   f"{master.ostler('status')} after {path}, {done}")
                pids.add(master.status()["master"]["pid"])
                if chance > 0.8:
                    master.reload(place.text())
                if chance < 0.3:
                    place.kill_worker(killed)
            clients.finish(f"{n} upgrades, {good} good, {len(pids)} processes", killed)
        settle(master)
        stop(master)
