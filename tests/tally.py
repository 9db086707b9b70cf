#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Count the test cases of meson test runs.

usage: tally.py NAME=BUILD_DIRECTORY...

Prints what failed and what was skipped, by name, a line for each build, and
last "N passed, N failed". Exits 0 only if something passed and nothing failed.
A test that speaks TAP, pytest's or unittest's summary counts by its cases,
any other as one case. A test that ends badly though all its cases passed
(a leak found at exit, a time limit) counts as one failure more.
"""

import json
import re
import sys
from pathlib import Path

TAP = re.compile(r"^(not )?ok\b\s*\d*\s*-?\s*(.*)$", re.M)
TAP_SKIP = re.compile(r"#\s*skip\b\s*(.*)", re.I)
PYTEST = re.compile(r"^=*\s?((?:\d+ \w+(?:, )?)+) in [\d.]+s", re.M)
PYTEST_FAILED = re.compile(r"^(?:FAILED|ERROR) (\S+)", re.M)
PYTEST_SKIPPED = re.compile(r"^SKIPPED \[(\d+)\] (.*)", re.M)
UNITTEST = re.compile(r"^Ran (\d+) tests? in [\d.]+s\s+(OK|FAILED)(.*)", re.M)
GOOD = ("OK", "EXPECTEDFAIL")


class Tally:
    """What came of one test, or the sum of several."""

    def __init__(self):
        self.passed = 0
        self.failed = []
        self.skipped = []

    def add(self, other):
        self.passed += other.passed
        self.failed += other.failed
        self.skipped += other.skipped


def count_tap(text, tally):
    cases = TAP.findall(text)
    plan = sum(int(n) for n in re.findall(r"^1\.\.(\d+)", text, re.M))
    if len(cases) != plan:
        tally.failed.append("%d of %d cases ran" % (len(cases), plan))
    for bad, name in cases:
        skip = TAP_SKIP.search(name)
        if skip:
            tally.skipped.append(name)
        elif bad:
            tally.failed.append(name)
        else:
            tally.passed += 1


def count_pytest(summary, text, tally):
    numbers = {w: int(n) for n, w in re.findall(r"(\d+) (\w+)", summary)}
    tally.passed += numbers.get("passed", 0) + numbers.get("xfailed", 0)
    bad = numbers.get("failed", 0) + numbers.get("xpassed", 0)
    bad += numbers.get("error", 0) + numbers.get("errors", 0)
    names = PYTEST_FAILED.findall(text)[:bad]
    tally.failed += names + ["?"] * (bad - len(names))
    for times, why in PYTEST_SKIPPED.findall(text):
        tally.skipped += [why] * int(times)
    missing = numbers.get("skipped", 0) - len(tally.skipped)
    tally.skipped += ["?"] * missing


def count_unittest(match, tally):
    ran, rest = int(match[1]), match[3]
    numbers = {w: int(n) for w, n in re.findall(r"(\w+)=(\d+)", rest)}
    bad = numbers.get("failures", 0) + numbers.get("errors", 0)
    tally.failed += ["?"] * bad
    tally.skipped += ["?"] * numbers.get("skipped", 0)
    tally.passed += ran - bad - numbers.get("skipped", 0)


def count_test(record):
    """Tally one line of meson's testlog.json."""
    tally = Tally()
    text = record.get("stdout", "") + "\n" + record.get("stderr", "")
    summary = PYTEST.search(text)
    unittest = UNITTEST.search(text)
    if re.search(r"^(TAP version|1\.\.\d+)", text, re.M):
        count_tap(text, tally)
    elif summary:
        count_pytest(summary[1], text, tally)
    elif unittest:
        count_unittest(unittest, tally)
    elif record["result"] == "SKIP":
        why = record.get("stdout", "").strip().splitlines()
        tally.skipped.append(why[-1] if why else "?")
    elif record["result"] in GOOD:
        tally.passed += 1
    # cmocka says "not ok" of a case that it skips, which meson takes for bad.
    only_skipped = tally.skipped and record.get("returncode") == 0
    if record["result"] not in GOOD + ("SKIP",) and not tally.failed and not only_skipped:
        tally.failed.append(
            "%s, exit status %s" % (record["result"], record.get("returncode"))
        )
    return tally


def count_build(name, directory):
    total = Tally()
    log = Path(directory) / "meson-logs" / "testlog.json"
    if not log.exists():
        total.failed.append(name + ": no test ran")
        return total
    for line in log.read_text(errors="replace").splitlines():
        record = json.loads(line)
        test = record["name"].split(" / ")[-1]
        one = count_test(record)
        one.failed = ["%s: %s: %s" % (name, test, t) for t in one.failed]
        one.skipped = ["%s: %s: %s" % (name, test, t) for t in one.skipped]
        total.add(one)
    return total


def main(arguments):
    total = Tally()
    lines = []
    for argument in arguments:
        name, directory = argument.split("=", 1)
        one = count_build(name, directory)
        total.add(one)
        lines.append(
            "%s: %d passed, %d failed, %d skipped"
            % (name, one.passed, len(one.failed), len(one.skipped))
        )
    for skipped in total.skipped:
        print("skipped  " + skipped)
    for failed in total.failed:
        print("FAILED   " + failed)
    print("\n".join(lines))
    print("%d passed, %d failed" % (total.passed, len(total.failed)))
    return 0 if total.passed and not total.failed else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
