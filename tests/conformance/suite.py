# SPDX-License-Identifier: MIT
"""Scenarios, and what they found under each master.

A scenario is a function that is given a Run and notes facts in it. It runs
once for each master; facts of one name are compared.

    @scenario("what the reader is told")
    def name(run):
        with run.instance([...]) as m:
            run.fact("what is looked at", value)

A fact is text or a list of texts, and the same in every run.
"""

import re
import signal
import threading
import time
import traceback
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

from instance import Instance, TooSlow

SIDES = ("postfix", "ostler")
PATIENCE_S = 60.0  # most of the others are done by then
SCENARIOS = {}  # by name, in the order of the document


# A shell's job in the background ignores some: not what a master starts with.
for number in signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGTERM, signal.SIGCHLD:
    if signal.getsignal(number) == signal.SIG_IGN:
        signal.signal(number, signal.SIG_DFL)


class Scenario:
    def __init__(self, group, sentence, function):
        self.name = function.__name__
        self.group = group
        self.sentence = sentence
        self.function = function
        self.facts = {}  # side: {fact: value}
        self.failures = {}  # side: text
        self.seconds = {}
        self.done = {side: threading.Event() for side in SIDES}


def scenario(group, sentence):
    def register(function):
        assert function.__name__ not in SCENARIOS, function.__name__
        SCENARIOS[function.__name__] = Scenario(group, sentence, function)
        return function
    return register


def patiently(function, run, *rest):
    """What FUNCTION finds for a run like RUN, as soon as it is not too slow for it."""
    end = time.monotonic() + PATIENCE_S
    while True:
        part = Run(run.side)
        try:
            function(part, *rest)
            return part.facts
        except TooSlow:
            if time.monotonic() > end:
                raise


class Run:
    """One scenario under one master."""

    def __init__(self, side):
        self.side = side
        self.facts = {}

    def instance(self, services, settings="", **options):
        return Instance(self.side, services, settings, **options)

    def each(self, cases, function):
        """FUNCTION of a run and a case, several cases at a time; facts in their order."""
        with ThreadPoolExecutor(6) as pool:
            for facts in pool.map(lambda case: patiently(function, self, case), cases):
                for name, value in facts.items():
                    self.fact(name, value)

    @contextmanager
    def quick(self, seconds=0.8):
        """For what is so only within a second, for then ostlerd loses its patience."""
        begin = time.monotonic()
        yield
        if time.monotonic() - begin > seconds:
            raise TooSlow

    def fact(self, name, value):
        assert name not in self.facts, f"two facts are called {name!r}"
        self.facts[name] = [str(v) for v in value] if isinstance(value, (list, tuple)) \
            else str(value)


def run_side(entry, side, program):
    run = Run(program)
    begin = time.monotonic()
    try:
        run.facts = patiently(entry.function, run)
    except BaseException:
        entry.failures[side] = traceback.format_exc()
    entry.facts[side] = run.facts
    entry.seconds[side] = time.monotonic() - begin
    entry.done[side].set()


def start(names=None, programs=None, threads=12):
    """Begin all scenarios; each says when it is done. PROGRAMS says who is who."""
    programs = programs or {side: side for side in SIDES}
    pool = ThreadPoolExecutor(threads)
    for name, entry in SCENARIOS.items():
        if names is None or name in names:
            for side in SIDES:
                pool.submit(run_side, entry, side, programs[side])
    pool.shutdown(wait=False)


def compare(entry):
    """(fact, Postfix's value, ours) of all facts; None where there is no such."""
    ours, theirs = entry.facts["ostler"], entry.facts["postfix"]
    for fact in [*theirs, *(name for name in ours if name not in theirs)]:
        yield fact, theirs.get(fact), ours.get(fact)


def fits(pattern, text):
    """Whether TEXT is as PATTERN says; * is anything."""
    return re.fullmatch(re.escape(pattern).replace(r"\*", ".*"), text, re.S) is not None


def reason(documented, entry, fact):
    """Why FACT may differ, or None."""
    for names, facts, why in documented:
        if fits(names, entry.name) and fits(facts, fact):
            return why
    return None


def judge(entry, documented):
    """What is wrong: failures, differences without a reason, reasons without one."""
    for side in SIDES:
        if side in entry.failures:
            yield f"under {side}: {entry.failures[side]}"
    if entry.failures:
        return
    for fact, theirs, ours in compare(entry):
        why = reason(documented, entry, fact)
        if theirs != ours and why is None:
            yield f"{fact}: Postfix: {theirs!r}, ostler: {ours!r}"
        if theirs == ours and why is not None:
            yield f"{fact}: is documented as different, and is not: {ours!r}"


def unused(documented):
    """Lines of the table that no fact fits."""
    for names, facts, _ in documented:
        chosen = [fact for e in SCENARIOS.values() if fits(names, e.name)
                  for fact, _, _ in compare(e)]
        # One without any fact had nothing to look for on this machine.
        if chosen and not any(fits(facts, fact) for fact in chosen):
            yield f"({names}, {facts}): no fact is so called"
