/* SPDX-License-Identifier: MIT */
#include "ctl/ctl.h"

#include <stdio.h>

static const struct {
	char letter;
	const char *name;
	const char *argument;
	const char *meaning;
} options[] = {
#define OPTION(letter, name, argument, meaning)                                \
	{letter, name, argument, meaning},
	CTL_OPTIONS(OPTION)
#undef OPTION
};

static const struct {
	int number;
	const char *meaning;
} exits[] = {
#define EXIT(name, number, meaning) {number, meaning},
	CTL_EXITS(EXIT)
#undef EXIT
};

static void print_verbs(void)
{
	char usage[64];

	for (unsigned i = 0; i < ctl_verbs_n; i++) {
		const struct ctl_verb *verb = &ctl_verbs[i];

		if ((verb->takes & CTL_HIDDEN) != 0)
			continue;
		snprintf(usage, sizeof(usage), "%s %s", verb->name,
			verb->arguments);
		printf("  %-28s %s\n", usage, verb->summary);
	}
}

enum ctl_exit ctl_help(const struct ctl *ctl)
{
	char usage[64];

	(void)ctl;
	printf("usage: ostler [options] verb [arguments]\n\nVerbs:\n");
	print_verbs();
	printf("\nOptions:\n");
	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
		const char *argument = options[i].argument;

		snprintf(usage, sizeof(usage), "-%c, --%s%s%s",
			options[i].letter, options[i].name,
			argument != NULL && argument[0] != '[' ? " " : "",
			argument != NULL ? argument : "");
		printf("  %-28s %s\n", usage, options[i].meaning);
	}
	printf("\nExit status:\n");
	for (size_t i = 0; i < sizeof(exits) / sizeof(exits[0]); i++)
		printf("  %-28d %s\n", exits[i].number, exits[i].meaning);
	printf("\nThe whole story: man ostler\n");
	return CTL_OK;
}
