/* SPDX-License-Identifier: MIT */
#include "master/round.h"

#include <signal.h>

#include "base/number.h"
#include "master/adopted.h"
#include "master/channel.h"
#include "master/control.h"
#include "master/drain.h"
#include "master/hooks.h"
#include "master/keep.h"
#include "master/keep_socket.h"
#include "master/listeners.h"
#include "master/log.h"
#include "master/manager.h"
#include "master/master.h"
#include "master/molds.h"
#include "master/personality.h"
#include "master/preview.h"
#include "master/reload.h"
#include "master/shared.h"
#include "master/store.h"
#include "master/upgrade.h"
#include "master/wake.h"
#include "master/weigh.h"
#include "master/workers.h"
#include "sys/child.h"
#include "sys/clock.h"
#include "sys/loop.h"
#include "sys/signals.h"
#include "sys/spawn.h"

#define EVENTS_MAX 256
#define SPAWN_LOOK_NS (20 * NS_PER_MS) /* while starts are in flight */
#define QUEUE_LOOK_NS NS_PER_MS /* while starts wait: nothing else tells */
#define LOG_LOOK_NS (100 * NS_PER_MS)	 /* while the log's sink is full ... */
#define LOG_LOOK_MAX_NS (100 * NS_PER_S) /* ... and stays so */
#define STRANGERS_PER_ROUND 64

static uint64_t earlier(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static uint64_t deadline(const struct master *master, uint64_t now_ns)
{
	uint64_t at_ns = core_deadline_ns(master->core);

	/* More strangers ended than a round sees to: no signal tells again. */
	if (master->child_signal || upgrade_is_arriving())
		return now_ns;
	at_ns = earlier(at_ns, channel_deadline(master));
	at_ns = earlier(at_ns, molds_deadline());
	at_ns = earlier(at_ns, listeners_deadline());
	at_ns = earlier(at_ns, listeners_rearm_deadline());
	at_ns = earlier(at_ns, listeners_retry_deadline());
	at_ns = earlier(at_ns, reload_deadline(master));
	at_ns = earlier(at_ns, preview_deadline());
	at_ns = earlier(at_ns, wakes_deadline(master));
	at_ns = earlier(at_ns, weigh_deadline());
	at_ns = earlier(at_ns, adopted_deadline());
	at_ns = earlier(at_ns, keep_deadline(master));
	at_ns = earlier(at_ns, keep_socket_deadline(master));
	at_ns = earlier(at_ns, upgrade_deadline(master));
	at_ns = earlier(at_ns, control_deadline(master));
	at_ns = earlier(at_ns, manager_deadline(master));
	at_ns = earlier(at_ns, store_deadline());
	at_ns = earlier(at_ns, hooks_deadline(master));
	if (master->exit_ns != 0)
		at_ns = earlier(at_ns, master->exit_ns);
	if (workers_queued() > 0)
		at_ns = earlier(at_ns, now_ns + QUEUE_LOOK_NS);
	else if (spawn_busy(master->spawner) > 0)
		at_ns = earlier(at_ns, now_ns + SPAWN_LOOK_NS);
	if (log_is_waiting())
		at_ns = earlier(at_ns, master->log_retry_ns);
	return at_ns;
}

static void take_signal(struct master *master, int signal)
{
	switch (signal) {
	case SIGTERM:
	case SIGINT:
	case SIGQUIT:
		master->personality->stop(master, signal);
		break;
	case SIGHUP:
		reload_request(master);
		break;
	case SIGUSR2:
		if (master->personality->upgrades)
			upgrade_request(master, NULL);
		break;
	case SIGCHLD:
		master->child_signal = true;
		break;
	default:
		break; /* USR1: no file to reopen; ALRM */
	}
}

static void take_signals(struct master *master)
{
	int signal;
	int pid;

	while ((signal = sys_signal_next(master->signal_fd, &pid)) > 0)
		take_signal(master, signal);
}

static void take_words(struct master *master, const struct loop_event *event)
{
	uint32_t index = tag_index(event->tag);
	uint32_t serial = tag_serial(event->tag);

	if (tag_kind(event->tag) == TAG_CHANNEL)
		channel_ready(master, index, serial, event->ready);
	else if (tag_kind(event->tag) == TAG_SHARED) {
		if (!channel_shared_ready(master, index, serial, event->ready))
			service_shared_lost(master, index);
	} else if (tag_kind(event->tag) == TAG_LEFTOVER)
		leftover_ready(master, index, serial, event->ready);
}

static void take_death(struct master *master, const struct loop_event *event)
{
	if (tag_kind(event->tag) == TAG_PIDFD &&
		worker_at(master, tag_index(event->tag),
			tag_serial(event->tag)) != NULL)
		worker_ended(master, tag_index(event->tag));
}

static void take_rest(struct master *master, const struct loop_event *event)
{
	uint32_t index = tag_index(event->tag);
	uint32_t serial = tag_serial(event->tag);

	switch (tag_kind(event->tag)) {
	case TAG_LISTENER:
		listener_ready(master, index, serial, event->ready);
		break;
	case TAG_SIGNAL:
		take_signals(master);
		break;
	case TAG_CONTROL:
		control_accept(master);
		break;
	case TAG_CLIENT:
		control_client_ready(master, index, serial, event->ready);
		break;
	case TAG_WAKE:
		wake_ready(master, index, serial);
		break;
	case TAG_LOOKUP:
		reload_lookup_ready(master);
		preview_lookup_ready();
		/* Its child's end may have hidden those of strangers. */
		master->child_signal = true;
		break;
	case TAG_REHEARSAL:
		upgrade_heard();
		break;
	case TAG_KEEPER:
		keep_socket_ready(master);
		break;
	case TAG_HOOK:
		hooks_ready(master, index, serial);
		/* Likewise. */
		master->child_signal = true;
		break;
	case TAG_CHANNEL:
	case TAG_SHARED:
	case TAG_LEFTOVER:
	case TAG_PIDFD:
		break; /* seen to in their turns */
	}
}

/*
 * As PID 1, or when a shell that had children became us. A known worker's
 * zombie would hide the strangers behind it, so its end is taken here.
 */
static void reap_strangers(struct master *master)
{
	struct child_end end;
	uint32_t slot;

	master->child_signal = false;
	molds_hear(master);
	for (unsigned i = 0; i < STRANGERS_PER_ROUND; i++) {
		int pid = sys_stranger_next();

		if (pid <= 0)
			return;
		slot = worker_by_pid(master, pid);
		if (slot != UINT32_MAX) {
			/* Whether its exec went well must be known first. */
			workers_collect(master);
			worker_ended(master, slot);
			continue;
		}
		if (hooks_is_ours(pid)) {
			workers_collect(master);
			hooks_ended(master, pid);
			continue;
		}
		if (pid == reload_pid(master) || pid == preview_pid(master) ||
			upgrade_is_ours(pid))
			return; /* its own descriptor tells */
		if (sys_reap_stranger(pid, &end) != 1)
			return;
		master->strangers++;
	}
	master->child_signal = true;
}

void round_collect(struct master *master)
{
	struct loop_event events[EVENTS_MAX];
	uint64_t now_ns;
	int n;

	listeners_settle(master);
	now_ns = clock_now_ns();
	n = loop_wait(master->loop, now_ns, deadline(master, now_ns), events,
		EVENTS_MAX);
	master->now_ns = clock_now_ns();
	for (int i = 0; i < n; i++)
		take_words(master, &events[i]);
	workers_collect(master);
	for (int i = 0; i < n; i++)
		take_death(master, &events[i]);
	for (int i = 0; i < n; i++)
		take_rest(master, &events[i]);
	if (master->child_signal)
		reap_strangers(master);
}

/* A machine without a logger is not to be woken for that for ever. */
static void try_log(struct master *master)
{
	log_flush();
	if (!log_is_waiting() || master->log_pause_ns == 0)
		master->log_pause_ns = LOG_LOOK_NS;
	else if (master->log_pause_ns < LOG_LOOK_MAX_NS)
		master->log_pause_ns *= 2;
	master->log_retry_ns = master->now_ns + master->log_pause_ns;
}

void round_expire(struct master *master)
{
	reload_go_on(master);
	preview_go_on(master);
	channel_resume(master);
	molds_expire(master);
	listeners_doomed(master);
	listeners_rearm(master);
	listeners_retry(master);
	wakes_expire(master);
	weigh_expire(master);
	adopted_expire(master);
	keep_socket_expire(master);
	do
		control_tell_reloads(master);
	while (reload_told(master));
	drains_tell(master);
	control_expire(master);
	upgrade_go_on(master);
	hooks_go_on(master);
	if (master->exit_ns != 0 && master->now_ns >= master->exit_ns)
		master->done = true;
	if (!log_is_waiting() || master->now_ns < master->log_retry_ns)
		return;
	try_log(master);
}
