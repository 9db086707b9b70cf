# SPDX-License-Identifier: MIT
"""What is to be reached, and what each row is about."""

from dataclasses import dataclass


@dataclass
class Goal:
    """The median over rounds of VALUE, or of VALUE / TO in the same round.

    Goals of one row that say the same of several cases and systems have one WHAT.
    """

    row: str
    what: str
    value: tuple  # (case, system, figure)
    to: tuple = None
    at_most: float = None
    at_least: float = None
    why: str = ""  # there may be nothing to measure

    @property
    def case(self):
        return self.value[0]

    @property
    def system(self):
        return self.value[1]


@dataclass
class Figure:
    name: str
    title: str
    unit: str


TITLES = {
    "P1": "A cold burst: clients at once at an empty pool, each holding its worker",
    "P2": "A cold start: the first client of an empty pool, to its answer",
    "P3": "The same with many services configured",
    "P5": "Warm pools of 4 workers: clients a second, processor time of the whole server for each",
    "P7": "A worker that floods its status channel",
    "P8": "Start and reload with many services; P9: resident memory",
    "P9": "Resident memory of the master for each worker",
    "P10": "An idle master",
    "P11": "Reload under load, 4 clients all the time",
    "P12": "Debian's smtpd, unchanged: connect to its greeting",
    "W1": "50 clients at once, workers that need 200 ms to start; asleep, or on a processor",
    "W2": "A burst of 100 clients, 50 ms each, while somebody comes every millisecond",
    "W3": "20 listeners: a burst of 100 over all of them, then 16 at a time",
    "W4": "Workers that are killed at random, 4 clients all the time",
    "W5": "System calls and wake-ups for each client, one after the other",
}

FIGURES = {
    "P1": [Figure("last_ms", "all answered", "ms"), Figure("p50_ms", "half answered", "ms"),
           Figure("workers", "workers", ""),
           Figure("starts_per_client", "starts per client", "")],
    "P2": [Figure("p50_us", "median", "us"), Figure("p90_us", "p90", "us")],
    "P3": [Figure("p50_us", "median", "us")],
    "P5": [Figure("rate", "clients", "/s"), Figure("cpu_us", "processor", "us"),
           Figure("master_us", "first process", "us"),
           Figure("p50_us", "median", "us"), Figure("p99_us", "p99", "us")],
    "P7": [Figure("master_ns", "master, per message", "ns"),
           Figure("master_share", "master's share of a core", ""),
           Figure("other_p50", "neighbour's median, to calm", "x"),
           Figure("other_p99", "neighbour's p99, to calm", "x")],
    "P8": [Figure("start_cpu_ms", "start", "ms"), Figure("reload_cpu_ms", "reload", "ms"),
           Figure("rss_kb", "memory", "KiB")],
    "P9": [Figure("bytes_per_worker", "per worker", "B"), Figure("rss_kb", "memory", "KiB")],
    "P10": [Figure("wakeups", "wake-ups", "")],
    "P11": [Figure("p999_us", "p99.9", "us"), Figure("max_ms", "longest", "ms"),
            Figure("failed", "failed", "")],
    "W1": [Figure("last_ms", "all answered", "ms"), Figure("p50_ms", "half answered", "ms"),
           Figure("starts_per_client", "starts per client", ""),
           Figure("pss_kb", "memory (PSS) of a worker", "KiB")],
    "W2": [Figure("p99_us", "p99 of the steady in the burst", "us"),
           Figure("p50_us", "median", "us"), Figure("calm_p99_us", "p99 before it", "us"),
           Figure("burst_ms", "burst answered", "ms")],
    "W3": [Figure("last_ms", "burst answered", "ms"), Figure("workers", "workers", ""),
           Figure("rate", "then, clients", "/s"), Figure("p99_us", "p99", "us")],
    "W4": [Figure("failed_per_kill", "failed clients per kill", ""),
           Figure("rate", "clients", "/s"), Figure("p999_us", "p99.9", "us"),
           Figure("max_ms", "longest", "ms")],
    "W5": [Figure("worker_calls", "calls of the worker", ""),
           Figure("master_calls", "of the master", ""),
           Figure("worker_wakeups", "wake-ups of the workers", ""),
           Figure("master_wakeups", "of the master", "")],
    "P12": [Figure("p50_us", "median", "us"), Figure("rate", "greetings", "/s"),
            Figure("master_us", "master's time for each", "us"),
            Figure("last_ms", "all greeted", "ms"), Figure("p50_ms", "half greeted", "ms"),
           Figure("workers", "smtpds started", "")],
}


OURS = ("ostler", "ostler-postfix")


def _by(row, what, case, figure, of, to, limit, least=False):
    return Goal(row, what, (case, of, figure), to and (case, to, figure),
                **{"at_least" if least else "at_most": limit})


def _bursts():
    for of in OURS:
        for case in "100 x 50 ms", "100 x 50 ms, unix":
            yield _by("P1", "100 clients at once, empty pool: time until all are answered, "
                      "to Postfix's", case, "last_ms", of, "postfix", 0.65)
            yield _by("P1", "100 clients at once: to a spawn for each client", case, "last_ms", of,
                      "limit: spawn per client", 1.05)
        yield _by("P1", "50 clients, 200 ms to start: start times until all are answered",
                  "slow start", "start_times", of, None, 1.3)
        yield _by("P1", "50 clients, 200 ms to start: starts per client", "slow start",
                  "starts_per_client", of, None, 1.3)
    case = "100 x 50 ms, libostler, after one"
    yield Goal("P1", "100 clients at once, with a mold: to Postfix's",
               (case, "ostler, mold = yes", "last_ms"), (case, "postfix", "last_ms"),
               at_most=0.52, why="this ostlerd has no molds")


def _colds(sizes):
    for of in OURS:
        for case in "tcp", "unix":
            yield _by("P2", "first client of an empty pool: time to its answer, to Postfix's",
                      case, "p50_us", of, "postfix", 0.65)
            yield _by("P2", "first client of an empty pool: to poll and spawn", case, "p50_us", of,
                      "limit: poll and spawn", 1.10)
        many = f"{5000 if 5000 in sizes else max(sizes)} services"
        yield _by("P3", "first client of many services: to Postfix's", many, "p50_us", of,
                  "postfix", 0.20)
        yield Goal("P3", f"first client of many services: to ours with {min(sizes)}",
                   (many, of, "p50_us"), (f"{min(sizes)} services", of, "p50_us"), at_most=1.2)


def _warm(clients):
    for kind in "tcp", "unix":
        for c in clients:
            case = f"{kind}, c={c}"
            bare = "limit: accept"
            if c in (1, 16):
                yield _by("P4", "processor time of the whole server per client, to a bare accept "
                          "loop", case, "cpu_us", "ostler", bare, 1.25)
                yield _by("P4", "processor time per client, workers that leave after 100: to a "
                          "bare accept loop", case, "cpu_us", "ostler, leaves after 100", bare, 1.4)
            yield _by("P5", "clients a second, to a bare accept loop", case, "rate",
                      "ostler", bare, 0.90, least=True)
            yield _by("P5", "clients a second, workers that leave after 100: to a bare accept "
                      "loop", case, "rate", "ostler, leaves after 100", bare, 0.85, least=True)
        yield _by("P6", "p99, workers that leave after 100, to Postfix's", f"{kind}, c=1",
                  "p99_us", "ostler, leaves after 100", "postfix, leaves after 100", 0.2)


def _sized(sizes):
    small = f"{sorted(sizes)[1]} services"
    many = f"{5000 if 5000 in sizes else max(sizes)} services"
    for of in OURS:
        yield _by("P8", "processor time of a start, to Postfix's", many, "start_cpu_ms", of,
                  "postfix", 0.25)
        yield _by("P8", "processor time of a reload, to Postfix's", many, "reload_cpu_ms", of,
                  "postfix", 0.5)
        for n in (n for n in sizes if n >= 5000):
            steps = n / sorted(sizes)[1]
            yield Goal("P8", f"processor time of a start with {n}, to {small}: linear is {steps:g}",
                       (f"{n} services", of, "start_cpu_ms"), (small, of, "start_cpu_ms"),
                       at_most=1.2 * steps, why="it may have too few descriptors")
        yield Goal("P9", "memory, to Postfix's", (many, of, "rss_kb"),
                   (many, "postfix", "rss_kb"), at_most=1.0)


def _masters(quick):
    reloads = "2 reloads" if quick else "20 reloads"
    for of in OURS:
        yield _by("P7", "flood: master's time per message, to Postfix's", "flood", "master_ns",
                  of, "postfix", 0.5)
        yield _by("P7", "flood: master's share of a core, to Postfix's", "flood",
                  "master_share", of, "postfix", 0.5)
        yield _by("P7", "flood: a neighbour's median, to its own in the calm", "flood",
                  "other_p50", of, None, 1.1)
        for case in ("50 workers",) if quick else ("500 workers",):
            yield _by("P9", "bytes per worker", case, "bytes_per_worker", of, None, 512)
        for n in (10, 100) if quick else (10, 3000):
            yield _by("P10", "wake-ups of an idle master in 60 s", f"{n} services", "wakeups", of,
                      None, 0)
        yield _by("P11", "reloads under load: failed clients", reloads, "failed", of, None, 0)
        yield Goal("P11", "reloads under load: p99.9, to that without reloads",
                   (reloads, of, "p999_us"), ("no reload", of, "p999_us"), at_most=1.1)


def _smtpd():
    ours, theirs = "ostler-postfix", "postfix"
    yield _by("P12", "Debian's smtpd: time to the first greeting, to Postfix's master", "cold",
              "p50_us", ours, theirs, 0.97)
    for c in 1, 4, 16:
        yield _by("P12", "greetings a second, to Postfix's master", f"c={c}", "rate", ours,
                  theirs, 1.0, least=True)
    for case in "leave", "stay":
        yield _by("P12", "50 at once: time until all are greeted, to Postfix's master",
                  f"burst 50, {case}", "last_ms", ours, theirs, 1.0)


def _work(quick):
    for of in "ostler, one service", *OURS:
        for case in "20 x tcp", "20 x unix":
            yield _by("W3", "20 listeners, 100 at once: until all are answered, to Postfix's",
                      case, "last_ms", of, "postfix", 0.65)
    yield _by("W5", "quiet status: system calls of the master per client", "4 idle workers",
              "master_calls", "ostler", None, 0.1)
    for of in OURS:
        for how in "asleep", "on a processor":
            yield _by("W1", "50 clients, 200 ms to start: until all are answered, to Postfix's",
                      how, "last_ms", of, "postfix", 1.0)
        for case in "the same service", "another service":
            yield _by("W2", "steady clients in a burst: p99, to Postfix's", case, "p99_us", of,
                      "postfix", 1.0)
        for case in ("a kill each 20 ms",) if quick else ("a kill each 200 ms",
                                                          "a kill each 20 ms"):
            yield _by("W4", "random kills: failed clients for each", case, "failed_per_kill", of,
                      None, 1.0)
        for case in "1 idle worker", "4 idle workers":
            yield _by("W5", "system calls of the worker per client, to Postfix's", case,
                      "worker_calls", of, "postfix", 1.0)
            yield _by("W5", "system calls of the master per client, to Postfix's", case,
                      "master_calls", of, "postfix", 1.0)


def goals(quick, sizes=()):
    """SIZES: how many services there were."""
    sizes = sizes if len(sizes) > 1 else ((10, 300) if quick else (10, 100, 1000, 5000))
    clients = (1, 16) if quick else (1, 2, 16, 64)
    found = [*_bursts(), *_colds(sizes), *_warm(clients), *_sized(sizes), *_masters(quick),
             *_smtpd(), *_work(quick)]
    order = list(dict.fromkeys((goal.row, goal.what) for goal in found))
    return sorted(found, key=lambda goal: (goal.row[0], int(goal.row[1:]),
                                           order.index((goal.row, goal.what))))
