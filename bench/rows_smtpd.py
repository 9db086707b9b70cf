# SPDX-License-Identifier: MIT
"""P12: Debian's smtpd, unchanged, under both masters."""

from measure import run_ns, workers_of
from systems import Service, masters

NAMES = ("postfix", "ostler-postfix")
GREETING = ("--question", "/dev/null", "--until", "line", "--goodbye", "QUIT")


def helpers():
    """What smtpd talks to."""
    return [Service("anvil", ["anvil"], unix=True, limit=1),
            Service("rewrite", ["trivial-rewrite"], unix=True),
            Service("cleanup", ["cleanup"], unix=True, limit=0),
            Service("proxymap", ["proxymap"], unix=True)]


def warm(bench):
    """Both masters up at once, and visited in turn."""
    def services():
        return [*helpers(), Service("warm", ["smtpd"], limit=20),
                Service("cold", ["smtpd"], limit=20, max_use=1)]

    with bench.running(masters(bench, services, NAMES)) as running:
        for case in "cold", "c=1", "c=4", "c=16":
            bench.visit(bench.rounds(10), running, lambda number, name, server, case=case:
                        _greetings(bench, case, name, number, server))


def _greetings(bench, case, name, number, server):
    before = run_ns(server.pid)
    if case == "cold":
        got = bench.load(server.endpoint_of("cold"), *GREETING, "--think-us", 20000,
                         "--count", bench.often(40, 5))
    else:
        clients = case.split("=")[1]
        endpoint = server.endpoint_of("warm")
        bench.load(endpoint, *GREETING, "--clients", clients, "--seconds", bench.often(0.15, 0.05))
        before = run_ns(server.pid)
        got = bench.load(endpoint, *GREETING, "--clients", clients,
                         "--seconds", bench.often(0.6, 0.1))
    bench.sample("P12", case, name, number, p50_us=got["p50_us"], p99_us=got["p99_us"],
                 rate=got["rate"], failed=got["failed"],
                 master_us=(run_ns(server.pid) - before) / 1000 / max(1, got["n"]))


def burst(bench):
    """50 at once and an empty pool; with `stay` each keeps his smtpd until all have one."""
    def measure(number, name, make):
        for case, words in ("burst 50, leave", []), ("burst 50, stay", ["--together"]):
            with make() as server:
                got = bench.load(server.endpoint_of("burst"), *GREETING, "--burst", 50, *words)
                bench.sample("P12", case, name, number, last_ms=got["max_us"] / 1000,
                             p50_ms=got["p50_us"] / 1000, failed=got["failed"],
                             workers=len(workers_of(server.pid, "smtpd")))

    def services():
        return [*helpers(), Service("burst", ["smtpd"], limit=50)]

    bench.visit(bench.rounds(9), masters(bench, services, NAMES), measure)


def run(bench, _):
    warm(bench)
    burst(bench)
