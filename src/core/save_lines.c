/* SPDX-License-Identifier: MIT */
#include "core/save_lines.h"

#include <stddef.h>

#define ENUM_MAX(values) ((values)-1)

static const struct saved_field core_fields[] = {
	SAVED(core, "limits-services-max", limits.services_max, SAVED_U32,
		SAVE_ANY),
	SAVED(core, "limits-workers-max", limits.workers_max, SAVED_U32,
		SAVE_ANY),
	SAVED(core, "limits-cpus", limits.cpus, SAVED_U32, SAVE_ANY),
	SAVED(core, "pools-high", pools_high, SAVED_U32, SAVE_ANY),
	SAVED(core, "workers-high", workers_high, SAVED_U32, SAVE_ANY),
	SAVED(core, "last-serial", last_serial, SAVED_U32, SAVE_ANY),
	SAVED(core, "serials-wrapped", serials_wrapped, SAVED_BOOL, 1),
	SAVED(core, "freed", freed, SAVED_BOOL, 1),
	SAVED(core, "stopping", stopping, SAVED_BOOL, 1),
	SAVED(core, "done", done, SAVED_BOOL, 1),
	SAVED(core, "now-ns", now_ns, SAVED_U64, SAVE_SPAN),
	SAVED(core, "stale", stale, SAVED_U64, SAVE_ANY),
	SAVED(core, "prng-state", prng.state, SAVED_U64, SAVE_ANY),
};

/* Of a policy: MEMBER is where it is in the line. */
#define POLICY_FIELDS(type, member)                                            \
	SAVED(type, "policy-process-limit", member.process_limit, SAVED_U32,   \
		SAVE_ANY),                                                     \
		SAVED(type, "policy-surge", member.surge, SAVED_U32,           \
			SAVE_ANY),                                             \
		SAVED(type, "policy-roll-batch", member.roll_batch, SAVED_U32, \
			SAVE_ANY),                                             \
		SAVED(type, "policy-roll-percent", member.roll_percent,        \
			SAVED_BOOL, 1),                                        \
		SAVED(type, "policy-roll-alive-ns", member.roll_alive_ns,      \
			SAVED_U64, SAVE_SPAN),                                 \
		SAVED(type, "policy-generations-max", member.generations_max,  \
			SAVED_U32, SAVE_ANY),                                  \
		SAVED(type, "policy-spare-min", member.spare_min, SAVED_U32,   \
			SAVE_ANY),                                             \
		SAVED(type, "policy-spare-max", member.spare_max, SAVED_U32,   \
			SAVE_ANY),                                             \
		SAVED(type, "policy-start-rate", member.start_rate, SAVED_U32, \
			SAVE_ANY),                                             \
		SAVED(type, "policy-start-burst", member.start_burst,          \
			SAVED_U32, SAVE_ANY),                                  \
		SAVED(type, "policy-throttle-time-ns",                         \
			member.throttle_time_ns, SAVED_U64, SAVE_SPAN),        \
		SAVED(type, "policy-quick-exit-ns", member.quick_exit_ns,      \
			SAVED_U64, SAVE_SPAN),                                 \
		SAVED(type, "policy-deaf-time-ns", member.deaf_time_ns,        \
			SAVED_U64, SAVE_SPAN),                                 \
		SAVED(type, "policy-start-time-limit-ns",                      \
			member.start_time_limit_ns, SAVED_U64, SAVE_SPAN),     \
		SAVED(type, "policy-wakeup-ns", member.wakeup_ns, SAVED_U64,   \
			SAVE_SPAN),                                            \
		SAVED(type, "policy-trim-interval-ns",                         \
			member.trim_interval_ns, SAVED_U64, SAVE_SPAN),        \
		SAVED(type, "policy-retire-grace-ns", member.retire_grace_ns,  \
			SAVED_U64, SAVE_SPAN),                                 \
		SAVED(type, "policy-drain-time-ns", member.drain_time_ns,      \
			SAVED_U64, SAVE_SPAN),                                 \
		SAVED(type, "policy-stop-time-ns", member.stop_time_ns,        \
			SAVED_U64, SAVE_SPAN),                                 \
		SAVED(type, "policy-leave-time-ns", member.leave_time_ns,      \
			SAVED_U64, SAVE_SPAN),                                 \
		SAVED(type, "policy-kill-time-ns", member.kill_time_ns,        \
			SAVED_U64, SAVE_SPAN),                                 \
		SAVED(type, "policy-max-age-ns", member.max_age_ns, SAVED_U64, \
			SAVE_SPAN),                                            \
		SAVED(type, "policy-request-time-ns", member.request_time_ns,  \
			SAVED_U64, SAVE_SPAN),                                 \
		SAVED(type, "policy-liveness-ns", member.liveness_ns,          \
			SAVED_U64, SAVE_SPAN),                                 \
		SAVED(type, "policy-stress-time-ns", member.stress_time_ns,    \
			SAVED_U64, SAVE_SPAN),                                 \
		SAVED(type, "policy-bounce-stay-ns", member.bounce_stay_ns,    \
			SAVED_U64, SAVE_SPAN),                                 \
		SAVED(type, "policy-bounce-over", member.bounce_over,          \
			SAVED_U32, SAVE_ANY),                                  \
		SAVED(type, "policy-share", member.share, SAVED_U32,           \
			SAVE_ANY),                                             \
		SAVED(type, "policy-ready-notify", member.ready_notify,        \
			SAVED_BOOL, 1),                                        \
		SAVED(type, "policy-retire-signal", member.retire_signal,      \
			SAVED_BOOL, 1),                                        \
		SAVED(type, "policy-on-deaf-kill", member.on_deaf_kill,        \
			SAVED_BOOL, 1),                                        \
		SAVED(type, "policy-throttle-whole", member.throttle_whole,    \
			SAVED_BOOL, 1),                                        \
		SAVED(type, "policy-replace-first", member.replace_first,      \
			SAVED_BOOL, 1),                                        \
		SAVED(type, "policy-wakeup-conditional",                       \
			member.wakeup_conditional, SAVED_BOOL, 1),             \
		SAVED(type, "policy-mold", member.mold, SAVED_BOOL, 1),        \
		SAVED(type, "policy-bounces", member.bounces, SAVED_BOOL, 1),  \
		SAVED(type, "policy-canary", member.canary, SAVED_U32,         \
			SAVE_ANY),                                             \
		SAVED(type, "policy-canary-percent", member.canary_percent,    \
			SAVED_BOOL, 1),                                        \
		SAVED(type, "policy-canary-time-ns", member.canary_time_ns,    \
			SAVED_U64, SAVE_SPAN),                                 \
		SAVED(type, "policy-canary-min", member.canary_min, SAVED_U32, \
			SAVE_ANY)

static const struct saved_field pool_fields[] = {
	SAVED(pool_line, "service", service, SAVED_U32, SAVE_ANY),
	SAVED(pool_line, "state", pool.state, SAVED_ENUM,
		ENUM_MAX(POOL_STATES)),
	SAVED(pool_line, "epoch", pool.epoch, SAVED_U32, SAVE_ANY),
	SAVED(pool_line, "timed", pool.timed, SAVED_U32, SAVE_ANY),
	SAVED(pool_line, "share", pool.share, SAVED_U32, SAVE_ANY),
	SAVED(pool_line, "starved", pool.starved, SAVED_BOOL, 1),
	SAVED(pool_line, "lacking", pool.lacking, SAVED_BOOL, 1),
	SAVED(pool_line, "depth", pool.depth, SAVED_U32, SAVE_ANY),
	SAVED(pool_line, "watching", pool.watching, SAVED_BOOL, 1),
	SAVED(pool_line, "deaf", pool.deaf, SAVED_BOOL, 1),
	SAVED(pool_line, "looking", pool.looking, SAVED_BOOL, 1),
	SAVED(pool_line, "look-ns", pool.look_ns, SAVED_U64, SAVE_ANY),
	SAVED(pool_line, "look-interval-ns", pool.look_interval_ns, SAVED_U64,
		SAVE_ANY),
	SAVED(pool_line, "begun", pool.begun, SAVED_BOOL, 1),
	SAVED(pool_line, "wakeup-ns", pool.wakeup_ns, SAVED_U64, SAVE_ANY),
	SAVED(pool_line, "stress-until-ns", pool.stress_until_ns, SAVED_U64,
		SAVE_ANY),
	SAVED(pool_line, "examined-ns", pool.examined_ns, SAVED_U64, SAVE_PAST),
	SAVED(pool_line, "start-time-ns", pool.start_time_ns, SAVED_U64,
		SAVE_ANY),
	SAVED(pool_line, "limit-told-ns", pool.limit_told_ns, SAVED_U64,
		SAVE_ANY),
	SAVED(pool_line, "slots-told-ns", pool.slots_told_ns, SAVED_U64,
		SAVE_ANY),
	SAVED(pool_line, "words", pool.words, SAVED_U64, SAVE_ANY),
	SAVED(pool_line, "lease-pending", pool.lease.pending, SAVED_BOOL, 1),
	SAVED(pool_line, "lease-asked", pool.lease.asked, SAVED_BOOL, 1),
	SAVED(pool_line, "lease-rescue", pool.lease.rescue, SAVED_BOOL, 1),
	SAVED(pool_line, "lease-due-ns", pool.lease.due_ns, SAVED_U64,
		SAVE_ANY),
	SAVED(pool_line, "lease-next-ns", pool.lease.next_ns, SAVED_U64,
		SAVE_ANY),
	SAVED(pool_line, "lease-ended-ns", pool.lease.ended_ns, SAVED_U64,
		SAVE_PAST),
	SAVED(pool_line, "lease-depth", pool.lease.depth, SAVED_U32, SAVE_ANY),
	SAVED(pool_line, "lease-words", pool.lease.words, SAVED_U64, SAVE_ANY),
	SAVED(pool_line, "lease-strikes", pool.lease.strikes, SAVED_U32,
		SAVE_ANY),
	SAVED(pool_line, "lease-rests-ns", pool.lease.rests_ns, SAVED_U64,
		SAVE_PAST),
	SAVED(pool_line, "recycle-phase", pool.recycle.phase, SAVED_ENUM,
		RECYCLE_LEAVING),
	SAVED(pool_line, "recycle-slot", pool.recycle.slot, SAVED_U32,
		SAVE_ANY),
	SAVED(pool_line, "recycle-serial", pool.recycle.serial, SAVED_U32,
		SAVE_ANY),
	SAVED(pool_line, "recycle-look-ns", pool.recycle.look_ns, SAVED_U64,
		SAVE_ANY),
	SAVED(pool_line, "recycle-new-slot", pool.recycle.new_slot, SAVED_U32,
		SAVE_ANY),
	SAVED(pool_line, "recycle-new-serial", pool.recycle.new_serial,
		SAVED_U32, SAVE_ANY),
	SAVED(pool_line, "roll-on", pool.roll.on, SAVED_BOOL, 1),
	SAVED(pool_line, "roll-stalled", pool.roll.stalled, SAVED_BOOL, 1),
	SAVED(pool_line, "roll-was", pool.roll.was, SAVED_U32, SAVE_ANY),
	SAVED(pool_line, "roll-replaced", pool.roll.replaced, SAVED_U32,
		SAVE_ANY),
	SAVED(pool_line, "roll-pauses", pool.roll.pauses, SAVED_U32, SAVE_ANY),
	SAVED(pool_line, "roll-since-ns", pool.roll.since_ns, SAVED_U64,
		SAVE_PAST),
	SAVED(pool_line, "roll-took-ns", pool.roll.took_ns, SAVED_U64,
		SAVE_ANY),
	SAVED(pool_line, "roll-next-ns", pool.roll.next_ns, SAVED_U64,
		SAVE_ANY),
	SAVED(pool_line, "client-ns", pool.client_ns, SAVED_U64, SAVE_PAST),
	SAVED(pool_line, "taken-look-ns", pool.taken_look_ns, SAVED_U64,
		SAVE_ANY),
	SAVED(pool_line, "judging", pool.judging, SAVED_BOOL, 1),
	SAVED(pool_line, "backoff-pause-ns", pool.backoff.pause_ns, SAVED_U64,
		SAVE_ANY),
	SAVED(pool_line, "backoff-until-ns", pool.backoff.until_ns, SAVED_U64,
		SAVE_ANY),
	SAVED(pool_line, "backoff-failed-ns", pool.backoff.failed_ns, SAVED_U64,
		SAVE_PAST),
	SAVED(pool_line, "backoff-crash-pause-ns", pool.backoff.crash_pause_ns,
		SAVED_U64, SAVE_ANY),
	SAVED(pool_line, "backoff-crashes-ns", pool.backoff.crashes_ns,
		SAVED_U64, SAVE_ANY),
	SAVED(pool_line, "backoff-crashed-ns", pool.backoff.crashed_ns,
		SAVED_U64, SAVE_PAST),
	SAVED(pool_line, "backoff-tokens-ns", pool.backoff.tokens_ns, SAVED_U64,
		SAVE_ANY),
	SAVED(pool_line, "backoff-whole", pool.backoff.whole, SAVED_BOOL, 1),
	SAVED(pool_line, "backoff-cause", pool.backoff.cause, SAVED_ENUM,
		CAUSE_LISTENER_LOST),
	SAVED(pool_line, "backoff-stage", pool.backoff.stage, SAVED_INT,
		SAVE_ANY),
	SAVED(pool_line, "backoff-error", pool.backoff.error, SAVED_INT,
		SAVE_ANY),
	SAVED(pool_line, "backoff-code", pool.backoff.code, SAVED_INT,
		SAVE_ANY),
	SAVED(pool_line, "backoff-signal", pool.backoff.signal, SAVED_INT,
		SAVE_ANY),
	SAVED(pool_line, "mold-refused", pool.mold.refused, SAVED_BOOL, 1),
	SAVED(pool_line, "mold-failed", pool.mold.failed, SAVED_U32, SAVE_ANY),
	SAVED(pool_line, "mold-rest-ns", pool.mold.rest_ns, SAVED_U64,
		SAVE_ANY),
	SAVED(pool_line, "mold-until-ns", pool.mold.until_ns, SAVED_U64,
		SAVE_ANY),
	SAVED(pool_line, "mold-pause-ns", pool.mold.pause_ns, SAVED_U64,
		SAVE_ANY),
	SAVED(pool_line, "idle-since-ns", pool.idle.since_ns, SAVED_U64,
		SAVE_PAST),
	SAVED(pool_line, "idle-low", pool.idle.low, SAVED_U32, SAVE_ANY),
	SAVED(pool_line, "excess-since-ns", pool.excess.since_ns, SAVED_U64,
		SAVE_PAST),
	SAVED(pool_line, "excess-low", pool.excess.low, SAVED_U32, SAVE_ANY),
	SAVED(pool_line, "trim-asked", pool.trim_asked, SAVED_BOOL, 1),
	SAVED(pool_line, "trim-ask-ns", pool.trim_ask_ns, SAVED_U64, SAVE_ANY),
	SAVED(pool_line, "spares-ns", pool.spares_ns, SAVED_U64, SAVE_ANY),
	SAVED(pool_line, "trimmed", pool.trimmed, SAVED_U64, SAVE_ANY),
	SAVED(pool_line, "molded", pool.molded, SAVED_U64, SAVE_ANY),
	SAVED(pool_line, "pace-start-ns", pool.pace.start_ns, SAVED_U64,
		SAVE_ANY),
	SAVED(pool_line, "pace-alone-ns", pool.pace.alone_ns, SAVED_U64,
		SAVE_ANY),
	SAVED(pool_line, "pace-cpu-ns", pool.pace.cpu_ns, SAVED_U64, SAVE_ANY),
	SAVED(pool_line, "pace-left", pool.pace.left, SAVED_BOOL, 1),
	SAVED(pool_line, "pace-serve-ns", pool.pace.serve_ns, SAVED_U64,
		SAVE_ANY),
	SAVED(pool_line, "pace-serves", pool.pace.serves, SAVED_U32, SAVE_ANY),
	SAVED(pool_line, "pace-window", pool.pace.window, SAVED_U32, SAVE_ANY),
	SAVED(pool_line, "pace-wanted-ns", pool.pace.wanted_ns, SAVED_U64,
		SAVE_ANY),
	SAVED(pool_line, "pace-asked-ns", pool.pace.asked_ns, SAVED_U64,
		SAVE_PAST),
	SAVED(pool_line, "pace-idle-ns", pool.pace.idle_ns, SAVED_U64,
		SAVE_ANY),
	SAVED(pool_line, "pace-grew", pool.pace.grew, SAVED_BOOL, 1),
	SAVED(pool_line, "pace-held", pool.pace.held, SAVED_BOOL, 1),
	SAVED(pool_line, "pace-look-ns", pool.pace.look_ns, SAVED_U64,
		SAVE_ANY),
	SAVED(pool_line, "pace-moved-ns", pool.pace.moved_ns, SAVED_U64,
		SAVE_PAST),
	SAVED(pool_line, "pace-gone", pool.pace.gone, SAVED_U32, SAVE_ANY),
	SAVED(pool_line, "pace-gone-ns", pool.pace.gone_ns, SAVED_U64,
		SAVE_PAST),
	SAVED(pool_line, "pace-waits-ns", pool.pace.waits_ns, SAVED_U64,
		SAVE_PAST),
	SAVED(pool_line, "pace-patience-ns", pool.pace.patience_ns, SAVED_U64,
		SAVE_PAST),
	SAVED(pool_line, "bounce-next-ns", pool.bounce.next_ns, SAVED_U64,
		SAVE_ANY),
	SAVED(pool_line, "bounce-pause-ns", pool.bounce.pause_ns, SAVED_U64,
		SAVE_ANY),
	SAVED(pool_line, "bounce-stays-ns", pool.bounce.stays_ns, SAVED_U64,
		SAVE_ANY),
	SAVED(pool_line, "bounce-asked", pool.bounce.asked, SAVED_BOOL, 1),
	SAVED(pool_line, "refused", pool.refused, SAVED_U64, SAVE_ANY),
	SAVED(pool_line, "failures", pool.failures, SAVED_U64, SAVE_ANY),
	SAVED(pool_line, "starts", pool.starts, SAVED_U64, SAVE_ANY),
	SAVED(pool_line, "served", pool.served, SAVED_U64, SAVE_ANY),
	SAVED(pool_line, "exits", pool.exits, SAVED_U64, SAVE_ANY),
	SAVED(pool_line, "redundant", pool.redundant, SAVED_U64, SAVE_ANY),
	SAVED(pool_line, "recycled", pool.recycled, SAVED_U64, SAVE_ANY),
	SAVED(pool_line, "timeouts", pool.timeouts, SAVED_U64, SAVE_ANY),
	SAVED(pool_line, "hangs", pool.hangs, SAVED_U64, SAVE_ANY),
	SAVED(pool_line, "recycled-for-use", pool.recycled_for[WEAR_USE],
		SAVED_U64, SAVE_ANY),
	SAVED(pool_line, "recycled-for-age", pool.recycled_for[WEAR_AGE],
		SAVED_U64, SAVE_ANY),
	SAVED(pool_line, "recycled-for-memory", pool.recycled_for[WEAR_MEMORY],
		SAVED_U64, SAVE_ANY),
	SAVED(pool_line, "limit-hits", pool.limit_hits, SAVED_U64, SAVE_ANY),
	SAVED(pool_line, "limit-ns", pool.limit_ns, SAVED_U64, SAVE_ANY),
	SAVED(pool_line, "limit-since-ns", pool.limit_since_ns, SAVED_U64,
		SAVE_PAST),
	SAVED(pool_line, "due", due, SAVED_BOOL, 1),
	SAVED(pool_line, "due-ns", due_ns, SAVED_U64, SAVE_ANY),
	POLICY_FIELDS(pool_line, pool.policy),
};

static const struct saved_field row_fields[] = {
	SAVED(row_line, "service", service, SAVED_U32, SAVE_ANY),
	SAVED(row_line, "change", change, SAVED_ENUM, ROW_REPLACED),
	SAVED(row_line, "trial", trial, SAVED_BOOL, 1),
	POLICY_FIELDS(row_line, policy),
};

static const struct saved_field trial_fields[] = {
	SAVED(trial_line, "service", service, SAVED_U32, SAVE_ANY),
	SAVED(trial_line, "runs", canary.runs, SAVED_BOOL, 1),
	SAVED(trial_line, "until-ns", canary.until_ns, SAVED_U64, SAVE_ANY),
	SAVED(trial_line, "asked-ns", canary.asked_ns, SAVED_U64, SAVE_PAST),
	SAVED(trial_line, "served", canary.served, SAVED_U64, SAVE_SPAN),
	SAVED(trial_line, "faults", canary.faults, SAVED_U64, SAVE_SPAN),
	SAVED(trial_line, "others-faults", canary.others_faults, SAVED_U64,
		SAVE_SPAN),
	SAVED(trial_line, "failed", canary.failed, SAVED_ENUM,
		ENUM_MAX(VERDICTS)),
	SAVED(trial_line, "verdict", canary.verdict, SAVED_ENUM,
		ENUM_MAX(VERDICTS)),
	SAVED(trial_line, "slot", canary.slot, SAVED_U32, SAVE_ANY),
	SAVED(trial_line, "serial", canary.serial, SAVED_U32, SAVE_ANY),
	SAVED(trial_line, "cause", canary.cause, SAVED_ENUM,
		CAUSE_LISTENER_LOST),
	SAVED(trial_line, "stage", canary.stage, SAVED_INT, SAVE_ANY),
	SAVED(trial_line, "error", canary.error, SAVED_INT, SAVE_ANY),
	SAVED(trial_line, "code", canary.code, SAVED_INT, SAVE_ANY),
	SAVED(trial_line, "signal", canary.signal, SAVED_INT, SAVE_ANY),
	POLICY_FIELDS(trial_line, canary.policy),
};

static const struct saved_field worker_fields[] = {
	SAVED(worker_line, "slot", slot, SAVED_U32, SAVE_ANY),
	SAVED(worker_line, "kind", worker.kind, SAVED_ENUM,
		ENUM_MAX(WORKER_KINDS)),
	SAVED(worker_line, "state", worker.state, SAVED_ENUM,
		ENUM_MAX(WORKER_STATES)),
	SAVED(worker_line, "rung", worker.rung, SAVED_ENUM, RUNG_STUCK),
	SAVED(worker_line, "serial", worker.serial, SAVED_U32, SAVE_ANY),
	SAVED(worker_line, "service", worker.service, SAVED_U32, SAVE_ANY),
	SAVED(worker_line, "epoch", worker.epoch, SAVED_U32, SAVE_ANY),
	SAVED(worker_line, "mold", worker.mold, SAVED_U32, SAVE_ANY),
	SAVED(worker_line, "executed", worker.executed, SAVED_BOOL, 1),
	SAVED(worker_line, "spoke", worker.spoke, SAVED_BOOL, 1),
	SAVED(worker_line, "served", worker.served, SAVED_BOOL, 1),
	SAVED(worker_line, "cycled", worker.cycled, SAVED_BOOL, 1),
	SAVED(worker_line, "idle", worker.idle, SAVED_BOOL, 1),
	SAVED(worker_line, "suspect", worker.suspect, SAVED_BOOL, 1),
	SAVED(worker_line, "mute", worker.mute, SAVED_BOOL, 1),
	SAVED(worker_line, "canary", worker.canary, SAVED_BOOL, 1),
	SAVED(worker_line, "reclaimed", worker.reclaimed, SAVED_BOOL, 1),
	SAVED(worker_line, "asked", worker.asked, SAVED_BOOL, 1),
	SAVED(worker_line, "overdue", worker.overdue, SAVED_BOOL, 1),
	SAVED(worker_line, "beats", worker.beats, SAVED_BOOL, 1),
	SAVED(worker_line, "wear", worker.wear, SAVED_ENUM, ENUM_MAX(WEARS)),
	SAVED(worker_line, "started-ns", worker.started_ns, SAVED_U64,
		SAVE_PAST),
	SAVED(worker_line, "executed-ns", worker.executed_ns, SAVED_U64,
		SAVE_PAST),
	SAVED(worker_line, "since-ns", worker.since_ns, SAVED_U64, SAVE_PAST),
	SAVED(worker_line, "heard-ns", worker.heard_ns, SAVED_U64, SAVE_PAST),
	SAVED(worker_line, "taken-ns", worker.taken_ns, SAVED_U64, SAVE_PAST),
	SAVED(worker_line, "asked-ns", worker.asked_ns, SAVED_U64, SAVE_PAST),
	SAVED(worker_line, "unseen-ns", worker.unseen_ns, SAVED_U64, SAVE_PAST),
	SAVED(worker_line, "drain-until-ns", worker.drain_until_ns, SAVED_U64,
		SAVE_ANY),
	SAVED(worker_line, "due", due, SAVED_BOOL, 1),
	SAVED(worker_line, "due-ns", due_ns, SAVED_U64, SAVE_ANY),
};

static const struct saved_field free_fields[] = {
	SAVED(free_line, "slot", slot, SAVED_U32, SAVE_ANY),
};

const struct saved_kind save_core_kind = SAVED_KIND("core", core_fields);
const struct saved_kind save_pool_kind = SAVED_KIND("pool", pool_fields);
const struct saved_kind save_row_kind = SAVED_KIND("pool-row", row_fields);
const struct saved_kind save_trial_kind = SAVED_KIND("trial", trial_fields);
const struct saved_kind save_worker_kind = SAVED_KIND("worker", worker_fields);
const struct saved_kind save_free_kind = SAVED_KIND("free-slot", free_fields);

/*
 * A reminder: whoever adds a field to one of these changes its size, and comes
 * by to give it its line above, or to make it anew in load.c.
 */
_Static_assert(sizeof(void *) != 8 || sizeof(struct worker) == 120,
	"a field of struct worker is neither saved nor made anew");
_Static_assert(sizeof(void *) != 8 || sizeof(struct pool) == 1528,
	"a field of struct pool is neither saved nor made anew");
_Static_assert(sizeof(void *) != 8 || sizeof(struct core) == 176,
	"a field of struct core is neither saved nor made anew");
