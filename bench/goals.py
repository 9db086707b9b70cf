# SPDX-License-Identifier: MIT
"""What is to be reached, and what each row is about."""

from dataclasses import dataclass


@dataclass
class Goal:
    """The median over rounds of VALUE, or of VALUE / TO in the same round."""

    row: str
    what: str
    value: tuple = None  # (case, system, figure); None: it cannot be measured yet
    to: tuple = None
    at_most: float = None
    at_least: float = None
    why: str = ""  # it cannot be measured yet


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
    "P12": [Figure("p50_us", "median", "us"), Figure("rate", "greetings", "/s"),
            Figure("master_us", "master's time for each", "us"),
            Figure("last_ms", "all greeted", "ms"), Figure("p50_ms", "half greeted", "ms"),
           Figure("workers", "smtpds started", "")],
}


def _by(row, what, case, figure, of, to, limit, least=False):
    return Goal(row, what, (case, of, figure), to and (case, to, figure),
                **{"at_least" if least else "at_most": limit})


def _bursts():
    for case in "100 x 50 ms", "100 x 50 ms, unix":
        for of in "ostler", "ostler-postfix":
            yield _by("P1", f"{case}: {of} to Postfix", case, "last_ms", of, "postfix", 0.65)
            yield _by("P1", f"{case}: {of} to spawn per client", case, "last_ms", of,
                      "limit: spawn per client", 1.05)
    for of in "ostler", "ostler-postfix":
        yield _by("P1", f"200 ms to start, 50 clients: {of}, in start times", "slow start",
                  "start_times", of, None, 1.3)
        yield _by("P1", f"the same: {of}, starts per client", "slow start", "starts_per_client",
                  of, None, 1.3)
    yield Goal("P1", "with a mold: to Postfix, at most 0.52", why="there are no molds yet")


def _colds(sizes):
    for case in "tcp", "unix":
        for of in "ostler", "ostler-postfix":
            yield _by("P2", f"{case}: {of} to Postfix", case, "p50_us", of, "postfix", 0.65)
            yield _by("P2", f"{case}: {of} to poll and spawn", case, "p50_us", of,
                      "limit: poll and spawn", 1.10)
    many = f"{5000 if 5000 in sizes else max(sizes)} services"
    for of in "ostler", "ostler-postfix":
        yield _by("P3", f"{many}: {of} to Postfix", many, "p50_us", of, "postfix", 0.20)
        yield Goal("P3", f"{many}: {of} to its own with {min(sizes)}", (many, of, "p50_us"),
                   (f"{min(sizes)} services", of, "p50_us"), at_most=1.2)


def _warm(clients):
    for kind in "tcp", "unix":
        for c in clients:
            case = f"{kind}, c={c}"
            bare = "limit: accept"
            if c in (1, 16):
                yield _by("P4", f"{case}: processor time to a bare accept loop", case, "cpu_us",
                          "ostler", bare, 1.25)
                yield _by("P4", f"{case}: the same, leaving after 100", case, "cpu_us",
                          "ostler, leaves after 100", bare, 1.4)
            yield _by("P5", f"{case}: clients a second to a bare accept loop", case, "rate",
                      "ostler", bare, 0.90, least=True)
            yield _by("P5", f"{case}: the same, leaving after 100", case, "rate",
                      "ostler, leaves after 100", bare, 0.85, least=True)
        case = f"{kind}, c=1"
        yield _by("P6", f"{case}: p99 to Postfix, leaving after 100", case, "p99_us",
                  "ostler, leaves after 100", "postfix, leaves after 100", 0.2)


def _masters(sizes, quick):
    for of in "ostler", "ostler-postfix":
        yield _by("P7", f"{of}: master's time per message to Postfix", "flood", "master_ns", of,
                  "postfix", 0.5)
        yield _by("P7", f"{of}: master's share of a core to Postfix", "flood", "master_share", of,
                  "postfix", 0.5)
        yield _by("P7", f"{of}: neighbour's median in the flood to its own in the calm", "flood",
                  "other_p50", of, None, 1.1)
        small = f"{sorted(sizes)[1]} services"
        many = f"{5000 if 5000 in sizes else max(sizes)} services"
        yield _by("P8", f"{many}: {of}, start, to Postfix", many, "start_cpu_ms", of, "postfix",
                  0.25)
        yield _by("P8", f"{many}: {of}, reload, to Postfix", many, "reload_cpu_ms", of, "postfix",
                  0.5)
        for n in sorted(sizes)[3:]:
            steps = n / sorted(sizes)[1]
            yield Goal("P8", f"{of}: start with {n} services to {small}, linear is {steps:g}",
                       (f"{n} services", of, "start_cpu_ms"), (small, of, "start_cpu_ms"),
                       at_most=1.2 * steps)
        yield Goal("P9", f"{many}: {of}, memory, to Postfix", (many, of, "rss_kb"),
                   (many, "postfix", "rss_kb"), at_most=1.0)
        for case in ("50 workers",) if quick else ("500 workers",):
            yield _by("P9", f"{of}: bytes per worker", case, "bytes_per_worker", of, None, 512)
        for n in (10, 100) if quick else (10, 3000):
            yield _by("P10", f"{n} services, 20 idle workers: {of}, wake-ups", f"{n} services",
                      "wakeups", of, None, 0)
        reloads = "4 reloads" if quick else "20 reloads"
        yield _by("P11", f"{of}: failed clients", reloads, "failed", of, None, 0)
        yield Goal("P11", f"{of}: p99.9 to that without reloads", (reloads, of, "p999_us"),
                   ("no reload", of, "p999_us"), at_most=1.1)


def _smtpd():
    ours, theirs = "ostler-postfix", "postfix"
    yield _by("P12", "cold, to Postfix's master", "cold", "p50_us", ours, theirs, 0.97)
    for c in 1, 4, 16:
        yield _by("P12", f"greetings a second, c={c}, to Postfix's master", f"c={c}", "rate", ours,
                  theirs, 1.0, least=True)
    for case in "leave", "stay":
        yield _by("P12", f"burst of 50 that {case}, to Postfix's master", f"burst 50, {case}",
                  "last_ms", ours, theirs, 1.0)


def goals(quick):
    sizes = (10, 300) if quick else (10, 100, 1000, 5000, 10000)
    clients = (1, 16) if quick else (1, 2, 16, 64)
    return [*_bursts(), *_colds(sizes), *_warm(clients), *_masters(sizes, quick), *_smtpd(),
            Goal("P4", "quiet status: a connection without a message",
                 why="there is no quiet status yet")]
