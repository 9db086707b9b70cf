/* SPDX-License-Identifier: MIT */
#include <signal.h>

#include "master/load.h"
#include "master/log.h"
#include "master/master.h"
#include "master/order.h"
#include "master/personality.h"
#include "master/stop.h"
#include "table/table.h"

/* ostlerd as itself. */

static bool load(struct master *master, struct table **out, struct diags *diags)
{
	return load_table(master->options->config, out, diags);
}

static bool preview(struct master *master, const char *file, struct table **out,
	struct diags *diags)
{
	return load_table(
		file != NULL ? file : master->options->config, out, diags);
}

static void in_force(struct master *master, const struct table *table)
{
	(void)master;
	log_open(&(struct log_setup){.target = table->log,
		.tag = "ostlerd",
		.facility = log_facility("daemon")});
}

static void stop(struct master *master, int signal)
{
	if (signal == SIGQUIT)
		stop_at_once(master);
	else
		stop_gently(master);
}

const struct personality personality_native = {
	.name = "native",
	.load = load,
	.preview = preview,
	.in_force = in_force,
	.order = order_make,
	.stop = stop,
	.wakes_dgram = true,
	.wake_stays = false,
	.lone_stays = false,
	.upgrades = true,
	.reload_replaces = false,
};
