# SPDX-License-Identifier: MIT
"""From results.json to the table, the plots, and the part of the README."""

from pathlib import Path

import plot
import report
import results
from goals import OURS, goals
from watch import is_loaded

HERE = Path(__file__).resolve().parent
KEPT = HERE / "results"
README = HERE.parent / "README.md"
BEGIN = "<!-- what follows is written by bench/run --render -->"
END = "<!-- until here -->"
# What the README shows of the plots, in this order.
SHOWN = ("burst-curve.svg", "burst.svg", "slow-asleep.svg", "slow-processor.svg",
         "warm-tcp-16.svg", "cold-services.svg", "smtpd-burst-50-stay.svg")


def _goals(found):
    sizes = sorted({int(s["case"].split()[0]) for s in found["samples"] if s["row"] == "P8"})
    return goals(any(row["quick"] for row in found["rows"].values()), sizes)


def files(found):
    """{name: text} of all that is beside results.json."""
    lines = report.markdown(found, _goals(found))
    return {"table.md": "\n".join(lines) + "\n", **plot.plots(found["samples"])}


def _cell(table, wanted):
    """All cases of one goal and one system."""
    found = [report.judge(table, goal) for goal in wanted]
    measured = [one for one in found if one.rounds]
    if not measured:
        return found[0].word if found else ""
    middles = [one.middle for one in measured]
    low, high = report.short(min(middles)), report.short(max(middles))
    text = low if low == high else f"{low} to {high}"
    met = sum(one.good for one in found)
    if met == len(found):
        return f"{text}: met"
    return f"{text}: **missed**" if met == 0 else f"{text}: **{met} of {len(found)} met**"


def _columns(wanted):
    """Those of ostlerd alone, and as Postfix's master."""
    theirs = [goal for goal in wanted if goal.system.startswith(OURS[1])]
    return [goal for goal in wanted if goal not in theirs], theirs


def _goal_lines(table, wanted):
    yield "| | what | goal | ostler | as Postfix's master |"
    yield "|---|---|---|---|---|"
    for row, what in dict.fromkeys((goal.row, goal.what) for goal in wanted):
        same = [goal for goal in wanted if (goal.row, goal.what) == (row, what)]
        cells = " | ".join(_cell(table, column) for column in _columns(same))
        yield f"| {row} | {what} | {report.bound(same[0])} | {cells} |"


def _dates(found):
    dates = sorted({row["date"][:10] for row in found["rows"].values()})
    return dates[0] if len(dates) == 1 else f"{dates[0]} to {dates[-1]}"


def _head(found):
    machine = found["machine"]
    yield (f"Measured by `bench/run`, {_dates(found)}, on {machine['machine']}, Linux "
           f"{machine['kernel']}.")
    yield ("A ratio is that of two systems in the same round, in which all are visited in turn; "
           "what is shown is its median over")
    yield ("the rounds, from the least case to the greatest. "
           "[All figures, with their spread](bench/results/table.md);")
    yield "[what each row is](bench/README.md)."
    failed = [f"{name} ({row['failed']})" for name, row in found["rows"].items() if row["failed"]]
    if failed:
        yield f"\nNot measured to its end: {', '.join(failed)}."
    loaded = [name for name, row in found["rows"].items() if is_loaded(row)]
    if loaded:
        always = len(loaded) == len(found["rows"])
        when = "all the time" if always else f"during {', '.join(loaded)}"
        yield f"\n**The machine was busy with other work {when}: the figures are noisy.**"


def part(found, policies=KEPT / "policy"):
    """Of the README, between the two marks."""
    yield BEGIN
    if found is None:
        yield "No results are kept yet: `bench/run` makes them."
    else:
        table = report.Table(found["samples"])
        yield from _head(found)
        yield ""
        yield from _goal_lines(table, report.wanted_of(_goals(found), found))
        drawn = plot.plots(found["samples"])
        for name in SHOWN:
            if name in drawn:
                yield f"\n![{plot.title_of(drawn[name])}](bench/results/{name})"
    yield from _policies(policies)
    yield END


def _policies(directory):
    """Experiments in virtual time, whose results do not depend on the machine."""
    drawn = sorted(directory.glob("*.svg"))
    if drawn:
        yield ("\nThe same decisions, made in the simulator, where time costs nothing "
               "([all figures](bench/results/policy/table.md)):")
    for path in drawn:
        yield f"\n![{plot.title_of(path.read_text())}](bench/results/policy/{path.name})"


def with_part(text, found):
    """The README's TEXT with what is to be there."""
    before, rest = text.split(BEGIN, 1)
    return before + "\n".join(part(found)) + rest.split(END, 1)[1]


def everything(directory):
    found = results.load(directory / "results.json")
    made = {} if found is None else files(found)
    for old in directory.glob("*.svg"):
        if old.name not in made:
            old.unlink()
    for name, text in made.items():
        (directory / name).write_text(text)
    if directory.resolve() == KEPT:
        README.write_text(with_part(README.read_text(), found))
