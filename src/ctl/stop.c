/* SPDX-License-Identifier: MIT */
#include "ctl/ctl.h"

#include <stdio.h>

#include "ctl/answer.h"
#include "ctl/document.h"
#include "ctl/say.h"
#include "ctl/stuck.h"

static enum ctl_exit print_json(const struct answer *answer, bool stopped)
{
	json_t *document = document_create();

	document_set(document, "result", document_text(answer->end.end.result));
	document_set(document, "text", document_text(answer->end.end.text));
	document_set(document, "stopped", json_boolean(stopped));
	document_set(document, "stuck", stuck_document(answer));
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
	if (stuck_complain(&answer) > 0 && result == CTL_OK)
		result = CTL_FAILED;
	if (result == CTL_OK && !ctl->json)
		say_line(stdout, "stopped");
	client_finish(&client);
	answer_finish(&answer);
	return result != CTL_OK ? result : printed;
}
