/* SPDX-License-Identifier: MIT */
#include "master/workers.h"

#include <assert.h>
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>

#include "core/action.h"
#include "core/view.h"
#include "master/channel.h"
#include "master/adopted.h"
#include "master/hooks.h"
#include "master/keep.h"
#include "master/listeners.h"
#include "master/master.h"
#include "master/molds.h"
#include "master/order.h"
#include "master/page.h"
#include "master/personality.h"
#include "master/services.h"
#include "master/shared.h"
#include "master/weigh.h"
#include "sys/channel.h"
#include "sys/clock.h"
#include "sys/fd.h"
#include "sys/loop.h"
#include "sys/net.h"
#include "sys/process.h"
#include "sys/spawn.h"

#define COLLECT_MAX 64

/* The core's words about a death may come after several others of a round. */
#define DEATHS_MAX 512

static struct last_death deaths[DEATHS_MAX];
static unsigned deaths_n;
static uint32_t queued_n; /* starts that wait for a slot of the spawner */

const struct last_death *worker_death(uint32_t slot, uint32_t serial)
{
	for (unsigned i = 0; i < DEATHS_MAX; i++)
		if (deaths[i].serial == serial && deaths[i].slot == slot)
			return &deaths[i];
	return NULL;
}

const struct last_death *worker_failed_start(uint32_t service)
{
	for (unsigned i = 1; i <= DEATHS_MAX && i <= deaths_n; i++) {
		const struct last_death *death =
			&deaths[(deaths_n - i) % DEATHS_MAX];

		if (death->service == service && death->stage != SPAWN_DONE)
			return death;
	}
	return NULL;
}

/* Not being wrong, but being short of something: it may work soon. */
static bool is_temporary(int error)
{
	return error == EAGAIN || error == ENOMEM || error == EMFILE ||
	       error == ENFILE || error == ENOBUFS || error == EINTR;
}

static void start_failed(
	struct master *master, uint32_t slot, int stage, int error)
{
	inbox_put(
		&master->inbox, &(struct event){.kind = EVENT_START_FAILED,
					.slot = slot,
					.serial = master->workers[slot].serial,
					.stage = stage,
					.error = error,
					.temporary = stage == STAGE_LISTENER ||
						     is_temporary(error)});
}

void worker_forget(struct master *master, uint32_t slot)
{
	struct worker_record *worker = &master->workers[slot];

	if (worker->queued)
		queued_n--;
	if (worker->pidfd >= 0)
		(void)loop_remove(master->loop, worker->pidfd);
	fd_close(&worker->pidfd);
	keep_gone(master, slot);
	if (worker->channel >= 0 && worker->pid != 0)
		leftover_add(master, worker->service, fd_take(&worker->channel),
			worker->disconnected);
	else if (worker->channel >= 0)
		(void)loop_remove(master->loop, worker->channel);
	fd_close(&worker->channel);
	page_leave(master, slot);
	*worker = (struct worker_record){.pidfd = -1, .channel = -1};
}

/* No process was made; the slot is free when the core has heard of it. */
static void never_born(
	struct master *master, uint32_t slot, int stage, int error)
{
	start_failed(master, slot, stage, error);
	worker_forget(master, slot);
}

int worker_open_channel(
	struct master *master, uint32_t slot, int *out_end, bool *out_owned)
{
	struct worker_record *worker = &master->workers[slot];
	struct service_state *service = service_of(master, worker->service);
	int pair[2];
	int result;

	*out_owned = false;
	if (service->row->channel == CHANNEL_SHARED) {
		worker->shared = true;
		result = service_channels_open(master, worker->service);
		*out_end = service->shared_worker_fd;
		keep_channel(master, slot);
		return result;
	}
	/* Who speaks for one that was ordered, only the kernel can say. */
	result = sys_channel_pair(pair, worker->ordered);
	if (result < 0)
		return result;
	result = loop_add(master->loop, pair[0], LOOP_IN | LOOP_RDHUP,
		tag_make(TAG_CHANNEL, slot, worker->serial));
	if (result < 0) {
		fd_close(&pair[0]);
		fd_close(&pair[1]);
		return result;
	}
	worker->channel = pair[0];
	keep_channel(master, slot);
	*out_end = pair[1];
	*out_owned = true;
	return 0;
}

static int spawn_into(struct master *master, uint32_t slot, int end)
{
	struct worker_record *worker = &master->workers[slot];
	struct birth birth = {.service = worker->service,
		.generation = worker->serial,
		.channel = end,
		.kind = worker->kind,
		.stress = worker->stress,
		.canary = worker->canary};
	struct spawned spawned;
	struct order order;
	int result;

	page_enter(master, slot);
	birth.page = page_of_worker(master, slot, &birth.page_place);
	master->personality->order(master, &birth, &order);
	result = spawn_start(master->spawner, &order.spawn,
		tag_make(TAG_PIDFD, slot, worker->serial), &spawned);
	if (result < 0)
		return result;
	worker->pid = spawned.pid;
	worker->pidfd = spawned.pidfd;
	worker->started_ns = master->now_ns;
	keep_process(master, slot);
	/* Its death would go unseen; the kernel has memory for this or none. */
	result = loop_add(master->loop, worker->pidfd, LOOP_IN,
		tag_make(TAG_PIDFD, slot, worker->serial));
	if (result < 0)
		(void)sys_child_signal(worker->pidfd, SIGKILL);
	return 0;
}

/* -EBUSY: the spawner has no slot; nothing was done. */
static int try_start(struct master *master, uint32_t slot)
{
	struct worker_record *worker = &master->workers[slot];
	bool owned = false;
	int end = -1;
	int result = worker_open_channel(master, slot, &end, &owned);

	if (result == 0)
		result = spawn_into(master, slot, end);
	if (owned)
		fd_close(&end);
	if (result < 0 && worker->channel >= 0) {
		(void)loop_remove(master->loop, worker->channel);
		fd_close(&worker->channel);
	}
	return result;
}

static void queue(struct worker_record *worker)
{
	if (!worker->queued)
		queued_n++;
	worker->queued = true;
}

void worker_requeue(void)
{
	queued_n++;
}

static void start_or_queue(struct master *master, uint32_t slot)
{
	struct worker_record *worker = &master->workers[slot];
	const struct listener *missing =
		listener_missing(master, worker->service);
	int result;

	/* Its descriptors would not be those that it counts on. */
	if (missing != NULL) {
		never_born(master, slot, STAGE_LISTENER, missing->error);
		return;
	}
	result = master->held ? -EBUSY : try_start(master, slot);
	if (result == -EBUSY) {
		queue(worker);
		return;
	}
	if (worker->queued)
		queued_n--;
	worker->queued = false;
	if (result < 0)
		never_born(master, slot, SPAWN_STAGE_FORK, -result);
}

void worker_start(struct master *master, const struct action *action)
{
	uint32_t slot = action->slot;
	struct worker_record *worker = &master->workers[slot];

	assert(worker->serial == 0);
	*worker = (struct worker_record){.serial = action->serial,
		.service = action->service,
		.kind = action->worker,
		.stress = action->number != 0,
		.canary = action->canary,
		.pidfd = -1,
		.channel = -1};
	if (slot >= master->workers_high)
		master->workers_high = slot + 1;
	if (service_of(master, action->service)->row->max_memory != 0)
		weigh_begin(master);
	/* Held, it starts without its mold: an order cannot wait. */
	if (action->mold_serial != 0 && !master->held)
		molds_order(master, slot, action);
	else
		start_or_queue(master, slot);
}

static void start_queued(struct master *master)
{
	for (uint32_t slot = 0; slot < master->workers_high && queued_n > 0;
		slot++) {
		if (!master->workers[slot].queued)
			continue;
		start_or_queue(master, slot);
		if (master->workers[slot].queued)
			return; /* all slots of the spawner are busy again */
	}
}

void workers_collect(struct master *master)
{
	struct spawn_done done[COLLECT_MAX];
	unsigned n = spawn_collect(master->spawner, done, COLLECT_MAX);

	for (unsigned i = 0; i < n; i++) {
		uint32_t slot = tag_index(done[i].cookie);
		uint32_t serial = tag_serial(done[i].cookie);
		struct worker_record *worker;

		if (hooks_collect(done[i].cookie, done[i].stage, done[i].error))
			continue;
		worker = worker_at(master, slot, serial);
		if (worker == NULL)
			continue;
		worker->stage = done[i].stage;
		worker->error = done[i].error;
		/* A failed one is told when its child is dead and reaped. */
		if (done[i].stage == SPAWN_DONE)
			inbox_put_worker(
				&master->inbox, EVENT_STARTED, slot, serial);
	}
	if (queued_n > 0 && !master->held)
		start_queued(master);
}

void worker_cost(struct master *master, struct event *event)
{
	struct worker_record *worker = &master->workers[event->slot];
	struct process_time time;

	if (worker->heard)
		return;
	worker->heard = true;
	if (worker->pid == 0)
		return;
	time = sys_process_time(worker->pid);
	event->cpu_ns = time.run_ns;
	event->wait_ns = time.wait_ns;
}

void workers_measure(const struct master *master, struct event *event)
{
	uint32_t slots[VIEW_STARTING_MAX];
	uint32_t n = core_view_starting(master->core, event->service, slots);

	for (uint32_t i = 0; i < n; i++) {
		int pid = master->workers[slots[i]].pid;
		struct process_time time;

		if (pid == 0)
			continue;
		time = sys_process_time(pid);
		event->cpu_ns += time.run_ns;
		event->wait_ns += time.wait_ns;
	}
}

uint32_t workers_queued(void)
{
	return queued_n;
}

/*
 * The core has nothing to say of one that we sent a signal. Who dies of that
 * SIGTERM is no news to anybody; but some personalities tell of all others.
 */
static void say_signalled(
	struct master *master, uint32_t slot, const struct child_end *end)
{
	const struct worker_record *worker = &master->workers[slot];
	bool bad = end->signal != 0 ? end->signal != SIGTERM : end->code != 0;

	if (worker->signalled == 0 || !bad ||
		master->personality->say_notice == NULL)
		return;
	(void)master->personality->say_notice(
		master, &(struct action){.kind = ACTION_NOTICE,
				.notice = NOTICE_DIED,
				.service = worker->service,
				.slot = slot,
				.serial = worker->serial});
}

static void tell_end(
	struct master *master, uint32_t slot, const struct child_end *end)
{
	const struct worker_record *worker = &master->workers[slot];

	if (worker->stage != SPAWN_DONE && worker->error != ECANCELED) {
		start_failed(master, slot, worker->stage, worker->error);
		return;
	}
	inbox_put(&master->inbox,
		&(struct event){.kind = EVENT_EXITED,
			.slot = slot,
			.serial = worker->serial,
			.code = end->signal != 0 ? 0 : end->code,
			.signal = end->signal,
			.unknown = end->unknown});
}

void worker_ended(struct master *master, uint32_t slot)
{
	struct worker_record *worker = &master->workers[slot];
	struct child_end end = {.code = 0};
	int result = sys_child_reap(worker->pidfd, &end);

	/*
	 * Whoever traces it sees its end first, and may never look. SIGCHLD
	 * comes when it is ours to see; its pidfd would only keep us busy.
	 */
	if (result == 0)
		(void)loop_remove(master->loop, worker->pidfd);
	/* Another master's child. */
	if (result == -ECHILD)
		result = adopted_end(master, slot, &end);
	if (result != 1)
		return;
	deaths[deaths_n++ % DEATHS_MAX] = (struct last_death){.slot = slot,
		.serial = worker->serial,
		.service = worker->service,
		.stage = worker->stage,
		.pid = worker->pid,
		.up_ns = master->now_ns - worker->started_ns,
		.end = end};
	say_signalled(master, slot, &end);
	channel_drain(master, slot);
	page_leave(master, slot);
	/* The usual case: nobody else holds its end of the channel. */
	if (worker->channel >= 0 && sys_hung_up(worker->channel) == 1) {
		(void)loop_remove(master->loop, worker->channel);
		sys_channel_close(&worker->channel);
	}
	tell_end(master, slot, &end);
	if (worker->kind == KIND_MOLD)
		molds_ended(master);
	worker_forget(master, slot);
}

void worker_half_close(struct master *master, uint32_t slot, uint32_t serial)
{
	struct worker_record *worker = worker_at(master, slot, serial);

	if (worker == NULL)
		return;
	page_retire(master, slot);
	if (worker->queued)
		never_born(master, slot, SPAWN_STAGE_FORK, ECANCELED);
	else if (worker->channel >= 0)
		(void)sys_shutdown(worker->channel, SHUT_WR);
}

void worker_disconnect(struct master *master, uint32_t slot, uint32_t serial)
{
	struct worker_record *worker = worker_at(master, slot, serial);

	if (worker == NULL || worker->channel < 0)
		return;
	page_retire(master, slot);
	/* Never a bare close: a child being started may hold a copy (B3). */
	(void)sys_shutdown(worker->channel, SHUT_RDWR);
	worker->disconnected = true;
}

void worker_signal(
	struct master *master, uint32_t slot, uint32_t serial, int signal)
{
	struct worker_record *worker = worker_at(master, slot, serial);

	if (worker == NULL)
		return;
	page_retire(master, slot);
	if (worker->queued)
		never_born(master, slot, SPAWN_STAGE_FORK, ECANCELED);
	else if (worker->ordered)
		molds_give_up(master, slot);
	else if (worker->pidfd >= 0) {
		worker->signalled = signal;
		(void)sys_child_signal(worker->pidfd, signal);
	}
}
