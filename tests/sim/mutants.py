#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Show that the tests of the core can fail: break it, and see them fail.

usage: mutants.py SOURCE_ROOT COMPILER [--all] [--some]

Each row of MUTANTS is one mistake in one place of src/core. It is made in a
copy, and the simulator, the walk and the unit tests are run until one of them
fails; a mistake that nobody notices is a failure of this test. With --all
every kind of test runs on every mutant, to see who notices what. With --some
a twelfth of the mistakes is made, and which one changes with the core: it takes
its turn in ./check, and `ninja mutants` makes all of them.
"""

import concurrent.futures
import os
import subprocess
import sys
import tempfile
import zlib
from pathlib import Path

# (what was done, text that is there once in one file, text instead)
MUTANTS = [
    ("an end that nobody knows is a failure",
     "\tif (event->unknown)\n\t\treturn;\n", ""),
    ("spares go before another is there",
     "idle < pool->policy.spare_min ||", "idle + 1 < pool->policy.spare_min ||"),
    ("who leaves by itself is not replaced",
     "\tpool->pace.gone++;\n", "\t;\n"),
    ("one that left long ago is still replaced",
     "\t\tpace->gone = 0;\n", "\t\t;\n"),
    ("one that left is replaced over and over",
     "\tpace->gone -= (uint32_t)lesser(pace->gone, n);\n", ""),
    ("a queue that lasts starts nobody",
     "return pace->gone + lasts(core, pace);", "return pace->gone;"),
    ("who is held back waits for a look of his own",
     "pool->looking || pool->pace.held;", "pool->looking;"),
    ("clients are turned away though a worker is idle",
     "\tbool full = pool->policy.bounces && bounce_is_full(pool);\n",
     "\tbool full = pool->policy.bounces;\n"),
    ("whoever is told to leave after a reload makes a service full",
     "pool->count[WORKER_TAKEN] >= pool->policy.process_limit",
     "pool->count[WORKER_TAKEN] + pool->count[WORKER_RETIRING] >= pool->policy.process_limit"),
    ("a bouncer that may stay stays for ever",
     "\treturn core->now_ns < bounce->stays_ns;\n", "\treturn true;\n"),
    ("nobody counts the time of a bouncer that may stay",
     "\tif (pool->bounce.stays_ns != 0)\n\t\treturn pool->bounce.stays_ns;\n", ""),
    ("a bouncer that may stay goes at once",
     "\tif (bouncer != NULL && !full && may_stay(core, pool))\n\t\treturn;\n", ""),
    ("a bouncer comes for those whom it would leave waiting",
     "\tif (depth > pool->policy.bounce_over)\n", "\tif (depth > 0)\n"),
    ("a guess keeps a bouncer away",
     "\t\tpool->bounce.asked = true;\n", "\t\t;\n"),
    ("a look that tells of fewer brings a bouncer",
     "is_wanted(core, pool) && depth > pool->policy.bounce_over", "is_wanted(core, pool)"),
    ("two bouncers at a door",
     "\t       !bounce_serves(core, pool);\n", "\t       true;\n"),
    ("a bouncer that dies is started again at once",
     "\tbounce->next_ns = core->now_ns + bounce->pause_ns;\n", ""),
    ("bouncers are started as often as a service is full",
     "\tpool->bounce.next_ns = core->now_ns + SPACING_NS;\n", ""),
    ("nobody looks for clients of a full service",
     "\t\t\tbounce_wants_watch(core, pool));", "\t\t\tfalse);"),
    ("a pause of bouncers has no timer",
     "\t\treturn pool->bounce.next_ns;\n", "\t\treturn DEADLINE_NONE;\n"),
    ("nobody counts who was turned away", "\t\tpool->refused++;\n", "\t\t;\n"),
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
     "\treturn !backoff_is_fresh(pool, now_ns) ||\n", "\treturn now_ns > 0 ||\n"),
    ("a served client does not end a pause",
     "\tif (b->pause_ns == 0 || (b->whole && core->now_ns < b->until_ns))\n\t\treturn;\n",
     "\tif (b->pause_ns != 1)\n\t\treturn;\n"),
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
     "\tif (is_helpless(core, pool) && pool->look_ns == 0)\n\t\tpool->look_ns = core->now_ns + pool->policy.deaf_time_ns;\n", ""),
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
     "\twhile (live > limit + pool_over(pool)) {", "\twhile (live > limit + 99) {"),
    ("one waits, two come",
     "pool->depth > coming ? pool->depth - coming : 0;", "pool->depth;"),
    ("starts that need processors are all worth it",
     "\tneed = (uint32_t)lesser(need, window - coming);\n", ""),
    ("starts that sleep are no more than processors",
     "\tif (pace->grew && pace->window <= UINT32_MAX / 2)\n", "\tif (pace->window == 0)\n"),
    ("a start that asks others something sleeps",
     "pace->idle_ns >= wanted_ns / pool->count[WORKER_STARTING];", "pace->idle_ns > 1;"),
    ("where clients stay for long starts are as few", "\t\treturn 4 * window;\n", "\t\treturn 2 * window;\n"),
    ("who waits for a processor wants none", "lesser(event->wait_ns, WANTED_MAX_NS);", "0;"),
    ("what waits for a processor is sleep",
     "greater(start_ns - lesser(event->wait_ns, start_ns), cpu_ns),", "start_ns,"),
    ("what starts cost is not learned", "\t\tpace_started(core, pool, worker, event);\n", ""),
    ("clients that others will have served start somebody",
     "\tserved = rests(core, pool) ? 0 : served_meanwhile(pool, &crowd);\n", "\tserved = 0;\n"),
    ("those who rest are counted on",
     "\treturn core->now_ns - pace->moved_ns >= rest_ns;\n", "\treturn rest_ns == 0;\n"),
    ("a start that hangs keeps its place", "\t\tout->overdue++;\n", "\t\t;\n"),
    ("who is held back is not looked for",
     "\tif (pool->pace.held)\n\t\tpool->look_ns = core->now_ns + pace_look_ns(pool);\n\tif (pool->pace.held ||",
     "\tif (pool->pace.held ||"),
    ("who is ready makes no room for the next", "\t\tlease_arrived(core, pool);\n", ""),
    ("a watch beside those who are held back", "\t\treturn !pool->starved && !holds_back(pool)",
     "\t\treturn !pool->starved"),
    ("another command is paced as the last one", "\tpace_reset(pool);\n", ""),
    ("who leaves with his client would have come back",
     "\tpool->pace.left = true;\n", "\tpool->pace.left = false;\n"),
    ("with threads nobody can be started", "\twindow = greater(window, 1);\n", ""),
    ("serials are those of the slots",
     "worker->serial = fresh_serial(core);", "worker->serial = core_slot_of(core, worker) + 1;"),
    ("serials are not compared",
     "\t\tcore->workers[event->slot].serial != event->serial) {", "\t\tfalse) {"),
    ("a freed slot is lost", "\tcore->workers_free = slot;\n", "\t(void)slot;\n"),
    ("a freed slot helps only its own service",
     "\t\tfeed_starved(core);\n", "\t\t(void)feed_starved;\n"),
    ("idle workers keep their slots while others starve",
     "\t\treclaim(core, spare);\n", "\t\t(void)reclaim;\n"),
    ("one slot is asked of everybody",
     "core->starved_n == 0 || core->reclaimed_n > 0)", "core->starved_n == 0)"),
    ("wake-ups are made up for",
     "pool->wakeup_ns = core->now_ns + pool->policy.wakeup_ns;",
     "pool->wakeup_ns += pool->policy.wakeup_ns;"),
    ("a paused service is woken",
     "\tif (!backoff_pauses(pool, core->now_ns))\n\t\tcore_ask(core, ACTION_WAKE",
     "\tcore_ask(core, ACTION_WAKE"),
    ("a pause has no timer",
     "at_ns = deadline_earlier(\n\t\t\tat_ns, backoff_until(pool, core->now_ns));", ";"),
    ("a removed service closes over its workers",
     "\tif (pool_total(pool) > 0 || pool->guests_n > 0)\n\t\treturn;\n\tcore_ask", "\tcore_ask"),
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
     "\tpool_renew(pool);\n\tif (other)\n\t\tpool->timed = pool->epoch;\n\tpool->start_time_ns", "\tpool->start_time_ns"),
    ("a table is adopted while stopping",
     "\t\tif (core->stopping)\n\t\t\tcontinue;\n", ""),
    ("a stop retires nobody",
     "\treload_retire_old(core, pool, pool->policy.stop_time_ns);\n\tpool_settle(core, pool);\n",
     "\tpool_settle(core, pool);\n"),
    ("a lost listener is still watched",
     "\tpool->watching = false;\n\tcanary_lost(core, pool);\n", "\tcanary_lost(core, pool);\n"),
    ("an exit 0 at once is fine",
     "(quick && !bad && !worker->served)", "(quick && false)"),
    ("an end that was asked for is a failure",
     "\tif (!worker->asked && !pool_is_old(pool_of(core, worker), worker))\n\t\tjudge_failure(", "\tif (core->now_ns > 0)\n\t\tjudge_failure("),
    ("a promised word may never come",
     "\t\tstart_timed_out(core, worker);\n", "\t\t;\n"),
    ("a mute worker is ready by a late word",
     "\telse if (!worker->mute)\n", "\telse\n"),
    ("an old worker vouches for a new command",
     "\tif (worker->started_ns >= pool->backoff.failed_ns &&\n\t\t!pool_is_old(pool, worker))\n", ""),
    ("a crash of one that leaves is no news", "\t\tworker->rung < RUNG_TERM)\n", "\t\t!worker->asked)\n"),
    ("an end by a signal of ours is news", "\t\tworker->rung < RUNG_TERM)\n", "\t\ttrue)\n"),
    ("whole pauses are not whole",
     "\tif (!pool->policy.throttle_whole || failure->temporary)\n", "\tif (failure->cause != CAUSE_NONE)\n"),
    ("want of a resource pauses all of the time",
     "\tif (!pool->policy.throttle_whole || failure->temporary)\n", "\tif (!pool->policy.throttle_whole)\n"),
    ("an exit 0 pauses all of the time",
     "\t\treturn failure->code != 0 || failure->signal != 0;\n", "\t\treturn true;\n"),
    ("a whole pause under way is extended",
     "\tif (b->whole && core->now_ns < b->until_ns)\n\t\treturn;\n", ""),
    ("a short pause keeps a whole one away",
     "\tif (b->whole && core->now_ns < b->until_ns)\n", "\tif (core->now_ns < b->until_ns)\n"),
    ("a served client ends a whole pause",
     "\tif (b->pause_ns == 0 || (b->whole && core->now_ns < b->until_ns))\n", "\tif (b->pause_ns == 0)\n"),
    ("a short pause grows from a whole one",
     "backoff_is_fresh(pool, core->now_ns) && !b->whole;", "backoff_is_fresh(pool, core->now_ns);"),
    ("TAKEN alone proves a worker, whatever the policy",
     "policy->throttle_whole ? worker->cycled", "false ? worker->cycled"),
    ("any AVAIL is a cycle",
     "worker->cycled = worker->cycled || !worker->idle;", "worker->cycled = true;"),
    ("a crash of one that had proven itself pauses",
     "!early && bad && !policy->throttle_whole", "!early && bad"),
    ("a burst goes over the start rate",
     "\t\tleft_ns -= tokens_ns - now_ns;\n", "\t\t;\n"),
    ("fresh failures let a burst through",
     "\tif (backoff_is_fresh(pool, now_ns))\n\t\treturn 1;\n", ""),
    ("stress begins one too late",
     "pool_total(pool) + n < policy->process_limit)", "pool_total(pool) + n <= policy->process_limit)"),
    ("stress begins for those that the rate forbids",
     "\tif (n > allowed)\n\t\tn = allowed;\n\tstress_before_start(core, pool, n);\n",
     "\tstress_before_start(core, pool, n);\n\tif (n > allowed)\n\t\tn = allowed;\n"),
    ("a guest takes the last slot", "pool_slots_open(core) < 2", "pool_slots_open(core) < 1"),
    ("a service closes over its guests", "|| pool->guests_n > 0)\n\t\treturn;\n\tcore_ask", ")\n\t\treturn;\n\tcore_ask"),
    ("old guests stay", "\tguests_retire_old(core, pool, time_ns);\n", ""),
    ("a guest is counted as ready", "\tif (worker->kind == KIND_WORKER)\n\t\trecount", "\tif (worker->kind <= KIND_MOLD)\n\t\trecount"),
    ("a mold is asked before it is ready", "mold->state != WORKER_READY ||\n", "mold->state == WORKER_TAKEN ||\n"),
    ("a mold rests for no failed order", "\tpool->mold.rest_ns = core->now_ns + REST_NS;\n", ""),
    ("orders that fail together are counted each", "\tif (core->now_ns < pool->mold.rest_ns)\n\t\treturn;\n", ""),
    ("a mold that fails stays", "if (++pool->mold.failed < FAILED_MAX)", "if (pool->mold.failed < FAILED_MAX)"),
    ("there are two molds", "\t       pool_total(pool) > 0 &&\n\t       guest_find(core, pool, KIND_MOLD) == NULL;", "\t       pool_total(pool) > 0;"),
    ("a service that rests has a mold made", "\t       pool_total(pool) > 0 &&\n\t       guest_find(core, pool, KIND_MOLD) == NULL;", "\t       guest_find(core, pool, KIND_MOLD) == NULL;"),
    ("a mold is made without a pause", "\tpool->mold.until_ns = core->now_ns + pause_ns;\n", ""),
    ("a mold that is none is tried again", "\tcore->pools[guest->service].mold.refused = true;\n", ""),
    ("a mold may take for ever", "\tworker_set_deadline(core, mold, core->now_ns + limit_ns);\n", ""),
    ("a failed order pauses the service", "\tmold_failed(core, worker);\n\tpool_free_worker", "\tbackoff_failed(core, pool, (struct failure){.cause = CAUSE_START_FAILED});\n\tpool_free_worker"),
    ("stress replaces nobody",
     "\tpool_renew(pool);\n\twakeup_restart", "\twakeup_restart"),
    ("stress begins again and again",
     "\tif (!stress_lasts(pool, core->now_ns))\n\t\tbegin(core, pool);\n", "\tbegin(core, pool);\n"),
    ("stress is not extended",
     "\t\tbegin(core, pool);\n\tpool->stress_until_ns", "\t\tbegin(core, pool);\n\telse\n\t\treturn;\n\tpool->stress_until_ns"),
    ("stress comes after those it is for",
     "\tstress_before_start(core, pool, n);\n\tfor (uint32_t i = 0; i < n; i++)\n\t\tstart_one(core, pool);\n",
     "\tfor (uint32_t i = 0; i < n; i++)\n\t\tstart_one(core, pool);\n\tstress_before_start(core, pool, n);\n"),
    ("stress wakes nobody", "\tpool_renew(pool);\n\twakeup_restart(core, pool);\n", "\tpool_renew(pool);\n"),
    ("a conditional wake-up comes at once",
     "\treturn pool->policy.wakeup_conditional && !pool->begun;\n", "\treturn pool->policy.wakeup_conditional && pool->begun;\n"),
    ("a conditional wake-up never comes",
     "\tif (is_dormant(pool) && pool->policy.wakeup_ns != 0)\n\t\tpool->wakeup_ns = core->now_ns;\n", ""),
    ("new workers are not woken",
     "\twakeup_restart(core, pool);\n\tpool_renew(pool);\n", "\twakeup_adjust(core, pool);\n\tpool_renew(pool);\n"),
    ("a removed service gives time where there is none",
     "\tif (pool->policy.leave_time_ns == 0)\n\t\tterm_all(core, pool);\n", "\t(void)term_all;\n"),
    ("nobody asks for a stopped holder",
     "\tcore_ask(core, ACTION_EXAMINE, core_service_of(core, pool));\n", ""),
    ("a stopped holder is asked for once",
     "\tif (pool->examined_ns != 0 &&\n", "\tif (pool->examined_ns != 0 ||\n"),
    ("a stopped holder is asked for all the time",
     "\tif (pool->examined_ns != 0 &&\n", "\tif (pool->examined_ns == 1 &&\n"),
    ("ends that follow each other hide who holds a lock",
     "\t\tif (core->now_ns - lease->rests_ns >= pool->policy.deaf_time_ns)\n\t\t\texamine(core, pool);\n", ""),
    ("in a pause nobody looks for a stopped holder",
     "backoff_pauses(pool, core->now_ns));\n", "false);\n"),
    ("one that is still starting gives its slot away",
     "\treturn pool->depth > 0 && !worker->spoke && !worker->suspect;\n",
     "\treturn pool->depth > 99 && !worker->spoke;\n"),
    ("a suspect that never spoke keeps its slot",
     "\treturn pool->depth > 0 && !worker->spoke && !worker->suspect;\n",
     "\treturn pool->depth > 0 && !worker->spoke;\n"),
    ("a stopped holder is left alone",
     "void worker_stopped(struct core *core, struct worker *worker)\n{\n\tworker_kill(core, worker);\n",
     "void worker_stopped(struct core *core, struct worker *worker)\n{\n\t(void)core;\n\t(void)worker;\n"),
    ("time at the limit is not counted",
     "\t\tpool->limit_ns += core->now_ns - pool->limit_since_ns;\n", "\t\t;\n"),
    ("later deadlines come first",
     "\treturn d->at_ns[a] < d->at_ns[b] ||\n", "\treturn d->at_ns[a] > d->at_ns[b] ||\n"),
    ("of two that are due at one time the heap's past decides",
     "(d->at_ns[a] == d->at_ns[b] && a < b)", "false"),
    ("who is saved is not told what he waits for",
     "\tif (line.due)\n\t\tworker_set_deadline(\n", "\tif (line.due && core->now_ns == 0)\n\t\tworker_set_deadline(\n"),
    ("a saved service forgets its own time",
     "\tif (line.due)\n\t\tdeadline_set(&core->deadlines, line.service, line.due_ns);\n", ""),
    ("saved workers change their order",
     "\tlast->next = slot;\n\tworker->prev = load->last;\n",
     "\tworker->next = *list;\n\tcore->workers[*list].prev = slot;\n\t*list = slot;\n\t(void)last;\n"),
    ("saved free slots change their order",
     "\tif (load->free == NO_SLOT)\n\t\tcore->workers_free = line.slot;\n\telse\n"
     "\t\tcore->workers[load->free].next = line.slot;\n",
     "\tworker->next = core->workers_free;\n\tcore->workers_free = line.slot;\n"),
    ("a suspect that is saved is believed",
     "\tpool->suspects += worker->suspect;\n\tpool->mutes", "\tpool->mutes"),
    ("guests that are saved are workers", "\t\tpool->guests_n++;\n\t\treturn;\n\t}\n\tcore->ready_n +=",
     "\t\tpool->guests_n++;\n\t}\n\tcore->ready_n +="),
    ("dice are not saved", "\tcore->prng = saved.prng;\n", ""),
    ("a half of a table is not saved", "\t\tif (core->pools[i].row)\n\t\t\tsave_row(", "\t\tif (false)\n\t\t\tsave_row("),
    ("what is promised to others is forgotten", "\t\tcore->reserved += pool->deficit;\n", ""),
    ("a serial that was seen is given again", "\tcore->last_serial = serial;\n", ""),
    ("a field is not saved", "\tSAVED(pool_line, \"lease-strikes\", pool.lease.strikes, SAVED_U32,\n\t\tSAVE_ANY),\n", ""),
    ("worn workers leave all at once",
     "\tif (gone || (token->new_serial != 0 && fits))\n", "\tif (gone || fits || core->now_ns > 0)\n"),
    ("a worn worker goes before another is up",
     "\telse if (up_ns(pool, fresh) <= core->now_ns)\n", "\telse\n"),
    ("a lone worker is two while it is replaced",
     "pool->policy.replace_first && limit != 1 &&", "pool->policy.replace_first &&"),
    ("the newcomer is trimmed away", "\tlimit += recycle_over(pool) + canary_over(pool);\n", "\tlimit += canary_over(pool);\n"),
    ("who served nobody is worn",
     "worker->state != WORKER_RETIRING &&\n\t\tworker->served)\n", "worker->state != WORKER_RETIRING)\n"),
    ("a worn worker is ended in the midst of its client",
     ": FOREVER_NS;\n", ": NS_PER_S;\n"),
    ("a client is older than anybody can know",
     "worker->taken_ns = at_ns > since_ns ? at_ns : since_ns;", "worker->taken_ns = at_ns;"),
    ("a sign of life is a new client",
     "(ago_ns != 0 && at_ns > since_ns)", "(at_ns > since_ns)"),
    ("who is idle for a moment would not be missed",
     "core->now_ns < pool->client_ns + CALM_NS;", "core->now_ns < CALM_NS;"),
    ("nobody looks whether a worn worker is idle",
     "\ttoken->phase = RECYCLE_LOOKING;\n", "\ttoken->phase = RECYCLE_LOOKING;\n\trecycle_looked(core, pool);\n"),
    ("who is overdue is not looked at",
     "\t\tcore->pools[worker->service].judging = true;\n", ""),
    ("a look that is not answered is waited for for ever",
     "\t\tat_ns = worker->asked_ns + ANSWER_NS;\n", "\t\tat_ns = DEADLINE_NONE;\n"),
    ("a new policy leaves old times", "\t\tdue_arm_all(core, pool);\n", ""),
    ("who said nothing for an interval is ended", "#define MISSED 2", "#define MISSED 1"),
    ("spares are not started",
     "\tstarted = pool_spawn(core, pool, want);\n", "\tstarted = 0;\n"),
    ("spares are forgotten in a pause",
     "\treturn fill_ns <= core->now_ns ? at_ns\n\t\t\t\t       : deadline_earlier(at_ns, fill_ns);\n", "\treturn at_ns;\n"),
    ("after a failure all spares are tried at once",
     "core->now_ns < spare_from(core, pool))", "core->now_ns < pool->spares_ns)"),
    ("spares take what clients of others wait for",
     "core->starved_n > 0 && want > pool->deficit", "false && want > pool->deficit"),
    ("spares take a slot back at once", "\t\t\tspare_wait(core, pool);\n", "\t\t\t;\n"),
    ("spares that lack a slot never get one", "\t\tfeed_lacking(core, waited);\n", "\t\t(void)feed_lacking;\n"),
    ("spares are a reason for stress",
     "\tif (pool->policy.stress_time_ns != 0 &&\n\t\tpool->policy.process_limit != 0 && room > 0)\n\t\troom--;\n", ""),
    ("nobody looks who waits beside spares that are starting",
     "pool->count[WORKER_TAKEN] > 0 && pool->look_ns == 0)", "pool->look_ns == 1)"),
    ("spares are trimmed", "retire_idle(core, pool, low - floor);", "retire_idle(core, pool, low);"),
    ("how many were idle at last is how few were",
     "interval->low = smaller(interval->low, ready);", "interval->low = ready;"),
    ("who served unseen was idle", "\tlow = smaller(low, ready - unseen);\n", "\t(void)unseen;\n"),
    ("workers are trimmed while clients wait", "if (pool->depth == 0 && low > floor)", "if (low > floor)"),
    ("the last worker is trimmed", "while (n > 0 && !is_last(pool)) {", "while (n > 0) {"),
    ("the end of an interval is not waited for", "\tpool->trim_asked = true;\n", ""),
    ("shares are not kept", "\treturn open > own ? open : own;\n", "\t(void)own;\n\t(void)open;\n\treturn n;\n"),
    ("a share is kept from its own service", "\treturn open > own ? open : own;\n", "\t(void)own;\n\treturn core->reserved < n ? open : 0;\n"),
    ("shares are counted once and for all", "\tcore->reserved -= pool->deficit;\n", ""),
    ("idle workers of a share are taken away", "live <= pool->share)", "live < 1)"),
    ("a limit is not scaled",
     "\tpool->policy.process_limit = event->policy.process_limit;\n", ""),
    ("spares are not scaled", "\tpool->policy.spare_min = event->policy.spare_min;\n", ""),
    ("a service that rests keeps its workers",
     "\tpool->state = POOL_DRAINED;\n\tpool_renew(pool);\n", "\tpool->state = POOL_DRAINED;\n"),
    ("a reload ends a rest",
     "\tif (pool->state != POOL_DRAINED)\n\t\tpool->state = POOL_UP;\n", "\tpool->state = POOL_UP;\n"),
    ("a service that rests is closed when its last worker is gone",
     "\tif (pool->state == POOL_DRAINED)\n\t\treturn;\n", ""),
    ("a service that rests loses its listener for good",
     "\tif (pool->state == POOL_DRAINED)\n\t\tcore_ask(core, ACTION_REOPEN, core_service_of(core, pool));\n", ""),
    ("an old worker goes before a new one is up", "\tif (tally->up == 0 || pool->old_n <= kept)\n", "\tif (pool->old_n <= kept)\n"),
    ("one that starts is up", "\tif (worker->state == WORKER_STARTING || !worker->executed ||\n\t\tpool->policy.ready_notify)\n", "\tif (false)\n"),
    ("who never speaks is never up", "\treturn worker->executed_ns + pool->policy.roll_alive_ns;\n", "\treturn DEADLINE_NONE;\n"),
    ("a roll has no batch", "\tif (tally->coming >= most)\n\t\treturn 0;\n", "\tmost = UINT32_MAX;\n"),
    ("the idle old ones are all asked at once", "\treturn idle - 1;\n", "\treturn n;\n"),
    ("a roll waits for ever for an idle new one", "\treturn tally->coming == 0 && tally->idle == 0 ? 1 : 0;\n", "\treturn 0;\n"),
    ("what failed says that a roll goes on", "\tif (!roll->on || roll->stalled || ++roll->pauses < PAUSES_MAX)\n", "\tif (true)\n"),
    ("without a slot a roll rests", "\t\tmake_room(core, pool, tally);\n", "\t\t(void)make_room;\n"),
    ("a roll takes slots that clients wait for", "\tif (core->starved_n > 0 && pool->deficit == 0) {\n", "\tif (false) {\n"),
    ("a pause ends a roll", "\t\tif (until_ns > core->now_ns)\n\t\t\tpool->roll.next_ns = until_ns;\n", ""),
    ("who runs for long enough is not looked at", "\t\tpool->roll.next_ns = tally.next_ns;\n", "\t\t;\n"),
    ("a roll never ends", "\tif (pool->old_n == 0) {\n\t\tend(core, pool);\n\t\treturn;\n\t}\n", ""),
    ("an old one that ends pauses the new ones", "\tif (!worker->asked && !pool_is_old(pool_of(core, worker), worker))\n", "\tif (!worker->asked)\n"),
    ("old workers are held to new time limits", "\tif (other)\n\t\tpool->timed = pool->epoch;\n", "\t(void)other;\n"),
    ("a limit is kept by sending the new ones away", "\t\t\tcontinue;\n\t\t}\n\t\tif (pool->old_n == 0 || pool_is_old(pool, worker))\n", "\t\t\tcontinue;\n\t\t}\n\t\tif (pool->old_n == 0)\n"),
    ("generations leave without end", "\twhile (max > 0 && generations(core, pool, &oldest) > max) {\n", "\twhile (false) {\n"),
    ("a roll keeps its surge to itself", "\tuint32_t surge = pool->count[WORKER_RETIRING] + pool->old_n;\n", "\tuint32_t surge = pool->count[WORKER_RETIRING];\n"),
    ("a mold is not waited for", "\tif (n == 0 || awaits_mold(core, pool))\n", "\tif (n == 0)\n"),
    ("worn ones do not wait for the roll", "\tif (pool->recycle.phase == RECYCLE_NONE && pool->worn > 0 &&\n\t\tpool->old_n == 0)\n", "\tif (pool->recycle.phase == RECYCLE_NONE && pool->worn > 0)\n"),
    ("other listeners are waited for", "\tif (was_up && pool->row_change == ROW_CHANGED && roll_can(pool))\n", "\tif (was_up && roll_can(pool))\n"),
    ("a lone worker may be two", "\tif (limit == 1)\n\t\treturn total == 0;\n", ""),
    ("one canary more than its share", "pool->canary.n < canary_share(pool)", "pool->canary.n <= canary_share(pool)"),
    ("canaries take the places of others", "pool_total(pool) < limit + over", "pool_total(pool) < limit + 2 * over"),
    ("a canary that dies decides nothing", "\tcanary->failed = verdict;\n", ""),
    ("the others' faults do not count", "\t\tcanary->others_faults++;\n", ""),
    ("too few clients are enough", "pool->canary.served < pool->canary.policy.canary_min", "pool->canary.served > UINT64_MAX - 1"),
    ("canaries stay when their row goes", "\t\tif (worker->canary && worker->state != WORKER_RETIRING)\n\t\t\tworker_retire", "\t\tif (worker->canary && worker->mute)\n\t\t\tworker_retire"),
    ("a verdict waits for a look for ever", "core->now_ns >= canary->asked_ns + ANSWER_NS", "core->now_ns >= canary->asked_ns + 900 * ANSWER_NS"),
    ("a canary's failure is its service's", "\treturn true;\n}\n\n/* ---- the verdict", "\treturn false;\n}\n\n/* ---- the verdict"),
    ("a canary is of the present", "\tworker->epoch++;\n", ""),
]

UNITS = [
    "pool", "pace", "lease", "suspect", "backoff", "throttle", "retire", "reload", "core_worker", "view", "deadline",
    "stress", "postfix_rules", "holder", "recycle", "due", "guest", "mold",
    "bounce", "spare", "scale", "drain", "roll", "roll_beside", "canary", "save",
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
        self.common = self.compile_all([*rest, *(sim / (n + ".c") for n in ("promise", "promise_canary", "promise_roll", "promise_rules", "promise_slots", "history", "twin"))])
        self.good = dict(zip(self.core, self.compile_all(self.core)))
        script = self.compile_all([unit / "core_script.c"])
        world = [sim / (n + ".c") for n in ("sim", "world", "world_act", "world_guest")]
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


def part_of(root):
    """One of twelve parts of MUTANTS, chosen by what the core says."""
    sources = b"".join(file.read_bytes() for file in sorted((root / "src/core").glob("*.c")))
    return MUTANTS[zlib.crc32(sources) % 12::12]


def main(arguments):
    root, compiler = Path(arguments[0]).resolve(), arguments[1]
    every = "--all" in arguments
    mutants = part_of(root) if "--some" in arguments else MUTANTS
    failed = 0
    print("1..%d" % (len(mutants) + 1))
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
        results = pool.map(judge, enumerate(mutants))
        for number, (mutant, found) in enumerate(results, 2):
            verdict = "ok" if found else "not ok"
            print("%s %d - noticed: %s" % (verdict, number, mutant[0]))
            print("# by %s" % (", ".join(found) or "nobody"), flush=True)
            failed += not found
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
