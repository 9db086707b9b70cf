/* SPDX-License-Identifier: MIT */
#include "master/capacity.h"

#include <stdio.h>
#include <string.h>

#include "base/diag.h"
#include "master/edition.h"
#include "master/master.h"
#include "table/table.h"

#define WORKERS_AUTO_MAX 65536u

static uint64_t listeners(const struct table *table)
{
	uint64_t n = 0;

	/* A shared channel and a flow pipe are two descriptors each. */
	for (unsigned i = 0; i < table->services_n; i++) {
		const struct service *row = &table->services[i];

		n += row->endpoints_n;
		n += row->channel == CHANNEL_SHARED ? 2 : 0;
		n += row->flow ? 2 : 0;
		/* Its program, and that of a row on trial, are held. */
		n += row->policy.canary != 0 ? 2 : 0;
	}
	return n;
}

/*
 * What is left over is the workers': a reload may add listeners, and the
 * number of workers stays, so an eighth of all is left for those.
 */
uint32_t capacity_workers(const struct table *table, uint64_t nofile)
{
	uint64_t taken = RESERVE_FDS + listeners(table) + nofile / 8;
	uint64_t workers;

	if (table->workers_max != 0)
		return table->workers_max;
	if (nofile <= taken)
		return 0;
	workers = (nofile - taken) / 2;
	return workers < WORKERS_AUTO_MAX ? (uint32_t)workers
					  : WORKERS_AUTO_MAX;
}

/* An eighth of it is set aside, and two are one worker's. */
uint64_t capacity_least(const struct table *table)
{
	uint64_t nofile = (RESERVE_FDS + listeners(table) + 2) * 8 / 7;

	while (capacity_workers(table, nofile) == 0)
		nofile++;
	return nofile;
}

static void complain(const struct master *master, struct diags *diags,
	const char *problem, const char *remedy)
{
	diags_add(diags, &(struct diag){.severity = DIAG_ERROR,
				 .file = master->options->config,
				 .problem = problem,
				 .remedy = remedy});
}

static bool check_descriptors(const struct master *master,
	const struct table *table, struct diags *diags)
{
	uint64_t need = RESERVE_FDS + listeners(table) +
			2 * (uint64_t)master->limits.workers_max;
	char problem[160];
	char remedy[160];

	if (need <= master->nofile)
		return true;
	snprintf(problem, sizeof(problem),
		"%u workers and %llu listeners need %llu descriptors, and "
		"RLIMIT_NOFILE is %llu",
		master->limits.workers_max,
		(unsigned long long)listeners(table), (unsigned long long)need,
		(unsigned long long)master->nofile);
	snprintf(remedy, sizeof(remedy),
		"raise RLIMIT_NOFILE to %llu (ulimit -n; LimitNOFILE=), or "
		"lower workers_max",
		(unsigned long long)need);
	complain(master, diags, problem, remedy);
	return false;
}

/* Nothing is left for a service that has no share: it would never start. */
static bool check_shares(const struct master *master, const struct table *table,
	struct diags *diags)
{
	uint64_t shares = 0;
	uint64_t need;
	unsigned without = 0;
	char problem[160];
	char remedy[160];

	for (unsigned i = 0; i < table->services_n; i++) {
		shares += table->services[i].policy.share;
		without += table->services[i].policy.share == 0;
	}
	need = shares + (shares > 0 && without > 0);
	if (need <= master->limits.workers_max)
		return true;
	snprintf(problem, sizeof(problem),
		"the shares of %u services are %llu workers%s, and "
		"workers_max is %u",
		table->services_n - without, (unsigned long long)shares,
		without > 0 ? ", others need one" : "",
		master->limits.workers_max);
	snprintf(remedy, sizeof(remedy),
		"lower share, or raise workers_max to %llu or more",
		(unsigned long long)need);
	complain(master, diags, problem, remedy);
	return false;
}

bool capacity_check(const struct master *master, const struct edition *edition,
	struct diags *diags)
{
	const struct table *table = edition->table;

	if (strcmp(table->runtime_directory, master->runtime_directory) != 0) {
		complain(master, diags, "runtime_directory has changed",
			"that needs a new start; set it back, or stop and "
			"start ostlerd");
		return false;
	}
	if (table->workers_max != 0 &&
		table->workers_max != master->limits.workers_max) {
		complain(master, diags, "workers_max has changed",
			"that needs a new start; set it back, or stop and "
			"start ostlerd");
		return false;
	}
	if (table->services_n + master->services_high > SERVICES_MAX) {
		complain(master, diags, "there are too many services",
			"at most 32768 can be changed at once");
		return false;
	}
	return check_descriptors(master, table, diags) &&
	       check_shares(master, table, diags);
}
