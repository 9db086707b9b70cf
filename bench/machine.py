# SPDX-License-Identifier: MIT
"""On what it was measured: the machine, and the versions of all that ran."""

import os
import platform
import subprocess
import time
from pathlib import Path

from peers import wanted

HERE = Path(__file__).resolve().parent


def _say(*words):
    try:
        done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=20,
                              stdin=subprocess.DEVNULL)
    except OSError:
        return ""
    return (done.stdout or done.stderr).strip()


def _processor():
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.machine()


def _memory():
    kb = int(Path("/proc/meminfo").read_text().split("MemTotal:")[1].split()[0])
    return f"{kb / 1048576:.1f} GiB"


def _read(name):
    try:
        return Path(name).read_text().strip()
    except OSError:
        return "unknown"


def _distribution():
    for line in Path("/etc/os-release").read_text().splitlines():
        if line.startswith("PRETTY_NAME="):
            return line.split("=", 1)[1].strip('"')
    return ""


def now():
    return time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime())


def commit():
    git = ["git", "-c", "safe.directory=*", "-C", str(HERE)]
    found = _say(*git, "rev-parse", "--short", "HEAD")
    changed = _say(*git, "status", "--porcelain", "-uno", "--", "../src", "../include", ".",
                   ":!results")
    return found + (", with changes" if changed else "") if found else "unknown"


def _version(package, debs):
    """Installed, or fetched."""
    installed = _say("dpkg-query", "-W", "-f", "${db:Status-Abbrev}${Version}", package)
    if installed.startswith("ii"):
        return installed[2:].strip()
    for deb in debs.glob(f"{package}_*.deb"):
        return deb.name.split("_")[1].replace("%3a", ":") + ", unpacked"
    return ""


def busy(seconds=1.0):
    """The share of all processors that others use while we do nothing."""
    def read():
        return list(map(int, Path("/proc/stat").read_text().splitlines()[0].split()[1:]))

    before = read()
    time.sleep(seconds)
    passed = [b - a for a, b in zip(before, read())]
    return 1 - (passed[3] + passed[4]) / max(1, sum(passed))


def describe(bench, peers):
    found = {
        "date": now(),
        "commit": commit(),
        "machine": f"{os.cpu_count()} x {_processor()}, {_memory()}",
        "kernel": platform.release(),
        "system": _distribution(),
        "busy before": f"{100 * busy():.0f} %",
        "load average before": " ".join(f"{n:.1f}" for n in os.getloadavg()),
        "syslog": "there is one" if Path("/dev/log").exists() else
                  "none: what masters log goes nowhere",
        "autogroups": _read("/proc/sys/kernel/sched_autogroup_enabled"),
        "compiler": _say("gcc", "--version").split("\n")[0],
        "ostler": _say(str(bench.bin / "ostlerd"), "--version"),
    }
    for package in ["postfix", *(name for name, _ in wanted())]:
        version = _version(package, peers.debs)
        if version:
            found[package] = version
    return found
