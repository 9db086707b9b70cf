/* SPDX-License-Identifier: MIT */
#include <unistd.h>

#include "base/text.h"
#include "master/client.h"
#include "master/control.h"
#include "master/master.h"
#include "master/personality.h"
#include "master/upgrade.h"

/* `ostler upgrade`: who asks waits, across the change, for what comes of it. */

void upgrade_asked(struct master *master, struct client *client,
	const struct control_request *request)
{
	const char *path = request->path[0] == '\0' ? NULL : request->path;

	if (!master->personality->upgrades) {
		answer_failed(client, CONTROL_CODE_FAILED,
			"the master of a Postfix is not upgraded in place: "
			"stop it, and start the other one");
		return;
	}
	if (upgrade_is_running()) {
		answer_failed(
			client, CONTROL_CODE_BUSY, "an upgrade is under way");
		return;
	}
	client->state = CLIENT_UPGRADING;
	upgrade_request(master, path);
}

static void tell(struct master *master, struct client *client)
{
	const struct upgrade_result *result = upgrade_result();
	struct control_record record;
	struct text_builder out;

	client->state = CLIENT_ENDING;
	client->until_ns = master->now_ns + PATIENCE_NS;
	if (answer_begin(client, &out)) {
		control_record_init(&record, CONTROL_UPGRADE);
		record.upgrade.before = result->before;
		record.upgrade.after = result->after;
		record.upgrade.pid_before = (uint64_t)result->pid_before;
		record.upgrade.pid = (uint64_t)getpid();
		if (result->before != NULL)
			control_put(&out, &record);
		if (result->good)
			control_put_ok(&out);
		else
			control_put_failed(
				&out, CONTROL_CODE_FAILED, result->problem);
		answer_end(client, &out);
	}
	answer_go_on(master, client);
}

void control_tell_upgrades(struct master *master)
{
	for (unsigned i = 0; i < CLIENTS_MAX; i++) {
		struct client *client = &master->control->clients[i];

		if (client->state == CLIENT_UPGRADING)
			tell(master, client);
	}
}
