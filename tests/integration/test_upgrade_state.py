# SPDX-License-Identifier: MIT
"""The state that is handed over: what is wrong with it is refused, and crashes nobody.

OSTLER_STATES says how many spoilt ones are tried (100), OSTLER_SEED which.
"""

import os
import random
import re
import subprocess

from ostlerd import OSTLERD, SANITIZED, Ostlerd, free_port, rogue, service

STATES = int(os.environ.get("OSTLER_STATES", "30" if SANITIZED else "100"))
SEED = int(os.environ.get("OSTLER_SEED", "1"))


def closed(lines):
    """LINES as a document: their count and sum, as base/saved.c has it."""
    text = "".join(line + "\n" for line in lines).encode()
    total = 0xCBF29CE484222325
    for byte in text:
        total = ((total ^ byte) * 0x100000001B3) % 2**64
    return text + f"end lines={len(lines)} sum={total}\n".encode()


def rehearse(directory, text):
    path = directory / "state"
    path.write_bytes(text)
    with open(path, "rb") as state:
        # Descriptor 3 is the state.
        return subprocess.run(
            ["/bin/sh", "-c", f"exec {OSTLERD} --rehearse 3<&0"], stdin=state,
            capture_output=True, timeout=60, check=False)


def a_state(master):
    """What the master hands over to who rehearses, as its lines without the last."""
    copy = master.directory / "copy"
    program = master.directory / "copies"
    program.write_text(f"#!/bin/sh\ncat <&3 >{copy}\nexit 1\n")
    program.chmod(0o755)
    assert master.ostler("upgrade", str(program)).returncode == 1
    return copy.read_text().splitlines()[:-1]


def some_state():
    text = (rogue("web", [f"127.0.0.1:{free_port()}", "unix:web"], spare_min=2, process_limit=3)
            + service("echo", ["unix:echo"], ["ostler-echo"], spare_min=2, max_use=0)
            + rogue("one", ["unix:one"], status_channel="shared", spare_min=1)
            + service("bad", ["unix:bad"], ["/bin/false"], spare_min=1))
    with Ostlerd(text) as master:
        for name, n in (("web", 2), ("echo", 2), ("one", 1)):
            master.wait_for(name, lambda r, n=n: r["ready"] >= n)
        master.wait_for("bad", lambda r: r["failures"] > 0)
        with master.client("web") as client:
            assert client.ask("pid")
            master.wait_for("web", lambda r: r["taken"] == 1)
            return a_state(master)


def spoilt(lines, rng):
    """LINES with one thing that is otherwise."""
    lines = list(lines)
    at = rng.randrange(1, len(lines))
    how = rng.randrange(6)
    if how == 0:
        del lines[at]
    elif how == 1:
        lines.insert(at, lines[rng.randrange(1, len(lines))])
    elif how == 2:
        other = rng.randrange(1, len(lines))
        lines[at], lines[other] = lines[other], lines[at]
    elif how == 3:  # a pair less
        lines[at] = re.sub(r" [\w-]+=\S+$", "", lines[at])
    else:  # another number
        numbers = list(re.finditer(r"=(\d+)", lines[at]))
        if numbers:
            one = rng.choice(numbers)
            value = rng.choice([0, 1, 2, 7, 63, 64, 65, 255, 65536, 2**31 - 1, 2**32 - 1, 2**63,
                                2**64 - 1, int(one[1]) + 1, max(0, int(one[1]) - 1)])
            lines[at] = lines[at][:one.start(1)] + str(value) + lines[at][one.end(1):]
    return lines


def test_a_state_is_the_same_when_it_is_read_and_written_again(tmp_path):
    lines = some_state()
    done = rehearse(tmp_path, closed(lines))
    assert done.returncode == 0, (done.stdout[-300:], done.stderr)
    assert done.stdout == closed(lines)

    rng = random.Random(SEED)
    refused = 0
    for n in range(STATES):
        changed = spoilt(lines, rng)
        done = rehearse(tmp_path, closed(changed))
        difference = set(changed) ^ set(lines)
        assert done.returncode in (0, 78), (SEED, n, done, difference)
        assert not done.stderr, (SEED, n, done, difference)
        refused += done.returncode == 78
        # Whoever takes it takes all of it.
        if done.returncode == 0:
            assert done.stdout == closed(changed) or "=0" in "".join(changed), (n, difference)
    assert refused > STATES / 3


def test_a_state_that_was_cut_or_turned_is_refused(tmp_path):
    text = closed(some_state())
    rng = random.Random(SEED)
    for _ in range(10 if SANITIZED else 40):
        assert rehearse(tmp_path, text[:rng.randrange(len(text))]).returncode == 78
        at = rng.randrange(len(text))
        turned = bytes([text[at] ^ (1 << rng.randrange(7))])
        assert rehearse(tmp_path, text[:at] + turned + text[at + 1:]).returncode == 78
