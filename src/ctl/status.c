/* SPDX-License-Identifier: MIT */
#include "ctl/status.h"

#include <stdio.h>
#include <string.h>

#include "ctl/answer.h"
#include "ctl/grid.h"
#include "ctl/near.h"
#include "ctl/say.h"

/* What cannot be a service's name, or is a line more, is not asked for. */
static bool make_request(const char *service, struct control_request *out)
{
	char line[CONTROL_REQUEST_MAX + 1];
	int n = snprintf(line, sizeof(line), "status %s\n", service);

	return n > 0 && n < (int)sizeof(line) &&
	       control_parse_request(line, (size_t)n, out) ==
		       CONTROL_PARSE_OK &&
	       strcmp(out->service, service) == 0;
}

/* The names near TYPED, "a or b", in OUT. */
static void find_near(
	const struct answer *all, const char *typed, char *out, size_t size)
{
	const struct control_record *record;
	size_t from = 0;
	size_t n = 0;

	out[0] = '\0';
	while ((record = answer_next(all, CONTROL_SERVICE, &from)) != NULL) {
		const char *name = answer_text(record->service.name);

		if (!near_enough(typed, name) || n + strlen(name) + 8 > size)
			continue;
		n += (size_t)snprintf(
			out + n, size - n, "%s%s", n > 0 ? " or " : "", name);
	}
}

static enum ctl_exit no_such_service(const struct ctl *ctl, const char *typed)
{
	const struct control_request request = {.verb = CONTROL_VERB_STATUS};
	struct answer all;
	char near[512];
	enum ctl_exit result =
		answer_get(&all, ctl, &request, ANSWER_PATIENCE_NS);

	if (result == CTL_OK) {
		find_near(&all, typed, near, sizeof(near));
		if (near[0] != '\0')
			say_complaint(
				"there is no service '%s'; did you mean %s?",
				typed, near);
		else
			say_complaint(
				"there is no service '%s'; `ostler status` shows which there are",
				typed);
		result = CTL_FAILED;
	}
	answer_finish(&all);
	return result;
}

static enum ctl_exit show(const struct ctl *ctl, const struct answer *answer)
{
	enum ctl_exit result;

	if (answer->end.end.code == CONTROL_CODE_NO_SERVICE && ctl->words_n > 0)
		return no_such_service(ctl, ctl->words[0]);
	result = answer_verdict(answer);
	if (result != CTL_OK)
		return result;
	if (ctl->json)
		return status_print_json(answer);
	return status_print_text(answer, grid_may_colour());
}

enum ctl_exit ctl_status(const struct ctl *ctl)
{
	struct control_request request = {.verb = CONTROL_VERB_STATUS};
	struct answer answer;
	enum ctl_exit result;

	if (ctl->words_n > 0 && !make_request(ctl->words[0], &request))
		return no_such_service(ctl, ctl->words[0]);
	result = answer_get(&answer, ctl, &request, ANSWER_PATIENCE_NS);
	if (result == CTL_OK)
		result = show(ctl, &answer);
	answer_finish(&answer);
	return result;
}
