/* SPDX-License-Identifier: MIT */
#include "ctl/ctl.h"

#include <inttypes.h>
#include <stdio.h>

#include "ctl/answer.h"
#include "ctl/document.h"
#include "ctl/say.h"

static enum ctl_exit print_json(const struct answer *answer)
{
	json_t *document = document_create();

	document_set(document, "ostler", document_text(OSTLER_VERSION));
	document_set(document, "master", document_only(answer, CONTROL_MASTER));
	return document_print(document);
}

static void print_master(const struct answer *answer)
{
	size_t from = 0;
	const struct control_record *record =
		answer_next(answer, CONTROL_MASTER, &from);

	if (record != NULL)
		say_line(stdout, "master %s (%s), pid %" PRIu64,
			answer_text(record->master.version),
			answer_text(record->master.personality),
			record->master.pid);
}

/* Ours is told whatever becomes of the question for the master's. */
enum ctl_exit ctl_version(const struct ctl *ctl)
{
	const struct control_request request = {.verb = CONTROL_VERB_VERSION};
	struct answer answer;
	enum ctl_exit printed = CTL_OK;
	enum ctl_exit result;

	if (!ctl->json)
		say_line(stdout, "ostler %s", OSTLER_VERSION);
	result = answer_get(&answer, ctl, &request, ANSWER_PATIENCE_NS);
	if (result == CTL_OK)
		result = answer_verdict(&answer);
	if (ctl->json)
		printed = print_json(&answer);
	else if (result == CTL_OK)
		print_master(&answer);
	answer_finish(&answer);
	return result != CTL_OK ? result : printed;
}
