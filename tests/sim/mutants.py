#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Show that the tests of the core can fail: break it, and see them fail.

usage: mutants.py SOURCE_ROOT COMPILER [--all]

Each row of MUTANTS is one mistake in one place of src/core. It is made in a
copy, and the simulator, the walk and the unit tests are run until one of them
fails; a mistake that nobody notices is a failure of this test. With --all
every kind of test runs on every mutant, to see who notices what.
"""

import concurrent.futures
import os
import subprocess
import sys
import tempfile
from pathlib import Path

# (what was done, text that is there once in one file, text instead)
MUTANTS = [
    ("an end of a worker arms no watch",
     "\t\tlease->ended_ns = core->now_ns;\n\t\treturn;\n", "\t\treturn;\n"),
    ("a verdict under way makes the client of a dead worker wait",
     "\tif (!lease->pending || lease->asked || lease->rescue) {", "\tif (core->now_ns > 0) {"),
    ("a word that changes nothing is progress",
     "\tif (again)\n\t\tpool_of(core, worker)->redundant++;\n\telse\n\t\tprogressed(core, worker);\n",
     "\tif (again)\n\t\tpool_of(core, worker)->redundant++;\n\tprogressed(core, worker);\n"),
    ("words alone are believed for ever",
     "pool->words != lease->words && ++lease->strikes < STRIKES_MAX",
     "pool->words != lease->words"),
    ("retiring workers are available",
     "return pool->count[WORKER_READY] - pool->suspects +",
     "return pool->count[WORKER_READY] - pool->suspects + pool->count[WORKER_RETIRING] +"),
    ("pauses do not double", "\t\tpause_ns *= 2;\n", "\t\tpause_ns *= 1;\n"),
    ("a pause is not kept",
     "if (now_ns < pool->backoff.until_ns || now_ns < rate_until(pool))",
     "if (now_ns < rate_until(pool))"),
    ("the start rate is not kept",
     "if (now_ns < pool->backoff.until_ns || now_ns < rate_until(pool))",
     "if (now_ns < pool->backoff.until_ns)"),
    ("fresh failures do not hold a burst back",
     "\treturn !fresh_failures(pool, now_ns) ||\n", "\treturn now_ns > 0 ||\n"),
    ("a served client does not end a pause",
     "\tif (b->pause_ns == 0)\n\t\treturn;\n", "\tif (b->pause_ns != 1)\n\t\treturn;\n"),
    ("pauses are longer than throttle_time",
     "\tif (pause_ns > max_ns - eighth)\n\t\tpause_ns = max_ns - eighth;\n", ""),
    ("a lowered throttle_time is ignored",
     "\tif (b->pause_ns > max_ns)\n\t\tb->pause_ns = max_ns;\n", ""),
    ("want of a resource is a failure like any",
     ".temporary = event->temporary", ".temporary = false"),
    ("crashes are never too many",
     "b->crashes_ns += NS_PER_S;", "b->crashes_ns += 0;"),
    ("suspects are not marked",
     "\t\tworker->suspect = true;\n\t\tpool->suspects++;\n", ""),
    ("a word does not clear its suspect",
     "\tif (!worker->suspect)\n\t\treturn;\n", "\tif (worker->state != WORKER_FREE)\n\t\treturn;\n"),
    ("words are no progress", "pool->words != lease->words &&", "false &&"),
    ("a queue that shrinks is no progress",
     "pool->depth < lease->depth) {", "false) {"),
    ("a watch that fired is not followed up",
     "\tif (pool_available(pool) > 0 && !pool->lease.pending)\n\t\tbegin(core, pool);\n", ""),
    ("ready workers are watched all the time",
     "pool->lease.next_ns = core->now_ns + PERIOD_NS;", "pool->lease.next_ns = core->now_ns;"),
    ("ready workers are not watched",
     "\treturn core->now_ns >= pool->lease.next_ns;\n", "\treturn false;\n"),
    ("suspects at the limit are forgotten",
     "\telse if (pool->look_ns == 0)\n\t\tpool->look_ns = core->now_ns + pool->policy.deaf_time_ns;\n", ""),
    ("on_deaf = kill kills nobody",
     "\tif (pool->policy.on_deaf_kill)\n\t\tkill_suspect(core, pool);\n", ""),
    ("on_deaf = show kills",
     "\tif (pool->policy.on_deaf_kill)\n", "\tif (pool->deaf)\n"),
    ("silent workers are ready at once",
     "\tif (pool->depth == 0)\n\t\tpool_move", "\tif (pool->depth < 1000)\n\t\tpool_move"),
    ("silent workers are never presumed ready",
     "\t\tpresume_ready(core, pool);\n", ""),
    ("a spurious watch keeps an end alive",
     "\t\tpool->lease.ended_ns = 0;\n\t\treturn;\n", "\t\treturn;\n"),
    ("the limit is one too high", "\tlimit += surge;\n", "\tlimit += surge + 1;\n"),
    ("surge has no bound",
     "\tif (surge > pool->policy.surge)\n\t\tsurge = pool->policy.surge;\n", ""),
    ("a lowered limit sends nobody away",
     "\twhile (live > limit && slot != NO_SLOT) {", "\twhile (live > limit + 99 && slot != NO_SLOT) {"),
    ("one waits, two come",
     "(void)pool_spawn(core, pool, depth - coming);", "(void)pool_spawn(core, pool, depth);"),
    ("serials are those of the slots",
     "worker->serial = fresh_serial(core);", "worker->serial = core_slot_of(core, worker) + 1;"),
    ("serials are not compared",
     "\t\tcore->workers[event->slot].serial != event->serial) {", "\t\tfalse) {"),
    ("a freed slot is lost", "\tcore->workers_free = slot;\n", "\t(void)slot;\n"),
    ("a freed slot helps only its own service",
     "\t\tfeed_all(core);\n", "\t\t(void)feed_all;\n"),
    ("idle workers keep their slots while others starve",
     "\t\treclaim(core, pool);\n", "\t\t(void)reclaim;\n"),
    ("one slot is asked of everybody",
     "\tif (core->reclaimed_n > 0 || core->ready_n == 0)", "\tif (core->ready_n == 0)"),
    ("wake-ups are made up for",
     "pool->wakeup_ns = core->now_ns + pool->policy.wakeup_ns;",
     "pool->wakeup_ns += pool->policy.wakeup_ns;"),
    ("a paused service is woken",
     "\tif (backoff_allows(pool, core->now_ns))\n\t\tcore_ask(core, ACTION_WAKE",
     "\tcore_ask(core, ACTION_WAKE"),
    ("a pause has no timer",
     "at_ns = earlier(at_ns, backoff_until(pool, core->now_ns));", ";"),
    ("a removed service closes over its workers",
     "\tif (pool_total(pool) > 0)\n\t\treturn;\n\tcore_ask", "\tcore_ask"),
    ("a retired worker has no deadline",
     "\tif (first || worker_deadline(core, worker) > worker->drain_until_ns)\n"
     "\t\tset_leaving_deadline(core, worker);\n", ""),
    ("a second reload gives more time",
     "\tif (until_ns < worker->drain_until_ns)\n\t\tworker->drain_until_ns = until_ns;\n",
     "\tworker->drain_until_ns = until_ns;\n"),
    ("SIGTERM is never followed by SIGKILL",
     "\tif (worker->rung < RUNG_KILL) {\n\t\tworker_kill(core, worker);\n\t\treturn;\n\t}\n",
     "\tif (worker->rung < RUNG_KILL) {\n\t\tworker_set_deadline(core, worker, DEADLINE_NONE);\n"
     "\t\treturn;\n\t}\n"),
    ("stuck workers are not counted", "\tcore->stuck_n++;\n", ""),
    ("AVAIL does not disconnect",
     "\tclimb_to(core, worker, RUNG_DISCONNECT);\n\tset_leaving_deadline(core, worker);\n",
     "\tset_leaving_deadline(core, worker);\n"),
    ("a change keeps the old workers",
     "\tpool->epoch++;\n\tpool->start_time_ns", "\tpool->start_time_ns"),
    ("a table is adopted while stopping",
     "\t\tif (core->stopping)\n\t\t\tcontinue;\n", ""),
    ("a stop retires nobody",
     "\treload_retire_old(core, pool, time_ns);\n\tpool_settle(core, pool);\n",
     "\tpool_settle(core, pool);\n"),
    ("a lost listener is still watched",
     "\tpool->watching = false;\n\tpool->epoch++;\n", "\tpool->epoch++;\n"),
    ("an exit 0 at once is fine",
     "\tif (!worker->served && (bad || quick))\n", "\tif (!worker->served && bad)\n"),
    ("an end that was asked for is a failure",
     "\tif (worker->asked)\n\t\treturn;\n\tif (bad)", "\tif (bad)"),
    ("a promised word may never come",
     "\t\tstart_timed_out(core, worker);\n", "\t\t;\n"),
    ("a mute worker is ready by a late word",
     "\telse if (!worker->mute)\n", "\telse\n"),
    ("an old worker vouches for a new command",
     "\tif (worker->started_ns >= pool->backoff.failed_ns)\n", ""),
    ("later deadlines come first",
     "\t\tif (d->at_ns[thing] <= at(d, child))\n", "\t\tif (d->at_ns[thing] > at(d, child))\n"),
]

UNITS = [
    "pool", "lease", "suspect", "backoff", "throttle", "retire", "reload", "core_worker", "view", "deadline",
]  # fmt: skip
FLAGS = ["-std=c17", "-g", "-O1", "-D_GNU_SOURCE"]
PATIENCE_S = 60


class Bench:
    """Everything but the core, compiled once; and the core, per mutant."""

    def __init__(self, root, compiler, folder):
        self.root, self.folder = root, folder
        self.compiler = compiler.split()
        self.core = sorted((root / "src/core").glob("*.c"))
        rest = [*(root / "src/base").glob("*.c"), *(root / "src/table").glob("*.c")]
        sim = root / "tests/sim"
        unit = root / "tests/unit"
        self.common = self.compile_all([*rest, *(sim / (n + ".c") for n in ("promise", "promise_rules", "history"))])
        self.good = dict(zip(self.core, self.compile_all(self.core)))
        script = self.compile_all([unit / "core_script.c"])
        world = [sim / (n + ".c") for n in ("sim", "world", "world_guest")]
        self.programs = {
            "sim": self.compile_all(world),
            "walk": self.compile_all([sim / "walk.c"]),
        }
        for name in UNITS:
            test = self.compile_all([unit / ("test_%s.c" % name)])
            self.programs["test_" + name] = test + script

    def run(self, *command):
        subprocess.run(command, check=True, stdin=subprocess.DEVNULL)

    def compile(self, source, target):
        include = [self.root / "src", self.root / "tests", self.root / "tests/unit",
                   self.root / "tests/sim"]  # fmt: skip
        self.run(*self.compiler, *FLAGS, *("-I%s" % i for i in include),
                 "-c", source, "-o", target)  # fmt: skip
        return target

    def compile_all(self, sources):
        return [self.compile(s, self.folder / ("%s-%s.o" % (s.parent.name, s.stem)))
                for s in sources]  # fmt: skip

    def place(self, text):
        """The file of the core that has TEXT, once."""
        places = [p for p in self.core for _ in range(p.read_text().count(text))]
        if len(places) != 1:
            raise ValueError("%d places for: %s" % (len(places), text))
        return places[0]

    def mutate(self, number, mutant):
        """The objects of a core with this mistake, in a folder of its own."""
        _, old, new = mutant
        path = self.place(old)
        folder = self.folder / ("mutant-%d" % number)
        folder.mkdir()
        copy = folder / path.name
        copy.write_text(path.read_text().replace(old, new))
        bad = self.compile(copy, folder / "bad.o")
        return folder, [bad if p == path else o for p, o in self.good.items()]

    def dies(self, folder, core, program, *arguments):
        target = folder / program
        cmocka = ["-lcmocka"] if program.startswith("test_") else []
        self.run(*self.compiler, *self.programs[program], *core, *self.common,
                 *cmocka, "-o", target)  # fmt: skip
        try:
            done = subprocess.run(
                [target, *arguments],
                cwd=folder,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                timeout=PATIENCE_S,
            )
        except subprocess.TimeoutExpired:
            return True
        return done.returncode != 0

    def trials(self):
        yield "sim", [("sim", "--steps", "30000")]
        yield "walk", [("walk", "2")]
        yield "unit", [("test_" + name,) for name in UNITS]
        yield "long sim", [("sim", "--steps", "1000000")]

    def killers(self, folder, core, every):
        """Who notices; the first is enough, unless EVERY is asked for."""
        found = []
        for name, programs in self.trials():
            if any(self.dies(folder, core, *p) for p in programs):
                found.append(name)
                if not every:
                    break
        return found


def main(arguments):
    root, compiler = Path(arguments[0]).resolve(), arguments[1]
    every = "--all" in arguments
    failed = 0
    print("1..%d" % (len(MUTANTS) + 1))
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(root, compiler, Path(folder))
        for mutant in MUTANTS:
            bench.place(mutant[1])
        whole = Path(folder) / "whole"
        whole.mkdir()
        noticed = bench.killers(whole, list(bench.good.values()), True)
        print("%s 1 - the core as it is passes" % ("not ok" if noticed else "ok"))
        failed += bool(noticed)

        def judge(numbered):
            number, mutant = numbered
            return mutant, bench.killers(*bench.mutate(number, mutant), every)

        pool = concurrent.futures.ThreadPoolExecutor(min(2, os.cpu_count() or 1))
        results = pool.map(judge, enumerate(MUTANTS))
        for number, (mutant, found) in enumerate(results, 2):
            verdict = "ok" if found else "not ok"
            print("%s %d - noticed: %s" % (verdict, number, mutant[0]))
            print("# by %s" % (", ".join(found) or "nobody"), flush=True)
            failed += not found
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
