/* SPDX-License-Identifier: MIT */
#include "master/keep_arrive.h"

#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/text.h"
#include "core/event.h"
#include "core/save.h"
#include "core/view.h"
#include "master/adopt.h"
#include "master/channel.h"
#include "master/holdings.h"
#include "master/keep.h"
#include "master/keep_socket.h"
#include "master/listeners.h"
#include "master/log.h"
#include "master/manager.h"
#include "master/master.h"
#include "master/passed.h"
#include "master/records.h"
#include "master/services.h"
#include "master/shared.h"
#include "proto/keep.h"
#include "sys/channel.h"
#include "sys/fd.h"
#include "sys/net.h"

bool keep_has_state(struct holdings *holdings)
{
	uint32_t at = 0;

	return holdings_next(holdings, "state.", &at) != NULL;
}

/* One that was born after the state was written: it may finish and go. */
static void see_off(struct master *master, const char *name, int fd)
{
	struct keep_worker worker;
	bool known = keep_parse_worker(text_of(name), &worker) &&
		     worker.service < master->services_high &&
		     service_of(master, worker.service)->edition != NULL;

	if (!known) {
		sys_channel_close(&fd);
		return;
	}
	(void)sys_shutdown(fd, SHUT_WR);
	leftover_add(master, worker.service, fd, true);
}

/* Nobody is called as they are while they live. */
static void spend_serials(struct master *master, struct holdings *holdings)
{
	static const char *const prefixes[] = {"worker.", "pidfd."};
	struct keep_worker worker;
	const char *name;

	for (unsigned i = 0; i < 2; i++) {
		uint32_t at = 0;

		while ((name = holdings_next(holdings, prefixes[i], &at)) !=
			NULL)
			if (keep_parse_worker(text_of(name), &worker))
				core_spend_serial(master->core, worker.serial);
	}
}

/* One whose channel is its siblings', too: they all go, and others come. */
static void see_off_sharing(struct master *master, const char *name)
{
	struct keep_worker worker;

	if (keep_parse_worker(text_of(name), &worker) &&
		worker.service < master->services_high &&
		service_of(master, worker.service)->edition != NULL)
		service_retire_shared(master, worker.service);
}

static void see_all_off(struct master *master, struct holdings *holdings)
{
	const char *name;
	uint32_t at = 0;

	while ((name = holdings_next(holdings, "pidfd.", &at)) != NULL)
		see_off_sharing(master, name);
	at = 0;

	while ((name = holdings_next(holdings, "worker.", &at)) != NULL) {
		char copy[HOLDING_NAME_MAX];
		int fd;

		(void)memcpy(copy, name, strlen(name) + 1);
		fd = holdings_take(holdings, "%s", copy);
		if (fd >= 0)
			see_off(master, copy, fd);
	}
}

/* What the one before was about to hear, or had heard and not written down. */
static void tell_core(struct master *master)
{
	for (uint32_t slot = 0; slot < master->workers_high; slot++) {
		const struct worker_record *worker = &master->workers[slot];

		if (worker->serial != 0 && worker->pid != 0)
			inbox_put_worker(&master->inbox, EVENT_STARTED, slot,
				worker->serial);
	}
	for (uint32_t id = 0; id < master->services_high; id++)
		if (service_of(master, id)->edition != NULL)
			listeners_look(master, id);
}

static void say_refused(const char *problem)
{
	struct log_line line;

	log_begin(&line, MESSAGE_MASTER_FAILED);
	log_text(&line, "at", "the state of the master before");
	log_text(&line, "error", problem);
	log_end(&line);
}

bool keep_arrive(struct master *master, struct holdings *holdings)
{
	AUTO_FREE char *bytes = NULL;
	const char *problem = "it cannot be read";
	size_t n;
	bool good = keep_state(holdings, &bytes, &n) == 0 &&
		    adopt(master, (struct text){bytes, n}, holdings, &problem);

	if (good) {
		keep_words(master, holdings);
		spend_serials(master, holdings);
		see_all_off(master, holdings);
		tell_core(master);
		master->child_signal = true;
		master->stop_told = master->stopping;
	} else
		say_refused(problem);
	holdings_finish(holdings, true);
	return good;
}

void keep_settle(struct master *master)
{
	struct log_line line;

	master->held = false;
	if (master->lock_fd >= 0)
		(void)sys_write_pid(master->lock_fd, (int)getpid());
	keep_renew(master);
	log_begin(&line, MESSAGE_ADOPTED);
	log_text(&line, "cause", keep_cause(master));
	log_number(&line, "restarts", keep_restarts(master));
	log_number(&line, "workers", core_view_workers(master->core));
	log_number(&line, "pid", (uint64_t)getpid());
	log_end(&line);
	manager_ready(master);
}

void keep_offer(struct holdings *holdings)
{
	const char *name;
	uint32_t at = 0;

	while ((name = holdings_next(holdings, "listener.", &at)) != NULL)
		passed_offer(holdings_take(holdings, "%s", name), NULL);
	at = 0;
	while ((name = holdings_next(holdings, KEEP_PASSED, &at)) != NULL) {
		char copy[HOLDING_NAME_MAX];
		const char *rest; /* behind the number */

		(void)memcpy(copy, name, strlen(name) + 1);
		rest = strchr(copy + strlen(KEEP_PASSED), '.');
		passed_offer(holdings_take(holdings, "%s", copy),
			rest == NULL ? "" : rest + 1);
	}
	holdings_finish(holdings, true);
}
