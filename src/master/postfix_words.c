/* SPDX-License-Identifier: MIT */
#include "master/postfix_shell.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/number.h"
#include "conf/mastercf.h"
#include "core/action.h"
#include "core/view.h"
#include "master/log.h"
#include "master/master.h"
#include "master/services.h"
#include "master/workers.h"
#include "sys/spawn.h"
#include "table/service.h"

/*
 * What Postfix's master says, in its words: people grep for them, and
 * monitoring counts them. PATH, EXT and NAME of its manual are an entry's
 * path, name and canonical.
 */

#define STRESS_README "http://www.postfix.org/STRESS_README.html"

/* postlogd would be the last to tell what is wrong with postlogd. */
static bool is_reader_of_log(const struct postfix_service *entry)
{
	const char *path = entry->endpoints[0].path;

	return path != NULL && log_goes_through(path);
}

__attribute__((format(printf, 3, 4))) static void say(
	const struct postfix_service *entry, enum log_level level,
	const char *format, ...)
{
	char words[2048];
	va_list arguments;

	va_start(arguments, format);
	(void)vsnprintf(words, sizeof(words), format, arguments);
	va_end(arguments);
	if (is_reader_of_log(entry))
		log_words_direct(level, "%s", words);
	else
		log_words(level, "%s", words);
}

/* Not rationed: who reads the log counts them. */
static bool say_died(struct master *master, const struct postfix_service *entry,
	const struct action *action)
{
	const struct last_death *death =
		worker_death(action->slot, action->serial);

	(void)master;
	if (death == NULL)
		return false;
	if (death->end.signal != 0)
		say(entry, LOG_WARNING, "process %s pid %d killed by signal %d",
			entry->path, death->pid, death->end.signal);
	else
		say(entry, LOG_WARNING, "process %s pid %d exit status %d",
			entry->path, death->pid, death->end.code);
	return true;
}

static void say_bad_startup(const struct postfix_service *entry)
{
	say(entry, LOG_WARNING, "%s: bad command startup -- throttling",
		entry->path);
}

/* Postfix's child says the first line, and exits 1 for the others. */
static void say_exec_failed(const struct postfix_service *entry,
	uint32_t service, const char *reason)
{
	const struct last_death *death = worker_failed_start(service);

	say(entry, LOG_FATAL, "master_spawn: exec %s: %s", entry->path, reason);
	if (death != NULL)
		say(entry, LOG_WARNING, "process %s pid %d exit status 1",
			entry->path, death->pid);
	say_bad_startup(entry);
}

static bool say_start_failed(const struct postfix_service *entry,
	uint32_t service, const struct view_service *view)
{
	const char *reason = strerror(view->error);

	if (view->stage == STAGE_LISTENER)
		return false;
	if (view->stage == SPAWN_STAGE_EXEC)
		say_exec_failed(entry, service, reason);
	else
		/* Descriptors are what Postfix copies as part of its fork. */
		say(entry, LOG_WARNING, "master_spawn: %s: %s -- throttling",
			view->stage == SPAWN_STAGE_FDS
				? "fork"
				: spawn_stage_name(view->stage),
			reason);
	return true;
}

static bool say_throttled(struct master *master,
	const struct postfix_service *entry, const struct action *action)
{
	struct view_service view;

	if (!core_view_service(
		    master->core, action->service, master->now_ns, &view))
		return false;
	if (view.cause == CAUSE_START_FAILED)
		return say_start_failed(entry, action->service, &view);
	/* Postfix starts one that exits 0 at once again and again. */
	if (view.cause != CAUSE_EARLY_EXIT ||
		(view.code == 0 && view.signal == 0))
		return false;
	say_bad_startup(entry);
	return true;
}

static bool say_at_limit(struct master *master,
	const struct postfix_service *entry, const struct action *action)
{
	struct log_line line;

	if (!entry->has_stress) {
		log_begin(&line, MESSAGE_AT_LIMIT);
		line.level = LOG_INFO; /* Postfix does not mention it */
		log_text(&line, "service",
			service_name(master, action->service));
		log_number(&line, "limit", action->number);
		log_end(&line);
		return true;
	}
	say(entry, LOG_WARNING,
		"service \"%s\" (%s) has reached its process limit \"%llu\": "
		"new clients may experience noticeable delays",
		entry->name, entry->canonical,
		(unsigned long long)action->number);
	say(entry, LOG_WARNING,
		"to avoid this condition, increase the process count in "
		"master.cf or reduce the service time per client");
	say(entry, LOG_WARNING,
		"see " STRESS_README " for examples of stress-adapting "
		"configuration settings");
	return true;
}

bool postfix_say_notice(struct master *master, const struct action *action)
{
	static bool (*const words[NOTICES])(struct master * master,
		const struct postfix_service *entry,
		const struct action *action) = {
		[NOTICE_DIED] = say_died,
		[NOTICE_THROTTLED] = say_throttled,
		[NOTICE_AT_LIMIT] = say_at_limit,
	};
	const struct postfix_service *entry =
		postfix_entry(master, action->service);

	return entry != NULL && words[action->notice] != NULL &&
	       words[action->notice](master, entry, action);
}

bool postfix_say_gossip(struct master *master, uint32_t service,
	const struct gossip_words *gossip)
{
	const struct postfix_service *entry = postfix_entry(master, service);
	bool partial = gossip->bytes > 0 && gossip->bytes < 12;

	if (entry == NULL)
		return false;
	if (strcmp(gossip->what, "size") == 0 && partial)
		say(entry, LOG_WARNING,
			"service %s(%s): child (pid %d) sent partial status "
			"update (%u bytes)",
			entry->name, entry->canonical, gossip->pid,
			gossip->bytes);
	else if (strcmp(gossip->what, "generation") == 0)
		/* In octal, as it is in the worker's environment. */
		say(entry, LOG_INFO,
			"ignoring status update from child pid %d "
			"generation %o",
			gossip->pid, gossip->generation);
	else if (strcmp(gossip->what, "status") == 0)
		/* Postfix has the two numbers in each other's place. */
		say(entry, LOG_WARNING,
			"master_status_event: ignoring unknown status: %d "
			"allegedly from pid: %d",
			gossip->status, gossip->pid);
	else
		return false;
	return true;
}

bool postfix_say_wake(struct master *master, uint32_t service, int error)
{
	const struct postfix_service *entry = postfix_entry(master, service);

	if (entry == NULL)
		return false;
	say(entry, LOG_WARNING, "master_wakeup_timer_event: service %s(%s): %s",
		entry->name, entry->canonical, strerror(error));
	return true;
}
