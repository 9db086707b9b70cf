#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Check that no file speaks of a developer's machine or of unfinished work.

usage: paths.py SOURCE_ROOT
       paths.py --self-test
"""

import re
import subprocess
import sys
from pathlib import Path

from tap import Report

# Directories that exist on one person's machine and not on the next one's.
PRIVATE = re.compile(r"(?<![\w./$})@-])/(home|root|work|farm|workspace|Users)/\w")
# An open question is an issue with a number; a word that DESIGN replaced is
# not to come back.
WORDS = re.compile(r"\b(XXX|FIXME|TODO|HACK|ostlerctl)\b")
BLANK_AT_END = re.compile(r"[ \t]+$")
# The examples of this test itself.
SKIP = ("tests/tidy/paths.py",)


def files_of(root):
    """The project's files: what git knows, or all of an export."""
    try:
        listed = subprocess.run(
            ["git", "-c", "safe.directory=*", "ls-files", "-z"],
            cwd=root,
            check=True,
            capture_output=True,
            text=True,
        ).stdout.split("\0")
    except (OSError, subprocess.CalledProcessError):
        paths = (p.relative_to(root) for p in Path(root).rglob("*"))
        listed = [str(p) for p in paths if not p.parts[0].startswith(("build", "."))]
    for name in filter(None, listed):
        if (Path(root) / name).is_file() and name not in SKIP:
            yield name


def search(pattern, texts):
    for name, text in texts.items():
        for number, line in enumerate(text.splitlines(), 1):
            match = pattern.search(line)
            if match:
                yield "%s:%d: %s" % (name, number, match[0] or line)


def check(texts, report):
    report.case("no file names a private directory", search(PRIVATE, texts))
    report.case("no file carries a note of unfinished work", search(WORDS, texts))
    prose = {n: t for n, t in texts.items() if not n.startswith("tests/fuzz/")}
    report.case("no line ends in blanks", search(BLANK_AT_END, prose))


def read(root):
    texts = {}
    for name in files_of(root):
        try:
            texts[name] = (Path(root) / name).read_text()
        except UnicodeDecodeError:
            continue
    return texts


def self_test(report):
    for bad in ("see /home/ada/x\n", "TODO: later\n", "blank \n"):
        found = Report()
        check({"x": bad}, found)
        hits = [f for _, f in found.cases if f]
        report.case("%r is found" % bad, [] if len(hits) == 1 else ["%s" % hits])
    found = Report()
    check({"x": "/etc/ostler, $HOME/work/x and a todo\n"}, found)
    report.case("nothing is found in a good line", [f for _, f in found.cases if f])


def main(arguments):
    report = Report()
    if arguments == ["--self-test"]:
        self_test(report)
    else:
        check(read(arguments[0]), report)
    return report.finish()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
