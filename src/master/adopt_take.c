/* SPDX-License-Identifier: MIT */
#include "master/adopt.h"

#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/event.h"
#include "core/save.h"
#include "core/view.h"
#include "master/channel.h"
#include "master/control.h"
#include "master/edition.h"
#include "master/holdings.h"
#include "master/keep_socket.h"
#include "master/listeners.h"
#include "master/master.h"
#include "master/page.h"
#include "master/page_save.h"
#include "master/personality.h"
#include "master/services.h"
#include "master/upgrade.h"
#include "master/weigh.h"
#include "master/workers.h"
#include "sys/child.h"
#include "sys/fd.h"
#include "sys/loop.h"
#include "sys/net.h"
#include "table/service.h"

/* The descriptors of a state that was loaded, and what follows from them. */

static int take_channels(
	struct master *master, uint32_t id, struct holdings *holdings)
{
	struct service_state *state = service_of(master, id);
	uint32_t serial = state->shared_serial;

	state->program.fd = holdings_take(holdings, "program.%u", id);
	for (unsigned i = 0; i < 2; i++)
		state->flow[i] = holdings_take(holdings, "flow.%u.%u", id, i);
	state->shared_fd =
		holdings_take(holdings, "shared.%u.%u.0", id, serial);
	state->shared_worker_fd =
		holdings_take(holdings, "shared.%u.%u.1", id, serial);
	if (state->shared_fd < 0)
		return 0;
	return loop_add(master->loop, state->shared_fd, LOOP_IN | LOOP_RDHUP,
		tag_make(TAG_SHARED, id, serial));
}

/* One that is missing was lost; it is opened again as any other is. */
static bool take_service(
	struct master *master, uint32_t id, struct holdings *holdings)
{
	struct service_state *state = service_of(master, id);

	for (unsigned i = 0; i < state->listeners_n; i++)
		state->listeners[i].fd =
			holdings_take(holdings, "listener.%u.%u", id, i);
	if (take_channels(master, id, holdings) < 0 ||
		!pages_take(master, id, holdings))
		return false;
	listeners_watch(master, id, state->watching);
	return true;
}

static int take_channel(
	struct master *master, uint32_t slot, struct holdings *holdings)
{
	struct worker_record *worker = &master->workers[slot];
	char name[HOLDING_NAME_MAX];

	holding_of_worker(name, "worker", slot, worker);
	worker->channel = holdings_take(holdings, "%s", name);
	if (worker->channel >= 0)
		return loop_add(master->loop, worker->channel,
			LOOP_IN | LOOP_RDHUP,
			tag_make(TAG_CHANNEL, slot, worker->serial));
	/* The verdict may not have been spoken yet. */
	if (!worker->shared && !worker->disconnected)
		channel_mute(master, slot);
	return 0;
}

/* Nobody knows how it ended; all that is known is that it has. */
static void lose(struct master *master, uint32_t slot)
{
	channel_drain(master, slot);
	inbox_put(
		&master->inbox, &(struct event){.kind = EVENT_EXITED,
					.slot = slot,
					.serial = master->workers[slot].serial,
					.unknown = true});
	worker_forget(master, slot);
}

/* A mold was asked for it, and would answer another master. */
static void give_order_up(struct master *master, uint32_t slot)
{
	const struct worker_record *worker = &master->workers[slot];

	inbox_put_worker(
		&master->inbox, EVENT_ORDER_FAILED, slot, worker->serial);
	if (worker->channel >= 0)
		(void)sys_shutdown(worker->channel, SHUT_RDWR);
	worker_forget(master, slot);
}

static bool take_worker(
	struct master *master, uint32_t slot, struct holdings *holdings)
{
	struct worker_record *worker = &master->workers[slot];
	char name[HOLDING_NAME_MAX];

	if (worker->queued) {
		worker_requeue();
		return true;
	}
	holding_of_worker(name, "pidfd", slot, worker);
	worker->pidfd = holdings_take(holdings, "%s", name);
	if (take_channel(master, slot, holdings) < 0)
		return false;
	if (worker->pid == 0) {
		give_order_up(master, slot);
		return true;
	}
	if (worker->pidfd < 0) {
		lose(master, slot);
		return true;
	}
	return loop_add(master->loop, worker->pidfd, LOOP_IN,
		       tag_make(TAG_PIDFD, slot, worker->serial)) == 0;
}

/* Those whose end the core had not heard of yet when the state was written. */
static void bury_unknown(struct master *master)
{
	struct view_worker view;

	for (uint32_t slot = 0; slot < master->limits.workers_max; slot++)
		if (core_view_worker(
			    master->core, slot, master->now_ns, &view) &&
			master->workers[slot].serial == 0)
			inbox_put(&master->inbox,
				&(struct event){.kind = EVENT_EXITED,
					.slot = slot,
					.serial = view.serial,
					.unknown = true});
}

/* A mold makes children of its parent's; if that is not us, it is of no use. */
static void renew_molds(struct master *master)
{
	for (uint32_t id = 0; id < master->services_high; id++) {
		const struct service_state *state = service_of(master, id);

		if (state->edition != NULL && state->row->policy.mold)
			inbox_put(&master->inbox,
				&(struct event){
					.kind = EVENT_REMOLD, .service = id});
	}
}

static bool take_all(struct master *master, struct holdings *holdings)
{
	int keeper;

	for (uint32_t id = 0; id < master->services_high; id++)
		if (service_of(master, id)->edition != NULL &&
			!take_service(master, id, holdings))
			return false;
	for (uint32_t slot = 0; slot < master->workers_high; slot++)
		if (master->workers[slot].serial != 0 &&
			!take_worker(master, slot, holdings))
			return false;
	bury_unknown(master);
	leftovers_take(master, holdings);
	master->lock_fd = holdings_take(holdings, "lock");
	keeper = holdings_take(holdings, "keeper");
	if (keeper >= 0 && keep_socket_resume(master, keeper) < 0)
		return false;
	return control_take(master, holdings) == 0;
}

bool adopt_take(struct master *master, struct holdings *holdings,
	const char **out_problem)
{
	master->held = true;
	if (!take_all(master, holdings)) {
		*out_problem = "what was open cannot be had";
		return false;
	}
	for (uint32_t id = 0; id < master->services_high; id++)
		page_look(master, id);
	core_end_trials(master->core);
	listeners_adopted(master);
	weigh_begin(master);
	if (!upgrade_is_same_process())
		renew_molds(master);
	master->personality->in_force(master, master->edition->table);
	return true;
}

bool adopt(struct master *master, struct text state, struct holdings *holdings,
	const char **out_problem)
{
	return adopt_load(master, state, out_problem) &&
	       adopt_take(master, holdings, out_problem);
}
