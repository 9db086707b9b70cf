/* SPDX-License-Identifier: MIT */
#include "ctl/answer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/text.h"
#include "ctl/say.h"

/* Some hundred thousand services; what sends more is no master. */
enum { ANSWER_BYTES_MAX = 64 * 1024 * 1024 };

const char *answer_text(const char *text)
{
	return text != NULL ? text : "";
}

bool answer_name_service(const char *service, struct control_request *request)
{
	struct control_request parsed;
	char line[CONTROL_REQUEST_MAX + 1];
	int n = snprintf(line, sizeof(line), "status %s\n", service);

	if (n <= 0 || n >= (int)sizeof(line) ||
		control_parse_request(line, (size_t)n, &parsed) !=
			CONTROL_PARSE_OK ||
		strcmp(parsed.service, service) != 0)
		return false;
	memcpy(request->service, parsed.service, sizeof(request->service));
	return true;
}

static enum ctl_exit broken(const struct client *client, const char *what)
{
	if (!client->quiet)
		say_complaint("%s: %s", client->path, what);
	return CTL_FAILED;
}

static bool add(struct answer *answer, const struct control_record *record)
{
	struct control_record *more;

	if (answer->n == answer->size) {
		size_t size = answer->size > 0 ? 2 * answer->size : 64;

		more = reallocarray(answer->records, size, sizeof(*more));
		if (more == NULL)
			return false;
		answer->records = more;
		answer->size = size;
	}
	answer->records[answer->n++] = *record;
	return true;
}

enum step {
	STEP_RECORD,
	STEP_PASSED, /* a kind that we do not know */
	STEP_CLOSED,
	STEP_BROKEN,
};

static enum step step(struct answer *answer, struct client *client,
	struct control_record *out)
{
	const char *line;
	size_t n;
	char *store;

	switch (client_next(client, &line, &n)) {
	case CLIENT_CLOSED:
		return STEP_CLOSED;
	case CLIENT_BROKEN:
		return STEP_BROKEN;
	case CLIENT_LINE:
		break;
	}
	store = arena_alloc(answer->arena, n + 1);
	if (store == NULL) {
		(void)broken(client, "the answer is too long");
		return STEP_BROKEN;
	}
	switch (control_read(line, n, store, out)) {
	case CONTROL_READ_OK:
		return STEP_RECORD;
	case CONTROL_READ_UNKNOWN:
		return STEP_PASSED;
	case CONTROL_READ_GARBAGE:
		break;
	}
	(void)broken(client, "what answers is no master: it sends no records");
	return STEP_BROKEN;
}

static enum ctl_exit read_up_to_end(
	struct answer *answer, struct client *client)
{
	struct control_record record;

	for (;;) {
		enum step got = step(answer, client, &record);

		if (got == STEP_BROKEN)
			return CTL_FAILED;
		if (got == STEP_CLOSED)
			return broken(client,
				"the master hung up before it had answered");
		if (got == STEP_PASSED)
			continue;
		if (record.kind == CONTROL_END) {
			answer->end = record;
			return CTL_OK;
		}
		if (!add(answer, &record))
			return broken(client, "out of memory");
	}
}

enum ctl_exit answer_ask(struct answer *answer, struct client *client,
	const struct ctl *ctl, const struct control_request *request,
	uint64_t patience_ns)
{
	enum ctl_exit result;

	*answer = (struct answer){.arena = arena_create(ANSWER_BYTES_MAX)};
	result = client_ask(client, ctl, request, patience_ns);
	if (result != CTL_OK)
		return result;
	if (answer->arena == NULL)
		return broken(client, "out of memory");
	return read_up_to_end(answer, client);
}

enum ctl_exit answer_wait_for_end(struct answer *answer, struct client *client)
{
	struct control_record record;

	for (;;) {
		enum step got = step(answer, client, &record);

		if (got == STEP_BROKEN)
			return CTL_FAILED;
		if (got == STEP_CLOSED)
			return CTL_OK;
		if (got == STEP_RECORD && !add(answer, &record))
			return broken(client, "out of memory");
	}
}

enum ctl_exit answer_get(struct answer *answer, const struct ctl *ctl,
	const struct control_request *request, uint64_t patience_ns)
{
	struct client client;
	enum ctl_exit result =
		answer_ask(answer, &client, ctl, request, patience_ns);

	client_finish(&client);
	return result;
}

enum ctl_exit answer_verdict(const struct answer *answer)
{
	const struct control_end *end = &answer->end.end;

	if (strcmp(answer_text(end->result), "ok") == 0)
		return CTL_OK;
	say_complaint(
		"%s", end->text != NULL ? end->text : "the master refused");
	if (end->code == CONTROL_CODE_NOT_ALLOWED)
		return CTL_NOT_ALLOWED;
	return CTL_FAILED;
}

const struct control_record *answer_next(
	const struct answer *answer, enum control_kind kind, size_t *from)
{
	while (*from < answer->n) {
		const struct control_record *record =
			&answer->records[(*from)++];

		if (record->kind == kind)
			return record;
	}
	return NULL;
}

void answer_finish(struct answer *answer)
{
	arena_destroy(answer->arena);
	free(answer->records);
	*answer = (struct answer){.arena = NULL};
}
