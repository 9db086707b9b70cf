# SPDX-License-Identifier: MIT
"""Clients that check every answer, while the master becomes another and another.

OSTLER_UPGRADES says how often (12).
"""

import os

from ostlerd import Ostlerd, free_port, service, wait_until
from test_load import Load

UPGRADES = int(os.environ.get("OSTLER_UPGRADES", "12"))


def test_no_client_is_lost_by_upgrades():
    one, two = free_port(), free_port()
    text = (service("echo", [f"127.0.0.1:{one}"], ["ostler-echo"], process_limit=6, max_use=50)
            + service("brief", [f"127.0.0.1:{two}", "unix:brief"], ["ostler-echo"], max_use=5,
                      process_limit=8, start_rate=1000, start_burst=1000))
    with Ostlerd(text) as master:
        pid = master.pid
        with Load(f"127.0.0.1:{one}", f"127.0.0.1:{two}", str(master.runtime / "brief")) as load:
            for _ in range(UPGRADES):
                done = master.ostler("upgrade")
                assert done.returncode == 0, (done, master.log())
            served, failed = load.finish()
        assert not failed, failed[:10]
        assert served > 0
        assert master.pid == pid
        wait_until(lambda: not master.zombies(), "all who died were reaped")
