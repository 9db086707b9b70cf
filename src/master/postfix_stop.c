/* SPDX-License-Identifier: MIT */
#include "master/postfix_shell.h"

#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "master/control.h"
#include "master/log.h"
#include "master/master.h"
#include "master/records.h"
#include "master/services.h"
#include "sys/child.h"
#include "sys/signals.h"
#include "table/service.h"

/*
 * Postfix's master does not wait for its workers: they get SIGTERM, and it
 * dies of the signal that it got. Names of sockets stay; locks go with us.
 */

/* Started by a script, our process group is somebody else's. */
static void term_workers(const struct master *master)
{
	for (uint32_t slot = 0; slot < master->workers_high; slot++) {
		const struct worker_record *worker = &master->workers[slot];

		if (worker->serial != 0 && worker->pidfd >= 0)
			(void)sys_child_signal(worker->pidfd, SIGTERM);
	}
}

/* Who should write them down has been told to go, if he was there at all. */
void postfix_rescue_lines(const struct master *master)
{
	for (uint32_t id = 0; id < master->services_high; id++) {
		const struct service_state *state = service_of(master, id);

		if (state->edition == NULL)
			continue;
		for (unsigned i = 0; i < state->listeners_n; i++) {
			const struct listener *one = &state->listeners[i];

			if (one->fd >= 0 && one->endpoint->path != NULL &&
				log_goes_through(one->endpoint->path))
				log_rescue(one->fd);
		}
	}
}

void postfix_stop(struct master *master, int signal)
{
	if (master->postfix->init)
		(void)kill(-1, SIGTERM); /* all of our namespace */
	else if (getpgrp() == getpid())
		(void)sys_signal_group(SIGTERM);
	else
		term_workers(master);
	postfix_rescue_lines(master);
	log_words_direct(LOG_INFO, "terminating on signal %d", signal);
	control_retract(master);
	log_finish();
	if (master->postfix->init)
		_exit(0);
	(void)sys_signal_die(signal);
	_exit(1);
}
