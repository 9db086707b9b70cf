/* SPDX-License-Identifier: MIT */
#include "ctl/ctl.h"

#include <stdio.h>
#include <string.h>

#include "ctl/answer.h"
#include "ctl/say.h"

/* Nobody who pressed a key wants to wait for a busy master. */
#define PATIENCE_NS (UINT64_C(500) * 1000000)

static void offer(const char *word, const char *meaning)
{
	say_line(stdout, "%s%s%s", word, meaning[0] != '\0' ? " - " : "",
		meaning);
}

static void offer_verbs(void)
{
	for (unsigned i = 0; i < ctl_verbs_n; i++)
		if ((ctl_verbs[i].takes & CTL_HIDDEN) == 0)
			offer(ctl_verbs[i].name, ctl_verbs[i].summary);
}

static void offer_options(void)
{
#define OPTION(letter, name, argument, meaning) offer("--" name, meaning);
	CTL_OPTIONS(OPTION)
#undef OPTION
}

static void offer_services(const struct ctl *ctl)
{
	const struct control_request request = {.verb = CONTROL_VERB_STATUS};
	const struct control_record *record;
	struct ctl quiet = *ctl;
	struct answer answer;
	size_t from = 0;

	quiet.quiet = true;
	if (quiet.timeout_ns == 0 || quiet.timeout_ns > PATIENCE_NS)
		quiet.timeout_ns = PATIENCE_NS;
	if (answer_get(&answer, &quiet, &request, PATIENCE_NS) == CTL_OK)
		while ((record = answer_next(
				&answer, CONTROL_SERVICE, &from)) != NULL)
			offer(answer_text(record->service.name),
				answer_text(record->service.state));
	answer_finish(&answer);
}

/*
 * Given the words typed so far, without the one that is being typed, print
 * what that may be, one per line, as WORD or as WORD - MEANING. What is
 * unknown here (files) is left to the shell.
 */
enum ctl_exit ctl_complete(const struct ctl *ctl)
{
	if (ctl->words_n == 0)
		offer_verbs();
	else if (ctl->words_n == 1 && strcmp(ctl->words[0], "status") == 0)
		offer_services(ctl);
	offer_options();
	return CTL_OK;
}
