/* SPDX-License-Identifier: MIT */
#include "master/begin.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "master/capacity.h"
#include "master/exit.h"
#include "master/log.h"
#include "master/manager.h"
#include "master/master.h"
#include "master/reload.h"
#include "table/table.h"

bool begin_method(const char *word, enum spawn_method *out)
{
	if (strcmp(word, "fork") == 0)
		*out = SPAWN_FORK;
	else if (strcmp(word, "clone") == 0)
		*out = SPAWN_CLONE;
	else if (strcmp(word, "auto") == 0)
		*out = SPAWN_AUTO;
	else
		return false;
	return true;
}

int begin_failed(const char *what, int result)
{
	struct log_line line;

	log_begin(&line, MESSAGE_MASTER_FAILED);
	log_text(&line, "at", what);
	log_text(&line, "error", strerror(-result));
	log_end(&line);
	manager_note_error(-result);
	return EXIT_MACHINE;
}

static int fail_nofile(const struct master *master, const struct table *table)
{
	struct log_line line;
	char error[160];

	snprintf(error, sizeof(error),
		"%llu descriptors leave none for workers; raise RLIMIT_NOFILE "
		"(ulimit -n; LimitNOFILE=) to %llu at least, better to 65536",
		(unsigned long long)master->nofile,
		(unsigned long long)capacity_least(table));
	log_begin(&line, MESSAGE_MASTER_FAILED);
	log_text(&line, "at", "RLIMIT_NOFILE");
	log_text(&line, "error", error);
	log_end(&line);
	return EXIT_MACHINE;
}

int begin_size(struct master *master, const struct table *table)
{
	uint32_t workers = capacity_workers(table, master->nofile);
	int result;

	if (workers == 0)
		return fail_nofile(master, table);
	result = master_size(master, workers);
	if (result < 0)
		return begin_failed("memory for workers_max", result);
	master->runtime_directory = strdup(table->runtime_directory);
	if (master->runtime_directory == NULL)
		return begin_failed("memory", -ENOMEM);
	return EXIT_OK;
}

/* The first one; another may have begun meanwhile. */
static bool has_ended(const struct master *master)
{
	return reload_count(master) + reload_failures(master) > 0;
}

int begin_table(struct master *master, struct table *table)
{
	reload_with(master, table);
	while (!has_ended(master) && !master->done)
		master_round(master);
	/* Asked to stop before there is anything: then that was done. */
	if (reload_count(master) > 0 || master->stopping)
		return EXIT_OK;
	return reload_result(master)->machine ? EXIT_MACHINE : EXIT_CONFIG;
}
