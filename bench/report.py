# SPDX-License-Identifier: MIT
"""From samples to tables: medians, spread, and ratios within a round."""

import statistics
from dataclasses import dataclass

from goals import FIGURES, TITLES
from watch import is_loaded

# P4 and P6 are read from the visits of P5.
SOURCE = {"P4": "P5", "P6": "P5"}


class Table:
    """SAMPLES by row, case and system, and by round in it."""

    def __init__(self, samples):
        self.samples = samples

    def cases(self, row):
        return list(dict.fromkeys(s["case"] for s in self.samples if s["row"] == row))

    def systems(self, row, case):
        return list(dict.fromkeys(s["system"] for s in self.samples
                                  if s["row"] == row and s["case"] == case))

    def values(self, row, case, system, figure):
        """{round: value}"""
        return {s["round"]: s["figures"][figure] for s in self.samples
                if (s["row"], s["case"], s["system"]) == (row, case, system)
                and figure in s["figures"]}

    def ratios(self, row, value, to):
        """Of two (case, system, figure), round by round."""
        above, below = self.values(row, *value), self.values(row, *to)
        return [above[n] / below[n] for n in above if below.get(n)]


def rows_of(goal):
    """Where the samples of a goal are."""
    if goal.row in SOURCE:
        return SOURCE[goal.row]
    if goal.row == "P9" and goal.case.endswith("services"):
        return "P8"
    return goal.row


@dataclass
class Verdict:
    """What became of a goal. ROUNDS: the figure in each, or the ratio."""

    rounds: list
    word: str

    @property
    def middle(self):
        return statistics.median(self.rounds)

    @property
    def good(self):
        return self.word == "met"


def judge(table, goal):
    row = rows_of(goal)
    found = (table.ratios(row, goal.value, goal.to) if goal.to
             else list(table.values(row, *goal.value).values()))
    if not found:
        return Verdict([], f"not measured: {goal.why}" if goal.why else "not measured")
    middle = statistics.median(found)
    good = middle <= goal.at_most if goal.at_most is not None else middle >= goal.at_least
    return Verdict(found, "met" if good else "missed")


def short(value):
    """Three digits that count."""
    if isinstance(value, bool) or value == int(value) and abs(value) < 1e6:
        return str(int(value))
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.3g}"


def bound(goal):
    return f"<= {goal.at_most:g}" if goal.at_most is not None else f">= {goal.at_least:g}"


def _goals(table, goals):
    yield "| row | what | case | system | measured | rounds | goal | |"
    yield "|---|---|---|---|---|---|---|---|"
    for goal in goals:
        found = judge(table, goal)
        yield (f"| {goal.row} | {goal.what} | {goal.case} | {goal.system} "
               f"| {short(found.middle) if found.rounds else ''} | {rounds_of(found.rounds)} "
               f"| {bound(goal)} | {found.word} |")


def rounds_of(values):
    """How many, the least and the greatest."""
    if len(values) < 2:
        return str(len(values) or "")
    return f"{len(values)}: {short(min(values))} to {short(max(values))}"


def _reference(systems):
    """What others are compared with: a master, and the least there can be."""
    limit = next((s for s in ("limit: accept", "limit: poll and spawn", "limit: spawn per client",
                              "limit: share, exec", "limit: epoll, 12-byte read")
                  if s in systems), None)
    return "postfix" if "postfix" in systems else None, limit


def _case(table, row, case):
    systems = table.systems(row, case)
    figures = [f for f in FIGURES[row]
               if any(table.values(row, case, s, f.name) for s in systems)]
    if not figures:
        return
    first = figures[0].name
    references = [r for r in _reference(systems) if r]
    yield f"\n**{case}**\n"
    yield "| system | " + " | ".join(
        [f"{f.title} {f.unit}".strip() for f in figures]
        + [f"{figures[0].title}, to {r}" for r in references]) + " |"
    yield "|---" * (1 + len(figures) + len(references)) + "|"
    for system in systems:
        cells = [_spread(list(table.values(row, case, system, f.name).values())) for f in figures]
        for reference in references:
            ratios = table.ratios(row, (case, system, first), (case, reference, first))
            cells.append(short(statistics.median(ratios)) if ratios else "")
        yield f"| {system} | " + " | ".join(cells) + " |"


def _spread(values):
    if not values:
        return ""
    if len(values) == 1:
        return short(values[0])
    return f"{short(statistics.median(values))} ({short(min(values))} to {short(max(values))})"


def conditions(found):
    """What else is to be known of each row."""
    yield "| rows | measured | commit | took, s | load before, after | others | steal | |"
    yield "|---|---|---|---|---|---|---|---|"
    for row in found["rows"].values():
        others = "unknown" if row["others"] is None else f"{100 * row['others']:.0f} %"
        words = [f"failed: {row['failed']}"] if row["failed"] else []
        words += ["fewer rounds than it should have had"] if row["cut"] else []
        words += ["**the machine was busy with others**"] if is_loaded(row) else []
        load = ", ".join(f"{n:.1f}" for n in row["load_average"])
        yield (f"| {', '.join(row['names'])} | {row['date']} | {row['commit']} "
               f"| {row['seconds']:.0f} | {load} | {others} | {100 * row['steal']:.0f} % "
               f"| {'; '.join(words)} |")


def wanted_of(goals, found):
    """Those of the rows that were to be measured."""
    names = {name for row in found["rows"].values() for name in row["names"]}
    return [goal for goal in goals if goal.row in names]


def markdown(found, goals):
    """The whole report of what results.load() gave, line by line."""
    table = Table(found["samples"])
    yield "# What was measured\n"
    yield "`bench/run` wrote this; bench/README.md says what each figure means.\n"
    for name, value in found["machine"].items():
        yield f"- {name}: {value}"
    for name, why in found["skipped"].items():
        yield f"- not measured in {', '.join(why['rows'])}: {name}: {why['why']}"
    yield "\n## Conditions\n"
    yield ("`others` is the share of all processors that was used by processes that are none of "
           "ours, `steal` what the host took.\n")
    yield from conditions(found)
    yield "\n## Goals\n"
    yield ("The median of the ratios of each round, in which all systems were visited in turn; "
           "how many rounds, and the least and the greatest of them.\n")
    yield from _goals(table, wanted_of(goals, found))
    for row, title in TITLES.items():
        if table.cases(row):
            yield f"\n## {row} {title}"
            for case in table.cases(row):
                yield from _case(table, row, case)
