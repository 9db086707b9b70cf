# SPDX-License-Identifier: MIT
"""How busy the machine was with others while something was measured.

What is ours is known by a control group around the whole run, so that all the
rest is somebody else's. Without the right to make one only the load average
and what the host took (steal) are told.
"""

import os
import time
from pathlib import Path

from measure import Account

TICKS = os.sysconf("SC_CLK_TCK")
STEAL, IDLE, IOWAIT = 7, 3, 4
# From here on a row says so.
OTHERS_MAX, STEAL_MAX = 0.05, 0.02


def _home():
    """The group that we are in, to go back to."""
    for line in Path("/proc/self/cgroup").read_text().splitlines():
        _, names, path = line.split(":", 2)
        if "cpuacct" in names.split(","):
            return Path("/sys/fs/cgroup/cpuacct" + path)
    return Path("/sys/fs/cgroup" + path)


def _ticks():
    return list(map(int, Path("/proc/stat").read_text().splitlines()[0].split()[1:9]))


class Watch:
    """Around a run: begin() and end() around each row."""

    def __init__(self):
        self.home = None
        self.account = None
        try:
            self.home = _home()
            self.account = Account()
            if self.account.group is not None:
                self.account.enter()
                Account.within = self.account.group
        except OSError:
            self.close()

    def _ours_ns(self):
        if self.account is None or self.account.group is None:
            return None
        return self.account.used_ns(os.getpid())

    def begin(self):
        return time.monotonic(), os.getloadavg()[0], _ticks(), self._ours_ns()

    def end(self, begun):
        began, load, ticks, ours_ns = begun
        seconds = time.monotonic() - began
        passed = [b - a for a, b in zip(ticks, _ticks())]
        every = max(1, sum(passed))
        busy_s = (every - passed[IDLE] - passed[IOWAIT] - passed[STEAL]) / TICKS
        others = None
        if ours_ns is not None:
            ours_s = (self._ours_ns() - ours_ns) / 1e9
            others = round(max(0.0, busy_s - ours_s) * TICKS / every, 3)
        return {"seconds": round(seconds, 1), "load_average": [load, os.getloadavg()[0]],
                "others": others, "steal": round(passed[STEAL] / every, 3)}

    def close(self):
        Account.within = None
        if self.account is None or self.account.group is None:
            return
        try:
            (self.home / "cgroup.procs").write_text(str(os.getpid()))
        except OSError:
            pass
        self.account.close()


def is_loaded(row):
    """Was the machine busy with something else in this row?"""
    return (row["others"] or 0) > OTHERS_MAX or row["steal"] > STEAL_MAX
