/* SPDX-License-Identifier: MIT */
#include "ctl/ctl.h"

#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/number.h"
#include "base/text.h"
#include "ctl/instance.h"
#include "ctl/say.h"

#define SOCKET_DEFAULT "/run/ostler/control.sock"
/* A month: who waits longer has forgotten it. */
#define TIMEOUT_MAX_S UINT64_C(2592000)

static const struct {
	char letter;
	const char *name;
	const char *argument;
} list[] = {
#define OPTION(letter, name, argument, meaning) {letter, name, argument},
	CTL_OPTIONS(OPTION)
#undef OPTION
};
enum { LIST_N = sizeof(list) / sizeof(list[0]) };

/* What getopt_long() wants; "[=DIR]" may be left out. */
static const struct option *long_options(void)
{
	static struct option options[LIST_N + 1];

	for (size_t i = 0; i < LIST_N; i++) {
		const char *argument = list[i].argument;

		options[i] = (struct option){.name = list[i].name,
			.has_arg = argument == NULL	? no_argument
				   : argument[0] == '[' ? optional_argument
							: required_argument,
			.val = list[i].letter};
	}
	return options;
}

enum parsed {
	PARSED_RUN,
	PARSED_HELP,
	PARSED_VERSION,
	PARSED_BAD, /* and complained about */
};

static void take_environment(struct ctl *ctl)
{
	const char *path = getenv("OSTLER_SOCKET");

	ctl->socket_is_named = path != NULL && path[0] != '\0';
	ctl->socket = ctl->socket_is_named ? path : SOCKET_DEFAULT;
}

/* "10" is seconds, as in timeout(1); "1.5s" and "2m" as in ostler.conf. */
static bool parse_timeout(const char *word, uint64_t *out_ns)
{
	const struct number_limits seconds = {1, TIMEOUT_MAX_S};
	const struct number_limits ns = {NS_PER_MS, TIMEOUT_MAX_S * NS_PER_S};
	uint64_t number;

	if (number_parse(text_of(word), seconds, &number) == NUMBER_OK) {
		*out_ns = number * NS_PER_S;
		return true;
	}
	if (number_parse_duration(text_of(word), ns, out_ns) == NUMBER_OK)
		return true;
	say_complaint("--timeout %s: not a time; write 10, 1.5s or 2m", word);
	return false;
}

static enum parsed parse_option(int letter, struct ctl *ctl)
{
	switch (letter) {
	case 's':
		ctl->socket = optarg;
		ctl->socket_is_named = true;
		ctl->socket_is_given = true;
		return PARSED_RUN;
	case 'p':
		ctl->postfix = optarg != NULL ? optarg : INSTANCE_DEFAULT;
		return PARSED_RUN;
	case 'r':
		ctl->root = optarg;
		return PARSED_RUN;
	case 'd':
		ctl->daemon_directory = optarg;
		return PARSED_RUN;
	case 'N':
		ctl->dry_run = true;
		return PARSED_RUN;
	case 'j':
		ctl->json = true;
		return PARSED_RUN;
	case 'n':
		ctl->now = true;
		return PARSED_RUN;
	case 'A':
		ctl->again = true;
		return PARSED_RUN;
	case 'a':
		ctl->all = true;
		return PARSED_RUN;
	case 'w':
		ctl->no_wait = true;
		return PARSED_RUN;
	case 't':
		return parse_timeout(optarg, &ctl->timeout_ns) ? PARSED_RUN
							       : PARSED_BAD;
	case 'h':
		return PARSED_HELP;
	case 'V':
		return PARSED_VERSION;
	}
	return PARSED_BAD;
}

/* getopt() stops at "--" as it does at a word, but steps over it. */
static bool options_are_over(char **argv)
{
	return strcmp(argv[optind - 1], "--") == 0;
}

/*
 * Options may stand before, between and behind the words, whatever
 * POSIXLY_CORRECT says: WORDS, of which there is room for argc, gets the words.
 */
static enum parsed parse(
	int argc, char **argv, struct ctl *ctl, char **words, unsigned *out_n)
{
	unsigned n = 0;

	while (optind < argc) {
		int letter = getopt_long(argc, argv, "+s:p::jt:nAawNr:d:Vh",
			long_options(), NULL);
		enum parsed parsed;

		if (letter == -1 && options_are_over(argv))
			break;
		if (letter == -1) {
			words[n++] = argv[optind++];
			continue;
		}
		parsed = parse_option(letter, ctl);
		if (parsed != PARSED_RUN)
			return parsed;
	}
	while (optind < argc)
		words[n++] = argv[optind++];
	*out_n = n;
	return PARSED_RUN;
}

static const struct ctl_verb *find_verb(const char *name)
{
	for (unsigned i = 0; i < ctl_verbs_n; i++)
		if (strcmp(name, ctl_verbs[i].name) == 0)
			return &ctl_verbs[i];
	return NULL;
}

static enum ctl_exit usage(const char *what, const char *word)
{
	say_complaint("%s%s%s; `ostler help` shows what there is", what,
		word[0] != '\0' ? " " : "", word);
	return CTL_USAGE;
}

static bool has_switch_options(const struct ctl *ctl)
{
	return ctl->dry_run || ctl->root != NULL ||
	       ctl->daemon_directory != NULL;
}

/* -s is stronger than --postfix, which is stronger than the environment. */
static bool find_socket(struct ctl *ctl, const struct ctl_verb *verb)
{
	static char path[PATH_MAX];
	bool quiet = (verb->takes & CTL_HIDDEN) != 0;

	if (ctl->postfix == NULL || ctl->socket_is_given)
		return true;
	if (!instance_find_socket(ctl->postfix, quiet, path, sizeof(path)))
		return quiet;
	ctl->socket = path;
	ctl->socket_is_named = true;
	return true;
}

static enum ctl_exit run(struct ctl *ctl, char **words, unsigned words_n)
{
	const struct ctl_verb *verb;

	if (words_n == 0)
		return usage("no verb is given", "");
	verb = find_verb(words[0]);
	if (verb == NULL)
		return usage("there is no verb", words[0]);
	ctl->words = words + 1;
	ctl->words_n = words_n - 1;
	if (ctl->words_n > verb->words_max)
		return usage("too many words after", verb->name);
	if (ctl->json && (verb->takes & CTL_TAKES_JSON) == 0)
		return usage("there is no --json for", verb->name);
	if (ctl->now && (verb->takes & CTL_TAKES_NOW) == 0)
		return usage("there is no --now for", verb->name);
	if (ctl->again && (verb->takes & CTL_TAKES_AGAIN) == 0)
		return usage("there is no --again for", verb->name);
	if (ctl->all && (verb->takes & CTL_TAKES_ALL) == 0)
		return usage("there is no --all for", verb->name);
	if (ctl->no_wait && (verb->takes & CTL_TAKES_NO_WAIT) == 0)
		return usage("there is no --no-wait for", verb->name);
	if (has_switch_options(ctl) && (verb->takes & CTL_TAKES_SWITCH) == 0)
		return usage(
			"there is no --dry-run, --root or --daemon-directory for",
			verb->name);
	if ((verb->takes & CTL_ASKS) != 0 && !find_socket(ctl, verb))
		return CTL_FAILED;
	return verb->run(ctl);
}

/* An answer that did not reach the file it was meant for was not given. */
static enum ctl_exit finish(enum ctl_exit result)
{
	if (fflush(stdout) == 0 && ferror(stdout) == 0)
		return result;
	say_complaint("cannot write the answer");
	return result != CTL_OK ? result : CTL_FAILED;
}

int main(int argc, char **argv)
{
	struct ctl ctl = {.socket = NULL};
	char **words = calloc((size_t)argc + 1, sizeof(*words));
	enum ctl_exit result = CTL_FAILED;
	unsigned words_n = 0;

	if (words == NULL)
		return CTL_FAILED;
	take_environment(&ctl);
	switch (parse(argc, argv, &ctl, words, &words_n)) {
	case PARSED_RUN:
		result = run(&ctl, words, words_n);
		break;
	case PARSED_HELP:
		result = ctl_help(&ctl);
		break;
	case PARSED_VERSION:
		printf("ostler %s\n", OSTLER_VERSION);
		result = CTL_OK;
		break;
	case PARSED_BAD:
		result = CTL_USAGE;
		break;
	}
	free(words);
	return (int)finish(result);
}
