# SPDX-License-Identifier: MIT
"""W5: what a client costs in system calls and in wake-ups."""

import os
import shutil
import signal
import socket
import subprocess

from measure import DEADLINE_S, Skip, status_of, wait_quiet, wait_until, workers_of
from systems import Service, masters


def open_workers(server, program, n):
    """N workers, each of which somebody holds until all are there."""
    host, port = server.endpoint_of().rsplit(":", 1)
    clients = [socket.create_connection((host, int(port)), DEADLINE_S) for _ in range(n)]
    try:
        wait_until(lambda: len(workers_of(server.pid, program)) >= n, f"{n} workers")
        # Each has its own only when it has accepted, and then it is told so.
        for client in clients:
            client.sendall(b"0123456789abcde\n")
            client.recv(16)
    finally:
        for client in clients:
            client.close()
    return workers_of(server.pid, program)


def watched(pids):
    """An strace of them that has begun."""
    words = [word for pid in pids for word in ("-p", str(pid))]
    process = subprocess.Popen(["strace", "-qq", "-c", "-f", *words], stdin=subprocess.DEVNULL,
                               stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
                               env={**os.environ, "LC_ALL": "C"})
    try:
        wait_until(lambda: process.poll() is not None or all(status_of(pid, "TracerPid")
                                                             for pid in pids), "strace is there")
    except BaseException:
        process.kill()
        process.wait()
        raise
    if process.poll() is not None:
        raise Skip(f"strace may not look: {process.communicate()[1][:200]}")
    return process


def calls_of(process):
    """{name: how often}, when it has ended."""
    process.send_signal(signal.SIGINT)
    text = process.communicate(timeout=DEADLINE_S)[1]
    found = {}
    for line in text.splitlines():
        words = line.split()
        if len(words) >= 5 and words[0][0].isdigit() and words[-1] != "total":
            found[words[-1]] = int(words[3])
    return found


def sleeps(pids):
    return sum(status_of(pid, "voluntary_ctxt_switches") for pid in pids)


def clients(bench, server, n):
    """One at a time, and none before the one before him is forgotten."""
    got = bench.load(server.endpoint or server.endpoint_of(), "--count", n, "--think-us", 2000)
    if got["failed"]:
        raise RuntimeError(f"{got['failed']} clients failed")


def count(bench, number, case, name, server, workers):
    n = bench.often(200, 30)
    wait_quiet(server.pid)
    before = sleeps(workers), sleeps([server.pid])
    clients(bench, server, n)
    after = sleeps(workers), sleeps([server.pid])
    ours, others = watched([server.pid]), watched(workers)
    clients(bench, server, n)
    master, worker = calls_of(ours), calls_of(others)
    bench.sample("W5", case, name, number,
                 worker_calls=sum(worker.values()) / n, master_calls=sum(master.values()) / n,
                 worker_wakeups=(after[0] - before[0]) / n,
                 master_wakeups=(after[1] - before[1]) / n,
                 worker_names={k: round(v / n, 2) for k, v in worker.items() if v >= n / 10},
                 master_names={k: round(v / n, 2) for k, v in master.items() if v >= n / 10})


def run(bench, _):
    if shutil.which("strace") is None:
        raise Skip("strace is not installed")
    for idle in 1, 4:
        case = f"{idle} idle worker{'s' if idle > 1 else ''}"

        def measure(number, name, make, case=case, idle=idle):
            with make() as server:
                count(bench, number, case, name, server, open_workers(server, "serve", idle))

        def services(idle=idle):
            return [Service("calls", ["serve"], limit=idle, max_use=0)]

        bench.visit(bench.rounds(3), masters(bench, services), measure)
