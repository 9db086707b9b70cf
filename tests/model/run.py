#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Let Spin walk through all that can happen between bits and doorbells.

usage: run.py MODEL COMPILER [--soak]

The model is proto/page.h's rule. It has to be right in every state that can
be reached, and each of the mistakes that the rule is there to avoid has to be
found. With --soak the models are larger: minutes instead of seconds.
"""

import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

# (what is promised, definitions, whether an error has to be found)
CASES = [
    ("with two kills anywhere the master knows when nobody is ready", [], False),
    ("and when fewer are than it wants", ["LOW=2"], False),
    ("so it does when one of them is asked to leave", ["RETIRE", "KILLS=1"], False),
    ("where clients have a time the master looks as long as anybody has one", ["TIMED", "KILLS=1"], False),
    ("without a mark for the first one taken that is found wrong", ["TIMED", "NOMARK", "KILLS=1"], True),
    ("a mark that is moved without another look is found wrong", ["TIMED", "ONCE", "KILLS=1"], True),
    ("believing the word of a message is found wrong", ["FACT"], True),
    ("a bare counter is found wrong", ["COUNT"], True),
    ("a bit that stays while its worker leaves is found wrong", ["RETIRE", "KEEP"], True),
]
SOAK = [
    ("three steps of each", ["OPS=3"], False),
    ("two kills, and one is asked to leave", ["RETIRE"], False),
    ("where clients have a time, with two kills", ["TIMED"], False),
    ("where clients have a time, and one is asked to leave", ["TIMED", "RETIRE", "KILLS=1"], False),
    ("a mark of two, and one is asked to leave", ["RETIRE", "KILLS=1", "LOW=2"], False),
]


def verify(model, compiler, definitions, folder):
    """(errors, states, whether the search was complete)"""
    subprocess.run(["spin", "-a", *["-D" + d for d in definitions], model], cwd=folder,
                   check=True, stdout=subprocess.DEVNULL)
    subprocess.run([*compiler, "-O2", "-w", "-DSAFETY", "-DCOLLAPSE", "-DMEMLIM=2000",
                    "-o", "pan", "pan.c"], cwd=folder, check=True)
    done = subprocess.run(["./pan", "-m20000", "-n"], cwd=folder, check=True, text=True,
                          stdout=subprocess.PIPE)
    errors = int(re.search(r"errors: (\d+)", done.stdout)[1])
    states = int(float(re.search(r"([\d.e+]+) states, stored", done.stdout)[1]))
    whole = "Search not completed" not in done.stdout and "max search depth" not in done.stdout
    return errors, states, whole


def main(arguments):
    model, compiler = Path(arguments[0]).resolve(), arguments[1].split()
    cases = CASES + (SOAK if "--soak" in arguments else [])
    failed = 0
    if shutil.which("spin") is None:
        print("1..0 # SKIP spin is not installed")
        return 0
    print("1..%d" % len(cases))
    for number, (sentence, definitions, wrong) in enumerate(cases, 1):
        with tempfile.TemporaryDirectory() as folder:
            errors, states, whole = verify(model, compiler, definitions, folder)
        good = errors > 0 if wrong else errors == 0 and whole and states > 1000
        print("%s %d - %s" % ("ok" if good else "not ok", number, sentence))
        print("# %d states, %d errors" % (states, errors), flush=True)
        failed += not good
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
