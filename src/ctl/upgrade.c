/* SPDX-License-Identifier: MIT */
#include "ctl/ctl.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "ctl/answer.h"
#include "ctl/document.h"
#include "ctl/say.h"

static const struct control_upgrade *upgrade_of(const struct answer *answer)
{
	size_t from = 0;
	const struct control_record *record =
		answer_next(answer, CONTROL_UPGRADE, &from);

	return record == NULL ? NULL : &record->upgrade;
}

static enum ctl_exit print_json(const struct answer *answer)
{
	json_t *document = document_create();

	document_set(document, "result", document_text(answer->end.end.result));
	document_set(document, "text", document_text(answer->end.end.text));
	document_set(
		document, "upgrade", document_only(answer, CONTROL_UPGRADE));
	return document_print(document);
}

static void print_upgrade(const struct control_upgrade *upgrade)
{
	if (upgrade != NULL)
		say_line(stdout,
			"upgraded: %s, before %s; pid %" PRIu64 " as ever",
			answer_text(upgrade->after),
			answer_text(upgrade->before), upgrade->pid);
}

enum ctl_exit ctl_upgrade(const struct ctl *ctl)
{
	struct control_request request = {.verb = CONTROL_VERB_UPGRADE};
	struct answer answer;
	enum ctl_exit printed = CTL_OK;
	enum ctl_exit result;

	if (ctl->words_n > 0 && !control_can_name(ctl->words[0])) {
		say_complaint("that cannot be the path of a program");
		return CTL_USAGE;
	}
	if (ctl->words_n > 0)
		memcpy(request.path, ctl->words[0], strlen(ctl->words[0]) + 1);
	result = answer_get(&answer, ctl, &request, ANSWER_PATIENCE_LONG_NS);
	if (result == CTL_OK) {
		result = answer_verdict(&answer);
		if (ctl->json)
			printed = print_json(&answer);
		else if (result == CTL_OK)
			print_upgrade(upgrade_of(&answer));
	}
	answer_finish(&answer);
	return result != CTL_OK ? result : printed;
}
