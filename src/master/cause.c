/* SPDX-License-Identifier: MIT */
#include "master/cause.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "base/text.h"
#include "core/view.h"
#include "master/workers.h"
#include "sys/path.h"
#include "sys/spawn.h"
#include "table/service.h"

/* The kernel says ENOENT, too, when only the file's interpreter is missing. */
static bool interpreter_missing(
	const struct view_service *view, const struct service *row)
{
	return view->stage == SPAWN_STAGE_EXEC && view->error == ENOENT &&
	       sys_exists(row->path) == 1;
}

static void put_start(struct text_builder *out, const struct view_service *view,
	const struct service *row)
{
	if (view->stage == STAGE_LISTENER) {
		text_put_format(out,
			"a worker shut a listener down, and it cannot be "
			"opened again: %s",
			view->error == ESHUTDOWN
				? "it was passed to us, so restart its socket "
				  "unit and then ostlerd"
				: strerror(view->error));
		return;
	}
	text_put_format(out, "%s: %s", spawn_stage_name(view->stage),
		strerror(view->error));
	if (view->stage == SPAWN_STAGE_EXEC)
		text_put_format(out, " (%s)", row->path);
	else if (view->stage == SPAWN_STAGE_DIRECTORY)
		text_put_format(out, " (%s)", row->directory);
	if (interpreter_missing(view, row))
		text_put(out, "; the file is there: its interpreter is not");
	if (view->stage == SPAWN_STAGE_FORK &&
		(view->error == EMFILE || view->error == ENFILE))
		text_put(out, "; raise RLIMIT_NOFILE of the master");
}

static void put_end(struct text_builder *out, const struct view_service *view)
{
	if (view->signal != 0)
		text_put_format(out, "killed by signal %d (%s)", view->signal,
			strsignal(view->signal));
	else
		text_put_format(out, "exit status %d", view->code);
}

void cause_put(struct text_builder *out, const struct view_service *view,
	const struct service *row)
{
	switch (view->cause) {
	case CAUSE_NONE:
		break;
	case CAUSE_START_FAILED:
		put_start(out, view, row);
		break;
	case CAUSE_START_TIMEOUT:
		text_put(out, "did not report AVAIL within start_time_limit");
		break;
	case CAUSE_EARLY_EXIT:
		put_end(out, view);
		text_put(out, row->policy.throttle_whole
				      ? " before a client was served"
				      : " before its first client");
		break;
	case CAUSE_CRASHING:
		put_end(out, view);
		text_put(out, ", again and again");
		break;
	case CAUSE_START_RATE:
		text_put(out, "more starts than start_rate allows");
		break;
	case CAUSE_LISTENER_LOST:
		text_put(out, "a worker shut the listener down");
		break;
	}
}
