# SPDX-License-Identifier: MIT
"""Reloads to programs that do not work, tried by canaries (storm.py has the rest)."""

from ostlerd import Ostlerd, free_port, service
from storm import blows, dice
from test_load import Load

GOOD = ["ostler-echo"]
BAD = [["/bin/false"], ["/bin/true"], ["/etc/passwd"], ["ostler-echo", "--no-such-option"]]


def table(rng, port, number, command):
    return service("one", [f"127.0.0.1:{port}", "unix:one"], command,
                   environment=[f"WORD={number}"], process_limit=rng.choice([4, 8, 20]),
                   max_use=rng.choice([5, 50, 0]), start_rate=100000, start_burst=100000,
                   canary=rng.choice([1, 2, "50%"]), canary_time="100ms", canary_min=1)


def test_no_client_is_lost_by_bad_canaries():
    rng = dice("canaries")
    n = blows(8, 200)
    port = free_port()
    taken_back = 0
    with Ostlerd(table(rng, port, 0, GOOD)) as master:
        with Load(f"127.0.0.1:{port}", master.runtime / "one") as load:
            for number in range(1, n + 1):
                bad = rng.random() < 0.7
                done = master.reload(table(rng, port, number, rng.choice(BAD) if bad else GOOD),
                                     good=False)
                assert not bad or done.returncode != 0, (done, master.log())
                taken_back += "rolled back" in done.stderr
            served, failed = load.finish()
        print(f"storm: {n} changes, {taken_back} taken back: {served} clients, {len(failed)} lost")
        assert not failed, failed[:10]
        assert served > n and taken_back > 0
