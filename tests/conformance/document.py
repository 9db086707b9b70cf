# SPDX-License-Identifier: MIT
"""docs/postfix-compatibility.md, made of what the scenarios found."""

from pathlib import Path

import suite
from differences import DOCUMENTED

PATH = Path(__file__).resolve().parents[2] / "docs/postfix-compatibility.md"

HEAD = """\
# ostler and Postfix, compared

This page is written by `tests/conformance/conformance.py --write`; a test
fails when it is not what the scenarios find. Each scenario runs under the
master of Debian's Postfix 3.7.11 and under `ostlerd` as `master`, with a
worker that writes down what it finds and what happens to it. In the last part
it is the other way round: a master that only writes down starts Postfix's
daemons and ours.

Directories, ports and process numbers are replaced (`ROOT`, `PORT-A`, `pid N`).
Lines in the log that are ostlerd's own (`event key=value`, listed in
ostlerd(8)) are left out, and so is what is said before `daemon started`.

{summary}

## What differs, and why

{differences}

## All that was compared

Where there is one value, it is that of both.
"""


def load():
    """All scenarios, in the order of the document."""
    import birth  # noqa: F401
    import ends  # noqa: F401
    import pool  # noqa: F401
    import reload  # noqa: F401
    import wakeup  # noqa: F401
    import workers  # noqa: F401  # the last: here the sides are workers


def cell(value):
    """A value in a table: code, line by line."""
    if value is None:
        return "(no such)"
    lines = value if isinstance(value, list) else [value]
    return "<br>".join(code(line) for line in lines) or "(nothing)"


def code(text):
    if text == "":
        return "(nothing)"
    text = text.replace("|", "\\|")
    return f"`` {text} ``" if "`" in text else f"`{text}`"


def plain(text):
    return text.replace("|", "\\|")


def differing(why):
    """The rows of one reason, in the order of the scenarios."""
    for entry in suite.SCENARIOS.values():
        for fact, theirs, ours in suite.compare(entry):
            if theirs != ours and suite.reason(DOCUMENTED, entry, fact) == why:
                yield f"| {entry.name}: {plain(fact)} | {cell(theirs)} | {cell(ours)} |"


def differences():
    reasons = list(dict.fromkeys(why for _, _, why in DOCUMENTED))
    for why in reasons:
        rows = list(differing(why))
        yield "\n".join([f"{why}\n", "| where | Postfix | ostler |", "| --- | --- | --- |", *rows])


def table(entry):
    yield f"#### {entry.name}\n\n{entry.sentence}\n"
    yield "| what | found |\n| --- | --- |"
    for fact, theirs, ours in suite.compare(entry):
        found = cell(theirs)
        if theirs != ours:
            found = f"Postfix: {cell(theirs)}<br>ostler: {cell(ours)}"
        yield f"| {plain(fact)} | {found} |"


def text():
    """The whole page; all scenarios have run."""
    facts = [fact for entry in suite.SCENARIOS.values() for fact in suite.compare(entry)]
    other = sum(theirs != ours for _, theirs, ours in facts)
    summary = (f"{len(suite.SCENARIOS)} scenarios, {len(facts)} facts: {len(facts) - other} the "
               f"same, {other} different.")
    parts = [HEAD.format(summary=summary, differences="\n\n".join(differences()))]
    group = None
    for entry in suite.SCENARIOS.values():
        if entry.group != group:
            group = entry.group
            parts.append(f"### {group}\n")
        parts.append("\n".join(table(entry)) + "\n")
    return "\n".join(parts)


def write():
    PATH.write_text(text())


def out_of_date():
    """The first line that is not as it should be, or nothing."""
    there = PATH.read_text().splitlines() if PATH.exists() else []
    found = text().splitlines()
    for number, line in enumerate(found, 1):
        if number > len(there) or there[number - 1] != line:
            old = there[number - 1] if number <= len(there) else "(the page ends)"
            return f"{PATH.name}:{number}:\n  written: {old}\n  found:   {line}"
    return "" if len(there) == len(found) else f"{PATH.name}: {len(there)} lines, not {len(found)}"
