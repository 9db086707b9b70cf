# SPDX-License-Identifier: MIT
"""A master under a keeper, and what a test asks of the two."""

import json
import os
import signal

from ostlerd import Ostlerd, children_of, environment_of, service, wait_until


def at(port):
    return [f"127.0.0.1:{port}"]


def echo(name, listen, **settings):
    return service(name, listen, ["ostler-echo"], **settings)


class Kept(Ostlerd):
    """Its process is the keeper; the master is a child of that."""

    def __init__(self, config, **more):
        super().__init__(config, options=["--keep"], **more)

    @property
    def pid(self):
        return self.status()["master"]["pid"]

    def workers(self, name=None):
        """Also those that another master started."""
        found = []
        for parent in (self.pid, self.process.pid):
            for pid, state in children_of(parent).items():
                owner = environment_of(pid).get("OSTLER_SERVICE")
                if state != "Z" and owner and name in (None, owner):
                    found.append(pid)
        return sorted(found)

    def restarts(self):
        done = self.ostler("status", "--json")
        if done.returncode != 0:
            return -1
        return json.loads(done.stdout)["master"]["restarts"]

    def kill_master(self):
        """SIGKILL, and wait for the next one. Its pid."""
        before = self.restarts()
        pid = self.pid
        os.kill(pid, signal.SIGKILL)
        wait_until(lambda: self.restarts() == before + 1,
                   lambda: f"another master is there: {self.log()[-3000:]}")
        assert self.pid != pid
        return self.pid
