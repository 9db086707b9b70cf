/* SPDX-License-Identifier: MIT */
#include "ctl/ctl.h"

#include <stdio.h>
#include <string.h>

#include "ctl/answer.h"
#include "ctl/document.h"
#include "ctl/say.h"

static const struct {
	const char *how;
	const char *words;
} changes[] = {
	{"added", "added"},
	{"removed", "removed"},
	{"changed", "changed (its workers are replaced)"},
	{"policy", "changed (its workers stay)"},
};

static const char *words_of(const char *how)
{
	for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++)
		if (strcmp(how, changes[i].how) == 0)
			return changes[i].words;
	return how;
}

/* Complaints are not an answer: they go where the failure is told. */
static void print_complaints(const struct answer *answer)
{
	const struct control_record *record;
	size_t from = 0;

	while ((record = answer_next(answer, CONTROL_DIAG, &from)) != NULL)
		say_line(stderr, "%s", answer_text(record->diag.text));
}

static void print_changes(const struct ctl *ctl, const struct answer *answer)
{
	const struct control_record *record;
	unsigned same = 0;
	unsigned other = 0;
	size_t from = 0;

	while ((record = answer_next(answer, CONTROL_CHANGE, &from)) != NULL) {
		const char *how = answer_text(record->change.how);

		if (strcmp(how, "same") == 0) {
			same++;
			continue;
		}
		other++;
		say_line(stdout, "%s: %s", answer_text(record->change.service),
			words_of(how));
	}
	/* Postfix's daemons read main.cf at their start, and only then. */
	say_line(stdout, "reloaded: %u changed, %u as before%s", other, same,
		ctl->postfix != NULL
			? "; every process begins anew when it is free"
			: "");
}

static enum ctl_exit print_json(const struct answer *answer)
{
	json_t *document = document_create();
	json_t *services = json_array();
	json_t *complaints = json_array();
	const struct control_record *record;
	size_t from = 0;

	while ((record = answer_next(answer, CONTROL_CHANGE, &from)) != NULL)
		document_append(services, document_record(record, NULL));
	from = 0;
	while ((record = answer_next(answer, CONTROL_DIAG, &from)) != NULL)
		document_append(complaints, document_text(record->diag.text));
	document_set(document, "result", document_text(answer->end.end.result));
	document_set(document, "text", document_text(answer->end.end.text));
	document_set(document, "services", services);
	document_set(document, "complaints", complaints);
	return document_print(document);
}

enum ctl_exit ctl_reload(const struct ctl *ctl)
{
	const struct control_request request = {.verb = CONTROL_VERB_RELOAD};
	struct answer answer;
	enum ctl_exit result;
	enum ctl_exit printed = CTL_OK;

	result = answer_get(&answer, ctl, &request, ANSWER_PATIENCE_LONG_NS);
	if (result == CTL_OK) {
		if (!ctl->json)
			print_complaints(&answer);
		else
			printed = print_json(&answer);
		result = answer_verdict(&answer);
		if (result == CTL_OK && !ctl->json)
			print_changes(ctl, &answer);
	}
	answer_finish(&answer);
	return result != CTL_OK ? result : printed;
}
