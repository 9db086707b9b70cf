# SPDX-License-Identifier: MIT
"""Storms: a master that is reloaded, upgraded and killed while every answer
that its clients get is checked.

A storm is a Place (configurations that always serve the same endpoints,
otherwise at random), Clients at each of them, and blows at random. In the end
a client that was refused, reset, answered wrongly or not at all is a lost one.
Of the killed workers' own clients at most one each may be: no other is.

`ninja -C build storm` runs all of them with the numbers of FULL; each is run
with a few blows by the tests. OSTLER_STORM=N makes that N times as many.
"""

import os
import random
import signal
import sys

from ostlerd import SANITIZED, environment_of, free_port, rogue, service, wait_until
from test_load import Load

FULL = "OSTLER_STORM_FULL" in os.environ
TIMES = int(os.environ.get("OSTLER_STORM", "1"))
SEED = os.environ.get("OSTLER_STORM_SEED", "")


def blows(brief, full):
    """How many there are to be; fewer where all is slow."""
    if FULL:
        return TIMES * full
    return TIMES * (brief // 2 if SANITIZED else brief)


def dice(name):
    """Chance that comes again: by the storm's name, and by the seed."""
    return random.Random(f"{name} {SEED}")


class Place:
    """The endpoints, and random configurations that serve them."""

    def __init__(self, rng, mark):
        self.rng = rng
        self.mark = mark  # in the environment of every worker
        self.ports = {name: free_port() for name in ("one", "two", "moved", "killed")}
        self.six = free_port("::1")
        self.name = "alpha"  # of the service whose endpoints move
        self.generation = 0

    def common(self):
        return {"environment": [f"STORM={self.mark}", f"WORD={self.generation}"],
                "start_rate": 100000, "start_burst": 100000, "throttle_time": "20ms",
                "quick_exit": "0"}

    def some(self, **choices):
        """One of each, at random."""
        return {name: self.rng.choice(values) for name, values in choices.items()}

    def policy(self):
        return self.some(process_limit=[2, 4, 8, 100], spare_min=[0, 0, 1, 2], spare_max=[0, 3],
                         max_use=[1, 5, 50, 0], trim_interval=["1s", "30s"],
                         socket_mode=["0660", "0666"], backlog=[64, 511])

    def text(self, replace=None):
        """The next configuration. REPLACE: True, and workers are replaced."""
        if replace or (replace is None and self.rng.random() < 0.4):
            self.generation += 1
        if self.rng.random() < 0.2:
            self.name = self.rng.choice(["alpha", "beta", "gamma"])
        echo = ["ostler-echo"]
        parts = [
            service("one", [f"127.0.0.1:{self.ports['one']}", "unix:one"], echo,
                    **self.common(), **self.policy(),
                    **self.some(status_page=["yes", "no"], mold=["no", "yes"])),
            service("two", [f"127.0.0.1:{self.ports['two']}", f"[::1]:{self.six}"],
                    [*echo, "--multi"], **self.common(), **self.policy()),
            service(self.name, [f"127.0.0.1:{self.ports['moved']}", "unix:moved"], echo,
                    **self.common(), **self.policy(),
                    **self.some(status_channel=["private", "shared"])),
            rogue("killed", [f"127.0.0.1:{self.ports['killed']}", "unix:killed"], "--greet",
                  **self.common(), process_limit=8),
        ]
        if self.rng.random() < 0.3:
            parts.append(service("more", ["unix:more"], echo, **self.common(), spare_min=1))
        self.rng.shuffle(parts)
        return "".join(parts)

    def workers(self, name="killed"):
        """Whoever their parent is by now."""
        found = []
        for entry in os.listdir("/proc"):
            if not entry.isdigit():
                continue
            env = environment_of(entry)
            if env.get("STORM") == self.mark and env.get("OSTLER_SERVICE") == name:
                found.append(int(entry))
        return found

    def kill_worker(self, killed):
        """SIGKILL one that is to be killed, and remember it."""
        workers = self.workers()
        if not workers:
            return
        pid = self.rng.choice(workers)
        killed.add(pid)
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass


class Clients:
    """At every endpoint of PLACE, until finish()."""

    def __init__(self, place, runtime, threads=4):
        ports = place.ports
        self.plain = Load(*[f"127.0.0.1:{ports[n]}" for n in ("one", "two", "moved")],
                          f"[::1]:{place.six}", runtime / "one", runtime / "moved",
                          threads=threads)
        self.greeted = Load(f"127.0.0.1:{ports['killed']}", runtime / "killed", threads=2, hold=5,
                            greeted=True)

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.plain.__exit__(*error)
        self.greeted.__exit__(*error)

    def finish(self, what, killed=()):
        """None is lost; says how many there were."""
        served, lost = self.plain.finish()
        more, failed = self.greeted.finish()
        strangers = [f for f in failed if int(f["pid"]) not in killed and f["pid"] != "0"]
        print(f"storm: {what}: {served + more} clients, {len(lost) + len(strangers)} lost; "
              f"{len(killed)} workers killed with {len(failed)} clients", file=sys.__stdout__)
        assert not lost, lost[:10]
        assert not strangers, strangers[:10]
        assert len(failed) <= len(killed), failed[:10]
        assert served > 0 and more > 0
        return served + more


def begin(master, place):
    """Clients that are served already."""
    clients = Clients(place, master.runtime)
    wait_until(lambda: len(place.workers()) > 1, "workers are there")
    return clients


def settle(master):
    """Nothing is left to be done."""
    wait_until(lambda: all(s["depth"] in (0, None) and s["taken"] == 0
                           for s in master.status()["services"]), "all is quiet")
