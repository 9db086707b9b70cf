/* SPDX-License-Identifier: MIT */
#include "ctl/ctl.h"

#include <stdio.h>
#include <string.h>

#include "ctl/answer.h"
#include "ctl/say.h"

/* What cannot be a service's name, or is a line more, is not asked for. */
static bool make_request(const char *service, struct control_request *out)
{
	char line[CONTROL_REQUEST_MAX + 1];
	int n = snprintf(line, sizeof(line), "remold %s\n", service);

	return n > 0 && n < (int)sizeof(line) &&
	       control_parse_request(line, (size_t)n, out) ==
		       CONTROL_PARSE_OK &&
	       strcmp(out->service, service) == 0;
}

enum ctl_exit ctl_remold(const struct ctl *ctl)
{
	struct control_request request = {.verb = CONTROL_VERB_REMOLD};
	struct answer answer;
	enum ctl_exit result;

	if (ctl->words_n > 0 && !make_request(ctl->words[0], &request)) {
		say_complaint("there is no service '%s'", ctl->words[0]);
		return CTL_FAILED;
	}
	result = answer_get(&answer, ctl, &request, ANSWER_PATIENCE_NS);
	if (result == CTL_OK)
		result = answer_verdict(&answer);
	answer_finish(&answer);
	return result;
}
