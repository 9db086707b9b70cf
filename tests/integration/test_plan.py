# SPDX-License-Identifier: MIT
"""ostler plan: what a reload would do, and that it was not done."""

import json
import os
import shutil

import pytest

from ostlerd import Ostlerd, free_port, is_alive, libexec, service

CHANGES = 5


def at(port):
    return [f"127.0.0.1:{port}"]


def echo(name, listen, **settings):
    return service(name, listen, ["ostler-echo"], **settings)


def plan(master, *words, code=CHANGES):
    done = master.ostler("plan", *words)
    assert done.returncode == code, (done.stdout, done.stderr)
    return done


def by_name(document):
    return {row["service"]: row for row in document["services"]}


def test_nothing_to_change_is_0_and_says_so():
    with Ostlerd(echo("one", ["unix:one"]) + echo("two", ["unix:two"])) as master:
        done = plan(master, code=0)
        assert done.stdout == "plan: 0 would change, 2 as before\n"
        document = json.loads(plan(master, "--json", code=0).stdout)
        assert (document["result"], document["changes"]) == ("ok", 0)
        assert [row["how"] for row in document["services"]] == ["same", "same"]


def test_every_kind_of_change_is_told_and_nothing_is_done():
    ports = [free_port() for _ in range(4)]
    before = (echo("grown", at(ports[0]), process_limit=4)
              + echo("moved", at(ports[1]), spare_min=1)
              + echo("gone", at(ports[2]), spare_min=1) + echo("same", ["unix:same"]))
    after = (echo("grown", at(ports[0]), process_limit=9, drain_time="90s")
             + echo("moved", at(ports[3]), max_idle="10s", spare_min=1)
             + echo("added", ["unix:added"] + at(ports[2])) + echo("same", ["unix:same"]))
    with Ostlerd(before) as master:
        for name in ("moved", "gone"):
            master.wait_for(name, lambda s: s["ready"] == 1)
        (stays,), (goes,) = master.workers("moved"), master.workers("gone")
        status = master.status()["master"]["reloads"]
        master.write(after)
        document = json.loads(plan(master, "--json").stdout)
        rows = by_name(document)
        assert document["changes"] == 4
        assert {name: row["how"] for name, row in rows.items()} == {
            "gone": "removed", "grown": "policy", "moved": "changed", "added": "added",
            "same": "same"}
        told = {s["name"]: (s["before"], s["after"], s["replaces"])
                for s in rows["grown"]["settings"]}
        assert told["process_limit"] == ("4", "9", 0)
        assert told["drain_time"] == ("5m", "90s", 0)
        told = {s["name"]: (s["before"], s["after"]) for s in rows["moved"]["settings"]}
        assert told["max_idle"] == ("100s", "10s")
        assert told["listen"] == (f'{{"127.0.0.1:{ports[1]}"}}', f'{{"127.0.0.1:{ports[3]}"}}')
        sockets = {(name, s["what"], s["endpoint"].rsplit(":")[-1], s["from"])
                   for name, row in rows.items() for s in row["sockets"]}
        added = str(master.runtime / "added")
        assert sockets == {("moved", "open", str(ports[3]), None),
                           ("moved", "close", str(ports[1]), None),
                           ("added", "open", added, None),
                           ("added", "take", str(ports[2]), "gone")}
        workers = {(name, w["pid"], w["state"])
                   for name, row in rows.items() for w in row["workers"]}
        assert workers == {("moved", stays, "ready"), ("gone", goes, "ready")}

        text = plan(master).stdout
        assert "grown: changes, its workers stay\n" in text
        assert "    process_limit: 4 -> 9\n" in text
        assert f"    closes 127.0.0.1:{ports[1]}\n" in text
        assert f"    takes 127.0.0.1:{ports[2]} from gone\n" in text
        assert f"gone: is removed\n    worker {goes} leaves (it is ready)\n" in text
        assert text.endswith("plan: 4 would change, 1 as before\n")

        # Nothing of it was done.
        assert is_alive(stays) and is_alive(goes)
        assert not (master.runtime / "added").exists()
        assert master.status()["master"]["reloads"] == status
        for port in ports[:3]:
            with master.client(port) as client:
                assert client.ask("here") == "here"
        # And it is what happens then.
        master.ostler("reload")
        plan(master, code=0)
        with master.client(ports[2]) as client:
            assert client.ask("here") == "here"


def test_another_file_is_planned_and_the_masters_own_stays(tmp_path):
    with Ostlerd(echo("one", ["unix:one"])) as master:
        master.write(echo("one", ["unix:one"], process_limit=7))
        other = master.config.with_name("other.conf")
        other.write_text(master.config.read_text())
        master.write(echo("one", ["unix:one"]))
        plan(master, code=0)
        assert "    process_limit: 100 -> 7\n" in plan(master, str(other)).stdout
        done = plan(master, str(other) + ".none", code=1)
        assert "No such file" in done.stderr
        fifo = tmp_path / "fifo"
        os.mkfifo(fifo)
        plan(master, str(fifo), code=1)
        plan(master, str(tmp_path) + "/a\nb", code=1)
        assert master.service("one")["limit"] == 100


def test_a_program_that_was_replaced_is_told():
    with Ostlerd(echo("other", ["unix:other"])) as master:
        program = master.directory / "worker"
        shutil.copy(libexec() / "ostler-echo", program)
        text = service("one", ["unix:one"], [str(program)])
        master.reload(text)
        plan(master, code=0)
        shutil.copy(libexec() / "ostler-echo", master.directory / "newer")
        os.replace(master.directory / "newer", program)
        done = plan(master)
        assert f"    program: {program} -> another file by now\n" in done.stdout
        assert "workers are replaced" in done.stdout
        master.reload(text)
        plan(master, code=0)


@pytest.mark.parametrize("setting, why", [
    ({"process_limit": "many"}, "process_limit"),
    ({"user": "no-such-user"}, "no-such-user"),
    ({"spare_min": 200}, "spare_min = 200 is more than"),
])
def test_a_configuration_that_would_be_refused_is_an_error(setting, why):
    with Ostlerd(echo("one", ["unix:one"])) as master:
        failures = master.status()["master"]["reload_failures"]
        master.write(echo("one", ["unix:one"], **setting))
        done = plan(master, code=1)
        assert why in done.stderr and done.stdout == ""
        assert "a reload would be refused" in done.stderr
        document = json.loads(plan(master, "--json", code=1).stdout)
        assert document["result"] == "failed" and why in document["complaints"][0]
        assert master.status()["master"]["reload_failures"] == failures
        assert not master.events("config-refused")


def test_many_plans_and_reloads_at_once_all_end():
    from concurrent.futures import ThreadPoolExecutor

    with Ostlerd(echo("one", ["unix:one"])) as master:
        with ThreadPoolExecutor(6) as pool:
            words = [("plan",) if i % 3 else ("reload",) for i in range(18)]
            done = list(pool.map(lambda w: master.ostler(*w), words))
        assert [d.returncode for d in done] == [0] * 18, done
        assert master.zombies() == []


def test_who_hangs_up_is_not_waited_for():
    with Ostlerd(echo("one", ["unix:one"])) as master:
        for _ in range(20):
            with master.client("control.sock") as client:
                client.send("plan\n")
        plan(master, code=0)
        assert master.zombies() == []
