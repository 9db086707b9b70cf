# SPDX-License-Identifier: MIT
"""Services that rest and go on at random, beside reloads and other limits."""

from ostlerd import Ostlerd
from storm import Place, begin, blows, dice, settle


def test_no_client_is_lost_by_services_that_rest():
    rng = dice("drains")
    n = blows(8, 300)
    place = Place(rng, f"drains-{id(rng)}")
    with Ostlerd(place.text()) as master:
        with begin(master, place) as clients:
            for _ in range(n):
                who = rng.choice(["one", "two", "killed", place.name, "--all"])
                done = master.ostler("drain", who)
                assert done.returncode == 0, (done, master.log()[-3000:])
                # What is left out of the table rests no more, and another may come.
                if rng.random() < 0.4:
                    master.write(place.text())
                    assert master.ostler("reload", "--no-wait").returncode == 0
                if rng.random() < 0.3:
                    master.ostler("scale", "two", f"limit={rng.randint(2, 9)}")
                assert master.ostler("resume", "--all").returncode == 0
            clients.finish(f"{n} rests")
        settle(master)
