# SPDX-License-Identifier: MIT
"""Reloads with random changes, and killed workers (storm.py has the rest)."""

from ostlerd import Ostlerd
from storm import Place, begin, blows, dice, settle


# catalogue 18, 76
def test_no_client_is_lost_by_reloads_at_random():
    rng = dice("reloads")
    n = blows(16, 1000)
    place = Place(rng, f"reloads-{id(rng)}")
    killed = set()
    with Ostlerd(place.text()) as master:
        with begin(master, place) as clients:
            for _ in range(n):
                dice_now = rng.random()
                if dice_now < 0.1:
                    # Refused: what runs goes on.
                    before = master.config.read_text().split("\n", 1)[1]
                    assert master.reload("service x {", good=False).returncode != 0
                    master.write(before)
                else:
                    master.reload(place.text())
                if dice_now > 0.7:
                    place.kill_worker(killed)
            clients.finish(f"{n} reloads", killed)
        settle(master)


# catalogue 18
def test_only_the_clients_of_killed_workers_are_lost():
    rng = dice("kills")
    n = blows(20, 200)
    place = Place(rng, f"kills-{id(rng)}")
    killed = set()
    with Ostlerd(place.text()) as master:
        with begin(master, place) as clients:
            while len(killed) < n:
                place.kill_worker(killed)
            clients.finish(f"{n} kills", killed)
        settle(master)
