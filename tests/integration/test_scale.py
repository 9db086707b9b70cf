# SPDX-License-Identifier: MIT
"""ostler scale: other limits at once, until the next reload."""

import json

import pytest

from ostlerd import Ostlerd, rogue, wait_until


def scale(master, *words, code=0):
    done = master.ostler("scale", *words)
    assert done.returncode == code, (done.stdout, done.stderr)
    return done


def config(**settings):
    return rogue("web", ["unix:web"], **settings)


def test_a_higher_limit_serves_those_who_wait():
    with Ostlerd(config(process_limit=1)) as master:
        with master.client("web") as one, master.client("web") as two:
            pid = one.ask("pid")
            master.wait_for("web", lambda row: row["state"] == "at-limit")
            scale(master, "web", "limit=3")
            assert two.ask("pid") != pid
            row = master.service("web")
            assert (row["limit"], row["taken"], row["scaled"]) == (3, 2, 1)
            assert "other limits by ostler scale" in master.ostler("status").stdout
            line = master.wait_event("scaled")
            assert (line["service"], line["limit"]) == ("web", "3")


def test_a_lower_limit_takes_the_idle_now_and_the_others_when_they_are_free():
    with Ostlerd(config(process_limit=4, spare_min=2)) as master:
        master.wait_for("web", lambda row: row["ready"] == 2)
        with master.client("web") as one, master.client("web") as two:
            first, second = one.ask("pid"), two.ask("pid")
            master.wait_for("web", lambda row: row["taken"] == 2 and row["ready"] == 2)
            scale(master, "web", "limit=1", "spare_min=0")
            master.wait_for("web", lambda row: row["total"] == 2 and row["taken"] == 2)
            assert (one.ask("pid"), two.ask("pid")) == (first, second)
        master.wait_for("web", lambda row: row["total"] == 1)


def test_spares_come_and_a_reload_puts_the_file_back():
    with Ostlerd(config(process_limit=4)) as master:
        scale(master, "web", "spare_min=2", "limit=5")
        assert scale(master, "web").stdout == "web: limit=5 spare_min=2 spare_max=0\n"
        master.wait_for("web", lambda row: row["ready"] == 2)
        scale(master, "web", "spare_max=3")
        document = json.loads(scale(master, "--json", "web").stdout)
        assert document == {"schema": 1, "service": "web", "limit": 5, "spare_min": 2,
                            "spare_max": 3}
        document = json.loads(scale(master, "--json", "web", "limit=6").stdout)
        assert document == {"schema": 1, "result": "ok", "text": None}
        master.reload()
        wait_until(lambda: scale(master, "web").stdout
                   == "web: limit=4 spare_min=0 spare_max=0\n", "the file's values are back")


@pytest.mark.parametrize("words, code, why", [
    (("web", "limit=0"), 1, "limit must be at least 1"),
    (("web", "spare_min=5"), 1, "spare_min = 5 is more than limit = 4"),
    (("web", "limit=1"), 1, "spare_min = 2 is more than limit = 1"),
    (("web", "spare_max=1"), 1, "spare_min = 2 is more than spare_max = 1"),
    (("web", "spare_min=0", "limit=1"), 1, "share = 2 is more than limit = 1"),
    (("nobody", "limit=2"), 1, "no such service"),
    (("nobody",), 1, "no such service"),
    (("a b", "limit=2"), 1, "no service"),
    (("web", "limit=-1"), 2, "'limit=-1' is none of"),
    (("web", "limit=100001"), 2, "is none of"),
    (("web", "limit="), 2, "is none of"),
    (("web", "limit"), 2, "is none of"),
    (("web", "limits=3"), 2, "is none of"),
    (("web", "limit=3", "limit=4"), 2, "is none of"),
    ((), 2, "which service"),
])
def test_what_makes_no_sense_is_refused_and_changes_nothing(refusing, words, code, why):
    done = scale(refusing, *words, code=code)
    assert why in done.stderr and done.stdout == ""
    assert scale(refusing, "web").stdout == "web: limit=4 spare_min=2 spare_max=3\n"


@pytest.fixture(scope="module")
def refusing():
    with Ostlerd(config(process_limit=4, spare_min=2, spare_max=3, share=2)) as master:
        yield master


def test_without_a_limit_spares_may_be_set_alone():
    with Ostlerd(config(process_limit=0)) as master:
        scale(master, "web", "spare_min=2")
        master.wait_for("web", lambda row: row["ready"] == 2)
        assert scale(master, "web").stdout == "web: limit=0 spare_min=2 spare_max=0\n"
