#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Check what the pure rooms take from outside: purity is a fact about the
archive.

usage: pure.py ROOM=ARCHIVE...  the archives of the pure rooms, and of sys
       pure.py --self-test

What an archive leaves undefined must be defined by the archives of the rooms
that it may include (rooms.txt) or be listed in pure.txt.

sys is not pure, but one file of it is more than that: what runs between clone
and exec shares memory or locks with a process that knows nothing of it, so it
may call nothing at all (catalogue 40).
"""

import fnmatch
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from rooms import HERE, Rules, lines_of
from tap import Report


def symbols(archive):
    """(defined, undefined) names of an archive."""
    output = subprocess.run(
        ["nm", archive], check=True, capture_output=True, text=True
    ).stdout
    defined, undefined = set(), set()
    for line in output.splitlines():
        words = line.split()
        if len(words) >= 2 and words[-2] in ("U", "w"):
            undefined.add(words[-1])
        elif len(words) == 3 and words[1].isupper():
            defined.add(words[-1])
    return defined, undefined - defined


CHILD = "spawn_child.c.o"


def member_takes(archive, member):
    """What one file of an archive leaves undefined; None if it is not there."""
    output = subprocess.run(
        ["nm", archive], check=True, capture_output=True, text=True
    ).stdout
    for part in output.split("\n\n"):
        name, _, table = part.strip().partition(":\n")
        if name.endswith(member):
            lines = [line.split() for line in table.splitlines()]
            return {words[-1] for words in lines if words[-2] in ("U", "w")}
    return None


def check_child(archive, report):
    taken = member_takes(archive, CHILD)
    wrong = ["no %s in %s" % (CHILD, archive)] if taken is None else sorted(taken)
    report.case("the child between clone and exec takes nothing from outside", wrong)


def allowed_symbols():
    """(name pattern, room or None) of pure.txt."""
    for kind, name, *rooms in lines_of(HERE / "pure.txt"):
        if kind == "symbol":
            for room in rooms or [None]:
                yield name, room


def judge(room, undefined, others, allowed):
    """The names that ROOM must not take from outside."""
    for name in sorted(undefined - others):
        # What a hardened build makes of memcpy and its like.
        plain = name.removesuffix("_chk").removeprefix("__")
        if not any(
            only in (None, room)
            and (fnmatch.fnmatchcase(name, pattern) or plain == pattern)
            for pattern, only in allowed
        ):
            yield "%s takes %s" % (room, name)


def check(archives, report):
    rules = Rules()
    allowed = list(allowed_symbols())
    found = {room: symbols(archive) for room, archive in archives.items()}
    for room in sorted(archives):
        others = set()
        for other in rules.doors[room] - {room}:
            others |= found[other][0] if other in found else set()
        sentence = "%s takes nothing from outside but what pure.txt lists" % room
        report.case(sentence, judge(room, found[room][1], others, allowed))


def self_test(report):
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "x.c"
        source.write_text("int getpid(void); int x(void) { return getpid(); }\n")
        obj, archive = str(source)[:-1] + "o", str(source)[:-1] + "a"
        compiler = os.environ.get("CC", "cc").split()
        subprocess.run(compiler + ["-c", str(source), "-o", obj], check=True)
        subprocess.run(["ar", "rc", archive, obj], check=True)
        found, child = Report(), Report()
        check({"core": archive}, found)
        source.rename(Path(folder) / CHILD)
        Path(obj).rename(Path(folder) / CHILD)
        subprocess.run(["ar", "rc", archive, str(Path(folder) / CHILD)], check=True)
        check_child(archive, child)
    caught = child.cases[0][1] == ["getpid"]
    report.case("a call of the child is found", [] if caught else child.cases)
    wrong = [] if found.cases[0][1] == ["core takes getpid"] else found.cases
    report.case("a system call in a pure room is found", wrong)


def main(arguments):
    report = Report()
    if arguments == ["--self-test"]:
        self_test(report)
    else:
        archives = dict(a.split("=", 1) for a in arguments)
        sys_archive = archives.pop("sys")
        check(archives, report)
        check_child(sys_archive, report)
    return report.finish()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
