# SPDX-License-Identifier: MIT
"""P3, P8 and P9: thousands of services."""

import statistics
import subprocess

from measure import cpu_ns, status_of, tree_of, wait_quiet, wait_until, listens
from rows_cold import first_clients
from systems import Service, masters

WORKERS = 500
SPARE = 200  # descriptors that are no service's


def sizes(bench):
    """Up to 10,000, or as many as we may have descriptors for."""
    most = min(10000, (bench.files_max - SPARE) // 2 // 100 * 100)
    return bench.often((10, 100, 1000, 5000, most), (10, 300))


def services_of(n, changed=False):
    """N services, and with CHANGED one more."""
    cold = ["worker", "-o", "use=1"]
    found = [Service(f"s{i:05d}", cold, unix=True, limit=1) for i in range(n)]
    return found + ([Service("new", cold, unix=True, limit=1)] if changed else [])


def measure_size(bench, n, number, name, make):
    with make() as server:
        wait_quiet(server.pid)
        start_ms = cpu_ns(server.pid) / 1e6
        kb = status_of(server.pid, "VmRSS")
        server.services = services_of(n, changed=True)
        before = cpu_ns(server.pid)
        server.reload()
        wait_until(lambda: listens(server.endpoint_of("new")), f"{name} has reloaded", 60)
        wait_quiet(server.pid)
        bench.sample("P8", f"{n} services", name, number, start_cpu_ms=start_ms,
                     reload_cpu_ms=(cpu_ns(server.pid) - before) / 1e6, rss_kb=kb)
        first_clients(bench, "P3", f"{n} services", server.endpoint_of(f"s{n // 2:05d}"), name,
                      number)


def spawn_limit(bench, n, number):
    """The spawn alone, of one who holds as many descriptors as Postfix's master."""
    for method in "share", "fork":
        done = subprocess.run(
            [bench.bin / "spawn_limit", method, str(3 * n), str(bench.often(40, 5)),
             bench.bin / "echo"], capture_output=True, text=True, check=False, timeout=60,
            stdin=subprocess.DEVNULL)
        if done.returncode == 0:
            us = statistics.median(map(float, done.stdout.split()))
            bench.sample("P3", f"{n} services", f"limit: {method}, exec", number, p50_us=us)


def masters_of(bench, n):
    """Those that can have so many: each service is two descriptors, or as Postfix's three."""
    found = masters(bench, lambda: services_of(n))
    for name in list(found):
        if n * (2 if name == "ostler" else 3) + SPARE > bench.files_max:
            bench.skip(f"{name} with {n} services",
                       f"it wants more than the {bench.files_max} descriptors that it may have")
            del found[name]
    return found


def run(bench, _):
    for n in sizes(bench):
        rounds = bench.rounds(3 if n > 1000 else 5)
        bench.visit(rounds, masters_of(bench, n),
                    lambda number, name, make, n=n: measure_size(bench, n, number, name, make))
        for number in range(rounds):
            spawn_limit(bench, n, number)


def run_memory(bench, _):
    """What a worker costs its master, of as many as a burst brings up."""
    wanted, hold_ms = bench.often(WORKERS, 50), bench.often(1500, 300)

    def services():
        return [Service("many", ["worker", "-o", f"hold={hold_ms}"], unix=True, limit=wanted,
                        native={"start_rate": 10000})]

    def measure(number, name, make):
        with make() as server:
            wait_quiet(server.pid)
            before = status_of(server.pid, "VmRSS")
            got = bench.load(server.endpoint_of(), "--burst", wanted, "--patience-ms", 30000)
            workers = len(tree_of(server.pid)) - 1
            after = status_of(server.pid, "VmRSS")
            bench.sample("P9", f"{wanted} workers", name, number, workers=workers, rss_kb=after,
                         bytes_per_worker=(after - before) * 1024 / max(1, workers),
                         failed=got["failed"])

    bench.visit(bench.rounds(3), masters(bench, services), measure)
