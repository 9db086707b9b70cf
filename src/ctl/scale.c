/* SPDX-License-Identifier: MIT */
#include "ctl/ctl.h"

#include <inttypes.h>
#include <stdio.h>

#include "ctl/answer.h"
#include "ctl/document.h"
#include "ctl/say.h"

static enum ctl_exit bad_word(const char *word)
{
	say_complaint("'%s' is none of limit=N, spare_min=N and spare_max=N, "
		      "each once, with 0 to %u",
		word, CONTROL_SCALE_MOST);
	return CTL_USAGE;
}

static enum ctl_exit make_request(
	const struct ctl *ctl, struct control_request *out)
{
	if (ctl->words_n == 0) {
		say_complaint("scale: which service? try `ostler help`");
		return CTL_USAGE;
	}
	*out = (struct control_request){.verb = CONTROL_VERB_STATUS};
	for (unsigned i = 1; i < ctl->words_n; i++)
		if (!control_parse_scale(ctl->words[i], out))
			return bad_word(ctl->words[i]);
	/* Who may only look may see them. */
	if (out->scales != 0)
		out->verb = CONTROL_VERB_SCALE;
	if (answer_name_service(ctl->words[0], out))
		return CTL_OK;
	say_complaint("there is no service '%s'", ctl->words[0]);
	return CTL_FAILED;
}

static json_t *document_count(uint64_t number)
{
	return number == CONTROL_UNKNOWN ? json_null()
					 : json_integer((json_int_t)number);
}

static enum ctl_exit print_present(
	const struct ctl *ctl, const struct answer *answer)
{
	size_t from = 0;
	const struct control_record *record =
		answer_next(answer, CONTROL_SERVICE, &from);
	const struct control_service *service;
	json_t *document;

	if (record == NULL) {
		say_complaint("the service has left");
		return CTL_FAILED;
	}
	service = &record->service;
	if (service->limit == CONTROL_UNKNOWN && !ctl->json) {
		say_complaint("the master does not tell");
		return CTL_FAILED;
	}
	if (!ctl->json) {
		say_line(stdout,
			"%s: limit=%" PRIu64 " spare_min=%" PRIu64
			" spare_max=%" PRIu64,
			answer_text(service->name), service->limit,
			service->spare_min, service->spare_max);
		return CTL_OK;
	}
	document = document_create();
	document_set(document, "service", document_text(service->name));
	document_set(document, "limit", document_count(service->limit));
	document_set(document, "spare_min", document_count(service->spare_min));
	document_set(document, "spare_max", document_count(service->spare_max));
	return document_print(document);
}

static enum ctl_exit print_result(const struct answer *answer)
{
	json_t *document = document_create();

	document_set(document, "result", document_text(answer->end.end.result));
	document_set(document, "text", document_text(answer->end.end.text));
	return document_print(document);
}

enum ctl_exit ctl_scale(const struct ctl *ctl)
{
	struct control_request request;
	struct answer answer;
	enum ctl_exit printed = CTL_OK;
	enum ctl_exit result = make_request(ctl, &request);

	if (result != CTL_OK)
		return result;
	result = answer_get(&answer, ctl, &request, ANSWER_PATIENCE_NS);
	if (result == CTL_OK) {
		result = answer_verdict(&answer);
		if (request.verb == CONTROL_VERB_SCALE && ctl->json)
			printed = print_result(&answer);
		else if (request.verb == CONTROL_VERB_STATUS &&
			 result == CTL_OK)
			printed = print_present(ctl, &answer);
	}
	answer_finish(&answer);
	return result != CTL_OK ? result : printed;
}
