# SPDX-License-Identifier: MIT
"""P7, P10 and P11: a master that is flooded, left alone, or told to reload."""

import socket
import subprocess
import threading
import time

from measure import DEADLINE_S, run_ns, status_of, wait_quiet
from systems import MASTERS, Service, make_master, masters

# ------------------------------------------------------------- P7


def flood(bench, number, name, make):
    """A worker that tells TAKEN and AVAIL as fast as it can, and its neighbour."""
    ms = bench.often(2000, 200)
    with make() as server:
        other = server.endpoint_of("other")
        words = ["--think-us", 1000, "--seconds", ms / 1000 * 0.8]
        bench.load(other, "--count", 50)
        calm = bench.load(other, *words)
        port = int(server.endpoint_of("flood").rsplit(":", 1)[1])
        with socket.create_connection(("127.0.0.1", port), DEADLINE_S) as client:
            before, began = run_ns(server.pid), time.monotonic()
            client.sendall(b"go\n")
            stormy = bench.load(other, *words)
            sent = int(client.makefile().readline().split()[0])
            used, took = run_ns(server.pid) - before, time.monotonic() - began
        bench.sample("P7", "flood", name, number,
                     master_ns=used / max(1, sent + 2 * stormy["n"]),
                     messages_per_s=sent / took, master_share=used / 1e9 / took,
                     other_p50=stormy["p50_us"] / max(1e-9, calm["p50_us"]),
                     other_p99=stormy["p99_us"] / max(1e-9, calm["p99_us"]),
                     failed=stormy["failed"])


def read_limit(bench, size, number):
    done = subprocess.run(
        [bench.bin / "status_limit", str(size), str(bench.often(1000, 100))],
        capture_output=True, text=True, check=True, timeout=60, stdin=subprocess.DEVNULL)
    messages, ns = map(float, done.stdout.split())
    bench.sample("P7", "flood", f"limit: epoll, {size}-byte read", number,
                 master_ns=ns / max(1, messages))


def run_flood(bench, _):
    ms = bench.often(2000, 200)

    def services():
        return [Service("flood", ["worker", "-o", f"flood={ms}"], limit=100),
                Service("other", ["worker"], limit=4)]

    makers = masters(bench, services)
    for number in range(bench.rounds(5)):
        for size in 12, 4096:
            read_limit(bench, size, number)
    bench.visit(bench.rounds(5), makers,
                lambda number, name, make: flood(bench, number, name, make))


# ------------------------------------------------------------- P10


def idle_services(n):
    return [Service(f"s{i:05d}", ["worker", "-o", "hold=20"], unix=True, limit=20,
                    native={"max_idle": 0}) for i in range(n)]


def run_idle(bench, _):
    """All of them at the same time: they have nothing to do but wait."""
    seconds = bench.often(60, 1)
    makers = {(name, n): lambda name=name, n=n: make_master(bench, name, idle_services(n))
              for name in MASTERS for n in bench.often((10, 3000), (10, 100))}
    with bench.running(makers) as running:
        for server in running.values():
            bench.load(server.endpoint_of("s00000"), "--burst", 20)
        for server in running.values():
            wait_quiet(server.pid)
        # Whatever a master does a while after a burst is not idleness yet.
        time.sleep(bench.often(5, 0.5))
        before = {key: woken(server) for key, server in running.items()}
        time.sleep(seconds)
        for (name, n), server in running.items():
            bench.sample("P10", f"{n} services", name, 0, seconds=seconds,
                         wakeups=woken(server) - before[name, n])


def woken(server):
    """How often it went to sleep, which is how often it was woken."""
    return status_of(server.pid, "voluntary_ctxt_switches")


# ------------------------------------------------------------- P11


def reload_services(mask="022"):
    """MASK: ostlerd replaces workers only when something of theirs has changed."""
    return [Service("busy", ["worker"], limit=10, native={"umask": mask})]


def reload(bench, number, name, make, reloads):
    seconds = bench.often(5.0, 0.4)

    def keep_reloading():
        for i in range(reloads):
            time.sleep(seconds / (reloads + 1))
            server.services[0].native["umask"] = "027" if i % 2 == 0 else "022"
            server.reload()

    with make() as server:
        endpoint = server.endpoint_of("busy")
        bench.load(endpoint, "--clients", 4, "--seconds", 0.2)
        other = threading.Thread(target=keep_reloading)
        other.start()
        try:
            got = bench.load(endpoint, "--clients", 4, "--seconds", seconds)
        finally:
            other.join(DEADLINE_S)
        case = f"{reloads} reloads" if reloads else "no reload"
        bench.sample("P11", case, name, number, failed=got["failed"], rate=got["rate"],
                     p99_us=got["p99_us"], p999_us=got["p999_us"], max_ms=got["max_us"] / 1000,
                     alive=server.process.poll() is None)


def run_reload(bench, _):
    reloads = bench.often(20, 2)

    def measure(number, name, make):
        for times in 0, reloads:
            reload(bench, number, name, make, times)

    bench.visit(bench.rounds(3), masters(bench, reload_services), measure)
