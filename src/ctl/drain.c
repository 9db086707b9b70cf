/* SPDX-License-Identifier: MIT */
#include "ctl/ctl.h"

#include <stdio.h>

#include "ctl/answer.h"
#include "ctl/document.h"
#include "ctl/say.h"
#include "ctl/stuck.h"

static enum ctl_exit make_request(const struct ctl *ctl, const char *verb,
	struct control_request *request)
{
	if ((ctl->words_n == 0) != ctl->all) {
		say_complaint("%s: name a service, or say --all", verb);
		return CTL_USAGE;
	}
	if (ctl->all || answer_name_service(ctl->words[0], request))
		return CTL_OK;
	say_complaint("there is no service '%s'", ctl->words[0]);
	return CTL_FAILED;
}

static enum ctl_exit print_json(const struct answer *answer)
{
	json_t *document = document_create();

	document_set(document, "result", document_text(answer->end.end.result));
	document_set(document, "text", document_text(answer->end.end.text));
	document_set(document, "stuck", stuck_document(answer));
	return document_print(document);
}

static enum ctl_exit ask(const struct ctl *ctl, const char *verb,
	struct control_request *request, const char *done)
{
	struct answer answer;
	enum ctl_exit printed = CTL_OK;
	enum ctl_exit result = make_request(ctl, verb, request);

	if (result != CTL_OK)
		return result;
	result = answer_get(&answer, ctl, request, ANSWER_PATIENCE_LONG_NS);
	if (result == CTL_OK) {
		if (ctl->json)
			printed = print_json(&answer);
		result = answer_verdict(&answer);
		(void)stuck_complain(&answer);
	}
	if (result == CTL_OK && !ctl->json)
		say_line(stdout, "%s: %s",
			ctl->all ? "all services" : ctl->words[0], done);
	answer_finish(&answer);
	return result != CTL_OK ? result : printed;
}

enum ctl_exit ctl_drain(const struct ctl *ctl)
{
	struct control_request request = {.verb = CONTROL_VERB_DRAIN};

	return ask(ctl, "drain", &request,
		"drained; clients wait until `ostler resume`");
}

enum ctl_exit ctl_resume(const struct ctl *ctl)
{
	struct control_request request = {.verb = CONTROL_VERB_RESUME};

	return ask(ctl, "resume", &request, "resumed");
}
