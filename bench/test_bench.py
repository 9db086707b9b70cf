# SPDX-License-Identifier: MIT
"""bench/run --quick measures every row that can be measured, whatever the figures."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
BUILD = Path(os.environ["OSTLER_BUILD"])
POSTFIX = os.geteuid() == 0 and Path("/usr/lib/postfix/sbin/master").exists()
MASTERS = ("ostler", "ostler-postfix", "postfix") if POSTFIX else ("ostler",)

sys.path.insert(0, str(HERE))
import plot  # noqa: E402
import report  # noqa: E402
from goals import Goal, goals  # noqa: E402

# What each master is measured by: a case and a figure of each row.
WANTED = {
    "P1": [("100 x 50 ms", "last_ms"), ("100 x 50 ms, unix", "last_ms"),
           ("slow start", "starts_per_client")],
    "P2": [("tcp", "p50_us"), ("unix", "p50_us")],
    "P3": [("10 services", "p50_us"), ("300 services", "p50_us")],
    "P5": [(f"{kind}, c={c}", figure) for kind in ("tcp", "unix") for c in (1, 16)
           for figure in ("rate", "cpu_us", "p99_us")],
    "P7": [("flood", "master_ns"), ("flood", "other_p50")],
    "P8": [("300 services", "start_cpu_ms"), ("300 services", "reload_cpu_ms"),
           ("300 services", "rss_kb")],
    "P9": [("50 workers", "bytes_per_worker")],
    "P10": [("10 services", "wakeups"), ("100 services", "wakeups")],
    "P11": [("no reload", "p999_us"), ("4 reloads", "p999_us"), ("4 reloads", "failed")],
}
SMTPD = [("cold", "p50_us"), ("c=1", "rate"), ("c=4", "rate"), ("c=16", "rate"),
         ("burst 50, leave", "last_ms"), ("burst 50, stay", "last_ms")]


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """Of one run of it."""
    where = tmp_path_factory.mktemp("results")
    done = subprocess.run(
        [HERE / "run", "--quick", "--build", BUILD, "--results", where], check=False,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        timeout=600)
    assert done.returncode == 0, done.stdout[-6000:]
    return where


@pytest.fixture(scope="module")
def table(results):
    lines = [json.loads(ln) for ln in (results / "samples.jsonl").read_text().splitlines()]
    assert "kernel" in lines[0]["machine"] and "skipped" in lines[1]
    return report.Table(lines[2:])


@pytest.mark.parametrize("row", WANTED)
def test_every_master_is_measured_in_every_case_of(row, table):
    missing = [(case, master, figure) for case, figure in WANTED[row] for master in MASTERS
               if not table.values(row, case, master, figure)]
    assert not missing


def test_smtpd_is_measured_under_both_masters(table):
    if not POSTFIX:
        pytest.skip("Postfix is not installed, or we are not root")
    missing = [(case, master, figure) for case, figure in SMTPD
               for master in ("postfix", "ostler-postfix")
               if not table.values("P12", case, master, figure)]
    assert not missing


def test_every_goal_is_measured_or_says_why_not(table):
    if not POSTFIX:
        pytest.skip("Postfix is not installed, or we are not root")
    silent = [goal for goal in goals(quick=True) if report.judge(table, goal)[2] == "not measured"]
    assert not silent


def test_there_are_a_table_and_plots(results):
    text = (results / "table.md").read_text()
    assert "## Goals" in text and "## P1 " in text
    drawn = {path.name for path in results.glob("*.svg")}
    assert {"burst.svg", "burst-curve.svg", "warm-tcp-1.svg", "cold-services.svg"} <= drawn


def sample(system, round_, **figures):
    return {"row": "P1", "case": "x", "system": system, "round": round_, "figures": figures}


def test_ratios_are_those_of_the_same_round():
    samples = [sample("a", 0, ms=1.0), sample("b", 0, ms=2.0), sample("a", 1, ms=30.0),
               sample("b", 1, ms=10.0), sample("a", 2, ms=8.0)]
    found = report.Table(samples)
    assert found.ratios("P1", ("x", "a", "ms"), ("x", "b", "ms")) == [0.5, 3.0]
    goal = Goal("P1", "", ("x", "a", "ms"), ("x", "b", "ms"), at_most=1.75)
    assert report.judge(found, goal) == ("1.75", "0.5 to 3", "met")
    goal.at_most = 1.7
    assert report.judge(found, goal)[2] == "missed"


def test_a_goal_without_samples_is_not_met():
    goal = Goal("P1", "", ("x", "a", "ms"), at_most=1)
    assert report.judge(report.Table([]), goal)[2] == "not measured"
    assert report.judge(report.Table([]), Goal("P1", "", why="no"))[2] == "not yet: no"


def test_a_plot_without_values_is_none():
    assert plot.bars("x", {"a": []}) is None
    assert plot.curves("x", {}, "x", "y") is None
