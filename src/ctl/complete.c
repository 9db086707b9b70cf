/* SPDX-License-Identifier: MIT */
#include "ctl/ctl.h"

#include <stdio.h>
#include <string.h>

#include "ctl/answer.h"
#include "ctl/say.h"

/* Nobody who pressed a key wants to wait for a busy master. */
#define PATIENCE_NS (UINT64_C(500) * 1000000)

/* MEANING is NULL for shells that show none. */
static void offer(const char *word, const char *meaning)
{
	say_text(stdout, word);
	if (meaning != NULL) {
		putchar('\t');
		say_text(stdout, meaning);
	}
	putchar('\n');
}

static void offer_verbs(bool described)
{
	for (unsigned i = 0; i < ctl_verbs_n; i++)
		if ((ctl_verbs[i].takes & CTL_HIDDEN) == 0)
			offer(ctl_verbs[i].name,
				described ? ctl_verbs[i].summary : NULL);
}

static void offer_services(const struct ctl *ctl, bool described)
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
				described ? answer_text(record->service.state)
					  : NULL);
	answer_finish(&answer);
}

static void offer_switch(bool described)
{
	offer("enable", described ? "put ostler in place" : NULL);
	offer("disable", described ? "go back" : NULL);
	offer("status", described ? "show what is in place" : NULL);
}

/* What is not known here (a file of `check`, `plan`) is left to the shell. */
static enum ctl_exit complete(const struct ctl *ctl, bool described)
{
	if (ctl->words_n == 0)
		offer_verbs(described);
	else if (ctl->words_n == 1 &&
		 (strcmp(ctl->words[0], "status") == 0 ||
			 strcmp(ctl->words[0], "remold") == 0 ||
			 strcmp(ctl->words[0], "drain") == 0 ||
			 strcmp(ctl->words[0], "resume") == 0 ||
			 strcmp(ctl->words[0], "scale") == 0))
		offer_services(ctl, described);
	else if (ctl->words_n == 1 && strcmp(ctl->words[0], "postfix") == 0)
		offer_switch(described);
	return CTL_OK;
}

enum ctl_exit ctl_complete(const struct ctl *ctl)
{
	return complete(ctl, false);
}

enum ctl_exit ctl_describe(const struct ctl *ctl)
{
	return complete(ctl, true);
}

enum ctl_exit ctl_options(const struct ctl *ctl)
{
	(void)ctl;
#define OPTION(letter, name, argument, meaning) offer("--" name, meaning);
	CTL_OPTIONS(OPTION)
#undef OPTION
	return CTL_OK;
}
