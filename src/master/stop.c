/* SPDX-License-Identifier: MIT */
#include "master/stop.h"

#include "master/log.h"
#include "master/master.h"

void stop_gently(struct master *master)
{
	if ((master->stopping && master->hurried) || master->stop_told) {
		master->stop_told = false;
		return;
	}
	if (master->stopping) {
		master->hurried = true;
		inbox_put_kind(&master->inbox, EVENT_HURRY);
		return;
	}
	master->stopping = true;
	log_say(MESSAGE_MASTER_STOPPING, "workers finish their clients");
	inbox_put_kind(&master->inbox, EVENT_STOP);
}

void stop_at_once(struct master *master)
{
	if (!master->stopping)
		log_say(MESSAGE_MASTER_STOPPING, "workers are killed");
	master->stopping = master->hurried = true;
	inbox_put_kind(&master->inbox, EVENT_QUIT);
}
