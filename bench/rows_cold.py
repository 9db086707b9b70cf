# SPDX-License-Identifier: MIT
"""P1 and P2: empty pools, and those who come to them."""

from measure import wait_quiet, workers_of
from systems import (
    MASTERS,
    PhpFpm,
    Service,
    make_limit,
    masters,
    superservers,
    with_setting,
)

CLIENTS, HOLD_MS = 100, 50
STEPS = (1, *range(5, CLIENTS + 1, 5))  # of the curve of answers
SLOW_CLIENTS, SLOW_START_MS = 50, 200
AFTER_ONE = "100 x 50 ms, libostler, after one"
WORDS = ["-o", f"hold={HOLD_MS}"]


# ------------------------------------------------------------- P1


def burst(bench, peers):
    def services(unix=False):
        return lambda: [Service("burst", ["worker", *WORDS], unix=unix, limit=CLIENTS)]

    def limit(name, mode, **more):
        return lambda: make_limit(bench, name, mode, hold=HOLD_MS, **more)

    pool = ["pm = ondemand", f"pm.max_children = {CLIENTS}"]
    makers = {
        "limit: pre-forked": limit("limit-accept", "accept", workers=CLIENTS),
        "limit: fork per client": limit("limit-fork", "fork"),
        "limit: spawn per client": limit("limit-spawn", "spawn", program="echo", words=[HOLD_MS]),
        "limit: fork+exec per client":
            limit("limit-exec", "exec", program="echo", words=[HOLD_MS]),
        **masters(bench, services()),
        **superservers(bench, peers, [HOLD_MS]),
        "php-fpm (ondemand)": lambda: PhpFpm(bench, peers, pool, HOLD_MS),
    }

    def measure(number, name, make, case="100 x 50 ms"):
        with make() as server:
            endpoint = server.endpoint or server.endpoint_of()
            got = bench.load(endpoint, *server.load_options, "--burst", CLIENTS,
                             "--patience-ms", 10000, "--samples", bench.scratch / "curve")
            curve = [float(ln) / 1000 for ln in (bench.scratch / "curve").read_text().split()]
            more = {"workers": len(workers_of(server.pid, "worker"))} if name in MASTERS else {}
            bench.sample("P1", case, name, number, last_ms=got["max_us"] / 1000,
                         p50_ms=got["p50_us"] / 1000, failed=got["failed"], **more,
                         curve_ms=[[n, round(curve[n - 1], 2)] for n in STEPS
                                   if n <= len(curve)])

    bench.visit(bench.rounds(7), makers, measure)
    unix = {**masters(bench, services(unix=True)),
            "limit: spawn per client":
                limit("limit-spawn", "spawn", program="echo", words=[HOLD_MS], unix=True)}
    bench.visit(bench.rounds(5), unix, lambda number, name, make:
                measure(number, name, make, "100 x 50 ms, unix"))


def burst_after_one(bench):
    """A worker of libostler; one client was there before, so that a mold may be."""
    def services():
        return [Service("burst", ["serve", *WORDS], limit=CLIENTS)]

    def measure(number, name, make):
        with make() as server:
            bench.load(server.endpoint_of(), "--count", 1)
            wait_quiet(server.pid)
            got = bench.load(server.endpoint_of(), "--burst", CLIENTS, "--patience-ms", 10000)
            bench.sample("P1", AFTER_ONE, name, number, last_ms=got["max_us"] / 1000,
                         p50_ms=got["p50_us"] / 1000, failed=got["failed"],
                         workers=len(workers_of(server.pid, "serve")))

    makers = {**masters(bench, services), **with_setting(bench, services, mold="yes")}
    bench.visit(bench.rounds(5), makers, measure)


def slow_start(bench):
    """A worker that needs 200 ms before it takes anybody; how many are started?"""
    born = bench.directory("born") / "born"
    born.touch()
    born.chmod(0o666)

    def services():
        words = ["-o", f"born={born}", "-o", f"start={SLOW_START_MS}", "-o", f"hold={HOLD_MS}"]
        return [Service("slow", ["worker", *words], limit=CLIENTS)]

    def measure(number, name, make):
        born.write_text("")
        with make() as server:
            got = bench.load(server.endpoint or server.endpoint_of(), "--burst", SLOW_CLIENTS,
                             "--patience-ms", 20000)
            starts = len(born.read_text()) / SLOW_CLIENTS if "limit" not in name else 1.0
            bench.sample("P1", "slow start", name, number, starts_per_client=starts,
                         last_ms=got["max_us"] / 1000, failed=got["failed"],
                         start_times=(got["max_us"] / 1000 - HOLD_MS) / SLOW_START_MS)

    makers = {**masters(bench, services), "limit: spawn per client": lambda: make_limit(
        bench, "limit-spawn", "spawn", program="echo", words=[HOLD_MS, SLOW_START_MS])}
    bench.visit(bench.rounds(5), makers, measure)


def run_burst(bench, peers):
    burst(bench, peers)
    burst_after_one(bench)
    slow_start(bench)


# ------------------------------------------------------------- P2


def first_clients(bench, row, case, endpoint, name, number, options=(), think_us=25000):
    """One after the other, each to an empty pool: a worker leaves after one client."""
    got = bench.load(endpoint, *options, "--count", bench.often(30, 5), "--think-us", think_us)
    bench.sample(row, case, name, number, p50_us=got["p50_us"], p90_us=got["p90_us"],
                 failed=got["failed"])


def run_cold(bench, peers):
    def services(unix):
        return lambda: [Service("cold", ["worker", "-o", "use=1"], unix=unix, limit=4)]

    # Its own pause between looks for idle children is a second.
    pool = ["pm = ondemand", "pm.max_children = 4", "pm.max_requests = 1"]
    for case, unix in ("tcp", False), ("unix", True):
        def limit(name, mode, program=None, unix=unix):
            return lambda: make_limit(bench, name, mode, unix=unix, program=program)

        lazy = lambda unix=unix: make_limit(
            bench, "limit-lazy", "lazy", unix=unix, program="worker",
            words=["-o", "use=1", "-o", "mute=yes"])
        makers = {"limit: poll and spawn": lazy,
                  "limit: spawn per client": limit("limit-spawn", "spawn", "echo"),
                  **masters(bench, services(unix))}
        for name, make in superservers(bench, peers).items():
            if (name == "s6-ipcserver") == unix:
                makers[name] = make
        if not unix:
            makers["php-fpm (ondemand)"] = lambda: PhpFpm(bench, peers, pool)
        _cold_case(bench, case, makers)


def _cold_case(bench, case, makers):
    with bench.running(makers) as running:
        bench.visit(bench.rounds(5), running, lambda number, name, server: first_clients(
            bench, "P2", case, server.endpoint or server.endpoint_of(), name, number,
            server.load_options))
