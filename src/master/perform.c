/* SPDX-License-Identifier: MIT */
#include "master/perform.h"

#include <signal.h>

#include "core/action.h"
#include "master/channel.h"
#include "master/close.h"
#include "master/listeners.h"
#include "master/log.h"
#include "master/master.h"
#include "master/page.h"
#include "master/services.h"
#include "master/shared.h"
#include "master/trial.h"
#include "master/wake.h"
#include "master/workers.h"
#include "table/service.h"

static void close_service(struct master *master, uint32_t service)
{
	struct log_line line;

	if (!master->stopping) {
		log_begin(&line, MESSAGE_SERVICE_GONE);
		log_text(&line, "service", service_name(master, service));
		log_end(&line);
	}
	service_close(master, service);
}

/* What a worker is sent that keeps its client too long is the operator's. */
static int soft_signal(const struct master *master, const struct action *action)
{
	/* In the order of the setting's choices. */
	static const int signals[] = {
		SIGTERM, SIGINT, SIGQUIT, SIGHUP, SIGABRT, SIGUSR1, SIGUSR2};
	const struct service *row = service_of(master, action->service)->row;

	if (action->number == 0 ||
		row->request_signal >= sizeof(signals) / sizeof(signals[0]))
		return SIGTERM;
	return signals[row->request_signal];
}

static void perform_one(struct master *master, const struct action *action)
{
	switch (action->kind) {
	case ACTION_WATCH:
		listeners_watch(master, action->service, true);
		break;
	case ACTION_IGNORE:
		listeners_watch(master, action->service, false);
		break;
	case ACTION_LOOK:
		listeners_look(master, action->service);
		break;
	case ACTION_EXAMINE:
		listeners_examine(master, action->service);
		break;
	case ACTION_SPAWN:
		worker_start(master, action);
		break;
	case ACTION_PROMOTE:
		trial_promote(master, action->service);
		break;
	case ACTION_ROLLBACK:
		trial_roll_back(master, action);
		break;
	case ACTION_RETIRE:
		worker_half_close(master, action->slot, action->serial);
		break;
	case ACTION_DISCONNECT:
		worker_disconnect(master, action->slot, action->serial);
		break;
	case ACTION_TERM:
		worker_signal(master, action->slot, action->serial,
			soft_signal(master, action));
		break;
	case ACTION_KILL:
		worker_signal(master, action->slot, action->serial, SIGKILL);
		break;
	case ACTION_LEFTOVERS:
		leftovers_retire(master, action->service);
		service_retire_shared(master, action->service);
		break;
	case ACTION_WAKE:
		wake_service(master, action->service);
		break;
	case ACTION_REOPEN:
		listeners_reopen(master, action->service);
		break;
	case ACTION_CLOSE:
		close_service(master, action->service);
		break;
	case ACTION_NOTICE:
		/* Those who are doubted count no more: its marks move. */
		if (action->notice == NOTICE_SUSPECT)
			page_look(master, action->service);
		notice_log(master, action);
		break;
	case ACTION_DONE:
		master->done = true;
		break;
	}
}

void perform(struct master *master, const struct actions *actions)
{
	for (uint32_t i = 0; i < actions->n; i++)
		perform_one(master, &actions->items[i]);
}
