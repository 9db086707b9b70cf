# SPDX-License-Identifier: MIT
"""W1 to W4: work that is less even than that of the P rows."""

import os
import random
import signal
import time

from measure import children_of, pss_kb, wait_quiet, workers_of
from rows_cold import SLOW_CLIENTS, SLOW_START_MS
from systems import Service, make_master, masters, with_setting

HOLD_MS = 50


# ------------------------------------------------------------- W1


def run_slow(bench, _):
    """A worker that needs 200 ms before it takes anybody, asleep or on a processor."""
    born = bench.directory("born") / "born"
    born.touch()
    born.chmod(0o666)

    # A master that starts all at once on a processor that others need is slow beyond measure.
    start_ms = bench.often(SLOW_START_MS, 5)

    def services(how):
        words = ["-o", f"born={born}", "-o", f"{how}={start_ms}", "-o", f"hold={HOLD_MS}"]
        return lambda: [Service("slow", ["serve", *words], limit=100)]

    for case, how in ("asleep", "start"), ("on a processor", "spin"):
        def measure(number, name, make, case=case):
            with make() as server:
                if "mold" in name:
                    bench.load(server.endpoint_of(), "--count", 1)
                    wait_quiet(server.pid)
                born.write_text("")
                got = bench.load(server.endpoint_of(), "--burst", SLOW_CLIENTS, "--patience-ms",
                                 30000)
                memory = pss_kb(workers_of(server.pid, "serve"))
                bench.sample("W1", case, name, number, pss_kb=memory, last_ms=got["max_us"] / 1000,
                             p50_ms=got["p50_us"] / 1000, failed=got["failed"],
                             starts_per_client=len(born.read_text()) / SLOW_CLIENTS)

        makers = {**masters(bench, services(how)),
                  **with_setting(bench, services(how), mold="yes")}
        bench.visit(bench.rounds(4), makers, measure)


# ------------------------------------------------------------- W2


def steady_of(path, from_us, to_us):
    """How long those waited who came between two moments."""
    times = [tuple(map(int, line.split())) for line in path.read_text().splitlines()]
    return sorted(took for began, took in times if from_us <= began < to_us)


def part_of(times, part):
    return times[min(len(times) - 1, int(part * len(times)))] if times else 0


def burst_on_steady(bench, number, name, make, case, other):
    """Somebody comes every millisecond; then 100 at once do, each for 50 ms."""
    ask = bench.scratch / "hold"
    ask.write_text("h" + "x" * 14 + "\n")
    trace = bench.scratch / "trace"
    seconds = bench.often(1.2, 0.5)
    with make() as server:
        steady = server.endpoint_of("steady")
        crowd = server.endpoint_of("crowd") if other else steady
        bench.load(steady, "--clients", 4, "--seconds", 0.1)
        wait_quiet(server.pid)
        clients = bench.start_load(steady, "--think-us", 1000, "--seconds", seconds, "--trace",
                                   trace)
        time.sleep(seconds / 3)
        began_us = time.monotonic_ns() // 1000
        got = bench.load(crowd, "--burst", 100, "--question", ask, "--patience-ms", 15000)
        end_us = time.monotonic_ns() // 1000
        calm = bench.read_load(clients)
        stormy = steady_of(trace, began_us, end_us)
        before = steady_of(trace, 0, began_us)
        bench.sample("W2", case, name, number, p99_us=part_of(stormy, 0.99),
                     p50_us=part_of(stormy, 0.5), calm_p99_us=part_of(before, 0.99),
                     burst_ms=got["max_us"] / 1000, steady_n=len(stormy),
                     failed=got["failed"] + calm["failed"])


def run_steady(bench, _):
    for case, other in ("the same service", False), ("another service", True):
        def services():
            words = ["worker", "-o", f"slow={HOLD_MS}"]
            return [Service("steady", words, limit=110), Service("crowd", words, limit=110)]

        makers = masters(bench, services)
        if not other:
            makers.update(with_setting(bench, services, spare_min=100))
        bench.visit(bench.rounds(4), makers,
                    lambda number, name, make, case=case, other=other:
                    burst_on_steady(bench, number, name, make, case, other))


# ------------------------------------------------------------- W3


LISTENERS = 20


def services_of(unix, several):
    """One with 20 listeners, or 20 of a twentieth of its workers each."""
    words = ["serve", "-o", f"slow={HOLD_MS}"]
    if not several:
        return [Service("many", words, unix=unix, limit=100, listeners=LISTENERS)]
    return [Service(f"s{n}", words, unix=unix, limit=100 // LISTENERS) for n in range(LISTENERS)]


def run_listeners(bench, _):
    """Each client knocks at the next of 20; who cannot have a service with 20 has 20 services."""
    ask = bench.scratch / "hold"
    ask.write_text("h" + "x" * 14 + "\n")

    def measure(number, name, make, case):
        with make() as server:
            places = [place for service in server.services
                      for place in server.endpoints_of(service.name)]
            got = bench.load(places, "--burst", 100, "--question", ask, "--patience-ms", 15000)
            started = len(workers_of(server.pid, "serve"))
            warm = bench.load(places, "--clients", 16, "--seconds", bench.often(0.5, 0.1))
            bench.sample("W3", case, name, number, last_ms=got["max_us"] / 1000,
                         workers=started, rate=warm["rate"], p99_us=warm["p99_us"],
                         failed=got["failed"] + warm["failed"])

    for case, unix in (f"{LISTENERS} x tcp", False), (f"{LISTENERS} x unix", True):
        makers = masters(bench, lambda unix=unix: services_of(unix, True))
        makers["ostler, one service"] = lambda unix=unix: make_master(
            bench, "ostler", services_of(unix, False))
        bench.visit(bench.rounds(3), makers, lambda number, name, make, case=case:
                    measure(number, name, make, case))


# ------------------------------------------------------------- W4


def kill_one(server, chance):
    """One of its workers. Whose number was given to another meanwhile is spared."""
    found = workers_of(server.pid, "worker")
    if not found:
        return 0
    pid = chance.choice(found)
    try:
        victim = os.pidfd_open(pid)
    except ProcessLookupError:
        return 0
    try:
        if pid not in children_of(server.pid):
            return 0
        signal.pidfd_send_signal(victim, signal.SIGKILL)
        return 1
    except ProcessLookupError:
        return 0
    finally:
        os.close(victim)


def under_kills(bench, number, name, make, every_s):
    seconds = bench.often(1.5, 0.3)
    chance = random.Random(number)
    killed = 0
    with make() as server:
        endpoint = server.endpoint_of()
        bench.load(endpoint, "--clients", 4, "--seconds", 0.1)
        clients = bench.start_load(endpoint, "--clients", 4, "--seconds", seconds)
        while every_s and clients.poll() is None:
            time.sleep(every_s)
            killed += kill_one(server, chance)
        got = bench.read_load(clients)
        case = f"a kill each {1000 * every_s:g} ms" if every_s else "no kill"
        bench.sample("W4", case, name, number,
                     killed=killed, failed=got["failed"], rate=got["rate"],
                     failed_per_kill=got["failed"] / max(1, killed),
                     p99_us=got["p99_us"], p999_us=got["p999_us"], max_ms=got["max_us"] / 1000)


def run_kills(bench, _):
    """Workers that are killed at any moment; who is being served then fails.

    Each 20 ms is a storm: ostlerd pauses a service whose workers die again and again.
    """
    def services():
        return [Service("busy", ["worker"], limit=8)]

    def measure(number, name, make):
        for every_s in bench.often((0, 0.2, 0.02), (0, 0.02)):
            under_kills(bench, number, name, make, every_s)

    bench.visit(bench.rounds(3), masters(bench, services), measure)
