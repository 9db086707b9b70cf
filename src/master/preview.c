/* SPDX-License-Identifier: MIT */
#include "master/preview.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/diag.h"
#include "base/number.h"
#include "master/capacity.h"
#include "master/client.h"
#include "master/control.h"
#include "master/edition.h"
#include "master/master.h"
#include "master/personality.h"
#include "master/plan.h"
#include "master/reload.h"
#include "sys/creds.h"
#include "sys/loop.h"
#include "sys/memory.h"
#include "table/table.h"

#define LOOKUP_NS (10 * NS_PER_S)

static struct {
	bool running;
	bool asking; /* before the files can be read */
	bool heard;  /* from a look-up */
	uint32_t client;
	uint32_t serial;     /* of the client */
	uint64_t until_ns;   /* of what is waited for */
	struct arena *arena; /* owned; of diags */
	struct diags diags;
	struct edition *candidate; /* owned */
	struct lookup *lookup;	   /* owned */
} preview;

static void end_lookup(struct master *master)
{
	if (preview.lookup == NULL)
		return;
	(void)loop_remove(master->loop, sys_lookup_fd(preview.lookup));
	sys_lookup_cancel(preview.lookup);
	preview.lookup = NULL;
}

void preview_finish(struct master *master)
{
	end_lookup(master);
	edition_drop(preview.candidate);
	preview.candidate = NULL;
	arena_destroy(preview.arena);
	preview.arena = NULL;
	preview.running = preview.asking = false;
}

/* Whoever asked; NULL: he is gone. */
static struct client *client_of(struct master *master)
{
	struct client *client = &master->control->clients[preview.client];

	return client->state == CLIENT_PLANNING &&
			       client->serial == preview.serial
		       ? client
		       : NULL;
}

static void deliver(struct master *master, struct client *client)
{
	client->until_ns = master->now_ns + PATIENCE_NS;
	answer_go_on(master, client);
}

static void refuse(struct master *master)
{
	struct client *client = client_of(master);

	preview_refuse(client, &preview.diags);
	deliver(master, client);
	preview_finish(master);
}

static void complain(
	struct master *master, const char *problem, const char *remedy)
{
	diags_add(&preview.diags, &(struct diag){.severity = DIAG_ERROR,
					  .file = master->options->config,
					  .problem = problem,
					  .remedy = remedy});
	refuse(master);
}

/* Everything is known: as a reload would have it. */
static void compare(struct master *master, const char *file)
{
	struct client *client = client_of(master);
	struct plan plan = {.edition = NULL};

	if (!edition_check(preview.candidate, file, &preview.diags) ||
		!capacity_check(master, preview.candidate, &preview.diags)) {
		refuse(master);
		return;
	}
	if (!plan_look(&plan, master, preview.candidate, &preview.diags)) {
		if (preview.diags.errors_n > 0)
			refuse(master);
		else
			complain(master, strerror(ENOMEM), "try again");
		return;
	}
	preview_tell(client, &plan, &preview.diags);
	plan_finish(&plan);
	preview_finish(master);
	deliver(master, client);
	sys_memory_trim();
}

static void look_up(struct master *master)
{
	struct lookup_request *requests = edition_requests(preview.candidate);
	int result = -ENOMEM;

	if (requests != NULL)
		result = sys_lookup_start(requests,
			preview.candidate->identities_n, &preview.lookup);
	free(requests);
	if (result == 0)
		result = loop_add(master->loop, sys_lookup_fd(preview.lookup),
			LOOP_IN, tag_make(TAG_LOOKUP, 0, 0));
	preview.until_ns = master->now_ns + LOOKUP_NS;
	if (result < 0)
		complain(master, strerror(-result),
			"users cannot be looked up now; try again");
}

/* The file that was named, or NULL. The line is there still. */
static const char *file_of(
	struct client *client, struct control_request *request)
{
	if (control_parse_request(client->request, client->request_n,
		    request) != CONTROL_PARSE_OK ||
		request->path[0] == '\0')
		return NULL;
	return request->path;
}

static void load(struct master *master)
{
	struct control_request request;
	struct table *table = NULL;
	const char *file = file_of(client_of(master), &request);

	if (!master->personality->preview(
		    master, file, &table, &preview.diags)) {
		refuse(master);
		return;
	}
	preview.candidate = edition_create(table);
	if (preview.candidate == NULL)
		complain(master, strerror(ENOMEM), "try again");
	else
		look_up(master);
}

static void ask_or_load(struct master *master)
{
	preview.until_ns = master->personality->ask == NULL
				   ? 0
				   : master->personality->ask(master);
	preview.asking = preview.until_ns != 0;
	if (!preview.asking)
		load(master);
}

static void take_lookup(struct master *master)
{
	struct control_request request;
	const char *file = file_of(client_of(master), &request);
	int result =
		sys_lookup_read(preview.lookup, preview.candidate->identities);

	if (result == -EAGAIN && master->now_ns < preview.until_ns)
		return;
	end_lookup(master);
	if (result == 0)
		compare(master, file != NULL ? file : master->options->config);
	else
		complain(master, "users could not be looked up",
			"see nsswitch.conf(5), or give numbers; try again");
}

/* Who asked first; NULL: nobody. */
static struct client *next_client(struct master *master)
{
	struct client *first = NULL;

	for (unsigned i = 0; i < CLIENTS_MAX; i++) {
		struct client *client = &master->control->clients[i];

		if (client->state == CLIENT_PLANNING &&
			(first == NULL || client->serial < first->serial))
			first = client;
	}
	return first;
}

static void begin(struct master *master, const struct client *client)
{
	preview.client = (uint32_t)(client - master->control->clients);
	preview.serial = client->serial;
	preview.running = true;
	preview.heard = false;
	preview.arena = arena_create(0);
	if (preview.arena == NULL) {
		preview.running = false;
		client_finish(
			master, &master->control->clients[preview.client]);
		return;
	}
	diags_init(&preview.diags, preview.arena);
	if (master->personality->previewing != NULL)
		master->personality->previewing(master);
	ask_or_load(master);
}

static void go_on(struct master *master)
{
	bool due = preview.heard || master->now_ns >= preview.until_ns;

	preview.heard = false;
	if (client_of(master) == NULL)
		preview_finish(master);
	else if (due && preview.asking)
		ask_or_load(master);
	else if (due)
		take_lookup(master);
}

static void refuse_all(struct master *master)
{
	struct client *client;

	while ((client = next_client(master)) != NULL) {
		answer_failed(
			client, CONTROL_CODE_BUSY, "the master is stopping");
		deliver(master, client);
	}
}

void preview_go_on(struct master *master)
{
	struct client *client;

	if (master->control == NULL)
		return;
	if (preview.running && (master->stopping || reload_is_running(master)))
		preview_finish(master);
	if (master->stopping)
		refuse_all(master);
	if (preview.running)
		go_on(master);
	while (!preview.running && !reload_is_running(master) &&
		(client = next_client(master)) != NULL)
		begin(master, client);
}

void preview_lookup_ready(void)
{
	preview.heard = true;
}

uint64_t preview_deadline(void)
{
	return preview.running ? preview.until_ns : LOOP_FOREVER;
}

int preview_pid(const struct master *master)
{
	if (preview.running && preview.asking)
		return master->personality->asking_pid(master);
	return preview.lookup == NULL ? 0 : sys_lookup_pid(preview.lookup);
}
