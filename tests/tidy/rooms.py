#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Check that the sources keep to the map and to the sizes.

usage: rooms.py SOURCE_ROOT     check the tree
       rooms.py --self-test     check that each rule finds its violation

The rules are functions over one file each; rooms.txt and pure.txt are their
data. A file may break a rule if exceptions.txt says so, and why.
"""

import re
import sys
from pathlib import Path

from tap import Report

HERE = Path(__file__).resolve().parent
FUNCTION_LINES_MAX = 70
FILE_LINES_MAX = 600
# The kernel's side of the house: where errno has a meaning.
ERRNO_ROOMS = ("sys", "lib", "programs")


def lines_of(path):
    """The lines of a data file without comments."""
    for line in path.read_text().splitlines():
        line = line.split("#")[0].split()
        if line:
            yield line


class Rules:
    """What rooms.txt, pure.txt and exceptions.txt say."""

    def __init__(self):
        self.doors, self.pure, self.headers, self.exceptions = {}, set(), {}, set()
        for room, *rest in lines_of(HERE / "rooms.txt"):
            self.doors[room] = {room} | {r for r in rest if r not in ("-", "pure")}
            if "pure" in rest:
                self.pure.add(room)
        for kind, name, *rooms in lines_of(HERE / "pure.txt"):
            if kind == "header":
                for room in rooms or self.pure:
                    self.headers.setdefault(room, set()).add(name)
        for rule, path, *_ in lines_of(HERE / "exceptions.txt"):
            self.exceptions.add((rule, path))


def strip(text):
    """Blank out comments and the insides of literals; keep the lines."""

    def blank(match):
        token = match[0]
        if token.startswith("/"):
            return re.sub(r"[^\n]", " ", token)
        return token[0] + " " * (len(token) - 2) + token[-1]

    token = r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\''
    return re.sub(token, blank, text, flags=re.S)


class Source:
    """One file: its path under the root, its room, its text."""

    def __init__(self, path, text):
        self.path = path
        self.text = text
        self.code = strip(text)
        parts = Path(path).parts
        self.room = parts[1] if parts[0] == "src" and len(parts) > 2 else None
        self.is_header = path.endswith(".h")

    def includes(self):
        """(line, quote, name) of each #include."""
        found = re.finditer(r'^#\s*include\s*([<"])([^>"]+)', self.text, re.M)
        for match in found:
            yield self.line(match.start()), match[1], match[2]

    def line(self, offset):
        return self.text.count("\n", 0, offset) + 1

    def at(self, line, what):
        return "%s:%d: %s" % (self.path, line, what)


def rule_licence(source, rules):
    """every source file begins with its licence"""
    first = source.text.lstrip("#!").split("\n", 2)[:2]
    if not any("SPDX-License-Identifier: MIT" in line for line in first):
        yield source.at(1, "no SPDX line")


def room_of_include(source, name):
    """Which room does #include "NAME" open? None: not one that we know."""
    if name in ("ostler.h", "master_proto.h"):
        return "public"
    if "/" not in name:
        return "?"
    return name.split("/")[0]


def rule_doors(source, rules):
    """a room includes only the rooms it has a door to"""
    if source.room not in rules.doors:
        return
    for line, quote, name in source.includes():
        if quote == "<":
            continue
        room = room_of_include(source, name)
        if room == "?":
            yield source.at(line, 'write "room/%s"' % name)
        elif room not in rules.doors[source.room]:
            yield source.at(line, "%s may not include %s" % (source.room, name))


def rule_public_headers(source, rules):
    """the public headers include nothing of ours but each other"""
    if not source.path.startswith("include/"):
        return
    for line, quote, name in source.includes():
        if quote == '"' and name != "master_proto.h":
            yield source.at(line, "a public header includes " + name)


def rule_pure_headers(source, rules):
    """a pure room includes no header of the operating system"""
    if source.room not in rules.pure:
        return
    allowed = rules.headers.get(source.room, set())
    for line, quote, name in source.includes():
        if quote == "<" and name not in allowed | {"master_proto.h"}:
            yield source.at(line, "%s is pure: no <%s>" % (source.room, name))


def rule_own_header_first(source, rules):
    """a module includes its own header first"""
    own = source.path[len("src/") : -2] + ".h"
    if source.is_header or not source.room or own not in rules.known_headers:
        return
    includes = list(source.includes())
    if not includes or includes[0][2] != own:
        yield source.at(includes[0][0] if includes else 1, "include %s first" % own)


def rule_errno(source, rules):
    """errno is read only where the kernel is spoken to"""
    if not source.room or source.room in ERRNO_ROOMS:
        return
    for match in re.finditer(r"\berrno\b(?!\.h)", source.code):
        yield source.at(source.line(match.start()), "errno in " + source.room)


def rule_function_size(source, rules):
    """no function is longer than 70 lines"""
    start = None
    for number, line in enumerate(source.code.splitlines(), 1):
        if line.rstrip() == "{":
            start = number
        elif line.startswith("}") and start:
            if number - start - 1 > FUNCTION_LINES_MAX:
                yield source.at(start, "%d lines" % (number - start - 1))
            start = None


def rule_file_size(source, rules):
    """no file is longer than 600 lines"""
    lines = source.text.count("\n")
    if lines > FILE_LINES_MAX:
        yield source.at(FILE_LINES_MAX, "%d lines" % lines)


def closing(code, start):
    """The offset after the brace that closes the one at START."""
    depth = 0
    for offset in range(start, len(code)):
        depth += {"{": 1, "}": -1}.get(code[offset], 0)
        if depth == 0:
            return offset + 1
    return len(code)


def rule_no_default(source, rules):
    """a switch over an enum of ours names every value"""
    for match in re.finditer(r"\bswitch\s*\(", source.code):
        start = source.code.find("{", match.end())
        body = source.code[start : closing(source.code, start)]
        ours = set(re.findall(r"\bcase\s+([A-Z]\w+)\s*:", body)) & rules.enum_values
        default = re.search(r"\bdefault\s*:", body)
        if ours and default:
            yield source.at(source.line(start + default.start()), "default:")


def rule_typedef(source, rules):
    """no typedef hides a struct"""
    for match in re.finditer(r"^\s*typedef\s+(struct|enum|union)\b", source.code, re.M):
        yield source.at(source.line(match.start()), "typedef")


RULES = [
    rule_licence,
    rule_doors,
    rule_public_headers,
    rule_pure_headers,
    rule_own_header_first,
    rule_errno,
    rule_function_size,
    rule_file_size,
    rule_no_default,
    rule_typedef,
]


def enum_values(sources):
    """Every constant of every enum that we define."""
    values = set()
    for source in sources:
        for body in re.findall(r"\benum\s+\w+\s*\{([^}]*)\}", source.code):
            values |= set(re.findall(r"\b([A-Z][A-Z0-9_]+)\b", body))
    return values


def check(sources, rules):
    """(rule, findings) for every rule, exceptions left out."""
    rules.known_headers = {s.path[len("src/") :] for s in sources if s.is_header}
    rules.enum_values = enum_values(sources)
    for rule in RULES:
        findings = []
        for source in sources:
            if (rule.__name__[len("rule_") :], source.path) not in rules.exceptions:
                findings += rule(source, rules)
        yield rule, findings


def read_tree(root):
    for top in ("src", "include", "tests", "examples", "bench"):
        for path in sorted((root / top).rglob("*.[ch]")):
            yield Source(str(path.relative_to(root)), path.read_text())


# --- self-test: for each rule, sources that break it ---------------------

SPDX = "/* SPDX-License-Identifier: MIT */\n"
BAD = [
    ("licence", {"src/core/x.c": "int x;\n"}),
    ("doors", {"src/core/x.c": SPDX + '#include "sys/loop.h"\n'}),
    ("doors", {"src/lib/x.c": SPDX + '#include "base/text.h"\n'}),
    ("doors", {"src/programs/spawn/x.c": SPDX + '#include "proto/status.h"\n'}),
    ("doors", {"src/core/x.c": SPDX + '#include "pool.h"\n'}),
    ("public_headers", {"include/ostler.h": SPDX + '#include "proto/status.h"\n'}),
    ("pure_headers", {"src/core/x.c": SPDX + "#include <unistd.h>\n"}),
    ("pure_headers", {"src/core/x.h": SPDX + "#include <stdlib.h>\n"}),
    (
        "own_header_first",
        {
            "src/core/x.c": SPDX + '#include <string.h>\n#include "core/x.h"\n',
            "src/core/x.h": SPDX,
        },
    ),
    ("errno", {"src/master/x.c": SPDX + "int f(void)\n{\n\treturn errno;\n}\n"}),
    ("function_size", {"src/sys/x.c": SPDX + "int f(void)\n{\n" + "\n" * 71 + "}\n"}),
    ("file_size", {"src/sys/x.c": SPDX + "\n" * 600}),
    (
        "no_default",
        {
            "src/core/x.c": SPDX
            + "enum e { E_ONE, E_TWO };\nint f(enum e e)\n{\n\tswitch (e) {\n"
            "\tcase E_ONE:\n\t\treturn 1;\n\tdefault:\n\t\treturn 2;\n\t}\n}\n"
        },
    ),
    ("typedef", {"src/core/x.h": SPDX + "typedef struct x x_t;\n"}),
]
GOOD = {
    "src/core/x.h": SPDX + "struct x;\n",
    "src/core/x.c": SPDX
    + '#include "core/x.h"\n#include <string.h>\n#include "table/service.h"\n'
    "/* errno and typedef struct in a comment, \"default:\" too */\n"
    'const char *word = "errno";\n',
    "src/programs/echo/x.c": SPDX + '#include <ostler.h>\n#include <errno.h>\n',
}


def self_test(report):
    def found(tree):
        rules = Rules()
        sources = [Source(path, text) for path, text in tree.items()]
        return {r.__name__[len("rule_") :] for r, bad in check(sources, rules) if bad}

    for name, tree in BAD:
        wrong = [] if found(tree) == {name} else ["found: %s" % found(tree)]
        report.case("%s is found in %s" % (name, sorted(tree)[0]), wrong)
    report.case("nothing is found in good sources", found(GOOD))
    tested = {name for name, _ in BAD}
    report.case(
        "every rule has a violation to find",
        {r.__name__ for r in RULES if r.__name__[len("rule_") :] not in tested},
    )


def main(arguments):
    report = Report()
    if arguments == ["--self-test"]:
        self_test(report)
    else:
        sources = list(read_tree(Path(arguments[0])))
        for rule, findings in check(sources, Rules()):
            report.case(rule.__doc__, findings)
    return report.finish()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
