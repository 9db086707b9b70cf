# SPDX-License-Identifier: MIT
"""SIGKILL of the master under a keeper (storm.py has the rest)."""

import os
import signal
import time

from ostlerd import wait_until
from storm import FULL, Place, begin, blows, dice, settle
from test_keeper import Kept


def kill_master(master, rng):
    """SIGKILL, at once or a moment after the last one; the next need not be up."""
    before, born = master.restarts(), time.monotonic()
    if before < 0:
        return False
    if FULL and rng.random() < 0.7:
        # Who lives for a second is followed by another without a pause.
        wait_until(lambda: time.monotonic() > born + 1.1, "it has lived for a while")
    try:
        os.kill(master.pid, signal.SIGKILL)
    except (AssertionError, ProcessLookupError):
        return False
    if rng.random() < 0.8:
        wait_until(lambda: master.restarts() > before,
                   lambda: f"another master is there: {master.log()[-3000:]}")
    return True


# catalogue 120
def test_no_client_is_lost_by_the_masters_death():
    rng = dice("deaths")
    n = blows(5, 200)
    place = Place(rng, f"deaths-{id(rng)}")
    killed, deaths = set(), 0
    with Kept(place.text()) as master:
        with begin(master, place) as clients:
            while deaths < n:
                deaths += kill_master(master, rng)
                chance = rng.random()
                if chance > 0.7:
                    wait_until(lambda: master.restarts() >= 0, "a master is there")
                    master.reload(place.text())
                if chance < 0.3:
                    place.kill_worker(killed)
            wait_until(lambda: master.restarts() >= 0, "a master is there")
            clients.finish(f"{deaths} deaths of the master", killed)
        settle(master)
