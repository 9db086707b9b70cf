#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Check the manual pages against what is built.

usage: pages.py SOURCE_ROOT BUILD_ROOT
       pages.py --self-test
"""

import json
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from tap import Report

# A page of another package need not be installed where the tests run.
LINT_IGNORED = ("referenced manual not found", "mandoc.db")
PROGRAM_PLACES = ("bin", "sbin", "libexec/ostler")


def lint(pages):
    """What mandoc has to say about each page."""
    for page in pages:
        done = subprocess.run(
            ["mandoc", "-T", "lint", "-W", "all", str(page)],
            capture_output=True,
            text=True,
        )
        for line in (done.stdout + done.stderr).splitlines():
            if not any(word in line for word in LINT_IGNORED):
                yield line.replace(str(page), page.name)


def programs(installed):
    """name -> path in the build, of every program that gets installed."""
    for built, target in installed.items():
        folder = str(Path(target).parent)
        if folder.endswith(PROGRAM_PLACES) and Path(built).is_file():
            yield Path(target).name, built


def unpaged(names, pages):
    """Programs that no page describes."""
    stems = {page.stem for page in pages if page.suffix in (".1", ".8")}
    for name in sorted(names):
        if name not in stems:
            yield "man/%s.8 or .1 is missing" % name


def broken_references(pages):
    """.Xr to a page of ours that does not exist."""
    ours = {page.name for page in pages}
    for page in pages:
        for name, section in re.findall(
            r"^\.(?:.* )?Xr (ostler[\w.-]*) (\d)", page.read_text(), re.M
        ):
            if "%s.%s" % (name, section) not in ours:
                yield "%s: .Xr %s %s" % (page.name, name, section)


def text_of(pages, name):
    """The source of the page called NAME, without mdoc's escapes."""
    for page in pages:
        if name in (page.stem, page.name):
            return page.read_text().replace("\\-", "-").replace("\\&", "")
    return ""


def undocumented_options(name, usage, page):
    """Options in the output of --help that the page does not list."""
    for dash, option in sorted(set(re.findall(r"(?<![\w-])-(-?)([a-zA-Z][\w-]*)", usage))):
        if not re.search(r"Fl (?:\w )?%s%s(?!\w)" % (dash, re.escape(option)), page):
            yield "%s -%s%s is not in its page" % (name, dash, option)


def undocumented(what, names, page):
    for name in sorted(names):
        pattern = r"^\.(?:It|Ss|Fn|Fo|Ft|Nm|Vt|Dv|In|Ic|Cm)\b.*\b%s\b"
        if not re.search(pattern % re.escape(name), page, re.M):
            yield "%s %s is not in the page" % (what, name)


def functions(header):
    """The functions that a public header declares."""
    return set(re.findall(r"\b(ostler_\w+|master_notify)\(", header))


def messages(text):
    """The names of the log's lines, from messages.def."""
    return set(re.findall(r'^MESSAGE\(\w+, "([\w-]+)"', text, re.M))


def diagnostics(page):
    """The names under DIAGNOSTICS of ostlerd(8)."""
    section = page.partition(".Sh DIAGNOSTICS")[2].partition("\n.Sh ")[0]
    return set(re.findall(r"^\.It ([\w-]+)", section, re.M))


def run(*command):
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=20, stdin=subprocess.DEVNULL
    )
    return done.stdout + done.stderr


def check(root, build, report):
    pages = sorted((root / "man").glob("*.[1-8]"))
    installed = json.loads((build / "meson-info/intro-installed.json").read_text())
    built = dict(programs(installed))
    if shutil.which("mandoc"):
        report.case("mandoc has nothing to say about the pages", lint(pages))
    else:
        report.skip("mandoc has nothing to say about the pages", "no mandoc")
    report.case(
        "every page is installed",
        {p.name for p in pages} - {Path(i).name for i in installed.values()},
    )
    report.case("every program has a page", unpaged(built, pages))
    report.case("no page refers to one that is missing", broken_references(pages))
    for name in sorted(built):
        report.case(
            "every option of %s is in its page" % name,
            undocumented_options(name, run(built[name], "--help"), text_of(pages, name)),
        )
    if "ostler" in built:
        verbs = run(built["ostler"], "__complete").split()
        report.case(
            "every verb of ostler is in its page",
            undocumented("verb", verbs, text_of(pages, "ostler")) if verbs else ["no verbs"],
        )
    listed = diagnostics(text_of(pages, "ostlerd"))
    report.case(
        "the lines of the log are those of ostlerd(8)",
        sorted(messages((root / "src/master/messages.def").read_text()) ^ listed),
    )
    header = (root / "include/ostler.h").read_text()
    report.case(
        "every function of the library is in ostler(3)",
        undocumented("function", functions(header), text_of(pages, "ostler.3")),
    )


def self_test(report):
    with tempfile.TemporaryDirectory() as folder:
        page = Path(folder) / "ostler.1"
        page.write_text(".Dd x\n.Dt A 1\n.Sh NAME\n.Xr ostler-none 7\n.It Fl -json\n")
        cases = (
            ("a bad page is found", list(lint([page])) if shutil.which("mandoc") else ["-"]),
            ("a program without a page is found", list(unpaged(["ostlerx"], [page]))),
            ("a broken reference is found", list(broken_references([page]))),
            (
                "an option without a word is found",
                list(undocumented_options("ostler", "--json --wait", page.read_text())),
            ),
            (
                "a line of the log without a word is found",
                messages('MESSAGE(A, "a-b", LOG_INFO,\n') ^ diagnostics(page.read_text()),
            ),
            (
                "a function without a word is found",
                list(undocumented("function", functions("int ostler_x(int);"), "")),
            ),
        )
    for sentence, found in cases:
        report.case(sentence, [] if found else ["nothing was found"])


def main(arguments):
    report = Report()
    if arguments == ["--self-test"]:
        self_test(report)
    else:
        check(Path(arguments[0]), Path(arguments[1]), report)
    return report.finish()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
