# SPDX-License-Identifier: MIT
"""Masters that are killed under load: every reply is looked at."""

import threading

import pytest

from kept import Kept, at, echo
from ostlerd import free_port

KILLS = 4
KINDS = {
    "page": {"spare_min": 2},
    "messages": {"status_page": "no"},
    "shared": {"status_channel": "shared"},
    "mold": {"mold": "yes"},
    "used_up": {"max_use": 20},
}


class Load:
    """Clients that come again and again, until they are told that it is over."""

    def __init__(self, ports):
        self.wrong = []
        self.over = threading.Event()
        self.threads = [threading.Thread(target=self.ask, args=(port, i))
                        for port in ports for i in range(2)]

    def ask(self, port, number):
        n = 0
        while not self.over.wait(0.005):
            n += 1
            word = f"{number} {n}"
            try:
                with self.master.client(port) as client:
                    for _ in range(1 + n % 3):
                        answer = client.ask(word)
                        if answer != word:
                            self.wrong.append((port, word, answer))
            except OSError as error:
                self.wrong.append((port, word, error))

    def run(self, master, true):
        self.master = master
        for thread in self.threads:
            thread.start()
        try:
            true()
        finally:
            self.over.set()
            for thread in self.threads:
                thread.join()


@pytest.mark.parametrize("kinds", [["page", "shared"], ["messages", "mold", "used_up"]])
def test_under_load_no_client_is_lost(kinds):
    ports = {kind: free_port() for kind in kinds}
    text = "".join(echo(kind, at(ports[kind]), process_limit=3, **KINDS[kind]) for kind in kinds)
    with Kept(text) as master:
        load = Load(ports.values())
        load.run(master, lambda: [master.kill_master() for _ in range(KILLS)])
        assert not load.wrong, f"{load.wrong[:5]} of {len(load.wrong)}; {master.log()[-3000:]}"
