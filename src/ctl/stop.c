/* SPDX-License-Identifier: MIT */
#include "ctl/ctl.h"

#include <inttypes.h>
#include <stdio.h>

#include "ctl/answer.h"
#include "ctl/document.h"
#include "ctl/say.h"

/* How many there are; each is complained about. */
static unsigned report_stuck(const struct answer *answer)
{
	const struct control_record *record;
	unsigned n = 0;
	size_t from = 0;

	while ((record = answer_next(answer, CONTROL_STUCK, &from)) != NULL) {
		const struct control_stuck *stuck = &record->stuck;

		say_complaint(
			"a worker of %s could not be stopped: pid %" PRIu64
			", state %s",
			answer_text(stuck->service), stuck->pid,
			answer_text(stuck->state));
		n++;
	}
	return n;
}

static enum ctl_exit print_json(const struct answer *answer, bool stopped)
{
	json_t *document = document_create();
	json_t *stuck = json_array();
	const struct control_record *record;
	size_t from = 0;

	while ((record = answer_next(answer, CONTROL_STUCK, &from)) != NULL)
		document_append(stuck, document_record(record, NULL));
	document_set(document, "result", document_text(answer->end.end.result));
	document_set(document, "text", document_text(answer->end.end.text));
	document_set(document, "stopped", json_boolean(stopped));
	document_set(document, "stuck", stuck);
	return document_print(document);
}

/* `end` says that the stop has begun; the end of the connection, that all is
 * over. */
enum ctl_exit ctl_stop(const struct ctl *ctl)
{
	const struct control_request request = {
		.verb = ctl->now ? CONTROL_VERB_STOP_NOW : CONTROL_VERB_STOP};
	struct client client;
	struct answer answer;
	enum ctl_exit printed = CTL_OK;
	enum ctl_exit result = answer_ask(
		&answer, &client, ctl, &request, ANSWER_PATIENCE_LONG_NS);
	bool answered = result == CTL_OK;

	if (result == CTL_OK)
		result = answer_verdict(&answer);
	if (result == CTL_OK)
		result = answer_wait_for_end(&answer, &client);
	if (result == CTL_OK)
		client_see_off(&client);
	if (answered && ctl->json)
		printed = print_json(&answer, result == CTL_OK);
	if (report_stuck(&answer) > 0 && result == CTL_OK)
		result = CTL_FAILED;
	if (result == CTL_OK && !ctl->json)
		say_line(stdout, "stopped");
	client_finish(&client);
	answer_finish(&answer);
	return result != CTL_OK ? result : printed;
}
