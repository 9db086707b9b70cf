# SPDX-License-Identifier: MIT
"""P4, P5 and P6: pools that are warm.

One visit gives all three: how many clients a second, what each cost the whole
server on its processors, and how long they waited.
"""

from measure import run_ns
from systems import MASTERS, PhpFpm, Service, make_limit, masters, superservers

WORKERS = 4


def pools(bench, unix):
    """The masters, with a worker of libostler and with the static one."""
    def services():
        return [Service("forever", ["serve"], unix=unix, limit=WORKERS, max_use=0),
                Service("hundred", ["serve"], unix=unix, limit=WORKERS, max_use=100),
                Service("static", ["worker"], unix=unix, limit=WORKERS, max_use=0)]

    return masters(bench, services)


def limits(bench, peers, unix):
    def limit(name, mode, program=None):
        return lambda: make_limit(bench, name, mode, unix=unix, workers=WORKERS, program=program)

    makers = {"limit: accept": limit("limit-accept", "accept"),
              "limit: epoll, exclusive": limit("limit-wake", "wake"),
              "limit: one epoll loop": limit("limit-loop", "loop"),
              "limit: fork per client": limit("limit-fork", "fork")}
    if bench.quick:  # P1 and P2 show whether the others still work
        return makers
    for name, make in superservers(bench, peers).items():
        if (name == "s6-ipcserver") == unix:
            makers[name] = make
    if not unix:
        pool = ["pm = static", f"pm.max_children = {WORKERS}"]
        makers["php-fpm (static)"] = lambda: PhpFpm(bench, peers, pool)
    return makers


def clients_of(bench, case, server, name, number, endpoint, clients):
    words = [*server.load_options, "--clients", clients]
    bench.load(endpoint, *words, "--seconds", bench.often(0.1, 0.05))
    before, master_before = server.used_ns(), run_ns(server.pid)
    got = bench.load(endpoint, *words, "--seconds", bench.often(0.35, 0.1))
    used_us = (server.used_ns() - before) / 1000
    bench.sample("P5", f"{case}, c={clients}", name, number, rate=got["rate"],
                 p50_us=got["p50_us"], p99_us=got["p99_us"], failed=got["failed"],
                 cpu_us=used_us / max(1, got["n"]),
                 master_us=(run_ns(server.pid) - master_before) / 1000 / max(1, got["n"]))


KINDS = {"forever": "", "hundred": ", leaves after 100", "static": ", static worker"}


def run_case(bench, peers, case, unix):
    with bench.running({**limits(bench, peers, unix), **pools(bench, unix)}) as running:
        where = {}
        for name, server in running.items():
            if name in MASTERS:
                for service, kind in KINDS.items():
                    where[name + kind] = server, server.endpoint_of(service)
            else:
                where[name] = server, server.endpoint
        for clients in bench.often((1, 2, 16, 64), (1, 16)):
            bench.visit(bench.rounds(4), where, lambda number, name, place, clients=clients:
                        clients_of(bench, case, place[0], name, number, place[1], clients))


def run(bench, peers):
    run_case(bench, peers, "tcp", False)
    run_case(bench, peers, "unix", True)
