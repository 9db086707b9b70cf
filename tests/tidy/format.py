#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Check that every C file is as clang-format leaves it.

usage: format.py SOURCE_ROOT
       format.py --self-test
"""

import shutil
import subprocess
import sys
from pathlib import Path

from tap import Report

SENTENCE = "every C file is as clang-format leaves it"


def unformatted(root, paths):
    """The files of PATHS that clang-format would change."""
    for path in paths:
        done = subprocess.run(
            ["clang-format", "--style=file:%s/.clang-format" % root, str(path)],
            capture_output=True,
            text=True,
        )
        if done.stdout != path.read_text():
            yield "clang-format -i %s" % path


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
        report.case(SENTENCE, unformatted(root, sources(root)))
    return report.finish()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
