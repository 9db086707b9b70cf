# SPDX-License-Identifier: MIT
"""bench/run --quick measures every row that can be measured, whatever the figures."""

import importlib.machinery
import importlib.util
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
import measure  # noqa: E402
import plot  # noqa: E402
import render  # noqa: E402
import report  # noqa: E402
import results as kept  # noqa: E402
from goals import Goal, goals  # noqa: E402
from rows import Row  # noqa: E402

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
    "W1": [("asleep", "last_ms"), ("on a processor", "last_ms")],
    "W2": [("the same service", "p99_us"), ("another service", "p99_us")],
    "W3": [("20 x tcp", "last_ms"), ("20 x tcp", "rate")],
    "W4": [("no kill", "rate"), ("a kill each 20 ms", "failed_per_kill")],
    "W5": [("1 idle worker", "worker_calls"), ("4 idle workers", "master_calls")],
    "P11": [("no reload", "p999_us"), ("2 reloads", "p999_us"), ("2 reloads", "failed")],
}
SMTPD = [("cold", "p50_us"), ("c=1", "rate"), ("c=4", "rate"), ("c=16", "rate"),
         ("burst 50, leave", "last_ms"), ("burst 50, stay", "last_ms")]


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """Of one run of it. Peers that somebody has fetched would only take their time."""
    where, nowhere = tmp_path_factory.mktemp("results"), tmp_path_factory.mktemp("peers")
    done = subprocess.run(
        [HERE / "run", "--quick", "--build", BUILD, "--results", where,
         "--peers", nowhere], check=False,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        timeout=600)
    assert done.returncode == 0, done.stdout[-6000:]
    return where


@pytest.fixture(scope="module")
def table(results):
    found = kept.load(results / "results.json")
    assert "kernel" in found["machine"]
    assert not [row for row in found["rows"].values() if row["failed"]]
    return report.Table(found["samples"])


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
    silent = [goal for goal in goals(quick=True)
              if report.judge(table, goal).word == "not measured"]
    assert not silent


def test_there_are_a_table_and_plots(results):
    text = (results / "table.md").read_text()
    assert "## Goals" in text and "## P1 " in text
    drawn = {path.name for path in results.glob("*.svg")}
    assert {"burst.svg", "burst-curve.svg", "warm-tcp-1.svg", "cold-services.svg"} <= drawn


def test_what_is_kept_is_what_the_results_give():
    """If not: bench/run --render."""
    found = kept.load(render.KEPT / "results.json")
    made = {} if found is None else render.files(found)
    there = {path.name: path.read_text() for path in render.KEPT.iterdir()
             if path.name == "table.md" or path.suffix == ".svg"}
    assert there == made
    readme = render.README.read_text()
    assert render.with_part(readme, found) == readme


def result(samples, *parts):
    row = {"names": list(parts), "date": "2026-01-01 00:00 UTC", "commit": "x", "quick": False,
           "seconds": 1.0, "load_average": [0.1, 0.2], "others": None, "steal": 0.0,
           "cut": False, "failed": None}
    return {**kept.fresh({"machine": "m", "kernel": "k"}), "samples": samples,
            "rows": {part: row for part in parts}}


def test_results_come_back_as_they_were(tmp_path):
    found = result([sample("a", 0, ms=1.0), sample("b", 0, ms=2)], "P1")
    kept.save(tmp_path / "x", found)
    assert kept.load(tmp_path / "x") == found
    assert kept.load(tmp_path / "none") is None
    (tmp_path / "x").write_text('{"format": 0}')
    with pytest.raises(ValueError):
        kept.load(tmp_path / "x")


def test_an_amended_row_replaces_its_own_samples_alone():
    old = result([sample("a", 0, ms=1.0), {**sample("a", 0, ms=5.0), "part": "P2"}], "P1", "P2")
    new = result([sample("a", 0, ms=3.0)], "P1")
    old["skipped"] = {"b": {"why": "gone", "rows": ["P1", "P2"]}}
    found = kept.amend(old, new)
    assert [s["figures"]["ms"] for s in found["samples"]] == [5.0, 3.0]
    assert list(found["rows"]) == ["P1", "P2"]
    assert found["skipped"] == {"b": {"why": "gone", "rows": ["P2"]}}
    assert kept.amend(None, new) is new


def test_the_readme_tells_what_was_reached_and_what_not():
    two = [{**sample(system, 0, last_ms=ms), "case": case}
           for case, ours in (("100 x 50 ms", 60.0), ("100 x 50 ms, unix", 80.0))
           for system, ms in (("ostler", ours), ("postfix", 100.0))]
    found = result(two, "P1")
    found["rows"]["P1"]["others"] = 0.3
    text = "\n".join(render.part(found))
    assert "| 0.6 to 0.8: **1 of 2 met** | not measured |" in text
    assert "busy with other work all the time" in text
    assert "No results are kept" in "\n".join(render.part(None))


def test_policies_are_shown_if_there_are_some(tmp_path):
    (tmp_path / "ramp.svg").write_text("<svg><title>a &amp; b</title></svg>")
    text = "\n".join(render.part(None, tmp_path))
    assert "![a & b](bench/results/policy/ramp.svg)" in text
    (tmp_path / "ramp.svg").unlink()
    assert "policy" not in "\n".join(render.part(None, tmp_path))


class NoWatch:
    def begin(self):
        pass

    def end(self, _):
        return {"seconds": 1.0, "others": None, "steal": 0.0, "load_average": [0.0, 0.0]}


class NoBench:
    quick, cut = True, False

    def begin(self, part, seconds):
        self.part = part


def test_a_row_that_fails_or_hangs_is_named_and_the_next_one_goes_on(monkeypatch):
    loader = importlib.machinery.SourceFileLoader("bench_run", str(HERE / "run"))
    run = importlib.util.module_from_spec(importlib.util.spec_from_loader("bench_run", loader))
    loader.exec_module(run)
    done = []

    def breaks(*_):
        raise KeyError("what it wanted")

    def hangs(*_):
        measure.wait_until(lambda: False, "nothing", 60)

    rows = [Row(("P1",), breaks, 1), Row(("P2",), hangs, 1),
            Row(("P3",), lambda *_: done.append(1), 1)]
    monkeypatch.setattr(run, "ROWS", rows)
    monkeypatch.setattr(Row, "patience_s", 0.05)
    monkeypatch.setattr(run, "sweep", lambda: [])
    found = run.measure(NoBench(), None, NoWatch(), ["P1", "P2", "P3"])
    assert [row["failed"] for row in found.values()] == [
        "KeyError: 'what it wanted'", "TooLong: its time was over", None]
    assert done


def test_a_time_limit_spares_what_is_being_stopped():
    with pytest.raises(measure.TooLong), measure.Limit(0.05):
        with measure.unlimited():
            measure.wait_until(lambda: measure.Limit.overdue, "the end of the time")
        measure.Limit.check()
    with measure.Limit(60):
        pass


def sample(system, round_, **figures):
    return {"part": "P1", "row": "P1", "case": "x", "system": system, "round": round_,
            "figures": figures}


def test_ratios_are_those_of_the_same_round():
    samples = [sample("a", 0, ms=1.0), sample("b", 0, ms=2.0), sample("a", 1, ms=30.0),
               sample("b", 1, ms=10.0), sample("a", 2, ms=8.0)]
    found = report.Table(samples)
    assert found.ratios("P1", ("x", "a", "ms"), ("x", "b", "ms")) == [0.5, 3.0]
    goal = Goal("P1", "", ("x", "a", "ms"), ("x", "b", "ms"), at_most=1.75)
    verdict = report.judge(found, goal)
    assert (verdict.rounds, verdict.middle, verdict.word) == ([0.5, 3.0], 1.75, "met")
    goal.at_most = 1.7
    assert report.judge(found, goal).word == "missed"


def test_a_goal_without_samples_is_not_met():
    goal = Goal("P1", "", ("x", "a", "ms"), at_most=1)
    assert report.judge(report.Table([]), goal).word == "not measured"
    goal.why = "there is none"
    assert report.judge(report.Table([]), goal).word == "not measured: there is none"


def test_a_plot_without_values_is_none():
    assert plot.bars("x", {"a": []}) is None
    assert plot.curves("x", {}, "x", "y") is None


def test_policies_are_played(tmp_path):
    subprocess.run([HERE / "policy", "--quick", "--build", BUILD, "--results", tmp_path],
                   check=True, timeout=300)
    table = (tmp_path / "table.md").read_text()
    for name in "ostler", "postfix's", "inetd's", "php-fpm's":
        assert f"| {name}" in table
    assert len(list(tmp_path.glob("*.svg"))) == 3


def play(*words):
    told = subprocess.run([BUILD / "bench" / "policy", *words], check=True, timeout=300,
                          stdout=subprocess.PIPE)
    return json.loads(told.stdout)


# Time is virtual: these figures are the same on every machine.
@pytest.mark.parametrize("words, others, starts", [
    (("--start-cpu-us", "6000", "--hold-us", "500"), "one", 6),
    (("--start-cpu-us", "20000", "--hold-us", "50000"), "one", 30),
    (("--start-cpu-us", "200000", "--hold-us", "50000"), "one", 10),
    (("--start-cpu-us", "500", "--hold-us", "50000"), "one", 50),
])
def test_starts_on_processors_are_no_more_than_help(words, others, starts):
    ours = play("--policy", "ours", *words)
    assert ours["curve_ms"][-1] <= play("--policy", others, *words)["curve_ms"][-1]
    assert ours["starts"] <= starts


@pytest.mark.parametrize("bursts", ["1", "2"])
def test_starts_that_sleep_all_begin_at_once(bursts):
    ours = play("--start-cpu-us", "500", "--start-sleep-us", "200000", "--hold-us", "50000",
                "--bursts", bursts)
    assert ours["curve_ms"][-1] <= 1.3 * 200.5
    assert ours["starts"] <= 1.3 * 50
