#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Check that docs/failures.md is complete and true.

usage: failures.py SOURCE_ROOT
       failures.py --self-test

Every row of the catalogue (1 to 101) and every invariant (I1 to I33) is there
once, and its last column names tests that exist (`file::case`), or begins
with "later" or "not applicable" and a reason.
"""

import re
import sys
from pathlib import Path

from tap import Report

ROW = re.compile(r"^\|\s*(I?\d+)\s*\|.*\|\s*(.*?)\s*\|$")
TEST = re.compile(r"`([\w./-]+)::([\w-]+)`")
WANTED = [str(n) for n in range(1, 102)] + ["I%d" % n for n in range(1, 34)]
# "later: issue 5, why" or "not applicable: why"
EXCUSE = re.compile(r"^(later|not applicable): \S")


def rows(text):
    for number, line in enumerate(text.splitlines(), 1):
        match = ROW.match(line)
        if match:
            yield number, match[1], match[2]


def case_exists(root, path, case):
    """Is there a function, or a line of a script, called CASE in PATH?"""
    file = root / path
    if not file.is_file():
        return False
    text = file.read_text()
    if path.endswith(".c"):
        return re.search(r"\b%s\b" % re.escape(case), text) is not None
    if path.endswith(".py"):
        return re.search(r"\bdef %s\(" % re.escape(case), text) is not None
    return case in text


def check(root, text, report):
    found = list(rows(text))
    names = [name for _, name, _ in found]
    report.case(
        "every failure and invariant has one row",
        ["%s: %d rows" % (n, names.count(n)) for n in WANTED if names.count(n) != 1],
    )
    missing, silent = [], []
    for number, name, answer in found:
        tests = TEST.findall(answer)
        if not tests and not EXCUSE.match(answer):
            silent.append("docs/failures.md:%d: %s names no test" % (number, name))
        for path, case in tests:
            if not case_exists(root, path, case):
                missing.append("docs/failures.md:%d: %s::%s" % (number, path, case))
    report.case("every row has a test or says why not", silent)
    report.case("every test that is named exists", missing)


def self_test(root, report):
    here = "tests/tidy/failures.py"
    good = ["| %s | x | `%s::self_test` |" % (n, here) for n in WANTED]

    def verdict(lines):
        found = Report()
        check(root, "\n".join(lines), found)
        return [bool(findings) for _, findings in found.cases]

    for what, lines, wanted in (
        ("a good table passes", good, [0, 0, 0]),
        ("a missing row is found", good[1:], [1, 0, 0]),
        ("a row without a test is found", ["| 1 | x | soon |"] + good[1:], [0, 1, 0]),
        ("an excuse is enough", ["| 1 | x | later: issue 5 |"] + good[1:], [0, 0, 0]),
        ("a test that is not there is found",
         ["| 1 | x | `%s::nobody` |" % here] + good[1:], [0, 0, 1]),
    ):  # fmt: skip
        got = verdict(lines)
        report.case(what, [] if got == [bool(w) for w in wanted] else ["%s" % got])


def main(arguments):
    report = Report()
    root = Path(__file__).resolve().parents[2]
    if arguments == ["--self-test"]:
        self_test(root, report)
    else:
        root = Path(arguments[0])
        check(root, (root / "docs/failures.md").read_text(), report)
    return report.finish()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
