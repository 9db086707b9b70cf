# SPDX-License-Identifier: MIT
"""A new program that crashes or hangs: the old one goes on, and loses nobody."""

import pytest

from ostlerd import BUILD, SANITIZED, Ostlerd, is_alive, rogue

FAULTY = BUILD / "tests/integration/faulty"
CRASHES = ["crash", "fault", "refuse", "crash-late", "fault-late"]
HANGS = [] if SANITIZED else ["hang", "hang-late"]  # short patience, slow master


def patience(how):
    return "upgrade_timeout = %s\n" % ("3s" if "hang" in how else "20s")


def attempt(master, path):
    """`ostler upgrade`, again if the machine was too slow for the first part of it."""
    while True:
        done = master.ostler("upgrade", path, "--timeout", "100")
        if "rehearsal takes too long" not in done.stderr:
            return done


def config():
    return rogue("web", ["unix:web"], spare_min=1, process_limit=2)


def program(master):
    """Where root would run it."""
    path = master.directory / "faulty"
    path.write_bytes(FAULTY.read_bytes())
    path.chmod(0o755)
    return str(path)


def check_goes_on(master, client, first):
    """Its clients, its workers, and its word about them."""
    assert client.ask("pid") == first
    row = master.wait_for("web", lambda r: r["taken"] == 1)
    with master.client("web") as two:
        assert two.ask("pid") != first
        master.wait_for("web", lambda r: r["taken"] == 2)
    client.close()
    master.wait_for("web", lambda r: r["taken"] == 0 and r["ready"] >= 1)
    assert row["failures"] == 0


@pytest.mark.parametrize("how", CRASHES + HANGS)
def test_who_fails_is_the_old_one_again(how):
    with Ostlerd(config(), head=patience(how), env={"FAULTY": how}) as master:
        pid = master.pid
        with master.client("web") as client:
            first = client.ask("pid")
            master.wait_for("web", lambda r: r["taken"] == 1)
            done = attempt(master, program(master))
            assert done.returncode == 1, (done, master.log())
            word = {"refuse": "refused", "hang": "hung", "hang-late": "hung"}.get(how, "crashed")
            assert f"the new program {word}" in done.stderr
            assert is_alive(pid) and master.status()["master"]["pid"] == pid
            check_goes_on(master, client, first)
        assert not master.zombies()
        # It is still ours to upgrade, by its own name.
        if "hang" not in how:
            assert master.ostler("upgrade").returncode == 0
