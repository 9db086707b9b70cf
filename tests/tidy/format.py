#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Check that every C file is as clang-format leaves it.

usage: format.py SOURCE_ROOT
       format.py --self-test
"""

import re
import shutil
import subprocess
import sys
from pathlib import Path

from tap import Report

SENTENCE = "every C file is as clang-format leaves it"


def unformatted(root, paths):
    """The files of PATHS that clang-format would change."""
    style = "--style=file:%s/.clang-format" % root
    done = subprocess.run(
        ["clang-format", "--dry-run", style] + [str(path) for path in paths],
        capture_output=True,
        text=True,
    )
    found = re.findall(r"^(\S+):\d+:\d+: ", done.stderr, re.M)
    if done.returncode != 0 and not found:
        found = [done.stderr.strip()]
    return ["clang-format -i %s" % path for path in sorted(set(found))]


def sources(root):
    for top in ("src", "include", "tests", "examples", "bench"):
        yield from sorted((root / top).rglob("*.[ch]"))


def self_test(root, report):
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        bad, good = Path(folder) / "bad.c", Path(folder) / "good.c"
        bad.write_text("int  f( void ) {return 1 ;}\n")
        good.write_text("int f(void)\n{\n\treturn 1;\n}\n")
        found = [Path(f.split()[-1]).name for f in unformatted(root, [bad, good])]
    report.case("an unformatted file is found", [] if found == ["bad.c"] else found)


def main(arguments):
    report = Report()
    root = Path(__file__).resolve().parents[2]
    if not shutil.which("clang-format"):
        report.skip(SENTENCE, "no clang-format")
    elif arguments == ["--self-test"]:
        self_test(root, report)
    else:
        report.case(SENTENCE, unformatted(root, list(sources(root))))
    return report.finish()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
