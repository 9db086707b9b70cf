/* SPDX-License-Identifier: MIT */
#include "master/master.h"

#include <assert.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/number.h"
#include "master/channel.h"
#include "master/close.h"
#include "master/control.h"
#include "master/edition.h"
#include "master/exit.h"
#include "master/hooks.h"
#include "master/keep.h"
#include "master/listeners.h"
#include "master/log.h"
#include "master/manager.h"
#include "master/perform.h"
#include "master/preview.h"
#include "master/reload.h"
#include "master/molds.h"
#include "master/round.h"
#include "master/services.h"
#include "master/store.h"
#include "master/wake.h"
#include "master/workers.h"
#include "sys/child.h"
#include "sys/clock.h"
#include "sys/fd.h"
#include "sys/limits.h"
#include "sys/machine.h"
#include "sys/memory.h"
#include "sys/path.h"
#include "sys/signals.h"
#include "table/service.h"

#define INBOX_FIRST 256

static int open_signals(struct master *master)
{
	/* SIGALRM: an alarm that our starter set must not be our end. */
	static const int signals[] = {SIGTERM, SIGINT, SIGQUIT, SIGHUP, SIGUSR1,
		SIGUSR2, SIGCHLD, SIGALRM};

	master->signal_fd =
		sys_signals_open(signals, sizeof(signals) / sizeof(signals[0]));
	if (master->signal_fd < 0)
		return master->signal_fd;
	return loop_add(master->loop, master->signal_fd, LOOP_IN,
		tag_make(TAG_SIGNAL, 0, 0));
}

static int open_tables(struct master *master)
{
	int result = wakes_create(master);

	master->services = sys_map(SERVICES_MAX * sizeof(*master->services));
	if (master->services == NULL)
		return -ENOMEM;
	if (result == 0)
		result = leftovers_create(master);
	if (result == 0)
		result = reload_create(master);
	inbox_init(&master->inbox, INBOX_FIRST);
	return result;
}

int master_prepare(struct master *master, const struct options *options)
{
	*master = (struct master){.options = options,
		.personality = options->personality,
		.flow = {-1, -1},
		.signal_fd = -1,
		.null_fd = -1,
		.lock_fd = -1};
	master->now_ns = master->started_ns = clock_now_ns();
	return open_tables(master);
}

int master_open(struct master *master, const struct options *options,
	const char **out_what)
{
	int result = master_prepare(master, options);

	*out_what = "memory";
	if (result < 0)
		return result;
	molds_begin();
	hooks_begin();
	*out_what = "spawner";
	result = spawner_create(&master->spawner, options->spawn_method);
	if (result < 0)
		return result;
	*out_what = "RLIMIT_NOFILE";
	result = sys_nofile(&master->nofile, &master->nofile_soft);
	if (result < 0)
		return result;
	*out_what = "/dev/null";
	master->null_fd = sys_open_null();
	if (master->null_fd < 0)
		return master->null_fd;
	*out_what = "loop";
	result = loop_create(&master->loop);
	if (result < 0)
		return result;
	*out_what = "signals";
	return open_signals(master);
}

int master_room(struct master *master, uint32_t workers_max)
{
	master->limits = (struct core_limits){.services_max = SERVICES_MAX,
		.workers_max = workers_max,
		.seed = clock_now_ns(),
		.cpus = sys_processors()};
	master->core_bytes = core_size(&master->limits);
	master->core_memory = sys_map(master->core_bytes);
	master->workers = sys_map(workers_max * sizeof(*master->workers));
	return master->core_memory == NULL || master->workers == NULL ? -ENOMEM
								      : 0;
}

int master_size(struct master *master, uint32_t workers_max)
{
	int result = master_room(master, workers_max);

	if (result == 0)
		master->core = core_init(master->core_memory, &master->limits);
	return result;
}

void master_finish(struct master *master)
{
	for (uint32_t id = 0;
		master->loop != NULL && id < master->services_high; id++)
		service_close(master, id);
	control_destroy(master);
	if (master->loop != NULL) {
		hooks_end(master);
		preview_finish(master);
		reload_destroy(master);
		wakes_destroy(master);
	}
	leftovers_destroy(master);
	edition_drop(master->edition);
	keep_end(master);
	inbox_finish(&master->inbox);
	spawner_destroy(master->spawner);
	loop_destroy(master->loop);
	fd_close(&master->signal_fd);
	fd_close(&master->null_fd);
	fd_close(&master->flow[0]);
	fd_close(&master->flow[1]);
	fd_close(&master->lock_fd);
	sys_unmap(master->services, SERVICES_MAX * sizeof(*master->services));
	sys_unmap(master->workers,
		master->limits.workers_max * sizeof(*master->workers));
	sys_unmap(master->core_memory, master->core_bytes);
	free(master->runtime_directory);
}

/* What came of an action waits behind what is here: no step nests. */
static void decide(struct master *master)
{
	struct event event;

	if (core_deadline_ns(master->core) <= master->now_ns)
		inbox_put_kind(&master->inbox, EVENT_TIME);
	while (inbox_next(&master->inbox, &event)) {
		master->changed = true;
		keep_touch(master);
		perform(master,
			core_step(master->core, &event, master->now_ns));
	}
}

void master_round(struct master *master)
{
	round_collect(master);
	decide(master);
	round_expire(master);
	decide(master);
	keep_expire(master);
	manager_round(master);
	store_round(master);
}

int master_run(struct master *master)
{
	while (!master->done)
		master_round(master);
	keep_bye(master);
	control_stopped(master);
	log_say(MESSAGE_MASTER_STOPPED, "");
	return master->exit_code;
}
