#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Compare two masters, and write down what came of it.

usage: conformance.py [--write] [--same SIDE] [--show] [SCENARIO...]

As root, in a build directory. Without --write it says what differs and is not documented, or is documented
and does not differ. --same runs SIDE's master against itself, which shows what
is not the same from run to run; --show prints all facts.
"""

import argparse
import os
import sys
from pathlib import Path

os.environ.setdefault("OSTLER_BUILD", str(Path.cwd()))
sys.path.insert(0, str(Path(__file__).resolve().parent))

import document  # noqa: E402
import suite  # noqa: E402
from differences import DOCUMENTED  # noqa: E402


def show(entry):
    took = " and ".join(f"{entry.seconds[side]:.1f} s" for side in suite.SIDES)
    print(f"== {entry.name}: {entry.sentence} ({took})")
    for fact, theirs, ours in suite.compare(entry):
        print(f"   {fact}\n      {theirs!r}")
        if theirs != ours:
            print(f"   != {ours!r}")


def main():
    parser = argparse.ArgumentParser(description="compare two masters")
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--show", action="store_true")
    parser.add_argument("--same", choices=suite.SIDES)
    parser.add_argument("names", nargs="*")
    options = parser.parse_args()
    programs = {side: options.same or side for side in suite.SIDES}
    document.load()
    suite.start(options.names or None, programs)
    chosen = [e for e in suite.SCENARIOS.values() if not options.names or e.name in options.names]
    bad = 0
    for entry in chosen:
        for done in entry.done.values():
            done.wait()
        if options.show:
            show(entry)
        for complaint in suite.judge(entry, [] if options.same else DOCUMENTED):
            bad += 1
            print(f"{entry.name}: {complaint}", flush=True)
    if not options.names and not options.same:
        for complaint in suite.unused(DOCUMENTED):
            bad += 1
            print(complaint)
    if options.write and not options.names:
        document.write()
    print(f"{len(chosen)} scenarios, {bad} complaints")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
